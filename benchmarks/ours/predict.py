"""A CSV file in, a CSV file out with Trainwright in Python, for the seconds of each phase.

python predict.py RUN FILE OUT
"""

import json
import sys
import time
from itertools import pairwise
from pathlib import Path


def main(run: str, file: str, out: str) -> None:
    times = [time.perf_counter()]
    import polars as pl

    import trainwright as tw

    times.append(time.perf_counter())
    opened = tw.load(run)
    opened.predict("warm")
    times.append(time.perf_counter())
    frame = pl.read_csv(file)
    labels, probabilities = zip(*opened.predict(frame["text"].to_list()), strict=True)
    found = frame.with_columns(predicted=pl.Series(labels), probability=pl.Series(probabilities))
    found.write_csv(Path(out) / "predicted.csv")
    times.append(time.perf_counter())
    phases = dict(zip(("import", "load", "predict"), (end - start for start, end in pairwise(times)), strict=True))
    print(json.dumps({"accuracy": (found["predicted"] == found["label"]).mean(), "seconds": phases}))


main(*sys.argv[1:])
