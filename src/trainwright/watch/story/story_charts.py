"""The curves beside the film: the score, the loss with each step, the rate, and the gradient where it is clipped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trainwright.watch import metrics, words
from trainwright.watch.events import in_short
from trainwright.watch.record import Record
from trainwright.watch.report import panels, svg
from trainwright.watch.story import story_end
from trainwright.watch.story.story_words import SCORES, hint_of_gradient, hint_of_loss, hint_of_rate

STEPS = 300  # points of a line that has one for each step
WIDE = 20  # positive values that span more than this factor have a logarithmic axis
NAMES = {"train": "training", "valid": "validation", "step": "each step", "lr": "rate", "norm": "gradient"}

Points = list[list[float]]


def charts(record: Record, epochs: Sequence[int]) -> list[dict[str, Any]]:
    """Return the charts: title, hint, axis, lines to compare with, and lines of [step, value] with the words of each point."""
    history = [row for row in record.history if int(row["epoch"]) in set(epochs)]
    marks = {panel.measure: panel.marks for panel in panels.panels(story_end.known(record))}
    score = metrics.leading(name for _, name in metrics.by_epoch(history))
    found = []
    if score:
        entry, lines = metrics.find(score), _by_epoch(history, score)
        found.append(_chart(entry.title, SCORES[score], lines, entry.write, marks.get(score, ())) | {"leads": True})
    lines = [_line("step", _of_steps(record, "loss")), *_by_epoch(history, "loss")]
    loss = _chart("loss", hint_of_loss(record), lines, words.loss, marks.get("loss", ()))
    found.append(loss | {"leads": not score})
    found.append(_chart("learning rate", hint_of_rate(record), [_line("lr", _of_steps(record, "lr"))], words.number))
    norms, limit = _of_steps(record, "norm"), float(record.settings.get("clip") or 0)
    if norms and limit:
        chart = _chart("gradient", hint_of_gradient(record, norms, limit), [_line("norm", norms)], words.number, [("", limit)])
        found.append(chart | {"limit": limit, "marks": []})
    return [chart for chart in found if chart["lines"]]


def _by_epoch(history: Iterable[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    rows = list(history)
    return [_line(part, [(row["step"], row.get(f"{part}_{name}")) for row in rows]) for part in ("train", "valid")]


def _of_steps(record: Record, name: str) -> Points:
    """Return [step, value] of the steps that are kept, of many one in so many; none where there is no value."""
    points = _finite((step["step"], step.get(name)) for step in record.steps)
    return points[:: math.ceil(len(points) / STEPS) or 1]


def _line(part: str, points: Iterable[Sequence[Any]]) -> dict[str, Any]:
    return {"part": part, "name": NAMES[part], "points": _finite(points)}


def _finite(points: Iterable[Sequence[Any]]) -> Points:
    return [[int(step), value] for step, value in points if value is not None and math.isfinite(value)]


def _chart(
    title: str, hint: str, lines: list[dict[str, Any]], write: Any, marks: Sequence[tuple[str, float]] = ()
) -> dict[str, Any]:
    """Return a chart whose axis holds also what the model has to beat, so that a failure does not look like a descent."""
    lines = [line for line in lines if line["points"]]
    values = [value for line in lines for _, value in line["points"]] or [0.0]
    low, high = (end([*values, *(value for _, value in marks)]) for end in (min, max))
    wide = panels.far(values) if title == "learning rate" else low > 0 and high / low > WIDE
    if not wide and low < high / 2:
        low = min(low, 0.0)
    for line in lines:
        line["said"] = [] if line["part"] == "step" else [write(value) for _, value in line["points"]]
        line["points"] = [[step, in_short(value)] for step, value in line["points"]]
    named = [[value, f"{name}: {write(value)}"] for name, value in marks]
    return {"title": title, "hint": hint, "lines": lines, "axis": axis(low, high, wide, 3, write), "marks": named}


def now(chart: Mapping[str, Any], at: int) -> list[tuple[str, str]]:
    """Return the (name, value) that stand beside the title after step ``at``: of each line its newest point."""
    newest = [
        (line["name"], [said for (step, _), said in zip(line["points"], line["said"], strict=False) if step <= at])
        for line in chart["lines"]
    ]
    return [(name, said[-1]) for name, said in newest if said]


def axis(low: float, high: float, wide: bool, most: int, write: Any = words.number) -> dict[str, Any]:
    """Return an axis from ``low`` to ``high`` with up to about ``most`` ticks: [value, how it is written]."""
    if low == high:
        low, high = (low - abs(low) / 10, high + abs(high) / 10) if low else (0.0, 1.0)
    if wide:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
        ticks = [tick for tick in ticks if low <= tick <= high]
        ticks = ticks[:: math.ceil(len(ticks) / most) or 1]
    else:
        raw = (high - low) / most
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= raw * 0.999)
        first = math.ceil(low / step - 1e-9)
        ticks = [step * number for number in range(first, first + most + 2) if step * number <= high + 1e-9 * step]
    return {"low": low, "high": high, "wide": wide, "ticks": [[tick, _tick(tick, write)] for tick in ticks]}


def _tick(value: float, write: Any) -> str:
    """Return the shortest way of writing a tick; a share as percent."""
    return svg.percent(value) if write is words.percent else svg.tick(value)
