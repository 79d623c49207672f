"""How a file is read: as a person says; what stands above the header; a header in the middle; fields that say nothing."""

from __future__ import annotations

import json
import random
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from trainwright.config.resolve import resolve
from trainwright.data.files import content as contents
from trainwright.data.read.csv_fast import REPEATED, DelimitedFile
from trainwright.data.read.options import ReadOptions
from trainwright.data.read.tables import read_table
from trainwright.data.tables.table import ROW, Table
from trainwright.errors import TrainwrightError

HEAD = "id;text;size;label\n"
ROWS = "".join(f"{n};words of row {n};{n / 4};{'ab'[n % 2]}\n" for n in range(12))


def read(folder: Path, content: str | bytes, name: str = "a.csv", **said: str) -> Table:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, ReadOptions(**said))  # type: ignore[arg-type]


def refused(folder: Path, content: str | bytes, name: str = "a.csv", **said: str) -> TrainwrightError:
    with pytest.raises(TrainwrightError) as caught:
        read(folder, content, name, **said)
    return caught.value


def said_of(table: Table, what: str) -> str:
    return "; ".join(f"{note.value}: {note.why}" for note in table.notes if note.what == what)


# ---- what a person says


@pytest.mark.parametrize(
    ("word", "mark"),
    [(";", ";"), ("semicolon", ";"), ("tab", "\t"), (r"\t", "\t"), ("space", " "), (" ", " "), ("pipe", "|"), ("!", "!")],
)
def test_a_delimiter_by_its_name(word: str, mark: str) -> None:
    assert resolve({"delimiter": word}).delimiter == mark


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("delimiter", "x"), ("delimiter", "||"), ("delimiter", '"'), ("delimiter", "\n"), ("delimiter", "\u00b7"),
        ("encoding", "gb1803"), ("encoding", "rot13"), ("encoding", "a\0b"), ("header", "maybe"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_before_anything_is_read(setting: str, value: str) -> None:
    with pytest.raises(TrainwrightError, match="E302"):
        resolve({setting: value})


@pytest.mark.parametrize("name", ["gb18030", "GBK", "windows-1251", "shift-jis", "utf8", ""])
def test_encodings_have_the_names_that_python_knows(name: str) -> None:
    assert "x".encode(resolve({"encoding": name}).encoding or "utf-8") == b"x"


@pytest.mark.parametrize("mark", list("!@#;|^~: \t"))
def test_a_delimiter_that_is_said_is_taken_whatever_others_there_are(tmp_path: Path, mark: str) -> None:
    content = "".join(f"{a}{mark}{b}\n" for a, b in [("label", "text"), ("a", "one,two,three"), ("b", "four,five,six")])
    table = read(tmp_path, content, delimiter=mark)
    assert table.frame.drop(ROW).rows() == [("a", "one,two,three"), ("b", "four,five,six")]
    assert said_of(table, "delimiter").endswith("as given")


def test_a_header_that_is_said_is_taken_against_all_signs(tmp_path: Path) -> None:
    assert read(tmp_path, "2019,2020\n1,2\n3,4\n", header="yes").columns == ["2019", "2020"]
    table = read(tmp_path, "text,label\nx,y\n", header="no")
    assert table.columns == ["column_1", "column_2"] and table.frame.height == 2 and not table.has_header


@pytest.mark.parametrize("encoding", ["gb18030", "cp1251", "koi8_r", "utf-16-le", "utf-32", "utf-8", "cp1140"])
def test_an_encoding_that_is_said(tmp_path: Path, encoding: str) -> None:
    text = (
        "text,label\n\u043c\u0438\u0440,a\n" * 1 + "\u0443\u0440\u0430,b\n"
        if encoding != "cp1140"
        else "text,label\nabc,a\nb,c\n"
    )
    table = read(tmp_path, text.encode(encoding), encoding=encoding)
    assert table.frame["text"].to_list() == [line.split(",")[0] for line in text.splitlines()[1:]]


def test_bytes_that_are_not_in_the_encoding_said_are_bad_rows_and_many_are_a_refusal(tmp_path: Path) -> None:
    good = "".join(f"\u4f60\u597d\u4e16\u754c{n},a\n" for n in range(20)).encode("gb18030")
    table = read(tmp_path, b"text,label\n" + good + b"\xff\xff,b\n" + good, encoding="gb18030")
    assert table.frame.height == 40 and [each.row for each in table.rejected] == [22]
    problem = refused(
        tmp_path, b"text,label\nx,a\n" + "\u00e9t\u00e9 \u00e0 No\u00ebl,b\n".encode("latin-1") * 9, encoding="ascii"
    )
    assert problem.code == "E191" and "row 3" in problem.where and "ascii" in str(problem)
    said = read(
        tmp_path, "text,label\n\u4f60\u597d,a\n\u597d,b\n", encoding="cp1251"
    )  # it can be read so, and is; but not in silence
    assert "valid UTF-8" in said_of(said, "encoding")


def test_a_large_file_of_another_encoding_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "text,label\n" + "".join(f"\u4f60\u597d{n},{'ab'[n % 2]}\n" for n in range(3000))
    content = text.encode("gb18030") + b"\xff,a\nend,b\n"
    whole = read(tmp_path, content, encoding="gb18030")
    monkeypatch.setattr(contents, "HEAD_BYTES", 1000)
    monkeypatch.setattr(contents, "PART_BYTES", 700)
    parts = read(tmp_path, content, encoding="gb18030")
    assert parts.frame.equals(whole.frame) and parts.rejected == whole.rejected and parts.frame.height == 3001


@pytest.mark.parametrize(
    ("name", "content", "said", "why"),
    [
        ("a.json", '[{"a": 1}]', {"delimiter": ","}, "delimiter=comma"),
        ("a.jsonl", '{"a": 1}\n{"a": 2}\n', {"header": "yes"}, "header=yes"),
        ("a.txt", "__label__a x\n__label__b y\n", {"delimiter": "\t"}, "fasttext"),
        ("a.parquet", None, {"encoding": "cp1251"}, "parquet"),
        ("folder", None, {"header": "no"}, "folder"),
    ],
)
def test_what_means_nothing_for_a_file_is_refused(
    tmp_path: Path, name: str, content: str | None, said: dict[str, str], why: str
) -> None:
    if name == "a.parquet":
        pl.DataFrame({"a": [1]}).write_parquet(tmp_path / name)
        content_bytes = (tmp_path / name).read_bytes()
        problem = refused(tmp_path, content_bytes, name, **said)
    elif name == "folder":
        (tmp_path / "folder" / "pos").mkdir(parents=True)
        (tmp_path / "folder" / "pos" / "a.txt").write_text("x")
        with pytest.raises(TrainwrightError) as caught:
            read_table(tmp_path / "folder", ReadOptions(**said))  # type: ignore[arg-type]
        problem = caught.value
    else:
        problem = refused(tmp_path, str(content), name, **said)
    assert problem.code == "E190" and why in str(problem)


# ---- what training kept decides where a file leaves a doubt

CHINESE = "text,label\n" + "\u8fd9\u4e2a\u4ea7\u54c1\u5f88\u597d,a\n\u592a\u5dee\u4e86,b\n" * 4


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_kept_encoding_is_for_files_that_do_not_show_their_own(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "new.csv").write_bytes(CHINESE.encode(encoding))
    table = read_table(tmp_path / "new.csv", ReadOptions(encoding="gb18030", kept=("encoding",)))
    assert table.frame["text"].to_list() == [line.split(",")[0] for line in CHINESE.splitlines()[1:]]
    assert ("as in training" in said_of(table, "encoding")) == (encoding == "gb18030")


def test_a_kept_delimiter_and_header_are_for_files_in_doubt(tmp_path: Path) -> None:
    kept = {"delimiter": "!", "header": "no"}

    def columns(content: str) -> pl.DataFrame:
        (tmp_path / "new.csv").write_text(content)
        return read_table(tmp_path / "new.csv", ReadOptions(**kept, kept=tuple(kept))).frame.drop(ROW)  # type: ignore[arg-type]

    assert columns("a!one, two\nb!three, four\n").rows() == [("a", "one, two"), ("b", "three, four")]
    assert columns("label,text\na,one\nb,two\n").rows() == [("a", "one"), ("b", "two")]  # it shows both


# ---- above the header

ABOVE = {
    "excel": ("sep=;\n", 1),
    "excel, quoted": ('"sep=;"\r\n', 1),
    "a title": ("Sales export 2024-05-01\n", 1),
    "a title and a blank line": ("Sales export 2024-05-01\n\n", 2),
    "comments": ("# made by a program; version 2\n# on Monday\n", 2),
    "a comment as wide as the rows": ("# a;b;c;d\n", 1),
    "a title with all its delimiters": ("Sales export;;;\n;;;\n", 2),
    "a title, what it is of": ("Report\nBy;Anna\n\n", 3),
    "a number": ("12\n", 1),
}


@pytest.mark.parametrize("case", ABOVE)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_stands_above_a_header_is_passed_over_and_said(tmp_path: Path, case: str, encoding: str) -> None:
    above, lines = ABOVE[case]
    table = read(tmp_path, (above + HEAD + ROWS).encode(encoding))
    assert table.columns == ["id", "text", "size", "label"] and not table.rejected
    assert table.frame[ROW].to_list() == list(range(lines + 2, lines + 14))
    assert said_of(table, "passed over").startswith("row 1:" if lines == 1 else f"rows 1-{lines}:")
    assert above.split("\n")[0].strip('"\r') in said_of(table, "passed over")


def test_a_bad_row_behind_a_title_has_its_number_in_the_file(tmp_path: Path) -> None:
    table = read(tmp_path, "A title\n\n" + HEAD + ROWS + "12;only two\n" + ROWS)
    assert [(each.row, "2 fields" in each.reason) for each in table.rejected] == [(16, True)]


@pytest.mark.parametrize(
    "content",
    [
        "a,b,c\n" + "1,2,3\n" * 9,
        "x,y,z\n" + "1,2,3,4\n" * 9,  # a header that lacks a name is no title
        "x,y,z\n" + "1,2,3,4,5\n" * 9,
        "text\none, two\nthree\n",
        "text\n" + "so, it is\n" * 9,
        "#tag,text,label\n" + "1,b,c\n" * 9,
        "# x,y\n" + "1,2\n" * 9,
        "name\nAnna, Berlin\nBob, Rome\nCarl, Oslo\n",
        ",,5\n" + "1,2,3\n" * 9,
        "first;second\n" + "1,5;2,5\n" * 9,
    ],
)
def test_a_first_record_that_may_be_one_is_not_passed_over(tmp_path: Path, content: str) -> None:
    try:
        table = read(tmp_path, content)
    except TrainwrightError as problem:
        assert problem.code == "E111" and "fields where the header has" in str(problem)
    else:
        assert not said_of(table, "passed over")


def test_a_title_without_a_header_below(tmp_path: Path) -> None:
    table = read(tmp_path, "Measured on Monday\n" + "1,2,3\n4,5,6\n" * 5)
    assert table.columns == ["column_1", "column_2", "column_3"] and table.frame[ROW][0] == 2


# ---- a header in the middle


@pytest.mark.parametrize("bad", ["", "only one\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_header_once_more_is_a_bad_row(tmp_path: Path, bad: str, mark: str) -> None:
    """As of files that were put one behind another; both ways of reading name it."""
    table = read(tmp_path, HEAD + ROWS + mark + HEAD + ROWS + bad + HEAD)
    at = [14, 27 + bool(bad)]
    assert [each.row for each in table.rejected if each.reason == REPEATED] == at
    assert table.frame.height == 24 and set(table.frame["label"]) == {"a", "b"}


def test_a_header_once_more_in_a_later_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(tmp_path, (HEAD + ROWS) * 20)
    monkeypatch.setattr(contents, "HEAD_BYTES", 300)
    monkeypatch.setattr(contents, "PART_BYTES", 200)
    parts = read(tmp_path, (HEAD + ROWS) * 20)
    assert parts.frame.equals(whole.frame) and parts.rejected == whole.rejected and len(whole.rejected) == 19


def test_a_row_that_only_begins_like_the_header_is_one(tmp_path: Path) -> None:
    assert not read(tmp_path, "text,label\ntext,a\nx,label\ntext,b\n").rejected
    assert not read(tmp_path, "word\nword\nother\n").rejected  # a single column of words may hold its name


# ---- a delimiter too many


@pytest.mark.parametrize("mark", list(",;\t|"))
@pytest.mark.parametrize("bad", ["", "1{0}2\n", '"a{0}b'])
def test_a_delimiter_at_the_end_of_every_row(tmp_path: Path, mark: str, bad: str) -> None:
    rows = [(str(n), f"word {n % 5}", "ab"[n % 2]) for n in range(300)]
    name = "a.tsv" if mark == "\t" else "a.csv"
    content = mark.join(("x", "word", "label")) + "\n" + "".join(f"{mark.join(row)}{mark}\n" for row in rows)
    table = read(tmp_path, content + bad.format(mark), name)
    assert table.frame.drop(ROW).rows() == rows and table.columns == ["x", "word", "label"]
    assert table.frame[ROW].to_list() == list(range(2, 302)) and len(table.rejected) == bool(bad)
    assert "every row has one more" in said_of(table, "passed over")


def test_a_field_that_is_not_empty_in_every_row_is_not_dropped(tmp_path: Path) -> None:
    content = "x,word,label\n" + "".join(f"{n},w{n},a,\n" for n in range(300))
    table = read(tmp_path, content + "1,2,a,more\n" + "5,6,b,\n")
    assert [(each.row, each.reason) for each in table.rejected] == [(302, "4 fields where the header has 3")]
    assert table.frame.height == 301


@pytest.mark.parametrize("bad", ["", "1,2\n"])
def test_a_delimiter_at_the_end_of_the_header(tmp_path: Path, bad: str) -> None:
    table = read(tmp_path, "x,word,label,\n" + "".join(f"{n},w,{'ab'[n % 2]}\n" for n in range(20)) + bad)
    assert table.columns == ["x", "word", "label"] and table.frame.height == 20 and len(table.rejected) == bool(bad)


def test_an_index_without_a_name(tmp_path: Path) -> None:
    table = read(tmp_path, ",text,label\n" + "".join(f"{n},some words {n},{'ab'[n % 2]}\n" for n in range(20)))
    assert table.columns == ["column_1", "text", "label"] and table.frame.height == 20


# ---- all of it together


@st.composite
def noisy(draw: st.DrawFn) -> tuple[str, list[tuple[str, ...]], int, str]:
    """A table with noise above the header, a header once more, and delimiters at the ends; its rows; how many are bad."""
    mark = draw(st.sampled_from([",", ";", "\t", "|"]))
    width, count = draw(st.integers(3, 6)), draw(st.integers(6, 30))
    names = [f"name{place}" for place in range(width)]
    random_ = random.Random(draw(st.integers(0, 2**32)))
    rows = [tuple(str(random_.randrange(1000)) if place else f"w{n}" for place in range(width)) for n in range(count)]
    above = draw(st.sampled_from(["", f"sep={mark}\n", "A title\n", "A title\n\n", "# a comment\n", "Title\nFor us\n"]))
    spare = draw(st.sampled_from(["", mark]))
    again = draw(st.integers(0, 2))
    lines = [mark.join(row) + spare for row in rows]
    for _ in range(again):
        lines.insert(draw(st.integers(3, len(lines))), mark.join(names))
    if spare and again:
        spare, again, lines = "", 0, [mark.join(row) for row in rows]
    return above + "\n".join([mark.join(names), *lines]) + "\n", rows, again, draw(st.sampled_from(["utf-8", "utf-16"]))


@examples(deadline=None, max_examples=80)
@given(noisy())
def test_noise_changes_no_row(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[str, list[tuple[str, ...]], int, str]
) -> None:
    content, rows, bad, encoding = made
    table = read(tmp_path_factory.mktemp("noisy"), content.encode(encoding))
    assert table.frame.drop(ROW).rows() == rows, table.notes
    assert len(table.rejected) == bad and all(each.reason == REPEATED for each in table.rejected)
    lines = content.split("\n")
    assert all(lines[row - 1].startswith(cells[0]) for row, cells in zip(table.frame[ROW], rows, strict=True))


def test_both_ways_of_reading_agree_on_all_of_it(tmp_path: Path) -> None:
    content = ("sep=;\nTitle\n" + HEAD.strip() + "\n" + "".join(f"{row};\n" for row in ROWS.split("\n")[:-1])).encode()
    file = contents.FileContent(tmp_path, content, ".csv", "", len(content))
    table = DelimitedFile(file, ";", True, above=2, spare=1)
    fast, _ = table.read(table.begin, len(content))
    careful, _ = table.careful(table.begin, len(content))
    assert fast[0].equals(careful[0]) and fast[1] == careful[1] == [] and fast[0].height == 12


def test_a_document_is_not_looked_at_for_titles(tmp_path: Path) -> None:
    assert read(tmp_path, json.dumps([{"text": "a"}, {"text": "b"}]), "a.json").frame.height == 2
