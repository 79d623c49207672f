"""Which smoothing of naive Bayes, the baseline of texts, is best on validation rows; no score of test rows is computed.

    python benchmarks/smoothing.py FOLDER

FOLDER is that of the real data (TRAINWRIGHT_TEST_DATA). Prints the number of validation rows and the accuracy on them of each
data set and candidate, and the means over the data sets. Validation is that of a training by default: one cut, by content, or
of clinc150 its file.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import trainwright as tw
from trainwright.evaluation import baselines

CANDIDATES = (1.0, 0.3, 0.1, 0.03)
SETS = ("ag_news_10k", "banking77", "clinc150", "ng20")


def reached(source: Path) -> tuple[int, list[float]]:
    """Return how many validation rows there are, and the accuracy on them of each candidate."""
    problem = tw.load_data(source)._problem
    train, valid = (problem.splits[name] for name in ("train", "valid"))
    seen, new = (problem.view(each).bags for each in (train, valid))
    found = []
    for baselines.SMOOTHING in CANDIDATES:
        (answers,) = baselines.naive_bayes(seen, train.targets, problem.target.outputs, [new])
        found.append(float((answers == valid.targets).mean()))
    return len(valid.targets), found


def main(folder: Path) -> None:
    """Print a line for each data set, and one of all."""
    every = []
    print("smoothing", "rows", *CANDIDATES, sep="\t")
    for name in SETS:
        rows, found = reached(folder / name)
        print(name, rows, *(f"{each:.4f}" for each in found), sep="\t", flush=True)
        every.append(found)
    print("mean", "", *(f"{each:.4f}" for each in np.mean(every, axis=0)), sep="\t")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
