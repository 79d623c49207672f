"""The report of a run as plain lines: the scores, how sure they are, what they had to beat, and where it goes wrong.

Promises: plain text only; labels and names are somebody's data, so they are cleaned and cut before they are shown.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from trainwright.watch import scores, words
from trainwright.watch.scores import headline as headline
from trainwright.watch.scores import verdict as verdict

MOST_CLASSES = 12
_MOST_CONFUSIONS = 6
_LABEL = 28
_SAMPLE = 4  # lines of a generated text


class Confusion(NamedTuple):
    """``n`` rows of class ``true`` were taken for ``taken``: ``share`` of all rows of that class."""

    true: str
    taken: str
    n: int
    share: float


def lines(report: Mapping[str, Any]) -> list[str]:
    """The report in lines; a line without indentation is a heading."""
    return [*_scores(report), *_sample(report), *_classes(report), *_confusions(report), *_effort(report)]


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


def _scores(report: Mapping[str, Any]) -> list[str]:
    model, source = words.clip(report["model"], 40), words.clip(report["source"], 60)
    test = report.get("test") or {}
    target = f", predicting {words.clip(test['target'], _LABEL)}" if test.get("target") else ""
    found = scores.facts(report)
    name, value, sure = (max([least, *map(words.width, column)]) for least, column in _columns(found))
    shown = [
        f"  {words.pad(each.name, name)}{words.pad(each.value, -value)}   {words.pad(each.sure, sure)}  {each.remark}".rstrip()
        for each in found
    ]
    none = [] if test else [f"  no test {scores.unit(report)}, so there is no test score"]
    judged = verdict(report)
    return ["", f"Result of {model} on {source}{target}", *none, *shown, *([f"  {judged}"] if judged else [])]


def _columns(found: Sequence[scores.Fact]) -> list[tuple[int, list[str]]]:
    """Names, values and intervals, each with the width that it has at least."""
    return [
        (15, [f"{each.name}  " for each in found]),
        (10, [each.value for each in found]),
        (32, [each.sure for each in found]),
    ]


def _sample(report: Mapping[str, Any]) -> list[str]:
    """The beginning of the first generated text."""
    found = scores.samples(report)
    if not found:
        return []
    lines = words.wrap(found[0], 90)
    more = [f"  {words.ELLIPSIS}"] if len(lines) > _SAMPLE else []
    return ["", "Sample of generated text", *(f"  {line}" for line in lines[:_SAMPLE]), *more]


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
        facts.append((scores.unit(report), ", ".join(f"{words.count(n)} {name}" for name, n in rows.items() if n is not None)))
    trained = f"{words.count(report['steps'])} steps in {words.count(report['epochs'])} epochs"
    facts.append(("training", f"{trained}, kept: epoch {words.count(report['best_epoch'])}"))
    facts.append(("parameters", words.count(report["parameters"])))
    if report.get("rows_per_second"):
        facts.append(("speed", f"{words.rate(report['rows_per_second'])} {scores.unit(report)}/s in training"))
    return ["", "Effort", *(f"  {name:<12}{value}" for name, value in facts)]


def usage(report: Mapping[str, Any], run: str) -> str:
    """Return the command that uses the model of ``run``, to be copied as it is; its report says how, RUN in the run's place."""
    return f"trainwright {report.get('usage', 'predict RUN').replace('RUN', shlex.quote(run))}"
