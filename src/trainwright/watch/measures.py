"""What can be measured: how each measure is called, how its values are written, and which one leads.

Promises: a measure of the person's own is treated like the known ones; its name is cleaned and cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from trainwright.watch import words

LEADING = ("rmse", "perplexity", "accuracy")  # the first of these that is there is the score of a run
_LONGEST = 14


class _Measure(NamedTuple):
    """``title`` for texts and figures, ``short`` for the heads of columns."""

    title: str
    short: str
    write: Callable[[float], str]


_KNOWN = {
    "loss": _Measure("loss", "loss", words.loss),
    "accuracy": _Measure("accuracy", "acc", words.percent),
    "macro_f1": _Measure("macro F1", "f1", words.percent),
    "perplexity": _Measure("perplexity", "ppl", words.number),
    "bits_per_character": _Measure("bits/character", "bits/char", words.number),
    "bits_per_byte": _Measure("bits/byte", "bits/byte", words.number),
    "rmse": _Measure("RMSE", "rmse", words.number),
    "mae": _Measure("MAE", "mae", words.number),
    "r2": _Measure("R2", "r2", words.number),
}


def title(name: str) -> str:
    """What the measure is called in a text."""
    return _KNOWN[name].title if name in _KNOWN else words.clip(name, 2 * _LONGEST)


def short(name: str) -> str:
    """What the measure is called above a column."""
    return _KNOWN[name].short if name in _KNOWN else words.clip(name, _LONGEST)


def write(name: str, value: float) -> str:
    """A value of the measure ``name``."""
    return _KNOWN[name].write(value) if name in _KNOWN else words.number(value)


def leading(names: Iterable[str]) -> str | None:
    """The measure among ``names`` that a run is judged by; None where only the loss can tell."""
    there = set(names)
    return next((name for name in LEADING if name in there), None)


def lead(scores: Mapping[str, Any]) -> str | None:
    """The measure that a split of a report is judged by; what the task measures goes before a person's own metrics."""
    return leading(name for name in LEADING if scores.get(name) is not None) or leading(values(scores))


def values(scores: Mapping[str, Any]) -> dict[str, float]:
    """What a split of a report says by measure: its own known ones, then those under ``metrics``."""
    own = {name: scores[name] for name in _KNOWN if name in scores}
    found = {**own, **(scores.get("metrics") or {})}
    return {name: value for name, value in found.items() if isinstance(value, int | float)}
