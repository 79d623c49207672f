"""Pieces of the page: texts that are escaped, tables, facts, sections. What these return is HTML already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

from trainwright.watch import words
from trainwright.watch.report import svg

RIGHT, WRONG = "\u2713", "\u2717"


def text(value: object) -> str:
    """Return somebody's text as HTML: no tags, no control characters."""
    return escape(words.clean(value))


def lines(value: str) -> str:
    """Return a text of several lines as HTML; the lines stay lines."""
    return "\n".join(map(text, value.split("\n")))


def label(value: object, cells: int = 80) -> str:
    """Return a label as HTML; it keeps its own direction, so that a right-to-left one does not turn its neighbours around."""
    return f"<bdi>{text(words.clip(value, cells))}</bdi>"


def section(title: str, content: str, key: str = "") -> str:
    """Return a part of the page with its heading; nothing where there is no content."""
    named = f' id="{key}"' if key else ""
    return f"<section{named}>\n<h2>{title}</h2>\n{content}\n</section>" if content else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], name: str, texts: Collection[int] = (0,), kind: str = "") -> str:
    """Return a table whose cells are HTML already; the columns ``texts`` are words, the others numbers."""

    def row(tag: str, cells: Sequence[str]) -> str:
        extra = ' scope="col"' if tag == "th" else ""
        marks = [extra + ("" if place in texts else ' class="n"') for place in range(len(cells))]
        return "<tr>" + "".join(f"<{tag}{mark}>{cell}</{tag}>" for mark, cell in zip(marks, cells, strict=True)) + "</tr>"

    body = "\n".join(row("td", cells) for cells in rows)
    kind = f' class="{kind}"' if kind else ""
    title = f"<caption>{name}</caption>"
    return wide(f"<table{kind}>{title}<thead>{row('th', head)}</thead>\n<tbody>\n{body}\n</tbody></table>", name)


def facts(found: Iterable[tuple[str, str]]) -> str:
    """Return names with their values, as plain texts; nothing where there are none."""
    rows = "\n".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in found)
    return f'<dl class="facts">\n{rows}\n</dl>' if rows else ""


def wide(content: str, name: str) -> str:
    """Return what may be wider than the page: it scrolls by itself, with the keyboard too."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{name}">{content}</div>'


def figure(title: str, picture: str, remark: str = "") -> str:
    """Return a picture with its title, and a remark below it."""
    more = f'<p class="soft">{remark}</p>' if remark else ""
    return f"<figure>\n<figcaption>{title}</figcaption>\n{picture}\n{more}</figure>"


def folded(summary: str, content: str) -> str:
    """Return what is shown on request."""
    return f"<details><summary>{summary}</summary>\n{content}\n</details>" if content else ""


def bar(share: float, kind: str) -> str:
    """Return a bar as long as a share; the number stands beside it."""
    fill = svg.rect(0, 0, 60 * min(max(share, 0.0), 1.0), 6, kind)
    return f'<svg class="bar" viewBox="0 0 60 6" aria-hidden="true">{svg.rect(0, 0, 60, 6, "none")}{fill}</svg>'


def sign(right: bool) -> str:
    """Return the mark of a right or a wrong answer, which tells without its colour too."""
    name, mark = ("right", RIGHT) if right else ("wrong", WRONG)
    return f'<span class="sign {name}">{mark} {name}</span>'
