"""The report of a run as plain lines: the scores, how sure they are, what they had to beat, and where it goes wrong.

Labels and names are somebody's data, so they are cleaned and cut before they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from trainwright.errors import shell_word
from trainwright.watch import scores, words
from trainwright.watch.events import Note

PROMISE_HEAD = ("right in", "answered", "right on test", "at least, 95 % sure")
CONFUSION_HEAD = ("right label", "taken for", "rows", "of that class")
_MOST_CLASSES, _MOST_CONFUSIONS = 12, 6
_SAMPLE = 4  # lines of a generated text


class Confusion(NamedTuple):
    """``n`` rows of class ``true`` were taken for ``taken``: ``share`` of all rows of that class."""

    true: str
    taken: str
    n: int
    share: float


def lines(report: Mapping[str, Any]) -> list[str]:
    """Return the report in lines; a line without indentation is a heading."""
    return [*_scores(report), *_promises(report), *_sample(report), *_classes(report), *_confusions(report), *_effort(report)]


def confusions(labels: Sequence[object], matrix: Sequence[Sequence[int]], most: int) -> list[Confusion]:
    """Return the ``most`` frequent confusions, the most frequent first; ``matrix`` has true classes as rows."""
    found = [
        Confusion(str(labels[i]), str(labels[j]), n, n / sum(row))
        for i, row in enumerate(matrix)
        for j, n in enumerate(row)
        if i != j and n
    ]
    return sorted(found, key=lambda one: (-one.n, -one.share))[:most]


def confusion_rows(report: Mapping[str, Any], most: int, label: Callable[[object], str]) -> list[tuple[str, ...]]:
    """Return the most frequent confusions of the test rows as rows of a table, labels as ``label`` writes them."""
    measured = scores.measured(report)[1]
    labels, classes = report.get("labels") or [], measured.get("per_class") or []
    found = [
        Confusion(str(labels[i]), str(labels[j]), n, n / classes[i]["n"]) for i, j, n in (measured.get("confused") or [])[:most]
    ]
    found = found or confusions(labels, measured.get("confusion") or [], most)
    return [(label(one.true), label(one.taken), words.count(one.n), words.percent(one.share)) for one in found]


def class_head(classes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what stands above ``class_rows``."""
    head = ("class", "precision", "recall", "F1", "n")
    return ("label", *head[1:], "AP", "said from") if several(classes) else head


def several(classes: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a row may have several of these: labels, with a threshold each."""
    return any("threshold" in one for one in classes)


def class_rows(classes: Sequence[Mapping[str, Any]], label: Callable[[object], str]) -> list[tuple[str, ...]]:
    """Return label, precision, recall, F1 and number of classes as rows of a table, labels as ``label`` writes them; of several
    labels a row the average precision and the threshold too."""
    return [(label(one["label"]), *_shares(one)) for one in classes]


def _shares(one: Mapping[str, Any]) -> list[str]:
    found = [*(words.percent(one[key]) for key in ("precision", "recall", "f1")), words.count(one["n"])]
    if "threshold" not in one:
        return found
    precise = one.get("average_precision")
    return [*found, "-" if precise is None else words.percent(precise), words.number(one["threshold"], 3)]


def _clipped(label: object) -> str:
    return words.clip(label, scores.LABEL)


def _scores(report: Mapping[str, Any]) -> list[str]:
    model, source = words.clip(report["model"], 40), words.clip(report["source"], 60)
    test, judged = report.get("test") or {}, scores.verdict(report)
    target = f", predicting {_clipped(test['target'])}" if test.get("target") else ""
    found = scores.facts(report)
    name = max([15, *(words.width(each.name) + 2 for each in found)])
    value = max([10, *(words.width(each.value) for each in found)])
    sure = max([32, *(words.width(each.sure) for each in found)])
    shown = [
        f"  {words.pad(each.name, name)}{words.pad(each.value, -value)}   {words.pad(each.sure, sure)}  {each.remark}".rstrip()
        for each in found
    ]
    none = [] if test else [f"  no test {scores.unit(report)}, so there is no test score"]
    said = [
        f"  {line}"
        for each in (judged, scores.advice(report), scores.corrected(report))
        if each
        for line in words.wrap(each, 110)
    ]
    return ["", f"Result of {model} on {source}{target}", *none, *shown, *said]


def promise_rows(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return what validation promises of answers that are sure enough, and what came of it on test, as rows of a table.

    Of several promises for all rows only the highest is told, and none that cannot be kept.
    """
    found = [each for each in (report.get("test") or {}).get("promises") or [] if each["threshold"] is not None]
    whole = [each["sure"] for each in found if each["threshold"] == 0]
    return [
        (f"{100 * each['sure']:g} %", words.percent(each["answered"]), *_came(each))
        for each in found
        if each["threshold"] or each["sure"] == whole[-1]
    ]


def _came(promise: Mapping[str, Any]) -> tuple[str, str]:
    if promise["right"] is None:
        return "-", "-"
    return words.percent(promise["right"]), words.percent(promise["at_least"])


def _promises(report: Mapping[str, Any]) -> list[str]:
    rows = promise_rows(report)
    if not rows:
        return []
    title = "Answers with a promise, from validation; the rest goes to a person (predict --sure)"
    return ["", title, *words.table([PROMISE_HEAD, *rows])]


def _sample(report: Mapping[str, Any]) -> list[str]:
    """Return the beginning of the first generated text."""
    found = scores.samples(report)
    if not found:
        return []
    lines = words.wrap(found[0], 90)
    more = [f"  {words.ELLIPSIS}"] if len(lines) > _SAMPLE else []
    return ["", "Sample of generated text", *(f"  {line}" for line in lines[:_SAMPLE]), *more]


def _classes(report: Mapping[str, Any]) -> list[str]:
    """Return the table of classes, or of the worst ones where there are many."""
    shown, remark = (report.get("test") or {}).get("per_class") or [], ""
    if len(shown) > _MOST_CLASSES:
        which = "labels" if several(shown) else "classes"
        remark = f" (the {_MOST_CLASSES} of {len(shown)} {which} with the lowest F1)"
        shown = sorted(shown, key=lambda one: one["f1"])[:_MOST_CLASSES]
    head = class_head(shown)
    table = words.table([head, *class_rows(shown, _clipped)])
    return ["", f"Test rows by {head[0]}{remark}", *table] if shown else []


def _confusions(report: Mapping[str, Any]) -> list[str]:
    rows = confusion_rows(report, _MOST_CONFUSIONS, _clipped)
    return ["", "Most frequent confusions", *words.table([CONFUSION_HEAD, *rows], left=2)] if rows else []


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
    return f"trainwright {report.get('usage', 'predict RUN').replace('RUN', shell_word(run))}"


def commands(report: Mapping[str, Any], run: str) -> list[tuple[str, str]]:
    """Return what can be done with the model of ``run``, each with the command, to be copied as it is."""
    folder, own = shell_word(run), str(report.get("usage", "")).startswith("report")
    use = [
        ("Use it on something new", usage(report, run)),
        ("Measure it on other labelled data", f"trainwright evaluate {folder} FILE"),
        ("See why it answers as it does", f"trainwright explain {folder} INPUT"),
    ]
    measured = scores.measured(report)[1]
    answered = bool(measured) and (not own or bool(report.get("labels")) or "points" in measured)
    story = bool(report.get("valid")) and not report.get("folds") and answered
    return [
        *(use if not own else []),  # a model of the person's own can be used by the person's own code alone
        *([("See it learn, as a film", f"trainwright story {folder}")] if story else []),
        *([("See the loss around what it found", f"trainwright landscape {folder}")] if story and not own else []),
        *([("Show its worst answers, with their inputs", f"trainwright mistakes {folder}")] if answered else []),
        ("Compare it with other runs, on a live page", f"trainwright watch {shell_word(str(Path(run).parent))}"),
        ("Prove every byte of this run", f"trainwright verify {folder}"),
    ]


def going_on(run: str, own: bool) -> list[tuple[str, str]]:
    """Return how a run that has not ended is gone on with; ``own`` is one of ``fit``."""
    typed = "fit(..., resume=True)" if own else f"trainwright resume {shell_word(run)}"
    return [("Go on with it", typed), ("Draw it again", f"trainwright plots {shell_word(run)}")]


def undrawn(problem: str, run: Path) -> list[Note]:
    """Return what is said of a run whose plots are not drawn because of a ``problem``; nothing where there is none."""
    mend = f"draw them with: trainwright plots {shell_word(run)}"
    return [Note("plots", "not drawn", f"{problem}; {mend}")] if problem else []


def card(run: Path, report: Mapping[str, Any]) -> str:
    """Return what it is, how good, and how to use it, in Markdown."""
    source = words.markdown(report["source"])
    lines = [f"# {words.markdown(run.name)}", ""]
    lines += [f"{str(report['task']).capitalize()} by `{report['model']}`, trained on {source}."]
    measured = report["test"] or report["valid"]
    if measured:
        score, interval = scores.headline(measured)
        where = "test" if report["test"] else "validation"
        sure = f" (95 % interval {interval})" if interval else ""
        judged = scores.verdict(report)
        rows = f"{measured['n']:,} {where} {report['unit']}{scores.parts(measured)}"
        lines += ["", words.markdown(f"On the {rows}: {score}{sure}{f'; {judged}' if judged else ''}.")]
    if report["labels"]:
        lines += ["", f"Labels: {', '.join(map(words.markdown, report['labels']))}"]
    return "\n".join([*lines, "", "Use it:", "", f"    {words.clean(usage(report, str(run)))}", ""])
