"""One file of a source folder that may not be read is named, left out and in data.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from image_samples import bars, write_folder
from samples import news_rows, without_privileges

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
