"""``boosted``: gradient boosted trees (Friedman 2001, doi:10.1214/aos/1013203451) as flat arrays, evaluated level by level.

Trees ask for the columns that ``BoostedTrees.columns`` makes: codes of categories, numbers, of columns with more categories
than a tree can tell apart their rank by frequency, and whether the words that tell most are in a text; NaN where a value is
missing. What grows them is in ``models/boosting.py``. Of the same columns it and scikit-learn say the same, to the bit.

Shapes: numeric (batch, numbers) float32, scaled; categories (batch, columns) int32 or int64; each column of text (values
(tokens,) int32, offsets (batch,) int32, weights (tokens,) float32); outputs (batch, outputs) float32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainwright.data.shapes import TableShape
from trainwright.errors import error
from trainwright.models.boosting import Arrays, Columns, Part, learned_together, telling
from trainwright.models.catalog import TREES_PER_EPOCH, BoostedSettings
from trainwright.models.protocols import Grown, Loss

# The arrays of trees, with a place for each node. The nodes of a tree are in the order of a walk that goes left first: a left
# child follows its parent.
NODES = {
    "feature": torch.int32,  # the column that is asked for
    "threshold": torch.float32,  # up to which rows go left
    "right": torch.int32,  # the node of the right child; of a leaf its own
    "value": torch.float64,  # of a leaf
    "missing_left": torch.uint8,  # 1 where rows without a value go left
    "sets": torch.int32,  # the row of ``bits`` with the codes that go left, -1 where the threshold decides
}
CODES = 256  # that a set of categories can hold
NO_CODE = CODES - 1  # stands for what is missing
CELLS = 1 << 18  # rows times trees that are gone through at a time: they stay in cache
TOGETHER = 4  # levels, after which what has come to a leaf is put aside


class BoostedTrees(Grown):
    """The network ``boosted``: at each stage a tree for each output, whose leaves are added up.

    Two classes have one tree: its sum is the logit of the second, that of the first is 0.
    """

    updates_per_epoch = TREES_PER_EPOCH
    feature: Tensor
    threshold: Tensor
    right: Tensor
    value: Tensor
    missing_left: Tensor
    sets: Tensor
    bits: Tensor  # uint8 (sets, 32)
    roots: Tensor  # int32 (stages, trees): the first node of each
    base: Tensor  # float64 (trees,): what is said before the first stage

    def __init__(self, settings: BoostedSettings, shape: TableShape) -> None:
        super().__init__()
        self.settings, self.outputs = settings, shape.outputs
        told_apart = [1 < count - 1 <= settings.bins for count in shape.categories]  # code 0 stands for none
        self.categorical = [place for place, each in enumerate(told_apart) if each]
        self.sizes = [shape.categories[place] - 1 for place in self.categorical]
        self.ranked = [place for place, each in enumerate(told_apart) if not each]
        indicators = shape.indicators or (-1,) * shape.numeric
        self.numbers = [place for place in range(shape.numeric) if place not in set(indicators)]
        self.indicators = [indicators[place] for place in self.numbers]
        self.vocabularies = shape.texts
        for name, dtype in NODES.items():
            self.register_buffer(name, torch.zeros(0, dtype=dtype))
        self.register_buffer("bits", torch.zeros(0, CODES // 8, dtype=torch.uint8))
        self.register_buffer("roots", torch.zeros(0, shape.outputs, dtype=torch.int32))
        for place in range(len(shape.texts)):
            self.register_buffer(f"tokens_{place}", torch.zeros(0, dtype=torch.int32))
        self.register_buffer("base", torch.zeros(shape.outputs, dtype=torch.float64))

    @property
    def learned(self) -> int:
        """Return how many nodes there are, each with a number or a set, and the constants before them."""
        return len(self.feature) + len(self.base)

    @property
    def tokens(self) -> list[Tensor]:
        """Return of each column of text the ids that are asked for: int32 (tokens,)."""
        return [self.get_buffer(f"tokens_{place}") for place in range(len(self.vocabularies))]

    @property
    def features(self) -> int:
        """Return how many columns there are."""
        return len(self.categorical) + len(self.numbers) + len(self.ranked) + sum(map(len, self.tokens))

    def init_weights(self) -> None:
        """Leave all as it is: without a tree the outputs are 0."""

    def forward(self, numeric: Tensor, categories: Tensor, *texts: Sequence[Tensor]) -> Tensor:
        """Return the outputs of each row: logits, or numbers."""
        return self.as_outputs(self.sums(self.columns(numeric, categories, *texts)))

    def as_outputs(self, sums: Tensor) -> Tensor:
        """Return the outputs of sums over trees."""
        return nn.functional.pad(sums.float(), (self.outputs - sums.shape[1], 0))

    def columns(self, numeric: Tensor, categories: Tensor, *texts: Sequence[Tensor]) -> Tensor:
        """Return what trees ask for: float32 (rows, features), NaN for what is missing or not known."""
        codes = categories.float() - 1
        codes.masked_fill_(categories == 0, math.nan)
        numbers = numeric[:, self.numbers]
        if max(self.indicators, default=-1) >= 0:
            known = torch.cat([numeric, numeric.new_zeros(len(numeric), 1)], dim=1)  # -1 is the last: never missing
            numbers.masked_fill_(known[:, self.indicators] == 1, math.nan)
        marks = [_marks(values, offsets, ids) for (values, offsets, *_), ids in zip(texts, self.tokens, strict=True)]
        return torch.cat([codes[:, self.categorical], numbers, codes[:, self.ranked], *marks], dim=1)

    def sums(self, columns: Tensor) -> Tensor:
        """Return the sums over trees, of each row: float64 (rows, trees of a stage)."""
        rows = max(min(CELLS // max(self.roots.numel(), 1), (1 << 30) // max(2 * self.features, 1)), 1)
        return torch.cat([self._sums(part) for part in torch.split(columns, rows)])

    def _sums(self, columns: Tensor) -> Tensor:
        found = self.base[:, None].repeat(1, len(columns))
        if self.roots.numel() and len(columns):
            # One stage after the other, as they were grown: another order would round otherwise.
            for stage in self.value.index_select(0, self._leaves(columns)).view(*self.roots.shape, -1):
                found += stage
        return found.T

    def _leaves(self, columns: Tensor) -> Tensor:
        """Return to which leaf each row comes in each tree: int32 (trees * rows,)."""
        rows, sorts = len(columns), len(self.categorical)
        codes, numbers = columns[:, :sorts].nan_to_num(nan=NO_CODE), columns[:, sorts:]
        # A missing number is below every threshold where it goes left, and NaN, which is not, where it goes right.
        asked = torch.cat([codes, numbers.nan_to_num(nan=-math.inf), numbers], dim=1)
        values, width = asked.flatten(), asked.shape[1]
        leaf = self.right == torch.arange(len(self.right))
        right_of_both = (self.missing_left == 0) & (self.feature >= sorts)
        feature = (self.feature + numbers.shape[1] * right_of_both).masked_fill(leaf, width - 1)
        threshold = self.threshold.masked_fill(leaf, math.nan)  # which sends a row right: to the leaf itself
        sets, bits = self._sets() if sorts else (self.sets, self.bits)
        node = self.roots.flatten().repeat_interleave(rows)
        row = (torch.arange(rows, dtype=torch.int32) * width).repeat(self.roots.numel())
        found, place = node, torch.arange(len(node))
        while len(node):
            for _ in range(TOGETHER):
                column = feature.index_select(0, node)
                value = values.index_select(0, row + column)
                left = value <= threshold.index_select(0, node)
                if sorts:
                    there = (column < sorts).nonzero()[:, 0]
                    code, first = value.index_select(0, there).int(), sets.index_select(0, node.index_select(0, there))
                    byte = bits.index_select(0, first + (code >> 3))
                    left[there] = ((byte >> (code & 7)) & 1).bool()
                node = torch.where(left, node + 1, self.right.index_select(0, node))
            found.index_copy_(0, place, node)
            inner = (~leaf.index_select(0, node)).nonzero()[:, 0]
            node, row, place = (each.index_select(0, inner) for each in (node, row, place))
        return found

    def _sets(self) -> tuple[Tensor, Tensor]:
        """Return where the set of each node begins in bytes, with what is missing in it; other nodes have an empty one."""
        there = (self.sets >= 0).nonzero()[:, 0]
        bits = torch.cat([self.bits, self.bits.new_zeros(1, CODES // 8)])
        bits[self.sets[there], NO_CODE // 8] |= self.missing_left[there] << NO_CODE % 8
        return self.sets.where(self.sets >= 0, len(self.bits)) * (CODES // 8), bits.flatten()

    def grower(self, inputs: Sequence[Any], targets: Tensor, weights: Tensor | None, loss: Loss) -> Boosting:
        wanted = targets.numpy()
        parts = learned_together(self.outputs, wanted, None if weights is None else weights.numpy(), loss)
        if not len(self.roots):
            self.base = torch.from_numpy(np.concatenate([part.constant() for part in parts]))
            self.roots = self.roots.new_zeros(0, len(self.base))
            each = np.eye(self.outputs)[wanted] if isinstance(loss, nn.CrossEntropyLoss) else wanted.reshape(len(wanted), -1)
            for place, (values, offsets, *_) in enumerate(inputs[2:]):
                told = telling(values.numpy(), _rows_of(values, offsets).numpy(), each)
                setattr(self, f"tokens_{place}", torch.from_numpy(told).int())
        if not self.features:
            raise error("E542")
        return Boosting(self, self.columns(*inputs), parts)

    def append(self, trees: Sequence[Arrays]) -> None:
        """Add a stage."""
        found: dict[str, list[Tensor]] = {name: [self.get_buffer(name)] for name in (*NODES, "bits")}
        roots, nodes, sets = list[int](), len(self.feature), len(self.bits)
        for tree in trees:
            roots.append(nodes)
            moved = tree | {"right": tree["right"] + nodes, "sets": np.where(tree["sets"] >= 0, tree["sets"] + sets, -1)}
            for name, parts in found.items():
                parts.append(torch.from_numpy(np.ascontiguousarray(moved[name])).to(parts[0].dtype))
            nodes, sets = nodes + len(tree["feature"]), sets + len(tree["bits"])
        for name, parts in found.items():
            setattr(self, name, torch.cat(parts))
        self.roots = torch.cat([self.roots, self.roots.new_tensor([roots])])

    def check(self) -> None:
        trees = self.roots.shape[1]
        if trees != len(self.base) or trees not in (self.outputs, 1) or (trees == 1 < self.outputs != 2):
            raise ValueError(f"there are {trees} trees a stage for {self.outputs} outputs")
        nodes, places = len(self.feature), torch.arange(len(self.feature))
        if any(len(getattr(self, name)) != nodes for name in NODES) or self.bits.shape[1:] != (CODES // 8,):
            raise ValueError("the arrays of trees differ in length")
        roots = self.roots.flatten().long()
        ends = torch.cat([roots[1:], torch.tensor([nodes])]) if len(roots) else roots
        sizes = ends - roots
        most = 2 * self.settings.leaves - 1
        if (nodes if not len(roots) else roots[0] != 0) or (sizes < 1).any() or (sizes > most).any():
            raise ValueError(f"the roots of trees are not in order, or one has more than {most} nodes")
        end, right = ends.repeat_interleave(sizes), self.right.long()
        inner = right != places
        if ((right <= places + 1) | (right >= end))[inner].any():
            raise ValueError("the right child of a node is not behind the left one in its tree")
        more_leaves = torch.cat([roots.new_zeros(1), torch.where(inner, -1, 1).cumsum(0)])
        if (more_leaves[ends] - more_leaves[roots] != 1).any():
            raise ValueError("a tree has not one leaf more than it has other nodes")
        sizes_of_texts = zip(self.tokens, self.vocabularies, strict=True)
        if any(((ids < 0) | (ids >= size)).any() for ids, size in sizes_of_texts):
            raise ValueError("a token is asked for that is not there")
        by_set = self.sets >= 0
        if ((self.feature < 0) | (self.feature >= self.features)).any() or (self.sets >= len(self.bits)).any():
            raise ValueError("a node asks for a column or a set that is not there")
        if (by_set != (self.feature < len(self.categorical)))[inner].any() or by_set[~inner].any():
            raise ValueError("a node has a set of categories where its column has none, or the other way round")


class Boosting:
    """Adds stages to a network, from where it stands, by what it makes of the rows of training."""

    def __init__(self, network: BoostedTrees, columns: Tensor, parts: Sequence[Part]) -> None:
        self._network, self._parts = network, parts
        self._columns = Columns(columns.numpy(), network.sizes, network.settings)
        self._sums = np.asfortranarray(network.sums(columns).numpy())

    @property
    def outputs(self) -> Tensor:
        return self._network.as_outputs(torch.from_numpy(self._sums))

    def grow(self, lr: float) -> None:
        sums = self._sums.copy(order="F")
        trees = [each for part in self._parts for each in part.stage(sums, partial(self._columns.tree, lr=lr))]
        self._network.append(trees)
        self._sums = sums


def _rows_of(values: Tensor, offsets: Tensor) -> Tensor:
    """Return the row of each token of texts: int64 (tokens,)."""
    ends = torch.cat([offsets[1:], offsets.new_tensor([len(values)])])
    return torch.arange(len(offsets)).repeat_interleave(ends - offsets)


def _marks(values: Tensor, offsets: Tensor, ids: Tensor) -> Tensor:
    """Return which of ``ids`` are in each text: float32 (rows, ids) of 0 and 1."""
    found = torch.zeros(len(offsets), len(ids))
    order = ids.argsort()
    place = torch.searchsorted(ids[order], values)
    there = (place < len(ids)).nonzero()[:, 0]
    there = there[ids[order][place[there]] == values[there]]
    found[_rows_of(values, offsets)[there], order[place[there]]] = 1.0
    return found
