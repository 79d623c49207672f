"""Numbers that can hardly be meant: stand-ins for a missing value, and slips far from all others."""

from __future__ import annotations

import re

import numpy as np
import polars as pl

STAND_INS = re.compile(r"-?9{2,}8?|-1|0")  # what people write where there is no number
LAST_DAYS = ("9999-12-31", "9999-01-01", "2999-12-31", "2099-12-31", "1900-01-01", "1970-01-01", "0001-01-01", "1753-01-01")
FAR = 10  # times the distance between the 1 % and 99 % quantiles; of a normal distribution 46 deviations
GAP = 2  # times the range of all other numbers, from the nearest of which a stand-in is as far
AT_LEAST = 3  # rows of a stand-in
FEW = 0.01  # of the rows may be far away
FEWEST, SAMPLE = 50, 20_000  # rows, to tell what is far; and that quantiles are taken of


def stand_ins(values: np.ndarray) -> dict[float, np.ndarray]:
    """Return numbers such as -999 that recur far from all others, with their rows: float64 (rows,), NaN where there is none."""
    known = values[np.isfinite(values)]
    found: dict[float, np.ndarray] = {}
    for value in {float(known.min()), float(known.max())} if len(known) >= FEWEST else ():
        rest = known[known != value]
        if (
            len(known) - len(rest) < AT_LEAST
            or not len(rest)
            or not value.is_integer()
            or not STAND_INS.fullmatch(f"{value:.0f}")
        ):
            continue
        low, high = float(rest.min()), float(rest.max())
        if high > low and min(abs(value - low), abs(value - high)) > GAP * (high - low):
            found[value] = values == value
    return found


def far_away(values: np.ndarray) -> np.ndarray:
    """Return which numbers, float64 (rows,), NaN where there is none, are far from nearly all others: bool (rows,)."""
    known = values[np.isfinite(values)]
    if len(known) < FEWEST:
        return np.zeros(len(values), bool)
    low, high = np.quantile(known[:: max(len(known) // SAMPLE, 1)], [0.01, 0.99])
    reach = FAR * (high - low)
    found = np.isfinite(values) & ((values < low - reach) | (values > high + reach)) & (reach > 0)
    return found if 0 < found.sum() <= FEW * len(known) else np.zeros(len(values), bool)


def last_days(values: pl.Series) -> pl.Series:
    """Return which times are days that stand for none, such as 9999-12-31, and that at least ``AT_LEAST`` rows have."""
    days = values.cast(pl.Date, strict=False) if values.dtype.is_temporal() else values.cast(pl.String).str.head(10)
    odd = days.cast(pl.String).is_in(list(LAST_DAYS)).fill_null(False)
    return odd if int(odd.sum()) >= AT_LEAST else odd & False
