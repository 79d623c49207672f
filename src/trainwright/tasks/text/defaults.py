"""Settings of text classifiers that a person did not give: derived from the number and length of the texts and the classes.

The rules were found by validation on several data sets: ``benchmarks/defaults.py`` repeats that.
"""

from __future__ import annotations

import math

from trainwright.config.settings import Named, Settings
from trainwright.data.shapes import TextShape
from trainwright.data.text.ragged import Ragged
from trainwright.models.catalog import Values, models
from trainwright.tasks.defaults import CROSS_ENTROPY, FALLING, LOSSES, Notes, fill, fill_training

ADAMW = ({"name": "AdamW", "weight_decay": 0.0}, "steps suited to each weight: rare tokens move as far as frequent ones")
LONG_BYTES = 1000  # of a text
MANY_ROWS = 50_000
FEW_ROWS = 1000
SHORT_TEXT = 100  # n-grams
AGAINST_REST = ({"name": "BCEWithLogitsLoss"}, "each class against the rest, which suits a linear model")
MARGINS = ({"name": "SquaredHingeLoss"}, "a margin between each class and the rest, which suits a linear model")
SEEN_TEXTS = 300_000  # that a linear model goes through, where rows are many
RATE = 0.002  # of a model that does not say what suits it


def text_encoding(settings: Settings, rows: int, size: float) -> tuple[Settings, Notes]:
    """Derive how texts become numbers: ``rows`` training texts of ``size`` bytes on average."""
    counted = (2 if rows >= 1000 else 1, f"{rows:,} training rows")
    values: Values = {"tokenizer": ("words", "letters and digits in a row; punctuation tells little of a topic")}
    if models("text")[settings.network.name].inputs == "sequence":
        longest = 64 if size <= 300 else 128 if size <= 600 else 256
        values["max_tokens"] = (longest, f"texts of about {size:,.0f} bytes; time grows with length")
        values["min_count"] = counted
        return fill(settings, values)
    values["model.embedding"] = (0, "a linear model on the n-grams: fastest, and hard to beat on topics")
    settings, notes = fill(settings, values)
    linear = settings.network.is_linear
    values = {
        "model.ngrams": _ngrams(rows, size) if linear else (1, "embeddings of single words"),
        "model.chars": _chars(settings, size) if linear else ([], ""),
        "model.weighting": ("tf-idf", "rare tokens tell more") if linear else ("none", "the mean embedding"),
        "max_tokens": (0, "a bag takes texts of any length"),
    }
    settings, more = fill(settings, values)
    settings, rare = fill(settings, {"min_count": _min_count(settings, rows) if linear else counted})
    return settings, notes + more + rare


def _ngrams(rows: int, size: float) -> tuple[int, str]:
    """Choose the longest n-gram of a linear model."""
    if rows < 2000:
        return 1, f"{rows:,} training rows: too few to meet the same word pair often"
    if size > LONG_BYTES:
        return 1, f"texts of about {size:,.0f} bytes: their many words are enough"
    return 2, "short texts: word pairs tell more than words"


def _chars(settings: Settings, size: float) -> tuple[list[int], str]:
    """Choose the lengths of a linear model's character n-grams."""
    if settings.tokenizer == "characters":
        return [], "its tokens are characters"
    if size > LONG_BYTES:
        return [], f"texts of about {size:,.0f} bytes: their many words are enough"
    return [4], "parts of words tell of words that training rarely saw"


def _min_count(settings: Settings, rows: int) -> tuple[int, str]:
    """Choose ``min_count`` of a linear model, whose n-grams are settled."""
    if rows >= MANY_ROWS:
        return 2, "many rows: saves time"
    if settings.network.chars and settings.network.ngrams > 1:
        return 2, "most word pairs are seen once; rare words are known by their characters"
    return 1, "leaving out what was seen once costs accuracy"


def text_training(settings: Settings, texts: Ragged, shape: TextShape, kind: str, tuned: bool) -> tuple[Settings, Notes]:
    """Derive how the model is trained on ``texts``, the encoded training split, to tell a ``kind`` (class, number or labels);
    ``tuned``: it goes on from an earlier run."""
    rows, model = len(texts), settings.network
    own, suited = models("text")[model.name].derive(shape, rows)
    if model.is_linear:
        loss = _linear_loss(settings, rows, len(texts.values) / max(rows, 1), kind)
        chosen = settings.loss.name if settings.loss else loss["loss"][0]["name"]
        values = _linear_training(settings, texts, shape, chosen) | {"schedule": FALLING} | loss
        values |= _penalty(settings, rows, shape.outputs, chosen)
    else:
        usual: Values = {
            "batch_size": (64 if rows < 50_000 else 256, f"{rows:,} training rows"),
            "optimizer": ADAMW,
            "lr": (RATE, "a usual rate"),
            "epochs": (5, f"{rows:,} training rows"),
            "threads": (0, ""),
        }
        values = own | usual | suited | {"schedule": FALLING, "loss": LOSSES.get(kind, CROSS_ENTROPY), "model.l2": (0.0, "")}
    return fill_training(settings, values, rows, tuned)


def _linear_loss(settings: Settings, rows: int, size: float, kind: str) -> Values:
    """Choose the loss of a linear model: ``size`` n-grams a text.

    Each class against the rest is ahead of softmax in validation, most where classes are many. Margins are ahead of
    cross-entropy, with all weights held back and classes that weigh the same, as one may have few rows by chance. But of many
    texts of a few sentences or more rare words tell the class, which a penalty on all weights would hold back.
    """
    if kind != "class":
        return {"loss": LOSSES[kind], "class_weights": ("none", "")}
    many = rows >= MANY_ROWS
    if settings.label_smoothing or (many and settings.class_weights == "balanced"):
        loss = CROSS_ENTROPY
    elif many or (rows > FEW_ROWS and size > SHORT_TEXT and settings.class_weights != "balanced"):
        loss = AGAINST_REST
    else:
        loss = MARGINS
    balanced = (settings.loss or Named.model_validate(loss[0])) == Named.model_validate(MARGINS[0])
    weights = ("balanced", "a class may have few rows by chance") if balanced else ("none", "")
    return {"loss": loss, "class_weights": weights}


def _penalty(settings: Settings, rows: int, classes: int, loss: str) -> Values:
    """Choose how weights are held back: the loss is a mean over rows and classes, of which a rare token has few.

    With margins all of them in every update, by 1 / (rows * classes); else those of the tokens in a batch, by a tenth of that.
    Of many rows a token that is not rare has more, and the penalty can be stronger.
    """
    if loss == MARGINS[0]["name"] and rows < MANY_ROWS and settings.optimizer is None:
        decay = float(f"{1 / (max(rows, 1) * classes):.2g}")
        return {"optimizer": ({"name": "Adam", "weight_decay": decay}, "holds back all weights"), "model.l2": (0.0, "")}
    share = 0.3 if rows >= MANY_ROWS else 0.1
    penalty = float(f"{share / (max(rows, 1) * classes):.2g}"), "holds back tokens that tell little"
    return {"model.l2": penalty if loss in (MARGINS[0]["name"], AGAINST_REST[0]["name"]) else (0.0, "")}


def _linear_training(settings: Settings, texts: Ragged, shape: TextShape, loss: str) -> Values:
    """Choose how far a weight may travel: less where a text has many n-grams, more where there are many classes.

    The rate falls from ``lr`` to zero over the updates; their product is 100 ln(classes) / root of the n-grams a text.
    """
    rows, size = len(texts), len(texts.values) / max(len(texts), 1)
    classes, weights = shape.outputs, shape.vocabulary * shape.outputs
    if rows >= MANY_ROWS and (settings.optimizer is None or settings.optimizer.name == "Adagrad"):
        return {
            "batch_size": (256, f"{rows:,} training rows"),
            "optimizer": ({"name": "Adagrad"}, "steps suited to each weight, of the batch's n-grams alone"),
            "lr": (float(f"{0.2 * math.log(max(classes, 2)):.2g}"), f"{classes} classes"),
            "epochs": (min(max(SEEN_TEXTS // rows, 1), 2), f"{rows:,} training rows"),
            "threads": (1, "its updates are too small to share"),
        }
    batch = 8 if rows < 300 and loss == MARGINS[0]["name"] else 32 if rows < 5000 else 128 if weights < 2_000_000 else 256
    epochs = 10 if rows < 5000 else 5
    planned = settings.epochs or epochs
    planned = min(planned, epochs) if settings.time else planned  # time may let there be far fewer than are asked for
    updates = -(-rows // ((settings.batch_size or batch) * settings.accumulate)) * planned
    updates = min(settings.steps or updates, updates)
    rate = 100 * math.log(max(classes, 2)) / math.sqrt(max(size, 1)) / max(updates, 1)
    return {
        "batch_size": (batch, f"{rows:,} training rows; an update goes through all {weights:,} weights"),
        "optimizer": ADAMW,
        "lr": (min(float(f"{rate:.2g}"), 0.1), f"{updates:,} updates, {classes} classes, {size:.0f} n-grams a text"),
        "epochs": (epochs, f"{rows:,} training rows"),
        "threads": (1, "its updates are too small to share"),
    }
