"""Cells of a table that can hardly be meant, found by their columns: it costs next to nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from trainwright.data.tables import odd_numbers
from trainwright.data.tables.dtypes import Feature
from trainwright.tasks.found import Named
from trainwright.tasks.splitting import Rows
from trainwright.watch.inspected.finding import Finding
from trainwright.watch.words import number


def odd_values(rows: Rows, frame: pl.DataFrame, columns: Sequence[Feature]) -> list[Finding]:
    """Return the findings on the numbers and dates of all rows; ``frame`` has the columns as read, ``place`` says where."""
    named, places = Named(rows.frame, rows.files), rows.frame["place"].to_numpy()
    found = list[Finding]()
    for column in columns:
        values = frame[column.name].alias("").gather(places)  # polars takes a name such as ^x$ for a pattern
        if column.kind == "number":
            found += _of_numbers(column.name, values.cast(pl.Float64).fill_null(np.nan).to_numpy(), named)
        elif column.kind == "date":
            odd = odd_numbers.last_days(values)
            if odd.any():
                days = ", ".join(sorted({str(each)[:10] for each in values.filter(odd)}))
                found.append(
                    named.finding("sentinel", odd.to_numpy(), f"rows have {days}, a day that stands for none", column.name)
                )
    return found


def _of_numbers(column: str, values: np.ndarray, named: Named) -> Iterator[Finding]:
    odd = np.zeros(len(values), bool)
    for value, there in odd_numbers.stand_ins(values).items():
        rest = values[np.isfinite(values) & ~there]
        what = f"rows have {value:g}, and all others {number(float(rest.min()))} to {number(float(rest.max()))}"
        odd = odd | there
        yield named.finding("sentinel", there, what, column)
    values = np.where(odd, np.nan, values)
    far = odd_numbers.far_away(values)
    if far.any():
        low, high = (number(float(each)) for each in np.nanquantile(values, [0.01, 0.99]))
        extreme = number(float(values[far][np.abs(values[far]).argmax()]))
        yield named.finding(
            "outliers", far, f"rows are far away, such as {extreme}: 98 of 100 are from {low} to {high}", column
        )
