"""The folders of runs are no data: they are passed over by whatever reads or digests a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.data.files.folders import entries, files_below
from trainwright.data.files.virtual import as_path
from trainwright.data.read.source import find
from trainwright.errors import RunError, SourceError
from trainwright.store.run_folder import RunFolder, is_run, locked


def write_run(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")


def test_a_run_is_known_from_the_moment_on_when_it_is_locked(tmp_path: Path) -> None:
    write_run(tmp_path / "theirs", "data.json", ".lock", "plots/a.png")
    write_run(tmp_path / "settings only", "settings.toml")
    assert not any(map(is_run, tmp_path.iterdir()))
    for head in ("settings.toml", "call.json"):
        write_run(tmp_path / head, head, "data.json")
        assert is_run(tmp_path / head)
    (tmp_path / "new").mkdir()
    with locked(RunFolder(tmp_path / "new")):
        assert is_run(tmp_path / "new")
    assert not is_run(tmp_path / ("x" * 300)) and not is_run(tmp_path / "\0")


def test_what_lies_in_a_run_is_not_found(tmp_path: Path) -> None:
    write_run(tmp_path / "texts", "a/1.txt", "b/2.txt", ".hidden/3.txt")
    before = find(str(tmp_path / "texts"), None, None, offline=True).digests
    write_run(tmp_path / "texts" / "runs" / "texts-1", "settings.toml", "data.json", "plots/c.txt", "history.csv")
    write_run(tmp_path / "texts" / "a" / "run", "call.json", "data.json", "c.txt")
    names = [path.name for path in files_below(tmp_path / "texts")]
    assert names == ["1.txt", "2.txt"] and entries(tmp_path / "texts" / "a" / "run") == []
    assert find(str(tmp_path / "texts"), None, None, offline=True).digests == before
    assert [path.name for path in as_path(f"{tmp_path}/texts/**/*.txt").iterdir()] == ["3.txt", "1.txt", "2.txt"]
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "texts")
    assert [path.name for path in files_below(as_path(tmp_path / "packed.zip"))] == names


def test_a_run_named_as_data_is_refused(trained: tw.Run, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="E167"):
        tw.train(trained.path, out=tmp_path / "run")
    with pytest.raises(SourceError, match="E167"):
        tw.train(write_csv(tmp_path / "news.csv", news_rows(60)), test=trained.path, out=tmp_path / "run")


def test_runs_among_the_pictures_that_they_learn_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    for number in range(40):
        place = tmp_path / ("left", "right")[number % 2]
        place.mkdir(exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (8, 8), np.uint8)).save(place / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    given = {"epochs": 1, "device": "cpu", "listen": lambda event: None}
    first = tw.train(".", **given)
    (first.path / "plots").mkdir()
    shutil.copyfile("left/0.png", first.path / "plots" / "curves.png")
    second = tw.train(".", **given)
    assert first.report["labels"] == second.report["labels"] == ["left", "right"]
    assert first.report["data"]["sources"] == second.report["data"]["sources"]
    assert not tw.verify(second, listen=lambda event: None).wrong

    def resumed(event: object) -> None:
        with pytest.raises(RunError, match="E415"):
            tw.resume(third, listen=lambda event: None)

    third = tmp_path / "runs" / "third"
    tw.train(".", **given | {"out": third, "listen": lambda event: resumed(event) if event.kind == "epoch" else None})
    assert json.loads((third / "report.json").read_bytes())["data"]["sources"] == first.report["data"]["sources"]
