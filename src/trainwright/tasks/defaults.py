"""Settings that a person did not give: derived from the size of the task, each with its reason.

The rules were chosen by validation scores on several data sets; ``benchmarks/defaults.py`` and
``benchmarks/language.py`` repeat that.
"""

from __future__ import annotations

import math
from typing import Any

from trainwright.config.settings import Settings
from trainwright.data.text.ragged import Ragged
from trainwright.errors import error
from trainwright.watch.events import Note

Notes = list[Note]
Values = dict[str, tuple[Any, str]]  # what each setting should be, and why
ADAMW = ({"name": "AdamW", "weight_decay": 0.0}, "steps suited to each weight: rare tokens move as far as frequent ones")
FALLING = ([{"name": "LinearLR", "start_factor": 1.0, "end_factor": 0.0}], "the rate falls to zero by the end")
CROSS_ENTROPY = ({"name": "CrossEntropyLoss"}, "the usual loss of a classifier")
LONG = 1000  # bytes of a text
MANY = 50_000  # rows
SEEN = 300_000  # texts that a linear model goes through, where rows are many
UPDATES = 12_000  # of a language model, about
FINE_TUNING = 0.3  # of the rate that a training from the start would have


def fill(settings: Settings, values: Values) -> tuple[Settings, Notes]:
    """Put in the values of settings (``lr``) and of the model (``model.hidden``) that are not given; notes on what was.

    What goes without saying has no reason, and no note.
    """
    whole = settings.model_dump()
    model = whole["model"]
    notes = []
    for key, (value, why) in values.items():
        place, name = (model, key.removeprefix("model.")) if key.startswith("model.") else (whole, key)
        if place.get(name, value) is None:  # a model that has no such setting needs no value
            place[name] = value
            notes += [Note(key, _shown(value), why)] if why else []
    return Settings.model_validate(whole), notes


def fill_training(settings: Settings, values: Values, rows: int, tuned: bool) -> tuple[Settings, Notes]:
    """``fill`` for what decides the training of ``rows`` rows; ``steps`` decide the epochs, going on lowers the rate."""
    if settings.steps and settings.epochs is None:
        per_epoch = -(-rows // ((settings.batch_size or values["batch_size"][0]) * settings.accumulate))
        values = values | {"epochs": (-(-settings.steps // per_epoch), f"{settings.steps:,} steps")}
    values = {"clip": (0.0, "")} | values
    if tuned:
        rate, why = values["lr"]
        values = values | {"lr": (float(f"{rate * FINE_TUNING:.2g}"), f"{FINE_TUNING:g} of {rate:g}: it goes on; {why}")}
    return fill(settings, values)


def text_encoding(settings: Settings, rows: int, size: float) -> tuple[Settings, Notes]:
    """How texts become numbers: ``rows`` training texts of ``size`` bytes on average."""
    model = settings.model
    assert model is not None
    counted = (2 if rows >= 1000 else 1, f"{rows:,} training rows")
    values: Values = {"tokenizer": ("words", "letters and digits in a row; punctuation tells little of a topic")}
    if model.name != "bag":
        longest = 64 if size <= 300 else 128 if size <= 600 else 256
        values["max_tokens"] = (longest, f"texts of about {size:,.0f} bytes; time grows with length")
        values["min_count"] = counted
        if model.name == "lstm":
            values |= {"model.embedding": (128, "a usual size"), "model.hidden": (128, "a usual size")}
            values |= {"model.layers": (1, "one reading in each direction"), "model.dropout": (0.3, "a usual share")}
            values["model.tied"] = (False, "its outputs are classes")
        return fill(settings, values)
    settings, notes = fill(
        settings, values | {"model.embedding": (0, "a linear model on the n-grams: fastest, and hard to beat on topics")}
    )
    linear = settings.model.embedding == 0  # type: ignore[union-attr]
    many = rows >= MANY
    weighting = ("tf-idf", "rare tokens tell more") if linear else ("none", "the mean embedding")
    settings, more = fill(
        settings,
        {
            "model.ngrams": _ngrams(rows, size) if linear else (1, "embeddings of single words"),
            "model.chars": _chars(settings, size) if linear else ([], ""),
            "model.weighting": weighting,
            "max_tokens": (0, "a bag takes texts of any length"),
        },
    )
    settings, rare = fill(settings, {"min_count": _min_count(settings, many) if linear else counted})
    return settings, notes + more + rare


def _ngrams(rows: int, size: float) -> tuple[int, str]:
    """The longest n-gram of a linear model. Both limits were found by validation: ``benchmarks/defaults.py``."""
    if rows < 2000:
        return 1, f"{rows:,} training rows: too few to meet the same word pair often"
    if size > LONG:
        return 1, f"texts of about {size:,.0f} bytes: their many words are enough"
    return 2, "short texts: word pairs tell more than words"


def _chars(settings: Settings, size: float) -> tuple[list[int], str]:
    """The lengths of a linear model's character n-grams. Found by validation: ``benchmarks/defaults.py``."""
    if settings.tokenizer == "characters":
        return [], "its tokens are characters"
    if size > LONG:
        return [], f"texts of about {size:,.0f} bytes: their many words are enough"
    return [4], "parts of words tell of words that training rarely saw"


def _min_count(settings: Settings, many: bool) -> tuple[int, str]:
    """Of a linear model, whose n-grams are settled. Found by validation: ``benchmarks/defaults.py``."""
    model: Any = settings.model
    if many:
        return 2, "many rows: saves time"
    if model.chars and model.ngrams > 1:
        return 2, "most word pairs are seen once; rare words are known by their characters"
    return 1, "leaving out what was seen once costs accuracy"


def text_training(settings: Settings, texts: Ragged, vocabulary: int, classes: int, tuned: bool) -> tuple[Settings, Notes]:
    """How the model is trained; ``texts`` is the encoded training split, ``tuned`` that it goes on from an earlier run."""
    rows, model = len(texts), settings.model
    assert model is not None
    linear = model.name == "bag" and model.embedding == 0
    if linear:
        values = _linear_training(settings, texts, vocabulary * classes, classes)
    else:
        values = {
            "batch_size": (64 if rows < 50_000 else 256, f"{rows:,} training rows"),
            "optimizer": ADAMW,
            "lr": (0.01 if model.name == "bag" else 0.002, f"what suits {model.name}"),
            "epochs": (5, f"{rows:,} training rows"),
            "threads": (0, ""),
        }
    # Each class against the rest: ahead of softmax in validation, most where classes are many.
    softmax = not linear or settings.label_smoothing or settings.class_weights != "none"
    one_for_each = ({"name": "BCEWithLogitsLoss"}, "each class against the rest, which suits a linear model")
    values |= {"schedule": FALLING, "loss": CROSS_ENTROPY if softmax else one_for_each}
    chosen = settings.loss.name if settings.loss else values["loss"][0]["name"]
    values["model.l2"] = _penalty(rows, classes) if linear and chosen == one_for_each[0]["name"] else (0.0, "")
    return fill_training(settings, values, rows, tuned)


def _penalty(rows: int, classes: int) -> tuple[float, str]:
    """0.1 / (rows * classes), found by validation: the loss is a mean over rows and classes, of which a rare token has few.

    Of many rows a token that is not rare has more, and the penalty can be stronger.
    """
    share = 0.3 if rows >= MANY else 0.1
    return float(f"{share / (max(rows, 1) * classes):.2g}"), "holds back tokens that tell little"


def _linear_training(settings: Settings, texts: Ragged, weights: int, classes: int) -> Values:
    """How far a weight may travel decides the fit: less where a text has many n-grams, more where there are many classes.

    The rate falls from ``lr`` to zero over the updates. That their product should be 100 ln(classes) / root of the n-grams
    a text, and the rate at most 0.1, was found by validation.
    """
    rows, size = len(texts), len(texts.values) / max(len(texts), 1)
    if rows >= MANY and (settings.optimizer is None or settings.optimizer.name == "Adagrad"):
        return {
            "batch_size": (256, f"{rows:,} training rows"),
            "optimizer": ({"name": "Adagrad"}, "steps suited to each weight, of the batch's n-grams alone"),
            "lr": (float(f"{0.2 * math.log(max(classes, 2)):.2g}"), f"{classes} classes"),
            "epochs": (min(max(SEEN // rows, 1), 2), f"{rows:,} training rows"),
            "threads": (1, "its updates are too small to share"),
        }
    batch = 32 if rows < 5000 else 128 if weights < 2_000_000 else 256
    epochs = 10 if rows < 5000 else 5
    updates = -(-rows // ((settings.batch_size or batch) * settings.accumulate)) * (settings.epochs or epochs)
    updates = min(settings.steps or updates, updates)
    rate = 100 * math.log(max(classes, 2)) / math.sqrt(max(size, 1)) / max(updates, 1)
    return {
        "batch_size": (batch, f"{rows:,} training rows; an update goes through all {weights:,} weights"),
        "optimizer": ADAMW,
        "lr": (min(float(f"{rate:.2g}"), 0.1), f"{updates:,} updates, {classes} classes, {size:.0f} n-grams a text"),
        "epochs": (epochs, f"{rows:,} training rows"),
        "threads": (1, "its updates are too small to share"),
    }


def language_encoding(settings: Settings, text: str) -> tuple[Settings, Notes]:
    """How running text becomes tokens."""
    size = len(text)
    for key in ("max_vocabulary", "min_count"):
        if settings.tokenizer == "bytes" and getattr(settings, key):
            raise error("E329", key=key, why="there are 256 bytes, whatever the text")
    if settings.tokenizer:
        kind = (settings.tokenizer, "")
    elif "<unk>" in text[: 1 << 20]:
        kind = ("words", "the text is in words already: it says <unk>")
    elif size < 4_000_000:
        kind = ("characters", f"{size:,} characters are few to learn words from")
    else:
        kind = ("bpe", f"{size:,} characters: pieces of words, which can spell every word")
    largest = {"bpe": (8192, "pieces"), "words": (50_000, "the most frequent words")}.get(kind[0], (0, ""))
    values: Values = {"tokenizer": kind, "max_vocabulary": largest, "min_count": (2 if kind[0] == "bpe" else 1, "")}
    return fill(settings, values)


def language_training(settings: Settings, tokens: int, vocabulary: int, tuned: bool) -> tuple[Settings, Notes]:
    """How a language model is trained on ``tokens`` tokens."""
    model = settings.model
    assert model is not None
    small = vocabulary < 1000
    if model.name == "lstm":
        size = 256 if small else 200
        values: Values = {
            "model.embedding": (64 if small else size, f"{vocabulary:,} tokens in the vocabulary"),
            "model.hidden": (size, "what two cores train in minutes"),
            "model.layers": (2, "one more tells more than a wider one"),
            "model.dropout": (0.2, "more tokens than weights, or nearly"),
            "model.tied": (not small, "" if small else "half the weights, and better ones"),
            "context": (32 if small else 35, "steps that the gradient goes back"),
            "batch_size": (32 if small else 10, "lanes side by side"),
            "lr": (0.004, "what suits lstm with Adam"),
            "clip": (1.0, "gradients through time can be large"),
        }
    else:
        values = {
            "context": (128, "tokens in a window"),
            "batch_size": (16, "windows"),
            "lr": (0.002, "what suits gpt"),
            "clip": (1.0, "a usual limit"),
        }
    per_epoch = max(tokens // (int(values["batch_size"][0]) * int(values["context"][0])), 1)
    values |= {
        "optimizer": ({"name": "AdamW", "weight_decay": 0.01}, "a rate for each weight"),
        "epochs": (min(max(round(UPDATES / per_epoch), 3), 20), f"{tokens:,} tokens"),
        "threads": (0, ""),
        "schedule": FALLING,
        "loss": ({"name": "CrossEntropyLoss"}, ""),
    }
    lane = (settings.batch_size or values["batch_size"][0]) * (settings.context or values["context"][0])
    rows = -(-tokens // lane) * (settings.batch_size or int(values["batch_size"][0]))
    return fill_training(settings, values, rows, tuned)


def _shown(value: Any) -> str:
    """A component by its name, with its arguments."""
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    if isinstance(value, dict):
        arguments = ", ".join(f"{key}={each:g}" for key, each in value.items() if key != "name")
        return f"{value['name']}({arguments})" if arguments else str(value["name"])
    return str(value)
