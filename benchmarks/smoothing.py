"""Which smoothing of naive Bayes, the baseline of texts, is best on validation rows; no score of test rows is computed.

    python benchmarks/smoothing.py FOLDER

FOLDER is that of the real data (TRAINWRIGHT_TEST_DATA). Prints the validation accuracy of each data set and candidate, the mean
of five cuts (of clinc150, which has a validation file, of one), and the means over the data sets.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import trainwright as tw
from trainwright.evaluation import baselines

CANDIDATES = (1.0, 0.3, 0.1, 0.03)
SETS = {"ag_news_10k": 5, "banking77": 5, "clinc150": 1, "ng20": 5}  # and how many cuts


def reached(source: Path, seed: int) -> list[float]:
    """Return the validation accuracy of each candidate."""
    problem = tw.load_data(source, seed=seed)._problem
    train, valid = (problem.splits[name] for name in ("train", "valid"))
    seen, new = (problem.view(each).bags for each in (train, valid))
    found = []
    for baselines.SMOOTHING in CANDIDATES:
        (answers,) = baselines.naive_bayes(seen, train.targets, problem.target.outputs, [new])
        found.append(float((answers == valid.targets).mean()))
    return found


def main(folder: Path) -> None:
    """Print a line for each data set, and one of all."""
    means = []
    print("smoothing", *CANDIDATES, sep="\t")
    for name, cuts in SETS.items():
        means.append(np.mean([reached(folder / name, seed) for seed in range(cuts)], axis=0))
        print(name, *(f"{each:.4f}" for each in means[-1]), sep="\t", flush=True)
    print("mean", *(f"{each:.4f}" for each in np.mean(means, axis=0)), sep="\t")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
