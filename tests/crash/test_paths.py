"""Every verb on every kind of path: success or one message, in time, and nothing is touched that is not to be written."""

from __future__ import annotations

import os
import random
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from bench import FULL, Bench
from odd_paths import IN, PATHS, READING, WRITING
from samples import news_rows, write_csv

import trainwright as tw

CASES = [(verb, kind) for verb in READING | WRITING for kind in PATHS]
CASES = CASES if FULL else random.Random(3).sample(CASES, 24)
OWN = re.compile(r"said\.|runs(/|$)|run(/|$)")  # what a command may write whatever it is told


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and a run of them."""
    folder = tmp_path_factory.mktemp("paths")
    source = write_csv(folder / "news.csv", news_rows(60))
    shutil.copyfile(source, folder / "news copy.csv")
    (folder / "beside").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        tw.train("news.csv", epochs=1, device="cpu", out="run", listen=lambda event: None)
    return folder


def entries(folder: Path) -> dict[str, tuple[Any, ...]]:
    """What lies in a folder, by name: kind, mode, owner, and content or target."""
    found = {}
    for place, folders, files in os.walk(folder):
        for path in (Path(place, name) for name in [*folders, *files]):
            facts = path.lstat()
            content = path.readlink() if path.is_symlink() else path.read_bytes() if stat.S_ISREG(facts.st_mode) else ""
            found[str(path.relative_to(folder))] = (facts.st_mode, facts.st_uid, facts.st_nlink, content)
    return found


def may_change(name: str, path: Path, writing: bool) -> bool:
    """Whether a command may have made or changed the entry ``name``, when it was told to write to ``path`` or to read it."""
    if OWN.match(name) or not writing:
        return bool(OWN.match(name))
    targets = [path.name, *([str(path.readlink())] if path.is_symlink() else []), "other name"]
    return any(name == each or name.startswith(f"{each}/") for each in targets)


@pytest.mark.parametrize("which", ["reading", "writing"])
def test_a_path_of_any_kind(bench: Bench, template: Path, tmp_path: Path, count: Any, which: str) -> None:
    verbs, bad = READING if which == "reading" else WRITING, []
    cases = [(verb, kind) for verb, kind in CASES if verb in verbs]
    for verb, kind in cases:
        place = tmp_path / "place"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(template, place, symlinks=True)
        name, make = PATHS[kind]
        word = os.fsdecode(name)
        path = place / (word or "empty name")
        make(path)
        before = entries(place)
        words = [word if each == IN else each for each in verbs[verb]]
        said = bench.driver.command(place, *words, limit=60)
        after = entries(place)
        changed = [each for each in before | after if before.get(each) != after.get(each)]
        wrong = [each for each in changed if not may_change(each, path, which == "writing")]
        if said["code"] not in (0, 2):
            wrong.append(f"exit code {said['code']}")
        if said["code"] == 2 and len(re.findall(r"^E\d{3}: ", said["stderr"], re.MULTILINE)) != 1:
            wrong.append(f"no message: {said['stderr']}")
        there = str(path.relative_to(place)) if path.is_relative_to(place) else ""
        if there in before and before[there][:3] != after.get(there, ())[:3] and "folder" not in kind:
            wrong.append(f"it is another now: {before[there][:3]}, {after.get(there, ())[:3]}")
        if wrong:
            bad.append((verb, kind, wrong))
    count(len(cases), len(bad))
    assert not bad, "\n".join(map(str, bad))
