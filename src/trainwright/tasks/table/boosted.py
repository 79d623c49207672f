"""Boosted trees on tables: what they cannot be asked for, and the settings that a person did not give."""

from __future__ import annotations

from trainwright.config.settings import Settings
from trainwright.errors import error
from trainwright.tasks.defaults import CROSS_ENTROPY, LOSSES

NO_GRADIENT = "no gradient moves its trees, and each is grown from all rows"
ON_PROCESSOR = "its trees are grown on the processor"


def check(settings: Settings, kind: str, tuned: bool) -> None:
    """Raise E540 for a setting that trees have no use for, E541 for going on from a run."""
    if tuned:
        raise error("E541")
    wanted = LOSSES.get(kind, CROSS_ENTROPY)[0]
    loss = wanted if settings.loss is None else settings.loss.model_dump()
    if loss != wanted:
        raise error("E540", key="loss", value=loss["name"], why=f"they follow {wanted['name']} without arguments")
    if settings.device not in ("auto", "cpu"):
        raise error("E540", key="device", value=settings.device, why=ON_PROCESSOR)
    none = ("optimizer", "clip", "clip_value", "batch_size", "label_smoothing", "compile", "graph", "freeze")
    given = {key: getattr(settings, key) for key in none}
    given |= {"accumulate": settings.accumulate - 1 and settings.accumulate}
    given |= {"precision": settings.precision != "float32" and settings.precision}
    for key, value in given.items():
        if value:
            raise error("E540", key=key, value=getattr(value, "name", value), why=NO_GRADIENT)
