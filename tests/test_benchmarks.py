"""The benchmarks: every case is there and names programs that exist, the table is right, what is left out says why.

No peer is needed and nothing is measured.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))

import gpu  # noqa: E402
import run  # noqa: E402
from case import Case, Place, Target  # noqa: E402
from cases import CASES  # noqa: E402
from measure import descendants, measure, resident  # noqa: E402
from table import section, skipped, verdict  # noqa: E402

TARGETS = (
    Target("accuracy", 0.9, at_least=True),
    Target("wall", 1 / 3, against=("slow", "slower")),
    Target("memory", 4 * 2**30),
)
CASE = Case("made", "Made-up results.", lambda place: {}, TARGETS, data=("news",), reach=0.9, count=(100, "rows", "train"))


def found(wall: float, accuracy: float = 0.95, memory: int = 2**30) -> dict[str, Any]:
    return {"wall": wall, "cpu": wall, "memory": memory, "accuracy": accuracy, "seconds.train": wall / 2}


def test_the_table_of_a_gpu_has_every_way_beside_the_best_plain_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "TINY", True)
    found = gpu.step(8)
    lines = gpu.table({"step-8": found, "lost": {"failed": "exit 1"}}).splitlines()
    best = min(value for name, value in found.items() if "loop" in name)
    assert f"{found['trainwright, graph=true'] / best:.2f}" in lines[-2]
    assert {"bare loop", "bare loop, .item()", "trainwright", "trainwright, graph=true"} < found.keys()
    assert lines[-1] == "| lost | failed | exit 1 |  |"


def test_every_case_is_listed() -> None:
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    names = {line.split()[0] for line in listed.splitlines()}
    assert names == set(CASES) == {
        "ag_news_10k", "ng20", "news-120k", "news-1200k", "rows-10m",
        "tutorial", "mnist-mlp", "mnist-convnet", "ptb", "step", "cold", "predict",
    }  # fmt: skip


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_a_case_names_programs_that_exist(name: str, small: bool, tmp_path: Path) -> None:
    commands: list[list[str]] = []
    case = CASES[name]
    systems = case.systems(Place(tmp_path / "data", tmp_path, "python-of-the-peers", small, commands.append))
    programs = {Path(command[1]) for command in [*systems.values(), *commands] if command[1].endswith(".py")}
    assert all(program.is_file() for program in programs)
    for target in case.targets:
        assert set(target.against) <= set(systems) and (target.system or next(iter(systems))) in systems
    assert case.targets and case.what


def test_every_peer_says_what_is_fair() -> None:
    for path in sorted((BENCHMARKS / "peers").glob("*_*.py")):
        if path.name != "fasttext_lines.py":
            assert "\nFairness: " in (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""), path.name


def test_the_table_has_medians_spread_and_ratios() -> None:
    runs = {"ours": [found(1.0), found(4.0), found(2.0)], "slow": [found(8.0)] * 3, "slower": [found(9.0)] * 3}
    lines = section(CASE, runs, judged=True).splitlines()
    assert (
        "| ours | 2.00 | 1.00 | 4.00 | 2.00 | 1.00 | 0.9500 | 1.00 | train 1, 50 rows/s (whole process), 100 rows/s (train) |"
        in lines
    )
    assert "| slow | 8.00 | 8.00 | 8.00 | 8.00 | 1.00 | 0.9500 | 4.00 |" in "\n".join(lines)
    assert lines[-3:] == [
        "- accuracy >= 0.9: 0.95, met",
        "- wall <= 0.3333 x the best of slow, slower: 0.25, met",
        "- memory <= 4 GiB: 1.00 GiB, met",
    ]
    small = section(CASE, runs | {"slow": [found(8.0, accuracy=0.5)]}, judged=False)
    assert "not judged" in small and "not reached" not in small


def test_a_target_is_missed() -> None:
    middle = {"ours": found(4.0, memory=5 * 2**30), "slow": found(8.0), "slower": found(2.0, accuracy=0.5)}
    # The fastest did not reach the accuracy of the case, so it is not the one to beat.
    assert verdict(TARGETS[1], CASE, middle) == (0.5, "missed")
    assert verdict(TARGETS[2], CASE, middle)[1] == "missed"
    assert verdict(TARGETS[1], CASE, middle | {"ours": found(0.1, accuracy=0.8)})[1].startswith("missed: ours ended below")
    assert verdict(Target("accuracy", 1.0, at_least=True, against=("slow",)), CASE, middle) == (1.0, "met")


def test_what_failed_is_said() -> None:
    runs = {"ours": [found(1.0)], "slow": [{"error": "Traceback\nImportError: no peer"}], "slower": [{"error": "x"}]}
    text = section(CASE, runs, judged=True)
    assert "| slow | failed: ImportError: no peer |" in text
    assert "unknown: no peer was measured" in text


def test_a_case_that_is_left_out_says_why(tmp_path: Path) -> None:
    assert "no folder with news/" in skipped(CASE, CASE.skipped(tmp_path, False))
    (tmp_path / "news").mkdir()
    assert CASE.skipped(tmp_path, False) == ""
    assert "--long" in CASES["rows-10m"].skipped(tmp_path, False) and CASES["rows-10m"].skipped(tmp_path, True) == ""


def test_the_memory_of_a_process_and_of_those_below_it_is_seen() -> None:
    waits = "import sys; held = bytearray(1 << 26); print(flush=True); sys.stdin.read()"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {waits!r}])"
    with subprocess.Popen([sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"\n"  # the inner one holds its memory
        _, inner = descendants(process.pid)
        assert resident(inner) > 1 << 26 > resident(process.pid) > 0
        process.communicate(b"")
    assert resident(inner) == 0


def test_a_process_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("measure.resident", lambda pid: 0)  # one that ends between two looks at it
    program = "import json; held = bytearray(1 << 27); print(json.dumps({'accuracy': 0.5, 'seconds': {'train': 2.0}}))"
    # A process in the process: what it takes counts.
    outer = f"import subprocess, sys; print('noise'); subprocess.run([sys.executable, '-c', {program!r}], check=True)"
    got = measure([sys.executable, "-c", outer], tmp_path, {})
    assert got["accuracy"] == 0.5 and got["seconds.train"] == 2.0
    assert got["memory"] > 1 << 27 and got["wall"] > 0 and got["cpu"] > 0


def test_a_process_that_fails_gives_its_reason(tmp_path: Path) -> None:
    got = measure([sys.executable, "-c", "import no_such_peer"], tmp_path, {})
    assert set(got) == {"error"} and "no_such_peer" in got["error"]


def test_the_scores_of_a_training_are_those_of_its_test_rows(tmp_path: Path) -> None:
    said = {"valid": {"accuracy": 0.9}, "test": {"accuracy": 0.8, "interval": [0.7, 0.9]}, "seconds": {"read": 1.0}}
    got = measure([sys.executable, "-c", f"import json; print(json.dumps({said!r}))"], tmp_path, {})
    assert got["accuracy"] == 0.8 and got["seconds.read"] == 1.0 and "interval" not in got


def test_rounds_alternate_and_results_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = tmp_path / "order"
    order.touch()

    def program(name: str) -> list[str]:
        return [sys.executable, "-c", f"open({str(order)!r}, 'a').write({name!r})"]

    cases = {
        "both": Case("both", "", lambda place: {"A": program("A"), "B": program("B")}, (), gpu=True),
        "absent": Case("absent", "", lambda place: {}, (), data=("nowhere",)),
    }
    for name, value in (
        ("CASES", cases),
        ("HERE", tmp_path),
        ("make_peers", lambda: sys.executable),
        ("gpu_name", lambda: "a GPU"),
        ("about", lambda *words: {"rounds": 2}),
        ("head", lambda about: "head\n"),
    ):
        monkeypatch.setattr(run, name, value)
    options = argparse.Namespace(rounds=2, only=["both", "absent"], long=False, small=False)
    assert run.carried(options, tmp_path, tmp_path) == 0
    assert order.read_text() == "ABAB" * 2  # both parts
    text = (tmp_path / "results.md").read_text()
    assert (
        "## On the CPU" in text
        and "## On the GPU" in text
        and "skipped: TRAINWRIGHT_TEST_DATA names no folder with nowhere/" in text
    )
    kept = json.loads((tmp_path / "results.json").read_text())["cases"]
    assert set(kept["CPU"]) == set(kept["GPU"]) == {"both"} and len(kept["CPU"]["both"]["A"]) == 2
    cases["both"] = Case("both", "", lambda place: {"A": [sys.executable, "-c", "raise SystemExit(1)"]}, ())
    assert run.carried(options, tmp_path, tmp_path) == 1
