"""The table of epochs: which columns each task has, and that they fit."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watch_samples import ODD_LABELS

from trainwright.watch import record, words
from trainwright.watch.events import Epoch, EventLog, Scores, Started, Step, to_json
from trainwright.watch.terminal import console as console_module
from trainwright.watch.terminal import epochs
from trainwright.watch.terminal.console import Console


def table(*scores: tuple[Scores, Scores | None]) -> list[str]:
    stream = io.StringIO()
    console = Console(stream)
    for number, (train, valid) in enumerate(scores, 1):
        console.handle(Epoch(number, number * 10, train, valid, 0.1, 1.25, best=number == 1))
    console.close()
    return [line for line in stream.getvalue().splitlines() if line]


def heads(line: str) -> list[str]:
    return [part.strip() for part in line.replace(epochs.BEST, "").split("  ") if part.strip()]


def language(loss: float, accuracy: float | None = 0.2) -> Scores:
    return Scores(loss, accuracy, 1000, {"perplexity": math.exp(loss)})


def test_a_language_model_has_its_perplexity_in_the_table() -> None:
    head, *rows = table((language(5.0), language(4.8)), (language(4.0), language(4.1)))
    assert heads(head) == [
        "epoch", "train loss", "train acc", "train ppl", "valid loss", "valid acc", "valid ppl", "seconds"
    ]  # fmt: skip
    assert rows[0].split() == ["1", "5.0000", "20.00", "%", "148.4", "4.8000", "20.00", "%", "121.5", "1.25", words.STAR]
    assert len(head) <= 100 and all(len(row) <= 100 for row in rows)


def test_a_regression_has_its_errors_in_the_table() -> None:
    valid = Scores(0.4, None, 50, {"rmse": 53.1, "mae": 41.2, "r2": 0.5})
    head, row = table((Scores(0.5, None, 400), valid))
    assert heads(head) == ["epoch", "train loss", "valid loss", "valid rmse", "valid mae", "valid r2", "seconds"]
    assert row.split()[1:6] == ["0.5000", "0.4000", "53.10", "41.20", "0.5000"]


def test_own_metrics_have_a_column_each_while_there_is_room() -> None:
    own = {f"kappa {k}": k / 10 for k in range(30)}
    head, row = table((Scores(0.5, 0.9, 400, own), Scores(0.5, 0.9, 400, own)))
    assert len(head) <= 100 and len(row) <= 100
    assert heads(head)[:5] == ["epoch", "train loss", "valid loss", "valid acc", "valid kappa 0"]
    assert "train kappa" not in head and "0.1000" in row, "the validation rows tell more than the training rows"


def test_metrics_that_are_no_numbers_and_names_that_mean_harm() -> None:
    own: dict[str, Any] = {"x" * 80: math.nan, "\x1b[31mred": math.inf, "none": None, "": 1e300}
    head, row = table((Scores(math.nan, None, 400), Scores(0.5, None, 400, own)))
    assert "nan" in row and "inf" in row and "1.000e+300" in row and "none" not in head
    assert "\x1b" not in head and "x" * 15 not in head and head.isprintable()
    assert len(table((Scores(0.5, None, 1), Scores(0.5, None, 1, {"a" * 40 + "1": 1.0, "a" * 40 + "2": 2.0})))[1].split()) == 7


def test_columns_that_come_later_are_added() -> None:
    first, rows = Scores(0.5, None, 400), Scores(0.5, None, 400, {"rmse": 5.0})
    lines = table((first, first), (first, rows), (first, first))
    assert [heads(line)[0] == "epoch" for line in lines] == [True, False, True, False, False]
    assert lines[-1].split() == ["3", "0.5000", "0.5000", "-", "1.25"]


@given(st.lists(st.tuples(st.sampled_from(["train", "valid"]), st.text(max_size=20)), unique=True), st.integers(50, 200))
def test_the_table_fits_whatever_is_measured(columns: list[tuple[str, str]], width: int) -> None:
    found = [("", "epoch"), ("train", "loss"), ("valid", "loss"), *columns, ("", "seconds")]
    layout = epochs.choose(dict.fromkeys(found), width)
    head, row = epochs.heading(layout), epochs.row(dict.fromkeys(found, "0.12345"), layout, best=True)
    assert words.width(head.text) <= width and words.width(row.text) <= width
    assert layout.columns[0] == ("", "epoch") and ("valid", "loss") in layout.columns
    assert len(head.cells) == len(row.cells) == len(layout.columns) + 1


def test_the_narrower_the_less_important_columns_go() -> None:
    event = Epoch(1, 1, language(5.0), language(4.0), 0.1, 1.0, True)
    kept = [heads(epochs.heading(epochs.choose(epochs.cells(event), width)).text) for width in (80, 70, 40, 5)]
    assert kept == [
        ["epoch", "train loss", "train ppl", "valid loss", "valid acc", "valid ppl"],
        ["epoch", "train loss", "valid loss", "valid acc", "valid ppl"],
        ["epoch", "valid loss", "valid ppl"],
        ["epoch", "valid loss"],
    ]


def test_the_rate_has_the_unit_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(console_module, "perf_counter", lambda: clock[0])
    stream = io.StringIO()
    console = Console(stream)
    console.handle(Started(1, 100, 100, 3200, "tokens"))
    for step in range(1, 101):
        clock[0] += 1
        console.handle(Step(step, 1, 0.5, 512, 0.1))
    assert "512 tokens/s" in stream.getvalue() and "rows" not in stream.getvalue()
    assert json.loads(to_json(Started(1, 2, 3, 4)))["unit"] == "rows"


@pytest.mark.parametrize("name", [*ODD_LABELS, 'a,b "c"', "two\nlines", "perplexity"])
def test_the_history_keeps_metrics_of_any_name(tmp_path: Path, name: str) -> None:
    log = EventLog(tmp_path / "events.jsonl", tmp_path / "history.csv")
    for number in (1, 2):
        scores = Scores(0.5, None, 3, {name: number / 4})
        log.append(Epoch(number, number, scores, scores if number == 1 else None, 0.1, 1.0, number == 1))
    log.close()
    rows = record.read_history(tmp_path)
    assert [(row["epoch"], row[f"train_{name}"], row[f"valid_{name}"]) for row in rows] == [(1, 0.25, 0.25), (2, 0.5, None)]
    assert rows[0]["train_loss"] == 0.5 and rows[0]["best"] is True
