"""What was found in a data set as one page: each finding with rows, causes and what to type; counts and spreads as pictures.

Promises are those of the report's page: it loads nothing, is readable in light and dark, and escapes whatever comes from data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from trainwright.watch import words
from trainwright.watch.inspected.finding import ABOUT, SEVERITIES, Finding, Inspected, place
from trainwright.watch.report import page_examples, page_html, page_style, svg

_MOST, _CLASSES = 10, 40  # rows of a finding, and classes, that are shown
_STYLE = (
    page_style.STYLE
    + """
.finding{margin:0 0 2.25rem;padding:1rem 1.15rem;background:var(--panel);border-radius:8px;border-left:4px solid var(--edge)}
.finding.grave{border-left-color:var(--wrong)}.finding.look{border-left-color:var(--against)}
.finding h3{margin:0 0 .35rem;font-size:1.0625rem}.finding .what{margin:0 0 .75rem}
.finding .card{background:var(--paper);border-top:0}.finding dl{margin:.9rem 0 0}.finding dd{max-width:44rem}
.finding dl>div{display:grid;grid-template-columns:6rem 1fr;gap:.25rem .75rem}.finding dt{color:var(--soft);font-size:.875rem}
.badge{display:inline-block;font-size:.75rem;font-weight:650;letter-spacing:.03em;padding:.1rem .5rem;border-radius:99px;
margin-right:.6rem;vertical-align:.1em;color:var(--paper);background:var(--soft)}
.badge.grave{background:var(--wrong)}.badge.look{background:var(--against)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,15rem),1fr));gap:.5rem;margin-bottom:.9rem;
padding-left:.6rem;border-left:2px solid var(--line)}
.pair.small{grid-template-columns:repeat(auto-fill,8.5rem)}
.finding .picture img{max-width:9rem}#classes .bar{width:min(12rem,30vw);height:.7rem;margin:.35rem 0}
"""
)


def render(found: Inspected, command: str) -> str:
    """Return the page as HTML; ``command`` is what was typed."""
    title = f"{words.clip(found.source, 80)}: what is in the data"
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{page_style.policy(_STYLE)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{page_html.text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    parts = [
        *(_section(found, grade) for grade in SEVERITIES),
        page_html.section("Looked for and not found", _not_found(found), "absent"),
        page_html.section("Rows by class", _classes(found), "classes"),
        page_html.section("How long and how large", _spreads(found), "spreads"),
        page_html.section("Again", f"<pre><code>{page_html.text(command)}</code></pre>", "again"),
    ]
    body = "\n".join(filter(None, parts))
    return f"{head}{_header(found, title)}\n<main>\n{body}\n</main>\n</body>\n</html>\n"


def notebook(found: Inspected) -> str:
    """Return the findings as a table below a notebook's cell, without styles of its own."""
    rows = [
        (each.grade, f"<code>{page_html.text(each.name)}</code> {page_html.label(each.where, 40)}", words.count(each.count),
         page_html.text(words.clip(each.what, 200)), page_html.text(each.todo))
        for each in found.findings
    ]  # fmt: skip
    caption = page_html.text(f"{found.source}: {len(found.findings)} findings")
    return page_html.table(("", "finding", "count", "what", "what to do"), rows, caption, (0, 1, 3, 4))


def _header(found: Inspected, title: str) -> str:
    grades = [each.grade for each in found.findings]
    counted = [
        f"{words.count(grades.count(grade))} {grade}: {meaning}" for grade, meaning in SEVERITIES.items() if grade in grades
    ]
    lede = f"{len(grades)} findings. {'; '.join(counted)}." if grades else "Nothing that was looked for was found."
    rows = page_html.facts((name, f"{words.count(count)} {found.unit}") for name, count in found.rows.items())
    return (
        f'<header>\n<p class="eyebrow">{page_html.text(found.task)}</p>\n<h1>{page_html.text(title)}</h1>\n'
        f'<p class="lede">{page_html.text(lede)}</p>\n{rows}\n</header>'
    )


def _section(found: Inspected, grade: str) -> str:
    budget = [page_examples.BUDGET]
    shown = "\n".join(_finding(each, budget) for each in found.findings if each.grade == grade)
    titles = {"grave": "Grave", "look": "Worth a look", "note": "Worth knowing"}
    return page_html.section(titles[grade], shown, grade)


def _finding(each: Finding, budget: list[int]) -> str:
    """Return one finding with its rows, folded away but for the first ones."""
    where = f": {page_html.label(each.where, 60)}" if each.where else ""
    head = f'<h3><span class="badge {each.grade}">{each.grade}</span>{page_html.text(each.title)}{where}</h3>'
    what = f'<p class="what"><strong>{words.count(each.count)}</strong> {page_html.text(words.clip(each.what, 400))}</p>'
    groups = [*_groups(each.rows[: 2 * _MOST], budget)]
    shown = 3 if each.rows and each.rows[0].get("group") else 1
    first, rest = groups[:shown], groups[shown:]
    more = page_html.folded(f"{len(rest)} more", "\n".join(rest))
    told = [("likely cause", each.cause), ("what to do", each.todo), ("name", each.name)]
    facts = "".join(f"<div><dt>{name}</dt><dd>{page_html.text(text)}</dd></div>" for name, text in told if text)
    inside = "\n".join([head, what, *first, more, f"<dl>{facts}</dl>"])
    return f'<article class="finding {each.grade}">\n{inside}\n</article>'


def _groups(rows: Sequence[Mapping[str, Any]], budget: list[int]) -> Iterator[str]:
    """Yield cards of rows: those of a group side by side, others by threes."""
    numbered = [(row.get("group") or f"{number // 3} of threes", row) for number, row in enumerate(rows)]
    for _, group in groupby(numbered, key=lambda each: each[0]):
        together = [row for _, row in group]
        small = " small" if all(page_examples.is_picture(row.get("input")) for row in together) else ""
        yield f'<div class="pair{small}">' + "\n".join(_card(row, budget) for row in together) + "</div>"


def _card(row: Mapping[str, Any], budget: list[int]) -> str:
    label = row.get("label")
    said = f"<p><strong>{page_html.label(words.several(label), 40)}</strong></p>" if label is not None else ""
    split = f", {row['split']}" if row.get("split") else ""
    where = f'<p class="place">{page_html.text(place(row) + split)}</p>'
    return f'<article class="card">{said}{page_examples.seen(row, budget)}{where}</article>'


def _not_found(found: Inspected) -> str:
    names = "".join(f"<li>{page_html.text(ABOUT[name].title)}</li>" for name in found.not_found)
    return f"<ul>{names}</ul>" if names else ""


def _classes(found: Inspected) -> str:
    """Return a bar for each class, as long as its rows."""
    counts = {name: sum(each.values()) for name, each in found.counts.items()}
    if not counts:
        return ""
    splits = [name for name in found.rows if name in next(iter(found.counts.values()))]
    most = max(counts.values())
    names = sorted(counts, key=lambda name: -counts[name])
    rows = [
        [page_html.label(name), page_html.bar(counts[name] / most, "fill"),
         *(words.count(found.counts[name].get(split, 0)) for split in splits)]
        for name in names[:_CLASSES]
    ]  # fmt: skip
    more = f'<p class="soft">and {words.count(len(names) - _CLASSES)} classes more</p>' if len(names) > _CLASSES else ""
    return page_html.table(("class", "", *splits), rows, "Rows by class", (0, 1)) + more


def _spreads(found: Inspected) -> str:
    """Return the tenths of lengths and sizes: a picture each, with the numbers below."""
    shown = [_spread(name, ends) for name, ends in found.spreads.items() if ends]
    return f'<div class="figures">{"".join(shown)}</div>' if shown else ""


def _spread(name: str, ends: Sequence[float]) -> str:
    """Return eleven quantiles as steps: a line from the smallest to the largest, over the share of rows below."""
    width, height, left, bottom = 360.0, 150.0, 52.0, 112.0
    x = svg.Axis(0, 1, left, width - 12)
    y = svg.Axis(min(ends), max(ends) if max(ends) > min(ends) else min(ends) + 1, bottom, 12)
    points = [(x.at(place / (len(ends) - 1)), y.at(value)) for place, value in enumerate(ends)]
    parts = [*svg.frame(x, y, most=3), svg.curve(points, "curve valid"), svg.dots(points, 3, "dot valid")]
    parts += svg.below(x, bottom, "of all, from the smallest on", svg.percent, most=4)
    middle = words.number(ends[len(ends) // 2])
    said = f"{name}: half are below {middle}, from {words.number(ends[0])} to {words.number(ends[-1])}"
    return page_html.figure(page_html.text(name), svg.picture(width, height, parts, said), page_html.text(said))
