"""Settings that a person did not give: derived from the size of the task, each with its reason.

The rules were chosen by validation scores on several data sets; ``benchmarks/defaults.py`` repeats that.
"""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from trainwright.data.ragged import Ragged
from trainwright.schema import Settings

Notes = list[tuple[str, str, str]]
ADAMW = ({"name": "AdamW", "weight_decay": 0.0}, "steps suited to each weight: rare tokens move as far as frequent ones")
FALLING = ([{"name": "LinearLR", "start_factor": 1.0, "end_factor": 0.0}], "the rate falls to zero by the end")


def derive_encoding(settings: Settings, texts: pl.Series) -> tuple[Settings, Notes]:
    """Fill in how text becomes numbers, from the training texts."""
    rows, notes = len(texts), []
    model = settings.model.model_copy()
    changes: dict[str, Any] = {"model": model}

    def fill(what: str, value: Any, why: str) -> None:
        place, key = (model, what.removeprefix("model.")) if what.startswith("model.") else (settings, what)
        if getattr(place, key) is None:
            if place is model:
                setattr(model, key, value)
            else:
                changes[key] = value
            notes.append((what, str(value), why))

    size = float(texts.str.len_bytes().sum()) / max(rows, 1)
    if model.name == "bag":
        fill("model.embedding", 0, "a linear model on the n-grams: fastest, and hard to beat on topics")
        linear = model.embedding == 0
        fill("model.ngrams", *_ngrams(rows, size) if linear else (1, "embeddings of single words"))
        fill(
            "model.weighting",
            "tf-idf" if linear else "none",
            "rare tokens tell more" if linear else "the mean embedding",
        )
        fill("max_tokens", 0, "a bag takes texts of any length")
        if linear:
            many = rows >= 50_000
            fill("min_count", 1 + many, "many rows: saves time" if many else "leaving out what was seen once costs accuracy")
        else:
            fill("min_count", 2 if rows >= 1000 else 1, f"{rows:,} training rows")
    else:
        longest = 64 if size <= 300 else 128 if size <= 600 else 256
        fill("max_tokens", longest, f"texts of about {size:,.0f} bytes; time grows with length")
        fill("min_count", 2 if rows >= 1000 else 1, f"{rows:,} training rows")
    return settings.model_copy(update=changes), notes


def _ngrams(rows: int, size: float) -> tuple[int, str]:
    """The longest n-gram of a linear model. Both limits were found by validation: ``benchmarks/defaults.py``."""
    if rows < 2000:
        return 1, f"{rows:,} training rows: too few to meet the same word pair often"
    if size > 1000:
        return 1, f"texts of about {size:,.0f} bytes: their many words are enough"
    return 2, "short texts: word pairs tell more than words"


def derive_training(settings: Settings, texts: Ragged, vocabulary: int, classes: int) -> tuple[Settings, Notes]:
    """Fill in how the model is trained; ``texts`` is the encoded training split."""
    rows, model = len(texts), settings.model
    if model.name == "bag" and model.embedding == 0:
        values = _linear_training(settings, texts, vocabulary * classes, classes)
    else:
        values = _network_training(model.name, rows)
    values["schedule"] = FALLING
    values["loss"] = _loss(settings)
    if settings.steps and settings.epochs is None:
        per_epoch = -(-rows // ((settings.batch_size or values["batch_size"][0]) * settings.accumulate))
        values["epochs"] = (-(-settings.steps // per_epoch), f"{settings.steps:,} steps")
    given = settings.model_dump()
    missing = {key: value for key, (value, _) in values.items() if given[key] is None}
    notes = [(key, _shown(value), values[key][1]) for key, value in missing.items()]
    return Settings.model_validate(given | missing), notes


def _linear_training(settings: Settings, texts: Ragged, weights: int, classes: int) -> dict[str, tuple[Any, str]]:
    """How far a weight may travel decides the fit: less where a text has many n-grams, more where there are many classes.

    The rate falls from ``lr`` to zero over the updates. That their product should be 100 ln(classes) / root of the n-grams
    a text, and the rate at most 0.1, was found by validation.
    """
    rows, size = len(texts), len(texts.values) / max(len(texts), 1)
    batch = 32 if rows < 5000 else 1024 if rows >= 50_000 else 128 if weights < 2_000_000 else 256
    epochs = 10 if rows < 5000 else 5
    updates = -(-rows // ((settings.batch_size or batch) * settings.accumulate)) * (settings.epochs or epochs)
    updates = min(settings.steps or updates, updates)
    rate = 100 * math.log(max(classes, 2)) / math.sqrt(max(size, 1)) / max(updates, 1)
    small = weights < 2_000_000
    return {
        "batch_size": (batch, f"{rows:,} training rows; an update goes through all {weights:,} weights"),
        "optimizer": ADAMW,
        "lr": (min(float(f"{rate:.2g}"), 0.1), f"{updates:,} updates, {classes} classes, {size:.0f} n-grams a text"),
        "epochs": (epochs, f"{rows:,} training rows"),
        "threads": (1 if small else 0, "its updates are too small to share" if small else "torch's own choice"),
    }


def _loss(settings: Settings) -> tuple[dict[str, Any], str]:
    """Of a linear model each class against the rest: ahead of softmax in validation, most where classes are many."""
    linear = settings.model.name == "bag" and settings.model.embedding == 0
    if linear and not settings.label_smoothing and settings.class_weights == "none":
        return {"name": "BCEWithLogitsLoss"}, "each class against the rest, which suits a linear model"
    return {"name": "CrossEntropyLoss"}, "the usual loss of a classifier"


def _network_training(name: str, rows: int) -> dict[str, tuple[Any, str]]:
    return {
        "batch_size": (64 if rows < 50_000 else 256, f"{rows:,} training rows"),
        "optimizer": ADAMW,
        "lr": (0.01 if name == "bag" else 0.002, f"what suits {name}"),
        "epochs": (5, f"{rows:,} training rows"),
        "threads": (0, "torch's own choice"),
    }


def _shown(value: Any) -> str:
    """A component by its name, with its arguments."""
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, dict):
        arguments = ", ".join(f"{key}={each:g}" for key, each in value.items() if key != "name")
        return f"{value['name']}({arguments})" if arguments else str(value["name"])
    return str(value)
