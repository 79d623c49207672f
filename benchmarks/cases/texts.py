"""Texts: a file on disk to a saved and measured model, whole processes, all defaults, no cache."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from case import OUT, Case, Place, Target, train

OURS, SKLEARN, FASTTEXT = "trainwright", "scikit-learn TF-IDF(1,2) + LinearSVC", "fastText, pairs, 5 epochs"
GIB = 2**30
# The costs of a row are compared at the same settings; derived ones follow the number of rows.
PLAIN = ("epochs=1", "batch_size=1024", "model.embedding=0", "model.ngrams=1", "lr=0.05")


def systems(place: Place, source: Path, test: Path, long: bool = False) -> dict[str, list[str]]:
    """Everyone on the same two files."""
    found = {
        OURS: train(source, "--test", test),
        SKLEARN: place.peer("sklearn_text", source, test, OUT),
        FASTTEXT: place.peer("fasttext_text", source, test, OUT),
    }
    return {name: command for name, command in found.items() if not (long and name == SKLEARN)}


def files(place: Place, folder: str, suffix: str) -> tuple[Path, Path]:
    """The training and test file of a data set."""
    train_file, test_file = (place.data / folder / f"{part}.{suffix}" for part in ("train", "test"))
    if place.small:
        train_file = place.made("head", f"{folder}-train.{suffix}", train_file, 1000)
        test_file = place.made("head", f"{folder}-test.{suffix}", test_file, 500)
    return train_file, test_file


def real(folder: str, suffix: str, place: Place) -> dict[str, list[str]]:
    return systems(place, *files(place, folder, suffix))


def many(rows: int, place: Place) -> dict[str, list[str]]:
    """The training rows repeated with their words disturbed; the official test rows."""
    source, test = files(place, "ag_news_10k", "csv")
    made = rows // 100 if place.small else rows
    return systems(place, place.made("news", f"news-{made}.csv", source, made), test, long=rows > 1_000_000)


def synthetic(place: Place) -> dict[str, list[str]]:
    sizes = {"trainwright, 10,000,000 rows": 10_000_000, "trainwright, 100,000 rows": 100_000}
    small = 100 if place.small else 1
    return {
        name: train(place.made("synthetic", f"synthetic-{rows // small}.csv", rows // small), *PLAIN)
        for name, rows in sizes.items()
    }


CASES = (
    Case(
        "ag_news_10k",
        "A CSV file of 10,000 news to a saved model; 7,600 test rows.",
        partial(real, "ag_news_10k", "csv"),
        (Target("accuracy", 0.889, at_least=True), Target("wall", 1.0, against=(SKLEARN,))),
        data=("ag_news_10k",),
    ),
    Case(
        "ng20",
        "A Parquet file of 11,314 long posts in 20 groups to a saved model; 7,532 later test rows.",
        partial(real, "ng20", "parquet"),
        (Target("accuracy", 0.866, at_least=True), Target("wall", 1 / 4, against=(SKLEARN,))),
        data=("ng20",),
    ),
    Case(
        "news-120k",
        "120,000 rows to a saved model: ag_news_10k/train.csv twelve times, where from the second time on a tenth of the words "
        "is left out and a tenth exchanged, by a seed; the official test rows.",
        partial(many, 120_000),
        (
            Target("accuracy", 1.0, at_least=True, against=(SKLEARN,)),
            Target("wall", 1 / 3, against=(SKLEARN,)),
            Target("wall", 2.0, against=(FASTTEXT,)),
        ),
        data=("ag_news_10k",),
    ),
    Case(
        "news-1200k",
        "1,200,000 rows made the same way. scikit-learn is left out: it takes many times as long.",
        partial(many, 1_200_000),
        (Target("wall", 1.0, against=(FASTTEXT,)), Target("memory", 4 * GIB)),
        data=("ag_news_10k",),
        long=True,
    ),
    Case(
        "rows-10m",
        f"10,000,000 short made texts to a saved model, and 100,000 of them, both with {' '.join(PLAIN)}. The cost of a row "
        "is compared in the phases read (which tokenises), encode and train, and by the wall, where the smaller has the larger "
        "share of fixed costs; hence its limit is 100 times 1.2 of the smaller.",
        synthetic,
        (
            Target("memory", 8 * GIB),
            Target("seconds.train", 120.0, against=("trainwright, 100,000 rows",)),
            Target("seconds.read", 120.0, against=("trainwright, 100,000 rows",)),
            Target("seconds.encode", 120.0, against=("trainwright, 100,000 rows",)),
            Target("wall", 120.0, against=("trainwright, 100,000 rows",)),
        ),
        long=True,
    ),
)
