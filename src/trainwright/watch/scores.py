"""The scores of a run as facts, for every task: what was reached, how sure that is, and what it had to beat.

A report of an older run, with fewer keys, can be shown too. Names are somebody's data, so they are cleaned and cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from trainwright.watch import metrics, words

NO_SIGNAL, _UNCLEAR, _WORSE = "no signal", "not clearly better than", "the model does not beat"
TOO_FEW = "too few rows to tell"
NOT_CLEAR, NOT_BETTER = f"{_UNCLEAR} the baseline", f"{_WORSE} the baseline"
LABEL = 28  # cells of a label
UNEVEN = ("roc_auc", "average_precision", "log_loss", "balanced_accuracy", "mcc")  # shown where classes are uneven
# What the numbers beside the leading one mean.
_REMARKS = {
    "rmse": {"loss": "of the standardised target", "r2": "1 is perfect, 0 is no better than a mean"},
    "perplexity": {"loss": "nats per token", "accuracy": "of the next token"},
    "accuracy": {
        "macro_f1": "mean of the classes' F1",
        "balanced_accuracy": "mean of the classes' recalls",
        "roc_auc": "how often a row of a class is put above one of another",
        "mcc": "1 is perfect, 0 is no better than chance",
    },
    "micro_f1": {
        "macro_f1": "mean of the labels' F1",
        "subset_accuracy": "rows whose labels are all right, and no other said",
        "average_precision": "mean of the labels",
        "loss": "a label",
    },
}


class Fact(NamedTuple):
    """One line about a score: ``sure`` is its interval, ``remark`` a count, a unit or a name."""

    name: str
    value: str
    sure: str = ""
    remark: str = ""


def unit(report: Mapping[str, Any]) -> str:
    """Return what is counted: rows or tokens."""
    return words.clip(report.get("unit") or "rows", 12)


def measured(report: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return what the model was measured on, test or validation, with the scores there; empty where there are none."""
    return ("test", report["test"]) if report.get("test") else ("validation", report.get("valid") or {})


def headline(scores: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return the main score of a split and its interval in short, for a table of runs; ``-`` where there is none."""
    found, lead = metrics.values(scores or {}), metrics.lead(scores or {})
    lead = lead or ("loss" if "loss" in found else None)
    if lead is None:
        return "-", ""
    ends, share, entry = interval_of(lead, scores or {}), metrics.is_share(lead), metrics.find(lead)
    shown = entry.write(found[lead])
    text = shown if lead == "accuracy" else f"{entry.title} {shown}"
    if not ends:
        return text, ""
    low, high = words.bounds([100 * end for end in ends] if share else ends)
    return text, f"{low} - {high}{' %' if share else ''}"


def facts(report: Mapping[str, Any], valid: str = "valid") -> list[Fact]:
    """Return all scores on the test rows and on the validation rows (called ``valid``), and what each had to beat."""
    return [
        *_split("test", "test", report),
        *_price(report),
        *_certainty(report),
        *_to_beat(report),
        *_split("valid", "out of fold" if report.get("folds") else valid, report),
        *(_to_beat(report, "valid", f"{valid} ") if report.get("test") else ()),
    ]


def _certainty(report: Mapping[str, Any]) -> Iterator[Fact]:
    """Yield how far the probabilities of the test rows are from how often they are right, or how often an interval holds."""
    test, told = report.get("test") or {}, report.get("calibration") or {}
    if test.get("ece") is not None:
        divided, before = told.get("temperature", 1.0), told.get("ece_before")
        was = f"; {words.percent(before)} without the temperature {words.number(divided)}" if divided != 1 and before else ""
        yield Fact(
            "calibration error", words.percent(test["ece"]), "", f"ECE; by chance {words.percent(test['ece_by_chance'])}{was}"
        )
    if found := test.get("prediction_interval"):
        held = f"of {100 * found['share']:g} % intervals, answer \u00b1 {words.number(found['half_width'])}"
        yield Fact("test coverage", words.percent(found["coverage"]), words.interval(found["interval"]), held)


def _split(split: str, part: str, report: Mapping[str, Any]) -> Iterator[Fact]:
    """Yield the scores of a split, called ``part``, the leading one first; the count stands beside it."""
    scores = report.get(split) or {}
    found, lead = metrics.values(scores), metrics.lead(scores)
    explained = part == "test" or not report.get("test")
    remarks, first = _REMARKS[lead or "accuracy"] if explained else {}, lead or "loss"
    found = {name: found[name] for name in found if _tells(name, report)}
    for name in sorted(found, key=lambda name: (name != first, name == "loss" and lead == "rmse")):
        remark, entry = remarks.get(name, ""), metrics.find(name)
        if name == first:
            counted = "" if unit(report) == "rows" else f" {unit(report)}"
            remark = f"n = {words.count(scores['n'])}{counted}{parts(scores)}" if scores.get("n") is not None else ""
        title = entry.title if name == "macro_f1" and part == "test" else f"{part} {entry.title}"
        yield Fact(title, entry.write(found[name]), interval(name, scores), remark)


def _price(report: Mapping[str, Any]) -> Iterator[Fact]:
    """Yield the leading score without the rows that are in the training split too."""
    found = report.get("without_leaked") or {}
    lead = metrics.lead(found)
    if lead:
        rows, n, of = words.count(found["rows"]), words.count(found["n"]), unit(report)
        left = f"{rows} {found['split']} {of[:-1] + ' is' if found['rows'] == 1 else of + ' are'} left out that"
        how = "in passages of train" if of == "tokens" else "in train too, or nearly"
        remark = f"n = {n}; {left} {'is' if found['rows'] == 1 else 'are'} {how}"
        yield Fact(f"without leaked {of}", metrics.find(lead).write(metrics.values(found)[lead]), interval(lead, found), remark)


def _tells(name: str, report: Mapping[str, Any]) -> bool:
    """Return whether a metric says more than accuracy does: where one class is far more frequent, or it chose the epoch."""
    usual, labels = (report.get("baseline") or {}).get("accuracy"), len(report.get("labels") or [])
    valid = report.get("valid") or {}
    if name not in UNEVEN or usual is None or name in metrics.values(valid):
        return True
    return name != "log_loss" and labels > 1 and usual >= min(1.5 / labels, 0.9)


def parts(scores: Mapping[str, Any]) -> str:
    """Write of how many units the rows are parts of, over which the intervals are: `` (6 distinct)``; else nothing."""
    units, column = scores.get("units"), scores.get("units_of")
    if not isinstance(units, int):
        return ""
    return f" ({words.count(units)} {f'groups by {words.clip(str(column), 40)}' if column else 'distinct'})"


def interval(name: str, scores: Mapping[str, Any]) -> str:
    """Return the interval of a metric in words; empty where there is none."""
    ends = interval_of(name, scores)
    return words.interval(ends) if metrics.is_share(name) else words.between(ends)


def interval_of(name: str, scores: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the interval of a metric, where both of its ends are numbers."""
    ends = scores.get("interval" if name == "accuracy" else f"{name}_interval") or ()
    known = [end for end in ends if end is not None and math.isfinite(end)]
    return (known[0], known[1]) if len(known) == 2 else None


def baselines(report: Mapping[str, Any]) -> tuple[str, list[Mapping[str, Any]]]:
    """Return the leading metric, and the baselines that have it, the best first."""
    lead = metrics.lead(report.get("test") or report.get("valid") or report.get("baseline") or {}) or ""
    usual, found = report.get("baseline") or {}, report.get("baselines") or []
    there = [*found, *([usual] if usual.get("name") not in [each.get("name") for each in found] else [])]
    there = [each for each in there if each.get(lead) is not None]
    return lead, sorted(there, key=lambda each: -each[lead] if metrics.find(lead).higher_is_better else each[lead])


def _to_beat(report: Mapping[str, Any], split: str = "", called: str = "") -> Iterator[Fact]:
    """Yield what was to be beaten, the best first; with ``split`` on its rows."""
    lead, against = baselines(report)
    for each in against:
        there = each if not split else each.get(split) or {}
        if there.get(lead) is not None:
            value, sure = metrics.find(lead).write(there[lead]), interval(lead, there)
            yield Fact(f"{called}baseline", value, sure, _named(each) if not split else words.clip(each.get("name"), 40))


def _named(baseline: Mapping[str, Any]) -> str:
    """Return ``majority class, World``; ``mean of the training targets, 152.1``; ``bigram, loss 5.2590``."""
    name, label, value = (baseline.get(key) for key in ("name", "label", "value"))
    parts = [words.clip(name or "baseline", 40)]
    if label is not None:
        parts.append(words.clip(label, LABEL))
    if isinstance(value, int | float):
        parts.append(words.number(value))
    if baseline.get("perplexity") is not None and baseline.get("loss") is not None:
        parts.append(f"loss {words.loss(baseline['loss'])}")
    return ", ".join(parts)


def verdict(report: Mapping[str, Any]) -> str:
    """Say how the test score stands against the best baseline, in one sentence; empty where they cannot be compared."""
    test, (lead, against) = report.get("test") or {}, baselines(report)
    if report.get("signal") is False and report.get("baselines"):
        return f"{NO_SIGNAL}: the answers tell no more of new {unit(report)} than {in_words(report['baselines'][0])}"
    if _cannot_tell(report):
        return f"{TOO_FEW} whether the answers say more of new rows than {in_words(report['baselines'][0])}"
    if not against or lead not in metrics.values(test):
        return ""
    higher, best, ours = metrics.find(lead).higher_is_better, against[0], metrics.values(test)[lead]
    beaten = ours > best[lead] if higher else ours < best[lead]
    constant = best.get("name") == (report.get("baseline") or {}).get("name")
    named = "the baseline" if constant or lead == "perplexity" else in_words(best)
    unclear = f"{_UNCLEAR if beaten else _WORSE} {named}"
    if ends := _paired(best):
        said = _by_rows(lead, ours, best, ends, named)
        return said if beaten and ends[0] > 0 else f"{unclear}: {said}"
    mine, other = interval_of(lead, test), interval_of(lead, best)
    if lead == "perplexity":
        said = _perplexities(ours, best)
        clear = beaten and not (mine and mine[1] >= best[lead])
        return said if clear else f"{unclear}: {said}{', which lies in the interval' if beaten else ''}"
    if not beaten:
        return unclear
    if mine and other and (mine[0] <= other[1] if higher else mine[1] >= other[0]):
        return f"{unclear}: the intervals overlap"
    if metrics.is_share(lead):
        return f"{100 * (ours - best[lead]):.2f} points above {named}"
    less = 100 * (1 - ours / best[lead])
    return f"RMSE {words.number(ours)} is {less:.{0 if 1 <= less < 99 else 2}f} % below {named}'s"


def _cannot_tell(report: Mapping[str, Any]) -> bool:
    """Return whether rows were measured, too few to tell a signal; of tokens another sentence says it."""
    there = report.get("baselines") and (report.get("test") or report.get("valid"))
    return bool(there) and report.get("signal", True) is None and unit(report) == "rows"


def _paired(baseline: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the interval of how much better the model is than a baseline, row by row, where it is known."""
    found = [baseline.get("difference"), *(baseline.get("difference_interval") or ())]
    known = [each for each in found if isinstance(each, int | float) and math.isfinite(each)]
    return (known[1], known[2]) if len(known) == len(found) == 3 else None


def _by_rows(lead: str, ours: float, best: Mapping[str, Any], ends: tuple[float, float], named: str) -> str:
    """Say by how much a score is better or worse than a baseline's, with the interval of the score less the other."""
    points = metrics.is_share(lead)
    facts = (
        (best["difference"], *ends) if points else (-best["difference"], -ends[1], -ends[0])
    )  # of errors it is how much less
    less = facts[0] < 0
    digits = 2 if points or not 0.01 <= abs(facts[0]) < 0.99 else 0
    value, low, high = (words.fixed(100 * each, digits) for each in facts)
    size, unit = value.removeprefix("-"), "points" if points else "%"
    sure = f"({f'a difference of {value} {unit}, ' if less else ''}95 % interval {low} to {high}{'' if points else ' %'})"
    if points:
        return f"{size} points {'below' if less else 'above'} {named} {sure}"
    apart = f"{size} % {'lower' if less else 'higher'} {sure}"
    if lead == "perplexity":
        return f"{_perplexities(ours, best)}, {apart}"
    return f"RMSE {words.number(ours)} against {words.number(best[lead])} of {named}, {apart}"


def _perplexities(ours: float, best: Mapping[str, Any]) -> str:
    name = words.clip(best.get("name") or "other", LABEL)
    return f"perplexity {words.number(ours)} against {words.number(best['perplexity'])} of the {name} baseline"


def in_words(baseline: Mapping[str, Any]) -> str:
    """Return what a baseline does, in plain words: ``always answering World``, ``naive Bayes``."""
    name, label = words.clip(baseline.get("name") or "the baseline", 40), baseline.get("label")
    if label is not None:
        return f"always answering {words.clip(label, LABEL)}"
    if isinstance(baseline.get("value"), int | float):
        return f"always answering the mean ({words.number(baseline['value'])})"
    article = {"linear model": "a", "linear bag": "a", "unigram": "the", "bigram": "the"}.get(name)
    return f"{article} {name}{' model' if article == 'the' else ''}" if article else name


def advice(report: Mapping[str, Any]) -> str:
    """Say what to try where the answers are no better than those of something simpler; empty where they are."""
    judged = verdict(report)
    if judged.startswith(NO_SIGNAL):
        return (
            "Labels that were dealt out at random look like this: is the label the right column, and does each stand beside "
            "what it belongs to? If so, more rows may help, or other things to tell it from."
        )
    if judged.startswith(TOO_FEW):
        return "Measure on more rows: a larger valid_fraction or test_fraction, or more data."
    if not judged.startswith((_UNCLEAR, _WORSE)) or not any(map(_paired, report.get("baselines") or ())):
        return ""
    best = baselines(report)[1][0]
    ends, simple = _paired(best), in_words(best)
    how = "better" if ends and ends[1] < 0 else "as good"
    told = f"{simple[0].upper()}{simple[1:]}, fitted in a moment, is {how}"
    return f"{told}: try more epochs, another lr or another model, or more rows."


def unclear(report: Mapping[str, Any]) -> bool:
    """Return whether the test score is not clearly better than the constant baseline."""
    return verdict(report).startswith((NOT_CLEAR, NOT_BETTER, NO_SIGNAL, TOO_FEW))


def near(report: Mapping[str, Any], truths: Sequence[float]) -> tuple[float, str]:
    """Return how far off an answer may be to count as near: half of how far off a baseline is, and which; 0 for no spread."""
    baseline = report.get("baseline") or {}
    mean = sum(truths) / len(truths)
    spread = math.sqrt(sum((truth - mean) ** 2 for truth in truths) / len(truths))
    named = "the baseline" if baseline.get("rmse") else "their mean"
    half = (baseline.get("rmse") or spread) / 2
    return (float(f"{half:.2g}") if math.isfinite(half) else 0.0), named


def samples(report: Mapping[str, Any]) -> list[str]:
    """Return the generated texts of a language model; none where there are none."""
    found = report.get("samples")
    return [str(text) for text in found if str(text).strip()] if isinstance(found, list | tuple) else []


def corrected(report: Mapping[str, Any]) -> str:
    """Say which labels that a score is counted on a person corrected; empty where none were."""
    found = report.get("fixed") or {}
    counts = found.get("corrected") or {}
    held = {name: counts[name] for name in ("valid", "test") if counts.get(name)}
    told = " and ".join(words.counted(number, f"{name} label") for name, number in held.items())
    were = "was" if sum(held.values()) == 1 else "were"
    return f"{told} {were} corrected by {words.clip(found.get('file'), 60)}" if held else ""
