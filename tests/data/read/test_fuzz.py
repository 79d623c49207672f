"""Mutated files meet no traceback, and what is said of them is true; the sweep that watches this notices when it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import sweep
from mutations import mutant, seeds

from trainwright.data.tables.table import ROW, Rejected, Table
from trainwright.errors import error


def test_mutated_files(tmp_path: Path) -> None:
    """A sample; more of them: ``python tests/data/sweep.py 10000``."""
    command = [sys.executable, "-W", "error", str(Path(sweep.__file__)), os.environ.get("TRAINWRIGHT_FUZZ", "60")]
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert found.returncode == 0 and not found.stderr, found.stdout[-5000:] + found.stderr[-5000:]


def test_a_number_is_always_the_same_file() -> None:
    assert mutant(7) == mutant(7) and mutant(7) != mutant(7 + len(seeds()))


@pytest.mark.parametrize("kind", [kind for kind in seeds() if kind not in ("text", "text.gz")])
def test_good_files_are_read_and_nothing_is_wrong_with_them(kind: str, tmp_path: Path) -> None:
    name, content = seeds()[kind]
    (tmp_path / name).write_bytes(content)
    assert sweep.judge(tmp_path / name) == sweep.Outcome(read=True)


@pytest.mark.parametrize("kind", ["table", "semicolon", "csv"])
@pytest.mark.parametrize("pattern", [b"^x$", b"^.*$", b"*"])
def test_a_column_may_be_called_like_a_pattern(kind: str, pattern: bytes, tmp_path: Path) -> None:
    name, content = seeds()[kind]
    head, _, rows = content.partition(b"\n")
    delimiter = b";" if b";" in head else b","
    for place, known in enumerate(head.split(delimiter)):
        names = head.split(delimiter)
        names[place] = pattern
        outcome = judged(tmp_path, name, delimiter.join(names) + b"\n" + rows)
        assert outcome == sweep.Outcome(read=True), known


# ---- the sweep can fail


def judged(tmp_path: Path, name: str, content: bytes) -> sweep.Outcome:
    (tmp_path / name).write_bytes(content)
    return sweep.judge(tmp_path / name)


@pytest.mark.parametrize("raised", [ValueError("a bug"), pl.exceptions.PanicException("a panic"), RecursionError()])
def test_any_other_exception_is_wrong(raised: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise raised

    monkeypatch.setattr(sweep, "read_table", fail)
    faults = judged(tmp_path, *seeds()["csv"]).faults
    assert len(faults) == 1 and "Traceback" in faults[0]


@pytest.mark.parametrize(
    "problem",
    [
        error("E103", path="another.csv"),
        error("E113", path="{path}", why="x", where="{path}, line 4000"),
    ],
    ids=["no file", "no such line"],
)
def test_messages_are_looked_at(problem: ValueError, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n")
    problem.what, problem.where = (each.replace("{path}", str(path)) for each in (problem.what, problem.where))
    assert len(sweep.unclear(problem, path)) == 1
    assert not sweep.unclear(error("E103", path=path), path)


def test_long_messages_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "LONGEST_MESSAGE", 20)
    assert len(sweep.unclear(error("E103", path=tmp_path / "a.csv"), tmp_path / "a.csv")) == 1


LINES = b'{"a": 1}\nx\n\n{"a": 2}\n'


@pytest.mark.parametrize(
    ("name", "content", "rows", "rejected", "wrong"),
    [
        ("a.jsonl", LINES, [1, 4], [2], False),
        ("a.jsonl", LINES, [1, 4], [3], True),
        ("a.jsonl", LINES, [1, 2], [4], True),
        ("a.jsonl", LINES, [1, 4], [], True),
        ("a.jsonl", LINES, [1, 4], [4], True),
        ("a.csv", b"a,b\n1,2\n3\n4,5\n", [2, 4], [3], False),
        ("a.csv", b"a,b\n1,2\n3\n4,5\n", [2, 3], [4], True),
        ("a.csv", b'a,b\n1,"2"\n3\n', [2], [30], True),
        ("a.json", b'[{"a": 1}, 2]', [1], [2], False),
        ("a.json", b'[{"a": 1}, 2]', [2], [1], True),
    ],
)
def test_places_are_looked_at(
    name: str, content: bytes, rows: list[int], rejected: list[int], wrong: bool, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    kind = path.suffix.removeprefix(".")
    notes = [("format", kind, ""), ("encoding", "utf-8", ""), ("delimiter", "comma", "")]
    frame = pl.DataFrame({"a": rows, "b": rows, ROW: rows})
    table = Table(frame, str(path), [Rejected(str(path), row, "a reason") for row in rejected], notes)
    assert bool(sweep.misplaced(table, path)) == wrong
