"""A learning curve for people: as lines of text, and as one page with a picture.

Promises: the page loads nothing from elsewhere and is readable in light and dark; what comes from the data is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainwright.watch import metrics, words
from trainwright.watch.report import page_html, page_style, svg

_WIDTH, _HEIGHT = 720.0, 380.0
HEAD = ("rows", "trainings", "validation", "95 % interval")


def lines(found: Mapping[str, Any]) -> list[str]:
    """Return the curve as a table, and what it says, in lines."""
    head = (HEAD[0] if found["unit"] == "rows" else str(found["unit"]), *HEAD[1:])
    table = words.table([head, *_rows(found)], left=0)
    title = f"Learning curve of {words.clip(found['source'], 60)}: {metrics.find(found['metric']).title} on validation"
    return ["", f"{title}, {words.count(found['valid'])} {found['unit']}", *table, "", *verdict(found)]


def verdict(found: Mapping[str, Any]) -> list[str]:
    """Return what more rows would bring, in sentences."""
    share, unit, ahead = metrics.is_share(found["metric"]), found["unit"], found["ahead"]
    fitted = found["fitted"]["score"]
    curve = f"than the fitted curve now, {metrics.find(found['metric']).write(fitted)}"
    told = []
    for each in ahead:
        middle, *ends = each["gain"]
        middle = round(each["score"], 4) - round(fitted, 4) if share else middle  # as the two are shown
        gain, low, high = (f"{100 * one + 0.0:.2f}" for one in (middle, *ends))
        more = f"{gain} points more ({low} to {high})" if share else f"{gain} % lower ({low} to {high} %)"
        told.append(f"{_times(each['times'])} the {unit}: {_sure(found, each)}, {more} {curve}.")
    now = found["points"][-1]["score"]
    seeds = found["scatter"] * (1 - now if share else 1.0)
    middle, low, _ = ahead[0]["gain"]
    worth = f"More {unit} would {'' if low > seeds else 'probably '}help."
    worth = worth if middle > seeds else f"Twice the {unit} would probably bring no more than another seed may."
    return [*told, worth, _BASIS]


_BASIS = "Intervals are of 95 %: validation drawn again, other draws and seeds, and three kinds of curves."


def _times(times: int) -> str:
    return {2: "Twice", 4: "Four times"}.get(times, f"{times} times")


def _sure(found: Mapping[str, Any], each: Mapping[str, Any]) -> str:
    """Write ``90.10 % (88.90 to 91.00 %)``."""
    share = metrics.is_share(found["metric"])
    ends = [100 * end if share else end for end in each["interval"]]
    return f"{metrics.find(found['metric']).write(each['score'])} ({' to '.join(words.bounds(ends))}{' %' if share else ''})"


def _rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the cells of each size, then what the fitted curve has of all rows, and what is foretold."""
    share, write = metrics.is_share(found["metric"]), metrics.find(found["metric"]).write

    def row(each: Mapping[str, Any], trainings: str) -> tuple[str, ...]:
        ends = words.bounds([100 * end if share else end for end in each["interval"]])
        return words.count(each["rows"]), trainings, write(each["score"]), f"{' to '.join(ends)}{' %' if share else ''}"

    measured = [row(each, words.count(each["trainings"])) for each in found["points"]]
    return [*measured, row(found["fitted"], "fitted"), *(row(each, "foretold") for each in found["ahead"])]


def page(found: Mapping[str, Any]) -> str:
    """Return the curve as a page."""
    title = f"Learning curve of {words.clip(found['source'], 80)}"
    told = "".join(f"<p>{page_html.text(each)}</p>\n" for each in verdict(found))
    entry = metrics.find(found["metric"])
    caption = (
        f"<b>{page_html.text(entry.title)}</b> on {words.count(found['valid'])} validation {page_html.text(found['unit'])}"
    )
    picture = page_html.figure(caption, _picture(found), "dots: single trainings; band: 95 % interval; dashed: foretold")
    head = (page_html.text(found["unit"]), *HEAD[1:])
    rows = [tuple(map(page_html.text, each)) for each in _rows(found)]
    table = page_html.table(head, rows, "Scores by size", ())
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{page_style.policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{page_html.text(title)}</title>\n<style>{page_style.STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<p class="eyebrow">{page_html.text(found["task"])}</p>\n<h1>{page_html.text(title)}</h1>\n{told}{picture}\n{table}\n'
        "</main>\n</body>\n</html>\n"
    )


def _picture(found: Mapping[str, Any]) -> str:
    """Return scores by rows: the band of the fits, single trainings, and what is foretold."""
    line, points, ahead = found["line"], found["points"], found["ahead"]
    ends = [end for each in (*points, *ahead) for end in each["interval"]] + [one for each in points for one in each["scores"]]
    room = 0.05 * (max(ends) - min(ends)) or 0.01
    share = metrics.is_share(found["metric"])
    x = svg.Axis(line[0]["rows"], line[-1]["rows"], 70, _WIDTH - 70, logarithmic=True)
    low, high = min(ends) - room, max(ends) + room
    y = svg.Axis(max(low, 0.0), min(high, 1.0) if share else high, _HEIGHT - 46, 14)
    split = min((each["rows"] for each in line), key=lambda rows: abs(rows - points[-1]["rows"]))
    parts = [*svg.frame(x, y, svg.percent if share else svg.tick), *svg.below(x, y.start, f"training {found['unit']}")]
    parts.append(_band(x, y, line))
    for past, kind in ((True, "curve valid"), (False, "mark")):
        drawn = [each for each in line if (each["rows"] <= split if past else each["rows"] >= split)]
        parts.append(svg.curve([(x.at(each["rows"]), y.at(each["score"])) for each in drawn], kind))
    parts.append(svg.dots(((x.at(each["rows"]), y.at(one)) for each in points for one in each["scores"]), 3.2, "point"))
    for each in ahead:
        at = x.at(each["rows"])
        parts.append(svg.line(at, y.at(each["interval"][0]), at, y.at(each["interval"][1]), "axis"))
        parts.append(svg.dots([(at, y.at(each["score"]))], 4, "point"))
        named = f"{each['times']}x: {metrics.find(found['metric']).write(each['score'])}"
        parts.append(svg.text(at, y.at(max(each["interval"])) - 8, named, "name", "middle"))
    said = "; ".join(f"{words.count(each['rows'])}: {_sure(found, each)}" for each in (*points, *ahead))
    return svg.picture(_WIDTH, _HEIGHT, parts, f"Score by training {found['unit']}: {said}")


def _band(x: svg.Axis, y: svg.Axis, line: Sequence[Mapping[str, Any]]) -> str:
    """Return the area between the ends of the intervals."""
    there = [(x.at(each["rows"]), [y.at(end) for end in each["interval"]]) for each in line]
    outline = [(at, ends[0]) for at, ends in there] + [(at, ends[1]) for at, ends in reversed(there)]
    steps = "L".join(f"{svg.number(at)} {svg.number(height)}" for at, height in outline)
    return f'<path class="b1" d="M{steps}Z"/>'
