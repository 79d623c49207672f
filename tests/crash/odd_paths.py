"""Paths of every kind that may stand where a file or a folder is meant, and every place of the command line for one."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

IN = "{path}"
READING = {
    "train": ("train", IN, "epochs=1"),
    "train --test": ("train", "news.csv", "epochs=1", "--test", IN),
    "train --valid": ("train", "news.csv", "epochs=1", "--valid", IN),
    "train --recipe": ("train", "news.csv", "epochs=1", "--recipe", IN),
    "train --from": ("train", "news.csv", "epochs=1", "--from", IN),
    "resume": ("resume", IN),
    "resume --source": ("resume", "run", "--source", IN),
    "verify": ("verify", IN),
    "verify --source": ("verify", "run", "--source", IN),
    "replay": ("replay", IN),
    "evaluate": ("evaluate", IN),
    "evaluate, a file": ("evaluate", "run", IN),
    "predict": ("predict", IN, "moon"),
    "predict, a file": ("predict", "run", IN),
    "generate": ("generate", IN),
    "report": ("report", IN),
    "plots": ("plots", IN),
    "mistakes": ("mistakes", IN),
    "suspects": ("suspects", IN),
    "train --fix": ("train", "news.csv", "--fix", IN),
    "mistakes --source": ("mistakes", "run", "--source", IN),
    "story": ("story", IN),
    "landscape": ("landscape", IN),
    "explain": ("explain", IN, "moon"),
    "explain, a file": ("explain", "run", IN),
    "runs": ("runs", IN),
    "show": ("recipes", "show", IN),
}
WRITING = {
    "train --out": ("train", "news.csv", "epochs=1", "--out", IN),
    "replay --out": ("replay", "run", "--out", IN),
    "predict --out": ("predict", "run", "news.csv", "--out", IN),
    "story --out": ("story", "run", "--out", IN),
    "explain --png": ("explain", "run", "moon", "--png", IN),
    "explain --html": ("explain", "run", "moon", "--html", IN),
}


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _text(path: Path) -> None:
    path.write_text("label,text\nspace,moon\n")


def _mode(mode: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        _text(path)
        path.chmod(mode)

    return make


def _closed_folder(path: Path) -> None:
    path.mkdir()
    _text(path / "a.csv")
    path.chmod(0)


def _looped_folder(path: Path) -> None:
    path.mkdir()
    (path / "inner").symlink_to(path.absolute(), target_is_directory=True)


def _folder_of_odd_files(path: Path) -> None:
    for name in ("a", "b"):
        (path / name).mkdir(parents=True)
        os.mkfifo(path / name / "1.txt")
        (path / name / "2.txt").symlink_to("/dev/zero")
        (path / name / "3.txt").symlink_to("3.txt")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:  # its file stays; a name of its own, as that has 107 bytes at most
        handle = os.open(path.parent, os.O_RDONLY)
        opened.bind(f"/proc/self/fd/{handle}/{path.name}")
        os.close(handle)


def _device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        path.symlink_to(os.devnull)


def _hard_link(path: Path) -> None:
    _text(path)
    (path.parent / "other name").hardlink_to(path)


def _another_owner(path: Path) -> None:
    _text(path)
    if os.getuid() == 0:
        os.chown(path, 12345, 12345)


def _nothing(path: Path) -> None:
    """It is not there."""


# By kind: the name, as it is given, and what makes it.
PATHS: dict[str, tuple[str | bytes, Callable[[Path], object]]] = {
    "missing": ("missing", _nothing),
    "empty": ("empty.csv", Path.touch),
    "a folder": ("folder", Path.mkdir),
    "a file with a slash": ("file.csv/", _nothing),
    "below a file": ("news.csv/inner", _nothing),
    "a link": ("link.csv", _link("news copy.csv")),
    "a link to nothing": ("dangling", _link("nowhere")),
    "a link to itself": ("loop", _link("loop")),
    "a link to a folder": ("to a folder", _link("beside")),
    "a link to an endless file": ("endless", _link("/dev/zero")),
    "a link to a full device": ("full", _link("/dev/full")),
    "a link to nowhere": ("null", _link(os.devnull)),
    "a device": ("device", _device),
    "a pipe": ("pipe", os.mkfifo),
    "a socket": ("socket", _socket),
    "a folder with itself in it": ("looped", _looped_folder),
    "a folder of odd files": ("odd files", _folder_of_odd_files),
    "a closed folder": ("closed", _closed_folder),
    "unreadable": ("unreadable.csv", _mode(0)),
    "read only": ("read only.csv", _mode(0o444)),
    "private": ("private.csv", _mode(0o600)),
    "another owner's": ("owned.csv", _another_owner),
    "two names": ("two names.csv", _hard_link),
    "a long name": ("x" * 300, _nothing),
    "a name as long as can be": ("y" * 251 + ".csv", _text),
    "a long path": ("/".join(["z" * 200] * 25), _nothing),
    "no text": (b"\xff\xfe.csv", _text),
    "no text, missing": (b"\xff\xfe", _nothing),
    "commands to a terminal": ("\x1b]0;bad\x07.csv", _text),
    "several lines": ("a\nb.csv", _text),
    "a blank": (" ", _nothing),
    "empty name": ("", _nothing),
    "a pattern": ("*.nothing", _nothing),
    "a bracket": ("[", _nothing),
    "a memory": ("/proc/self/mem", _nothing),
    "a status": ("/proc/self/status", _nothing),
    "open files": ("/proc/self/fd", _nothing),
    "an open file": ("/dev/stdout", _nothing),
    "a home": ("~nobody", _nothing),
}
