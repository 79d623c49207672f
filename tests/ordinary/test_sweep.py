"""A sample of the sweep over made tables, and that the sweep would see what is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ordinary_tables import made
from table_sweep import judge, sweep


def test_no_table_is_misread_in_silence() -> None:
    counts, wrong = sweep(range(30))
    assert not wrong
    assert counts["as told: right"] > 0.9 * (counts["as told: right"] + counts["as told: said"]) > 100


def test_the_sweep_sees_what_is_misread(tmp_path: Path) -> None:
    """A value that is not the one meant, in a column of any kind, is no more than a wrong reading would be."""
    seen = set()
    for number in range(6):
        table = made(number)
        (tmp_path / "t.csv").write_bytes(table.content)
        for name, column in table.columns.items():
            told = judge(tmp_path / "t.csv", table, {})[name]
            values = [column.values[1], *column.values[1:]]
            if told != "right" or values[0] == column.values[0]:
                continue
            other = replace(table, columns={**table.columns, name: replace(column, values=values)})
            assert judge(tmp_path / "t.csv", other, {})[name] != "right", (number, name)
            seen.add(column.kind)
    assert seen == {"number", "date", "boolean", "category"}
