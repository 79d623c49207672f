"""Files that anybody may have written: what is no plain file is never opened, what is too large never read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from trainwright import plain_files
from trainwright.errors import TrainwrightError
from trainwright.plain_files import content, from_json, made_sense_of, read_json, read_lines, read_object, read_toml


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, max(plain_files.LARGEST, plain_files.LOG) + 1)


NO_FILE: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "folder": lambda path: path.mkdir(),
    "pipe": os.mkfifo,
    "device without end": lambda path: path.symlink_to("/dev/zero"),
    "link": lambda path: path.symlink_to(path.with_name("other")),
    "link to nothing": lambda path: path.symlink_to("nothing"),
    "circle": lambda path: path.symlink_to(path.name),
    "too large": sparse,
}


@pytest.mark.parametrize("kind", NO_FILE)
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    (tmp_path / "other").write_text("{}")
    NO_FILE[kind](path)
    for read in (content, read_json, read_object, read_toml):
        with pytest.raises(OSError):
            read(path)  # type: ignore[operator]
    with pytest.raises(OSError):
        list(read_lines(path))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe\xff",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"9" * 25 + b"}",
        b"[" + b"[]," * 4_000_000 + b"[]]",
    ],
    ids=["empty", "torn", "no text", "deep lists", "deep objects", "a number too large", "too many lists"],
)
def test_json_that_is_none_or_too_much(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "file").write_bytes(text)
    with pytest.raises(ValueError):
        read_json(tmp_path / "file")


def test_json_that_a_run_writes_is_read(tmp_path: Path) -> None:
    value = {"seed": 2**63 - 1, "loss": float("inf"), "id": "9" * 40, "matrix": [[0] * 1000] * 1000}
    assert from_json(json.dumps(value, indent=1).encode()) == value
    with pytest.raises(ValueError, match="no JSON object"):
        (tmp_path / "file").write_text("[1]")
        read_object(tmp_path / "file")


@pytest.mark.parametrize("text", ["a = [" * 5000, "a." * 100_000 + "a = 1", "a = '", "\0"])
def test_toml_that_is_none_or_too_much(tmp_path: Path, text: str) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(ValueError):
        read_toml(tmp_path / "file")


def test_lines_end_where_one_is_no_object(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b'{"a": 1}\n{"b": 2}\n[3]\n{"c": 4}\n')
    assert list(read_lines(tmp_path / "file")) == [{"a": 1}, {"b": 2}]
    (tmp_path / "file").write_bytes(b'{"a": 1}\n{"b": "' + b"x" * plain_files.LINE + b'"}\n{"c": 4}\n')
    assert list(read_lines(tmp_path / "file")) == [{"a": 1}]


def test_numbers_in_a_long_word_take_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_files, "ROOM", 16 << 20)
    history = "12345678.0,12\n" * 200_000  # as that of many epochs in a checkpoint
    text = json.dumps({"history": history, "said": 'a "word"\\', "more": [1.5]}).encode()
    assert plain_files._values(text) > plain_files.ROOM
    assert from_json(text)["more"] == [1.5]
    with pytest.raises(ValueError, match="bytes of memory"):
        from_json(json.dumps([12345678.5] * 200_000).encode())


def test_what_makes_no_sense_is_one_message_and_what_is_known_stays(tmp_path: Path) -> None:
    with pytest.raises(TrainwrightError, match=r"E408.*KeyError 'b'") as told, made_sense_of(tmp_path):
        {"a": 1}["b"]
    assert isinstance(told.value.__cause__, KeyError)
    with pytest.raises(FileNotFoundError), made_sense_of(tmp_path):
        (tmp_path / "nothing").read_text()
