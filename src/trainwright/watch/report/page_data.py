"""What a run was made of, on the page: what the data had, the settings with their reasons, machine and effort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainwright.watch import scores, words
from trainwright.watch.record import Record
from trainwright.watch.report import page_html

_ROWS, _COLUMNS, _CLASSES = 20, 60, 200  # rejected rows, columns and classes that are listed
_PHASES = {
    "import": "loading the libraries", "read": "reading the data", "decode": "decoding the pictures", "encode": "encoding",
    "choose": "measuring candidates",
    "trials": "trying what is fastest", "check": "a look before", "train": "training", "evaluate": "testing", "save": "saving",
}  # fmt: skip
_AUDIT = (
    ("duplicate_rows", "duplicates", "rows whose exact content is there already"),
    ("conflicts", "conflicts", "contents that have several labels"),
    ("empty", "empty", "rows without content"),
)
_LEAKS = {
    "across": "in {} too",
    "alike": "in {} too, but for letter case, marks or blanks",
    "near": "nearly in {}",
}


def data(record: Record) -> str:
    """Return how many rows each split has, what was left out and why, duplicates, leaks, classes, columns."""
    report, found = record.report, record.data
    rows: Mapping[str, int] = report.get("rows") or {}
    unit = "" if scores.unit(report) == "rows" else f" {scores.unit(report)}"
    counts = [(name, f"{words.count(n)}{unit}") for name, n in rows.items() if n is not None]
    parts = [page_html.facts([*counts, *_audit(found)]), _rejected(found), _classes(found), _columns(found)]
    return "\n".join(filter(None, parts))


def _audit(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the data, and what is not."""
    audit: Mapping[str, Any] = found.get("audit") or {}
    for key, name, meaning in _AUDIT:
        if key in audit:
            yield name, f"{words.count(audit[key])} {meaning}" if audit[key] else "none"
    leaks = [(pair, n, how) for key, how in _LEAKS.items() for pair, n in _across(audit, key).items() if n]
    if "across" in audit and not leaks:
        yield "leaks", "none: no content is in two splits"
    for pair, n, how in leaks:
        first, _, second = str(pair).partition("-")
        yield "leak", f"{words.count(n)} rows of {second} are {how.format(first)}"
    for split, n in (found.get("repeated_lines") or {}).items():
        lines = f"{words.count(n)} long lines" if n else "none: no long line"
        yield f"{split}, repeated", f"{lines} of it {'are' if n else 'is'} in the training text"
    for split, n in (found.get("leaked") or {}).items():
        if n:
            yield f"{split}, leak", f"{words.count(n)} tokens stand in passages that are also in train"
    for split, n in (found.get("unknown") or {}).items():
        if n:
            yield f"{split}, unknown", f"{words.count(n)} tokens are not in the vocabulary"
    if isinstance(found.get("vocabulary"), int):
        yield "vocabulary", f"{words.count(found['vocabulary'])} tokens"


def leaked(record: Record) -> int:
    """Return how many test rows are in the training split too, or nearly, or how many tokens in passages that are."""
    audit: Mapping[str, Any] = record.data.get("audit") or {}
    counts = [_across(audit, key).get("train-test") for key in _LEAKS] + [(record.data.get("leaked") or {}).get("test")]
    return sum(n for n in counts if isinstance(n, int))


def _across(audit: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = audit if key == "across" else audit.get(key) or {}
    return found.get("across") or {}


def _rejected(found: Mapping[str, Any]) -> str:
    """Return the rows that could not be used, with the reasons."""
    rows: Sequence[Any] = found.get("rejected_rows") or []
    shown = [
        (page_html.text(words.clip(row.get("file"), 80)), words.count(row["row"]) if row.get("row") else "",
         page_html.text(words.clip(row.get("reason"), 160)))
        for row in rows[:_ROWS]
    ]  # fmt: skip
    if not shown:
        return ""
    total = found.get("rejected") or len(rows)
    caption = f"Rows that could not be used: {words.count(total)}" + (f", the first {_ROWS}" if total > len(shown) else "")
    return page_html.table(("file", "row", "why"), shown, caption, (0, 1, 2))


def _classes(found: Mapping[str, Any]) -> str:
    """Return how many rows each class has in each split."""
    classes: Mapping[str, Any] = found.get("classes") or {}
    counted = [(name, each) for name, each in classes.items() if isinstance(each, Mapping)]
    if not counted:
        return ""
    splits = list(dict.fromkeys(split for _, each in counted for split in each))
    rows = [
        [page_html.label(name), *(words.count(each.get(split, 0)) for split in splits)] for name, each in counted[:_CLASSES]
    ]
    table = page_html.table(["class", *map(page_html.text, splits)], rows, "Rows by class")
    return page_html.folded("Rows by class", table)


def _columns(found: Mapping[str, Any]) -> str:
    """Return what was read from which column."""
    columns = found.get("columns") or {}
    rows = [("predicted", page_html.label(columns["label"]), "")] if columns.get("label") else []
    rows += [("text", page_html.label(name), "") for name in columns.get("text") or []]
    features = [each for each in columns.get("features") or [] if isinstance(each, Mapping)]
    rows += [
        ("feature", page_html.label(each.get("name")), page_html.text(each.get("kind", ""))) for each in features[:_COLUMNS]
    ]
    if not rows:
        return ""
    table = page_html.table(("used as", "column", "kind"), rows, "Columns", (0, 1, 2))
    return page_html.folded("Columns", table)


def settings(record: Record) -> str:
    """Return every setting as it is typed, with the reason where it was derived; then what was found besides."""
    flat = _flat(record.settings)
    reasons = {what: why for what, _, why in record.notes}
    told = [(what, value, why) for what, value, why in record.notes if why]
    names = {name for name, _ in flat}
    derived = [row for row in told if row[0] in names or any(name.startswith(f"{row[0]}.") for name in names)]
    found = [row for row in told if row not in derived and row[0] != "stopped"]
    parts = []
    if derived:
        rows = [(_code(what), page_html.text(value), page_html.text(why)) for what, value, why in derived]
        parts.append(page_html.table(("setting", "value", "why"), rows, "Derived", (0, 1, 2), "settings"))
    if found:
        rows = [(page_html.text(what), page_html.text(value), page_html.text(why)) for what, value, why in found]
        parts.append(page_html.table(("found", "what", "why"), rows, "Found on the way", (0, 1, 2), "settings"))
    rest = [(_code(name), page_html.text(value)) for name, value in flat if name not in reasons or not derived]
    if rest:
        table = page_html.table(("setting", "value"), rest, "All other settings", (0, 1), "settings")
        parts.append(page_html.folded("All other settings", table) if derived else table)
    return "\n".join(parts)


def _code(name: str) -> str:
    return f"<code>{page_html.text(name)}</code>"


def _flat(given: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Return nested settings as dotted names, the way they are typed on the command line."""
    found: list[tuple[str, str]] = []
    for name, value in given.items():
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            value = {str(place): each for place, each in enumerate(value)}
        if isinstance(value, dict):
            found += _flat(value, f"{above}{name}.")
        else:
            found.append((f"{above}{name}", str(value).lower() if isinstance(value, bool) else str(value)))
    return found


def environment(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return how long it took, how large the model is, and what it was made with."""
    spent: Mapping[str, float] = report.get("seconds") or {}
    found = [(f"time, {_PHASES.get(name, name)}", words.seconds(value)) for name, value in spent.items()]
    if report.get("rows_per_second"):
        found.append(("training speed", f"{words.rate(report['rows_per_second'])} {scores.unit(report)}/s"))
    kept = f", kept: epoch {words.count(report['best_epoch'])}" if report["best_epoch"] else ""
    found.append(("epochs", f"{words.count(report['epochs'])}{kept}"))
    found += [(name, words.count(report[name])) for name in ("steps", "parameters") if name in report]
    return found + [(str(name), str(value)) for name, value in (report.get("machine") or {}).items()]
