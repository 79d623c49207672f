"""Commands: how long a person waits for an answer, and how many rows a second go from file to file."""

from __future__ import annotations

import sys
from pathlib import Path

from case import OUT, Case, Place, Target, train, trainwright

from cases.texts import files

PASS, HELP, COLD = "python -c pass", "trainwright --help", "trainwright predict, one text"
OURS, INSIDE, SKLEARN, FASTTEXT = "trainwright predict", "trainwright in Python", "scikit-learn", "fastText"


def models(place: Place) -> Path:
    """A folder with a model of each, trained on the news; its run is in ``run``."""
    folder = place.scratch / "models"
    if not folder.exists():
        folder.mkdir()
        source, test = files(place, "ag_news_10k", "csv")
        for command in (train(source), *(place.peer(f"{peer}_text", source, test, OUT) for peer in ("sklearn", "fasttext"))):
            place.run([word.replace(OUT, str(folder)) for word in command])
    return folder


def cold(place: Place) -> dict[str, list[str]]:
    text = "The striker scored twice in the second half"
    return {
        HELP: trainwright("--help"),
        COLD: trainwright("predict", models(place) / "run", text),
        PASS: [sys.executable, "-c", "pass"],
    }


def throughput(place: Place) -> dict[str, list[str]]:
    folder, (_, test) = models(place), files(place, "ag_news_10k", "csv")
    return {
        OURS: trainwright("predict", folder / "run", test, "--out", f"{OUT}/predicted.csv"),
        INSIDE: place.ours("predict", folder / "run", test, OUT),
        SKLEARN: place.peer("sklearn_predict", folder / "model.joblib", test, OUT),
        FASTTEXT: place.peer("fasttext_predict", folder / "model.bin", test, OUT),
    }


CASES = (
    Case(
        "cold",
        "A process from nothing to its end: the help, and the label of one text by a bag. An empty Python is the measure.",
        cold,
        # 0.15 s where an empty Python takes 0.02 s.
        (Target("wall", 7.5, against=(PASS,)), Target("wall", 0.5, system=COLD)),
        data=("ag_news_10k",),
    ),
    Case(
        "predict",
        "The 7,600 test rows from a CSV file to a CSV file with a label each, by a saved model. Rates are those of the whole "
        "process, and of reading, predicting and writing once the model is there.",
        throughput,
        (
            Target("wall", 1.0, against=(FASTTEXT,)),
            Target("wall", 1 / 3, against=(SKLEARN,)),
            Target("seconds.predict", 1.0, against=(FASTTEXT,), system=INSIDE),
            Target("seconds.predict", 1 / 3, against=(SKLEARN,), system=INSIDE),
        ),
        data=("ag_news_10k",),
        count=(7600, "rows", "predict"),
    ),
)
