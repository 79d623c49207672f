"""A regression on the page: predicted against actual values, and what is left over, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trainwright.watch import scores, words
from trainwright.watch.report import page_html, panels, svg

_SIDE, _WIDTH, _HEIGHT = 400.0, 440.0, 270.0
_FEW = 400  # points; of more their density is drawn
_BINS, _BARS, _LEVELS = 40, 31, 9
Pairs = list[tuple[float, float]]


def figures(report: Mapping[str, Any]) -> str:
    """Return predicted against actual values and the residuals by prediction and by size; nothing without points."""
    test = scores.measured(report)[1]
    given = [(float(a), float(b)) for a, b in test.get("points") or [] if a is not None and b is not None]
    pairs = [(a, b) for a, b in given if abs(a) <= panels.VAST and abs(b) <= panels.VAST]
    if not pairs:
        return ""
    target, n = words.clip(test.get("target") or "value", 32), test.get("n") or len(given)
    lost = len(test["points"]) - len(pairs)
    shown = [] if len(test["points"]) >= n else [f"{words.count(len(test['points']))} of {words.count(n)} rows"]
    shown += [f"{words.count(lost)} without a finite value"] if lost else []
    shown += ["darker: more rows"] if len(pairs) > _FEW else []
    left = [(b, b - a) for a, b in pairs]
    return (
        '<div class="figures pair">\n'
        + _against(pairs, target, shown)
        + page_html.figure("<b>What is left over</b> predicted minus actual", _bars([rest for _, rest in left], target))
        + page_html.figure(
            "<b>Left over, by prediction</b> a pattern is something not yet learned", _by_prediction(left, target)
        )
        + "</div>"
    )


def _against(pairs: Pairs, target: str, remarks: list[str]) -> str:
    low, high = window(pairs)
    x, y = svg.Axis(low, high, 62, _SIDE - 12), svg.Axis(low, high, _SIDE - 46, 12)
    beyond = sum(not low <= b <= high for _, b in pairs)
    parts = [*svg.frame(x, y), *svg.below(x, y.start, f"actual {target}", most=5)]
    parts += _cloud(pairs, x, y)
    parts.append(svg.line(x.at(low), y.at(low), x.at(high), y.at(high), "mark"))
    parts.append(svg.text(14, (y.start + y.end) / 2, f"predicted {target}", "tick", "middle", turned=-90))
    remarks = ["on the dashed line, prediction and truth are the same", *remarks]
    remarks += [f"{words.count(beyond)} predicted beyond the edge"] if beyond else []
    said = f"Predicted against actual {target} of {words.count(len(pairs))} rows"
    return page_html.figure("<b>Predicted against actual</b>", svg.picture(_SIDE, _SIDE, parts, said),
                            page_html.text("; ".join(remarks)))  # fmt: skip


def window(pairs: Pairs) -> tuple[float, float]:
    """Return the range of all values; predictions further than one span of the actual values outside of these do not count."""
    first, last = min(a for a, _ in pairs), max(a for a, _ in pairs)
    near = [b for _, b in pairs if first == last or abs(b - (first + last) / 2) <= 1.5 * (last - first)]
    low, high = min([first, *near]), max([last, *near])
    room = 0.04 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def _cloud(pairs: Pairs, x: svg.Axis, y: svg.Axis) -> list[str]:
    """Draw few points as dots, many as squares that are the darker the more lie in them."""
    if len(pairs) <= _FEW:
        return [svg.dots(((x.at(a), y.at(b)) for a, b in pairs), 3.2, "point")]
    wide, high = (x.end - x.start) / _BINS, (y.start - y.end) / _BINS
    bins: dict[tuple[int, int], int] = {}
    for a, b in pairs:
        place = (min(int((x.at(a) - x.start) / wide), _BINS - 1), min(int((y.start - y.at(b)) / high), _BINS - 1))
        bins[place] = bins.get(place, 0) + 1
    most = math.log1p(max(bins.values()))
    parts = []
    for (column, row), count in sorted(bins.items()):
        level = min(_LEVELS - 1, int(_LEVELS * math.log1p(count) / most))
        corner = (x.start + column * wide, y.start - (row + 1) * high)
        parts.append(svg.rect(*corner, wide, high, f"bin b{level}", f"{words.count(count)} rows"))
    return parts


def _bars(rest: Sequence[float], target: str) -> str:
    """Draw how often what is left over has each size; the bar in the middle has zero in its middle."""
    reach = max(map(abs, rest)) or 1.0
    ordered = sorted(map(abs, rest))
    reach = min(reach, 2 * ordered[int(0.98 * (len(ordered) - 1))] or reach)  # a few far ones stand at the ends
    bars = min(_BARS, 2 * round(math.sqrt(len(rest))) + 1)
    counts = [0] * bars
    for value in rest:
        counts[min(max(int((value / reach + 1) / 2 * bars), 0), bars - 1)] += 1
    x, y = svg.Axis(-reach, reach, 52, _WIDTH - 14), svg.Axis(0, max(counts) * 1.06, _HEIGHT - 40, 12)
    wide = (x.end - x.start) / bars
    parts = [
        *svg.frame(x, y, lambda value: words.count(value) if value == round(value) else ""),
        *svg.below(x, y.start, target),
    ]
    for k, count in enumerate(counts):
        if count:
            top = y.at(count)
            parts.append(
                svg.rect(x.start + k * wide + 0.5, top, wide - 1, y.start - top, "bin b6", f"{words.count(count)} rows")
            )
    parts.append(svg.line(x.at(0), y.start, x.at(0), y.end, "mark"))
    return svg.picture(_WIDTH, _HEIGHT, parts, f"How far {words.count(len(rest))} predictions are from the truth")


def _by_prediction(left: Pairs, target: str) -> str:
    ordered = sorted(abs(rest) for _, rest in left)
    reach = min(ordered[-1], 2 * ordered[int(0.98 * (len(ordered) - 1))] or ordered[-1]) * 1.06 or 1.0
    shown = sorted(value for value, _ in left)
    low, high = (
        (shown[int(share * (len(shown) - 1))] for share in (0.005, 0.995)) if len(shown) > 400 else (shown[0], shown[-1])
    )
    room = 0.04 * (high - low) or 0.1 * abs(high) or 1.0
    x, y = svg.Axis(low - room, high + room, 52, _WIDTH - 14), svg.Axis(-reach, reach, _HEIGHT - 40, 12)
    parts = [*svg.frame(x, y), *svg.below(x, y.start, f"predicted {target}"), *_cloud(left, x, y)]
    parts.append(svg.line(x.start, y.at(0), x.end, y.at(0), "mark"))
    return svg.picture(_WIDTH, _HEIGHT, parts, "Predicted minus actual values against the predictions")
