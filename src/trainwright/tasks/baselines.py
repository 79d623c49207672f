"""Which simple models a run is compared with, and how much better it is than each, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from trainwright.data.images.storage import Files
from trainwright.data.text.ragged import Ragged, row_numbers
from trainwright.evaluation import baselines
from trainwright.evaluation.intervals import Z95
from trainwright.evaluation.paired import Z99
from trainwright.models.boosting import telling

if TYPE_CHECKING:
    from trainwright.evaluation.baselines import Pieces
    from trainwright.evaluation.measure import Outputs
    from trainwright.tasks.base import Split
    from trainwright.tasks.targets import Target

PIECE = 1 << 24  # numbers that are made at a time
COLUMNS = 256  # of numbers and categories together: the cost grows with the square
SIDE, FINE = 8, 32  # pixels to which pictures are brought for a linear model, and at most for means of classes
PLACES = ("valid", "test")
# Rows, or units, of the larger split: on fewer, answers whose correlation with the truth is 0.5 (75 % right of two even
# classes) are seen with a power below 80 %, by Fisher's z: ((1.96 + 0.84) / atanh(0.5))**2 + 3 = 29.
FEWEST = 30


@dataclass(frozen=True)
class View:
    """What simple models see of a split: bags of tokens, columns of numbers, and small pictures for means of classes."""

    bags: tuple[Ragged, ...] = ()
    columns: Pieces | None = None
    pixels: Pieces | None = None


def compare(
    target: Target, splits: Mapping[str, Split], outputs: Mapping[str, Outputs], which: str, view: Callable[[Split], View]
) -> dict[str, Any]:
    """Return ``baselines`` and ``signal`` of the report: each simple model measured on validation and test as the model was.

    ``which`` is the setting ``baselines``, and ``view`` tells what simple models see of a split. The first is the constant
    answer, ``signal`` whether the model's answers tell more than it does, beyond noise, on any of the splits;
    None where there are too few rows to tell.
    """
    measured = [name for name in PLACES if name in outputs]
    train = splits["train"]
    constant = target.constant(train.targets)
    answer = np.asarray(constant.pop("answer"))[None]
    answers = {constant["name"]: [np.repeat(answer, len(splits[name]), axis=0) for name in measured]}
    if which != "off" and measured:
        views = {name: view(splits[name]) for name in ("train", *measured)}
        for name, fit in _fitting(target, train.targets, views, which).items():
            answers[name] = fit()
    found = []
    for name, each in answers.items():
        of = {part: target.against(outputs[part], said) for part, said in zip(measured, each, strict=True)}
        found.append(
            {
                **(constant if name == constant["name"] else {"name": name}),
                **of.get("test", of.get("valid", {})),
                "valid": of.get("valid"),
            }
        )
    return {"baselines": found, "signal": _signal(target, outputs)}


def _signal(target: Target, outputs: Mapping[str, Outputs]) -> bool | None:
    """Return whether answers to test rows go with the truth beyond noise; or, more surely, to those that chose the epoch.

    None: they do not, on fewer than ``FEWEST`` rows.
    """
    found = [target.depends(each, Z95 if name == "test" else Z99) for name, each in outputs.items()]
    if any(found):
        return True
    rows = [each.units.facts()["units"] if each.units else len(each.targets) for each in outputs.values()]
    return False if max(rows, default=0) >= FEWEST and any(each is not None for each in found) else None


def _fitting(
    target: Target, targets: np.ndarray, views: Mapping[str, View], which: str
) -> dict[str, Callable[[], list[np.ndarray]]]:
    """Return what fits each simple model that suits the target and what rows are, by its name."""
    train, *parts = views.values()
    found: dict[str, Callable[[], list[np.ndarray]]] = {}
    several, numbers = targets.ndim == 2, targets.dtype.kind == "f"
    bags = [part.bags for part in parts]
    if train.bags and not numbers:
        found["naive Bayes"] = partial(baselines.naive_bayes, train.bags, targets, target.outputs, bags)
    columns = [train.columns, *(part.columns for part in parts)]
    if train.bags and numbers:
        chosen = [telling(each.values, row_numbers(each.offsets), targets[:, None]) for each in train.bags]
        columns = [_beside(part.columns, part.bags, chosen) for part in views.values()]
    if all(each is not None for each in columns):
        wide, *rest = [each for each in columns if each is not None]
        found["ridge regression" if numbers else "linear model"] = partial(_linear, wide, targets, target.outputs, rest)
        if which == "all":
            found["boosted trees"] = partial(baselines.boosted_trees, wide, targets, rest)
    if train.pixels is not None and not (several or numbers):
        pixels = [part.pixels for part in parts if part.pixels is not None]
        found["nearest centroid on pixels"] = partial(baselines.nearest_centroid, train.pixels, targets, target.outputs, pixels)
    if which == "all" and len(train.bags) == 1 and train.columns is None:
        found["linear bag"] = partial(baselines.linear_bag, train.bags[0], targets, [each[0] for each in bags])
    return found


def _linear(train: Pieces, targets: np.ndarray, outputs: int, parts: list[Pieces]) -> list[np.ndarray]:
    """Return the answers of least squares: numbers; the class that comes out highest; labels from a half on."""
    if targets.dtype.kind == "f":
        return [each[:, 0] for each in baselines.least_squares(train, targets[:, None], parts)]
    if targets.ndim == 2:
        return [each > 0.5 for each in baselines.least_squares(train, targets, parts)]
    wanted = np.eye(outputs, dtype=np.float32)[targets]
    return [each.argmax(axis=1) for each in baselines.least_squares(train, wanted, parts)]


def of_rows(inputs: tuple[Any, ...], sizes: tuple[int, ...]) -> View:
    """Return what simple models see of the rows of a table, whose categories have so many codes."""
    numeric, codes, *bags = inputs
    return View(tuple(bags), partial(_columns, numeric, codes, _codes(numeric.shape[1], sizes)))


def of_pictures(inputs: Any) -> View:
    """Return what simple models see of pictures; nothing of files: to decode them once more would cost as much as an epoch."""
    if isinstance(inputs, Files):
        return View()
    return View((), partial(_pixels, inputs, SIDE), partial(_pixels, inputs, FINE))


def _codes(numeric: int, sizes: tuple[int, ...]) -> list[int]:
    """Return how many codes of each category have a column, the most frequent: none has more than fit beside the others."""
    most = max(COLUMNS - numeric, 0) // max(len(sizes), 1)
    return [min(size, most + 1) for size in sizes]


def _columns(numeric: np.ndarray, codes: np.ndarray, kept: list[int]) -> Iterator[Tensor]:
    """Yield numbers, and a column of 0 and 1 for each code but 0."""
    rows = max(PIECE // (numeric.shape[1] + sum(kept) + 1), 1)
    for low in range(0, len(numeric), rows):
        places = codes[low : low + rows]
        marks = [places[:, [column]] == np.arange(1, size) for column, size in enumerate(kept)]
        wide = np.concatenate([numeric[low : low + rows, :COLUMNS], *marks], axis=1, dtype=np.float32)
        yield torch.from_numpy(wide)


def _beside(columns: Pieces | None, bags: tuple[Ragged, ...], chosen: list[np.ndarray]) -> Pieces:
    """Return the columns with one of 0 and 1 for each chosen id of each bag behind them."""

    def pieces() -> Iterator[Tensor]:
        done = 0
        whole = iter([torch.zeros(len(bags[0]), 0)]) if columns is None else columns()
        for piece in whole:
            rows = np.arange(done, done + len(piece))
            yield torch.cat([piece, *(_marks(each.take(rows), ids) for each, ids in zip(bags, chosen, strict=True))], dim=1)
            done += len(piece)

    return pieces


def _marks(bags: Ragged, ids: np.ndarray) -> Tensor:
    """Return which of ``ids`` are in each row: float32 (rows, ids)."""
    place = np.full(max(int(bags.values.max(initial=0)), int(ids.max(initial=0))) + 1, -1)
    place[ids] = np.arange(len(ids))
    there = place[bags.values]
    found = np.zeros((len(bags), len(ids)), np.float32)
    found[row_numbers(bags.offsets)[there >= 0], there[there >= 0]] = 1
    return torch.from_numpy(found)


def _pixels(pictures: np.ndarray, side: int) -> Iterator[Tensor]:
    """Yield pictures of at most ``side`` pixels in height and width, from 0 to 1: means of areas."""
    height, width = (min(each, side) for each in pictures.shape[2:])
    rows = max(PIECE // max(int(np.prod(pictures.shape[1:])), 1), 1)
    for low in range(0, len(pictures), rows):
        piece = torch.tensor(pictures[low : low + rows]).float() / 255
        if piece.shape[2:] != (height, width):
            piece = F.adaptive_avg_pool2d(piece, (height, width))
        yield piece.flatten(1)
