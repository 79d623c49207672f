"""A closer look at labelled pictures: those that look alike, single colours, sizes, and whether the splits differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from trainwright.data.images import look_alike
from trainwright.data.images.decode import read_header
from trainwright.data.images.headers import Unusable
from trainwright.data.images.storage import Inputs
from trainwright.data.tables.split import NAMES
from trainwright.evaluation import drift
from trainwright.tasks.image import reading
from trainwright.tasks.look import Labelled, Seen, spread
from trainwright.watch.inspected.finding import MOST_ROWS, Finding

if TYPE_CHECKING:
    from trainwright.data.read.source import Source
    from trainwright.tasks.image.problem import ImageProblem

UNEVEN = 4  # times the shorter side of the largest picture is that of the smallest


def look(source: Source, problem: ImageProblem) -> Seen:
    """Look at the pictures of all splits as the network is given them, and at the headers of their files. Raise SourceError."""
    rows = Labelled(problem)
    seen = Seen(looked_for=("one-colour", "look-alike", "sizes", "modes", "drift", "groups"))
    values = np.concatenate([part for each in problem.splits.values() for part in _grey(each.inputs)])
    if (flat := look_alike.flat(values)).any():
        seen.findings.append(rows.named.finding("one-colour", flat, "images have a single colour"))
    seen.findings += _alike(rows, values)
    for what, numbers in (("brightness", values.mean(axis=(1, 2))), ("contrast", values.std(axis=(1, 2)))):
        seen.tests += rows.compare(what, drift.of_numbers, numbers.astype(np.float64))
        seen.spreads[what] = spread(numbers)
    seen.findings += _headers(source, problem, seen)
    return seen


def _grey(inputs: Inputs) -> Iterator[np.ndarray]:
    for start in range(0, len(inputs), look_alike.AT_A_TIME):
        places = range(start, min(start + look_alike.AT_A_TIME, len(inputs)))
        yield look_alike.grey(inputs[places.start : places.stop] if isinstance(inputs, np.ndarray) else inputs.read(places))


def _alike(rows: Labelled, values: np.ndarray) -> list[Finding]:
    """Return findings on pictures that look nearly the same, in one split and across splits."""
    kinds = np.unique(values.reshape(len(values), -1).view(np.uint8), axis=0, return_inverse=True)[1] if len(values) else None
    pairs = look_alike.alike(values, kinds) if kinds is not None else np.zeros((0, 2), np.int64)
    splits = rows.split[pairs]
    found = []
    within = pairs[splits[:, 0] == splits[:, 1]]
    if len(within):
        what = "images look nearly like another one of their split"
        found.append(Finding("look-alike", len(np.unique(within)), what, unit="images", rows=_named(rows, within)))
    for first, second in ((0, 1), (0, 2), (1, 2)):
        across = pairs[(splits.min(axis=1) == first) & (splits.max(axis=1) == second)]
        if len(across):
            count = len(np.unique(across[rows.split[across] == second]))
            what = f"images of {NAMES[second]} look nearly like one of {NAMES[first]}"
            where = f"{NAMES[first]}-{NAMES[second]}"
            found.append(Finding("look-alike", count, what, where, "images", _named(rows, across), "look"))
    return found


def _named(rows: Labelled, pairs: np.ndarray) -> list[dict[str, object]]:
    chosen = pairs[: MOST_ROWS // 2]
    frame = rows.frame[chosen.reshape(-1)].with_columns(key=pl.Series(np.repeat(np.arange(len(chosen)), 2)))
    return rows.named.named(frame)


def _headers(source: Source, problem: ImageProblem, seen: Seen) -> Iterator[Finding]:
    """Yield findings on the sizes and modes that the files say, where the pictures are in files."""
    found = []
    for pictures in reading.read(source, problem.settings)[0].values():
        for path in pictures.paths or ():
            with suppress(Unusable, OSError):
                found.append(read_header(path))
    if not found:
        return
    sizes = np.array([(each.width, each.height, each.channels) for each in found])
    shorter, grey = sizes[:, :2].min(axis=1), sizes[:, 2] == 1
    seen.spreads |= {"width": spread(sizes[:, 0]), "height": spread(sizes[:, 1])}
    if shorter.max() >= UNEVEN * shorter.min():
        what = f"images, whose shorter sides are from {shorter.min():,} to {shorter.max():,} pixels"
        yield Finding("sizes", len(found), what, unit="images")
    if 0 < grey.sum() < len(found):
        yield Finding(
            "modes",
            int(min(grey.sum(), (~grey).sum())),
            f"images are {'grey' if grey.mean() < 0.5 else 'coloured'}, and all others are not",
            unit="images",
        )
