"""Sniffing: what a file holds is told from its content, the same everywhere, with the reason."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from table_samples import sniff

from trainwright.data.files.encoding import encoding_of
from trainwright.data.read.delimited import GUESSED
from trainwright.data.read.formats import Sniffed
from trainwright.errors import SourceError

DATA = os.environ.get("TRAINWRIGHT_TEST_DATA", "")


def look(folder: Path, content: bytes | str, name: str = "a.csv") -> Sniffed:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return sniff(path)


# ---- delimiter


@pytest.mark.parametrize("delimiter", GUESSED)
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a"])
def test_any_delimiter(tmp_path: Path, delimiter: str, name: str) -> None:
    rows = [["label", "text", "url"], ["a", "b c", "d"], ["e", "f g", "h"]]
    assert look(tmp_path, "\n".join(map(delimiter.join, rows)), name).delimiter == delimiter


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ('"a, b";"c, d"\n"e, f";"g, h"\n', ";"),
        ('3,"Fears; for","Un: ions, say"\n4,"Race; on","x, y: z"\n', ","),
        ("label;text\na;one, two, three\nb;four, five\n", ";"),
        ("label,text\na,one; two\nb,three; four\n", ","),
        ("1\tone, two\n2\tthree, four\n", "\t"),
        ('label,text\na,"two\nlines; and, more"\nb,c\n', ","),
        ("label|text\n" + "a|b,c\n" * 5, "|"),
        ("text\none, two\nthree\n", ","),
    ],
)
def test_delimiters_among_others(tmp_path: Path, content: str, delimiter: str) -> None:
    assert look(tmp_path, content).delimiter == delimiter


# ---- header


@pytest.mark.parametrize(
    ("content", "expected", "why"),
    [
        ("label,text\na,b\n", True, "usual column name"),
        ("Review Text,Stars\nso good,b\n", True, "usual column name"),
        ("text,label\ntext,label\nx,y\n", True, "usual column name"),
        ("a/b.png,cat\nc.JPG,dog\n", False, "is an image file"),
        ('"3","Fears","Unions"\n"4","Race","Second"\n', False, "is a number"),
        ("pos,good film\nneg,bad one\npos,fine\n", False, "found again"),
        ("text,good film\nimage,bad one\ntext,fine\n", False, "found again"),
        ("kind,size\na,1\nb,2\n", True, "above numbers"),
        ("kind,words\n" + "".join(f"{'ab'[n % 2]},some words {n}x\n" for n in range(30)), True, "not among the 2"),
        ("foo,bar\nso,what\n", True, "looks like names"),
        ("good,I liked this film a lot\nbad,it was a waste of time\n", False, "looks like the others"),
        ("I liked this film a lot\nit was a waste of time\n", False, "looks like the others"),
        (",label,text\n0,a,b\n", True, "usual column name"),
        ("label,text", True, "usual column name"),
    ],
)
def test_header_or_none(tmp_path: Path, content: str, expected: bool, why: str) -> None:
    sniffed = look(tmp_path, content)
    reason = next(reason for what, _, reason in sniffed.notes if what == "header")
    assert (sniffed.has_header, why in reason) == (expected, True), reason


# ---- encoding


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"plain", "utf-8"),
        ("\u00e9\u4e2d".encode(), "utf-8"),
        ("\u00e9".encode("utf-8-sig"), "utf-8-sig"),
        ("label,text\na,b\n".encode("utf-16"), "utf-16"),
        ("label,text\n\u4e2d,\u6587\n".encode("utf-16-le"), "utf-16-le"),
        ("label,text\n\u4e2d,\u6587\n".encode("utf-16-be"), "utf-16-be"),
        (("\u4e2d\u6587\u5b57\u7b26" * 9 + ",\u6587\n").encode("utf-16-le") * 9, "utf-16-le"),
        ("caf\u00e9".encode("latin-1"), "latin-1"),
        ("caf\u00e9 \u201cyes\u201d \u20ac".encode("cp1252"), "cp1252"),
        (b"caf\xe9 \x81", "latin-1"),
        (b"a" * 1_000_000 + b"\xe9", "latin-1"),
        ("\u00e9".encode() * 100 + b"\xff", "utf-8"),
        (b"a,b\nc,\0d\ne,f\n", "utf-8"),
    ],
)
def test_encodings(data: bytes, expected: str) -> None:
    assert encoding_of([data], Path("x"))[0] == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_the_locale_is_not_asked(tmp_path: Path, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda *_: 1 / 0)
    content = "label,text\na,caf\u00e9" + ("\u20ac" if encoding != "latin-1" else "") + "\n"
    sniffed = look(tmp_path, content.encode(encoding))
    assert sniffed.encoding == encoding and sniffed.delimiter == "," and sniffed.has_header


# ---- format


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        ("label,text\na,b\n", "a.csv", "csv"),
        ("label,text\na,b\n", "a.json", "csv"),
        ('{"a": 1}\n{"a": 2}\n', "a.csv", "jsonl"),
        ('{"a": 1}', "a.jsonl", "jsonl"),
        ('oops\n{"a": 1}\n{"a": 2}\n', "a.jsonl", "jsonl"),
        ('{"a": [1]}', "a.json", "json"),
        ('[\n{"a": 1}\n]', "a.jsonl", "json"),
        ("[x],y\n[z],w\n", "a.csv", "csv"),
        ("__label__a x\n__label__b y\n", "a.csv", "fasttext"),
        ("__label__a x\n__label__b y\n", "a", "fasttext"),
        (gzip.compress(b"label,text\na,b\n", mtime=0), "a.csv", "csv"),
    ],
)
def test_content_before_extension(tmp_path: Path, content: bytes | str, name: str, expected: str) -> None:
    sniffed = look(tmp_path, content, name)
    assert sniffed.format == expected
    assert all(what and value and why for what, value, why in sniffed.notes)


def test_a_folder_of_classes(tmp_path: Path) -> None:
    (tmp_path / "pos").mkdir()
    (tmp_path / "pos" / "a.txt").write_text("x")
    assert sniff(tmp_path).format == "folder" and "pos" in sniff(tmp_path).notes[0][2]


@pytest.mark.parametrize("content", [b"text\n" + b"x" * (1 << 20), b'label,text\na,"' + b"x\n" * (1 << 19) + b'"\n'])
def test_a_first_record_longer_than_the_sample(tmp_path: Path, content: bytes) -> None:
    assert look(tmp_path, content).has_header


def test_a_record_cut_by_the_sample_is_not_counted(tmp_path: Path) -> None:
    sniffed = look(tmp_path, "label,text\n" + ("a," + "b" * 100_000 + "\n") * 9)
    assert "100%" in next(why for what, _, why in sniffed.notes if what == "delimiter")


def test_prose_is_not_a_table(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        look(tmp_path, "Once upon a time, there was\na king, a queen, and\nno one else.\n", "a.txt")
    assert caught.value.code == "E108"


@pytest.mark.skipif(not DATA, reason="TRAINWRIGHT_TEST_DATA does not name the folder of real data sets")
def test_real_files() -> None:
    official = sniff(Path(DATA) / "ag_news" / "test.csv")
    assert (official.delimiter, official.has_header, official.encoding) == (",", False, "utf-8")
    named = sniff(Path(DATA) / "ag_news_10k" / "train.csv")
    assert (named.delimiter, named.has_header) == (",", True)
    for name in ("shakespeare/input.txt", "ptb/ptb.test.txt", "mnist/t10k-images-idx3-ubyte.gz", "mnist_png/test"):
        with pytest.raises(SourceError):
            sniff(Path(DATA) / name)
