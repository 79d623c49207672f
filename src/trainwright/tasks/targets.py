"""The kinds of target: a class, a number, several labels; which one a bundle or training labels are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainwright.tasks.class_target import ClassTarget

if TYPE_CHECKING:
    import polars as pl

    from trainwright.tasks.labels_target import LabelsTarget
    from trainwright.tasks.number_target import NumberTarget

    Target = ClassTarget | NumberTarget | LabelsTarget


WORDS = {"class": "classes", "number": "numbers", "labels": "labels"}  # what is predicted, in messages


def from_json(values: dict[str, Any]) -> Target:
    """Return what is predicted, from the values of a bundle. What a bag of words needs imports no data frames."""
    if values["kind"] == "number":
        from trainwright.tasks.number_target import NumberTarget

        return NumberTarget.from_json(values)
    if values["kind"] == "labels":
        from trainwright.tasks.labels_target import LabelsTarget

        return LabelsTarget.from_json(values)
    return ClassTarget.from_json(values)


def fit(kind: str, name: str, labels: pl.Series, merged: bool, parent: Target | None = None) -> Target:
    """Return the target of training labels, as ``LabelForm.read`` gives them; a number keeps the scale of an earlier run.

    ``merged``: labels that differ only as people type are one.
    """
    if kind == "number":
        from trainwright.data.tables.encoder import TargetScaler
        from trainwright.tasks.number_target import NumberTarget

        known = parent.scaler if isinstance(parent, NumberTarget) else TargetScaler.fit(labels.to_numpy())
        return NumberTarget(name, known, {})
    if kind == "labels":
        from trainwright.tasks.labels_target import LabelsTarget

        return LabelsTarget.fit(labels, merged)
    from trainwright.data.labels import LabelEncoder

    return ClassTarget(LabelEncoder.fit(labels, merged), {})
