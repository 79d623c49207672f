"""A run as one page: the score and what it had to beat, curves, confusions, classes, settings, how to use the model.

Promises: one file without scripts or anything to load from elsewhere, readable in light and dark and on paper; whatever
comes from the data, the settings or the file names is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from trainwright.watch import metrics, scores, summary, words

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --soft: #5f6368; --line: #dcdcdc; --paper: #fff; --panel: #f6f6f4; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e8; --soft: #a0a4a8; --line: #3a3d40; --paper: #16181a; --panel: #212427; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 0.75rem; }
h1, td, th, p, code { overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.score { font-size: 3.25rem; line-height: 1.1; font-weight: 600; margin: 1.5rem 0 0.25rem; }
table { border-collapse: collapse; font-size: 0.95rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 1.25rem 0.3rem 0; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 500; color: var(--soft); }
.n { text-align: right; white-space: nowrap; }
.wide { overflow-x: auto; }
figure { margin: 0; padding: 0.5rem; background: #fff; border: 1px solid var(--line); border-radius: 6px; }
figure + *, details > * { margin-top: 1rem; }
img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
pre { background: var(--panel); border-radius: 6px; padding: 0.9rem 1rem; overflow-x: auto; }
.sample { white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--soft); }
"""
_PLOTS = {
    "curves": "Loss and score by epoch",
    "confusion": "Right labels against predicted labels",
    "predicted": "Predicted against actual values",
}
_SAMPLES, _SAMPLE = 5, 2_000  # generated texts, and characters of each


def render(report: Mapping[str, Any], history: Sequence[Mapping[str, Any]], plots: Mapping[str, bytes], command: str) -> str:
    """Return the page as HTML; ``plots`` maps names to PNG files, ``command`` is what to type to use the model."""
    title = f"{words.clip(report['model'], 40)} on {words.clip(report['source'], 80)}"
    rows: Mapping[str, int] = report.get("rows") or {}
    data = _facts((name, words.count(n)) for name, n in rows.items() if n is not None)
    unit = scores.unit(report)
    parts = [
        f"<h1>{_text(title)}</h1>",
        f'<p class="soft">{_text(report["task"])}</p>',
        _headline(report),
        _section("Training", _plot(plots, "curves") + _history(history)),
        _section("Samples of generated text", _samples(report)),
        _section("Where it goes wrong", _plot(plots, "confusion") + _plot(plots, "predicted") + _confusions(report)),
        _section("Test rows by class", _classes(report)),
        _section("Use the model", f"<pre><code>{_text(command)}</code></pre>"),
        _section("Data" if unit == "rows" else f"Data, in {_text(unit)}", data),
        _section("Effort", _facts(_effort(report))),
        _section("Settings", _facts(_flat(report.get("settings", {})))),
    ]
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    return head + "\n".join(part for part in parts if part) + "\n</body>\n</html>\n"


def _text(value: object) -> str:
    """Return somebody's text as HTML: no tags, no control characters."""
    return escape(words.clean(value))


def _label(value: object) -> str:
    """Return a label as HTML; it keeps its own direction, so that a right-to-left one does not turn its neighbours around."""
    return f"<bdi>{_text(words.clip(value, 80))}</bdi>"


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{content}\n</section>" if content else ""


def _plot(plots: Mapping[str, bytes], name: str) -> str:
    if name not in plots:
        return ""
    data = base64.b64encode(plots[name]).decode()
    return f'<figure><img alt="{_PLOTS[name]}" src="data:image/png;base64,{data}"></figure>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Return a table whose cells are HTML already; the first ``left`` columns are words, the others numbers."""

    def line(tag: str, cells: Sequence[str]) -> str:
        marks = ["" if place < left else ' class="n"' for place in range(len(cells))]
        return "".join(f"<{tag}{mark}>{cell}</{tag}>" for mark, cell in zip(marks, cells, strict=True))

    return _rows([line("th", head), *(line("td", row) for row in rows)])


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    return _rows([f"<th>{_text(name)}</th><td>{_text(value)}</td>" for name, value in facts])


def _rows(rows: Sequence[str]) -> str:
    lines = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="wide"><table>\n{lines}\n</table></div>' if rows else ""


def _headline(report: Mapping[str, Any]) -> str:
    """Return the leading score in large letters, and all the others below it."""
    unit, found = _text(scores.unit(report)), scores.facts(report, valid="validation")
    test = report.get("test")
    own = [fact for fact in found if fact.name.startswith("test " if test else "validation ")]
    if not own:
        return f"<p>No {unit} were set aside, so there is no score.</p>"
    under = ", ".join(filter(None, [own[0].name, own[0].sure, own[0].remark]))
    lines = [f'<p class="score">{_text(own[0].value)}</p>', f'<p class="soft">{_text(under)}</p>']
    if not test:
        lines.append(f"<p>There were no test {unit}. The model was chosen by these {unit}: expect less on new ones.</p>")
    target = (test or {}).get("target")
    facts = [("predicts", words.clip(target, 80))] if target else []
    return "\n".join(lines) + _facts([*facts, *_beside(report, [fact for fact in found if fact is not own[0]])])


def _beside(report: Mapping[str, Any], others: Sequence[scores.Fact]) -> list[tuple[str, str]]:
    """Return what stands beside the score: the baseline with the verdict, and the other scores."""
    judged = scores.verdict(report)
    facts = [("verdict", judged)] if judged else []
    for fact in sorted(others, key=lambda fact: fact.name not in ("to beat", "baseline")):
        more = "; ".join(filter(None, [fact.remark, fact.sure]))
        facts.append((fact.name, f"{fact.value} ({more})" if more else fact.value))
    return facts


def _samples(report: Mapping[str, Any]) -> str:
    """Return the generated texts, line by line as they came."""
    shown = []
    for text in scores.samples(report)[:_SAMPLES]:
        cut = text if len(text) <= _SAMPLE else text[:_SAMPLE] + words.ELLIPSIS
        shown.append('<pre class="sample" dir="auto">' + "\n".join(map(_text, cut.split("\n"))) + "</pre>")
    return "\n".join(shown)


def _classes(report: Mapping[str, Any]) -> str:
    rows = summary.class_rows((report.get("test") or {}).get("per_class") or [], _label)
    return _table(("class", "precision", "recall", "F1", "rows"), rows) if rows else ""


def _confusions(report: Mapping[str, Any]) -> str:
    rows = summary.confusion_rows(report, 10, _label)
    return _table(summary.CONFUSION_HEAD, rows, left=2) if rows else ""


def _history(history: Sequence[Mapping[str, Any]]) -> str:
    """Return the numbers behind the curves, folded away."""
    if not history:
        return ""
    head, columns = ["epoch"], [[words.count(row["epoch"]) for row in history]]
    for part, name in metrics.by_epoch(history):
        entry, values = metrics.find(name), (row.get(f"{part}_{name}") for row in history)
        head.append(_text(f"{part} {entry.title}"))
        columns.append(["-" if value is None else entry.write(value) for value in values])
    table = _table(head, zip(*columns, strict=True), left=0)
    return f"<details><summary>Numbers by epoch</summary>{table}</details>"


def _effort(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [(f"time to {name}", words.seconds(value)) for name, value in (report.get("seconds") or {}).items()]
    if report.get("rows_per_second"):
        facts.append(("training speed", f"{words.rate(report['rows_per_second'])} {scores.unit(report)}/s"))
    facts.append(("epochs", f"{words.count(report['epochs'])}, kept: epoch {words.count(report['best_epoch'])}"))
    return [*facts, ("steps", words.count(report["steps"])), ("parameters", words.count(report["parameters"]))]


def _flat(settings: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Return nested settings as dotted names, the way they are typed on the command line."""
    facts: list[tuple[str, str]] = []
    for name, value in settings.items():
        facts += _flat(value, f"{above}{name}.") if isinstance(value, dict) else [(f"{above}{name}", str(value))]
    return facts
