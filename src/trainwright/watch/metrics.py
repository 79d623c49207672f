"""The registry of metrics: how each is called and written, which way it gets better, what it is for and what computes it.

Promises: nothing heavy is imported before a metric is computed; a metric of the person's own is shown like the known ones,
its name cleaned and cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from trainwright.watch import words

LEADING = ("rmse", "perplexity", "accuracy", "micro_f1")  # the first of these that is there is the score of a run
_LONGEST = 14


class Metric(NamedTuple):
    """One metric.

    The function that ``compute`` names takes the targets and the outputs of all rows of a split, or of tokens their mean loss,
    and returns a number, None where there is none. Classes: int64 (rows,) and float32 (rows, classes), the largest of which is
    the answer, or the probabilities where it takes ``shares``. Labels: uint8 (rows, labels) and bool (rows, labels), or float32
    probabilities. Numbers, in the target's unit: float64 (rows,) twice.
    """

    title: str  # its name in texts and figures
    short: str  # its name above a column
    write: Callable[[float], str] = words.number
    higher_is_better: bool = True
    predicts: str = ""  # the kinds of target that it is for (class, number, token, character, byte); empty = all
    compute: str = ""  # ``module:function``; empty for what is counted with every batch
    shares: bool = False  # of classes and labels: whether it takes probabilities in place of answers
    chooses: bool = False  # whether it is for ``monitor`` alone: it is fitted on the rows that it is measured on


_CLASSES, _NUMBERS, _TOKENS, _RANKS, _LABELS, _FITTED = (
    f"trainwright.evaluation.{name}:"
    for name in ("classification", "regression", "perplexity", "ranking", "labels", "calibration")
)
METRICS = {
    "loss": Metric("loss", "loss", words.loss, False),
    "accuracy": Metric("accuracy", "acc", words.percent, True, "class token"),
    "micro_f1": Metric("micro F1", "micro f1", words.percent, True, "labels", _LABELS + "micro_f1"),
    "macro_f1": Metric("macro F1", "f1", words.percent, True, "class labels", _CLASSES + "macro_f1"),
    "subset_accuracy": Metric("exact sets", "exact", words.percent, True, "labels", _LABELS + "subset_accuracy"),
    "roc_auc": Metric("ROC AUC", "auc", words.percent, True, "class labels", _RANKS + "roc_auc", True),
    "average_precision": Metric(
        "average precision", "ap", words.percent, True, "class labels", _RANKS + "average_precision", True
    ),
    "micro_average_precision": Metric(
        "micro AP", "micro ap", words.percent, True, "labels", _RANKS + "micro_average_precision", True
    ),
    "log_loss": Metric("log loss", "log loss", words.loss, False, "class", _RANKS + "log_loss", True),
    "calibrated_loss": Metric(
        "log loss after scaling",
        "cal loss",
        words.loss,
        False,
        "class labels",
        _FITTED + "calibrated_loss",
        True,
        True,
    ),
    "balanced_accuracy": Metric("balanced accuracy", "bal acc", words.percent, True, "class", _CLASSES + "balanced_accuracy"),
    "mcc": Metric("MCC", "mcc", words.number, True, "class", _CLASSES + "mcc"),
    "perplexity": Metric("perplexity", "ppl", words.number, False, "token", _TOKENS + "perplexity"),
    "bits_per_character": Metric("bits/character", "bits/char", words.number, False, "character", _TOKENS + "bits"),
    "bits_per_byte": Metric("bits/byte", "bits/byte", words.number, False, "byte", _TOKENS + "bits"),
    "rmse": Metric("RMSE", "rmse", words.number, False, "number", _NUMBERS + "rmse"),
    "mae": Metric("MAE", "mae", words.number, False, "number", _NUMBERS + "mae"),
    "r2": Metric("R2", "r2", words.number, True, "number", _NUMBERS + "r2"),
}


def find(name: str) -> Metric:
    """Return the metric of that name; for one of the person's own, what its name says."""
    return METRICS.get(name) or Metric(words.clip(name, 2 * _LONGEST), words.clip(name, _LONGEST))


def is_share(name: str) -> bool:
    """Return whether a metric is a part of a whole, which is written in per cent."""
    return find(name).write is words.percent


def fitting(*predicted: str) -> list[str]:
    """Return the names of the metrics for any of these kinds of target."""
    return [name for name, each in METRICS.items() if not each.predicts or set(predicted) & set(each.predicts.split())]


def monitorable(*predicted: str) -> list[str]:
    """Return those of ``fitting`` that are not counted with every batch."""
    return [name for name in fitting(*predicted) if METRICS[name].compute]


def computed(*predicted: str) -> list[str]:
    """Return those of ``monitorable`` that a report has."""
    return [name for name in monitorable(*predicted) if not METRICS[name].chooses]


def compute(names: Iterable[str], *measured: Any) -> dict[str, float]:
    """Return the metrics by name, computed from what ``Metric.compute`` takes; one without a value is left out."""
    found = {}
    for name in names:
        module, _, function = METRICS[name].compute.partition(":")
        found[name] = getattr(import_module(module), function)(*measured)
    return {name: float(value) for name, value in found.items() if value is not None}


def by_epoch(history: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return (part, name) of each metric that some epoch of a history has a value of, those of training first."""
    known = {column for row in history for column, value in row.items() if value is not None}
    names = [(part, name) for part, _, name in (column.partition("_") for column in history[0] if column in known)]
    return [each for part in ("train", "valid") for each in names if each[0] == part]


def leading(names: Iterable[str]) -> str | None:
    """Return the metric among ``names`` that a run is judged by; None where only the loss can tell."""
    there = set(names)
    return next((name for name in LEADING if name in there), None)


def lead(scores: Mapping[str, Any]) -> str | None:
    """Return the metric that a split of a report is judged by; the task's own go before those of the person."""
    return leading(name for name in LEADING if scores.get(name) is not None) or leading(values(scores))


def values(scores: Mapping[str, Any]) -> dict[str, float]:
    """Return what a split of a report says by metric: the known ones, then those under ``metrics``."""
    own = {name: scores[name] for name in METRICS if name in scores}
    found = {**own, **(scores.get("metrics") or {})}
    return {name: value for name, value in found.items() if isinstance(value, int | float)}
