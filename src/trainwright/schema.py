"""Every setting as a typed field: default, unit, meaning, and the tasks that it is for.

A setting whose default is ``None`` is derived from the data when it is not given, and said with its reason. ``0`` and
``""`` switch a thing off. ``optimizer``, ``schedule`` and ``loss`` are named as torch names them and take torch's own
arguments beside the name, so those tables are open here and checked against torch when the run is built.
"""

from __future__ import annotations

import re
from math import isqrt
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from trainwright.errors import nearest

MOST_LAYERS = 1000  # more is a slip of the pen, or a stranger who would have us build without end
MOST_PIXELS = 1 << 22  # of an image as a network sees it
MOST_CONTEXT = 1 << 20  # tokens
MOST_THREADS = 1024
MOST_CHARACTERS = 8  # of a character n-gram
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(value: object) -> object:
    """``90``, ``"90s"``, ``"1.5h"`` as seconds; anything else is left for the type check to refuse."""
    if isinstance(value, str) and (found := re.fullmatch(r"\s*([0-9.]+)\s*([smhd])\s*", value)):
        try:
            return float(found[1]) * UNITS[found[2]]
        except ValueError:
            return value
    return value


def _words(value: object) -> object:
    """A comma-separated word as a list, for settings that take several values."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if isinstance(value, int | float) else value


def _lengths(value: object) -> object:
    """``none`` as no length at all; else as ``_words``."""
    return [] if value == "none" else _words(value)


def _distinct(values: list[int]) -> list[int]:
    """In order, each once."""
    return sorted(set(values))


def _split_name(value: str) -> str:
    if value in ("content", "stratified") or re.fullmatch(r"(group|time):.+", value):
        return value
    raise ValueError("one of content, stratified, group:COLUMN, time:COLUMN")


def _period(value: str) -> str:
    """``60s``, ``500steps``, ``2epochs`` or ``0``; one spelling of each."""
    period(value)
    return value.replace(" ", "")


def period(value: str) -> tuple[float, str]:
    """``"5m"`` as (300.0, "seconds"), ``"500 steps"`` as (500.0, "steps"); (0, "") = never. Raises ValueError."""
    if value.strip() == "0":
        return 0.0, ""
    if found := re.fullmatch(r"\s*(\d+)\s*(step|epoch)s?\s*", value):
        number, unit = float(found[1]), f"{found[2]}s"
    else:
        seconds = _seconds(value)
        number, unit = (seconds, "seconds") if isinstance(seconds, float) else (0.0, "")
    if not number > 0:
        raise ValueError("give a time, steps or epochs, such as 60s, 5m, 2h, 500steps, 1epoch; 0 = only at the end")
    return number, unit


Seconds = Annotated[float, BeforeValidator(_seconds)]
Words = Annotated[list[str], BeforeValidator(_words)]
Sizes = Annotated[list[Annotated[int, Field(gt=0)]], BeforeValidator(_words), Field(max_length=MOST_LAYERS)]
Length = Annotated[int, Field(ge=1, le=MOST_CHARACTERS)]
Lengths = Annotated[list[Length], BeforeValidator(_lengths), AfterValidator(_distinct), Field(max_length=MOST_CHARACTERS)]
Period = Annotated[str, AfterValidator(_period)]
SplitName = Annotated[str, AfterValidator(_split_name)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


TASKS = {
    "text": "text classification",
    "image": "image classification",
    "language": "language model",
    "table": "table",
}
WAYS = ("precision", "layout", "threads", "compile")  # how an update is computed: what ``speed`` measures
AUGMENTATIONS = ("shift", "flip", "crop", "cutout", "mixup")


def _augmentations(values: list[str]) -> list[str]:
    if values == ["none"]:
        return []
    for value in values:
        if value not in AUGMENTATIONS:
            raise ValueError(f"{nearest(value, AUGMENTATIONS)} The choices are {', '.join(AUGMENTATIONS)}.".strip())
    return values


def setting(default: Any, help: str, unit: str = "", only: str = "", **limits: Any) -> Any:
    """A field with its meaning and unit; ``None`` as the default means derived. ``only``: the tasks that it is for."""
    return Field(default, description=help, json_schema_extra={"unit": unit, "only": only}, **limits)


class Strict(BaseModel):
    """Settings refuse what they do not know, and non-finite numbers."""

    # Built when it is first used: of all models a command needs the settings of one, or none.
    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False, defer_build=True)


class BagSettings(Strict):
    """``bag``: the sum or mean of token and n-gram embeddings, then a linear classifier."""

    name: Literal["bag"] = "bag"
    embedding: int | None = setting(None, "embedding size; 0 = a linear model straight on the n-grams", "dimensions", ge=0)
    ngrams: int | None = setting(None, "longest word n-gram", "tokens", ge=1, le=5)
    chars: Lengths | None = setting(
        None, "lengths of character n-grams within words, which also know parts of words; none = off", "characters"
    )
    weighting: Literal["none", "tf-idf"] | None = setting(None, "weight of each token in the bag: none = the mean")
    hidden: Sizes = setting([], "widths of hidden layers between bag and classifier", "units")
    dropout: Fraction = setting(0.0, "dropout before the classifier", "probability")
    l2: float | None = setting(None, "L2 penalty on the embeddings of the tokens in a batch; on no others", ge=0)
    init_range: float = setting(0.5, "embeddings and weights start uniform in +- this; biases at zero", gt=0)


class TextCNNSettings(Strict):
    """``textcnn``: convolutions of several widths over the token sequence, the maximum over time, a linear classifier."""

    name: Literal["textcnn"] = "textcnn"
    embedding: int = setting(128, "embedding size", "dimensions", gt=0)
    filters: int = setting(128, "filters of each width", "channels", gt=0)
    widths: Sizes = setting([2, 3, 4], "filter widths", "tokens")
    dropout: Fraction = setting(0.3, "dropout before the classifier", "probability")


class LSTMSettings(Strict):
    """``lstm``: a recurrent network over the token sequence. As a classifier it takes the maximum over time; as a language
    model it carries its state from batch to batch and says the next token."""

    name: Literal["lstm"] = "lstm"
    embedding: int | None = setting(None, "embedding size", "dimensions", gt=0)
    hidden: int | None = setting(None, "state size (of each direction)", "units", gt=0)
    layers: int | None = setting(None, "recurrent layers", gt=0, le=MOST_LAYERS)
    bidirectional: bool = setting(True, "read the text in both directions", only="text")
    tied: bool | None = setting(None, "the output layer shares the weights of the embedding", only="language")
    dropout: Fraction | None = setting(None, "dropout between layers and before the output layer", "probability")
    init_range: float = setting(0.0, "all weights start uniform in +- this; 0 = what suits each layer", only="language", ge=0)


class GPTSettings(Strict):
    """``gpt``: a decoder-only transformer with rotary positions; the next token from all before it in the window."""

    name: Literal["gpt"] = "gpt"
    layers: int = setting(4, "transformer blocks", gt=0, le=MOST_LAYERS)
    heads: int = setting(4, "attention heads", gt=0)
    width: int = setting(128, "size of the embedding and of every block", "dimensions", gt=0)
    norm: Literal["rms", "layer"] = setting("rms", "RMSNorm or LayerNorm")
    feed_forward: Literal["swiglu", "gelu"] = setting("swiglu", "function inside each block: gated SiLU, or GELU")
    tied: bool = setting(True, "the output layer shares the weights of the embedding")
    dropout: Fraction = setting(0.0, "dropout after embedding, attention and feed-forward", "probability")

    @model_validator(mode="after")
    def _divides(self) -> GPTSettings:
        """Heads share the width, and rotary positions turn pairs of dimensions."""
        if self.width % (2 * self.heads):
            raise ValueError(f"the width {self.width} is not a multiple of {2 * self.heads}, twice the number of heads")
        return self


class MLPSettings(Strict):
    """``mlp``: a feed-forward network of any widths."""

    name: Literal["mlp"] = "mlp"
    hidden: Sizes | None = setting(None, "widths of the hidden layers", "units")
    activation: Literal["relu", "gelu", "silu", "tanh"] = setting("relu", "function between layers")
    dropout: Fraction | None = setting(None, "dropout after each hidden layer", "probability")


class ConvNetSettings(Strict):
    """``convnet``: a small batch-normalised convolutional network."""

    name: Literal["convnet"] = "convnet"
    channels: Sizes = setting([24, 48, 96], "channels of each convolution; each halves height and width", "channels")
    dropout: Fraction = setting(0.2, "dropout before the classifier", "probability")


class ResNetSettings(Strict):
    """``resnet``: ResNet-18 (He et al. 2016)."""

    name: Literal["resnet"] = "resnet"
    width: int = setting(64, "channels of the first stage; doubled by each of the three after it", "channels", gt=0)
    stem: Literal["cifar", "imagenet"] | None = setting(None, "first layer: 3 x 3, or 7 x 7 with pooling for large images")


class LinearSettings(Strict):
    """``linear``: one linear layer on the encoded columns."""

    name: Literal["linear"] = "linear"


ModelSettings = (
    BagSettings | TextCNNSettings | LSTMSettings | GPTSettings | MLPSettings | ConvNetSettings | ResNetSettings | LinearSettings
)
MODELS: dict[str, Any] = {m.model_fields["name"].default: m for m in get_args(ModelSettings)}
# The models of each task; the first is what is taken when none is named.
TASK_MODELS = {
    "text": ("bag", "textcnn", "lstm"),
    "image": ("convnet", "mlp", "resnet"),
    "language": ("lstm", "gpt"),
    "table": ("mlp", "linear"),
}
TOKENIZERS = {"text": ("words", "basic-english", "characters"), "language": ("words", "characters", "bytes", "bpe")}


class Named(BaseModel):
    """A class of torch by its own name, with its own arguments; checked against torch when the run is built."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, defer_build=True)
    name: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments beside the name."""
        return dict(self.model_extra or {})


class Schedule(Named):
    """A class of ``torch.optim.lr_scheduler``; ``every`` says what one of its steps is."""

    every: Literal["step", "epoch"] = "step"


class Settings(Strict):
    """All settings of a run."""

    task: Literal["auto", "text", "image", "language", "table"] = setting("auto", "the kind of problem; auto = derived")
    text: Words = setting([], "text columns; several are joined in this order; empty = derived", only="text")
    image: str = setting("", "the column of image paths; empty = derived", only="image")
    features: Words = setting([], "columns to predict from; empty = derived", only="table")
    label: str = setting("", "the column to predict; empty = derived", only="text image table")
    target: Literal["class", "number"] | None = setting(None, "what the label is: a class, or a number", only="table")
    split: SplitName = setting(
        "content", "how rows are split: content, stratified, group:COLUMN or time:COLUMN", only="text image table"
    )
    valid_fraction: Fraction | None = setting(None, "part of the rows kept for validation", "fraction")
    test_fraction: Fraction | None = setting(None, "part of the rows kept for the test", "fraction")

    tokenizer: Literal["words", "basic-english", "characters", "bytes", "bpe"] | None = setting(
        None, "how a text becomes tokens", only="text language"
    )
    lowercase: bool = setting(True, "fold upper case to lower case", only="text")
    min_count: int | None = setting(
        None, "a token, n-gram or category must occur so often in the training split", "times", only="text language table", ge=1
    )
    max_vocabulary: int | None = setting(
        None, "keep so many tokens and n-grams at most, the most frequent; 0 = all", only="text language", ge=0
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

    model: ModelSettings | None = setting(None, "the network", discriminator="name")
    freeze: Words = setting([], "modules whose parameters stay as they are, by their names")
    optimizer: Named | None = setting(None, "a class of torch.optim, with its arguments")
    lr: float | None = setting(None, "learning rate", ge=0)
    schedule: list[Schedule] | None = setting(None, "classes of torch.optim.lr_scheduler, chained; [] = constant")
    warmup: float = setting(0.0, "linear warm-up: a number of steps, or below 1 a part of the run", "steps", ge=0)
    loss: Named | None = setting(None, "a loss class of torch.nn, with its arguments")
    label_smoothing: Fraction = setting(
        0.0, "probability spread over all classes in the target", "probability", only="text image table"
    )
    class_weights: Literal["none", "balanced"] = setting(
        "none", "balanced = each class counts the same in the loss", only="text image table"
    )
    clip: float | None = setting(None, "clip the norm of the gradient to this; 0 = off", ge=0)
    clip_value: float = setting(0.0, "clip each entry of the gradient to +- this; 0 = off", ge=0)

    batch_size: int | None = setting(None, "rows of one forward pass", "rows", gt=0)
    accumulate: int = setting(1, "forward passes whose gradients make one update", "batches", gt=0)
    epochs: int | None = setting(None, "passes over the training split", "epochs", ge=0)
    steps: int = setting(0, "stop after so many updates; 0 = no limit", "updates", ge=0)
    time: Seconds = setting(0.0, "stop training after so long: 90s, 5m, 2h; 0 = no limit", "seconds", ge=0)
    patience: int = setting(0, "stop when validation has not improved for so many epochs; 0 = off", "epochs", ge=0)
    checkpoint_every: Period = setting(
        "60s", "save all that is needed to go on: by time (at most 1 % of it), steps or epochs; 0 = only at the end"
    )
    on_nonfinite: Literal["stop", "skip", "rollback"] = setting(
        "stop",
        "when loss or gradient is not finite: stop, skip the update, or rollback to the last checkpoint and pass its rows over",
    )
    monitor: Literal["accuracy", "loss"] = setting("loss", "the validation score whose best epoch is kept")

    seed: int = setting(0, "fixes initial weights, order and dropout", ge=0, lt=2**63)
    device: str = setting("auto", "cpu, cuda, mps, or auto = the fastest present")
    speed: Literal["auto", "off"] = setting(
        "auto", "auto = in a run of more than five seconds, measure what is fastest: precision, layout, threads, compile"
    )
    precision: Literal["float32", "bfloat16"] | None = setting(
        None, "of products of matrices and convolutions in training; weights and evaluation stay float32"
    )
    layout: Literal["contiguous", "channels_last"] | None = setting(None, "of images in memory", only="image")
    compile: bool | None = setting(None, "compile the network with torch.compile", only="image language table")
    threads: int | None = setting(None, "processor threads of torch; 0 = torch's own choice", ge=0, le=MOST_THREADS)
