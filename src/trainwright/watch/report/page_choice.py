"""What was tried before a model was trained: how far each candidate was behind the one that was taken, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainwright.watch import words
from trainwright.watch.record import Record
from trainwright.watch.report import page_html, svg

Z95 = 1.96
_WIDTH, _ROW = 520, 34


def tried(record: Record) -> str:
    """Return the candidates as a picture and a table; nothing where none were measured."""
    rows = [each for each in record.choice.get("candidates") or [] if isinstance(each, Mapping) and "error" in each]
    if len(rows) < 2 or not record.choice.get("taken"):
        return ""
    taken, number = str(record.choice["taken"]), record.choice.get("kind") == "number"
    where = "all rows of training" if record.choice.get("whole") else "a sample of the rows of training"
    unit = "R2" if number else "points"
    head = f'<b>Behind what was taken, {unit}</b> <span class="soft">out of fold on {where}, with 95 % intervals</span>'
    table = page_html.table(
        ("candidate", "out of fold", "behind by", "standard error", "rows"),
        [_cells(each, taken, number) for each in rows],
        "Candidates",
        (0,),
    )
    return page_html.figure(head, _picture(rows, taken, number)) + table


def _cells(each: Mapping[str, Any], taken: str, number: bool) -> tuple[str, ...]:
    score = f"R2 {1 - each['error']:.3f}" if number else words.percent(1 - each["error"])
    off = ("-", "-") if each["name"] == taken else (_written(each["more"], number), _written(each["standard_error"], number))
    name = f"{each['name']} (taken)" if each["name"] == taken else each["name"]
    return tuple(map(page_html.text, (name, score, *off, words.count(each["rows"]))))


def _written(value: float, number: bool) -> str:
    return f"{value:.3f}" if number else f"{100 * value:.1f} points"


def _picture(rows: Sequence[Mapping[str, Any]], taken: str, number: bool) -> str:
    unit = 1.0 if number else 100.0
    ends = {each["name"]: (each["more"], Z95 * each["standard_error"]) for each in rows}
    low = min(0.0, *(unit * (more - off) for more, off in ends.values()))
    high = max(unit * (more + off) for more, off in ends.values()) or 1.0
    height = _ROW * len(rows) + 40
    x, bottom = svg.Axis(low, high * 1.04, 10, _WIDTH - 14), height - 28
    parts = [svg.line(x.at(0), 4, x.at(0), bottom, "axis")]
    for value in x.ticks(5):
        parts.append(svg.line(x.at(value), 4, x.at(value), bottom, "grid"))
        parts.append(svg.text(min(max(x.at(value), 18), _WIDTH - 18), bottom + 17, svg.tick(value), "tick", "middle"))
    for place, each in enumerate(rows):
        (more, off), y = ends[each["name"]], _ROW * place + 27
        kind = "valid" if each["name"] == taken else "base"
        if off:
            parts.append(svg.line(x.at(unit * (more - off)), y, x.at(unit * (more + off)), y, f"span {kind}"))
        parts.append(svg.dots([(x.at(unit * more), y)], 5.5, f"dot {kind}"))
        label = words.clip(str(each["name"]), 44)
        at = min(max(x.at(unit * more), 10), _WIDTH - 14 - 6.6 * words.width(label))
        parts.append(svg.text(at, y - 10, label, f"name {kind}"))
    said = "; ".join(f"{each['name']} {_written(each['more'], number)}" for each in rows)
    return svg.picture(_WIDTH, height, parts, f"Behind {taken}: {said}")
