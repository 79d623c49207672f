"""Running text from files: what is taken for text, which files are which split, how they are read, where they are cut."""

from __future__ import annotations

import gzip
import sysconfig
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data.files import content as load
from trainwright.data.read.running_text import Corpus, cut, embedded, find_corpus, holds_corpus, read_text
from trainwright.errors import SourceError

PROSE = "It was late, and the rain fell.\nNobody came; nobody called.\n\nSo they went home: all of them.\n" * 30
TABLE = "".join(f"{'good' if row % 2 else 'bad'}\ttext number {row}\n" for row in range(30))


def write(path: Path, content: str | bytes = PROSE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def code_of(action, *arguments: object) -> str:
    with pytest.raises(SourceError) as caught:
        action(*arguments)
    return caught.value.code


def names(corpus: Corpus) -> dict[str, list[str]]:
    return {part: [file.name for file in files] for part, files in corpus.files.items()}


# What is taken for text


@pytest.mark.parametrize(
    ("name", "content", "is_text"),
    [
        ("a.txt", PROSE, True),
        ("a.md", "# Notes\n\n- one, two\n- three, four\n", True),
        ("a", PROSE, True),
        ("a.py", "import os\n\n\ndef f(a, b):\n    return a + b\n", True),
        ("poem.txt", "O rose, thou art sick,\nThe worm, that flies,\nIn the night, and the storm,\n", True),
        ("story.txt", "Story\nOnce there was a king\n", True),
        ("one-line.txt", "no line end at all", True),
        ("utf16.txt", PROSE.encode("utf-16"), True),
        ("latin.txt", "Caf\u00e9 ol\u00e9 d\u00e9j\u00e0 vu\n".encode("latin-1") * 20, True),
        ("a.txt.gz", gzip.compress(PROSE.encode(), mtime=0), True),
        ("a.txt.zst", zstandard.ZstdCompressor().compress(PROSE.encode()), True),
        ("a.csv", "label,text\na,one\nb,two\n", False),
        ("a.txt", "label,text\na,one\nb,two\n", False),
        ("a.txt", "label, text\na, one\nb, two\n", False),
        ("a.txt", TABLE, False),
        ("a.txt", "__label__a one\n__label__b two\n", False),
        ("a.txt", '{"text": "one"}\n{"text": "two"}\n', False),
        ("a.jsonl", '{"text": "one"}\n', False),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), False),
        ("a.txt", b"", False),
        ("a.parquet", b"PAR1", False),
    ],
)
def test_a_file_is_text_or_not(name: str, content: str | bytes, is_text: bool, tmp_path: Path) -> None:
    assert holds_corpus(write(tmp_path / name, content)) is is_text


def test_a_sample_that_ends_inside_a_character_is_text(tmp_path: Path) -> None:
    assert holds_corpus(write(tmp_path / "a.txt", "x" + "\u00e9\u4f60 und so weiter\n" * 200_000))


@pytest.mark.parametrize(
    ("files", "is_text"),
    [
        ({"a.txt": PROSE, "b.txt": PROSE}, True),
        ({"ptb.train.txt": PROSE, "ptb.test.txt": PROSE, "notes.pdf": "%PDF"}, True),
        ({"train/a.txt": PROSE, "test/b.txt": PROSE}, True),
        ({"pos/a.txt": PROSE, "neg/b.txt": PROSE}, False),
        ({"train/pos/a.txt": PROSE, "train/neg/a.txt": PROSE, "test/pos/a.txt": PROSE, "README.txt": PROSE}, False),
        ({"train.csv": "label,text\na,one\n"}, False),
        ({"train.txt": TABLE, "test.txt": TABLE}, False),
        ({}, False),
    ],
)
def test_a_folder_is_text_or_not(files: dict[str, str], is_text: bool, tmp_path: Path) -> None:
    for name, content in files.items():
        write(tmp_path / name, content)
    assert holds_corpus(tmp_path) is is_text


def test_what_is_not_there_is_no_text(tmp_path: Path) -> None:
    assert not holds_corpus(tmp_path / "missing") and not holds_corpus(tmp_path / "a\0b")


# Which file is which split


def test_one_file(tmp_path: Path) -> None:
    found = find_corpus(write(tmp_path / "book.v1.txt"))
    assert names(found) == {"train": ["book.v1.txt"]} and found.name == "book" and found.notes == []


def test_names_say_the_split(tmp_path: Path) -> None:
    for name in ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt", "latest.txt", ".hidden.train.txt", "train-test.txt"):
        write(tmp_path / name)
    found = find_corpus(tmp_path)
    assert names(found) == {"train": ["ptb.train.txt"], "valid": ["ptb.valid.txt"], "test": ["ptb.test.txt"]}
    assert list(found.files) == ["train", "valid", "test"]
    assert [note[:2] for note in found.notes] == [("left out", "2"), ("files", "train 1, valid 1, test 1")]


@pytest.mark.parametrize("word", ["val", "dev", "validation"])
def test_validation_has_several_names(word: str, tmp_path: Path) -> None:
    for name in ("Train_1.txt", "train_0.txt.gz", f"my-{word}.txt"):
        write(tmp_path / name)
    assert names(find_corpus(tmp_path)) == {"train": ["Train_1.txt", "train_0.txt.gz"], "valid": [f"my-{word}.txt"]}


def test_folders_say_the_split(tmp_path: Path) -> None:
    for name in ("train/b.txt", "train/a.txt", "dev/a.txt", "images/x.png"):
        write(tmp_path / name)
    assert names(find_corpus(tmp_path)) == {"train": ["a.txt", "b.txt"], "valid": ["a.txt"]}


def test_without_a_train_file_names_say_nothing(tmp_path: Path) -> None:
    for name in ("the-test.txt", "book.md", "table.csv"):
        write(tmp_path / name)
    assert names(find_corpus(tmp_path)) == {"train": ["book.md", "the-test.txt"]}


def test_given_files_come_first_and_are_not_trained_on(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt", "other/d.txt"):
        write(tmp_path / name)
    found = find_corpus(tmp_path, tmp_path / "b.txt", tmp_path / "other")
    assert names(found) == {"train": ["a.txt", "c.txt"], "valid": ["b.txt"], "test": ["d.txt"]}


def test_a_source_that_cannot_be_used(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt")
    assert code_of(find_corpus, tmp_path / "b.txt") == "E101"
    assert code_of(find_corpus, file, tmp_path / "b.txt") == "E101"
    assert code_of(find_corpus, file, file) == "E163"
    assert code_of(find_corpus, file, write(tmp_path / "v.txt"), tmp_path / "sub" / ".." / "v.txt") == "E101"
    assert code_of(find_corpus, file, tmp_path / "v.txt", tmp_path / "v.txt") == "E163"
    (tmp_path / "empty").mkdir()
    assert code_of(find_corpus, tmp_path / "empty") == "E160"
    assert code_of(find_corpus, file, tmp_path / "empty") == "E160"
    only = write(tmp_path / "only" / "a.txt")
    assert code_of(find_corpus, only.parent, None, only) == "E160"


# Reading


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        (b"\xef\xbb\xbfa\n", "a\n"),
        ("\u4f60\u597d, a\n".encode("utf-16"), "\u4f60\u597d, a\n"),
        ("one, two\n".encode("utf-16-le"), "one, two\n"),
        (b"a\0b", "a\0b"),
        ("na\u00efve caf\u00e9".encode("latin-1"), "na\u00efve caf\u00e9"),
        (gzip.compress(b"packed\r\n", mtime=0), "packed\n"),
        (zstandard.ZstdCompressor().compress(b"packed"), "packed"),
        ("\U0001f600e\u0301\x85\u2028".encode(), "\U0001f600e\u0301\x85\u2028"),
    ],
)
def test_reading(content: bytes, text: str, tmp_path: Path) -> None:
    assert read_text([write(tmp_path / "a.txt", content)]) == text


def test_files_begin_on_a_line_of_their_own(tmp_path: Path) -> None:
    files = [write(tmp_path / name, text) for name, text in (("a", "one"), ("b", "two\n"), ("c", "\ufeff"), ("d", "three"))]
    assert read_text(files) == "one\ntwo\nthree"


def test_damaged_bytes_are_replaced_and_named(tmp_path: Path) -> None:
    text = "\u00e9\u4f60\n" * 20
    notes: list[tuple[str, str, str]] = []
    path = write(tmp_path / "a.txt", text.encode() + b"x\xffy\n\xed\xa0\x80" + text.encode())
    assert read_text([path], notes) == text + "x\ufffdy\n\ufffd\ufffd\ufffd" + text
    assert notes == [("damaged bytes", "4", f"not valid UTF-8, read as U+FFFD; the first in {path}, line 21")]


def test_other_encodings_are_said(tmp_path: Path) -> None:
    notes: list[tuple[str, str, str]] = []
    read_text([write(tmp_path / "a.txt", b"caf\xe9"), write(tmp_path / "b.txt", b"plain")], notes)
    assert [note[:2] for note in notes] == [("encoding", "latin-1")]


def test_a_long_line_is_no_fault_of_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "MAX_RECORD_BYTES", 1000)
    path = write(tmp_path / "a.txt", "word " * 1000)
    assert len(read_text([path])) == 5000
    assert code_of(load.load, path) == "E107"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "E103"),
        (b" \r\n\t\n", "E161"),
        (b"\xef\xbb\xbf", "E161"),
        (b"\x89PNG\r\n\x1a\n0000", "E120"),
        (b"PAR1 and more", "E120"),
        (b"a\0\0\0" * 400, "E120"),
        (gzip.compress(b"packed" * 100, mtime=0)[:-12], "E105"),
        ("text".encode("utf-32"), "E117"),
        ("a, b".encode("utf-16") + b"\x00", "E117"),
    ],
)
def test_a_bad_file_is_named(content: bytes, code: str, tmp_path: Path) -> None:
    path = write(tmp_path / "bad.txt", content)
    with pytest.raises(SourceError, match=r"bad\.txt") as caught:
        read_text([path])
    assert caught.value.code == code


# Cutting


@given(
    st.text(alphabet="ab \n", min_size=12, max_size=300), st.sampled_from([0, 0.1, 0.25, 0.4]), st.sampled_from([0, 0.1, 0.3])
)
def test_blocks_are_the_text_in_its_order(text: str, valid: float, test: float) -> None:
    blocks = cut(text, valid, test)
    assert "".join(blocks.values()) == text
    assert list(blocks) == ["train", *["valid"] * (valid > 0), *["test"] * (test > 0)]
    wanted = {"train": 1 - valid - test, "valid": valid, "test": test}
    smallest = min(wanted[part] for part in blocks) * len(text)
    assert all(block and abs(len(block) - wanted[part] * len(text)) <= smallest + 2 for part, block in blocks.items())


def test_cuts_are_at_the_nearest_line_end() -> None:
    lines = "".join(f"line {number}\n" for number in range(1000))
    blocks = cut(lines, 0.1, 0.05)
    assert all(block.endswith("\n") for block in blocks.values())
    assert abs(len(blocks["valid"]) - len(lines) / 10) <= 9 and abs(len(blocks["test"]) - len(lines) / 20) <= 9
    assert cut("aaaa\nbbbbb", 0.5, 0)["train"] == "aaaa\n" and cut("aaaaaa\nbbb", 0.5, 0)["train"] == "aaaaaa\n"


def test_a_text_of_one_line_is_cut_at_a_space_or_anywhere() -> None:
    assert cut("word " * 100, 0.1, 0)["valid"] == "word " * 10
    assert cut("x" * 100, 0.1, 0.1) == {"train": "x" * 80, "valid": "x" * 10, "test": "x" * 10}


def test_too_short_to_cut() -> None:
    assert code_of(cut, "abc\ndef\n", 0.1, 0) == "E164" and code_of(cut, "", 0, 0) == "E164"
    assert cut("a", 0, 0) == {"train": "a"}


# What comes with Python


def test_the_language_reference() -> None:
    text = embedded()
    assert len(text) > 300_000 and "\r" not in text
    assert text.startswith('The "assert" statement\n') and '\n\nThe "if" statement\n' in text
    assert embedded() == text


@pytest.mark.parametrize("source", [None, b"topics = {", b"topics = open('x')", b"other = 1", b"topics = ['a']", b"\xff"])
def test_a_python_without_it(source: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    if source is not None:
        write(tmp_path / "pydoc_data" / "topics.py", source)
    assert code_of(embedded) == "E162"


# Real files


def test_real_folders(real_data: Path) -> None:
    assert [len(find_corpus(real_data / "ptb").files[part]) for part in ("train", "valid", "test")] == [1, 1, 1]
    texts = [real_data / name for name in ("ptb", "ptb/ptb.train.txt", "shakespeare", "shakespeare/input.txt")]
    tables = [real_data / name for name in ("ag_news", "ag_news/test.csv", "ng20/train.parquet", "mnist", "mnist_png/train")]
    assert all(map(holds_corpus, texts)) and not any(map(holds_corpus, tables))
    blocks = cut(read_text([real_data / "shakespeare" / "input.txt"]), 0.1, 0)
    assert blocks["train"].endswith("\n") and abs(len(blocks["train"]) - 1_003_854) < 40
