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


def test_what_a_person_names_is_written_to_and_stays_what_it_is(tmp_path: Path) -> None:
    file, link, dangling = tmp_path / "file", tmp_path / "link", tmp_path / "dangling"
    file.write_text("old")
    file.chmod(0o640)
    if os.getuid() == 0:
        os.chown(file, 12345, 23456)
    before = file.stat()
    link.symlink_to("file")
    dangling.symlink_to("new")
    for path, content in ((file, "one"), (link, "two"), (dangling, "three")):
        atomic.write_out(path, content)
    after = file.stat()
    assert (
        file.read_text() == "two" and (tmp_path / "new").read_text() == "three" and link.is_symlink() and dangling.is_symlink()
    )
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    (tmp_path / "other").hardlink_to(file)
    atomic.write_out(file, "four")
    assert (tmp_path / "other").read_text() == "four"
    atomic.write_out(Path(os.devnull), "lost")
    assert Path(os.devnull).is_char_device()
    assert listing(tmp_path) == ["dangling", "file", "link", "new", "other"]


def test_a_pipe_is_written_to_where_it_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(RunError, match="E402"):
        atomic.write_out(pipe, "nobody reads")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    atomic.write_out(pipe, "read")
    assert os.read(reader, 100) == b"read" and pipe.is_fifo()
    os.close(reader)


@pytest.mark.parametrize("name", ["loop", "folder", "x" * 256, "\0", "loop/inside"])
def test_where_nothing_can_be_written_it_is_said(name: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match="E402"):
        atomic.write_out(tmp_path / name, "new")
    assert listing(tmp_path) == ["folder", "loop"]


def test_a_link_in_our_own_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("theirs")
    (tmp_path / "ours").symlink_to("outside")
    atomic.write_file(tmp_path / "ours", "new")
    assert (tmp_path / "outside").read_text() == "theirs" and not (tmp_path / "ours").is_symlink()


def test_a_name_may_be_as_long_as_the_system_takes(tmp_path: Path) -> None:
    for write in (atomic.write_file, atomic.write_out):
        write(tmp_path / ("\u00e9" * 127), "whole")
    fill(tmp_path / ("m" * 255), {"a": b"1"})
    assert len(listing(tmp_path)) == 2
