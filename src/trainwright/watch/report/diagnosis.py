"""A run in words: how good, how sure, and what went wrong while it learned.

Every number is one of the report, the history or the events, or follows from them by what the sentence says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from trainwright.watch import metrics, scores, words
from trainwright.watch.record import Record
from trainwright.watch.report import panels
from trainwright.watch.report.panels import Panel

_TINY = 1e-7  # a learning rate up to this moves no parameter that float32 holds by more than its rounding
_WORTH = {
    "valid": "What it says of new rows is no better than guessing.",
    "train": "It did not learn its own rows: the learning rate may be far too high or too low.",
}
_GAP = 0.1  # between the accuracies on training and on validation rows, from which on it is said


def sentence(report: Mapping[str, Any]) -> str:
    """Say how good the model is, how sure that is, and what it had to beat."""
    test, unit = report.get("test") or {}, scores.unit(report)
    found = test or report.get("valid") or {}
    lead = metrics.lead(found) or ("loss" if "loss" in metrics.values(found) else None)
    if lead is None:
        return f"No {unit} were set aside, so there is no score."
    value, n = metrics.values(found)[lead], found.get("n")
    counted = f"{words.count(n)} {unit}" if n is not None else unit
    where = f"{counted} that it had never seen" if test else f"{counted} by which it was chosen"
    if lead == "accuracy" and unit == "rows":
        said = f"It is right on {words.percent(value)} of {where}"
    else:
        said = f"Its {metrics.find(lead).title} on {where} is {metrics.find(lead).write(value)}"
    ends = scores.interval_of(lead, found)
    sure = f" ({scores.interval(lead, found)})" if ends else ""
    known = f"{metrics.find(lead).title} {metrics.find(lead).write(value)} "  # is said already
    judged = scores.verdict(report).removeprefix(known).removeprefix("is ")
    more = f"{',' if judged.startswith('against') else ':'} {judged}" if judged else ""
    warned = "" if test else f". There were no test {unit}: expect less on new ones"
    return f"{said}{sure}{more}{warned}."


def findings(record: Record) -> list[str]:
    """Return what is to be known of the training, the gravest first; nothing where it went as it should."""
    if not record.history:
        return []
    loss = panels.panels(record)[0]
    return [*_failures(record, loss), *_learned_by_heart(record, loss), *_unfinished(loss)]


def gravest(record: Record) -> str:
    """Return what made the training fail; empty where nothing did."""
    return next(_failures(record, panels.panels(record)[0]), "")


def _failures(record: Record, loss: Panel) -> Iterator[str]:
    yield from _lost(record, loss)
    yield from _unlearned(record, loss)
    yield from _rate(record)


def _lost(record: Record, loss: Panel) -> Iterator[str]:
    """Tell of losses and updates that were not finite."""
    for part, n in loss.lost.items():
        if n:
            epochs = [words.count(epoch) for epoch, value in loss.lines[part] if math.isnan(value)]
            name = {"valid": "validation"}.get(part, "training")
            which = f"epoch {epochs[0]}" if n == 1 else f"{words.count(n)} epochs, the first of them {epochs[0]}"
            yield f"The {name} loss was not finite in {which}: the training diverged. A lower learning rate may mend it."
    if record.refused:
        first, n = record.refused[0], len(record.refused)
        many = f"{words.count(n)} updates were refused" if n > 1 else "An update was refused"
        what = words.clip(first.get("quantity") or "gradient", 20)
        yield f"{many}, as the {what} was not finite; the first was step {words.count(first['step'])}."


def _unlearned(record: Record, loss: Panel) -> Iterator[str]:
    """Tell of losses that never were, or at the end are not, what a model without any learning has."""
    blind = panels.chance(record)
    for part, name in (("valid", "validation"), ("train", "training")):
        known = [value for _, value in loss.lines.get(part, []) if math.isfinite(value)]
        if not known:
            continue
        if blind and min(known) >= blind[1]:
            yield (
                f"The {name} loss never fell below {_level(blind)}: at its lowest it was {words.loss(min(known))}. "
                f"{_WORTH[part]}"
            )
        elif blind and known[-1] >= blind[1]:
            yield f"At the end the {name} loss was {words.loss(known[-1])}, no better than {_level(blind)}."
        elif part == "valid" and len(known) > 1 and known[0] == min(known) and known[-1] > 1.5 * known[0]:
            yield (
                f"The validation loss was lowest after the first epoch ({words.loss(known[0])}) and rose to "
                f"{words.loss(known[-1])}: the learning rate may be too high, or the model learned its rows by heart."
            )


def _level(blind: tuple[str, float]) -> str:
    name, value = blind
    return f"{name.partition(',')[0]} ({words.loss(value)})"


def _rate(record: Record) -> Iterator[str]:
    """Tell of a learning rate at which nothing can be learned."""
    rates = [(row["epoch"], row["lr"]) for row in record.history if row.get("lr") is not None]
    used = [step["lr"] for step in record.steps] or [rate for _, rate in rates]
    if used and max(used) <= _TINY:
        yield f"The learning rate was never above {max(used):.3g}: the parameters hardly moved."
        return
    dead = [(epoch, rate) for epoch, rate in rates[:-1] if 0 <= rate <= _TINY]
    if dead:
        epoch, rate = dead[0]
        yield f"The learning rate was {rate:.3g} after epoch {words.count(epoch)}: what came then changed nothing."


def _learned_by_heart(record: Record, loss: Panel) -> Iterator[str]:
    """Tell of a model that knows its training rows much better than others."""
    kept = next((row for row in record.history if row["epoch"] == loss.kept), record.history[-1])
    train, valid = kept.get("train_accuracy"), kept.get("valid_accuracy")
    if train is not None and valid is not None and train - valid > _GAP:
        yield (
            f"It knows the rows that it learned from much better ({words.percent(train)} right at the epoch kept) than others "
            f"({words.percent(valid)}): more data or more regularisation may help."
        )


def _unfinished(loss: Panel) -> Iterator[str]:
    """Tell of a training that ended while it was still getting better."""
    known = [(epoch, value) for epoch, value in loss.lines.get("valid", []) if math.isfinite(value)]
    if len(known) > 1 and loss.kept == known[-1][0] and known[-2][1] - known[-1][1] > 0.02 * abs(known[-2][1]):
        before, last = known[-2][1], known[-1][1]
        yield (
            f"The validation loss was still falling at the end ({words.loss(before)}, then {words.loss(last)}): "
            "more epochs may do better."
        )
