"""Whether the extrapolation of learning curves holds what then comes: on real data, from parts of the rows to all of them.

    python benchmarks/learning_curve.py FOLDER

FOLDER is that of the real data (TRAINWRIGHT_TEST_DATA). Of each data set a curve is trained, with all rows as its largest
part. Then it is foretold from the parts up to a quarter, and up to a half, what all rows come to on validation, and compared
with what they came to. Curves are kept in ``curves/``, and an earlier one is gone on with.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

import trainwright as tw
from trainwright.evaluation.learning_curve import extrapolate

PARTS = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
SETS = {
    "ag_news_10k": {},
    "banking77": {},
    "clinc150": {},
    "ng20": {},
    "mnist": {"model": {"name": "mlp"}, "epochs": 3},
}


def main(folder: Path) -> None:
    """Print for each data set and part what was foretold of all rows, and what they came to."""
    hits, widths = [], []
    print(f"{'data':<14}{'up to':>8}{'foretold':>10}{'interval':>18}{'came to':>10}{'held':>6}")
    for name, settings in SETS.items():
        out = Path("curves") / f"{name}-benchmark"
        tw.learning_curve(folder / name, parts=PARTS, repeats=4, out=out, valid_fraction=0.2, **settings)
        trainings = json.loads((out / "learning-curve.json").read_text("utf-8"))["trainings"]
        truth = float(np.mean([each["error"] for each in trainings if each["part"] == 1.0]))
        for largest in (1 / 4, 1 / 2):
            parts = [part for part in PARTS if part <= largest]
            groups = [[each for each in trainings if each["part"] == part] for part in parts]
            rows = np.array([np.mean([each["rows"] for each in group]) for group in groups])
            whole = next(each["rows"] for each in trainings if each["part"] == 1.0)
            found = extrapolate("class", rows, [[np.array(each["terms"]) for each in g] for g in groups], np.array([whole]))
            middle, high, low = (1 - each for each in found["errors"][0])
            hits.append(low <= 1 - truth <= high)
            widths.append(high - low)
            print(f"{name:<14}{largest:>8.2f}{middle:>10.2%}{low:>9.2%} -{high:>7.2%}{1 - truth:>10.2%}{hits[-1]:>6}")
    print(f"held in {sum(hits)} of {len(hits)}; mean width {100 * np.mean(widths):.2f} points")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
