"""A large file is read in parts: their number and their size make no difference, whatever is wrong with the file."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from mutations import mutant, seeds
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.data.files import cache
from trainwright.data.files import content as load
from trainwright.data.files import spool as scratch
from trainwright.data.read import csv_strict, json_records
from trainwright.data.read import tables as readers
from trainwright.data.read.formats import magics
from trainwright.data.read.sniff import sniff_loaded
from trainwright.data.tables.table import Table
from trainwright.data.text import ngrams, text_encoder, tokenize
from trainwright.errors import TrainwrightError

LARGEST = 100_000  # bytes; the mutants that are larger are about memory


def in_parts(path: Path, head: int, part: int) -> Table:
    """As ``read_table``, but that all of the file is looked at to tell what it is, and that it lies in UTF-8 on the disk."""
    loaded = load.load(path, magics=magics())
    sniffed = sniff_loaded(loaded)
    if not loaded.magic and sniffed.format != "json":
        loaded = loaded.in_utf8(sniffed.encoding)
        sniffed = replace(sniffed, encoding=sniffed.encoding if sniffed.encoding == "utf-8-sig" else "utf-8")
        (path.parent / "content").write_bytes(loaded.data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "HEAD_BYTES", head)
        patch.setattr(load, "PART_BYTES", part)
        patch.setattr(csv_strict, "BITE", part)
        if not loaded.magic and sniffed.format != "json":
            file = load.SpilledContent((path.parent / "content").open("rb"))
            (path.parent / "content").unlink()
            found = readers._file(replace(loaded, file=file), sniffed).whole()
        else:
            found = readers._file(loaded, sniffed).whole()
    return found


def outcome(read, *words) -> object:
    try:
        table = read(*words)
    except TrainwrightError as problem:
        return problem.code
    if not table.frame.height:
        return "E111" if table.rejected else "E109"
    return table.frame.schema, table.frame.rows(), table.rejected, table.notes, table.has_header


def test_parts_of_any_file(tmp_path: Path) -> None:
    for number in range(10 * len(seeds())):
        _, name, content = mutant(number)
        if len(content) > LARGEST:
            continue
        path = tmp_path / name
        path.write_bytes(content)
        draw = random.Random(number)
        head, part = draw.choice([1, 7, 50, 400]), draw.choice([1, 9, 60, 500])
        assert outcome(in_parts, path, head, part) == outcome(readers.read_table, path), (number, head, part)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_large_files_of_any_encoding(encoding: str, pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "".join(f"{'ab'[number % 2]},caf\u00e9 number {number}\n" for number in range(3000))
    path = tmp_path / "a.csv"
    path.write_bytes(pack(f"label,text\n{rows}".encode(encoding)))
    whole = readers.read_table(path)
    monkeypatch.setattr(load, "HEAD_BYTES", 8000)
    monkeypatch.setattr(load, "PART_BYTES", 5001)
    stream = readers.open_table(path)
    assert len(list(stream.tables())) > 5 and outcome(stream.whole) == outcome(lambda: whole)


@pytest.mark.parametrize("end", ["", "\n", "\n\n\n\n\n\n\n\n", "\r\n\r\n\n", "\n\nlate\t1\n"])
@pytest.mark.parametrize("part", [1, 2, 3, 5, 8, 13, 40])
def test_quotes_that_are_letters_before_blank_lines(end: str, part: int, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('text\tlabel\n"Good" film\t1\n"bad one\t0\nsay "hi"\t1\n"so" so\t0\n' + end, newline="")
    assert outcome(in_parts, path, part, part) == outcome(readers.read_table, path)
    if "late" not in end:
        assert readers.read_table(path).frame["text"][0] == '"Good" film'


def test_columns_that_are_rare_in_an_early_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "MANY_CELLS", 10)
    monkeypatch.setattr(json_records, "MOST_EMPTY", 2)
    rare = [{f"c{number}": f"word {number}", "label": "a"} for number in range(9)]
    full = [{f"c{number}": number for number in range(9)} | {"label": "b"}] * 40
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rare + full))
    found = in_parts(path, 100, 60)
    assert found.frame["c8"].to_list()[8:10] == ["word 8", "8"] and found.frame.equals(readers.read_table(path).frame)


def test_a_large_parquet_file_is_read_by_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(f"text number {number}", "ab"[number % 2], number) for number in range(5000)]
    frame = pl.DataFrame(rows, schema=["text", "label", "at"], orient="row")
    path = tmp_path / "a.parquet"
    frame.write_parquet(path, row_group_size=700)
    whole = readers.read_table(path)
    monkeypatch.setattr(load, "HEAD_BYTES", 9000)
    monkeypatch.setattr(load, "PART_BYTES", 3000)
    stream = readers.open_table(path)
    assert len(list(stream.tables())) > 5 and outcome(stream.whole) == outcome(lambda: whole)
    assert whole.frame.height == 5000 and whole.frame["at"].to_list() == list(range(5000))


def test_a_disk_that_is_full_when_the_last_of_a_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("label,text\n" + "a,some words\n" * 1000, encoding="utf-16")
    monkeypatch.setattr(load, "HEAD_BYTES", 500)
    monkeypatch.setattr(load, "PART_BYTES", 400)
    monkeypatch.setattr(load, "scratch_file", lambda: Path("/dev/full").open("wb", 1 << 20))  # noqa: SIM115
    assert outcome(readers.read_table, path) == "E172"


def test_utf_16_that_is_cut_far_behind_the_head_is_refused_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(("label,text\n" + "a,some words\nb,others\n" * 500).encode("utf-16") + b"\n")
    whole = outcome(readers.read_table, path)
    monkeypatch.setattr(load, "HEAD_BYTES", 4000)
    monkeypatch.setattr(load, "PART_BYTES", 1000)
    assert whole == outcome(readers.read_table, path) == "E117"


def small_memory(patch: pytest.MonkeyPatch) -> None:
    """Everything as if it were too large: parts, pieces, arrays on the disk, and shares of the n-grams."""
    patch.setattr(load, "HEAD_BYTES", 9000)
    patch.setattr(load, "PART_BYTES", 2000)
    patch.setattr(scratch, "IN_MEMORY", 100)
    patch.setattr(cache, "IN_MEMORY", 100)
    patch.setattr(ngrams, "SORTED_KEYS", 300)
    patch.setattr(tokenize, "CHUNK_TOKENS", 200)
    patch.setattr(tokenize, "PART_BYTES", 500)
    patch.setattr(text_encoder, "BLOCK_IDS", 128)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": {"ngrams": 3}},
        {"model": {"chars": [3, 4], "ngrams": 2, "weighting": "none"}, "split": "stratified"},
        {"model": {"ngrams": 2}, "max_vocabulary": 60, "max_tokens": 4, "split": "time:number"},
        {"model": {"name": "textcnn"}},
    ],
    ids=str,
)
def test_the_same_model_from_a_file_that_is_larger_than_the_memory(settings: dict, tmp_path: Path) -> None:
    rows = [(*row, str(number)) for number, row in enumerate([*news_rows(500), ("a", ""), *news_rows(60)])]
    source = write_csv(tmp_path / "a.csv", rows, ("label", "text", "number"))
    source.write_text(source.read_text().replace("\n", "\nonly one field\n", 3))
    given = {"text": ["text"], "label": "label", "epochs": 1, "listen": lambda event: None} | settings
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "cache"))
        small_memory(patch)
        parts = tw.train(source, out=tmp_path / "parts", **given)
        assert not list((tmp_path / "cache" / "scratch").iterdir())
        assert list((tmp_path / "cache" / "encoded").glob("*/large-train%2Fvalues.npy"))
        cached = tw.train(source, out=tmp_path / "cached", **given)
    whole = tw.train(source, out=tmp_path / "whole", **given)
    for name in ("data.json", "model/model.safetensors", "model/tokens.txt"):
        for run in (parts, cached):
            if (whole.path / name).exists():
                assert (run.path / name).read_bytes() == (whole.path / name).read_bytes(), name
    assert parts.report["test"] == cached.report["test"] == whole.report["test"]
