"""How many of few rows validation should have: scores of the kept and of the last epoch on rows that no split has seen.

    TRAINWRIGHT_TEST_DATA=../shared/data python benchmarks/few_rows.py [--cuts 10] [--confirm]

Of each data set and size, ``size`` rows are drawn as a person's file. A tenth of them is left out, as the test split would be;
the others are trained and validated on as a rule of ``RULES`` shares them. The score is that of up to 2,000 rows of the data
set that were not drawn. Prints a Markdown table: the mean difference to a tenth for validation, in points, and its standard
error over the cuts, for the epoch that is kept and for the last one. Rules were compared on the first data sets, and what was
chosen was looked at once on those of --confirm.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from trainwright.data.read import builtin
from trainwright.run.request import Request
from trainwright.run.train import Session
from trainwright.watch.events import Epoch, Event, ignore

SIZES = (60, 100, 200, 500, 1000)
RULES = {  # of so many rows, the part for validation
    "a tenth": lambda rows: 0.1,
    "50 rows, a fifth at most": lambda rows: max(0.1, min(0.2, 50 / rows)),
    "100 rows, a fifth at most": lambda rows: max(0.1, min(0.2, 100 / rows)),
    "100 rows, 0.3 at most": lambda rows: max(0.1, min(0.3, 100 / rows)),
}


def sklearn_table(name: str) -> pl.DataFrame:
    """A table that comes with scikit-learn, its label in the column ``label``."""
    import sklearn.datasets

    found = getattr(sklearn.datasets, f"load_{name}")()
    frame = pl.DataFrame({f"x{place}": found.data[:, place] for place in range(found.data.shape[1])})
    numbers = found.target.dtype.kind == "f"
    return frame.with_columns(label=pl.Series(found.target if numbers else [f"class {each}" for each in found.target]))


def data_sets(confirm: bool) -> dict[str, pl.DataFrame]:
    """Rows of every data set; no test file is opened."""
    place = Path(os.environ["TRAINWRIGHT_TEST_DATA"])
    if confirm:
        return {
            "clinc150, 10 intents": few_classes(pl.read_csv(place / "clinc150" / "train.csv"), 10),
            "python-docs": builtin.load("python-docs").frame.select("text", "label"),
            "wine": sklearn_table("wine"),
            "diabetes": sklearn_table("diabetes"),
        }
    return {
        "ag_news": pl.read_csv(place / "ag_news_10k" / "train.csv").select("text", "label"),
        "ng20, 5 groups": few_classes(pl.read_parquet(place / "ng20" / "train.parquet"), 5),
        "breast_cancer": sklearn_table("breast_cancer"),
        "iris": sklearn_table("iris"),
    }


def few_classes(frame: pl.DataFrame, classes: int) -> pl.DataFrame:
    """The rows of the first classes by name."""
    label = "label" if "label" in frame.columns else frame.columns[-1]
    text = "text" if "text" in frame.columns else frame.columns[0]
    frame = frame.select(pl.col(text).alias("text"), pl.col(label).alias("label"))
    return frame.filter(pl.col("label").is_in(frame["label"].unique().sort().head(classes).implode()))


def score(frame: pl.DataFrame, rows: np.ndarray, others: np.ndarray, share: float) -> tuple[float, float]:
    """Scores on ``others`` of the epoch that is kept, and of the last one: accuracy, or R2 of numbers."""
    from trainwright.training.trainer import Trainer

    source = {"train": frame[rows], "test": frame[others]}
    settings: dict[str, Any] = {"label": "label", "valid_fraction": share, "threads": 1, "device": "cpu"}
    request = Request.of(source, None, None, "", None, None, Path("runs"), True, settings)
    training = Trainer(Session(ignore).pose(request, {})[1])
    last: dict[str, Any] = {}

    def listen(event: Event) -> None:
        if isinstance(event, Epoch):
            last.update({name: value.clone() for name, value in training.model.state_dict().items()})

    training.train(listen)
    found = [training.evaluate().scores["test"]]
    training.model.load_state_dict(last)
    found.append(training.evaluate().scores["test"])
    return tuple(each["accuracy"] if "accuracy" in each else each["r2"] for each in found)  # type: ignore[return-value]


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cuts", type=int, default=10)
    arguments.add_argument("--confirm", action="store_true")
    given = arguments.parse_args()
    warnings.filterwarnings("ignore")
    print("| data set | rows | rule | kept epoch | last epoch |\n|---|---|---|---|---|")
    for name, frame in data_sets(given.confirm).items():
        for size in SIZES:
            if size * 1.5 > len(frame):
                continue
            found: dict[str, list[tuple[float, float]]] = {}
            for cut in range(given.cuts):
                order = np.random.default_rng(cut).permutation(len(frame))
                rows, others = order[: size - size // 10], order[size : size + 2000]
                for rule, share in RULES.items():
                    found.setdefault(rule, []).append(score(frame, rows, others, share(size) * size / len(rows)))
            base = [kept for kept, _ in found["a tenth"]]
            for rule, each in found.items():
                shown = [_difference([one[place] for one in each], base) for place in (0, 1)]
                mean = f" (mean {100 * statistics.fmean(base):.1f})" if rule == "a tenth" else ""
                print(f"| {name} | {size} | {rule}{mean} | {shown[0]} | {shown[1]} |", flush=True)


def _difference(values: list[float], base: list[float]) -> str:
    differences = [100 * (a - b) for a, b in zip(values, base, strict=True)]
    error = statistics.stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return f"{statistics.fmean(differences):+.2f} ± {error:.2f}"


if __name__ == "__main__":
    main()
