"""A format is one module and one entry: what is registered is told, read and trained from, and known by its ending."""

from __future__ import annotations

import gzip
import io
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
from samples import news_rows, write_csv
from table_samples import sniff

import trainwright as tw
from trainwright.data.files import content
from trainwright.data.images.headers import FORMATS as IMAGE_FORMATS
from trainwright.data.images.headers import SUFFIXES
from trainwright.data.read.formats import FORMATS, Format, names_file
from trainwright.data.read.running_text import holds_corpus
from trainwright.data.read.tables import read_table
from trainwright.data.tables.table import ROW
from trainwright.tasks.text.predictor import TextPredictor

PACKAGE = Path(tw.__file__).parent


def open_parts(content, sniffed):
    """The whole of an Avro file, which polars reads."""
    frame = pl.read_avro(io.BytesIO(content.data) if content.data else content.path)
    return partial(iter, [(frame.with_columns(pl.Series(ROW, range(1, frame.height + 1), pl.Int64)), [])])


@pytest.fixture
def avro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An Avro file, and its format added: one module, and one entry."""
    module = ModuleType("avro_reader")
    module.open_parts = open_parts  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "avro_reader", module)
    path = tmp_path / "news.avro"
    pl.DataFrame(news_rows(200), schema=["label", "text"], orient="row").write_avro(path)
    with pytest.raises(tw.TrainwrightError, match="E108"):
        sniff(path)
    entry = Format("avro", (".avro",), "avro_reader", b"Obj\x01")
    FORMATS.append(entry)
    yield path
    FORMATS.remove(entry)


def test_a_format_that_is_added_is_read_and_trained_from(avro: Path, tmp_path: Path) -> None:
    found = sniff(avro)
    assert (found.format, found.notes) == ("avro", [("format", "avro", "its first bytes are Obj\x01")])
    packed = tmp_path / "packed.avro.gz"
    packed.write_bytes(gzip.compress(avro.read_bytes()))
    rows = read_table(avro).frame.rows()
    assert read_table(packed).frame.rows() == rows and len(rows) == 200 and rows[1][2] == 2
    run = tw.train(avro, epochs=1, out=tmp_path / "run")
    found = run.evaluate(avro)
    assert found["n"] + found["trained_on"] + found["validated_on"] == 200
    assert TextPredictor.takes_file("nosuch.avro") and not holds_corpus(avro)


def test_what_reads_a_format_is_named_by_its_entry_alone() -> None:
    sources = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    for each in FORMATS:
        name = each.module.rpartition(".")[2]
        users = [path for path, text in sources.items() if re.search(rf"import .*\b{name}\b|read\.{name}\b", text)]
        assert users == ["data/read/formats.py"], each.name
    endings = {suffix for each in FORMATS for suffix in each.suffixes} - {".json"}  # of which a run has files too
    for suffix in endings | {".jpg", ".webp", ".bmp", ".gif", ".tif"}:
        users = [path for path, text in sources.items() if f'"{suffix}"' in text]
        places = {"data/images/headers.py"} if suffix in SUFFIXES else {"data/read/formats.py"}
        assert set(users) - ({"data/read/delimited.py"} if suffix == ".tsv" else set()) == places, suffix


@pytest.mark.parametrize("word", ["a.csv", "a.TSV", "b.ndjson", "c.parquet.gz", "d.zst", "notes.md", "letter.PDF"])
def test_words_that_can_only_be_files(word: str) -> None:
    assert names_file(word) and not names_file(f"what a {word}") and not names_file(word.partition(".")[0])


def test_an_image_format_is_one_entry() -> None:
    endings = [suffix for each in IMAGE_FORMATS for suffix in each.suffixes]
    assert len(endings) == len(set(endings)) == len(SUFFIXES)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in endings)


def test_a_table_is_loaded_and_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Path] = []
    real = content._load
    monkeypatch.setattr(content, "_load", lambda path, *words: loaded.append(path) or real(path, *words))
    path = write_csv(tmp_path / "a.csv", news_rows(200))
    tw.train(path, epochs=1, out=tmp_path / "run")
    assert loaded == [path]
