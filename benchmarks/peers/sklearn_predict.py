"""scikit-learn: a CSV file in, a CSV file with a label for each row out, by a pipeline that joblib saved.

Fairness: labels alone are written; LinearSVC has no probabilities, and ours writes them too.

python sklearn_predict.py MODEL FILE OUT
"""

import sys

from common import Clock, say


def main(model, file, out):
    clock = Clock()
    import joblib
    import pandas as pd

    clock.phase("import")
    pipeline = joblib.load(model)
    clock.phase("load")
    frame = pd.read_csv(file)
    frame["predicted"] = pipeline.predict(frame["text"])
    frame.to_csv(f"{out}/predicted.csv", index=False)
    clock.phase("predict")
    say(clock, accuracy=(frame["predicted"] == frame["label"]).mean())


main(*sys.argv[1:])
