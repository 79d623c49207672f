"""trainwright cache: what is kept, from which source, and what goes when it is emptied."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest
from calls import talk

import trainwright as tw
from trainwright.data.files import cache
from trainwright.data.read.catalog import CATALOG
from trainwright.errors import TrainwrightError

KEYS = [cache.fingerprint(name, {}) for name in "ab"]
ARCHIVE = next(iter(CATALOG["ptb"].files.values())).name


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of two entries, a data set half downloaded, and files of a person's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(folder))
    (tmp_path / "a.csv").write_text("a")
    for key, source in zip(KEYS, (str(tmp_path / "a.csv"), "python-docs"), strict=True):
        cache.save(key, source, {}, {})
    (folder / "encoded" / KEYS[1] / "SEAL").write_text("damaged")
    (folder / "ptb").mkdir()
    (folder / "ptb" / f"{ARCHIVE}.part").write_bytes(b"x" * 1000)
    for each in ("mine.txt", "ptb/mine.txt", "encoded/mine.txt"):
        (folder / each).write_text("mine")
    return folder


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def test_what_the_cache_keeps_is_listed(kept: Path, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    found = {each["path"]: each for each in tw.cache()}
    assert {path: each["source"] for path, each in found.items()} == {
        str(kept / "encoded" / KEYS[0]): str(tmp_path / "a.csv"),
        str(kept / "encoded" / KEYS[1]): "",
        str(kept / "ptb"): "ptb",
    }
    size = sum(file.stat().st_size for file in (kept / "encoded" / KEYS[0]).iterdir())
    assert found[str(kept / "encoded" / KEYS[0])]["bytes"] == size and found[str(kept / "ptb")]["bytes"] == 1000
    out, err, _ = talk(capsys, monkeypatch, "cache")
    assert str(tmp_path / "a.csv") in out and "not known" in out and "ptb" in out and str(kept) in err
    out, _, _ = talk(capsys, monkeypatch, "cache", "--json")
    assert json.loads(out)["cache"] == tw.cache()


def test_encoded_data_go_and_downloads_stay(kept: Path, capsys: Any, monkeypatch: Any) -> None:
    (kept / "encoded" / f".{KEYS[0]}.1.tmp").mkdir()  # left by a killed process
    talk(capsys, monkeypatch, "cache", "clear")
    assert files(kept) == {"mine.txt", "ptb/mine.txt", "encoded/mine.txt", f"ptb/{ARCHIVE}.part"}
    assert not list((kept / "encoded").glob(".*.tmp"))
    assert tw.clear_cache(downloads=True) == 1000
    assert files(kept) == {"mine.txt", "ptb/mine.txt", "encoded/mine.txt"}
    assert tw.cache() == [] and tw.clear_cache(downloads=True) == 0


def test_what_is_being_downloaded_stays(kept: Path) -> None:
    with (kept / "ptb" / ".lock").open("ab") as lock, pytest.raises(TrainwrightError) as caught:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tw.clear_cache(downloads=True)
    assert caught.value.code == "E151" and f"ptb/{ARCHIVE}.part" in files(kept)


def test_no_cache_is_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "none"))
    assert tw.cache() == [] and tw.clear_cache(downloads=True) == 0 and not (tmp_path / "none").exists()
