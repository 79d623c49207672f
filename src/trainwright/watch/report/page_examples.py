"""Answers with their inputs on the page: the most confident mistakes, the least sure rows, right ones.

An entry that says what in its input spoke for the answer (``why``, see ``run.examples``) is coloured by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from trainwright.watch import words
from trainwright.watch.report import page_html

_GROUPS = (
    ("wrong", "The mistakes that it was surest of", "wrong and sure: odd labels in the data, or what the model cannot see"),
    ("far", "The rows it missed by most", ""),
    ("unsure", "The rows that it was least sure of", "the two likeliest answers are nearly the same to it"),
    ("near", "The rows it hit best", ""),
    ("right", "Right answers", "some of them, from the first to the last"),
)
_FIRST, _SHOWN, _COLUMNS, _LEVELS = 6, 420, 12, 4  # rows, characters of a text, columns of a row, shades of a word
_PICTURE = re.compile(r"data:image/(png|webp|jpeg|gif);base64,[A-Za-z0-9+/=]+")
_LARGEST, BUDGET = 120_000, 900_000  # characters of a picture, and of all


def groups(examples: Sequence[Mapping[str, Any]]) -> str:
    """Return the groups of rows, each row with truth, answer and input; nothing where there are none."""
    parts, budget = [], [BUDGET]
    for key, title, remark in _GROUPS:
        found = [each for each in examples if each.get("group") == key]
        if found:
            more = f'<p class="soft">{remark}</p>' if remark else ""
            kind = "tiles" if all(is_picture(each.get("input")) for each in found) else "cards"
            cards = [_card(each, budget) for each in found]
            first = _FIRST if kind == "cards" else len(cards)
            parts.append(f"<h3>{title}</h3>\n{more}\n{_grid(cards[:first], kind)}")
            parts.append(page_html.folded(f"{words.count(len(cards) - first)} more", _grid(cards[first:], kind)))
    return "\n".join(filter(None, [_legend(examples), *parts] if parts else []))


def _grid(cards: Sequence[str], kind: str) -> str:
    lines = "\n".join(cards)
    return f'<div class="{kind}">\n{lines}\n</div>' if cards else ""


def _legend(examples: Sequence[Mapping[str, Any]]) -> str:
    """Return what the colours of inputs mean; nothing where none has any."""
    if not any(each.get("why") for each in examples):
        return ""
    numbers = any(each.get("group") in ("far", "near") for each in examples)
    pictures = any(is_picture(each.get("why")) for each in examples)
    more = " On pictures it is the gradient times the pixels; <code>explain</code> covers squares instead." if pictures else ""
    does = ("made the number larger", "smaller") if numbers else ("spoke for the answer", "against it")
    against = "" if numbers else " and for the right label, or for the second choice where the answer was right"
    return (
        f'<p class="soft">Colours in an input: <span class="for f4">{does[0]}</span>, '
        f'<span class="against a4">{does[1]}</span>{against}; the stronger, the more.{more}</p>'
    )


def _card(row: Mapping[str, Any], budget: list[int]) -> str:
    number = isinstance(row.get("truth"), int | float) and not isinstance(row.get("truth"), bool)
    right = row.get("group") == "near" if number else row.get("answer") == row.get("truth")
    kind = "right" if right else "wrong"
    head = _number(row) if number else _class(row, right)
    place = words.clip(row.get("file") or "", 60).rpartition("/")[2]
    numbered = ", ".join(filter(None, [place, f"row {words.count(row['row'])}" if row.get("row") is not None else ""]))
    shown = seen(row, budget)
    return f'<article class="card {kind}">\n{head}\n{shown}\n<p class="place">{page_html.text(numbered)}</p>\n</article>'


def _class(row: Mapping[str, Any], right: bool) -> str:
    """Return sign, labels and probability of an answer that is a class."""
    answer, truth = (page_html.label(words.several(row.get(key)), 40) for key in ("answer", "truth"))
    share = row.get("probability")
    sure = (
        f'{page_html.bar(share, "right" if right else "wrong")}<span class="n">{words.percent(share)}</span>'
        if isinstance(share, int | float)
        else ""
    )
    said = (
        f"<strong>{answer}</strong>" if right else f"<strong>{answer}</strong> <span>but it is <strong>{truth}</strong></span>"
    )
    return f'<p class="answer">{page_html.sign(right)} {said}</p>\n<p class="sure">{sure}</p>'


def _number(row: Mapping[str, Any]) -> str:
    """Return truth, answer and the difference of an answer that is a number."""
    answer, truth = row.get("answer"), row["truth"]
    if not isinstance(answer, int | float):
        return (
            f'<p class="answer">{page_html.sign(False)} no finite answer, but it is <strong>{words.number(truth)}</strong></p>'
        )
    joined = "and" if row.get("group") == "near" else "but"
    return (
        f'<p class="answer"><strong class="n">{words.number(answer)}</strong> '
        f'<span>{joined} it is <strong class="n">{words.number(truth)}</strong></span></p>'
    )


def seen(row: Mapping[str, Any], budget: list[int]) -> str:
    """Return the input as what it is: a picture, a small table, a text."""
    given, why = row.get("input"), row.get("why")
    if given is None:
        return f'<p class="soft">{"its source cannot be read any more" if row.get("file") else "its input was not kept"}</p>'
    if is_picture(given):
        return _picture(given, why, budget)
    if isinstance(given, Mapping):
        return _row(given, why if isinstance(why, list) else [])
    return _text(str(given), why if isinstance(why, list) else [])


def is_picture(given: Any) -> bool:
    """Return whether an input is a picture that a page may show."""
    return isinstance(given, str) and _PICTURE.fullmatch(given) is not None


def _picture(given: str, why: Any, budget: list[int]) -> str:
    """Return a picture, and beside it once more with the map of what spoke for the answer."""
    mapped = is_picture(why)
    size = 2 * len(given) + len(why) if mapped else len(given)
    if size > min(_LARGEST, budget[0]):
        return '<p class="soft">the picture is too large for this page</p>'
    budget[0] -= size
    picture = f'<div class="picture"><img alt="the input" src="{given}"></div>'
    if not mapped:
        return picture
    layers = f'<img alt="what spoke for the answer in it" src="{given}"><img class="map" alt="" src="{why}">'
    return f'<div class="two">{picture}<div class="picture">{layers}</div></div>'


def _row(given: Mapping[str, Any], why: Sequence[Any]) -> str:
    """Return a row of a table: the columns that weighed most first, where that is known."""
    weights = {str(column): weight for column, weight in filter(_is_pair, why)}
    names = sorted(map(str, given), key=lambda name: -abs(weights.get(name, 0.0)))
    most = max(map(abs, weights.values()), default=0.0)
    values = {str(name): value for name, value in given.items()}
    cells = {name: _marked(_value(values[name]), weights.get(name), most) for name in names[:_COLUMNS]}
    rows = "\n".join(
        f'<tr><th scope="row">{page_html.label(name, 40)}</th><td class="n">{cell}</td></tr>' for name, cell in cells.items()
    )
    more = f'<p class="place">and {words.count(len(names) - _COLUMNS)} columns more</p>' if len(names) > _COLUMNS else ""
    return f"<table>\n<tbody>\n{rows}\n</tbody></table>{more}"


def _value(value: Any) -> str:
    if value is None:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else words.clip(value, 60)


def _text(given: str, why: Sequence[Any]) -> str:
    """Return a text, its words coloured by what they weighed; what is long is folded away."""
    pieces = [(str(piece), weight) for piece, weight in filter(_is_pair, why)] or [(given, None)]
    most = max((abs(weight) for _, weight in pieces if weight), default=0.0)
    whole = len(given) <= 1.2 * _SHOWN
    left = len(given) if whole else given.rfind(" ", _SHOWN // 2, _SHOWN) + 1 or _SHOWN
    shown, rest = [], []
    for piece, weight in pieces:
        now, later = piece[: max(left, 0)], piece[max(left, 0) :]
        left -= len(piece)
        shown.append(_marked(now, weight, most) if now else "")
        rest.append(_marked(later, weight, most) if later else "")
    more = "".join(rest)
    folded = page_html.folded("the rest of the text", f'<p class="input" dir="auto">{more}</p>') if more else ""
    return f'<p class="input" dir="auto">{"".join(shown)}</p>{folded}'


def _is_pair(each: Any) -> bool:
    return isinstance(each, list | tuple) and len(each) == 2 and isinstance(each[1], int | float)


def _marked(content: str, weight: float | None, most: float) -> str:
    """Return a text in the colour of its weight: above 0 it spoke for the answer, below against it."""
    shown = page_html.lines(content)
    level = round(_LEVELS * abs(weight) / most) if weight and most else 0
    if not level or weight is None:
        return shown
    return f'<span class="{"for f" if weight > 0 else "against a"}{level}">{shown}</span>'
