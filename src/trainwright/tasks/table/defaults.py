"""Settings of tables that a person did not give: derived from the number of rows, each with its reason.

The rules were chosen by scores on rows kept back: of networks without words on the development rows of
``benchmarks/tables.py``; of others over repeated cuts of small data sets (the training rows of ``diabetes`` and ``wine``,
``breast_cancer`` and ``iris`` of scikit-learn) and of made tables of 100 to 40,000 rows.
"""

from __future__ import annotations

from trainwright.config.settings import Settings
from trainwright.data.shapes import Shape, TableShape
from trainwright.data.tables.feature_columns import TableSchema
from trainwright.models.catalog import TREES_PER_EPOCH, BoostedSettings, Values, models
from trainwright.tasks.defaults import CROSS_ENTROPY, FALLING, LOSSES, Notes, fill, fill_training
from trainwright.tasks.table.boosted import ON_PROCESSOR
from trainwright.watch.events import Note

RATE, LINEAR_RATE = 0.003, 0.01
FEWEST_EPOCHS, MOST_EPOCHS = 4, 100
KEPT: Values = {"model.numbers": ("plain", ""), "model.members": (1, "")}  # of a model from before there were others
BOOSTED_EPOCHS = 20
FEW_FOR_PAIRS, MOST_WORDS, WIDTH = 2000, 100_000, 16


def table_encoding(settings: Settings, rows: int, chosen: TableSchema) -> tuple[Settings, Notes]:
    """Derive how columns become numbers."""
    kinds = {feature.kind for feature in chosen.features}
    rare = "categories" if "text" not in kinds else "categories and words" if "category" in kinds else "words"
    why = f"{rows:,} training rows; rarer {rare} count as unknown" if kinds & {"category", "text"} else ""
    values: Values = {"min_count": (2 if rows >= 1000 else 1, why)}
    if "text" in kinds:
        values |= {
            "tokenizer": ("words", "letters and digits in a row"),
            "max_vocabulary": (MOST_WORDS, "of each column of text, the most frequent"),
            "model.ngrams": _ngrams(rows),
        }
        if not settings.network.is_linear:
            values["model.embedding"] = (WIDTH, "what a column of text becomes, beside numbers and categories")
    return fill(settings, values)


def _ngrams(rows: int) -> tuple[int, str]:
    """Choose the longest n-gram of a column of text."""
    if rows < FEW_FOR_PAIRS:
        return 1, f"{rows:,} training rows: too few to meet the same word pair often"
    return 2, "word pairs tell more than words"


def table_training(settings: Settings, rows: int, shape: Shape, kind: str, tuned: bool) -> tuple[Settings, Notes]:
    """Derive how the model is trained on ``rows`` rows to tell a ``kind`` (class, number or labels).

    The fewer rows, the more the weights are held back: by dropout, and by a weight decay that is chosen for the rate, since
    what each update of AdamW takes from a weight is the product of the two. Words are learned by heart within few updates, and
    are held back the most; a network without words needs many, with little taken from it, before it bends where the data do.
    """
    if isinstance(settings.model, BoostedSettings):
        return _boosted(settings, rows, shape, kind)
    few, many = rows < 1000, rows >= 10_000
    batch = 16 if rows < 300 else 32 if few else 64 if not many else 128 if rows < 50_000 else 256
    rate = (RATE, "what suits tables")
    if settings.network.is_linear:
        rate, updates = (LINEAR_RATE, "what suits linear models of tables"), 600 if few else 2000 if many else 1500
        taken = 1e-3 if few else 1e-4
    elif isinstance(shape, TableShape) and shape.texts:
        taken, updates = 1e-2 if few else 1e-3 if many else 5e-3, 400
    else:
        taken, updates = 3e-4 if few else 1e-4, 4000 if many else 3000
    epochs = min(max(round(updates * (settings.batch_size or batch) / rows), FEWEST_EPOCHS), MOST_EPOCHS)
    decay = float(f"{taken / (settings.lr or rate[0]):.2g}")
    size = f"{rows:,} training rows"
    own, suited = models("table")[settings.network.name].derive(shape, rows)
    own |= KEPT if tuned else {}
    usual: Values = {
        "batch_size": (batch, size),
        "optimizer": ({"name": "AdamW", "weight_decay": decay}, "holds the weights back, the more the fewer rows there are"),
        "lr": rate,
        "epochs": (epochs, f"about {updates:,} updates"),
        "threads": (0 if many else 1, "" if many else "its updates are too small to share"),
        "schedule": FALLING,
        "loss": LOSSES.get(kind, CROSS_ENTROPY),
    }
    return fill_training(settings, own | usual | suited, rows, tuned)


def _boosted(settings: Settings, rows: int, shape: Shape, kind: str) -> tuple[Settings, Notes]:
    """Derive how boosted trees are grown: more than are needed, as validation chooses how many are kept."""
    epochs = -(-settings.steps // TREES_PER_EPOCH) or BOOSTED_EPOCHS
    own, suited = models("table")["boosted"].derive(shape, rows)
    usual: Values = {
        "epochs": (epochs, f"{epochs * TREES_PER_EPOCH:,} trees for each output, {TREES_PER_EPOCH} an epoch"),
        "threads": (1, ""),
        "clip": (0.0, ""),
        "class_weights": ("none", ""),
        "schedule": ([], ""),
        "loss": LOSSES.get(kind, CROSS_ENTROPY),
    }
    settings, notes = fill(settings, own | usual | suited)
    if settings.device != "auto":
        return settings, notes
    return settings.model_copy(update={"device": "cpu"}), [*notes, Note("device", "cpu", ON_PROCESSOR)]
