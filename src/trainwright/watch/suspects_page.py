"""Labels that are probably wrong as one page: each row with its input, the label that it has, and the one that is likely.

Promises are those of the report's page: it loads nothing, is readable in light and dark, and escapes whatever comes from data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainwright.errors import shell_word
from trainwright.watch import suspects, words
from trainwright.watch.report import page_examples, page_html, page_style

MOST, _FIRST = 200, 40  # rows that are shown, and before the others are folded away
_STYLE = (
    page_style.STYLE
    + """
.card .labels{margin:0 0 .2rem;font-size:1.0625rem}.given{color:var(--wrong);font-weight:650}
.likely{color:var(--right);font-weight:650}.number{float:right;color:var(--soft);font-size:.8125rem}
"""
)


def page(found: Mapping[str, Any]) -> str:
    """Return the page as HTML."""
    title = f"Suspect labels of {words.clip(found['run'], 80)}"
    lede = " ".join(f"{each[0].upper()}{each[1:].rstrip('.')}." for each in suspects.told(found))
    rows = found["suspects"]
    key = (
        '<p class="soft"><span class="given">the label that it has</span> &rarr; '
        '<span class="likely">the likely one</span>, with its probability; the most suspect row first</p>'
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{page_style.policy(_STYLE)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{page_html.text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{page_html.text(title)}</h1>\n"
        f'<p class="lede">{page_html.text(lede)}</p>\n{key if rows else ""}\n</header>\n<main>\n'
        f"{page_html.section('Rows', _rows(rows), 'rows')}\n"
        f"{page_html.section('What to do', _advice(found), 'advice')}\n</main>\n</body>\n</html>\n"
    )


def _rows(rows: list[Mapping[str, Any]]) -> str:
    """Return the rows as cards, pictures as tiles; nothing where there are none."""
    budget = [page_examples.BUDGET]
    cards = [_card(number, row, budget) for number, row in enumerate(rows[:MOST], start=1)]
    kind = "tiles" if rows and all(page_examples.is_picture(row["input"]) for row in rows) else "cards"
    first, rest = (f'<div class="{kind}">\n{"".join(part)}</div>' if part else "" for part in (cards[:_FIRST], cards[_FIRST:]))
    more = f'<p class="soft">and {words.count(len(rows) - MOST)} more, which --out writes</p>' if len(rows) > MOST else ""
    return first + page_html.folded(f"{words.count(len(cards) - _FIRST)} more", rest) + more


def _card(number: int, row: Mapping[str, Any], budget: list[int]) -> str:
    label, likely = (page_html.label(suspects.short(row[key]), 40) for key in ("label", "likely"))
    share = row["probability"]
    sure = "" if share is None else f'{page_html.bar(share, "right")}<span class="n">{words.percent(share)}</span>'
    return (
        f'<article class="card">\n<p class="labels"><span class="number">{number}</span>'
        f'<span class="given">{label}</span> &rarr; <span class="likely">{likely}</span></p>\n<p class="sure">{sure}</p>\n'
        f'<p class="soft">{page_html.text(words.clip(row["why"], 120))}</p>\n{page_examples.seen(row, budget)}\n'
        f'<p class="place">{page_html.text(suspects.place(row))}</p>\n</article>\n'
    )


def _advice(found: Mapping[str, Any]) -> str:
    if not found["suspects"]:
        return ""
    command = f"trainwright suspects {shell_word(found['run'])} --out labels.csv"
    return f"<pre><code>{page_html.text(command)}</code></pre>\n<p>{page_html.text(suspects.advice('labels.csv'))}</p>"
