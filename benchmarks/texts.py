"""Text classifiers against seven pipelines of scikit-learn, on few rows and on many; no test file is opened.

    TRAINWRIGHT_TEST_DATA=../shared/data python benchmarks/texts.py [--seeds 3] [--only ng20 300 ...] [--ours ...] [--out R]

Of each data set's *training* file ``size`` rows are drawn as a person's file, and up to 2,000 others measure. Each pipeline's C
is chosen by three-fold cross-validation on the drawn rows. "command" is ``trainwright train FILE``, which holds rows back for
validation and test as it always does, "chosen" the same with ``choose=auto``; "all rows" are the same derived settings with
every row trained on, as the pipelines have it; words after ``--ours`` are settings beside those:
``"loss=CrossEntropyLoss;model.ngrams=2"``. Prints a Markdown table of mean accuracies with their standard errors over the
seeds, and median seconds; ``--out`` keeps each number as a line of JSON, and what stands there is not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.svm import LinearSVC

import trainwright as tw
from trainwright.config.resolve import nest
from trainwright.data.read import builtin
from trainwright.estimators import TextClassifier

SIZES = ("100", "300", "1000", "whole")
MEASURED = 2000  # rows
STRENGTHS = [0.1, 1.0, 10.0]  # C
PUNCTUATION = r"\w+|[^\w\s]"
Answers = tuple[np.ndarray, float]  # the labels of the measured rows, and seconds
System = Callable[[pl.DataFrame, list[str]], Answers]


class LogCountRatios(BaseEstimator, TransformerMixin):  # type: ignore[misc]
    """Presence of n-grams times the logarithm of how much likelier they are in a class (Wang and Manning 2012)."""

    def fit(self, rows: csr_matrix, positive: np.ndarray) -> LogCountRatios:
        inside, outside = (1 + rows[positive == each].sum(axis=0).A1 for each in (1, 0))
        self.ratios_ = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
        return self

    def transform(self, rows: csr_matrix) -> csr_matrix:
        return rows.multiply(self.ratios_).tocsr()


def pipelines() -> dict[str, tuple[Any, Any, str]]:
    """Features, classifier and what its C is called, by name."""
    words = partial(TfidfVectorizer, sublinear_tf=True)
    chars = words(analyzer="char_wb", ngram_range=(2, 5))
    bayes = OneVsRestClassifier(make_pipeline(LogCountRatios(), LinearSVC()))
    return {
        "words": (words(), LinearSVC(), "C"),
        "word pairs": (words(ngram_range=(1, 2)), LinearSVC(), "C"),
        "punctuation": (words(token_pattern=PUNCTUATION, ngram_range=(1, 2)), LinearSVC(), "C"),
        "characters": (chars, LinearSVC(), "C"),
        "words and characters": (make_union(words(ngram_range=(1, 2)), chars), LinearSVC(), "C"),
        "naive Bayes": (CountVectorizer(binary=True, ngram_range=(1, 2)), bayes, "estimator__linearsvc__C"),
        "logistic regression": (words(ngram_range=(1, 2)), LogisticRegression(max_iter=300), "C"),
    }


def theirs(name: str, train: pl.DataFrame, texts: list[str]) -> Answers:
    """The answers of a pipeline. Its features are made once, of all drawn rows, and not anew in each fold."""
    features, classifier, parameter = pipelines()[name]
    began = time.perf_counter()
    rows = features.fit_transform(train["text"].to_list()).tocsr()
    search = GridSearchCV(classifier, {parameter: STRENGTHS}, cv=KFold(3, shuffle=True, random_state=0))
    return search.fit(rows, train["label"].to_numpy()).predict(features.transform(texts)), time.perf_counter() - began


def command(train: pl.DataFrame, texts: list[str], **settings: Any) -> Answers:
    """The answers of the derived settings, rows held back as by the command line."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        columns = {"text": "text", "label": "label", "threads": 1}
        run = tw.train(train, out=Path(folder) / "run", listen=lambda event: None, **columns, **settings)
        return np.array([answer for answer, _ in run.predict(texts)]), time.perf_counter() - began


def all_rows(words: str, train: pl.DataFrame, texts: list[str]) -> Answers:
    """The answers of settings that were trained on every row."""
    began = time.perf_counter()
    settings = nest(word for word in words.split(";") if word)
    model = TextClassifier(settings=settings | {"threads": 1}).fit(train["text"].to_list(), train["label"].to_list())
    return model.predict(texts), time.perf_counter() - began


def data_sets() -> dict[str, pl.DataFrame]:
    """Training rows (text, label) by name."""
    found = {"python-docs": builtin.load("python-docs").frame}
    if folder := os.environ.get("TRAINWRIGHT_TEST_DATA"):
        place = Path(folder)
        found["ag_news_10k"] = pl.read_csv(place / "ag_news_10k" / "train.csv")
        found["ng20"] = pl.read_parquet(place / "ng20" / "train.parquet")
        found["clinc150"] = pl.read_csv(place / "clinc150" / "train.csv")
        found["banking77"] = pl.read_csv(place / "banking77" / "train.csv").rename({"category": "label"})
    return {name: frame.select("text", pl.col("label").cast(pl.String)) for name, frame in found.items()}


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--only", nargs="*", default=[])
    arguments.add_argument("--ours", nargs="*", default=[])
    arguments.add_argument("--out", type=Path)
    given = arguments.parse_args()
    warnings.filterwarnings("ignore")
    systems: dict[str, System] = {
        "command": command,
        "chosen": partial(command, choose="auto"),
        "all rows": partial(all_rows, ""),
    }
    systems |= {name: partial(theirs, name) for name in pipelines()}
    systems |= {words: partial(all_rows, words) for words in given.ours}
    named = [name for name in systems if name in given.only or name in given.ours]
    kept: dict[tuple[str, ...], tuple[float, float]] = {}
    if given.out and given.out.exists():
        for line in given.out.read_text().splitlines():
            *key, accuracy, seconds = json.loads(line)
            kept[tuple(key)] = accuracy, seconds
    print("| data | rows | system | accuracy | standard error | seconds |\n|---|---|---|---|---|---|")
    for data, frame in data_sets().items():
        for size in SIZES:
            if not _wanted(data, list(data_sets()), given.only) or not _wanted(size, list(SIZES), given.only):
                continue
            for name in named or systems:
                found = []
                for seed in range(given.seeds):
                    key = data, size, name, str(seed)
                    if key not in kept:
                        kept[key] = score(frame, size, seed, systems[name])
                        if given.out:
                            with given.out.open("a") as lines:
                                lines.write(json.dumps([*key, *kept[key]]) + "\n")
                    found.append(kept[key])
                accuracies, seconds = zip(*found, strict=True)
                spread = f"{statistics.stdev(accuracies) / len(found) ** 0.5:.4f}" if len(found) > 1 else ""
                middle = f"{statistics.mean(accuracies):.4f} | {spread} | {statistics.median(seconds):.2f}"
                print(f"| {data} | {size} | {name} | {middle} |", flush=True)


def _wanted(name: str, among: list[str], only: list[str]) -> bool:
    return name in only or not any(each in only for each in among)


def score(frame: pl.DataFrame, size: str, seed: int, system: System) -> tuple[float, float]:
    """(accuracy, seconds) on rows that were not drawn."""
    order = np.random.default_rng(seed).permutation(len(frame))
    drawn = len(frame) - min(MEASURED, len(frame) // 5) if size == "whole" else int(size)
    train, others = frame[order[:drawn]], frame[order[drawn : drawn + MEASURED]]
    answers, seconds = system(train, others["text"].to_list())
    return float((answers == others["label"].to_numpy()).mean()), seconds


if __name__ == "__main__":
    main()
