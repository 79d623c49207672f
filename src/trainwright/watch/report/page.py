"""A run as one page: how good and how sure, curves, what was confused, right and wrong answers, data, settings, commands.

Promises: one file that loads nothing from elsewhere, and may not (a content security policy says so); readable in light and
dark, on a phone, on paper and to a screen reader; whatever comes from the data, the settings or the file names is escaped;
every number is one of the report, the history or the events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainwright.watch import metrics, scores, words
from trainwright.watch.record import Record
from trainwright.watch.report import (
    diagnosis,
    page_choice,
    page_confusion,
    page_curves,
    page_data,
    page_examples,
    page_html,
    page_numbers,
    page_style,
    page_sure,
    page_text,
)


def render(record: Record, commands: Sequence[tuple[str, str]]) -> str:
    """Return the page as HTML; ``commands`` are what to type to use the model, each with what it does."""
    report = record.report
    title = f"{words.clip(report['model'], 40)} on {words.clip(report['source'], 80)}"
    wrong = page_confusion.matrix(report) + page_numbers.figures(report)
    parts = [
        _header(record, title),
        page_html.section("How it learned", page_curves.curves(record) + _history(record.history), "training"),
        page_html.section("Where it goes wrong", wrong, "mistakes"),
        page_html.section("How sure it is", page_sure.sure(report), "sure"),
        page_html.section("Every class", page_confusion.classes(report), "classes"),
        page_html.section("Answers, with what it saw", page_examples.groups(record.examples), "answers"),
        page_html.section("The text it was tested on", page_text.passages(record), "passages"),
        page_html.section("What it writes", page_text.samples(record), "samples"),
        page_html.section("All scores", _scores(report), "scores"),
        page_html.section("The data", page_data.data(record), "data"),
        page_html.section("What was tried before", page_choice.tried(record), "choice"),
        page_html.section("Settings, and why", page_data.settings(record), "settings"),
        page_html.section("Effort and environment", page_html.facts(page_data.environment(report)), "environment"),
        page_html.section("Use it" if record.ended else "Go on", _commands(commands), "use"),
    ]
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{page_style.policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{page_html.text(title)}</title>\n<style>{page_style.STYLE}</style>\n</head>\n<body>\n"
    )
    body = parts[0] + "\n<main>\n" + "\n".join(part for part in parts[1:] if part) + "\n</main>\n"
    return f"{head}{body}<script>{page_style.SCRIPT}</script>\n</body>\n</html>\n"


def cell(record: Record) -> str:
    """Return how good a run is, its curves, and where it goes wrong, as a part of a page: the output of a notebook's cell.

    There is no script in it, nothing is loaded, and its style reaches nothing else.
    """
    title = f"{words.clip(record.report['model'], 40)} on {words.clip(record.report['source'], 80)}"
    wrong = page_confusion.matrix(record.report) + page_numbers.figures(record.report)
    sections = {
        "How it learned": page_curves.curves(record),
        "Where it goes wrong": wrong,
        "All scores": _scores(record.report),
    }
    parts = [f"<h2>{name}</h2>\n{content}" for name, content in sections.items() if content]
    name = "trainwright-run"
    body = "\n".join([_header(record, title), *parts])
    return f'<style>{page_style.cell(name)}</style>\n<div class="{name}">\n{body}\n</div>'


def _header(record: Record, title: str) -> str:
    """Return what it is, how good, how sure, and what went wrong."""
    report = record.report
    where, found = scores.measured(report)
    lead = metrics.lead(found) or ("loss" if "loss" in metrics.values(found) else None)
    target = found.get("target")
    kind = f"{report['task']}: {words.clip(target, 60)}" if target else report["task"]
    lines = [f'<p class="eyebrow">{page_html.text(kind)}</p>', f"<h1>{page_html.text(title)}</h1>"]
    lede = diagnosis.sentence(report, page_data.leaked(record)) if record.ended else diagnosis.standing(record)
    lines.append(f'<p class="lede">{page_html.text(lede)}</p>')
    if lead:
        name = f"{where} {metrics.find(lead).title}"
        value = metrics.find(lead).write(metrics.values(found)[lead])
        sure = scores.interval(lead, found)
        under = page_html.text(", ".join(filter(None, [name, sure])))
        big = f'<p class="score">{page_html.text(value)}</p><p class="soft">{under}</p>'
        lines.append(f'<div class="head"><div>{big}</div>{page_curves.score(report)}</div>')
    told = "".join(f"<li>{page_html.text(each)}</li>" for each in diagnosis.findings(record))
    lines.append(f'<ul class="findings">{told}</ul>' if told else "")
    return "<header>\n" + "\n".join(filter(None, lines)) + "\n</header>"


def _scores(report: Mapping[str, Any]) -> str:
    """Return all scores, each with how sure it is, and what it means or of how many it is."""
    found = [
        tuple(map(page_html.text, (fact.name, fact.value, fact.sure, fact.remark)))
        for fact in scores.facts(report, "validation")
    ]
    return (
        page_html.table(("score", "value", "how sure", "what it is"), found, "All scores", (0, 2, 3), "untitled")
        if found
        else ""
    )


def _history(history: Sequence[Mapping[str, Any]]) -> str:
    """Return the numbers behind the curves, folded away."""
    if not history:
        return ""
    head, columns = ["epoch"], [[words.count(row["epoch"]) for row in history]]
    for part, name in metrics.by_epoch(history):
        entry, values = metrics.find(name), (row.get(f"{part}_{name}") for row in history)
        head.append(page_html.text(f"{part} {entry.title}"))
        columns.append(["-" if value is None else entry.write(value) for value in values])
    table = page_html.table(head, zip(*columns, strict=True), "Scores by epoch", ())
    return page_html.folded("Numbers by epoch", table)


def _commands(commands: Sequence[tuple[str, str]]) -> str:
    return "\n".join(
        f"<p>{page_html.text(what)}</p>\n<pre><code>{page_html.text(command)}</code></pre>" for what, command in commands
    )
