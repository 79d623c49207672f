"""Rows whose text tells half of what is predicted, and whose numbers and categories tell the other half."""

from __future__ import annotations

import math
import random
from pathlib import Path

import polars as pl

GOOD, BAD = ("bright", "quiet", "splendid", "sunny", "modern"), ("damp", "noisy", "shabby", "dark", "worn")
PLAIN = ("the", "flat", "has", "rooms", "near", "a", "park", "and", "some", "shops", "with", "view", "of", "town")
CITIES = ("Ulm", "Bonn", "Kiel", "Jena")


def rows(count: int = 400, seed: int = 0) -> pl.DataFrame:
    """``notes`` and ``city`` with ``area`` tell ``value`` (a number) and ``kind`` (high or low), half each."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        praise = draw.randrange(7)
        words = [draw.choice(GOOD) for _ in range(praise)] + [draw.choice(BAD) for _ in range(6 - praise)]
        words += [draw.choice(PLAIN) for _ in range(draw.randrange(8, 16))]
        draw.shuffle(words)
        area, city = draw.gauss(0, 1), draw.randrange(4)
        value = (praise - 3) / 2 + (area + (city - 1.5) / math.sqrt(1.25)) / math.sqrt(2)  # two halves, each of deviation 1
        found.append(
            {
                "notes": " ".join(words),
                "area": round(area, 3),
                "city": CITIES[city],
                "value": round(value + draw.gauss(0, 0.1), 3),
                "kind": "high" if value > 0 else "low",
            }
        )
    return pl.DataFrame(found)


def csv(folder: Path, frame: pl.DataFrame, name: str = "rows.csv") -> Path:
    frame.write_csv(folder / name)
    return folder / name
