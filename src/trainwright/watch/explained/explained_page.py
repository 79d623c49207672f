"""An explanation as one page: no script, nothing to load from elsewhere, light and dark and on paper; all data are escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from trainwright.watch import palette, words
from trainwright.watch.explained import explained_text as told
from trainwright.watch.explained.explanation import Explanation, Unit

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
ROWS, FIRST, UNITS, TEXT = 16, 12, 200, 20_000  # of weights; of what is taken in at first, and in all; characters of a text
_READ = 'tabindex="0" role="region" aria-label="The text"'  # of what may scroll: the keyboard reaches it
_TAG = re.compile("<[^>]*>")
DIRECTIONS = '<span class="ends"><span>\u2190 against</span><span>for \u2192</span></span>'  # above bars of both signs
_STYLE = (
    palette.css()
    + """* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.25rem 1.25rem 4rem; }
h1 { font-size: 1rem; font-weight: 500; margin: 0; color: var(--soft); }
h2 { font-size: 1.15rem; margin: 0 0 0.35rem; }
section { margin-top: 2.25rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }
p { margin: 0.35rem 0; max-width: 46rem; }
h1, p, .text { overflow-wrap: anywhere; }
td, th { overflow-wrap: break-word; }
.soft { color: var(--soft); }
.answer { font-size: clamp(2rem, 7vw, 3rem); line-height: 1.15; font-weight: 650; margin: 0.35rem 0; max-width: none; }
.answer small { font-size: 0.5em; font-weight: 500; color: var(--soft); white-space: nowrap; }
.text { font-size: 1.1rem; line-height: 2.05; background: var(--panel); border-radius: 8px; padding: 0.9rem 1.1rem;
  margin: 1rem 0; white-space: pre-wrap; max-height: 32rem; overflow-y: auto; }
.text span { padding: 0.15em 0.1em; border-radius: 3px; border-bottom: 2px solid transparent; }
.text .f1 { background: color-mix(in srgb, var(--for) 16%, transparent); }
.text .a1 { background: color-mix(in srgb, var(--against) 18%, transparent); }
.text .f2 { background: color-mix(in srgb, var(--for) 32%, transparent); }
.text .a2 { background: color-mix(in srgb, var(--against) 36%, transparent); }
.text .f3 { background: color-mix(in srgb, var(--for) 50%, transparent); }
.text .a3 { background: color-mix(in srgb, var(--against) 56%, transparent); }
.text .f2, .text .f3 { border-bottom-color: var(--for); } .text .a2, .text .a3 { border-bottom: 2px dotted var(--against); }
.letters span { padding: 0.15em 0; border-radius: 0; }
sup { font-size: 0.65em; line-height: 0; color: var(--soft); font-weight: 600; }
table { border-collapse: collapse; font-size: 0.93rem; font-variant-numeric: tabular-nums; width: 100%; }
summary { cursor: pointer; color: var(--soft); margin: 0.5rem 0; }
.ends { display: flex; justify-content: space-between; }
th, td { padding: 0.3rem 1.1rem 0.3rem 0; text-align: left; border-bottom: 1px solid var(--line); }
td:last-child, th:last-child { padding-right: 0; }
thead th { font-weight: 500; color: var(--soft); vertical-align: bottom; }
tbody th { font-weight: 500; min-width: 6rem; }
.w { min-width: 7rem; }
.n { text-align: right; white-space: nowrap; }
.wide { overflow-x: auto; margin: 0.75rem 0 1rem; }
.fit { width: auto; }
.track { width: 38%; min-width: 7rem; }
.bars { display: block; width: 100%; height: 0.85rem; }
.bars .for { fill: var(--for); } .bars .against { fill: var(--against); } .bars line { stroke: var(--soft); stroke-width: 0.4; }
.truth th::after { content: " \\2605"; color: var(--soft); }
.pictures { display: flex; flex-wrap: wrap; gap: 1.25rem; margin: 1rem 0; }
figure { margin: 0; flex: 0 1 17rem; min-width: 9rem; }
figcaption { color: var(--soft); font-size: 0.9rem; margin-top: 0.4rem; }
.stack { position: relative; background: #fff; border-radius: 6px; overflow: hidden; }
.stack img { display: block; width: 100%; height: auto; image-rendering: pixelated; }
.stack img + img { position: absolute; inset: 0; height: 100%; }
.stack .pale { filter: grayscale(1); opacity: 0.35; }
@media (max-width: 36rem) {
  th, td { padding-right: 0.6rem; } table { font-size: 0.88rem; }
  .rows thead { position: absolute; clip-path: inset(50%); }
  .rows tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(5rem, 1fr)); padding: 0.4rem 0;
    border-bottom: 1px solid var(--line); }
  .rows th, .rows td { display: block; border: 0; padding-block: 0.1rem; text-align: left; min-width: 0; }
  .rows tbody th, .rows .w, .rows .track { grid-column: 1 / -1; width: auto; }
  .rows td::before { content: attr(data-h); display: block; font-size: 0.8rem; color: var(--soft); white-space: normal; }
  .rows .w::before, .rows .track::before { content: none; }
}
@media print { .text { max-height: none; } section { break-inside: avoid; } * { print-color-adjust: exact; } }
"""
)


def render(found: Explanation, item: str) -> str:
    """Return the page as HTML; ``item`` is the input in words, for the title."""
    title = f"{told.label_of(found, found.answer, 40)}: {words.clip(item, 60) or 'an empty input'}"
    parts = [
        _head(found),
        _text_of(found) or _pictures(found) or _surprises(found),
        _section("What spoke for it", _method(found), _weights(found)),
        _section("What it takes in", _facts(found.facts), _units(found)),
        _section("The most surprising tokens", _surprising(found)),
        _section("What may come next" if found.task == "language" else "From logits to probabilities", _classes(found)),
        _section("Loss", *(f"<p>{_text(line)}</p>" for line in told.losses(found))),
        _section("The update that this row alone would cause", _step(found)),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def _text(value: object) -> str:
    """Return somebody's text as HTML: no tags, no control characters."""
    return escape(words.clean(value))


def _label(value: object, most: int = 60) -> str:
    """Return a label as HTML that keeps its own direction."""
    return f"<bdi>{_text(words.clip(value, most))}</bdi>"


def _section(title: str, *content: str) -> str:
    inner = "\n".join(part for part in content if part)
    return f"<section>\n<h2>{title}</h2>\n{inner}\n</section>" if inner else ""


def _head(found: Explanation) -> str:
    sure = f" <small>{words.percent(found.classes[0].probability)}</small>" if found.classes else ""
    answer = f"<bdi>{_text(told.label_of(found, found.answer, 60))}</bdi>"
    before = f"{_label(found.target)} " if found.target else ""
    remark = f"<p>{_text(found.remark)}</p>\n" if found.remark else ""
    kind = "The next token after this text" if found.task == "language" else "The way of one input"
    return (
        f"<header>\n<h1>{kind}, by {_text(words.clip(found.model, 40))}</h1>\n"
        f'<p class="answer">{before}{answer}{sure}</p>\n<p class="soft">{_text(told.truth_of(found))}</p>\n{remark}</header>'
    )


def _pictures(found: Explanation) -> str:
    if not found.picture:
        return ""
    shown = _figure(f'<img src="{escape(found.picture)}" alt="The picture as the network sees it">', "As the network sees it")
    if found.overlay:
        what = f"Blue speaks for {words.clip(found.answer, 40)}, orange for {words.clip(found.against, 40)}"
        both = f'<img class="pale" src="{escape(found.picture)}" alt=""><img src="{escape(found.overlay)}" alt="{_text(what)}">'
        shown += _figure(both, what)
    return f'<div class="pictures">{shown}</div>'


def _figure(images: str, caption: str) -> str:
    return f'<figure><div class="stack">{images}</div><figcaption>{_text(caption)}</figcaption></figure>'


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_text(name)}</th><td>{_text(words.clip(value, 600))}</td></tr>' for name, value in facts
    )
    return _wide(f'<table class="fit"><tbody>{rows}</tbody></table>', "What it is made of") if rows else ""


def _wide(table: str, name: str) -> str:
    """Return a table that may be wider than the page: it scrolls by itself, with the keyboard too."""
    return f'<div class="wide" tabindex="0" role="region" aria-label="{name}">{table}</div>'


def _units(found: Explanation) -> str:
    units = found.units[:UNITS]
    if not units:
        return ""
    ids, given, weighed = (any(getattr(unit, key) not in (None, "") for unit in units) for key in ("id", "given", "weight"))
    columns = found.task == "table"
    name, key = ("column", "code") if columns else ("token", "id")
    head = [name, *["cell"] * given, *[key] * ids, *["weight"] * weighed, *found.dimensions]
    rows = []
    for unit in units:
        row = [_label(told.label_of(found, unit.name, 40), 40), *[_label(unit.given, 40)] * given]
        row += ["" if unit.id is None else f"{unit.id}"] * ids
        row += [words.number(unit.weight or 0.0, 3)] * weighed
        numbers = [f"{value:.3g}" for value in unit.vector]
        rows.append([*row, *([", ".join(numbers)] if columns else numbers)])
    vector = "what it becomes" if columns else f"the first {len(found.dimensions)} numbers of its vector"
    vector = vector if found.dimensions else "its id; the network has no table with a vector for each"
    order = "; those that add or take most first" if weighed or columns else ""
    caption = f"Each {'column' if columns else 'id'}, and {'its weight for each class' if _by_class(found) else vector}{order}"
    left, heads = 1 + given, [_label(each, 24) for each in head]
    table = _table(heads, rows[:FIRST], left, caption if ids or found.sums else "")
    more, cut = len(found.units) - FIRST, len(found.units) - len(units)
    if more <= 0:
        return table
    said = f"{more:,} more" if not cut else f"{more - cut:,} more; {cut:,} are left out"
    return f"{table}<details><summary>{said}</summary>{_table(heads, rows[FIRST:], left, '')}</details>"


def _by_class(found: Explanation) -> bool:
    return bool(found.sums) and list(found.dimensions) == [each.label for each in found.sums]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int, caption: str, truth: int = -1) -> str:
    """Return a table of cells that are HTML already: the first names the row, ``left`` ones are words, the others numbers.

    On a telephone they are stacked, each number under its name.
    """

    def cell(tag: str, place: int, content: str) -> str:
        kind = ' class="w"' if place < left else ' class="n"'
        if content.startswith("<svg") or content in ("", DIRECTIONS):
            kind = ' class="track"'
        if tag == "td" and not place:
            return f'<th scope="row">{content}</th>'
        if not content:  # above bars: a heading without words is none
            return f"<td{kind}></td>"
        name = f' data-h="{_TAG.sub("", head[place])}"' if tag == "td" and stacked else ' scope="col"' if tag == "th" else ""
        return f"<{tag}{name}{kind}>{content}</{tag}>"

    stacked, body = len(head) > 2 and DIRECTIONS not in head, []
    for at, row in enumerate(rows):
        mark = ' class="truth"' if at == truth else ""
        body.append(f"<tr{mark}>{''.join(cell('td', place, each) for place, each in enumerate(row))}</tr>")
    heads = f'<th scope="col">{head[0]}</th>' + "".join(cell("th", place, each) for place, each in enumerate(head) if place)
    lines = "\n".join(body)
    said = f'<p class="soft">{_text(caption)}</p>\n' if caption else ""
    kind = ' class="rows"' if stacked else ""
    table = f"<table{kind}><thead><tr>{heads}</tr></thead>\n<tbody>{lines}</tbody></table>"
    return said + _wide(table, _text(caption) or f"By {_TAG.sub('', head[0])}")


def _bar(share: float, signed: bool, kind: str = "for") -> str:
    """Return a bar as SVG: from the left, or of both signs from the middle."""
    if not signed:
        return f'<svg class="bars" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="{kind}" ' \
               f'width="{100 * share:.2f}" height="8"/></svg>'  # fmt: skip
    size, kind = 50 * abs(share), "for" if share > 0 else "against"
    return (
        f'<svg class="bars" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="{kind}" '
        f'x="{50 - size * (share < 0):.2f}" width="{size:.2f}" height="8"/><line x1="50" x2="50" y1="0" y2="8"/></svg>'
    )


def _method(found: Explanation) -> str:
    return f'<p class="soft">{_text(found.method)}</p>' if found.method else ""


def _text_of(found: Explanation) -> str:
    """Return the text, each word coloured and marked by how strongly it speaks for or against."""
    largest = max((abs(piece.weight) for piece in found.pieces), default=0.0)
    shown, length = [], 0
    for piece in found.pieces:
        level, length = told.strength(piece.weight, largest), length + len(piece.text)
        said = "\n".join(map(_text, piece.text.split("\n")))
        if level:
            sign, kind = ("+", "f") if piece.weight > 0 else ("\u2212", "a")
            title = f"{told.signed(piece.weight)} towards {words.clip(found.answer, 40)}"
            said = f'<span class="{kind}{level}" title="{_text(title)}">{said}<sup>{sign * (level - 1)}</sup></span>'
        shown.append(said)
        if length > TEXT:
            shown.append(words.ELLIPSIS)
            break
    return f'<div class="text" dir="auto" {_READ}>{"".join(shown)}</div>' if shown else ""


def _weights(found: Explanation) -> str:
    """Return the weights as bars, and what they sum to."""
    weights = told.by_word(found.pieces) or [(unit.name, told.net(found, unit)) for unit in found.units if unit.parts]
    if not weights:
        return ""
    largest = max(abs(weight) for _, weight in weights) or 1.0
    cells: dict[str, Unit] = {unit.name: unit for unit in found.units if unit.given}
    rows = []
    for name, weight in weights[:ROWS]:
        cell = f" {_label(cells[name].given, 24)}" if name in cells and not found.pieces else ""
        rows.append([f'{_label(name, 40)}<span class="soft">{cell}</span>', _bar(weight / largest, True), told.signed(weight)])
    rest = sum(weight for _, weight in weights[ROWS:])
    if len(weights) > ROWS:
        rows.append([f'<span class="soft">{len(weights) - ROWS:,} more</span>', _bar(0, True), told.signed(rest)])
    head = ["word" if found.pieces else "column", DIRECTIONS, "weight"]
    table = _table(head, rows, 1, told.compared(found))
    return f"{table}\n<p>{_text(told.sums_to(found))}</p>" if found.sums else table


def _surprises(found: Explanation) -> str:
    """Return running text, each token coloured by its surprise."""
    if not found.tokens:
        return ""
    steps = told.surprising(found)
    between = " " if any(len(token.text) > 1 for token in found.tokens) else ""
    shown = []
    for token in found.tokens[:TEXT]:
        level = sum(token.loss > least for least in steps)
        said = _text(token.text) if token.text != "\n" else "\u21b5\n"
        title = f"{token.loss:.2f} nats; expected: {told.visible(token.guess)}"
        mark = f' class="a{level}"' if level else ""
        shown.append(f'<span{mark} title="{_text(title)}">{said}</span>{between}')
    legend = '<p class="soft">Surprise in nats: pale above {}, dotted above {}, dark above {}.</p>'.format(*steps)
    kind = "text" if between else "text letters"
    return f'<div class="{kind}" dir="auto" {_READ}>{"".join(shown)}</div>\n{legend}'


def _surprising(found: Explanation) -> str:
    if not found.tokens:
        return ""
    worst = sorted(found.tokens, key=lambda token: -token.loss)[:FIRST]
    most = max(worst[0].loss, 1e-9)
    rows = [
        [
            _text(told.visible(each.text)),
            _bar(each.loss / most, False, "against"),
            f"{each.loss:.2f}",
            _text(told.visible(each.guess)),
        ]
        for each in worst
    ]
    return _table(["token", "", "nats", "expected"], rows, 1, "")


def _classes(found: Explanation) -> str:
    if not found.classes:
        return ""
    shown, rows = told.chosen(found), []
    for each in shown:
        numbers = [f"{each.logit:.4f}", f"{each.mapped:.4g}", *([f"{each.term:.4g}"] if each.term is not None else [])]
        name = f"<bdi>{_text(told.label_of(found, each.label, 60))}</bdi>"
        said = [words.percent(each.probability), f"{each.cross_entropy:.4f}"]
        rows.append([name, *numbers, *said, _bar(each.probability, False)])
    what = "token" if found.task == "language" else "class"
    head = [what, "logit", *map(_text, told.head_of(found)), "probability", "\u2212ln p", ""]
    left = len(found.classes) - len(shown)
    star = "the truth" if found.given else "the answer, taken for the truth"
    caption = f"{found.mapping}. {words.STAR} {star}{f'; {left:,} more classes' if left > 0 else ''}"
    sums = "".join(f'<p class="soft">{_text(line)}</p>' for line in told.by_class(found))
    return _table(head, rows, 1, caption, [each.label for each in shown].index(str(found.truth))) + sums


def _step(found: Explanation) -> str:
    if found.step is None:
        return ""
    step = found.step
    if not step.moves:
        return f"<p>{told.NOTHING}</p>"
    norms = ", ".join(f"{name} {words.number(norm)}" for name, norm in step.parameters[:8])
    rows = []
    for move in step.moves:
        way = "up \u2191" if move.gradient < 0 else "down \u2193"
        cells = [_label(move.parameter, 40), _label(move.place), words.number(move.value), told.signed(move.gradient), way]
        rows.append(cells)
    table = _table(["parameter", "of", "value", "gradient", "moves"], rows, 2, "The largest entries of the gradient")
    changed = "".join(f"<p>{_text(line)}</p>" for line in told.changes(found))
    how = told.made_by(found)
    note = _text(f"{how[:1].upper()}{how[1:]}.")
    return (
        f'<p>{_text(f"Norm of the gradient {words.number(step.norm)}: {norms}")}</p>{table}{changed}<p class="soft">{note}</p>'
    )
