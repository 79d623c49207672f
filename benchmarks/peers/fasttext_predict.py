"""fastText: a CSV file in, a CSV file with label and probability of each row out.

Fairness: `model.predict` of a single text fails with numpy 2 (it asks for an array without a copy); a list of texts, which its
documentation shows too and which is faster, does not.

python fasttext_predict.py MODEL FILE OUT
"""

import sys

from common import Clock, say
from fasttext_lines import line


def main(model, file, out):
    clock = Clock()
    import fasttext
    import pandas as pd

    clock.phase("import")
    loaded = fasttext.load_model(model)
    clock.phase("load")
    frame = pd.read_csv(file)
    labels, probabilities = loaded.predict([line(text) for text in frame["text"]])
    frame["predicted"] = [found[0].removeprefix("__label__") for found in labels]
    frame["probability"] = [found[0] for found in probabilities]
    frame.to_csv(f"{out}/predicted.csv", index=False)
    clock.phase("predict")
    say(clock, accuracy=(frame["predicted"] == frame["label"].str.replace(" ", "_")).mean())


main(*sys.argv[1:])
