"""The report of a run as plain lines: the score, how sure it is, what it had to beat, and where it goes wrong.

Promises: plain text only; labels and names are somebody's data, so they are cleaned and cut before they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from trainwright.watch import words

MOST_CLASSES = 12
_MOST_CONFUSIONS = 6
_LABEL = 28


class Confusion(NamedTuple):
    """``n`` rows of class ``true`` were taken for ``taken``: ``share`` of all rows of that class."""

    true: str
    taken: str
    n: int
    share: float


def lines(report: Mapping[str, Any]) -> list[str]:
    """The report in lines; a line without indentation is a heading."""
    return [*_scores(report), *_classes(report), *_confusions(report), *_effort(report)]


def confusions(labels: Sequence[object], matrix: Sequence[Sequence[int]], most: int) -> list[Confusion]:
    """The ``most`` frequent confusions, the most frequent first; ``matrix`` has true classes as rows."""
    found = [
        Confusion(str(labels[i]), str(labels[j]), n, n / sum(row))
        for i, row in enumerate(matrix)
        for j, n in enumerate(row)
        if i != j and n
    ]
    return sorted(found, key=lambda one: (-one.n, -one.share))[:most]


def worst_classes(per_class: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], str]:
    """The classes to show, and a remark when these are only the worst ones."""
    if len(per_class) <= MOST_CLASSES:
        return list(per_class), ""
    worst = sorted(per_class, key=lambda one: one["f1"])[:MOST_CLASSES]
    return worst, f"the {MOST_CLASSES} of {len(per_class)} classes with the lowest F1"


def verdict(report: Mapping[str, Any]) -> str:
    """How the test score stands against the baseline, in one sentence; empty where they cannot be compared."""
    test, baseline = report.get("test") or {}, report.get("baseline") or {}
    ours, theirs = test.get("accuracy"), baseline.get("accuracy")
    if ours is None or theirs is None:
        return ""
    if ours <= theirs:
        return "the model does not beat the baseline"
    if test.get("interval") and baseline.get("interval") and test["interval"][0] <= baseline["interval"][1]:
        return "not clearly better than the baseline: the intervals overlap"
    return f"{100 * (ours - theirs):.2f} points above the baseline"


def baseline_name(baseline: Mapping[str, Any]) -> str:
    """``majority class, World``."""
    label = baseline.get("label")
    return words.clip(baseline["name"], _LABEL) + ("" if label is None else f", {words.clip(label, _LABEL)}")


def _scores(report: Mapping[str, Any]) -> list[str]:
    model, source = words.clip(report["model"], 40), words.clip(report["source"], 60)
    rows: list[tuple[str, str, str, str]] = []
    test, valid, baseline = report.get("test"), report.get("valid"), report.get("baseline")
    if test:
        rows += _score("test", test)
        if test.get("macro_f1") is not None:
            rows.append(("macro F1", words.percent(test["macro_f1"]), "mean of the classes' F1", ""))
    if baseline and baseline.get("accuracy") is not None:
        share = words.percent(baseline["accuracy"])
        rows.append(("to beat", share, words.interval(baseline.get("interval")), baseline_name(baseline)))
    if valid:
        rows += _score("valid", valid)
    shown = [f"  {row[0]:<15}{row[1]:>10}   {row[2]:<32}  {row[3]}".rstrip() for row in rows]
    none = [] if test else ["  no test rows, so there is no test score"]
    judged = verdict(report)
    return ["", f"Result of {model} on {source}", *none, *shown, *([f"  {judged}"] if judged else [])]


def _score(name: str, scores: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """The accuracy where there is one, then the loss; the count stands beside the first."""
    n = f"n = {words.count(scores['n'])}"
    loss = words.loss(scores["loss"])
    if scores.get("accuracy") is None:
        return [(f"{name} loss", loss, words.interval(None), n)]
    accuracy = words.percent(scores["accuracy"])
    return [(f"{name} accuracy", accuracy, words.interval(scores.get("interval")), n), (f"{name} loss", loss, "", "")]


def _classes(report: Mapping[str, Any]) -> list[str]:
    per_class = (report.get("test") or {}).get("per_class")
    if not per_class:
        return []
    shown, remark = worst_classes(per_class)
    head = ("class", "precision", "recall", "F1", "n")
    rows = [(words.clip(one["label"], _LABEL), *quality(one), words.count(one["n"])) for one in shown]
    return ["", "Test rows by class" + (f" ({remark})" if remark else ""), *words.table([head, *rows])]


def quality(one: Mapping[str, Any]) -> tuple[str, str, str]:
    """Precision, recall and F1 of one class."""
    return words.percent(one["precision"]), words.percent(one["recall"]), words.percent(one["f1"])


def _confusions(report: Mapping[str, Any]) -> list[str]:
    matrix = (report.get("test") or {}).get("confusion")
    found = confusions(report["labels"], matrix, _MOST_CONFUSIONS) if matrix else []
    if not found:
        return []
    head = ("right label", "taken for", "rows", "of that class")
    rows = [
        (words.clip(one.true, _LABEL), words.clip(one.taken, _LABEL), words.count(one.n), words.percent(one.share))
        for one in found
    ]
    return ["", "Most frequent confusions", *words.table([head, *rows], left=2)]


def _effort(report: Mapping[str, Any]) -> list[str]:
    spent: Mapping[str, float] = report.get("seconds") or {}
    rows: Mapping[str, int] = report.get("rows") or {}
    facts = []
    if spent:
        phases = ", ".join(f"{name} {words.seconds(value)}" for name, value in spent.items())
        facts.append(("time", f"{words.seconds(sum(spent.values()))}: {phases}"))
    if rows:
        facts.append(("rows", ", ".join(f"{words.count(n)} {name}" for name, n in rows.items())))
    trained = f"{words.count(report['steps'])} steps in {words.count(report['epochs'])} epochs"
    facts.append(("training", f"{trained}, kept: epoch {words.count(report['best_epoch'])}"))
    facts.append(("parameters", words.count(report["parameters"])))
    if report.get("rows_per_second"):
        facts.append(("speed", f"{words.rate(report['rows_per_second'])} rows/s in training"))
    return ["", "Effort", *(f"  {name:<12}{value}" for name, value in facts)]


def headline(scores: Mapping[str, Any]) -> tuple[str, str]:
    """The main score of a split, and its interval."""
    return words.percent(scores["accuracy"]), words.interval(scores.get("interval"))
