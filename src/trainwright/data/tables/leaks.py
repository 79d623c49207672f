"""Columns that give away what is to be predicted: copies, multiples and other functions of it, perhaps but for a few rows.

A column is looked at in ``SCREENED`` rows first, so that one that gives nothing away costs next to nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from trainwright.data.tables.column_choice import same
from trainwright.data.tables.dtypes import Feature, convert
from trainwright.data.tables.plain_numbers import convert_all, side_by_side
from trainwright.data.tables.profile import FEW_ROWS, MOST_CODES, OFTEN, ColumnProfile
from trainwright.data.tables.spelling import tidy
from trainwright.watch.events import Note

SCREENED = 250
EXCEPTIONS = 0.02  # of the rows that do not have the most frequent value; more are no slips
LINEAR = 0.99999  # correlation of a multiple that was rounded


def gives_away(column: ColumnProfile, target: ColumnProfile, kind: str) -> str:
    """Return why nothing is left to be learned where this column is known, or an empty string.

    It is the class in other words, such as its number beside its name; or a number that follows from the one to be predicted.
    Of times that always go up with it nothing is said: that is what a forecast learns from.
    """
    if len(column.raw) < FEW_ROWS:
        return ""
    if kind == "class":
        frame = pl.DataFrame([column.raw.alias("one"), target.raw.alias("other")])
        alike = target.recurs and column.distinct == target.distinct and same(frame, "one", "other")
        return f"it says the same as '{target.name}', in other words" if alike else ""
    if kind != "number" or column.reading.kind != "number" or column.how.dated:
        return ""
    found = _looked_at(lambda rows, share: follows(_numbers(column, rows), _numbers(target, rows), share), len(column.raw))
    return f"it follows from '{target.name}' {found}" if found else ""


def decisive(columns: Sequence[ColumnProfile], target: ColumnProfile) -> list[Note]:
    """Return notes on columns that tell the classes apart in all but a few rows, which may be right or come afterwards."""
    if len(target.raw) < FEW_ROWS:
        return []
    names = tidy(target.raw)
    codes = names.rank("dense").cast(pl.Float64).to_numpy()
    notes = []
    for column in _perhaps([each for each in columns if each.reading.kind in ("number", "boolean", "category")], codes):

        def told(rows: np.ndarray | None, share: float, column: ColumnProfile = column) -> str:
            words, classes = (column.raw, names) if rows is None else (column.raw.gather(rows), names.gather(rows))
            if words.n_unique() <= MOST_CODES:
                return settles(words, classes, share)
            numeric = column.reading.kind == "number"
            return decides(_numbers(column, rows), codes if rows is None else codes[rows], share) if numeric else ""

        if found := _looked_at(told, len(names)):
            why = f"{found}; if it is not known beforehand, leave it out: columns.{column.name}=ignore"
            notes.append(Note(f"tells '{target.name}'", column.name, why))
    return notes


def follows(feature: np.ndarray, target: np.ndarray, share: float = EXCEPTIONS) -> str:
    """Return how closely a number goes along with the one to be predicted, where nothing is left to be learned; else "".

    That is: on a line with a correlation above ``LINEAR``, or always up (or always down) with it, in all but a ``share`` of
    the rows. Both are float64, shape (rows,), NaN where there is none.
    """
    both = np.isfinite(feature) & np.isfinite(target)
    feature, target = feature[both], target[both]
    few = _few(feature, target, share)
    for name, odd in (("correlation", _off_line), ("rank correlation", _out_of_order)):
        if few and (found := odd(feature, target)) <= few:
            return f"({name} 1.000){_but_for(found, len(target))}"
    return ""


def decides(feature: np.ndarray, classes: np.ndarray, share: float = EXCEPTIONS) -> str:
    """Return how limits on a number tell all classes apart, where they do in all but a few rows; else "".

    Both are float64, shape (rows,), NaN where there is none.
    """
    there = np.isfinite(feature) & np.isfinite(classes)
    feature, classes = feature[there], classes[there]
    if len(classes) < FEW_ROWS:
        return ""
    ranks = _ranks(feature, classes)
    few = _few(feature, ranks, share)
    if few and (found := _out_of_order(feature, ranks)) <= few:
        return f"limits on it tell the classes apart{_but_for(found, len(classes))}"
    return ""


def settles(words: pl.Series, classes: pl.Series, share: float = EXCEPTIONS) -> str:
    """Return that each value stands beside a single class, where each recurs and it does in all but a few rows; else ""."""
    both = pl.DataFrame({"word": words, "class": classes}).drop_nulls()
    if both["word"].n_unique() * OFTEN > len(both) or both["class"].n_unique() < 2:
        return ""
    counts = both.group_by("word", "class").len()
    others = len(both) - int(both["class"].value_counts()["count"].max())  # type: ignore[arg-type]
    wrong = len(both) - int(counts.group_by("word").agg(pl.col("len").max())["len"].sum())
    return "" if wrong > share * others else f"each of its values stands beside one class alone{_but_for(wrong, len(both))}"


def _looked_at(told: Callable[[np.ndarray | None, float], str], rows: int) -> str:
    """Return what is told of all rows, if it is told of some of them too, be there twice as many exceptions."""
    return told(None, EXCEPTIONS) if rows <= SCREENED or told(_screened(rows), 2 * EXCEPTIONS) else ""


def _screened(rows: int) -> np.ndarray:
    return np.unique(np.linspace(0, rows - 1, min(rows, SCREENED)).astype(np.int64))


def _perhaps(columns: Sequence[ColumnProfile], classes: np.ndarray) -> list[ColumnProfile]:
    """Return the columns without the numbers that certainly tell no classes apart, which are most, found all at once.

    From each exception that is taken out of a sequence, it has at most one fall less; so a sequence with more falls than there
    may be exceptions is none that goes up but for these.
    """
    rows = _screened(len(classes))
    classes = classes[rows]
    numeric, there = [column for column in columns if column.reading.kind == "number"], np.isfinite(classes)
    if not numeric or there.sum() < FEW_ROWS:
        return list(columns)
    words = side_by_side([column.raw for column in numeric])[rows]
    features = [Feature(column.name, "number", column.format) for column in numeric]
    matrix = np.array([_floats(values) for values, _ in convert_all(words.get_columns(), features)])
    ranks = _ranks(matrix[:, there], classes[there])
    orders = [np.lexsort((ranks, side)) for side in (matrix[:, there], -matrix[:, there])]
    falls = np.min([(np.diff(np.take_along_axis(ranks, order, axis=1)) < 0).sum(axis=1) for order in orders], axis=0)
    certain = np.isfinite(matrix).all(axis=1) & (falls > 2 * EXCEPTIONS * len(rows))
    certain &= np.array(words.select(pl.all().n_unique()).row(0)) > MOST_CODES
    without = {column.name for column, no in zip(numeric, certain, strict=True) if no}
    return [column for column in columns if column.name not in without]


def _ranks(feature: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return of each row the place of its class by the medians of a feature, from 0 on: float64, of the shape of ``feature``.

    The rows are along the last axis of ``feature``, and those of ``classes``.
    """
    known, codes = np.unique(classes, return_inverse=True)
    middles = np.stack([np.median(feature[..., codes == code], axis=-1) for code in range(len(known))], axis=-1)
    return middles.argsort(axis=-1, kind="stable").argsort(axis=-1)[..., codes].astype(np.float64)


def _numbers(column: ColumnProfile, rows: np.ndarray | None) -> np.ndarray:
    """Return the numbers of all rows, or of these: float64, NaN where there is none."""
    values = column.raw if rows is None else column.raw.gather(rows)
    return _floats(convert(values, Feature(column.name, "number", column.format))[0])


def _floats(values: pl.Series) -> np.ndarray:
    return values.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _but_for(found: int, rows: int) -> str:
    return f", in all but {found:,} of {rows:,} rows" if found else ""


def _few(feature: np.ndarray, target: np.ndarray, share: float) -> float:
    """Return how many rows may be exceptions; 0 where there is nothing to be told.

    It is a share of those that do not have the most frequent value: of a target that is 0 nearly always, anything says nearly
    everything. A feature of fewer different values than the target cannot say it.
    """
    if len(target) < FEW_ROWS:
        return 0.0
    (ones, counts), (others, often) = (np.unique(each, return_counts=True) for each in (feature, target))
    few = share * (len(target) - max(int(counts.max()), int(often.max())))
    return few if few >= 2 * share and len(ones) >= len(others) - few else 0.0


def _off_line(feature: np.ndarray, target: np.ndarray) -> int:
    """Return how many rows are not on the line that most are on: medians of slopes and distances, after Theil and Sen."""
    with np.errstate(all="ignore"):
        if abs(np.corrcoef(feature, target)[0, 1]) > LINEAR:
            return 0
        order, half = feature.argsort(kind="stable"), len(feature) // 2
        low, high = order[:half], order[-half:]
        slope = np.nanmedian((target[high] - target[low]) / (feature[high] - feature[low]))
        distance = target - slope * feature
        near = np.abs(distance - np.median(distance)) <= np.sqrt(1 - LINEAR**2) * np.std(target)
        exact = near.sum() > 1 and abs(np.corrcoef(feature[near], target[near])[0, 1]) > LINEAR
    return int((~near).sum()) if exact else len(target)


def _out_of_order(feature: np.ndarray, target: np.ndarray) -> int:
    """Return how many rows must go for the target to go only up, or only down, with the feature."""
    return min(len(target) - _longest(target[np.lexsort((target, side))].tolist()) for side in (feature, -feature))


def _longest(values: list[float]) -> int:
    """Return the length of the longest part, in order, that never falls (Fredman 1975, Discrete Mathematics 11:29)."""
    ends: list[float] = []
    for value in values:
        place = bisect_right(ends, value)
        ends[place : place + 1] = [value]
    return len(ends)
