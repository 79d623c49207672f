"""Files and folders are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainwright.errors import RunError
from trainwright.store import atomic


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill(folder: Path, files: dict[str, bytes]) -> None:
    with atomic.new_folder(folder) as place:
        for name, content in files.items():
            atomic.write_synced(place / name, content)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    atomic.write_file(tmp_path / "a", "one")
    atomic.write_file(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two" and listing(tmp_path) == ["a"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(broken: str, tmp_path: Path, monkeypatch) -> None:
    atomic.write_file(tmp_path / "a", "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync", fail) if broken == "fsync" else (Path, "replace", fail)))
    with pytest.raises(RunError) as caught:
        atomic.write_file(tmp_path / "a", "new")
    assert caught.value.code == "E402" and "No space left" in str(caught.value)
    assert (tmp_path / "a").read_text() == "old" and listing(tmp_path) == ["a"]


@pytest.mark.parametrize("broken", ["fsync", "rename"])
def test_a_failed_folder_is_not_there(broken: str, tmp_path: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync", fail) if broken == "fsync" else (Path, "rename", fail)))
    with pytest.raises(RunError):
        fill(tmp_path / "model", {"a": b"1", "b": b"2"})
    assert listing(tmp_path) == []


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f".model.{os.getpid()}.tmp").mkdir()
    (tmp_path / f".a.{os.getpid()}.tmp").write_text("half")
    fill(tmp_path / "model", {"a": b"1"})
    atomic.write_file(tmp_path / "a", "whole")
    assert listing(tmp_path) == ["a", "model"]
