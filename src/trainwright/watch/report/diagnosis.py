"""A run in words: how good, how sure, and what went wrong while it learned.

Every number is one of the report, the history or the events, or follows from them by what the sentence says.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainwright.watch import metrics, scores, words
from trainwright.watch.record import Record
from trainwright.watch.report import panels
from trainwright.watch.report.panels import Panel

_TINY = 1e-7  # a learning rate up to this moves no parameter that float32 holds by more than its rounding
_WILD = 2.0  # times the loss of a model that knows nothing: so wrong and so sure is one whose updates overshoot
_BARELY = 0.98  # times that loss: training rows of a higher one were not learned
_NOT_FINITE = ("E501", "E502", "E503")  # how a run is stopped whose numbers are not finite
_GAP = 0.1  # between the accuracies on training and on validation rows, from which on it is said


def sentence(report: Mapping[str, Any], leaked: int = 0) -> str:
    """Say how good the model is, how sure that is, and what it had to beat; so many test rows are ``leaked``, in train too."""
    test, unit = report.get("test") or {}, scores.unit(report)
    found = test or report.get("valid") or {}
    lead = metrics.lead(found) or ("loss" if "loss" in metrics.values(found) else None)
    if lead is None:
        return f"No {unit} were set aside, so there is no score."
    value, n = metrics.values(found)[lead], found.get("n")
    counted = f"{words.count(n)} {unit}{scores.parts(found)}" if n is not None else unit
    where = f"{counted} that it had never seen" if test else f"{counted} by which it was chosen"
    if test and leaked:
        where = f"{counted}, {words.count(leaked)} of which {'is' if leaked == 1 else 'are'} among the training rows, or nearly"
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


def standing(record: Record) -> str:
    """Say of a run that has not ended how far it is."""
    of, planned = record.report, record.started
    epochs = f" of {words.count(planned['epochs'])}" if planned.get("epochs") else ""
    steps = f" of {words.count(planned['steps'])}" if planned.get("steps") else ""
    done = f"{words.count(of['steps'])}{steps} steps are made, {words.count(of['epochs'])}{epochs} epochs have ended"
    return f"This training has not ended: {done}. There is no test score, as the test comes last."


def findings(record: Record) -> list[str]:
    """Return what is to be known of the training, the gravest first; nothing where it went as it should.

    Of a training that failed the failure is told, with its cause, and nothing else.
    """
    if not (record.history or record.steps):
        return [*_stopped(record)]
    loss = panels.panels(record)[0]
    failed = [*_failures(record, loss)]
    tried = [told] if record.ended and (told := scores.advice(record.report)) else []
    return (
        [*failed, *tried] if failed else [*tried, *_dead(record), *_learned_by_heart(record, loss), *_unfinished(record, loss)]
    )


def gravest(record: Record) -> str:
    """Return what made the training fail; empty where nothing did."""
    return next(iter([*_failures(record, panels.panels(record)[0]), *_dead(record)]), "")


def _failures(record: Record, loss: Panel) -> Iterator[str]:
    lost = [*_stopped(record), *_lost(record, loss)] or [*_rising(record)]
    yield from lost
    if not lost or record.ended:
        yield from _unlearned(record, loss)


def _stopped(record: Record) -> Iterator[str]:
    """Tell why a run that has not ended was stopped."""
    stopped = [(code, why) for what, code, why in record.notes if what == "stopped"]
    if not record.ended and stopped:
        code, why = stopped[-1]
        mend = f" {_too_high(record)}" if code in _NOT_FINITE and not record.refused else ""
        yield f"It was stopped ({code}): {words.clip(why, 300)}.{mend}"


def _rising(record: Record) -> Iterator[str]:
    """Tell, of a run that has not ended, of losses far above the first."""
    if not record.ended and len(record.steps) > 1:
        first, last = record.steps[0]["loss"], record.steps[-1]["loss"]
        if last > 10 * abs(first):
            yield f"The loss of its steps rose from {words.loss(first)} to {words.loss(last)}. {_too_high(record)}"


def _lost(record: Record, loss: Panel) -> Iterator[str]:
    """Tell of losses and updates that were not finite."""
    mend = f" {_too_high(record)}"
    for part, n in loss.lost.items():
        if n:
            epochs = [words.count(epoch) for epoch, value in loss.lines[part] if math.isnan(value)]
            name = {"valid": "validation"}.get(part, "training")
            which = f"epoch {epochs[0]}" if n == 1 else f"{words.count(n)} epochs, the first of them {epochs[0]}"
            yield f"The {name} loss was not finite in {which}: the training diverged.{mend}"
            mend = ""
    if record.refused:
        first, n = record.refused[0], len(record.refused)
        many = f"{words.count(n)} updates were refused" if n > 1 else "An update was refused"
        what = words.clip(first.get("quantity") or "gradient", 20)
        yield f"{many}, as the {what} was not finite; the first was step {words.count(first['step'])}.{mend}"


def _unlearned(record: Record, loss: Panel) -> Iterator[str]:
    """Tell of losses that never were, or at the end are not, what a model without any learning has."""
    blind = panels.chance(record)
    known = {part: [value for _, value in points if math.isfinite(value)] for part, points in loss.lines.items()}
    known = {part: values for part, values in known.items() if values}
    stuck = {part: min(values) for part, values in known.items() if blind and min(values) >= blind[1]}
    if blind and stuck:
        names = " and the ".join({"valid": "validation"}.get(part, "training") for part in ("valid", "train") if part in stuck)
        lowest = " and ".join(words.loss(stuck[part]) for part in ("valid", "train") if part in stuck)
        told = f"The {names} loss never fell below {_level(blind)}; at the lowest it was {lowest}."
        yield f"{_cause(record, blind[1], known)} {told} {_worth(record)}"
        return
    valid = known.get("valid", [])
    if blind and valid and valid[-1] >= blind[1]:
        yield f"At the end the validation loss was {words.loss(valid[-1])}, no better than {_level(blind)}."
    elif len(valid) > 1 and valid[0] == min(valid) and valid[-1] > 1.5 * valid[0]:
        yield (
            f"The validation loss was lowest after the first epoch ({words.loss(valid[0])}) and rose to "
            f"{words.loss(valid[-1])}: the learning rate may be too high, or the model learned its rows by heart."
        )


def _worth(record: Record) -> str:
    """Say what the answers of a model are worth whose loss is that of one without any learning."""
    _, found = scores.measured(record.report)
    value, guess = found.get("accuracy"), _guess(record)
    if scores.unclear(record.report):
        return "What it answers is not clearly better than guesses."
    if value is not None and guess is not None and value > guess:
        return (
            f"What it answers is right more often than guesses would be ({words.percent(value)} against "
            f"{words.percent(guess)}), but the probabilities beside the answers say nothing."
        )
    return "What it says of new rows is no better than guessing." if found else "It knows no more than before the first step."


def _guess(record: Record) -> float | None:
    """Return the accuracy of always answering the most frequent class, or at least of guessing."""
    classes = len(record.report.get("labels") or [])
    share = (record.report.get("baseline") or {}).get("accuracy")
    return share if share is not None else 1 / classes if classes else None


def _cause(record: Record, blind: float, known: Mapping[str, Sequence[float]]) -> str:
    """Say why nothing was learned."""
    if 0 <= (highest := max(_rates(record), default=1.0)) <= _TINY:
        return f"The learning rate was never above {highest:.3g}: the parameters hardly moved. A higher one may learn."
    if max(max(values) for values in known.values()) > _WILD * blind:
        return _too_high(record)
    if min(known.get("train", [blind])) >= _BARELY * blind:
        return "It did not learn its own rows either: the learning rate may be far too high or too low."
    return "It learned its own rows, and nothing that holds for others: more data or more regularisation may help."


def _too_high(record: Record) -> str:
    highest = max(_rates(record), default=0.0)
    given = record.settings.get("lr") and all(what != "lr" for what, _, _ in record.notes)
    mend = "without lr=... one that suits is taken" if given else "try a tenth of it, or clip=1"
    return f"The learning rate, {highest:.3g} at its highest, is likely too high: {mend}."


def _rates(record: Record) -> list[float]:
    return [each["lr"] for each in record.steps or record.history if each.get("lr") is not None]


def _level(blind: tuple[str, float]) -> str:
    name, value = blind
    return f"{name.partition(',')[0]} ({words.loss(value)})"


def _dead(record: Record) -> Iterator[str]:
    """Tell of a learning rate at which nothing can be learned any more."""
    rates = [(row["epoch"], row["lr"]) for row in record.history if row.get("lr") is not None]
    highest = max(_rates(record), default=1.0)
    if 0 <= highest <= _TINY:
        yield f"The learning rate was never above {highest:.3g}: the parameters hardly moved."
        return
    dead = [(epoch, rate) for epoch, rate in rates[:-1] if 0 <= rate <= _TINY]
    if dead:
        epoch, rate = dead[0]
        yield f"The learning rate was {rate:.3g} after epoch {words.count(epoch)}: what came then changed nothing."


def _learned_by_heart(record: Record, loss: Panel) -> Iterator[str]:
    """Tell of a model that knows its training rows much better than others."""
    kept = next((row for row in record.history if row["epoch"] == loss.kept), (record.history or [{}])[-1])
    train, valid = kept.get("train_accuracy"), kept.get("valid_accuracy")
    if train is not None and valid is not None and train - valid > _GAP:
        yield (
            f"It knows the rows that it learned from much better ({words.percent(train)} right at the epoch kept) than others "
            f"({words.percent(valid)}): more data or more regularisation may help."
        )


def _unfinished(record: Record, loss: Panel) -> Iterator[str]:
    """Tell of a training that ended while it was still getting better."""
    if not record.ended:
        return
    known = [(epoch, value) for epoch, value in loss.lines.get("valid", []) if math.isfinite(value)]
    if len(known) > 1 and loss.kept == known[-1][0] and known[-2][1] - known[-1][1] > 0.02 * abs(known[-2][1]):
        before, last = known[-2][1], known[-1][1]
        yield (
            f"The validation loss was still falling at the end ({words.loss(before)}, then {words.loss(last)}): "
            "more epochs may do better."
        )
