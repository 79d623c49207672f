"""The small networks that the suite is run on, with data that it makes itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainwright.data.shapes import ImageShape, Shape, TableShape, TextShape, TokenShape
from trainwright.models import registry

OUTPUTS, VOCABULARY, TIME = 4, 50, 6
SHAPES: dict[type[Shape], list[Shape]] = {
    TextShape: [TextShape(VOCABULARY, OUTPUTS)],
    ImageShape: [ImageShape(1, 8, 8, OUTPUTS), ImageShape(3, 5, 4, OUTPUTS)],
    TableShape: [
        TableShape(5, (3, 7), OUTPUTS),
        TableShape(5, (), OUTPUTS),
        TableShape(0, (9, 12), OUTPUTS),
        TableShape(2, (3,), OUTPUTS, (VOCABULARY, 9)),
        TableShape(0, (), OUTPUTS, (VOCABULARY,)),
    ],
    TokenShape: [TokenShape(VOCABULARY)],
}
# The settings that each model is tested with; others are derived or have defaults.
SMALL: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("text", "bag.v1"): [
        {"embedding": 0},
        {"embedding": 8, "weighting": "none", "hidden": [16], "dropout": 0.2},
        {"embedding": 8, "weighting": "tf-idf"},
    ],
    ("text", "textcnn.v1"): [{"embedding": 8, "filters": 8}],
    ("text", "lstm.v1"): [
        {"embedding": 8, "hidden": 8, "layers": 1, "dropout": 0.2},
        {"embedding": 8, "hidden": 8, "layers": 2, "dropout": 0.2, "bidirectional": False},
    ],
    ("image", "convnet.v1"): [{"channels": [8, 16]}],
    ("image", "mlp.v1"): [{"hidden": [32, 16], "dropout": 0.2, "activation": each} for each in ("relu", "gelu", "silu", "tanh")]
    + [{"hidden": [], "dropout": 0.0}],
    ("image", "resnet.v1"): [{"width": 8}, {"width": 8, "stem": "imagenet"}],
    ("table", "boosted.v1"): [{"min_rows": 1}, {"min_rows": 1, "leaves": 2, "bins": 6, "l2": 0.1}],
    ("table", "mlp.v1"): [
        {"hidden": [32], "dropout": 0.2, "embedding": 4},
        {"hidden": [32], "dropout": 0.2, "embedding": 4, "numbers": "piecewise", "members": 3},
        {"hidden": [16, 16], "dropout": 0.0, "embedding": 4, "numbers": "periodic"},
        {"hidden": [], "dropout": 0.0, "embedding": 4, "members": 2},
    ],
    ("language", "lstm.v1"): [
        {"embedding": 16, "hidden": 16, "layers": 2, "dropout": 0.2, "tied": True},
        {"embedding": 8, "hidden": 16, "layers": 1, "dropout": 0.0, "tied": True},
        {"embedding": 8, "hidden": 16, "layers": 2, "dropout": 0.0, "tied": False, "init_range": 0.1},
    ],
    ("language", "gpt.v1"): [
        {"layers": 2, "heads": 2, "width": 16},
        {"layers": 1, "heads": 2, "width": 16, "norm": "layer", "feed_forward": "gelu", "tied": False, "dropout": 0.1},
    ],
}
NEAR = 1e-5  # tolerance for another order of summation


class Case:
    """One model with one choice of settings on data of one shape."""

    def __init__(self, task: str, name: str, changes: dict[str, Any], shape: Shape) -> None:
        self.task, self.name, self.shape = task, name, shape
        self.settings = registry.find(task, name).settings.model_validate(changes)
        self.outputs = shape.vocabulary if isinstance(shape, TokenShape) else shape.outputs

    def build(self, seed: int = 0, *, dropout: bool = True) -> nn.Module:
        """Build the network, its weights drawn with ``seed``; leave torch's random state as it is."""
        settings = self.settings
        if not dropout and hasattr(settings, "dropout"):
            settings = settings.model_copy(update={"dropout": 0.0})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return registry.build(self.task, self.name, settings, self.shape)

    def grown(self, updates: int) -> Any:
        """Return the network after updates by 8 rows."""
        network = self.build()
        self.grow(network, updates)
        return network.eval()

    def grow(self, network: Any, updates: int) -> None:
        """Make a network larger, by the same rows: each comes often, as what is rare may not be learned from."""
        rows = self.rows(8) * 50
        grower = network.grower(self.inputs(rows), torch.arange(400) % 8 % self.outputs, None, nn.CrossEntropyLoss())
        for _ in range(updates):
            grower.grow(0.3)

    def rows(self, count: int) -> list[tuple[Any, ...]]:
        """Return ``count`` different rows, each as the tensors, and tuples of them, that the model takes for it."""
        draw = torch.Generator().manual_seed(1)
        return [self._row(draw, number) for number in range(count)]

    def _row(self, draw: torch.Generator, number: int) -> tuple[Any, ...]:
        shape = self.shape
        if isinstance(shape, ImageShape):
            return (torch.randn(shape.channels, shape.height, shape.width, generator=draw),)
        if isinstance(shape, TableShape):
            codes = [torch.randint(0, count, (), generator=draw, dtype=torch.int32) for count in shape.categories]
            empty = torch.zeros(0, dtype=torch.int32)
            plain = torch.randn(shape.numeric, generator=draw), torch.stack(codes) if codes else empty
            return *plain, *(self._text(draw, size, number) for size in shape.texts)
        if isinstance(shape, TokenShape):
            return (torch.randint(0, shape.vocabulary, (TIME,), generator=draw),)
        ids, weights = self._text(draw, shape.vocabulary, number)
        return (ids, weights) if getattr(self.settings, "weighting", None) == "tf-idf" else (ids,)

    def _text(self, draw: torch.Generator, vocabulary: int, number: int) -> tuple[Tensor, Tensor]:
        ids = torch.randint(2, vocabulary, (1 + (5 * number) % 8,), generator=draw, dtype=torch.int32)
        return ids, torch.rand(len(ids), generator=draw) + 0.1

    def run(self, network: nn.Module, rows: list[tuple[Any, ...]]) -> Tensor:
        """Return the outputs of a batch of rows: (rows, outputs), for language (rows, time, outputs)."""
        inputs = self.inputs(rows)
        if isinstance(self.shape, TableShape):
            outputs: Tensor = network(*inputs)
            return outputs if outputs.ndim == 2 else outputs.mean(dim=1)  # in training members answer each for itself
        if not isinstance(self.shape, TokenShape):
            return network(*inputs)  # type: ignore[no-any-return]
        language: Any = network
        weight, bias = language.output()
        return F.linear(language(*inputs)[0], weight, bias)

    def inputs(self, rows: list[tuple[Any, ...]]) -> Sequence[Any]:
        """Return a batch of rows as the model takes it."""
        columns = list(zip(*rows, strict=True))
        if isinstance(self.shape, TextShape):
            return self._bag(columns)
        return [
            self._bag(list(zip(*each, strict=True))) if isinstance(each[0], tuple) else torch.stack(each) for each in columns
        ]

    @staticmethod
    def _bag(columns: list[Any]) -> tuple[Tensor, ...]:
        """Return the ids of rows, and perhaps their weights, as ``EmbeddingBag`` takes them."""
        lengths = torch.tensor([len(ids) for ids in columns[0]])
        offsets = (lengths.cumsum(0) - lengths).int()
        return torch.cat(columns[0]), offsets, *(torch.cat(each) for each in columns[1:])

    def loss(self, network: nn.Module, rows: list[tuple[Any, ...]]) -> Tensor:
        """Return the cross entropy of rows against classes in turn, for language against tokens in turn."""
        outputs = self.run(network, rows).flatten(0, -2)
        return F.cross_entropy(outputs, torch.arange(len(outputs)) % self.outputs)


def close(one: Tensor, two: Tensor) -> bool:
    """Return whether two tensors are equal but for the order of summation."""
    return one.shape == two.shape and torch.allclose(one, two, rtol=NEAR, atol=NEAR)
