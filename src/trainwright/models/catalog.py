"""Every model: its settings. Free of torch, so that settings can be checked and listed without it."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import model_validator

from trainwright.fields import MOST_LAYERS, Fraction, Lengths, Sizes, Strict, setting


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
