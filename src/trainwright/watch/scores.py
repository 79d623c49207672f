"""The scores of a run as facts, for every task: what was reached, how sure that is, and what it had to beat.

A report of an older run, with fewer keys, can be shown too. Names are somebody's data, so they are cleaned and cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from trainwright.watch import metrics, words

NOT_CLEAR, NOT_BETTER = "not clearly better than the baseline", "the model does not beat the baseline"
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
    if lead is None:
        return (f"loss {words.loss(found['loss'])}" if "loss" in found else "-"), ""
    ends, share, entry = interval_of(lead, scores or {}), metrics.is_share(lead), metrics.find(lead)
    shown = entry.write(found[lead])
    text = shown if lead == "accuracy" else f"{entry.title} {shown}"
    if not ends:
        return text, ""
    low, high = words.bounds([100 * end for end in ends] if share else ends)
    return text, f"{low} - {high}{' %' if share else ''}"


def facts(report: Mapping[str, Any], valid: str = "valid") -> list[Fact]:
    """Return all scores: those on the test rows, what they had to beat, those on the validation rows (called ``valid``)."""
    return [*_split("test", "test", report), *_price(report), *_to_beat(report), *_split("valid", valid, report)]


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
        rows, n = words.count(found["rows"]), words.count(found["n"])
        remark = f"n = {n}; {rows} {found['split']} rows are left out that are in train too, or nearly"
        yield Fact("without leaked rows", metrics.find(lead).write(metrics.values(found)[lead]), interval(lead, found), remark)


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
    best, others = report.get("baseline") or {}, report.get("baselines") or []
    others = [each for each in others if each.get("name") != best.get("name")]
    there = [each for each in (best, *others) if each.get(lead) is not None]
    return lead, sorted(there, key=lambda each: -each[lead] if metrics.find(lead).higher_is_better else each[lead])


def _to_beat(report: Mapping[str, Any]) -> list[Fact]:
    lead, against = baselines(report)
    return [Fact("baseline", metrics.find(lead).write(each[lead]), interval(lead, each), _named(each)) for each in against]


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
    """Say how the test score stands against the baseline, in one sentence; empty where they cannot be compared."""
    test, (lead, against) = report.get("test") or {}, baselines(report)
    if not against or lead not in metrics.values(test):
        return ""
    higher, best, ours = metrics.find(lead).higher_is_better, against[0], metrics.values(test)[lead]
    theirs = best[lead]
    beaten = ours > theirs if higher else ours < theirs
    unclear = NOT_CLEAR if beaten else NOT_BETTER
    mine, other = interval_of(lead, test), interval_of(lead, best)
    if lead == "perplexity":
        name = words.clip(best.get("name") or "other", LABEL)
        said = f"perplexity {words.number(ours)} against {words.number(theirs)} of the {name} baseline"
        if beaten and not (mine and mine[1] >= theirs):
            return said
        return f"{unclear}: {said}{', which lies in the interval' if beaten else ''}"
    if not beaten:
        return unclear
    if mine and other and (mine[0] <= other[1] if higher else mine[1] >= other[0]):
        return f"{unclear}: the intervals overlap"
    if metrics.is_share(lead):
        return f"{100 * (ours - theirs):.2f} points above the baseline"
    less = 100 * (1 - ours / theirs)
    return f"RMSE {words.number(ours)} is {less:.{0 if 1 <= less < 99 else 2}f} % below the baseline's"


def unclear(report: Mapping[str, Any]) -> bool:
    """Return whether the test score is not clearly better than the baseline."""
    return verdict(report).startswith((NOT_CLEAR, NOT_BETTER))


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
