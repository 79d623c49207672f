"""A language model on the page: a passage coloured by surprise, the loss along the text, what it wrote after each epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trainwright.watch import scores, words
from trainwright.watch.record import Record
from trainwright.watch.report import page_html, svg

_WIDTH, _HEIGHT = 600.0, 200.0
_LEVELS = 6  # shades of surprise; one for each ``_SHADE`` nats
_SHADE = 1.5
_TEXTS, _TEXT = 12, 2_000  # texts of epochs, and characters of each


def passages(record: Record) -> str:
    """Return the passage and the loss along the text; nothing where the run has none."""
    return "".join(_passage(each) for each in _group(record, "passage")) + "".join(
        _positions(each, record) for each in _group(record, "positions")
    )


def _group(record: Record, name: str) -> list[Mapping[str, Any]]:
    found = (each for each in record.examples if each.get("group") == name)
    return [each for each in found if isinstance(each.get("losses"), list) and each["losses"]]


def _passage(entry: Mapping[str, Any]) -> str:
    """Return tokens, each the darker the less it was expected; where, how much and of what is said under the pointer."""
    between = page_html.text(entry.get("between") or "")
    shown = between.join(_token(token, loss) for token, loss in zip(entry.get("tokens") or [], entry["losses"], strict=False))
    key = " ".join(f'<span class="s{level}">{svg.tick(level * _SHADE)}</span>' for level in range(_LEVELS))
    what = f"A passage of the {page_html.text(entry.get('split'))} text, as surprising as the whole is on average"
    return (
        f'<h3>What surprised it</h3>\n<p class="soft">{what}. The darker a token, the less it was expected after those before '
        f'it; in nats from {key} on.</p>\n<p class="input passage" dir="auto">{shown}</p>\n'
    )


def _token(token: object, loss: float | None) -> str:
    level = _LEVELS - 1 if loss is None or not math.isfinite(loss) else min(int(max(loss, 0.0) / _SHADE), _LEVELS - 1)
    shown = page_html.lines(str(token))
    return f'<span class="s{level}">{shown}</span>' if level else shown


def _positions(entry: Mapping[str, Any], record: Record) -> str:
    values = [value if isinstance(value, int | float) else math.nan for value in entry["losses"]]
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 2:
        return ""
    each = entry.get("tokens") or 1
    mean, low, high = entry.get("loss"), min(finite), max(finite)
    room = 0.15 * (high - low) or 0.5
    x = svg.Axis(0, len(values) * each, 52, _WIDTH - 14)
    y = svg.Axis(max(low - room, 0.0), high + room, _HEIGHT - 40, 14)
    points = [(x.at((k + 0.5) * each), y.at(value) if math.isfinite(value) else math.nan) for k, value in enumerate(values)]
    unit = scores.unit(record.report)
    parts = [*svg.frame(x, y, most=4), *svg.below(x, y.start, f"{unit} from the beginning", words.count, 6)]
    parts.append(svg.curve(points, "curve valid"))
    if isinstance(mean, int | float):
        up = y._replace(start=0, end=1)
        shares = [
            ((k + 0.5) / len(values), up.at(value) if math.isfinite(value) else math.nan) for k, value in enumerate(values)
        ]
        spot = svg.spot(up.at(mean), 0.16, 0.12, [shares])
        place, anchor = (x.end - 4, "end") if spot.right else (x.start + 4, "")
        parts.append(svg.line(x.start, y.at(mean), x.end, y.at(mean), "mark"))
        parts.append(svg.text(place, y.at(mean) + (-5 if spot.above else 14), f"mean: {words.loss(mean)}", "tick", anchor))
    said = f"Mean loss of every {words.count(each)} {unit} along the text"
    remark = (
        f"mean of every {words.count(each)} {page_html.text(unit)}: where it rises, the text is less like what it learned from"
    )
    picture = page_html.wide(svg.picture(_WIDTH, _HEIGHT, parts, said, "long"), "Loss along the text")
    return page_html.figure("<b>Loss along the text</b>", picture, remark)


def samples(record: Record) -> str:
    """Return what the model writes now, and what it wrote after each epoch before."""
    written = [_pre(text) for text in scores.samples(record.report)[:5]]
    epochs = sorted(record.texts)
    if len(epochs) > _TEXTS:
        epochs = sorted({epochs[round(k * (len(epochs) - 1) / (_TEXTS - 1))] for k in range(_TEXTS)})
    rows = [
        f"<div><dt>{'before the first step' if not epoch else f'epoch {words.count(epoch)}'}</dt>"
        f"<dd>{_pre(record.texts[epoch])}</dd></div>"
        for epoch in epochs
    ]
    before = page_html.folded("What it wrote after each epoch", f'<dl class="epochs">{"".join(rows)}</dl>') if rows else ""
    return "\n".join([*written, before]) if written or before else ""


def _pre(text: str) -> str:
    cut = text if len(text) <= _TEXT else text[:_TEXT] + words.ELLIPSIS
    return f'<pre dir="auto">{page_html.lines(cut)}</pre>'
