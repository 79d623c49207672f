"""What is known of a column is worked out once, whoever asks."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest

from trainwright.data.read.infer_task import infer_task
from trainwright.data.tables import profile
from trainwright.data.tables.dtypes import How
from trainwright.data.tables.feature_columns import choose_features
from trainwright.data.tables.table import ROW, Table
from trainwright.data.tables.text_columns import choose_columns


def test_each_column_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: Counter[str] = Counter()
    real = profile.read

    def counted(column: pl.Series, how: How) -> profile.ColumnType:
        looked[column[0]] += 1
        return real(column, how)

    monkeypatch.setattr(profile, "read", counted)
    columns = {
        "size": [str(n) for n in range(60)],
        "price": [f"{n},5" for n in range(60)],
        "label": ["a", "b"] * 30,
        ROW: list(range(60)),
    }
    table = Table(pl.DataFrame(columns), "x.csv")
    assert infer_task(table)[0] == "table"
    chosen = choose_features(table)
    assert [(each.name, each.format) for each in chosen.features] == [("size", "comma"), ("price", "comma")]
    assert choose_features(table) == chosen and choose_columns(table, ("size",)).label == "label"
    assert looked == {"0,5": 1, "a": 1}  # plain numbers such as the sizes are told for the whole table


def test_what_settles_a_column_is_said_each_time() -> None:
    columns = {"n": ["1,000", "2,000"] * 15, "label": ["a", "b"] * 15, ROW: list(range(30))}
    table = Table(pl.DataFrame(columns), "x.csv")
    infer_task(table)
    assert [note[0] for note in choose_features(table, ("n",)).notes].count("thousands") == 1
