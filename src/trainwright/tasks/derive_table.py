"""Settings of tables that a person did not give: derived from the number of rows, each with its reason."""

from __future__ import annotations

from trainwright.data.features import Chosen
from trainwright.schema import Settings
from trainwright.tasks.derive import CROSS_ENTROPY, FALLING, Notes, Values, fill, fill_training


def table_encoding(settings: Settings, rows: int, chosen: Chosen) -> tuple[Settings, Notes]:
    """How columns become numbers."""
    words = any(feature.kind == "category" for feature in chosen.features)
    why = f"{rows:,} training rows; rarer categories count as unknown" if words else ""
    return fill(settings, {"min_count": (2 if rows >= 1000 else 1, why)})


def table_training(settings: Settings, rows: int, kind: str, tuned: bool) -> tuple[Settings, Notes]:
    """How the model is trained on ``rows`` rows to tell a ``kind`` (class or number)."""
    small = rows < 10_000
    model = settings.model
    assert model is not None
    network: Values = {"model.hidden": ([64, 64], f"{rows:,} training rows"), "model.dropout": (0.1, "")}
    values: Values = network if model.name == "mlp" else {}
    values |= {
        "batch_size": (32 if rows < 5000 else 128, f"{rows:,} training rows"),
        "optimizer": ({"name": "AdamW", "weight_decay": 0.01}, "a rate for each weight"),
        "lr": (0.003, "what suits mlp"),
        "epochs": (50, f"{rows:,} training rows"),
        "threads": (1 if small else 0, ""),
        "schedule": FALLING,
        "loss": CROSS_ENTROPY if kind == "class" else ({"name": "MSELoss"}, "the usual loss of a regression"),
    }
    return fill_training(settings, values, rows, tuned)
