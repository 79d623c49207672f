"""Rows of houses with a column of each kind, and the calls that train on them."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import polars as pl
import pytest

import trainwright as tw
from trainwright.errors import TrainwrightError

CITIES = ("Ulm", "Bonn", "Kiel", "Jena")
START = dt.date(2024, 1, 1)


def houses(count: int = 300, seed: int = 0, kinds: tuple[str, ...] = ("flat", "house")) -> pl.DataFrame:
    """Rows with a column of each kind, some values missing; ``price`` and ``kind`` follow from them."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        area, city, garden = draw.uniform(20, 200), draw.choice(CITIES), draw.random() < 0.5
        sold = START + dt.timedelta(days=draw.randrange(700))
        price = 3 * area + 60 * CITIES.index(city) + 90 * garden + 0.1 * (sold - START).days + draw.gauss(0, 10)
        kind = kinds[min(int((area + 80 * garden) / 281 * len(kinds)), len(kinds) - 1)]
        rows.append(
            {
                "id": number,
                "area": None if draw.random() < 0.05 else round(area, 2),
                "city": None if draw.random() < 0.05 else city,
                "garden": garden,
                "sold": sold,
                "price": round(price, 2),
                "kind": kind,
            }
        )
    return pl.DataFrame(rows)


HOUSES = houses()
PRICES = HOUSES.drop("kind")
KINDS = HOUSES.drop("price")


def csv(folder: Path, frame: pl.DataFrame = PRICES, name: str = "houses.csv") -> Path:
    written = frame.with_columns(pl.col(pl.Boolean).replace_strict({True: "yes", False: "no"}, return_dtype=pl.String))
    written.write_csv(folder / name)
    return folder / name


def fit(source, folder: Path, name: str = "run", **options):
    return tw.train(
        source, out=folder / name, listen=lambda event: None, **{"epochs": 25, "task": "table", "speed": "off", **options}
    )


def refused(code: str, source, folder: Path, **options) -> TrainwrightError:
    with pytest.raises(TrainwrightError) as caught:
        fit(source, folder, "refused", **{"epochs": 1, **options})
    assert caught.value.code == code, caught.value
    return caught.value
