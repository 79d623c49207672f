"""The curves and the score on the page, drawn as SVG from what ``panels`` worked out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trainwright.watch import metrics, scores, words
from trainwright.watch.record import Record
from trainwright.watch.report import page_html, panels, svg
from trainwright.watch.report.panels import Panel

_WIDTH, _HEIGHT, _RATE, _SCORE = 440.0, 270.0, 128.0, 440.0
_ROW, _LETTER = 42.0, 7.6  # of a compared score, and of a letter of its name, which is small and bold
_LEFT, _RIGHT, _TOP, _BELOW = 52.0, 82.0, 24.0, 40.0


def curves(record: Record) -> str:
    """Return a figure for the loss and one for the score, and the rate below; nothing without a history."""
    if not (record.history or record.steps):
        return ""
    drawn = [_figure(record, panel) for panel in (*panels.panels(record), *panels.parts(record))]
    rate = _rate(record)
    return f'<div class="figures">\n{"".join(drawn)}\n{rate}</div>'


def _figure(record: Record, panel: Panel) -> str:
    what = panels.loss_named(record) if panel.measure == "loss" else ""
    title = f"<b>{page_html.text(panel.title)}</b>" + (f' <span class="soft">{page_html.text(what)}</span>' if what else "")
    remarks = panels.history_gaps(panel)
    if panel.steps:
        remarks.append("faint: single steps" if panel.lines else "single steps: no epoch has ended")
    if panel.logarithmic:
        remarks.append("logarithmic axis")
    return page_html.figure(title, _picture(panel), page_html.text("; ".join(remarks)))


def _picture(panel: Panel) -> str:
    room = 0.5 if panel.first == panel.last else 0.0
    x = svg.Axis(panel.first - room, panel.last + room, _LEFT, _WIDTH - _RIGHT)
    y = svg.Axis(panel.low, panel.high, _HEIGHT - _BELOW, _TOP, panel.logarithmic)
    write = svg.percent if metrics.is_share(panel.measure) else svg.tick
    parts = [*svg.frame(x, y, write), *svg.below(x, y.start, panel.unit, _whole)]
    parts += [svg.line(x.start, y.at(value), x.end, y.at(value), "mark") for _, value in panel.marks]
    alone = not panel.lines  # no epoch has ended
    steps = [(x.at(at), y.at(value)) for at, value in panel.steps]
    parts += _line("train", steps, y.end) if alone else [svg.curve(steps, "steps")]
    for part, points in panel.lines.items():
        parts += _line(part, [(x.at(at), y.at(value) if math.isfinite(value) else math.nan) for at, value in points], y.end)
    return svg.picture(_WIDTH, _HEIGHT, [*parts, *_kept(panel, x, y), *_named(panel, x, y), *_ends(panel, x, y)], _said(panel))


def _line(part: str, points: Sequence[tuple[float, float]], top: float) -> list[str]:
    """Return a line with its dots; where there is no finite value, a cross at the upper edge."""
    lost = [svg.text(at, top + 4, "\u00d7", f"lost {part}", "middle") for at, value in points if math.isnan(value)]
    return [svg.curve(points, f"curve {part}"), svg.dots(points, 2.6, f"dot {part}") if len(points) <= 20 else "", *lost]


def _kept(panel: Panel, x: svg.Axis, y: svg.Axis) -> list[str]:
    """Mark the epoch that was kept: a line, and a ring on the last curve."""
    if panel.kept is None or not panel.first <= panel.kept <= panel.last or not panel.lines:
        return []
    at, (part, points) = x.at(panel.kept), list(panel.lines.items())[-1]
    value = dict(points).get(panel.kept, math.nan)
    anchor = "end" if at > (x.start + x.end) / 2 else "start"
    ring = svg.dots([(at, y.at(value) if math.isfinite(value) else math.nan)], 5, f"ring {part}")
    name = f"kept: epoch {words.count(panel.kept)}"
    return [svg.line(at, y.start, at, y.end - 6, "kept"), svg.text(at, y.end - 10, name, "tick", anchor), ring]


def _named(panel: Panel, x: svg.Axis, y: svg.Axis) -> list[str]:
    """Write what each level line is, over what is drawn, where the least of it is."""
    found = []
    for (name, value), spot in zip(panel.marks, panel.spots(), strict=True):
        place, anchor = (x.end - 4, "end") if spot.right else (x.start + 4, "")
        found.append(svg.text(place, y.at(value) + (-5 if spot.above else 14), f"{name}: {panel.write(value)}", "tick", anchor))
    return found


def _ends(panel: Panel, x: svg.Axis, y: svg.Axis) -> list[str]:
    """Write the name of each line, and its value at the kept epoch, beside it."""
    ends = panel.ends()
    places = panels.apart([y.at(value) for _, value, _ in ends], 34, y.end + 12, y.start - 8)
    parts = []
    for (part, _, value), place in zip(ends, places, strict=True):
        parts.append(svg.text(x.end + 10, place - 3, part, f"name {part}"))
        parts.append(svg.text(x.end + 10, place + 12, value, f"value {part}"))
    return parts


def _said(panel: Panel) -> str:
    """Return the picture in words."""
    ends = ", ".join(f"{part} {value}" for part, _, value in panel.ends())
    kept = f" at epoch {words.count(panel.kept)}, which was kept" if panel.kept else ""
    beat = "".join(f"; {name} {panel.write(value)}" for name, value in panel.marks)
    return f"{panel.title} by {panel.unit}: {ends}{kept}{beat}"


def _rate(record: Record) -> str:
    """Return the learning rate as a small figure; nothing where it is the same throughout."""
    points = panels.rates(record)
    if not points:
        return ""
    values = [rate for _, rate in points]
    logarithmic = panels.far(values)
    low = min(values) * 0.5 if logarithmic else min(0.0, *values)
    places = [at for at, _ in points] + [float(row["epoch"]) for row in record.history[-1:]]
    x = svg.Axis(min(places), max(places), _LEFT, _WIDTH - _RIGHT)
    y = svg.Axis(low, max(values) * (1.5 if logarithmic else 1.08), _RATE - _BELOW, 12, logarithmic)
    parts = [*svg.frame(x, y, most=y.few()), *svg.below(x, y.start, "epoch" if record.history else "step", _whole)]
    parts.append(svg.curve(((x.at(at), y.at(rate)) for at, rate in points), "curve rate"))
    parts.append(svg.text(x.end + 10, y.at(values[-1]) - (2 if y.at(values[-1]) > 60 else -10), f"{values[-1]:.3g}", "value"))
    said = f"Learning rate from {values[0]:.3g} to {values[-1]:.3g}"
    return page_html.figure("<b>Learning rate</b>", svg.picture(_WIDTH, _RATE, parts, said))


def _whole(value: float) -> str:
    return words.count(value) if value == round(value) else ""


def score(report: Mapping[str, Any]) -> str:
    """Draw the leading score as a dot with its interval, above those that it had to beat; nothing without a score."""
    rows = _compared(report)
    if len(rows) < 2:
        return ""
    lead = metrics.lead(scores.measured(report)[1]) or "loss"
    ends = [end for _, value, ends, _ in rows for end in (value, *ends)]
    share = metrics.is_share(lead)
    low, high = (0.0, 1.0) if share else (min(0.0, *ends), max(ends) * 1.06)
    height = _ROW * len(rows) + 34
    x, bottom = svg.Axis(low, high, 10, _SCORE - 10), height - 28
    write = svg.percent if share else svg.tick
    parts = []
    for value in x.ticks(5):
        parts.append(svg.line(x.at(value), 4, x.at(value), bottom, "grid"))
        parts.append(svg.text(min(max(x.at(value), 18), _SCORE - 18), bottom + 17, write(value), "tick", "middle"))
    for place, (name, value, sure, kind) in enumerate(rows):
        parts += _dot(x, _ROW * place + 29, name, value, sure, kind, metrics.find(lead).write(value))
    title = metrics.find(lead).title
    said = "; ".join(f"{name} {metrics.find(lead).write(value)}" for name, value, _, _ in rows)
    shown = "with its 95 % interval" if any(ends for _, _, ends, _ in rows) else "against the baseline"
    better = "" if metrics.find(lead).higher_is_better else ", less is better"
    head = f'<b>{page_html.text(title[:1].upper() + title[1:])}</b> <span class="soft">{shown}{better}</span>'
    return page_html.figure(head, svg.picture(_SCORE, height, parts, f"{title}: {said}"))


def _compared(report: Mapping[str, Any]) -> list[tuple[str, float, tuple[float, ...], str]]:
    """Return what is compared: name, value, both ends of the interval (or none), kind of line."""
    where, found = scores.measured(report)
    lead, against = scores.baselines(report)
    value = metrics.values(found).get(lead)
    if value is None or not math.isfinite(value):
        return []
    name = f"this model, {where}"
    rows: list[tuple[str, float, tuple[float, ...], str]] = [(name, value, scores.interval_of(lead, found) or (), "valid")]
    for each in against:
        if math.isfinite(each[lead]):
            name = ", ".join(words.clip(part, 30) for part in (each.get("name"), each.get("label")) if part)
            rows.append((name or "baseline", each[lead], scores.interval_of(lead, each) or (), "base"))
    return rows


def _dot(x: svg.Axis, y: float, name: str, value: float, sure: tuple[float, ...], kind: str, written: str) -> list[str]:
    """Return one line of the comparison: the interval as a bar, the value as a dot, both named above it."""
    at, label = x.at(value), words.clip(f"{written}  {name}", 44)
    reach = _LETTER * words.width(label)
    place = max(at - reach, x.start) if at > (x.start + x.end) / 2 else min(at, x.end - reach)
    bar = svg.line(x.at(sure[0]), y, x.at(sure[1]), y, f"span {kind}") if sure else ""
    return [bar, svg.dots([(at, y)], 5.5, f"dot {kind}"), svg.text(place, y - 11, label, f"name {kind}")]
