"""Where classes are confused, on the page: the matrix as SVG, the most frequent confusions, every class with its scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainwright.watch import scores, summary, words
from trainwright.watch.report import page_html, page_style, seriation, svg

_RATED, _COUNTED, _NAMED = 10, 25, 60  # classes; more of them, and cells have no rate, no count, rows no names
_BLOCKS = 150  # rows that are drawn; of more classes several share one
_LEVELS = 9  # of shade
_LEGIBLE = 9 / 11  # of its size: a picture that is made smaller has texts below nine pixels, and scrolls instead
_LISTED = 2000  # classes in the table
Matrix = Sequence[Sequence[int]]


def matrix(report: Mapping[str, Any]) -> str:
    """Return the confusion matrix as a figure; of very many classes the most frequent confusions alone."""
    counts = scores.measured(report)[1].get("confusion")
    if not counts:
        return confusions(report)
    order = seriation.order(counts)
    counts = [[counts[i][j] for j in order] for i in order]
    labels = [report["labels"][k] for k in order]
    n, remarks = len(labels), ["one row a right label; classes that are confused are neighbours"]
    if n > _NAMED:
        picture, each = _overview(labels, counts)
        remarks.append(f"{words.count(n)} classes" + (f", {words.count(each)} of them a row" if each > 1 else ""))
    else:
        picture = _cells(labels, counts, list(map(sum, counts)))
    picture = page_html.wide(picture, "Confusion matrix")
    key = '<span class="sign right">right</span> on the diagonal, <span class="sign wrong">wrong</span> beside it'
    figure = page_html.figure(f"<b>Right labels against answers</b> {key}", picture, "; ".join(remarks))
    both = f"{figure}\n{_worst(labels, counts) if n > _NAMED else ''}\n{confusions(report)}"
    both = f'<div class="beside">\n{both}\n</div>' if n <= _RATED else both
    return f"{both}\n{_counts(labels, counts)}" if n <= _NAMED else both


def _worst(labels: Sequence[str], counts: Matrix) -> str:
    """Draw, of many classes, those that are confused most among each other."""
    pairs = [(count, i, j) for i, row in enumerate(counts) for j, count in enumerate(row) if i != j and count]
    chosen: dict[int, None] = {}
    for _, i, j in sorted(pairs, key=lambda pair: -pair[0]):
        if len(chosen.keys() | {i, j}) > _COUNTED:
            break
        chosen |= {i: None, j: None}
    if not chosen:
        return ""
    places = sorted(chosen)
    part = [[counts[i][j] for j in places] for i in places]
    picture = _cells([labels[k] for k in places], part, [sum(counts[k]) for k in places])
    return page_html.figure("<b>The classes that are confused most</b>", page_html.wide(picture, "Classes confused most"))


def _cells(labels: Sequence[str], counts: Matrix, totals: Sequence[int]) -> str:
    """Draw every cell, with its count and its share of the class as long as they can be read."""
    n = len(labels)
    side = 68.0 if n <= 6 else 54.0 if n <= _RATED else 34.0 if n <= _COUNTED else 16.0
    names = [words.clip(label, 24) for label in labels]
    left = 30 + 7.2 * max(map(words.width, names))
    upright = 7.2 * max(map(words.width, names)) > side - 4
    top = left if upright else 44.0
    parts = [svg.text(left + n * side / 2, 13, "answer", "tick", "middle")]
    parts.append(svg.text(12, top + n * side / 2, "right label", "tick", "middle", turned=-90))
    for k, name in enumerate(names):
        at = side * k + side / 2
        parts.append(svg.text(left - 8, top + at + 4, name, "label", "end"))
        parts.append(svg.text(left + at + (4 if upright else 0), top - 8, name, "label", "" if upright else "middle",
                              turned=-90 if upright else 0))  # fmt: skip
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            if count or n <= _COUNTED:
                parts += _cell(left + side * j, top + side * i, side, count, totals[i], i == j, (labels[i], labels[j], n))
    width, height = left + n * side + 12, top + n * side + 8
    size = "s" if n <= _RATED else "m" if n <= _COUNTED else "l"
    least = 2 * math.ceil(_LEGIBLE * width / 32)  # rem
    least_class = f" m{least}" if least > page_style.FITS else ""
    return svg.picture(width, height, parts, _said(labels, counts), f"cells c{size}{least_class}", natural=True)


def _cell(x: float, y: float, side: float, count: int, total: int, right: bool, about: tuple[str, str, int]) -> Iterator[str]:
    """Yield one cell: the colour says whether it is right, the shade how large its share of the row is."""
    level, share = _level(count, total), count / total if total else 0.0
    true, taken, n = about
    title = f"{words.clip(true, 40)} taken for {words.clip(taken, 40)}: {words.count(count)} of {words.count(total)}"
    kind = f"{'r' if right else 'w'}{level}" if count else "none"
    yield svg.rect(x + 0.5, y + 0.5, side - 1, side - 1, f"cell {kind}", f"{title}, {words.percent(share)}" if count else "")
    if not count or n > _COUNTED:
        return
    strong = " strong" if level >= 6 else " mid" if level >= 2 else ""
    lower = 0 if n <= _RATED else 5
    yield svg.text(x + side / 2, y + side / 2 + lower, words.count(count), f"count{strong}", "middle")
    if not lower:
        yield svg.text(x + side / 2, y + side / 2 + 15, f"{100 * share:.1f} %", f"share{strong}", "middle")


def _level(count: int, total: int) -> int:
    """Return how dark a cell is, from 0 to 8; the root lets rare confusions show."""
    return min(_LEVELS - 1, int(_LEVELS * math.sqrt(count / total))) if total else 0


def _overview(labels: Sequence[str], counts: Matrix) -> tuple[str, int]:
    """Draw many classes, one path a shade; names are said under the pointer, numbers stand beside.

    Return also how many classes share a row.
    """
    each = math.ceil(len(counts) / _BLOCKS)
    n = math.ceil(len(counts) / each)
    blocks = [[0] * n for _ in range(n)]
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            if count:
                blocks[i // each][j // each] += count
    paths: dict[str, list[str]] = {}
    side = 600 / n
    for i, row in enumerate(blocks):
        for j, count in enumerate(row):
            if count:
                kind = f"{'r' if i == j else 'w'}{_level(count, sum(row))}"
                corner = f"M{svg.number(j * side)} {svg.number(i * side)}"
                paths.setdefault(kind, []).append(f"{corner}h{svg.number(side)}v{svg.number(side)}h-{svg.number(side)}z")
    parts = [f'<path class="cell {kind}" d="{"".join(paths[kind])}"/>' for kind in sorted(paths)]
    for k, row in enumerate(blocks):
        parts.append(svg.rect(0, k * side, 600, side, "over", _row_title(labels, each, k, row)))
    ground = '<g transform="translate(60 46)">' + "".join([svg.rect(0, 0, 600, 600, "none"), *parts]) + "</g>"
    return svg.picture(664, 650, [ground, *_beside(len(labels), side)], "Confusion matrix of all classes", "cells all"), each


def _beside(classes: int, side: float) -> Iterator[str]:
    """Yield the names of both axes of the matrix of many classes, and numbers along them."""
    axis = svg.Axis(1, classes, side / 2, 600 - side / 2)
    for tick in (1.0, *(tick for tick in axis.ticks(6) if 1 < tick == round(tick))):
        yield svg.text(52, 52 + axis.at(tick), words.count(tick), "label", "end")
        yield svg.text(60 + axis.at(tick), 39, words.count(tick), "label", "middle")
    yield svg.text(360, 16, "answer", "label", "middle")
    yield svg.text(16, 346, "right label, by its place in this order", "label", "middle", turned=-90)


def _row_title(labels: Sequence[str], each: int, place: int, row: Sequence[int]) -> str:
    """Return the names of the classes that share a row, how many rows they have, and what these are mostly taken for."""

    def named(block: int) -> str:
        own = labels[block * each : (block + 1) * each]
        return " to ".join(words.clip(label, 40) for label in dict.fromkeys((own[0], own[-1])))

    most = max((other for other in range(len(row)) if other != place), key=lambda other: row[other], default=place)
    taken = f", {words.count(row[most])} taken for {named(most)}" if most != place and row[most] else ""
    return f"{named(place)}: {words.count(sum(row))} rows{taken}"


def _said(labels: Sequence[str], counts: Matrix) -> str:
    worst = summary.confusions(labels, counts, 1)
    more = f"; most often {worst[0].true} was taken for {worst[0].taken}, {words.count(worst[0].n)} times" if worst else ""
    return f"Confusion matrix of {words.count(len(labels))} classes{more}"


def _counts(labels: Sequence[str], counts: Matrix) -> str:
    """Return the matrix as a table, for those who cannot see it and those who want to copy it."""
    rows = [[page_html.label(label), *map(words.count, row)] for label, row in zip(labels, counts, strict=True)]
    head = ["right label", *(page_html.label(label, 24) for label in labels)]
    return page_html.folded("The matrix in numbers", page_html.table(head, rows, "Confusion matrix"))


def confusions(report: Mapping[str, Any]) -> str:
    """Return the most frequent confusions as a table."""
    rows = summary.confusion_rows(report, 10, page_html.label)
    return page_html.table(summary.CONFUSION_HEAD, rows, "Most frequent confusions", (0, 1)) if rows else ""


def classes(report: Mapping[str, Any]) -> str:
    """Return a table of all classes, which can be sorted; nothing where there are none."""
    where, measured = scores.measured(report)
    found = list(enumerate(measured.get("per_class") or []))
    if not found:
        return ""
    labels = summary.several(measured["per_class"])  # each with a threshold; none is taken for another
    title, more = f"{where.capitalize()} rows by {'label' if labels else 'class'}", ""
    if len(found) > _LISTED:
        found = sorted(found, key=lambda each: each[1]["f1"])[:_LISTED]
        more = f'<p class="soft">The {words.count(_LISTED)} classes with the lowest F1.</p>'
    head = "".join(
        f'<th scope="col"{mark}><button type="button">{name}</button></th>'
        for name, mark in (
            ("label" if labels else "class", ""),
            *((name, ' class="n"') for name in ("precision", "recall", "F1", "rows")),
            *((("average precision", ' class="n"'), ("said from", ' class="n"')) if labels else (("mostly taken for", ""),)),
        )
    )
    body = "\n".join(_class(one, measured.get("confusion"), place, report["labels"]) for place, one in found)
    inside = f"<caption>{title}</caption><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return more + page_html.wide(f'<table class="sortable{" labels" if labels else ""}">{inside}</table>', title)


def _class(one: Mapping[str, Any], counts: Matrix | None, place: int, labels: Sequence[str]) -> str:
    """Return the row of a class; each cell has its value for sorting."""
    if "threshold" in one:
        return _label(one)
    row = [(count, j) for j, count in enumerate(counts[place]) if j != place and count] if counts else []
    most, other = max(row, key=lambda each: each[0], default=(0, 0))
    taken = f"{page_html.label(labels[other], 30)} ({words.count(most)})" if most else ""
    return f'<tr>{_scored(one)}<td data-v="{most}">{taken}</td></tr>'


def _label(one: Mapping[str, Any]) -> str:
    """Return the row of one of several labels: how well it orders the rows, and from which probability on it is said."""
    precise, threshold = one.get("average_precision"), float(one["threshold"])
    shown = "-" if precise is None else words.percent(precise)
    order = f'<td class="n" data-v="{-1.0 if precise is None else precise:.6f}">{shown}</td>'
    return f'<tr>{_scored(one)}{order}<td class="n" data-v="{threshold:.6f}">{words.number(threshold, 3)}</td></tr>'


def _scored(one: Mapping[str, Any]) -> str:
    """Return the cells of a class or label: its name, precision, recall, F1 and rows."""
    shares = "".join(f'<td class="n" data-v="{one[key]:.6f}">{words.percent(one[key])}</td>' for key in ("precision", "recall"))
    bar = page_html.bar(one["f1"], "fill")
    f1 = f'<td class="n f1" data-v="{one["f1"]:.6f}">{bar}{words.percent(one["f1"])}</td>'
    rows = f'<td class="n" data-v="{int(one["n"])}">{words.count(one["n"])}</td>'
    return f'<th scope="row">{page_html.label(one["label"])}</th>{shares}{f1}{rows}'
