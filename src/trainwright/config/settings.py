"""Every setting as a typed field: default, unit, meaning, and the tasks that it is for.

A setting whose default is ``None`` is derived from the data when it is not given, and said with its reason. ``0`` and
``""`` switch a thing off. ``optimizer``, ``schedule`` and ``loss`` are named as torch names them and take torch's own
arguments beside the name, so those tables are open here and checked against torch when the run is built.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from math import isfinite, isqrt
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, model_validator

from trainwright.config.kinds import KINDS
from trainwright.data.read.options import DELIMITERS
from trainwright.errors import error, nearest
from trainwright.fields import DECLARED, MOST, Declared, Fraction, Names, Period, Seconds, Strict, Words, setting
from trainwright.models.catalog import ModelSettings, models
from trainwright.watch import metrics

MOST_PIXELS = 1 << 22  # of an image as a network sees it
MOST_CONTEXT = 1 << 20  # tokens
MOST_THREADS = 1024
MOST_FOLDS = 20
MOST_POWER = 3  # of weights that balance classes


def _folds(value: int) -> int:
    if value and not 2 <= value <= MOST_FOLDS:
        raise ValueError(f"0, or from 2 to {MOST_FOLDS}")
    return value


def _split_name(value: str) -> str:
    if value in ("content", "stratified") or re.fullmatch(r"(group|time|column):.+", value):
        return value
    raise ValueError("one of content, stratified, group:COLUMN, time:COLUMN, column:COLUMN")


def _delimiter(value: object) -> object:
    """Return the character of a delimiter, which may be said by its name or as ``\\t``; anything else as it is."""
    named = {name: mark for mark, name in DELIMITERS.items()} | {r"\t": "\t"}
    return named.get(value, value) if isinstance(value, str) else value


def _one_mark(value: str) -> str:
    if value and (len(value) > 1 or not value.isascii() or value.isalnum() or value in '"\r\n\0'):
        raise ValueError(f"one character that is no letter, digit or quote, or its name: {', '.join(DELIMITERS.values())}")
    return value


def _codec(value: str) -> str:
    """Return Python's name of an encoding of text."""
    try:
        "".encode(value or "utf-8")  # refuses what is no encoding of text
        return codecs.lookup(value).name if value else ""
    except (LookupError, ValueError) as problem:
        raise ValueError("the name of an encoding, such as utf-8, gb18030, windows-1251 or shift-jis") from problem


if TYPE_CHECKING:
    TaskName = str
else:
    TaskName = Literal["auto", *KINDS]
Delimiter = Annotated[str, BeforeValidator(_delimiter), AfterValidator(_one_mark)]
Encoding = Annotated[str, AfterValidator(_codec)]
Folds = Annotated[int, AfterValidator(_folds)]
SplitName = Annotated[str, AfterValidator(_split_name)]


LABELLED = " ".join(name for name, kind in KINDS.items() if kind.labelled)
EXECUTION_SETTINGS = (
    "precision",
    "layout",
    "threads",
    "compile",
    "graph",
)  # how an update is computed: what ``speed`` measures
FREE = "ScheduleFree"  # how the names of optimisers end that need no schedule
AUGMENTATIONS = ("shift", "flip", "crop", "cutout", "mixup")


def _augmentations(values: list[str]) -> list[str]:
    if values == ["none"]:
        return []
    for value in values:
        if value not in AUGMENTATIONS:
            raise ValueError(f"{nearest(value, AUGMENTATIONS)} The choices are {', '.join(AUGMENTATIONS)}.".strip())
    return values


def _class_weights(value: dict[str, float] | str) -> dict[str, float] | str:
    if isinstance(value, str) and not re.fullmatch(r"none|balanced|power:(\d+\.?\d*|\.\d+)", value):
        raise ValueError("none, balanced, power:0.5 or another power, or class_weights.NAME=3 for a class by its name")
    if isinstance(value, str) and value.startswith("power:") and not 0 < float(value.removeprefix("power:")) <= MOST_POWER:
        raise ValueError(f"the power is above 0, and {MOST_POWER} at most")
    return value


def check_monitor(name: str, predicts: Iterable[str]) -> None:
    """Raise E302 where no metric of that name is for such targets."""
    fit = metrics.fitting(*predicts)
    if name not in fit:
        raise error("E302", key="monitor", value=name, problem=f"it is one of {', '.join(fit)}", hint=nearest(name, fit))


class Named(BaseModel):
    """A class of torch by its own name, with its own arguments; checked against torch when the run is built."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, defer_build=True)
    name: str

    @model_validator(mode="after")
    def _plain(self) -> Self:
        """Check that arguments are what settings.toml and a checkpoint can hold, and are the same when they are read again."""
        for name, value in self.arguments.items():
            for each in value if isinstance(value, list) else [value]:
                if not isinstance(each, bool | int | float | str) or (isinstance(each, float) and not isfinite(each)):
                    raise ValueError(f"{name} is a finite number, a word, true or false, or a list of these")
        return self

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the arguments beside the name."""
        return dict(self.model_extra or {})


class Schedule(Named):
    """A class of ``torch.optim.lr_scheduler``; ``every`` says what one of its steps is."""

    every: Literal["step", "epoch"] = "step"


def _model(value: object) -> object:
    """Give the settings of a model the type that its name says."""
    known = models().get(str(value.get("name"))) if isinstance(value, dict) else None
    return known.settings.model_validate(value) if known else value


Rate = Annotated[float, Field(ge=0, le=MOST)]
ClassWeights = Annotated[dict[str, Rate] | str, AfterValidator(_class_weights)]
ModelChoice = Annotated[SerializeAsAny[ModelSettings], BeforeValidator(_model)]


class Settings(Strict):
    """All settings of a run."""

    @property
    def network(self) -> Any:
        """Return the settings of the model, which is chosen once the task is known."""
        assert self.model is not None
        return self.model

    task: TaskName = setting("auto", "the kind of problem; auto = derived")
    delimiter: Delimiter = setting("", "between the fields of a file: a character or its name; empty = derived", only=LABELLED)
    encoding: Encoding = setting("", "of text files, as Python names it: gb18030, cp1251; empty = derived")
    header: Literal["auto", "yes", "no"] = setting(
        "auto", "whether a file's first record names the columns; auto = derived", only=LABELLED
    )
    text: Words = setting([], "text columns; several are joined in this order; empty = derived", only="text language")
    image: str = setting("", "the column of image paths; empty = derived", only="image")
    features: Words = setting([], "columns to predict from; empty = derived", only="table")
    label: Names = setting(
        "", "the column to predict; several of 0 and 1 with commas between: a label each; empty = derived", only=LABELLED
    )
    target: Literal["class", "number", "labels"] | None = setting(
        None, "what the label is: a class, a number, or labels, of which a row may have several", only=LABELLED
    )
    columns: dict[str, Declared] = setting(
        {}, f"what a column holds, columns.NAME=KIND: {', '.join(DECLARED)}; the others are told by their values", only=LABELLED
    )
    decimal: Literal["point", "comma"] | None = setting(None, "the decimal mark of numbers in text", only=LABELLED)
    dates: Literal["ymd", "dmy", "mdy"] | None = setting(None, "the order of year, month and day in dates", only=LABELLED)
    labels: Literal["keep", "merge"] = setting(
        "keep",
        "labels that differ only in letter case, blanks, hyphens, dots or Unicode form: classes of their own, or one",
        only=LABELLED,
    )
    split: SplitName | None = setting(
        None,
        "how rows are split: content, stratified, group:COLUMN, time:COLUMN, or as a column says (column:COLUMN)",
        only=LABELLED,
    )
    valid_fraction: Fraction | None = setting(None, "part of the rows kept for validation", "fraction")
    test_fraction: Fraction | None = setting(None, "part of the rows kept for the test", "fraction")
    train_fraction: Annotated[float, Field(gt=0, lt=1)] | None = setting(
        None, "learn from this part of the training rows alone; a smaller part lies in every larger one", "fraction"
    )

    tokenizer: Literal["words", "basic-english", "characters", "bytes", "bpe"] | None = setting(
        None, "how a text becomes tokens", only="text language table"
    )
    lowercase: bool = setting(True, "fold upper case to lower case", only="text table")
    min_count: int | None = setting(
        None, "a token, n-gram or category must occur so often in the training split", "times", only="text language table", ge=1
    )
    max_vocabulary: int | None = setting(
        None, "keep so many tokens and n-grams at most, the most frequent; 0 = all", only="text language table", ge=0
    )
    max_tokens: int | None = setting(None, "read so many tokens of a text at most; 0 = all", "tokens", only="text", ge=0)
    vocabulary: Literal["keep", "extend"] = setting(
        "keep", "with --from: the tokens of the earlier run, or also those that are new", only="text language"
    )
    context: int | None = setting(
        None,
        "length of back-propagation through time (lstm), or of the window (gpt)",
        "tokens",
        only="language",
        gt=0,
        le=MOST_CONTEXT,
    )
    size: int | None = setting(
        None, "images are brought to this height and width", "pixels", only="image", gt=0, le=isqrt(MOST_PIXELS)
    )
    channels: Literal[1, 3] | None = setting(None, "1 = grey, 3 = colour", only="image")
    augment: Annotated[Words, AfterValidator(_augmentations)] | None = setting(
        None, "random changes to training images: shift, flip, crop, cutout, mixup; none = off", only="image"
    )
    workers: int | None = setting(
        None, "processes that decode images on the way, when they do not fit in memory", "processes", only="image", ge=0
    )

    choose: Literal["auto", "off"] = setting(
        "off",
        "auto = where model and encoding are left open, candidates are measured out of fold, and the best is taken; "
        "off = rules alone",
        only="text table",
    )
    folds: Folds = setting(
        0,
        "in place of validation rows: each training row is judged by one of so many models that never saw it, and the model "
        "itself learns from all; 0 = validation rows",
        only="text table",
    )
    model: ModelChoice | None = setting(None, "the network")
    freeze: Words = setting([], "modules whose parameters stay as they are, by their names")
    optimizer: Named | None = setting(None, "a class of torch.optim, with its arguments; Muon: AdamW beside it")
    lr: float | None = setting(None, "learning rate", ge=0)
    rates: dict[str, Rate] = setting(
        {}, "modules that learn at a part of lr, by their names as freeze has them: rates.NAME=0.1; 0 = not at all"
    )
    decay: Literal["matrices", "all"] | None = setting(
        None, "what optimizer.weight_decay holds back: matrices, embeddings among them, but no biases and norms; or all"
    )
    schedule: list[Schedule] | None = setting(None, "classes of torch.optim.lr_scheduler, chained; [] = constant")
    ema: Fraction = setting(
        0.0,
        "averages of the parameters, which are validated and kept, keep this share of themselves at each update, such as "
        "0.999; 0 = none",
        "share",
    )
    warmup: float = setting(0.0, "linear warm-up: a number of steps, or below 1 a part of the run", "steps", ge=0)
    loss: Named | None = setting(
        None, "a loss class of torch.nn, SquaredHingeLoss, FocalLoss or SigmoidFocalLoss, with its arguments"
    )
    label_smoothing: Fraction = setting(0.0, "probability spread over all classes in the target", "probability", only=LABELLED)
    class_weights: ClassWeights | None = setting(
        None,
        "what classes count in the loss: balanced = each the same, power:0.5 = a power of that, or class_weights.NAME=3",
        only=LABELLED,
    )
    threshold: Literal["auto"] | Fraction | None = setting(
        None,
        "of two classes, from which probability on the second is the answer (0.5), or auto = best on validation; of labels the "
        "same for all, or auto, which is the default",
        "probability",
        only=LABELLED,
    )
    calibrate: Literal["auto", "off", "on"] = setting(
        "auto",
        "scale probabilities by a temperature fitted on validation; auto = where it helps beyond noise",
        only=LABELLED,
    )
    sample_weight: str = setting(
        "", "the column of what each row counts in the loss of training; scores count every row once", only=LABELLED
    )
    clip: float | None = setting(None, "clip the norm of the gradient to this; 0 = off", ge=0)
    clip_value: float = setting(0.0, "clip each entry of the gradient to +- this; 0 = off", ge=0, le=MOST)

    batch_size: int | None = setting(None, "rows of one forward pass", "rows", gt=0)
    accumulate: int = setting(1, "forward passes whose gradients make one update", "batches", gt=0)
    epochs: int | None = setting(None, "passes over the training split", "epochs", ge=0)
    steps: int = setting(0, "stop after so many updates; 0 = no limit", "updates", ge=0)
    time: Seconds = setting(
        0.0,
        "the whole training, validation included, takes so long at most, and the rate falls by it: 90s, 5m, 2h; 0 = no limit",
        "seconds",
        ge=0,
    )
    patience: int = setting(0, "stop when validation has not improved for so many epochs; 0 = off", "epochs", ge=0)
    keep: Literal["best", "last"] | None = setting(
        None, "the parameters of which epoch are kept: the best one on validation, or the last one"
    )
    checkpoint_every: Period = setting(
        "60s", "save all that is needed to go on: by time (at most 1 % of it), steps or epochs; 0 = only at the end"
    )
    on_nonfinite: Literal["stop", "skip", "rollback"] = setting(
        "stop",
        "when loss or gradient is not finite: stop, skip the update, or rollback to the last checkpoint and pass its rows over",
    )
    monitor: str = setting("loss", f"the validation metric whose best epoch is kept: {', '.join(metrics.METRICS)}")

    baselines: Literal["auto", "all", "off"] = setting(
        "auto",
        "simple models that the result is compared with: auto = those that take a moment, all, or off = a constant alone",
    )

    seed: int = setting(0, "fixes initial weights, order and dropout", ge=0, lt=2**63)
    device: str = setting("auto", "cpu, cuda, mps, or auto = the fastest present")
    speed: Literal["auto", "off"] = setting(
        "auto", "auto = in a run of more than five seconds, measure what is fastest: precision, layout, threads, compile"
    )
    precision: Literal["float32", "bfloat16", "float16"] | None = setting(
        None,
        "of matrix products and convolutions in training; weights and evaluation stay float32; float16 scales the loss",
    )
    layout: Literal["contiguous", "channels_last"] | None = setting(None, "of images in memory", only="image")
    compile: bool | None = setting(None, "compile the network with torch.compile", only="image language table")
    graph: bool | None = setting(None, "on a CUDA device, record an update once as a graph and wait for none")
    threads: int | None = setting(None, "processor threads of torch; 0 = torch's own choice", ge=0, le=MOST_THREADS)
