"""What is no longer as it was when a run goes on is named, or refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from bench import Bench
from samples import reseal_checkpoint


@pytest.fixture(scope="module")
def once(bench: Bench) -> Path:
    """A run of data of its own, killed after a checkpoint."""
    source = shutil.copytree(bench.source("table").parent, bench.folder / "changing") / "table.csv"
    out = bench.fresh()
    assert bench.driver("train", work="table", source=source, out=out, hits=[("update", 15, 9)])["code"] == -9
    return shutil.copytree(out, bench.folder / "killed-changing")


@pytest.fixture
def killed(bench: Bench, once: Path) -> Path:
    """That run and its data as they were."""
    shutil.copytree(bench.source("table").parent, bench.folder / "changing", dirs_exist_ok=True)
    return shutil.copytree(once, bench.fresh())


def test_other_data_are_refused(bench: Bench, killed: Path) -> None:
    file = bench.folder / "changing" / "table.csv"
    file.write_text(file.read_text() + "yes,0.123,0.5,zzz\n")
    before = {each: each.read_bytes() for each in killed.rglob("*") if each.is_file() and each.name != ".lock"}
    answer = bench.driver("resume", out=killed)
    assert (answer["code"], answer["error"]) == (2, "E414")
    assert "table.csv" in answer["message"]
    assert {each: each.read_bytes() for each in killed.rglob("*") if each.is_file() and each.name != ".lock"} == before


def test_data_that_are_gone(bench: Bench, killed: Path) -> None:
    (bench.folder / "changing" / "table.csv").unlink()
    answer = bench.driver("resume", out=killed)
    assert answer["code"] == 2
    assert answer["error"].startswith("E422")


@pytest.mark.parametrize(("key", "value"), [("lr", 0.5), ("batch_size", 3), ("seed", 1), ("optimizer", {"name": "Adam"})])
def test_a_setting_that_may_not_change(bench: Bench, killed: Path, key: str, value: Any) -> None:
    answer = bench.driver("resume", out=killed, settings={key: value})
    assert (answer["code"], answer["error"]) == (2, "E416")
    assert key in answer["message"]


def test_another_number_of_threads_and_another_version_are_named(bench: Bench, killed: Path) -> None:
    for folder in (killed / "checkpoints").iterdir():
        values = json.loads((folder / "state.json").read_bytes())
        values["machine"] |= {"torch": "2.0.0", "numpy": "1.0"}
        (folder / "state.json").write_text(json.dumps(values))
        reseal_checkpoint(folder)
    answer = bench.driver("resume", out=killed, settings={"threads": 2})
    assert answer["code"] == 0
    said = {what: value for what, value, _ in answer["said"]}
    assert said["torch"].startswith("2.0.0 before")
    assert said["numpy"].startswith("1.0 before")
    assert said["threads"] == "1 before, 2 now"


def test_words_that_are_not_those_of_the_run(bench: Bench, killed: Path) -> None:
    answer = bench.train("text", killed)
    assert (answer["code"], answer["error"]) == (2, "E418")
