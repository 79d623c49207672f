"""Derived defaults against alternatives, by validation only: the table behind the defaults of the linear model.

    TRAINWRIGHT_TEST_DATA=../shared/data python benchmarks/defaults.py [--quick] ["ng20, latest" derived ...]

Reads the *training* files of ag_news_10k, ng20, clinc150 and banking77 from that folder (no test file is opened;
without the folder only the docstrings of Python's own library are used) and cuts them: at random, or for ng20 the last
tenth of each group's rows, or for the docstrings whole modules. Prints a Markdown table: mean validation accuracy, its
standard error over the cuts, and seconds of training on one thread. --quick: two cuts of the smaller data sets, and
only the first two settings. Names of data sets or of settings: only those.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import made
import numpy as np
import polars as pl

from trainwright import api
from trainwright.data.read import builtin

MADE = 60_000  # rows
Cut = tuple[np.ndarray, np.ndarray]
SETTINGS: dict[str, dict[str, Any]] = {
    "derived": {},
    "no penalty": {"model": {"l2": 0.0}},
    "loss BCEWithLogitsLoss": {"loss": {"name": "BCEWithLogitsLoss"}},
    "loss SquaredHingeLoss": {"loss": {"name": "SquaredHingeLoss"}},
    "loss CrossEntropyLoss": {"loss": {"name": "CrossEntropyLoss"}},
    "lr 0.03, batch 64, 5 epochs": {"lr": 0.03, "batch_size": 64, "epochs": 5},
    "Adagrad, lr 0.4, batch 256": {"optimizer": {"name": "Adagrad"}, "lr": 0.4, "batch_size": 256},
    "words only": {"model": {"ngrams": 1}},
    "word pairs": {"model": {"ngrams": 2}},
    "min_count 1": {"min_count": 1},
    "min_count 2": {"min_count": 2},
    "no characters": {"model": {"chars": []}},
    "no characters, min_count 1": {"model": {"chars": []}, "min_count": 1},
    "words and characters": {"model": {"ngrams": 1}, "min_count": 1},
    "characters 3,4,5": {"model": {"chars": [3, 4, 5]}},
    "1 epoch": {"epochs": 1},
    "3 epochs": {"epochs": 3},
    "10 epochs": {"epochs": 10},
    "class_weights balanced": {"class_weights": "balanced"},
    "monitor accuracy": {"monitor": "accuracy"},
}


def at_random(rows: int, cuts: int) -> list[Cut]:
    """90 % to train on, 10 % to validate."""
    orders = [np.random.default_rng(seed).permutation(rows) for seed in range(cuts)]
    return [(order[rows // 10 :], order[: rows // 10]) for order in orders]


def few(rows: int, size: int, cuts: int) -> list[Cut]:
    """``size`` rows to train on, 2,000 others to validate."""
    orders = [np.random.default_rng(100 + seed).permutation(rows) for seed in range(cuts)]
    return [(order[:size], order[size : size + 2000]) for order in orders]


def latest(labels: pl.Series) -> list[Cut]:
    """Of each class, the rows of one tenth to validate and those before it to train on."""
    frame = labels.to_frame("label").select(at=pl.int_range(pl.len()).over("label") / pl.len().over("label"))
    place = frame["at"].to_numpy()
    return [
        (np.flatnonzero(place < end - 0.1), np.flatnonzero((place >= end - 0.1) & (place < end))) for end in (1.0, 0.9, 0.8)
    ]


def by_group(groups: pl.Series, cuts: int) -> list[Cut]:
    """Whole groups to validate, a tenth of the groups."""
    names = groups.unique().sort()
    found = []
    for seed in range(cuts):
        chosen = names.sample(len(names) // 10, seed=seed, shuffle=True)
        held = groups.is_in(chosen.implode()).to_numpy()
        found.append((np.flatnonzero(~held), np.flatnonzero(held)))
    return found


def large(frame: pl.DataFrame, held: int, seed: int) -> tuple[pl.DataFrame, list[Cut]]:
    """``held`` rows to validate, and 60,000 made of the others as ``made.py`` makes news: repeated, their words disturbed."""
    order = np.random.default_rng(seed).permutation(len(frame))
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few.csv", Path(folder) / "many.csv"
        frame[order[held:]].select("label", "text").write_csv(few)
        made.news(many, few, MADE)
        found = pl.concat(
            [frame[order[:held]].select("label", "text"), pl.read_csv(many, schema_overrides={"label": frame.schema["label"]})]
        )
    return found, [(np.arange(held, len(found)), np.arange(held))]


def data_sets(quick: bool) -> dict[str, tuple[pl.DataFrame, list[Cut]]]:
    """Rows (text, label) and cuts of every data set."""
    cuts = 2 if quick else 4
    docs = builtin.load("python-docs").frame
    found = {"python-docs": (docs, at_random(len(docs), cuts)), "python-docs, 1,000 rows": (docs, few(len(docs), 1000, cuts))}
    if not quick:
        found["python-docs, 300 rows"] = docs, few(len(docs), 300, cuts)
        found["python-docs, by module"] = docs, by_group(docs["module"], cuts)
        found |= {f"python-docs, {MADE:,} made rows, cut {seed}": large(docs, 1000, seed) for seed in range(2)}
    if folder := os.environ.get("TRAINWRIGHT_TEST_DATA"):
        news = pl.read_csv(Path(folder) / "ag_news_10k" / "train.csv")
        found["ag_news_10k"] = news, at_random(len(news), cuts)
        found["ag_news, 1,000 rows"] = news, few(len(news), 1000, cuts)
        if not quick:
            found |= {f"ag_news, {MADE:,} made rows, cut {seed}": large(news, 1500, seed) for seed in range(2)}
            found["ag_news, 300 rows"] = news, few(len(news), 300, cuts)
            groups = pl.read_parquet(Path(folder) / "ng20" / "train.parquet")
            found["ng20, latest"] = groups, latest(groups["label"])
            found["ng20, 1,000 rows"] = groups, few(len(groups), 1000, cuts)
            found["ng20, 300 rows"] = groups, few(len(groups), 300, cuts)
            for name in ("clinc150", "banking77"):
                intents = pl.read_csv(Path(folder) / name / "train.csv").rename({"category": "label"}, strict=False)
                found[name] = intents, at_random(len(intents), cuts)
                found |= {f"{name}, {size:,} rows": (intents, few(len(intents), size, cuts)) for size in (300, 1000)}
    return {name: (frame.select("text", "label"), each) for name, (frame, each) in found.items()}


def score(frame: pl.DataFrame, cut: Cut, settings: dict[str, Any], folder: Path) -> tuple[float, float]:
    """(validation accuracy, seconds of training) of one run."""
    files = folder / "train.parquet", folder / "valid.parquet"
    for file, rows in zip(files, cut, strict=True):
        frame[rows].write_parquet(file)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        run = api.train(
            files[0],
            valid=files[1],
            out=Path(place) / "run",
            listen=lambda event: None,
            text="text",
            label="label",
            test_fraction=0.0,
            device="cpu",
            threads=1,
            **settings,
        )
        return run.report["valid"]["accuracy"], run.report["seconds"]["train"]


def main() -> None:
    quick, only = "--quick" in sys.argv[1:], [word for word in sys.argv[1:] if not word.startswith("--")]
    print("| data | setting | accuracy | standard error | training, seconds |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TRAINWRIGHT_CACHE"] = str(Path(folder) / "cache")
        sets = data_sets(quick)
        chosen = [name for name in SETTINGS if name in only] or list(SETTINGS)[: 2 if quick else None]
        for data, (frame, cuts) in sets.items():
            if data not in only and any(name in only for name in sets):
                continue
            for name in chosen:
                settings = SETTINGS[name]
                results = [score(frame, cut, settings, Path(folder)) for cut in cuts]
                accuracies, seconds = zip(*results, strict=True)
                mean, many = statistics.mean(accuracies), len(accuracies)
                spread = f"{statistics.stdev(accuracies) / many**0.5:.4f}" if many > 1 else ""
                print(f"| {data} | {name} | {mean:.4f} | {spread} | {statistics.median(seconds):.2f} |", flush=True)


if __name__ == "__main__":
    main()
