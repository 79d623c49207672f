"""Every registered model and every reader keeps the promises of its kind."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import zstandard
from PIL import Image
from table_samples import sniff

from trainwright.conformance.models import check_model, models
from trainwright.conformance.readers import check_reader
from trainwright.data.images.storage import decode, measure_sizes
from trainwright.data.read.formats import FORMATS
from trainwright.data.read.images import read_pictures
from trainwright.data.read.running_text import find_corpus, read_text
from trainwright.data.read.tables import read_table

TEXTS = [
    (("sport", "money", "space")[n % 3], f"text number {n} of some length, caf\u00e9 \u4e16\u754c; 'quoted' words")
    for n in range(40)
]
LINES = [f"line {n} of a text that goes on for a while" for n in range(60)]


@pytest.mark.parametrize(("task", "name"), models(), ids=[f"{task}-{name}" for task, name in models()])
def test_model(task: str, name: str) -> None:
    check_model(task, name)


def delimited(delimiter: str, suffix: str):
    def write(path: Path, rows) -> Path:
        place = path.with_suffix(suffix)
        with place.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=delimiter).writerows([("label", "text"), *rows])
        return place

    return write


def lines(path: Path, rows) -> Path:
    place = path.with_suffix(".jsonl")
    place.write_text("".join(json.dumps({"label": a, "text": b}) + "\n" for a, b in rows))
    return place


def array(path: Path, rows) -> Path:
    place = path.with_suffix(".json")
    place.write_text(json.dumps([{"label": a, "text": b} for a, b in rows]))
    return place


def arrow(path: Path, rows) -> Path:
    place = path.with_suffix(".feather")
    pl.DataFrame(rows, schema=["label", "text"], orient="row").write_ipc(place)
    return place


def arrow_stream(path: Path, rows) -> Path:
    place = path.with_suffix(".arrow")
    pl.DataFrame(rows, schema=["label", "text"], orient="row").write_ipc_stream(place)
    return place


def parquet(path: Path, rows) -> Path:
    place = path.with_suffix(".parquet")
    pl.DataFrame(rows, schema=["label", "text"], orient="row").write_parquet(place)
    return place


def fasttext(path: Path, rows) -> Path:
    place = path.with_suffix(".txt")
    place.write_text("".join(f"__label__{a} {b}\n" for a, b in rows), encoding="utf-8")
    return place


def folder(path: Path, rows) -> Path:
    for number, (label, text) in enumerate(sorted(rows)):
        (path / label).mkdir(parents=True, exist_ok=True)
        (path / label / f"{number:02}.txt").write_text(text, encoding="utf-8")
    return path


def packed(write, suffix: str, pack):
    def packing(path: Path, rows) -> Path:
        plain = write(path, rows)
        place = plain.with_name(plain.name + suffix)
        place.write_bytes(pack(plain.read_bytes()))
        plain.unlink()
        return place

    return packing


def texts(path: Path):
    frame = read_table(path).frame
    return list(zip(frame["label"].to_list(), frame["text"].to_list(), strict=True))


TABLES = {
    "csv": delimited(",", ".csv"),
    "semicolon": delimited(";", ".csv"),
    "tsv": delimited("\t", ".tsv"),
    "jsonl": lines,
    "json": array,
    "parquet": parquet,
    "arrow": arrow,
    "arrow stream": arrow_stream,
    "fasttext": fasttext,
    "csv.gz": packed(delimited(",", ".csv"), ".gz", gzip.compress),
    "jsonl.zst": packed(lines, ".zst", zstandard.ZstdCompressor().compress),
}


@pytest.mark.parametrize("kind", TABLES)
def test_reader_of_tables(kind: str, tmp_path: Path) -> None:
    check_reader(texts, TABLES[kind], TEXTS, tmp_path)


def test_every_format_of_tables_has_an_example(tmp_path: Path) -> None:
    found = {sniff(write(tmp_path / str(number), TEXTS)).format for number, write in enumerate(TABLES.values())}
    extra = {"workbook", "old workbook"}  # read by a library that need not be there
    assert {each.name for each in FORMATS} - extra <= found, "write one in TABLES"


def test_reader_of_folders_of_texts(tmp_path: Path) -> None:
    check_reader(texts, folder, sorted(TEXTS), tmp_path)


def text(path: Path, rows) -> Path:
    place = path.with_suffix(".txt")
    place.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return place


def test_reader_of_running_text(tmp_path: Path) -> None:
    check_reader(lambda path: read_text(find_corpus(path).files["train"]).removesuffix("\n").split("\n"), text, LINES, tmp_path)


# A picture as a row: its label, and its pixels as bytes.
DRAWN = np.random.Generator(np.random.Philox(0)).integers(0, 256, (12, 6, 6), np.uint8)
PICTURES = sorted((("cat", "dog")[n % 2], n, DRAWN[n].tobytes()) for n in range(12))


def image_folder(path: Path, rows) -> Path:
    for label, number, pixels in rows:
        (path / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.frombuffer(pixels, np.uint8).reshape(6, 6)).save(path / label / f"{number:02}.png")
    return path


def npz(path: Path, rows) -> Path:
    place = path.with_suffix(".npz")
    pixels = np.stack([np.frombuffer(each, np.uint8).reshape(6, 6) for _, _, each in rows])
    np.savez(place, x=pixels, y=np.array([label for label, _, _ in rows]))
    return place


def pictures(path: Path):
    part = read_pictures(path)["train"]
    if part.pixels is None:
        measure_sizes([part])
        part = decode(part, (6, 6), 1)
    assert part.pixels is not None
    numbers = {DRAWN[n].tobytes(): n for n in range(12)}
    found = zip(part.labels.to_list(), (each.tobytes() for each in part.pixels), strict=True)
    return [(label, numbers.get(pixels, -1), pixels) for label, pixels in found]


@pytest.mark.parametrize("write", [image_folder, npz], ids=lambda each: each.__name__)
def test_reader_of_images(write, tmp_path: Path) -> None:
    check_reader(pictures, write, PICTURES, tmp_path)
