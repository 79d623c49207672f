"""The kinds of problem: one folder of ``tasks`` and one entry here each.

Code is named, ``module:attribute``, and imported by ``tasks.registry`` when it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of problem.

    Attributes:
        name: the value of the setting ``task``.
        title: what it is called in messages and reports.
        looks_like: a function that tells from ``data.read.infer_task.Evidence`` why a source is of this kind; "" = it is not.
        problem: a function that prepares a source: ``(source, settings, parent, listen)`` to a ``Problem`` and what fills the
            cache when it is called.
        predictor: a class of ``tasks.base.Predictor``.
        schema: a class of ``tasks.bundle_schema.CommonSchema``, what a bundle may hold.
        usage: words of the command line that use a model, RUN in the place of the run.
        predicts: what it may predict, which says the metrics that it has.
        labelled: whether its rows have labels, so that settings of labels, splits by row and weights of classes are for it.
        tokenizers: what its setting ``tokenizer`` may be.
    """

    name: str
    title: str
    looks_like: str
    problem: str
    predictor: str
    schema: str
    usage: str
    predicts: tuple[str, ...] = ("class",)
    labelled: bool = True
    tokenizers: tuple[str, ...] = ()


# In the order in which they are asked what a source looks like.
_KINDS = (
    Kind(
        name="text",
        title="text classification",
        looks_like="trainwright.tasks.text.reading:looks_like",
        problem="trainwright.tasks.text.problem:prepare",
        predictor="trainwright.tasks.text.predictor:TextPredictor",
        schema="trainwright.tasks.text.bundle_schema:TextBundle",
        usage='predict RUN "a new text"',
        tokenizers=("words", "basic-english", "characters"),
    ),
    Kind(
        name="image",
        title="image classification",
        looks_like="trainwright.tasks.image.reading:looks_like",
        problem="trainwright.tasks.image.problem:prepare",
        predictor="trainwright.tasks.image.predictor:ImagePredictor",
        schema="trainwright.tasks.image.bundle_schema:ImageBundle",
        usage="predict RUN picture.png",
    ),
    Kind(
        name="language",
        title="language model",
        looks_like="trainwright.tasks.language.reading:looks_like",
        problem="trainwright.tasks.language.problem:prepare",
        predictor="trainwright.tasks.language.predictor:LanguagePredictor",
        schema="trainwright.tasks.language.bundle_schema:LanguageBundle",
        usage='generate RUN --prompt "Once upon a time"',
        predicts=("token", "character", "byte"),
        labelled=False,
        tokenizers=("words", "characters", "bytes", "bpe"),
    ),
    Kind(
        name="table",
        title="table",
        looks_like="trainwright.tasks.table.reading:looks_like",
        problem="trainwright.tasks.table.problem:prepare",
        predictor="trainwright.tasks.table.predictor:TablePredictor",
        schema="trainwright.tasks.table.bundle_schema:TableBundle",
        usage="predict RUN new-rows.csv",
        predicts=("class", "number"),
    ),
)
KINDS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
