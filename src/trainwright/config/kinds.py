"""The kinds of problem: one folder of ``tasks`` and one entry here each.

Code is named, ``module:attribute``, and imported by ``tasks.registry`` when it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of problem."""

    name: str  # the value of the setting ``task``
    title: str  # what it is called in messages and reports
    looks_like: str  # a function from ``data.read.infer_task.Evidence`` to the reason why a source is of this kind; "" = is not
    problem: str  # a function from (source, settings, parent, listen) to a ``Problem`` and what fills the cache when called
    predictor: str  # a class of ``tasks.base.Predictor``
    schema: str  # a class of ``tasks.bundle_schema.CommonSchema``: what a bundle may hold
    usage: str  # words of the command line that use a model, RUN in the place of the run
    predicts: tuple[str, ...] = ("class", "number", "labels")  # which says the metrics that it has
    labelled: bool = True  # whether settings of labels, splits by row and weights of classes are for it
    tokenizers: tuple[str, ...] = ()  # what its setting ``tokenizer`` may be
    candidates: str = ""  # a function from a ``Problem`` to ``tasks.candidates.Candidate``s, those that are cheap to use first
    look: str = ""  # a function from (source, problem) to ``tasks.look.Seen``: what ``inspect`` finds beside what training does


# In the order in which they are asked what a source looks like.
_KINDS = (
    Kind(
        name="text",
        title="text classification",
        looks_like="trainwright.tasks.looks_like:text",
        problem="trainwright.tasks.text.problem:prepare",
        look="trainwright.tasks.text.look:look",
        candidates="trainwright.tasks.text.candidates:candidates",
        predictor="trainwright.tasks.text.predictor:TextPredictor",
        schema="trainwright.tasks.text.predictor:TextBundle",
        usage='predict RUN "a new text"',
        tokenizers=("words", "basic-english", "characters"),
    ),
    Kind(
        name="image",
        title="image classification",
        looks_like="trainwright.tasks.looks_like:image",
        problem="trainwright.tasks.image.problem:prepare",
        look="trainwright.tasks.image.look:look",
        predictor="trainwright.tasks.image.predictor:ImagePredictor",
        schema="trainwright.tasks.image.predictor:ImageBundle",
        usage="predict RUN picture.png",
    ),
    Kind(
        name="language",
        title="language model",
        looks_like="trainwright.tasks.looks_like:language",
        problem="trainwright.tasks.language.problem:prepare",
        look="trainwright.tasks.language.look:look",
        predictor="trainwright.tasks.language.predictor:LanguagePredictor",
        schema="trainwright.tasks.language.predictor:LanguageBundle",
        usage='generate RUN --prompt "Once upon a time"',
        predicts=("token", "character", "byte"),
        labelled=False,
        tokenizers=("words", "characters", "bytes", "bpe"),
    ),
    Kind(
        name="table",
        title="table",
        looks_like="trainwright.tasks.looks_like:table",
        problem="trainwright.tasks.table.problem:prepare",
        look="trainwright.tasks.table.look:look",
        candidates="trainwright.tasks.table.candidates:candidates",
        predictor="trainwright.tasks.table.predictor:TablePredictor",
        schema="trainwright.tasks.table.predictor:TableBundle",
        usage="predict RUN new-rows.csv",
        tokenizers=("words", "basic-english", "characters"),
    ),
)
KINDS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
