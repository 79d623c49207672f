"""How many of planted wrong labels ``suspects`` finds: 5 % of the labels of ag_news_10k and of MNIST are changed at random.

    TRAINWRIGHT_TEST_DATA=../shared/data python benchmarks/suspects.py [ag_news_10k] [mnist] [--seeds 3] [--folds 10] [--course]

The labels of train and valid are changed by a table for ``fix=``; those of test stay. Of each seed it prints how many were
changed, how many of that many most suspect rows of train and valid are among them (the precision), how many the estimate says,
and processor seconds. --course also ranks the training rows by what can be had from one training: the mean margin of a row's
label over the epochs (AUM, Pleiss et al. 2020, arXiv:2001.10528), and the mean probability of its label (the confidence of
Swayamdipta et al. 2020, arXiv:2009.10795). Rows whose own label was wrong before, or that are merely hard, count as mistakes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import polars as pl

import trainwright as tw
from trainwright.run.resume import SavedRun
from trainwright.run.train import Session
from trainwright.watch.events import Epoch

SHARE = 0.05
SETTINGS: dict[str, dict[str, Any]] = {"ag_news_10k": {}, "mnist": {"model": {"name": "convnet"}, "epochs": 2}}


def planted(source: Path, seed: int, path: Path, given: dict[str, Any]) -> set[tuple[str, int]]:
    """Write a table that changes a part of the labels of train and valid, and return the file and row of each."""
    problem = tw.load_data(source, **given)._problem
    parts = [problem.splits[name] for name in ("train", "valid")]
    rows = pl.concat([pl.DataFrame({**each.places(), "given": problem.target.decode(each.targets)}) for each in parts])
    draw = np.random.default_rng(seed)
    rows = rows[np.sort(draw.choice(len(rows), round(SHARE * len(rows)), replace=False))]
    labels = list(problem.labels)
    other = [labels[(labels.index(label) + draw.integers(1, len(labels))) % len(labels)] for label in rows["given"]]
    rows.with_columns(label=pl.Series(other)).write_csv(path)
    return set(rows.select("file", "row").iter_rows())


def course(run: tw.Run) -> dict[str, tuple[np.ndarray, Any]]:
    """Return margin and probability of each training row's label, meant over the epochs of a second training."""
    earlier = SavedRun.open(run.path)
    training = Session(lambda event: None).prepare(earlier.request(run.path), dict(earlier.settings)).training
    problem: Any = training.problem
    part, sums, epochs = problem.splits["train"], np.zeros((2, len(problem.splits["train"]))), 0
    places = np.arange(len(part)), part.targets

    def follow(event: object) -> None:
        nonlocal epochs
        if isinstance(event, Epoch):
            logits = problem._outputs(training.model, training.learner.objective, "train", training.device).outputs.numpy()
            rest = logits.copy()
            rest[places] = -np.inf
            sums[0] += logits[places] - rest.max(axis=1)
            sums[1] += problem.target.probabilities(logits)[places]
            epochs += 1

    training.train(follow)
    return {"AUM": (sums[0] / epochs, part), "confidence": (sums[1] / epochs, part)}


def measure(name: str, source: Path, seed: int, folds: int, whole: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fix, out = Path(folder) / "flips.csv", Path(folder) / "run"
        bad = planted(source, seed, fix, SETTINGS[name])
        run = tw.train(source, fix=fix, out=out, listen=lambda event: None, **SETTINGS[name])
        begun = process_time()
        found = tw.suspects(run, top=2 * len(bad), folds=folds, folder=Path(folder) / "suspects")
        spent = process_time() - begun
        ranked = [(each["file"], each["row"]) in bad for each in found["suspects"] if each["split"] != "test"][: len(bad)]
        print(f"{name}, seed {seed}: {len(bad)} changed, precision {np.mean(ranked):.3f}, "
              f"estimate {found['wrong']} of {found['rows']}, {spent:.1f} s", flush=True)  # fmt: skip
        for what, (score, part) in course(run).items() if whole else ():
            places = pl.DataFrame(part.places()).iter_rows()
            wrong = np.array([place in bad for place in places])
            print(
                f"    {what}: precision {wrong[np.argsort(score, kind='stable')[: wrong.sum()]].mean():.3f} in train",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(SETTINGS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--course", action="store_true")
    asked = parser.parse_args()
    data = os.environ.get("TRAINWRIGHT_TEST_DATA", "")
    if not Path(data).is_dir() or not data:
        sys.exit("TRAINWRIGHT_TEST_DATA names no folder of real data")
    for each in asked.names:
        for number in range(asked.seeds):
            measure(each, Path(data) / each, number, asked.folds, asked.course)
