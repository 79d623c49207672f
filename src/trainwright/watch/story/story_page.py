"""The film as one page: what stands still is HTML made here, what moves is drawn by ``stage.js`` and
``story.js`` from the film as JSON.

Promises: nothing is loaded from elsewhere, and a policy in the page forbids it; no script but ours runs, whatever a text or a
label says; without scripts, and on paper, the stills tell the story.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from trainwright.watch import palette
from trainwright.watch.story import story_charts

STILLS = 6  # moments in the strip, beside the test
_COLUMNS = 6  # squares in a line of a still
_SIDE = 132  # of a still of dots


def render(film: Mapping[str, Any]) -> str:
    """Return the page as HTML."""
    own, stage, story = (
        Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("story.css", "stage.js", "story.js")
    )
    script = f'"use strict";\n(() => {{\n{stage}{story}}})();\n'
    style = palette.css() + own
    policy = f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    shown = {key: value for key, value in film.items() if key not in ("headline", "standfirst", "glossary")}
    values = json.dumps(shown, separators=(",", ":")).replace("<", "\\u003c")  # no text can end the element
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(film['headline'])}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<header>\n<p class="kicker">Trainwright <span>A training as a film</span></p>\n<h1>{escape(film["headline"])}</h1>\n'
        f'<p class="standfirst">{escape(film["standfirst"])}</p>\n</header>\n<main>\n'
        f"{_film(film)}\n{_strip(film)}\n{_glossary(film)}\n</main>\n"
        f"<footer><p>Made by <b>trainwright story</b> from the files of the run <b>{escape(film['name'])}</b>.</p></footer>\n"
        '<dialog id="closer" aria-labelledby="closer-title"><form method="dialog"><button class="close">Close</button></form>'
        '<h2 id="closer-title"></h2><div id="closer-body"></div></dialog>\n'
        f'<script type="application/json" id="values">{values}</script>\n<script>{script}</script>\n</body>\n</html>\n'
    )


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _film(film: Mapping[str, Any]) -> str:
    """Return the frame of the film: stage, poster and curtain of the test, the curves' place, the controls."""
    last = len(film["moments"]) - 1
    return (
        f'<section class="film {film["kind"]}" id="film" aria-label="The film">\n'
        f'<div class="stage"><div id="stage"></div>\n{_poster(film, last)}\n{_test(film)}</div>\n'
        '<div class="side">\n<div class="now"><p id="title"></p><p id="count"></p></div>\n'
        '<p id="caption" aria-live="polite"></p>\n<div id="lead"></div>\n<div id="charts"></div>\n</div>\n'
        '<div class="controls" id="controls" hidden>\n'
        '<button id="play" class="play" aria-label="Play"></button>\n'
        '<button id="back" aria-label="One moment back">&#9664;</button>'
        '<button id="on" aria-label="One moment on">&#9654;</button>\n'
        '<label class="scrub"><span class="unseen">Moment of the film</span>'
        f'<input type="range" id="scrub" min="0" max="{last + bool(film["test"])}" step="any" value="0"></label>\n'
        '<label class="pace"><span class="unseen">Speed</span><select id="pace"><option value="0.5">&frac12;&times;</option>'
        '<option value="1" selected>1&times;</option><option value="2">2&times;</option>'
        '<option value="4">4&times;</option></select></label>\n'
        '<p class="keys">Space plays, arrows step, Home and End jump</p>\n</div>\n</section>'
    )


def _poster(film: Mapping[str, Any], last: int) -> str:
    """Return what is seen before the film plays: the first moment beside the last."""
    return (
        '<div class="curtain" id="poster"><div class="inside"><div class="pair">'
        f'<figure>{_still(film, 0)}</figure><p class="arrow" aria-hidden="true">&rarr;</p>'
        f"<figure>{_still(film, last)}</figure></div>"
        '<button id="begin" class="begin" hidden><span aria-hidden="true">&#9654;</span> Play the film</button>'
        "<noscript><p>The film needs a browser that runs scripts; the stills below tell the story without.</p></noscript>"
        "</div></div>"
    )


def _test(film: Mapping[str, Any]) -> str:
    test = film["test"]
    if not test:
        return ""
    more = "".join(f"<p>{escape(test[key])}</p>" for key in ("beat", "verdict", "why") if test[key])
    name = ", ".join(filter(None, [test["name"], test["sure"]]))
    return (
        f'<div class="curtain" id="test" hidden><div class="inside"><p class="asked">{escape(test["asked"])}</p>'
        f'<div class="told"><p class="score">{escape(test["value"])}</p><p class="sure">{escape(name)}</p>'
        f"{_line(test['line'], test['outcome'])}{more}</div></div></div>"
    )


def _line(line: Mapping[str, Any], outcome: str) -> str:
    """Return the score with its interval and what it had to beat, on a line that begins at 0."""

    def x(value: float) -> float:
        return round(10 + 380 * min(max(value / float(line["high"]), 0), 1), 1)

    value, against = x(line["value"]), line["against"]
    ends = [x(end) for end in line["ends"]] if line["ends"] else [value, value]
    beat = ""
    if against is not None:
        side = "start" if x(against) < 40 else "end" if x(against) > 360 else "middle"
        beat = f'<path class="beat" d="M{x(against)} 6V34"/><text x="{x(against)}" y="0" text-anchor="{side}">baseline</text>'
    scale = f'<text x="10" y="48">0</text><text x="390" y="48" text-anchor="end">{line["end"]}</text>'
    return (
        f'<svg class="line {outcome}" viewBox="0 -12 400 64" aria-hidden="true"><path class="base" d="M10 20H390"/>{beat}'
        f'<path class="sure" d="M{ends[0]} 20H{max(ends[1], ends[0] + 1)}"/><circle cx="{value}" cy="20" r="6"/>{scale}</svg>'
    )


def _strip(film: Mapping[str, Any]) -> str:
    """Return the film in stills: the first moments, the last, the kept one, and some between."""
    last = len(film["moments"]) - 1
    places = sorted({0, min(1, last), last, *(round(last * part / (STILLS - 1)) for part in range(STILLS))})
    stills = [f'<li><a href="#film" data-moment="{place}">{_still(film, place)}</a></li>' for place in places]
    if film["test"]:
        test = film["test"]
        about = "".join(f"<span>{escape(text)}</span>" for text in (test["name"], test["sure"]) if text)
        score = f'<span class="score">{escape(test["value"])}</span>'
        stills.append(f'<li id="last-still"><div class="still"><b>The test</b>{score}{about}</div></li>')
    return f'<section class="strip"><h2>The film in stills</h2><ol>{"".join(stills)}</ol></section>'


def _still(film: Mapping[str, Any], place: int) -> str:
    """Return one moment as a small picture with its words: squares of right and wrong rows, dots, or what is written."""
    moment = film["moments"][place]
    if film["kind"] == "text":
        picture, of = f'<q dir="auto">{escape(moment["text"][:120])}</q>', sum(len(row["tokens"]) for row in film["rows"])
        count = f"<span>{moment['right']} of {of} next tokens right</span>" if of else ""
    else:
        of = len(film["rows"])
        picture = _squares(film, moment) if film["kind"] == "classes" else _dots(film, moment)
        near = "right" if film["kind"] == "classes" else f"within {film['nearly']}"
        count = f"<span>{moment['right']} of {of} {near}</span>"
    lead = next((chart for chart in film["charts"] if chart.get("leads")), None)
    now = story_charts.now(lead, moment["told"]) if lead else []
    score = f"{now[-1][0]} {lead['title']} {now[-1][1]}".replace(" %", "\xa0%") if lead and now else ""
    said = f"<span>{escape(score)}</span>" if score else ""
    return f'<span class="still"><b>{escape(moment["title"])}</b>{picture}{count}{said}</span>'


def _squares(film: Mapping[str, Any], moment: Mapping[str, Any]) -> str:
    marks = []
    for number, (row, answer) in enumerate(zip(film["rows"], moment["rows"], strict=True)):
        x, y, right = 22 * (number % _COLUMNS), 22 * (number // _COLUMNS), answer[0] == row["truth"]
        sign = "M5 10l4 4 6-8" if right else "M6 6l8 8m0-8l-8 8"
        square = f'<rect width="20" height="20" rx="3"/><path d="{sign}"/>'
        marks.append(f'<g class="{"yes" if right else "no"}" transform="translate({x} {y})">{square}</g>')
    height = 22 * -(-len(marks) // _COLUMNS) - 2
    return f'<svg class="mini" viewBox="0 0 {22 * _COLUMNS - 2} {height}" aria-hidden="true">{"".join(marks)}</svg>'


def _dots(film: Mapping[str, Any], moment: Mapping[str, Any]) -> str:
    low, high = float(film["axis"]["low"]), float(film["axis"]["high"])

    def at(value: float) -> float:
        return round(4 + (_SIDE - 8) * min(max((value - low) / (high - low), 0), 1), 1)

    marks = [
        f'<circle class="{"yes" if abs(said - row["truth"]) <= film["near"] else "no"}" cx="{at(row["truth"])}" '
        f'cy="{_SIDE - at(said)}" r="4"/>'
        for row, said in zip(film["rows"], moment["rows"], strict=True)
        if said is not None
    ]
    line = f'<path class="truth" d="M0 {_SIDE}L{_SIDE} 0"/>'
    return f'<svg class="mini" viewBox="0 0 {_SIDE} {_SIDE}" aria-hidden="true">{line}{"".join(marks)}</svg>'


def _glossary(film: Mapping[str, Any]) -> str:
    terms = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in film["glossary"].items())
    return f'<section class="words"><h2>What you are looking at</h2><dl>{terms}</dl></section>'
