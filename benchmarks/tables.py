"""Models of tables against each other: accuracy, or RMSE of numbers, on rows kept apart, and seconds of one core.

    python benchmarks/tables.py PLACE RESULTS [--only NAME,NAME] [--cuts 200,1000,10000] [--seed 0] [--final] SYSTEM ...
    python benchmarks/tables.py PLACE RESULTS --show

PLACE holds what ``table_sets.py`` wrote. A SYSTEM is ``trees`` (HistGradientBoosting), ``forest``, ``linear`` (ridge or
logistic regression, their penalty chosen by cross-validation), or settings of ours: ``"ours model=linear"``. The rows of a
table are shared by the seed: a fifth is looked at with --final alone, a fifth (2,000 rows at most) judges, and from the others,
as many as a cut has, everybody learns; ours takes its validation rows out of these. Every score is appended to RESULTS, and
what is known is not measured again.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

JUDGES, WHOLE = 2000, 10_000  # rows at most
Key = tuple[str, int, int, bool]  # table, cut, seed, whether final


def shares(rows: int, seed: int, final: bool) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers to learn from, and to judge by."""
    order = np.random.default_rng(seed).permutation(rows)
    apart, judges, learn = order[: rows // 5], order[rows // 5 : rows // 5 * 2], order[rows // 5 * 2 :]
    return (np.concatenate([learn, judges]), apart) if final else (learn, judges[:JUDGES])


def ours(words: list[str], learn: pl.DataFrame, judges: pl.DataFrame) -> tuple[float, dict[str, float]]:
    """The score of our model, and seconds of preparing and of training."""
    from trainwright.config.resolve import nest
    from trainwright.run.request import Request
    from trainwright.run.train import Session
    from trainwright.training.trainer import Trainer
    from trainwright.watch.events import ignore

    begin = time.process_time()
    settings = {"label": "label", "threads": "1", "device": "cpu", "baselines": "off", "speed": "off", **nest(words)}
    request = Request.of({"train": learn, "test": judges}, None, None, "", None, None, Path("runs"), True, settings)
    training = Trainer(Session(ignore).pose(request, {})[1])
    middle = time.process_time()
    training.train(ignore)
    found = training.evaluate().scores["test"]
    seconds = {"prepare": middle - begin, "train": time.process_time() - middle}
    return found["rmse"] if "rmse" in found else found["accuracy"], seconds


def columns_of(learn: pl.DataFrame, judges: pl.DataFrame, wide: bool) -> tuple[list[np.ndarray], list[bool]]:
    """Features of both as scikit-learn takes them, and which are categories: as columns of 0 and 1 where it is ``wide``."""
    both, count, columns, categories = pl.concat([learn, judges]), len(learn), [], []
    for name in (each for each in both.columns if each != "label"):
        values = both[name]
        if values.dtype != pl.String:
            numbers = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
            if wide:
                middle = np.nanmedian(numbers[:count]) if np.isfinite(numbers[:count]).any() else 0.0
                numbers = np.where(np.isnan(numbers), middle, numbers)
                numbers = (numbers - numbers[:count].mean()) / (numbers[:count].std() or 1.0)
            columns.append(numbers)
            categories.append(False)
            continue
        known = learn[name].drop_nulls().value_counts(sort=True)[name].to_list()[:250]
        codes = {each: place for place, each in enumerate(known)}
        code = np.array([codes.get(each, len(known)) for each in values], np.float64)
        if wide:
            columns += [(code == place).astype(np.float64) for place in range(len(known))]
        else:
            columns.append(code)
            categories.append(True)
    made = np.column_stack(columns)
    return [made[:count], made[count:]], categories


def peer(name: str, learn: pl.DataFrame, judges: pl.DataFrame) -> tuple[float, dict[str, float]]:
    """The score of a model of scikit-learn with its own settings, and seconds."""
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV
    from threadpoolctl import threadpool_limits

    numbers = learn["label"].dtype.is_numeric()
    begin = time.process_time()
    (inputs, others), categories = columns_of(learn, judges, wide=name == "linear")
    inputs, others = (np.nan_to_num(each, nan=-1e9) if name == "forest" else each for each in (inputs, others))
    made: dict[str, Callable[[], Any]] = {
        "trees": lambda: (HistGradientBoostingRegressor if numbers else HistGradientBoostingClassifier)(
            random_state=0, categorical_features=categories
        ),
        "forest": lambda: (RandomForestRegressor if numbers else RandomForestClassifier)(random_state=0),
        "linear": lambda: (
            RidgeCV(np.logspace(-2, 4, 13))
            if numbers
            else LogisticRegressionCV(Cs=np.logspace(-3, 2, 6), cv=5, max_iter=300, l1_ratios=(0,), use_legacy_attributes=False)
        ),
    }
    with threadpool_limits(1):
        answers = made[name]().fit(inputs, learn["label"].to_numpy()).predict(others)
    truth, seconds = judges["label"].to_numpy(), {"train": time.process_time() - begin}
    return float(np.sqrt(np.mean((answers - truth) ** 2)) if numbers else np.mean(answers == truth)), seconds


def known(results: Path) -> dict[str, dict[Key, dict[str, Any]]]:
    """What was measured before, by system."""
    found: dict[str, dict[Key, dict[str, Any]]] = {}
    for line in results.read_text().splitlines() if results.exists() else ():
        each = json.loads(line)
        found.setdefault(each["system"], {})[each["table"], each["cut"], each["seed"], each["final"]] = each
    return found


def measure(arguments: argparse.Namespace) -> None:
    """Score every system on every cut of every table, those that are not known yet."""
    tables = arguments.only.split(",") if arguments.only else sorted(path.stem for path in arguments.place.glob("*.parquet"))
    for cut in map(int, arguments.cuts.split(",")):
        for name in tables:
            frame = pl.read_parquet(arguments.place / f"{name}.parquet")
            learn, judges = shares(len(frame), arguments.seed, arguments.final)
            if len(learn) <= cut and cut < WHOLE:
                continue
            key = name, cut, arguments.seed, arguments.final
            for system in arguments.systems:
                if key in known(arguments.results).get(system, {}):
                    continue
                first, *words = system.split()
                parts = frame[learn[:cut]], frame[judges]
                score, seconds = ours(words, *parts) if first == "ours" else peer(first, *parts)
                line = {"table": name, "cut": cut, "seed": arguments.seed, "final": arguments.final, "system": system}
                line |= {"score": score, "seconds": seconds, "number": frame["label"].dtype.is_numeric(), "rows": len(parts[0])}
                with arguments.results.open("a") as file:
                    file.write(json.dumps(line) + "\n")


def show(arguments: argparse.Namespace) -> None:
    """Print, of what all systems were measured on: ranks, RMSE and mistakes against the trees, and seconds, by cut."""
    found = known(arguments.results)
    systems = arguments.systems or list(found)
    shared = sorted(set.intersection(*(set(found[system]) for system in systems)))
    if arguments.only:
        shared = [key for key in shared if key[0] in arguments.only.split(",")]
    first = found[systems[0]]
    print(f"{len(shared)} cuts; RMSE and error of {systems[0]} = 1 (geometric mean); rank of {len(systems)}")
    cuts = sorted({key[1] for key in shared})
    print("| system | " + " | ".join(f"{cut:,}: rank, RMSE, error, accuracy, s (most)" for cut in cuts) + " |")
    for system in systems:
        cells = []
        for cut in cuts:
            keys = [key for key in shared if key[1] == cut]
            ranks = [_rank([found[each][key] for each in systems], found[system][key]) for key in keys]
            numbers = [key for key in keys if first[key]["number"]]
            classes = [key for key in keys if not first[key]["number"]]
            rmse = _mean([found[system][key]["score"] / first[key]["score"] for key in numbers])
            wrong = _mean([(1.005 - found[system][key]["score"]) / (1.005 - first[key]["score"]) for key in classes])
            right = statistics.fmean([found[system][key]["score"] for key in classes] or [math.nan])
            seconds = [sum(found[system][key]["seconds"].values()) for key in keys]
            took = f"{statistics.fmean(seconds):.1f} ({max(seconds):.0f})"
            cells.append(f"{statistics.fmean(ranks):.2f}, {rmse:.3f}, {wrong:.3f}, {right:.4f}, {took}")
        print(f"| {system} | " + " | ".join(cells) + " |")
    if arguments.each:
        for key in shared:
            print(key[0], key[1], *(f"{found[system][key]['score']:.4g}" for system in systems), sep="\t")


def _rank(all_of: list[dict[str, Any]], one: dict[str, Any]) -> float:
    """The place of one among all, the best first; those that are equal share theirs."""
    sign = 1 if one["number"] else -1
    better = sum(sign * each["score"] < sign * one["score"] for each in all_of)
    equal = sum(each["score"] == one["score"] for each in all_of)
    return better + (equal + 1) / 2


def _mean(ratios: list[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, ratios))) if ratios else math.nan


def main() -> None:
    """Measure, or show what was measured."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("place", type=Path)
    arguments.add_argument("results", type=Path)
    arguments.add_argument("systems", nargs="*")
    arguments.add_argument("--only", default="")
    arguments.add_argument("--cuts", default=f"200,1000,{WHOLE}")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--final", action="store_true")
    arguments.add_argument("--show", action="store_true")
    arguments.add_argument("--each", action="store_true")
    given = arguments.parse_intermixed_args()
    warnings.filterwarnings("ignore")
    (show if given.show else measure)(given)


if __name__ == "__main__":
    main()
