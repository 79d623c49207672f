"""Data that are made from real ones by a seed, in a process of its own, so that the runner stays small.

python made.py news FILE TRAIN ROWS        rows of TRAIN repeated; from the second time on, words are left out or exchanged
python made.py head FILE SOURCE ROWS       the first rows of a CSV or Parquet file
python made.py lines FOLDER SOURCE LINES   the first lines of every text file of a folder
python made.py images FOLDER SOURCE ROWS   the first rows of the four IDX files of a folder
python made.py synthetic FILE ROWS         short texts of four classes out of 50,000 made words
"""

from __future__ import annotations

import csv
import gzip
import random
import sys
from pathlib import Path

import numpy as np
import polars as pl

SEED = 0
LEFT_OUT, EXCHANGED = 0.1, 0.1  # shares of words


def news(path: Path, source: Path, rows: int) -> None:
    frame = pl.read_csv(source).select("label", "text")
    texts = [(label, text.split()) for label, text in frame.iter_rows()]
    words = [word for _, text in texts for word in text]
    draw = random.Random(SEED)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("label", "text"))
        for row in range(rows):
            label, text = texts[row % len(texts)]
            if row >= len(texts):
                kept = (word for word in text if draw.random() >= LEFT_OUT)
                text = [draw.choice(words) if draw.random() < EXCHANGED else word for word in kept]
            writer.writerow((label, " ".join(text)))


def head(path: Path, source: Path, rows: int) -> None:
    """Classes lie together in some files, so rows are drawn."""
    frame = pl.read_parquet(source) if source.suffix == ".parquet" else pl.read_csv(source)
    frame = frame.sample(min(rows, len(frame)), shuffle=True, seed=SEED)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path)


def lines(path: Path, source: Path, count: int) -> None:
    path.mkdir()
    for file in source.glob("*.txt"):
        kept = file.read_text(encoding="utf-8").splitlines(keepends=True)[:count]
        (path / file.name).write_text("".join(kept), encoding="utf-8")


def images(path: Path, source: Path, rows: int) -> None:
    path.mkdir()
    for file in source.glob("*.gz"):
        data = gzip.decompress(file.read_bytes())
        start = 4 + 4 * data[3]
        sizes = np.frombuffer(data[4:start], ">u4")
        each = int(np.prod(sizes[1:]))
        kept = data[:4] + rows.to_bytes(4, "big") + data[8:start] + data[start : start + rows * each]
        (path / file.name).write_bytes(gzip.compress(kept, 1))


def synthetic(path: Path, rows: int, words: int = 12, classes: int = 4, part: int = 100_000) -> None:
    """Half of a text's words are of its class, half of all; a low number is likelier than a high one."""
    draw = np.random.default_rng(SEED)
    vocabulary = np.array([f"w{number}" for number in range(50_000)])
    with path.open("wb") as file:
        for start in range(0, rows, part):
            size = min(part, rows - start)
            labels = draw.integers(0, classes, size)
            numbers = (len(vocabulary) * draw.random((size, words)) ** 3).astype(np.int64)
            numbers[:, ::2] = numbers[:, ::2] // classes * classes + labels[:, None]
            texts = pl.DataFrame(vocabulary[numbers.clip(0, len(vocabulary) - 1)], schema=[f"c{i}" for i in range(words)])
            frame = texts.select(label=pl.Series(labels), text=pl.concat_str(pl.all(), separator=" "))
            frame.write_csv(file, include_header=start == 0)


if __name__ == "__main__":
    kind, place, *given = sys.argv[1:]
    paths_and_counts = [int(word) if word.isdigit() else Path(word) for word in given]
    {"news": news, "head": head, "lines": lines, "images": images, "synthetic": synthetic}[kind](Path(place), *paths_and_counts)
