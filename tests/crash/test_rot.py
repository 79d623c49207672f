"""Files that are cut or have a bit turned are never taken for whole."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bench import FULL, Bench
from compare import fingerprint

from trainwright.errors import RunError
from trainwright.store import bundle, checkpoint, seal

FLIPS = 1000 if FULL else 100


def rotten(path: Path) -> Iterator[str]:
    """A file cut at each 1/64, longer by a byte, and with one bit turned at seeded places; afterwards it is whole again."""
    whole, draw = path.read_bytes(), random.Random(path.name)
    for part in range(64):
        path.write_bytes(whole[: len(whole) * part // 64])
        yield f"{path.name} cut at {part}/64"
    path.write_bytes(whole + b"\n")
    yield f"{path.name} with a byte more"
    for _ in range(FLIPS):
        place, bit = draw.randrange(len(whole)), draw.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
        yield f"{path.name} with bit {bit} of byte {place} turned"
    path.unlink()
    yield f"{path.name} missing"
    path.write_bytes(whole)


def undetected(path: Path, read: Any) -> tuple[int, list[str]]:
    """How many were tried, and those that were read as if they were whole."""
    number, passed = 0, []
    for name in rotten(path):
        number += 1
        try:
            read(path.parent)
        except RunError as problem:
            assert problem.code == "E411", (name, problem)
        else:
            passed.append(name)
    read(path.parent)
    return number, passed


@pytest.mark.parametrize("name", ["state.safetensors", "state.json", "SEAL"])
def test_rot_of_a_checkpoint(tmp_path: Path, count: Any, name: str) -> None:
    ours = checkpoint.Checkpoints(tmp_path / "checkpoints", tmp_path / "quarantine", "id")
    state = {"a": torch.arange(100.0), "b": torch.arange(100), "c": [1.5, None, {"d": "e"}]}
    ours.save(1, state, {"settings": {}}, regular=True)
    number, passed = undetected(ours.paths()[0] / name, checkpoint.read)
    count(number, len(passed))
    assert not passed


@pytest.mark.parametrize("name", [*bundle.FILES, "README.md", "SEAL"])
def test_rot_of_a_bundle(tmp_path: Path, count: Any, name: str) -> None:
    made = bundle.Bundle({"task": "text"}, {"a": np.arange(50.0)}, {"b": np.arange(9)}, ["one", "two"])
    bundle.save(tmp_path / "model", made, "# A card\n")
    number, passed = undetected(tmp_path / "model" / name, seal.contents if name == "README.md" else bundle.load)
    count(number, len(passed))
    assert not passed


def test_the_newest_whole_checkpoint_is_gone_on_from(bench: Bench, count: Any) -> None:
    bench.untouched("table")
    killed = bench.fresh()
    bench.train("table", killed, hits=[("update", 15, 9)])
    killed = killed.rename(killed.with_name("killed-table"))
    for name in ("state.safetensors", "state.json", "SEAL"):
        out = shutil.copytree(killed, bench.fresh())
        newest = max((out / "checkpoints").iterdir())
        content = bytearray((newest / name).read_bytes())
        content[len(content) // 2] ^= 4
        (newest / name).write_bytes(content)
        assert bench.unlike("table", out) == [], name
        assert [each.name for each in (out / "quarantine").iterdir()] == [newest.name]
    count(3)


def test_no_whole_checkpoint(bench: Bench, count: Any) -> None:
    bench.untouched("table")
    out = bench.fresh()
    bench.train("table", out, hits=[("update", 15, 9)])
    for each in (out / "checkpoints").iterdir():
        (each / "state.json").write_bytes(b"{}")
    before = content(out)
    answer = bench.driver("resume", out=out)
    assert (answer["code"], answer["error"]) == (2, "E413")
    assert content(out) == before
    shutil.rmtree(out / "checkpoints")
    answer = bench.driver("resume", out=out)
    assert (answer["code"], answer["error"]) == (2, "E417")
    count(2)


def content(folder: Path) -> dict[str, bytes]:
    """All of a folder but the lock."""
    files = [each for each in folder.rglob("*") if each.is_file() and each.name != ".lock"]
    return {str(each.relative_to(folder)): each.read_bytes() for each in files}


def test_a_bit_of_a_finished_run_is_told(bench: Bench) -> None:
    """The comparison reads what it compares."""
    whole = bench.untouched("table")
    out = bench.fresh()
    assert bench.train("table", out)["code"] == 0
    file = out / "model" / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert fingerprint(out) != whole
