"""Readers: what goes in comes out, what cannot is named, and nothing but a TrainwrightError is ever raised."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.files import content as load
from trainwright.data.files.content import FileContent
from trainwright.data.files.folders import split_folder
from trainwright.data.read import csv_fast
from trainwright.data.read.csv_fast import DelimitedFile, well_formed_records
from trainwright.data.read.tables import read_table
from trainwright.data.tables.table import ROW, Table
from trainwright.errors import SourceError, TrainwrightError

DATA = os.environ.get("TRAINWRIGHT_TEST_DATA", "")
needs_data = pytest.mark.skipif(not DATA, reason="TRAINWRIGHT_TEST_DATA does not name the folder of real data sets")

Rows = list[tuple[str | None, ...]]


def rows_of(table: Table) -> Rows:
    return table.frame.drop(ROW).rows()


def put(folder: Path, content: bytes | str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: bytes | str, name: str = "a.csv") -> Table:
    return read_table(put(folder, content, name))


def refusal(path: Path) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read_table(path)
    return caught.value


# ---- what is written is read

ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)  # a file of control codes is binary
TRICKY = st.text(st.sampled_from(list("ab,;\t|\"'\n\r \u00e9\u2028\x0b\ufeff")), max_size=6)


@st.composite
def tables(draw: st.DrawFn, cell: st.SearchStrategy[str]) -> list[list[str]]:
    width = draw(st.integers(1, 4))
    row = st.lists(st.one_of(cell, TRICKY), min_size=width, max_size=width)
    return draw(st.lists(row, min_size=1, max_size=8))


def written(rows: list[list[str]], delimiter: str, quoting: int, end: str) -> str:
    """As csv.writer writes it; in Python 3.11 it forgets to quote a CR that is no part of the line end."""
    if any("\r" in cell or "\n" in cell for row in rows for cell in row):
        quoting = csv.QUOTE_ALL
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)  # type: ignore[arg-type]
    return stream.getvalue()


STYLES = (
    st.sampled_from([",", "\t", ";", "|", "^", ":"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)


def both_ways(data: bytes, delimiter: str, has_header: bool) -> tuple[Table, Table]:
    """What reading gives, and what the careful way alone gives."""
    file = DelimitedFile(FileContent(Path("x"), data, ".csv", "", len(data)), delimiter, has_header)
    parts = (way(file.begin, len(data) + 1)[0] for way in (file.read, file.careful))
    read, slow = (Table(frame, "x", rejected) for frame, rejected in parts)
    return read, slow


@settings(max_examples=300, deadline=None)
@given(tables(ANY), *STYLES)
def test_both_ways_read_back_what_was_written(rows: list[list[str]], delimiter: str, quoting: int, end: str) -> None:
    data = written(rows, delimiter, quoting, end).encode()
    read, slow = both_ways(data, delimiter, False)
    expected = [tuple(cell or None for cell in row) for row in rows]
    assert read.frame.drop(ROW).rows() == expected
    assert read.frame[ROW].to_list() == list(range(1, len(rows) + 1))
    assert slow.frame.equals(read.frame) and slow.frame.schema == read.frame.schema
    assert read.rejected == slow.rejected == []


@settings(max_examples=150, deadline=None)
@given(tables(CELL), *STYLES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]))
def test_files_are_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    delimiter: str,
    quoting: int,
    end: str,
    encoding: str,
) -> None:
    names = ["label", "text", "title", "url"][: len(rows[0])]
    if len(names) == 1:
        delimiter = ","  # a single column is read as comma-separated
    content = written([names, *rows], delimiter, quoting, end).encode(encoding)
    table = read(tmp_path_factory.mktemp("files"), content)
    assert table.columns == names and table.has_header
    assert rows_of(table) == [tuple(cell or None for cell in row) for row in rows]
    assert not table.rejected


def test_the_fast_way_is_taken_where_it_can_be() -> None:
    assert well_formed_records(b'a,b\r\n"x""y","1\n2"\r\n"",\r\n', ",", 2) == 3
    for data in (b"a,b\nc\n", b"a,b\n\nc,d\n", b'a,b"c,d"\n', b'a,"b\n', b"a,b\rc\n", b"a,\0\n", b'a,"b"c\n'):
        assert well_formed_records(data, ",", 2) == 0, data
    for data in (b"a\n\nb\n", b"a\r\n\r\nb\r\n", b"a\rb\n", b"a\nb\r", b"\xef\xbb\xbfa\n"):
        assert well_formed_records(data, ",", 1) == 0, data


def test_polars_is_not_trusted_beyond_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    real = pl.read_csv
    monkeypatch.setattr(csv_fast.pl, "read_csv", lambda *args, **more: real(*args, **more).head(1))
    assert both_ways(b"a,b\nc,d\n", ",", False)[0].frame.height == 2


def test_values_are_not_stripped_and_rows_are_numbered_as_a_spreadsheet_does(tmp_path: Path) -> None:
    table = read(tmp_path, "label,text\n a , b\n\nc,d\n")
    assert rows_of(table) == [(" a ", " b"), ("c", "d")]
    assert table.frame[ROW].to_list() == [2, 4] and table.frame.schema[ROW] == pl.Int64
    assert not table.rejected


def test_quotes_that_are_letters_in_tab_separated_text(tmp_path: Path) -> None:
    table = read(tmp_path, 'text\tlabel\n"Good" film\t1\n"bad one\t0\nsay "hi"\t1\n"so" so\t0\n', "a.tsv")
    assert rows_of(table)[1] == ('"bad one', "0") and len(rows_of(table)) == 4
    assert any(what == "quotes" for what, _, _ in table.notes)


def test_a_long_field_is_no_fault(tmp_path: Path) -> None:
    long = "x" * 200_000
    assert rows_of(read(tmp_path, f'label,text\na,{long}\nb,c"d\n'))[0] == ("a", long)


# ---- what cannot be used is named: (name, file name, content, code or {row: part of the reason}, good rows)

ROWS_REJECTED = [
    ("too many fields", "a.csv", "label,text\na,b\nc,d,e,f,g\n", {3: "5 fields where the header has 2"}, 1),
    ("too few fields", "a.csv", "label,text\na,b\nc\nd,\n", {3: "1 field where the header has 2"}, 2),
    ("headerless, too few", "a.csv", "1,b\n2\n3,c\n", {2: "1 field where the first record has 2"}, 2),
    ("NUL byte", "a.csv", b"label,text\na,b\nc,d\0\ne,f\n", {3: "NUL"}, 2),
    ("unclosed quote", "a.csv", 'label,text\na,b\nc,"d\ne,f\ng,h\n', {3: "never closed"}, 3),
    ("unclosed quote before others", "a.csv", 'label,text\na,"b\nc,"d"\ne,"f"\n', {2: "after a closing quote"}, 2),
    ("unclosed quote in the last row", "a.csv", 'label,text\na,b\nc,"d', {3: "never closed"}, 1),
    ("text after a quote", "a.csv", 'label,text\na,"b" c\nd,e\n', {2: "after a closing quote"}, 1),
    ("damaged UTF-8", "a.csv", b"label,text\n" + "a,\u00e9\n".encode() * 20 + b"b,\xff\n", {22: "UTF-8"}, 20),
    ("CR line ends, ragged", "a.csv", "label,text\ra,b\rc\rd,e\r", {3: "1 field"}, 2),
    ("blank line and ragged", "a.csv", "label,text\n\na,b\nc,d,e\n", {4: "3 fields"}, 1),
    ("semicolons", "a.csv", "label;text\na;b,c\nd;e;f\n", {3: "3 fields where the header has 2"}, 1),
    ("tabs", "a.tsv", "label\ttext\na\tb\nc\n", {3: "1 field"}, 1),
    (
        "damaged UTF-8 where quotes may be letters",
        "a.tsv",
        b"label\ttext\n" + "a\t\u00e9\n".encode() * 20 + b'b\t"x\xff\n',
        {22: "quote"},
        20,
    ),
    ("jsonl, broken line", "a.jsonl", '{"a": 1}\n{"a": \n{"a": 2}\n', {2: "not valid JSON"}, 2),
    ("jsonl, a list", "a.jsonl", '{"a": 1}\n[1]\n"x"\n', {2: "a list where", 3: "a string where"}, 1),
    ("jsonl, half a pair", "a.jsonl", '{"a": "x"}\n{"a": "\\ud800"}\n', {2: "surrogate"}, 1),
    ("jsonl, too deep", "a.jsonl", '{"a": 1}\n{"a": ' + "[" * 100_000 + "\n", {2: "deep"}, 1),
    ("jsonl, as deep as Python goes", "a.jsonl", '{"a": 1}\n{"a": ' + "[" * 980 + "1" + "]" * 980 + "}\n", {2: "deep"}, 1),
    ("jsonl, long number", "a.jsonl", '{"a": 1}\n{"a": ' + "9" * 5000 + "}\n", {2: "digits"}, 1),
    ("jsonl, raw NUL", "a.jsonl", b'{"a": "x"}\n{"a": "\0"}\n', {2: "not valid JSON"}, 1),
    ("json, odd item", "a.json", '[{"a": 1}, 2, null]', {2: "a number where", 3: "null where"}, 1),
    ("fastText, a label inside", "a.txt", "__label__a x\n__label__a y __label__b\n", {2: "behind the text"}, 1),
    ("fastText, no label", "a.txt", "__label__a x\n\ny z\n__label__b\n", {3: "no __label__"}, 2),
    ("fastText, NUL", "a.txt", b"__label__a x\n__label__b \0\n", {2: "NUL"}, 1),
]

FILES_REFUSED = [
    ("empty", "a.csv", b"", "E103"),
    ("only blank lines", "a.csv", b"\n\r\n \n", "E103"),
    ("only a mark", "a.csv", b"\xef\xbb\xbf", "E103"),
    ("header only", "a.csv", b"label,text\n", "E109"),
    ("header only, jsonl", "a.jsonl", b"[]", "E109"),
    ("empty json list", "a.json", b"[]", "E109"),
    ("a name twice", "a.csv", b"label,text,text\na,b,c\n", "E110"),
    ("the reserved name", "a.csv", b"label,__row__\na,b\n", "E116"),
    ("the reserved key", "a.jsonl", b'{"__row__": 1}\n', "E116"),
    ("no good row", "a.csv", b"label,text\na\nb\n", "E111"),
    ("header with an open quote", "a.csv", b'label,"text\na,b\n', "E119"),
    ("header with a NUL", "a.csv", b"label,text,\0\na,b,c\n", "E119"),
    ("zip", "a.csv", b"PK\x03\x04\x14\0\0\0", "E104"),
    ("png", "a.csv", b"\x89PNG\r\n\x1a\n\0\0\0", "E104"),
    ("jpeg", "a.csv", b"\xff\xd8\xff\xe0\0\x10JFIF", "E104"),
    ("pickle", "a.csv", b"\x80\x04\x95\x10\0\0\0\0\0\0\0}\x94.", "E104"),
    ("html", "a.csv", b"\n<!DOCTYPE html><html>, </html>", "E104"),
    ("noise", "a.csv", random.Random(1).randbytes(2000), "E104"),
    ("NULs", "a.csv", b"a,b\n" + b"\0" * 2000, "E104"),
    ("prose", "a.txt", b"First Citizen:\nBefore we proceed, hear me speak.\n\nAll:\nSpeak, speak.\n", "E108"),
    ("prose, no extension", "a", b"one line of prose", "E108"),
    ("broken gz", "a.csv.gz", gzip.compress(b"label,text\na,b\n" * 99)[:-9], "E105"),
    ("broken zst", "a.csv.zst", zstandard.compress(b"label,text\na,b\n" * 99)[:-3], "E105"),
    ("damaged gz", "a.csv.gz", b"\x1f\x8b" + b"x" * 99, "E105"),
    ("damaged zst", "a.csv.zst", b"\x28\xb5\x2f\xfd" + b"x" * 99, "E105"),
    ("broken json", "a.json", b'[{"a": 1},\n{"a" 2}]', "E113"),
    ("deep json", "a.json", b"[" * 100_000, "E113"),
    ("json of another shape", "a.json", b'{"a": 1,\n "b": 2}', "E114"),
    ("json lists of differing length", "a.json", b'{"a": [1], "b": [1, 2]}', "E114"),
    ("broken parquet", "a.parquet", b"PAR1" + b"x" * 50 + b"PAR1", "E115"),
    ("very many columns", "a.csv", b"a" + b",a" * 30_000 + b"\n1,2\n", "E170"),
    ("very many columns, no line end", "a.tsv", b"a\t" * 1_000_000, "E170"),
    ("very many keys", "a.json", json.dumps([dict.fromkeys(map(str, range(30_001)))]).encode(), "E170"),
    ("keys that do not recur", "a.jsonl", "\n".join(f'{{"{n}": 1}}' for n in range(2000)).encode(), "E171"),
    ("UTF-32", "a.csv", "a,b".encode("utf-32"), "E117"),
    ("cut UTF-16", "a.csv", "label,text\na,b".encode("utf-16")[:-1], "E117"),
]


@pytest.mark.parametrize("case", ROWS_REJECTED, ids=lambda case: case[0])
def test_bad_rows_are_named_and_good_ones_kept(tmp_path: Path, case: tuple[str, str, str, dict[int, str], int]) -> None:
    _, name, content, expected, good = case
    table = read(tmp_path, content, name)
    assert {bad.row for bad in table.rejected} == set(expected), table.rejected
    for bad in table.rejected:
        assert expected[bad.row] in bad.reason and bad.file == str(tmp_path / name)
    assert table.frame.height == good


@pytest.mark.parametrize("case", FILES_REFUSED, ids=lambda case: case[0])
def test_files_that_cannot_be_read_are_refused(tmp_path: Path, case: tuple[str, str, bytes, str]) -> None:
    _, name, content, code = case
    problem = refusal(put(tmp_path, content, name))
    assert problem.code == code, str(problem)
    assert name in problem.what and problem.mend and "{" not in problem.mend


def test_messages_say_where(tmp_path: Path) -> None:
    assert "'text'" in refusal(put(tmp_path, "label,text,text\na,b,c\n")).what
    assert "line 2" in refusal(put(tmp_path, '[{"a": 1},\n{"a" 2}]', "a.json")).where
    problem = refusal(put(tmp_path, "label,text\na\n"))
    assert "first record" in refusal(put(tmp_path, "," * 40_000)).where
    assert "row 2" in problem.where and "1 field where the header has 2" in problem.what


def test_a_missing_file_is_compared_with_its_neighbours(tmp_path: Path) -> None:
    put(tmp_path, "x", "reviews.csv")
    problem = refusal(tmp_path / "review.csv")
    assert problem.code == "E101" and "Did you mean 'reviews.csv'?" in problem.mend
    assert refusal(tmp_path / "none" / "b.csv").code == "E101"


def test_what_may_not_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, "a,b\n")

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert refusal(path).code == "E102" and "Permission denied" in refusal(path).what


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert refusal(tmp_path / "pipe.csv").code == "E102"


# ---- bounds


def test_a_giant_line_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(b"label,text\na,")
        file.truncate(1 << 30)
    before = time.perf_counter()
    problem = refusal(path)
    assert time.perf_counter() - before < 5
    assert problem.code == "E107" and "64 MiB" in problem.what


def test_a_giant_line_is_refused_wherever_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "MAX_RECORD_BYTES", 3000)
    monkeypatch.setattr(load, "READ_BYTES", 1000)
    assert refusal(put(tmp_path, "a,b\n" * 999 + "c," + "d" * 5000)).code == "E107"
    assert read(tmp_path, "1,b\n" * 9999).frame.height == 9999


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_bomb_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: object) -> None:
    monkeypatch.setattr(load, "SMALL_TEXT", 1 << 20)
    content = b"a,b\n" * (1 << 20)
    assert refusal(put(tmp_path, pack(content))).code == "E106"  # type: ignore[operator]


def test_a_bomb_is_refused_early(tmp_path: Path) -> None:
    problem = refusal(put(tmp_path, gzip.compress(b"a,b\n" * (1 << 20)) * 50))
    assert problem.code == "E106" and "8 MiB" in problem.what


# ---- compression


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zst", "a.csv", "a.gz"])
@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, bytes])
def test_compression_is_told_by_content(tmp_path: Path, name: str, pack: object) -> None:
    table = read(tmp_path, pack(b"label,text\na,b\n"), name)  # type: ignore[operator]
    assert rows_of(table) == [("a", "b")]


def test_several_compressed_parts_are_one_file(tmp_path: Path) -> None:
    parts = [b"label,text\na,b\n", b"c,d\n"]
    for pack in (gzip.compress, zstandard.compress):
        assert rows_of(read(tmp_path, b"".join(map(pack, parts)))) == [("a", "b"), ("c", "d")]


# ---- the other formats


def test_json_lines_are_united_and_typed(tmp_path: Path) -> None:
    lines = [{"t": "x", "n": 1, "f": 1, "m": 1}, {"t": None, "n": 2, "f": 0.5, "m": "y", "o": {"k": [1]}, "b": True}]
    table = read(tmp_path, "\n".join(map(json.dumps, lines)), "a.jsonl")
    assert rows_of(table) == [("x", 1, 1.0, "1", None, None), (None, 2, 0.5, "y", '{"k": [1]}', True)]
    assert table.frame.dtypes == [pl.String, pl.Int64, pl.Float64, pl.String, pl.String, pl.Boolean, pl.Int64]


@pytest.mark.parametrize(
    "document",
    [
        {"version": 1, "data": [{"a": "x", "b": 1}, {"a": "y", "b": 2}, {"a": "z", "b": 3}], "tags": ["t"]},
        {"a": {"0": "x", "1": "y", "2": "z"}, "b": {"0": 1, "1": 2, "2": 3}},  # to_json() of pandas
        {"k1": {"a": "x", "b": 1}, "k2": {"a": "y", "b": 2}, "k3": {"a": "z", "b": 3}},  # orient="index"
        {"columns": ["a", "b"], "index": [0, 1, 2], "data": [["x", 1], ["y", 2], ["z", 3]]},  # orient="split"
        {"a": ["x", "y", "z"], "b": [1, 2, 3]},
    ],
)
def test_a_document_of_rows_in_an_object(tmp_path: Path, document: dict[str, Any]) -> None:
    assert rows_of(read(tmp_path, json.dumps(document), "a.json")) == [("x", 1), ("y", 2), ("z", 3)]


def test_integers_are_never_rounded(tmp_path: Path) -> None:
    table = read(tmp_path, f'{{"a": {2**53 + 1}, "b": {2**70}}}\n{{"a": 0.5, "b": 1}}\n', "a.jsonl")
    assert rows_of(table) == [(str(2**53 + 1), str(2**70)), ("0.5", "1")]


SHAPES = ['[{"a": 1}, {"a": 2}]', '{"a": [1, 2]}', '{"a": 1}\n{"a": 2}', '[\n {"a": 1},\n {"a": 2}\n]']


@pytest.mark.parametrize("text", SHAPES)
def test_json_shapes(tmp_path: Path, text: str) -> None:
    table = read(tmp_path, text, "a.json")
    assert rows_of(table) == [(1,), (2,)] and table.frame[ROW].to_list() == [1, 2]


def test_json_lines_of_any_encoding(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16", "latin-1"):
        assert rows_of(read(tmp_path, '{"a": "\u00e9"}\n'.encode(encoding), "a.jsonl")) == [("\u00e9",)]


def test_fasttext(tmp_path: Path) -> None:
    table = read(tmp_path, "__label__pos  a  film \r\n__label__neg\tbad\r\n__label__pos\r\n", "a.txt")
    assert rows_of(table) == [("pos", " a  film "), ("neg", "bad"), ("pos", None)]
    assert table.columns == ["label", "text"] and table.frame[ROW].to_list() == [1, 2, 3]


def test_fasttext_with_several_labels_a_line(tmp_path: Path) -> None:
    table = read(tmp_path, "__label__a x\n__label__b  __label__a\ty z\n__label__c w\n", "a.txt")
    assert rows_of(table) == [(["a"], "x"), (["b", "a"], "y z"), (["c"], "w")]
    assert table.frame["label"].dtype == pl.List(pl.String)


def test_lists_of_words_are_a_column(tmp_path: Path) -> None:
    frame = pl.DataFrame({"tags": [["a", "b"], [], None], "n": [[0.5], [2.0], [3.0]]})
    frame.with_columns(pl.col("tags").cast(pl.List(pl.Categorical))).write_parquet(tmp_path / "a.parquet")
    assert rows_of(read_table(tmp_path / "a.parquet")) == [(["a", "b"],), ([],), (None,)]


def test_parquet(tmp_path: Path) -> None:
    frame = pl.DataFrame({"label": ["a", "b"], "n": [1, 2], "e": [[0.5], [2.0]], "c": ["x", None]})
    frame = frame.with_columns(pl.col("c").cast(pl.Categorical))
    path = tmp_path / "a [1].parquet"
    frame.write_parquet(path)
    table = read_table(path)
    assert rows_of(table) == [("a", 1, "x"), ("b", 2, None)] and table.frame[ROW].to_list() == [1, 2]
    assert any(what == "column left out" and value == "e" for what, value, _ in table.notes)
    assert rows_of(read(tmp_path, gzip.compress(path.read_bytes()), "b.parquet.gz")) == rows_of(table)


def test_a_parquet_column_may_be_called_anything(tmp_path: Path) -> None:
    pl.DataFrame({"^.*$": [[0.5]], "*": [b"x"], "label": ["a"]}).write_parquet(tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet").columns == ["label"]


def test_a_panic_is_not_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def panic(*_: object, **__: object) -> None:
        os.write(2, b"thread panicked")
        raise pl.exceptions.PanicException("a panic")

    monkeypatch.setattr(pl, "read_parquet", panic)
    assert refusal(put(tmp_path, b"PAR1", "a.parquet")).code == "E115"
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


def make_classes(root: Path) -> None:
    for name, text in {"pos/b.txt": "good\n", "pos/a.txt": "fine", "neg/c.txt": "\u00e9", "neg/x.png": "-"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="latin-1")


def test_a_folder_of_classes(tmp_path: Path) -> None:
    make_classes(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "neg" / "d.txt").write_bytes(b"\0\0")
    (tmp_path / "neg" / "e.txt").write_bytes(b"")
    table = read_table(tmp_path)
    expected = [("neg", "\u00e9", "neg/c.txt"), ("pos", "fine", "pos/a.txt"), ("pos", "good\n", "pos/b.txt")]
    assert rows_of(table) == expected
    assert [(Path(bad.file).name, bad.row) for bad in table.rejected] == [("d.txt", 0), ("e.txt", 0)]


def test_a_split_folder(tmp_path: Path) -> None:
    for part in ("train", "val"):
        make_classes(tmp_path / part)
    assert split_folder(tmp_path) == {"train": tmp_path / "train", "valid": tmp_path / "val"}
    assert split_folder(tmp_path / "train") is None and split_folder(put(tmp_path, "x")) is None
    problem = refusal(tmp_path)
    assert problem.code == "E118" and str(tmp_path / "train") in problem.mend
    assert read_table(tmp_path / "train").frame.height == 3
    (tmp_path / "none").mkdir()
    assert refusal(tmp_path / "none").code == "E112"


# ---- fuzz

SEEDS: list[tuple[str, bytes]] = [
    ("a.csv", b'label,text\npos,"a ""good"" film, really"\nneg,bad\npos,"two\nlines"\n'),
    ("a.tsv", "label\ttext\nx\t\u00e9\u00fc\ny\t\u4e2d\n".encode()),
    ("a.csv", "1,\u00e9t\u00e9\n2,b\n".encode("utf-16")),
    ("a.jsonl", b'{"a": "x", "b": 1}\n{"a": "\\u00e9", "b": [1.5]}\n'),
    ("a.json", b'[{"a": "x"}, {"a": null}]'),
    ("a.txt", b"__label__a some text\n__label__b more\n"),
    ("a.csv.gz", gzip.compress(b"label,text\na,b\n" * 9)),
    ("a.csv.zst", zstandard.compress(b"label,text\na,b\n" * 9)),
]


def parquet_seed() -> tuple[str, bytes]:
    stream = io.BytesIO()
    pl.DataFrame({"label": ["a", "b"], "text": ["x", "y"]}).write_parquet(stream)
    return "a.parquet", stream.getvalue()


def mutated(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        data[at : at + rng.randint(0, 3)] = rng.choice(
            [b'"', b"\0", b"\n", b"\r", b",", b"\t", b"\xff", b"{", b"", rng.randbytes(3), bytes(data[at : at + 9])]
        )
    return bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.2 else data)


def test_mutated_files_raise_nothing_else(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(7)
    seeds = [*SEEDS, parquet_seed()]
    read_well = 0
    for turn in range(400):
        name, content = seeds[turn % len(seeds)]
        try:
            table = read(tmp_path, mutated(content, rng), name)
        except TrainwrightError as problem:
            assert str(problem)
            continue
        read_well += 1
        assert table.frame.height and table.frame.schema[ROW] == pl.Int64
    assert 100 < read_well < 400


# ---- real data


@needs_data
def test_real_files() -> None:
    train = read_table(Path(DATA) / "ag_news_10k" / "train.csv")
    assert train.frame.shape == (10_000, 3) and train.columns == ["label", "text"] and not train.rejected
    official = read_table(Path(DATA) / "ag_news" / "test.csv")
    assert official.frame.shape == (7600, 4) and not official.has_header and not official.rejected
    assert official.frame["column_1"].n_unique() == 4
    groups = read_table(Path(DATA) / "ng20" / "test.parquet")
    assert groups.columns == ["label", "text"] and groups.frame["label"].n_unique() == 20


@needs_data
def test_both_ways_agree_on_real_files() -> None:
    data = (Path(DATA) / "ag_news_10k" / "train.csv").read_bytes()
    fast, slow = both_ways(data, ",", True)
    assert well_formed_records(data, ",", 2) == 10_001
    assert slow.frame.equals(fast.frame)
