"""Run folders that anybody may have written, under every verb: a message with a code or an answer, and nothing else.

No traceback, no end that never comes, no more memory than a run could need, and no file touched outside of the folder.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import forks
import hostile
import pytest
import torch
from bench import FULL, Bench
from verbs import VERBS
from works import WORKS

import trainwright as tw

CHUNKS, EACH, KINDS = (20, 100, [*WORKS]) if FULL else (1, 5, ["table"])
MOST = 500 << 20  # bytes of memory of the process that carries the verbs out, libraries and all
SLOW = ["plots", "suspects", "from", "replay", "landscape", "--resume", "resume", "resume more"]  # two of them for each folder
ITEMS = {"text": "the match of the team", "table": "first=0.5 second=0.1 third=a", "language": "w1 w2 w3"}


@dataclass
class Arena:
    """A folder with good runs to be damaged, one at a time, and with what nobody may touch."""

    folder: Path
    good: dict[str, tuple[Path, Path, str]]  # run, its source, and one thing to predict

    def attack(self, seed: int) -> tuple[str, dict[str, Any]]:
        """Damage a copy of a run; return what was done, and what the verbs came to."""
        draw = random.Random(seed)
        name = draw.choice(sorted(self.good))
        good, source, item = self.good[name]
        run, out, spare = (self.folder / each for each in ("run", "out", "spare"))
        for each in (run, out, spare):
            _remove(each)
        spare.mkdir()
        shutil.copytree(good, run)
        done = hostile.damage(run, draw)
        before = self.untouched()
        told, cache = self.folder / "told", self.folder / "cache"
        told.unlink(missing_ok=True)
        job = {
            "begun": self.folder / "begun",
            "verbs": [*(verb for verb in VERBS if verb not in SLOW), *draw.sample(SLOW, 2)],
            "words": {"RUN": str(run), "PARENT": str(self.folder), "SOURCE": str(source), "ITEM": item, "OUT": str(out)},
            "allowed": [str(run), str(out), str(spare), str(cache), os.devnull],
            "spare": str(spare),
        }
        ended = forks.server().run("verbs:child", job, str(told), TRAINWRIGHT_CACHE=str(cache))
        answer: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {"wrong": {}, "memory": 0}
        if ended.returncode:
            answer["wrong"][job["begun"].read_text()] = f"ended by {ended.returncode}: {ended.stderr[-500:]}"
        if self.untouched() != before:
            answer["wrong"]["files"] = "a file outside of the folder is another"
        return f"{seed}: {name}, {done}", answer

    def untouched(self) -> dict[str, tuple[int, int]]:
        """Size and time of every file that is no part of the run."""
        found = [*(self.folder / "outside").rglob("*"), *(self.folder / "good").rglob("*")]
        return {str(each): (each.lstat().st_size, each.lstat().st_mtime_ns) for each in found}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def arena(bench: Bench) -> Iterator[Arena]:
    """A finished run of each kind, one that was killed, and one of ``fit``."""
    folder = bench.folder / "arena"
    (folder / "outside").mkdir(parents=True)
    (folder / "outside" / "victim").write_text("not yours\n")
    good: dict[str, tuple[Path, Path, str]] = {}
    for work in KINDS:
        source = bench.source(work)
        item = ITEMS.get(work) or str(next(source.rglob("*.png")))
        for name, hits in ((work, []), (f"{work} killed", [("update", 9, 9)])):
            out = folder / "good" / name.replace(" ", "-")
            out.parent.mkdir(exist_ok=True)
            bench.train(work, out, hits=hits)
            good[name] = out, source, item
    out = folder / "good" / "fit"
    inputs = torch.arange(60.0).reshape(20, 3) / 60
    net = torch.nn.Linear(3, 2)
    sgd = torch.optim.SGD(net.parameters(), lr=0.1)
    data = inputs, (inputs.sum(1) > 1.5).long()
    list(tw.fit(net, data, valid=data, loss=torch.nn.CrossEntropyLoss(), optimizer=sgd, epochs=2, out=out))
    good["fit"] = out, bench.source("table"), "1"
    yield Arena(folder, good)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_verb_over_damaged_runs(arena: Arena, count: Any, chunk: int) -> None:
    bad: list[str] = []
    for seed in range(chunk * EACH, (chunk + 1) * EACH):
        done, answer = arena.attack(seed)
        if answer["memory"] > MOST:
            answer["wrong"]["memory"] = f"{answer['memory']:,} bytes"
        bad += [f"{done}\n  {verb}: {each}" for verb, each in answer["wrong"].items()]
    count(EACH, len(bad))
    assert not bad, "\n".join(bad)
