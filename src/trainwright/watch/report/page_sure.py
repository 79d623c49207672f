"""How sure answers are, on the page: how often they are right by their probability, and what is promised of the surest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainwright.watch import summary, words
from trainwright.watch.report import page_html, svg

_SIDE = 400.0


def sure(report: Mapping[str, Any]) -> str:
    """Return the reliability curve of the test rows and the table of promises; nothing where there are neither."""
    test, told = report.get("test") or {}, report.get("calibration") or {}
    bins = [each for each in test.get("reliability") or [] if len(each) == 3]
    parts = []
    if len(bins) > 1:
        remark = f"calibration error (ECE) {words.percent(test['ece'])}; by chance alone {words.percent(test['ece_by_chance'])}"
        if told.get("temperature", 1.0) != 1:
            before = f"{words.percent(told['ece_before'])} without it"
            remark += f"; logits are divided by the temperature {words.number(told['temperature'])} ({before})"
        title = "<b>Reliability</b> the dashed line is where probabilities say how often it is so"
        parts.append(page_html.figure(title, _curve(bins), page_html.text(remark)))
    if rows := summary.promise_rows(report):
        cells = [tuple(map(page_html.text, row)) for row in rows]
        table = page_html.table(summary.PROMISE_HEAD, cells, "Answers with a promise", ())
        parts.append(f'<div>{table}\n<p class="soft">{page_html.text(_PROMISE)}</p></div>')
    return f'<div class="figures">\n{"".join(parts)}\n</div>' if parts else ""


_PROMISE = (
    "Only the surest answers are given, and the rest goes to a person (predict --sure 0.97). From which probability on follows "
    "from the validation rows, so that they are right as often as asked for with 95 % confidence; the test rows check it."
)


def _curve(bins: Sequence[Sequence[float]]) -> str:
    """Draw how often rows of about the same probability are right, each group of rows as a dot."""
    low = min(0.95, *(min(mean, share) for _, mean, share in bins))
    low = max(0.0, low - 0.05 * (1 - low))
    x, y = svg.Axis(low, 1.0, 74, _SIDE - 24), svg.Axis(low, 1.0, _SIDE - 46, 12)
    points = [(x.at(mean), y.at(share)) for _, mean, share in bins]
    parts = [*svg.frame(x, y, svg.percent), *svg.below(x, y.start, "probability", svg.percent, 5)]
    parts.append(svg.line(x.at(low), y.at(low), x.at(1), y.at(1), "mark"))
    parts.append(svg.text(14, (y.start + y.end) / 2, "right", "tick", "middle", turned=-90))
    parts += [svg.curve(points, "curve valid"), svg.dots(points, 3.2, "dot valid")]
    said = "; ".join(f"{words.percent(share)} at probability {words.percent(mean)}" for _, mean, share in bins)
    return svg.picture(_SIDE, _SIDE, parts, f"How often answers are right by their probability: {said}")
