"""Fill in the settings that a person did not give with what the rules of the kind and the model derive, each with its reason.

The rules are in ``defaults.py`` of each kind, and what suits a model in its entry in ``models/catalog.py``. They were chosen by
validation scores on several data sets; ``benchmarks/defaults.py`` and ``benchmarks/language.py`` repeat that.
"""

from __future__ import annotations

from typing import Any

from trainwright.config.settings import FREE, Settings
from trainwright.models.catalog import Values
from trainwright.watch.events import Note

Notes = list[Note]
FALLING = ([{"name": "LinearLR", "start_factor": 1.0, "end_factor": 0.0}], "the rate falls to zero by the end")
CROSS_ENTROPY = ({"name": "CrossEntropyLoss"}, "the usual loss of a classifier")
LOSSES: Values = {  # of what is predicted, other than a class
    "number": ({"name": "MSELoss"}, "the usual loss of a regression"),
    "labels": ({"name": "BCEWithLogitsLoss"}, "each label for itself, as a row may have several"),
}
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
    """Fill in what decides the training of ``rows`` rows; ``steps`` decide the epochs, going on lowers the rate."""
    if settings.steps and settings.epochs is None:
        per_epoch = -(-rows // ((settings.batch_size or values["batch_size"][0]) * settings.accumulate))
        values = values | {"epochs": (-(-settings.steps // per_epoch), f"{settings.steps:,} steps")}
    held = "all" if settings.optimizer is None else "matrices"  # derived weight decay was chosen for all
    more: Values = {"clip": (0.0, ""), "decay": (held, "")}
    values = more | values
    if settings.optimizer and settings.optimizer.name.endswith(FREE):
        values = values | {"schedule": ([], f"{settings.optimizer.name} averages its steps instead")}
    if tuned:
        rate, why = values["lr"]
        values = values | {"lr": (float(f"{rate * FINE_TUNING:.2g}"), f"{FINE_TUNING:g} of {rate:g}: it goes on; {why}")}
    return fill(settings, values)


def _shown(value: Any) -> str:
    """Return a component by its name, with its arguments."""
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) or "none"
    if isinstance(value, dict):
        arguments = ", ".join(f"{key}={each:g}" for key, each in value.items() if key != "name")
        return f"{value['name']}({arguments})" if arguments else str(value["name"])
    return str(value)
