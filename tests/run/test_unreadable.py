"""One file of a source folder that may not be read is named, left out and in data.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from image_samples import bars, write_folder
from samples import news_rows, without_privileges, write_csv

import trainwright as tw
from trainwright.data.read.source import find
from trainwright.errors import TrainwrightError
from trainwright.watch.events import Note


def photos(folder: Path) -> Path:
    write_folder(folder, *bars(40))
    return min(folder.rglob("*.png"))


def texts(folder: Path) -> Path:
    for number, (label, text) in enumerate(news_rows(60)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"{number:02}.txt").write_text(text)
    return min(folder.rglob("*.txt"))


def novel(folder: Path) -> Path:
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.txt").write_text("\n".join(text for _, text in news_rows(15, seed=number)))
    return folder / "0.txt"


@pytest.mark.parametrize("make", [photos, texts, novel])
def test_a_file_that_may_not_be_read_is_left_out(make, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    refused = make(tmp_path / "source")
    refused.chmod(0)
    said: list[object] = []
    with without_privileges():
        run = tw.train(tmp_path / "source", out=tmp_path / "run", epochs=1, speed="off", listen=said.append)
        assert run.report["data"]["sources"].keys() == {"train"}
        again = tw.resume(run.path, epochs=2, listen=said.append)
        before = find(str(tmp_path / "source"), None, None, offline=True).digests
    assert again.report["epochs"] == 2 and before == run.report["data"]["sources"]
    data = json.loads((run.path / "data.json").read_bytes())
    assert data["rejected"] == 1 and [each["file"] for each in data["rejected_rows"]] == [str(refused)]
    assert any(each[0] == "left out" and str(refused) in f"{each}" for each in said if isinstance(each, Note))
    assert not [each for each in said if isinstance(each, Note) and each[0] == "changed data"]
    assert "Traceback" not in capfd.readouterr().err
    refused.chmod(0o600)
    after = find(str(tmp_path / "source"), None, None, offline=True).digests
    assert after != before, "a file that can be read is another source"


def test_files_of_which_none_may_be_read_are_refused(tmp_path: Path) -> None:
    for path in novel(tmp_path / "source").parent.iterdir():
        path.chmod(0)
    with without_privileges(), pytest.raises(TrainwrightError) as caught:
        tw.train(tmp_path / "source", out=tmp_path / "run")
    assert caught.value.code == "E102" and not (tmp_path / "run").exists()


def shards(folder: Path) -> Path:
    folder.mkdir()
    for number in range(4):
        write_csv(folder / f"part-{number}.csv", news_rows(30, seed=number))
    return folder / "part-2.csv"


def shards_the_first(folder: Path) -> Path:
    return shards(folder).with_name("part-0.csv")


def a_class_of_photos(folder: Path) -> Path:
    images, labels = bars(60)
    write_folder(folder, images, ["third" if number % 3 == 0 else label for number, label in enumerate(labels)])
    return folder / "third"


def a_class_of_texts(folder: Path) -> Path:
    return texts(folder).parent


def a_split(folder: Path) -> Path:
    for part, count in (("train", 60), ("test", 20)):
        (folder / part).mkdir(parents=True)
        write_csv(folder / part / "rows.csv", news_rows(count))
    return folder / "test"


@pytest.mark.parametrize("make", [shards, shards_the_first, a_class_of_photos, a_class_of_texts, a_split])
def test_a_part_of_a_source_that_may_not_be_read_is_left_out(make, tmp_path: Path) -> None:
    refused = make(tmp_path / "source")
    mode = refused.stat().st_mode
    refused.chmod(0)
    said: list[object] = []
    try:
        with without_privileges():
            run = tw.train(tmp_path / "source", out=tmp_path / "run", epochs=1, speed="off", listen=said.append)
            again = tw.resume(run.path, epochs=2, listen=said.append)
            proof = tw.verify(run)
            before = find(str(tmp_path / "source"), None, None, offline=True).digests
    finally:
        refused.chmod(mode)
    assert again.report["epochs"] == 2 and not proof.wrong
    data = json.loads((run.path / "data.json").read_bytes())
    assert data["rejected"] == 1 and [each["file"] for each in data["rejected_rows"]] == [str(refused)]
    assert "cannot be read: Permission denied" in data["rejected_rows"][0]["reason"]
    assert any(each[0] == "left out" and str(refused) in f"{each}" for each in said if isinstance(each, Note))
    if make is not a_split:
        assert find(str(tmp_path / "source"), None, None, offline=True).digests != before


@pytest.mark.parametrize("make", [shards, a_class_of_texts, a_class_of_photos])
def test_a_folder_that_may_not_be_read_is_refused(make, tmp_path: Path) -> None:
    folder = make(tmp_path / "source").parent
    while folder != tmp_path / "source":
        folder = folder.parent
    folder.chmod(0)
    try:
        with without_privileges(), pytest.raises(TrainwrightError, match="E102"):
            tw.train(folder, out=tmp_path / "run")
    finally:
        folder.chmod(0o700)


def test_folders_of_runs_in_a_source_are_passed_over_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos(tmp_path / "source")
    monkeypatch.chdir(tmp_path / "source")
    said: list[object] = []
    small = {"epochs": 1, "speed": "off", "model": {"name": "convnet", "channels": [2]}}
    first = tw.train(".", listen=said.append, **small)
    assert not [each for each in said if isinstance(each, Note) and "runs" in each.value]
    second = tw.train(".", listen=said.append, **small)
    notes = [each for each in said if isinstance(each, Note) and each.what == "passed over"]
    assert [note.value for note in notes] == [
        str(first.path.relative_to(Path.cwd()) if first.path.is_absolute() else first.path)
    ]
    assert second.report["labels"] == first.report["labels"]
