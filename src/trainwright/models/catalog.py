"""The catalog of models: the settings and the entry of each. Free of torch, so that settings can be checked without it.

A model is one file with its network and one entry in ``CATALOG``, with the class of its settings above it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import model_validator

from trainwright.data.shapes import ImageShape, TableShape, TokenShape
from trainwright.fields import MOST, MOST_LAYERS, Fraction, Lengths, Sizes, Strict, setting

Values = dict[str, tuple[Any, str]]  # by setting (``lr``, ``model.hidden``) its value, and the reason
Defaults = Callable[[Any, int], Values]
LARGE = 96  # pixels on a side: from here on the stem of ImageNet, which leaves a quarter of height and width
MOST_MEMBERS = 64  # in one network
WIDE = 300  # numbers of a table: the embeddings of more take more time than they are worth
FEW_TOKENS = 1000  # in a vocabulary: characters or bytes
TREES_PER_EPOCH = 10  # for each output


class ModelSettings(Strict):
    """Settings that all models share."""

    name: str

    @property
    def is_linear(self) -> bool:
        """Return whether the outputs are linear in what the encoder gives: training is convex and needs little."""
        return False


class BagSettings(ModelSettings):
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
    l2: float | None = setting(None, "L2 penalty on the embeddings of the tokens in a batch; on no others", ge=0, le=MOST)
    init_range: float = setting(0.5, "embeddings and weights start uniform in +- this; biases at zero", gt=0, le=MOST)

    @property
    def is_linear(self) -> bool:
        """Return whether the embeddings are the logits."""
        return self.embedding == 0


class TextCNNSettings(ModelSettings):
    """``textcnn``: convolutions of several widths over the token sequence, the maximum over time, a linear classifier."""

    name: Literal["textcnn"] = "textcnn"
    embedding: int = setting(128, "embedding size", "dimensions", gt=0)
    filters: int = setting(128, "filters of each width", "channels", gt=0)
    widths: Sizes = setting([2, 3, 4], "filter widths", "tokens", min_length=1)
    dropout: Fraction = setting(0.3, "dropout before the classifier", "probability")


class LSTMSettings(ModelSettings):
    """``lstm``: a recurrent network over the token sequence. As a classifier it takes the maximum over time; as a language
    model it carries its state from batch to batch and says the next token."""

    name: Literal["lstm"] = "lstm"
    embedding: int | None = setting(None, "embedding size", "dimensions", gt=0)
    hidden: int | None = setting(None, "state size (of each direction)", "units", gt=0)
    layers: int | None = setting(None, "recurrent layers", gt=0, le=MOST_LAYERS)
    bidirectional: bool = setting(True, "read the text in both directions", only="text")
    tied: bool | None = setting(None, "the output layer shares the weights of the embedding", only="language")
    dropout: Fraction | None = setting(None, "dropout between layers and before the output layer", "probability")
    init_range: float = setting(
        0.0, "all weights start uniform in +- this; 0 = what suits each layer", only="language", ge=0, le=MOST
    )


class GPTSettings(ModelSettings):
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
        """Check that heads share the width, and that rotary positions can pair its dimensions."""
        if self.width % (2 * self.heads):
            raise ValueError(f"the width {self.width} is not a multiple of {2 * self.heads}, twice the number of heads")
        return self


class MLPSettings(ModelSettings):
    """``mlp``: a feed-forward network of any widths."""

    name: Literal["mlp"] = "mlp"
    hidden: Sizes | None = setting(None, "widths of the hidden layers", "units")
    activation: Literal["relu", "gelu", "silu", "tanh"] = setting("relu", "function between layers")
    dropout: Fraction | None = setting(None, "dropout after each hidden layer", "probability")
    embedding: int | None = setting(None, "size of what a column of text becomes", "dimensions", only="table", gt=0)
    ngrams: int | None = setting(None, "longest word n-gram of a column of text", "tokens", only="table", ge=1, le=5)
    numbers: Literal["plain", "piecewise", "periodic"] | None = setting(
        None, "what a number becomes: itself, a line with bends at quantiles, or waves of it", only="table"
    )
    members: int | None = setting(
        None, "networks in one, which share their matrices; the answer is their mean", only="table", ge=1, le=MOST_MEMBERS
    )


class ConvNetSettings(ModelSettings):
    """``convnet``: a small batch-normalized convolutional network."""

    name: Literal["convnet"] = "convnet"
    channels: Sizes = setting([24, 48, 96], "channels of each convolution; each halves height and width", "channels")
    dropout: Fraction = setting(0.2, "dropout before the classifier", "probability")


class ResNetSettings(ModelSettings):
    """``resnet``: ResNet-18 (He et al. 2016)."""

    name: Literal["resnet"] = "resnet"
    width: int = setting(64, "channels of the first stage; doubled by each of the three after it", "channels", gt=0)
    stem: Literal["cifar", "imagenet"] | None = setting(None, "first layer: 3 x 3, or 7 x 7 with pooling for large images")


class LinearSettings(ModelSettings):
    """``linear``: one linear layer on the encoded columns."""

    name: Literal["linear"] = "linear"
    ngrams: int | None = setting(None, "longest word n-gram of a column of text", "tokens", ge=1, le=5)

    @property
    def is_linear(self) -> bool:
        """Return that it is."""
        return True


class BoostedSettings(ModelSettings):
    """``boosted``: gradient boosted trees; an epoch grows ten for each output, each against the errors of those before it."""

    name: Literal["boosted"] = "boosted"
    leaves: int = setting(31, "leaves of a tree, at most", gt=1, le=1024)
    min_rows: int | None = setting(None, "rows of training in a leaf, at least", "rows", gt=0)
    l2: float = setting(0.0, "L2 penalty on what leaves say", ge=0, le=MOST)
    bins: int = setting(
        255,
        "ranges into which the numbers of a column are sorted; more categories than that are ordered by how frequent they are",
        gt=1,
        le=255,
    )
    ngrams: int | None = setting(None, "longest word n-gram of a column of text", "tokens", ge=1, le=5)


@dataclass(frozen=True)
class Model:
    """The entry of one model.

    ``defaults`` gives what its own settings (``model.hidden``) and the training (``clip``) should be where they are not given,
    from the shape of the data and the number of training rows. The rules of the task fill in the rest.
    """

    task: str  # the kind of problem that it is for; the first model of a kind is its default
    settings: type[ModelSettings]  # its ``name`` is the model's, also where two kinds have one of that name
    network: str  # the class, as ``module:Class``, imported when it is built
    lr: float = 0.0  # the learning rate that suits it; 0 = the rules of the task derive one
    defaults: Defaults = lambda shape, rows: {}
    inputs: str = ""  # of texts, how they are encoded: a ``bag`` of n-grams, or a ``sequence`` of tokens
    numpy: str = ""  # the same network without torch, for predictions, where there is one
    muon: float = 1.0  # times ``lr`` suit the optimiser Muon: benchmarks/muon.py
    version: int = 1  # another number for another meaning of the weights

    @property
    def name(self) -> str:
        """Return the plain name, as settings have it."""
        return str(self.settings.model_fields["name"].default)

    @property
    def versioned(self) -> str:
        """Return the name that a saved model asks for: ``bag.v1``."""
        return f"{self.name}.v{self.version}"

    def derive(self, shape: Any, rows: int) -> tuple[Values, Values]:
        """Return the derived values of its own settings, and those of the training's settings."""
        values = ({"lr": (self.lr, f"what suits {self.name}")} if self.lr else {}) | self.defaults(shape, rows)
        own = {key: value for key, value in values.items() if key.startswith("model.")}
        return own, {key: value for key, value in values.items() if key not in own}


def models(task: str = "") -> dict[str, Model]:
    """Return the models of a task, or of all, by plain name; of several versions the last."""
    return {model.name: model for model in CATALOG if task in ("", model.task)}


def _lstm_classifier(shape: Any, rows: int) -> Values:
    return {
        "model.embedding": (128, "a usual size"),
        "model.hidden": (128, "a usual size"),
        "model.layers": (1, "one reading in each direction"),
        "model.dropout": (0.3, "a usual share"),
    }


def _lstm_language(shape: TokenShape, rows: int) -> Values:
    small = shape.vocabulary < FEW_TOKENS
    size = 256 if small else 200
    return {
        "model.embedding": (64 if small else size, f"{shape.vocabulary:,} tokens in the vocabulary"),
        "model.hidden": (size, "what two cores train in minutes"),
        "model.layers": (2, "one more tells more than a wider one"),
        "model.dropout": (0.2, "more tokens than weights, or nearly"),
        "model.tied": (not small, "" if small else "half the weights, and better ones"),
        "context": (32 if small else 35, "steps that the gradient goes back"),
        "batch_size": (32 if small else 10, "lanes side by side"),
        "lr": (0.004, "what suits lstm with Adam"),
        "clip": (1.0, "gradients through time can be large"),
    }


def _gpt(shape: TokenShape, rows: int) -> Values:
    return {
        "context": (128, "tokens in a window"),
        "batch_size": (16, "windows"),
        "clip": (1.0, "a usual limit"),
    }


def _image_mlp(shape: ImageShape, rows: int) -> Values:
    return {"model.hidden": ([512, 512], "wide enough for small images"), "model.dropout": (0.2, "a usual share")}


def _resnet(shape: ImageShape, rows: int) -> Values:
    stem = "imagenet" if min(shape.height, shape.width) >= LARGE else "cifar"
    return {"model.stem": (stem, f"images of {shape.height} x {shape.width}")}


def _table_mlp(shape: TableShape, rows: int) -> Values:
    """Use the more dropout the fewer rows there are, and several members where the network is not wide or for words."""
    few, many = rows < 1000, rows >= 10_000
    width, dropout = 64 if few else 128, 0.3 if few else 0.1 if many else 0.2
    size = f"{rows:,} training rows"
    bent, alone = 0 < shape.numeric <= WIDE, bool(shape.texts) or shape.numeric > WIDE
    why = "one for tables with words or of many numbers" if alone else "the mean of several is better, and steadier"
    return {
        "model.hidden": ([width, width], size),
        "model.dropout": (dropout, size),
        "model.numbers": ("piecewise", "bends where the data do") if bent else ("plain", ""),
        "model.members": (1 if alone else 8 if rows < 50_000 else 4, why),
    }


def _boosted(shape: Any, rows: int) -> Values:
    """Learn slowly from few rows, and ask for fewer in a leaf of very few."""
    size = f"{rows:,} training rows"
    return {"model.min_rows": (10 if rows < 300 else 20, size), "lr": (0.05 if rows < 1000 else 0.1, size)}


# Of each task the default first; of several versions of a model the newest last. The rate of a bag is that of its embeddings:
# a linear one has rules of its own (``tasks/text/defaults.py``).
CATALOG = [
    Model("text", BagSettings, "trainwright.models.bag:Bag", 0.01, inputs="bag", numpy="trainwright.models.bag_numpy:NumpyBag"),
    Model("text", TextCNNSettings, "trainwright.models.textcnn:TextCNN", 0.002, inputs="sequence"),
    Model("text", LSTMSettings, "trainwright.models.lstm:LSTMClassifier", 0.002, _lstm_classifier, "sequence"),
    Model("language", LSTMSettings, "trainwright.models.lstm:LSTMLanguageModel", 0.0, _lstm_language),
    Model("language", GPTSettings, "trainwright.models.gpt:GPT", 0.002, _gpt, muon=6.0),
    Model("image", ConvNetSettings, "trainwright.models.convnet:ConvNet", 0.01),
    Model("image", MLPSettings, "trainwright.models.mlp:MLP", 0.001, _image_mlp),
    Model("image", ResNetSettings, "trainwright.models.resnet:ResNet", 0.001, _resnet),
    Model("table", MLPSettings, "trainwright.models.mlp:TableMLP", 0.0, _table_mlp),
    Model("table", LinearSettings, "trainwright.models.linear:Linear"),
    Model("table", BoostedSettings, "trainwright.models.boosted:BoostedTrees", 0.0, _boosted),
]
