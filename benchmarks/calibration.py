"""The calibration error on test rows without and with the temperature that validation gave: `python benchmarks/calibration.py`.

    TRAINWRIGHT_TEST_DATA=../shared/data python benchmarks/calibration.py [NAME ...]

Trains on texts, images and a table by derived settings and prints a Markdown table. What chance alone would show is beside it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import trainwright as tw

DATA = Path(os.environ.get("TRAINWRIGHT_TEST_DATA", "../shared/data"))


def made() -> pl.DataFrame:
    """Return a table of 6,000 rows: numbers and a category, and a class that they say in part."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(6000, 6))
    city = draw.integers(0, 5, 6000)
    odds = x[:, 0] + np.sin(2 * x[:, 1]) + x[:, 2] * x[:, 3] + 0.5 * (city == 2)
    label = np.where(draw.random(6000) < 1 / (1 + np.exp(-2 * odds)), "yes", "no")
    columns = {f"x{place}": x[:, place] for place in range(6)}
    return pl.DataFrame(columns | {"city": np.array(list("abcde"))[city], "label": label})


CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "ag_news_10k": (DATA / "ag_news_10k", {}),
    "banking77": (DATA / "banking77", {}),
    "clinc150": (DATA / "clinc150", {}),
    "ng20": (DATA / "ng20", {}),
    "digits": ("digits", {}),
    "mnist": (DATA / "mnist", {"epochs": 3}),
    "table": (made(), {"label": "label"}),
    "mnist, smoothed labels": (DATA / "mnist", {"epochs": 1, "label_smoothing": 0.1}),
    "table, smoothed labels": (made(), {"label": "label", "label_smoothing": 0.2}),
}


def main(names: list[str]) -> None:
    """Train each case and print its row."""
    print("| data | test rows | accuracy | temperature | ECE without | ECE with | by chance |")
    print("|---|---|---|---|---|---|---|")
    for name in names or CASES:
        source, settings = CASES[name]
        with tempfile.TemporaryDirectory() as folder:
            report = tw.train(source, out=Path(folder) / "run", listen=lambda event: None, **settings).report
        test, told = report["test"], report["calibration"]
        shares = [f"{each:.2%}" for each in (told["ece_before"], test["ece"], test["ece_by_chance"])]
        row = [name, f"{test['n']:,}", f"{test['accuracy']:.2%}", f"{told['temperature']:.3f}", *shares]
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
