"""``mlp``: a feed-forward network of any widths, for images (the pixels as one row of numbers) and for tables (an embedding of
each categorical column beside the numbers: Guo and Berkhahn 2016, arXiv:1604.06737; of the numbers themselves, in
``numbers.py``; and of the words of each column of text), there also for several networks in one (``members.py``).

Shapes: images (batch, channels, height, width) float32, normalized; numeric (batch, numbers) float32, scaled; categories
(batch, columns) int32 or int64; each column of text (values (tokens,) int32, offsets (batch,) int32, weights (tokens,)
float32); outputs (batch, outputs): logits, or numbers; of several members in training (batch, members, outputs).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from trainwright.data.shapes import ImageShape, TableShape
from trainwright.models.bag import PooledBag
from trainwright.models.catalog import MLPSettings
from trainwright.models.members import MemberLinear, MemberOutput
from trainwright.models.numbers import EMBEDDINGS, sampled
from trainwright.models.protocols import TrainingHooks

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh}
WORDS = 0.03  # deviation of the embeddings of words at first
WIDEST = 50  # dimensions of an embedding


class Trunk(nn.Sequential):
    """Hidden layers, each linear, activation, dropout: (batch, width) to (batch, ``self.width``). None return their input."""

    def __init__(self, settings: MLPSettings, width: int, members: int = 1) -> None:
        assert settings.hidden is not None and settings.dropout is not None  # derived by now
        layers: list[nn.Module] = []
        for hidden in settings.hidden:
            layer = nn.Linear(width, hidden) if members == 1 else MemberLinear(members, width, hidden)
            layers += [layer, ACTIVATIONS[settings.activation]()]
            layers += [nn.Dropout(settings.dropout)] if settings.dropout else []
            width = hidden
        super().__init__(*layers)
        self.width, self.gain = width, nn.init.calculate_gain("tanh" if settings.activation == "tanh" else "relu")

    def init_weights(self) -> None:
        """Draw normal, so that activations keep their size over the layers (He et al. 2015, arXiv:1502.01852); biases zero."""
        for place, layer in enumerate(self):
            if isinstance(layer, nn.Linear | MemberLinear):
                nn.init.normal_(layer.weight, std=self.gain / layer.in_features**0.5)
                nn.init.zeros_(layer.bias)
            if isinstance(layer, MemberLinear):
                layer.init_scales(apart=place == 0)


class MLP(nn.Module):
    """The network ``mlp`` for images."""

    def __init__(self, settings: MLPSettings, shape: ImageShape) -> None:
        super().__init__()
        self.trunk = Trunk(settings, shape.channels * shape.height * shape.width)
        self.classifier = nn.Linear(self.trunk.width, shape.outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of each image."""
        logits: Tensor = self.classifier(self.trunk(images.flatten(1)))
        return logits

    def init_weights(self) -> None:
        """Initialize the hidden layers; the classifier as torch does, its biases zero."""
        self.trunk.init_weights()
        nn.init.zeros_(self.classifier.bias)


class TableMLP(nn.Module, TrainingHooks):
    """The network ``mlp`` for tables. A column of n categories gets (n + 1) / 2 dimensions, 50 at most."""

    def __init__(self, settings: MLPSettings, shape: TableShape) -> None:
        super().__init__()
        widths = [min(WIDEST, (count + 1) // 2) for count in shape.categories]
        self.embeddings = nn.ModuleList(map(nn.Embedding, shape.categories, widths))
        self.texts = nn.ModuleList(PooledBag(count, settings.embedding or 1, mode="sum") for count in shape.texts)
        widths += [bag.embedding_dim for bag in self.texts]  # type: ignore[misc]
        embedding = EMBEDDINGS.get(settings.numbers or "") if shape.numeric else None
        self.numbers = embedding(shape.numeric) if embedding else None
        widths.append(self.numbers.width if self.numbers else shape.numeric)
        self.members = settings.members or 1
        self.trunk = Trunk(settings, sum(widths), self.members)
        sizes = self.trunk.width, shape.outputs
        self.output = nn.Linear(*sizes) if self.members == 1 else MemberOutput(self.members, *sizes)

    @property
    def sparse_tables(self) -> tuple[nn.EmbeddingBag, ...]:
        """Return the embeddings of the words."""
        return tuple(self.texts)  # type: ignore[arg-type]

    @torch.no_grad()
    def fit_to(self, train: Any) -> None:
        """Learn the quantiles of the numbers."""
        if self.numbers is not None:
            self.numbers.fit(sampled(train.inputs[0]))

    def forward(self, numeric: Tensor, categories: Tensor, *texts: tuple[Tensor, ...]) -> Tensor:
        """Return the outputs of each row: logits, or numbers."""
        embedded = [embed(categories[:, column]) for column, embed in enumerate(self.embeddings)]
        embedded += [bag(*words) for bag, words in zip(self.texts, texts, strict=True)]
        joined = torch.cat([numeric if self.numbers is None else self.numbers(numeric), *embedded], dim=1)
        outputs: Tensor = self.output(self.trunk(joined if self.members == 1 else joined[:, None]))
        return outputs

    def init_weights(self) -> None:
        """Draw embeddings normal with deviation 1, the size of scaled numbers; the output as torch does, its biases zero.

        Words begin next to zero, so that one tells next to nothing before training has made something of it.

        Code 0 (missing, or not known) begins as zero, the mean of the others: training may never meet it.
        """
        for embed in self.embeddings:
            nn.init.normal_(embed.weight)  # type: ignore[arg-type]
            nn.init.zeros_(embed.weight[0])  # type: ignore[index]
        for bag in self.texts:
            nn.init.normal_(bag.weight, std=WORDS)  # type: ignore[arg-type]
        if self.numbers is not None:
            self.numbers.init_weights()
        self.trunk.init_weights()
        if isinstance(self.output, MemberOutput):
            self.output.init_weights()
        else:
            nn.init.zeros_(self.output.bias)
