"""Typed files of a few bytes that would fill the memory are refused before they do; ordinary ones are read."""

from __future__ import annotations

import gzip
import io
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trainwright.data.files import content
from trainwright.data.read.tables import read_table
from trainwright.errors import TrainwrightError
from trainwright.store.parquet_footer import bytes_held

ROWS = 100_000
LONG = "abcdefghij" * 20_000
BOMBS: dict[str, dict[str, Any]] = {
    "equal rows": {"text": ["the same text"] * ROWS, "label": ["a"] * ROWS},
    "equal numbers": {"number": [1.5] * ROWS * 2},
    "one long text": {"text": [LONG] * 20},
    "long texts": {"text": [f"{number}{LONG}" for number in range(20)]},
    "a long list": {"words": [["a"] * ROWS * 20]},
}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "SMALL_EXPANSION", 1 << 20)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_grows_beyond_reason_is_refused(name: str, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame(BOMBS[name]).write_parquet(path)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(TrainwrightError) as caught:
        read_table(path)
    assert caught.value.code == "E152" and str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["one long text", "long texts"])
def test_so_is_an_arrow_file(name: str, tmp_path: Path) -> None:
    pl.DataFrame(BOMBS[name]).write_ipc(tmp_path / "a.arrow", compression="zstd")
    with pytest.raises(TrainwrightError) as caught:
        read_table(tmp_path / "a.arrow")
    assert caught.value.code == "E152"


def test_ordinary_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "SMALL_EXPANSION", 0)
    draw = random.Random(0)
    frame = pl.DataFrame(
        {
            "text": [" ".join(draw.choices(("film", "fine", "dull", "long", "the", "a"), k=20)) for _ in range(5000)],
            "number": [draw.randrange(10) for _ in range(5000)],
            "label": [draw.choice("ab") for _ in range(5000)],
            "tags": [draw.choices("xyz", k=2) for _ in range(5000)],
        }
    )
    for compression in ("zstd", "snappy", "uncompressed"):
        frame.write_parquet(tmp_path / "a.parquet", compression=compression, row_group_size=1000)
        assert read_table(tmp_path / "a.parquet").frame.drop("_row_", strict=False).height == 5000


def test_the_footer_tells_the_bytes_of_all_values() -> None:
    file = io.BytesIO()
    frame = pl.DataFrame({"a": [1.0] * 3000, "b": [f"{number:05}" for number in range(3000)]})
    frame.write_parquet(file, compression="uncompressed", row_group_size=1000, use_pyarrow=False)
    assert 3000 * (8 + 5) <= bytes_held(file) <= 3000 * (8 + 5 + 8)
    whole = file.getvalue()
    draw = random.Random(0)
    for number in range(300):  # whatever a footer holds, it is only read
        broken = bytearray(whole[: draw.randrange(len(whole))] + whole[-8:] if number % 2 else whole)
        for _ in range(3):
            broken[-draw.randrange(9, min(len(broken), 600))] = draw.randrange(256)
        assert bytes_held(io.BytesIO(bytes(broken))) >= 0
