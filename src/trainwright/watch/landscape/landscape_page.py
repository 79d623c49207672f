"""A loss surface as one page: a relief that can be turned, contours, and the path on both, played, paused and scrubbed.

Promises: one file that loads nothing from elsewhere, readable in light and dark, on a telephone and without scripts (then
with a picture); whatever comes from the data, the settings or the file names is escaped.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from trainwright.watch import palette, words
from trainwright.watch.landscape.surface import change, kept

_STYLE = (
    palette.css()
    + """
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.25rem; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 0.5rem; }
h1, li, p, td, th { overflow-wrap: anywhere; }
.soft { color: var(--soft); margin: 0; }
fieldset { border: 0; margin: 1.25rem 0 0.75rem; padding: 0; display: flex; flex-wrap: wrap; gap: 0.4rem; }
legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
fieldset label { border: 1px solid var(--line); border-radius: 6px; padding: 0.3rem 0.75rem; cursor: pointer;
  font-size: 0.95rem; }
fieldset input { position: absolute; opacity: 0; }
fieldset label:has(input:checked) { background: var(--ink); color: var(--paper); border-color: var(--ink); }
fieldset label:has(input:focus-visible), button:focus-visible, canvas:focus-visible, input:focus-visible {
  outline: 3px solid var(--valid); outline-offset: 2px; }
#stage { background: #17132b; color: #d9d6e6; border-radius: 10px; padding: 1rem; margin-top: 1rem; }
.views { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: 0.85rem; color: #a9a4c0; margin-top: 0.25rem; }
canvas { display: block; width: 100%; border-radius: 6px; }
#hill { touch-action: pan-y; cursor: grab; }
#player { display: flex; align-items: center; gap: 1rem; margin: 0.75rem 0 0.25rem; }
#player[hidden] { display: none; }
button { font: inherit; font-weight: 600; min-width: 5.5rem; padding: 0.45rem 1rem; border: 0; border-radius: 6px;
  background: #f4f2ff; color: #17132b; cursor: pointer; }
#time { flex: 1; min-width: 0; accent-color: #e5202a; height: 2rem; }
#now { display: flex; flex-wrap: wrap; gap: 0.1rem 1.5rem; font-variant-numeric: tabular-nums; min-height: 1.6rem; }
#now i { display: inline-block; width: 1.1rem; height: 0.3rem; border-radius: 2px; margin: 0 0.5rem 0.2rem 0; }
.charts { margin-top: 1rem; }
.charts figure:only-child { grid-column: 1 / -1; }
ul { padding-left: 1.2rem; margin: 0.5rem 0; }
li { margin: 0.35rem 0; max-width: 48rem; }
table { border-collapse: collapse; font-size: 0.95rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 1.25rem 0.3rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 500; color: var(--soft); }
img { max-width: 100%; height: auto; }
@media (max-width: 52rem) {
  .views { grid-template-columns: 1fr; }
  body { padding: 1.25rem 0.9rem 3rem; }
  #stage { padding: 0.6rem; }
}
@media print { fieldset, #player { display: none; } #stage { print-color-adjust: exact; break-inside: avoid; } }
"""
)
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def render(found: Mapping[str, Any], name: str, scene: Mapping[str, Any], picture: bytes) -> str:
    """Return the page as HTML; ``scene`` is what ``watch.surface`` made of the surface, ``picture`` a PNG of it."""
    title = f"{_text(found['title'])}{': loss surface' if found.get('line') else ''}"
    # In a script element, only this could end it early.
    data = json.dumps(scene, separators=(",", ":")).replace("<", "\\u003c")
    png = base64.b64encode(picture).decode()
    return "\n".join([
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
        f'<h1>{title}</h1>\n<p class="soft">{_text(_below(found, name))}</p>',
        _stage(found, scene),
        f'<noscript><img alt="The planes from above, with their paths" src="data:image/png;base64,{png}"></noscript>',
        _explained(found),
        f'</main>\n<script type="application/json" id="surface">{data}</script>',
        f"<script>{_script()}</script>\n</body>\n</html>\n",
    ])  # fmt: skip


def _script() -> str:
    """Return what draws and moves, in a scope of its own."""
    parts = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("relief.js", "landscape.js"))
    return "'use strict';\n(() => {\n" + "".join(parts) + "})();\n"


def _text(value: object) -> str:
    """Return somebody's text as HTML: no tags, no control characters."""
    return escape(words.clean(value))


def _below(found: Mapping[str, Any], name: str) -> str:
    if not found.get("line"):
        return (
            "The surfaces of textbooks, small enough to be seen whole. The optimisers are those that train everything else; "
            "their rates were tried by hand: three that suit the surface, and one that is too high for it."
        )
    return f"{name}: {found['task']}, {words.count(found['parameters'])} parameters; epoch {found['kept']} was kept"


def _stage(found: Mapping[str, Any], scene: Mapping[str, Any]) -> str:
    """Return the choice of planes, the two views, the player and the charts."""
    planes = scene["planes"]
    choices = "".join(
        f'<label><input type="radio" name="plane" value="{place}"{"" if place else " checked"}>{_text(plane["title"])}</label>'
        for place, plane in enumerate(planes)
    )
    parts = [f"<fieldset><legend>Which plane is shown</legend>{choices}</fieldset>"] if len(planes) > 1 else []
    moving = any(len(path["points"]) > 1 for plane in planes for path in plane["paths"])
    chart = (
        '<figure><canvas id="loss" role="img" aria-label="The loss after each step"></canvas>'
        "<figcaption>The loss that was measured at each of these states</figcaption></figure>"
    )
    return "\n".join([
        *parts,
        *_abouts(found),
        '<div id="stage">\n<div class="views">',
        '<figure><canvas id="hill" tabindex="0" role="img" aria-label="The loss as a relief, with the path on it; arrow keys '
        'turn it"></canvas><figcaption>Drag it, or use the arrow keys, to turn it</figcaption></figure>',
        '<figure><canvas id="map" role="img" aria-label="The same from above: contours of equal loss, with the path"></canvas>'
        f"<figcaption>{'Crosses are minima' if not found.get('line') else 'The same from above'}</figcaption></figure>",
        "</div>",
        '<div id="player"><button type="button" id="play">Play</button><input type="range" id="time" min="0" max="1000" '
        'value="1000" aria-label="How far along the path"></div>\n<div id="now"></div>',
        f'<div class="views charts">{chart if moving else ""}{_straight(found)}</div>' if moving or found.get("line") else "",
        "</div>",
    ])  # fmt: skip


def _abouts(found: Mapping[str, Any]) -> list[str]:
    """Return what is said of each plane, of which one is shown at a time."""
    flat = "Next to nothing happens here: {}. The relief is drawn as flat as it is."
    said = [plane.get("about") or (flat.format(change(plane)) if change(plane) else "") for plane in found["planes"]]
    return [
        f'<p class="soft" data-plane="{place}"{" hidden" if place else ""}>{_text(text)}</p>'
        for place, text in enumerate(said)
        if text
    ]


def _straight(found: Mapping[str, Any]) -> str:
    if not found.get("line"):
        return ""
    return (
        '<figure><canvas id="line" role="img" aria-label="The loss on the straight line from the first parameters to those '
        'that were kept"></canvas><figcaption>Straight from the first parameters to those that were kept</figcaption></figure>'
    )


def _explained(found: Mapping[str, Any]) -> str:
    """Return what is seen and what is not, and the facts, of a run."""
    if not found.get("line"):
        return ""
    facts = [
        ("loss of what was kept", words.number(found["centre"])),
        ("measured on", _rows(found)),
        ("parameters", words.count(found["parameters"])),
        ("points measured", words.count(found["points"])),
        ("time", words.seconds(found["seconds"])),
    ]
    table = "".join(f"<tr><th>{name}</th><td>{_text(value)}</td></tr>" for name, value in facts)
    return "\n".join([
        f"<h2>What is seen</h2>\n{_list(_seen(found))}",
        f"<h2>What is not seen</h2>\n{_list(_unseen(found))}",
        f"<h2>Measured</h2>\n<table>{table}</table>",
    ])  # fmt: skip


def _list(sentences: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(each)}</li>" for each in sentences) + "</ul>"


def _rows(found: Mapping[str, Any]) -> str:
    rows, whole = words.amount(found["rows"], found["unit"]), words.amount(found["of"], found["unit"])
    return f"all {rows} of validation" if found["rows"] == found["of"] else f"{rows} of the {whole} of validation"


def _seen(found: Mapping[str, Any]) -> list[str]:
    own = found["planes"][0] if len(found["planes"]) > 1 else None
    said = [
        f"Height and colour are the loss that training makes small, measured on {_rows(found)} with dropout off. The red point "
        f"is what was kept, of loss {words.number(found['centre'])}."
    ]
    if found.get("chance"):
        said.append(_against_chance(found["chance"], found["centre"]))
    if own is not None:
        lowest = min(each for row in own["loss"] for each in row if each is not None)
        said.append(
            f"The plane of the path goes through the kept parameters, along the two directions in which the "
            f"{words.count(len(own['paths'][0]['steps']))} states of the training vary most: {_share(own['share'])} of their "
            f"variance is in it. The lowest point measured there has a loss of {words.number(lowest)}."
        )
        said += _afterwards(own["paths"][0], found["centre"])
    said.append(
        "The plane of two random directions shows how fast the loss rises around what was found. Each filter of a direction is "
        "as long as the network's own, so that networks whose weights differ in size can be compared (Li et al. 2018)."
    )
    return [*said, _on_the_line(found["line"])]


def _against_chance(chance: Mapping[str, Any], centre: float) -> str:
    """Say how what was kept stands against a model that knows nothing."""
    told = f"A model that knows nothing has a loss of {words.loss(chance['loss'])} ({chance['name']})"
    own = f"what was kept, {words.loss(centre)}"
    return f"{told}; {own}, is no better." if centre >= chance["loss"] else f"{told}; {own}."


def _afterwards(path: Mapping[str, Any], centre: float) -> list[str]:
    """Say what came of the training after what was kept, where it went on."""
    left, last = len(path["points"]) - 1 - kept(path), path["loss"][-1]
    if not left:
        return []
    end = "one that is not finite" if last is None else f"one of {words.number(last)}"
    more = "" if last is None else ", more than that of what was kept" if last > centre else ""
    return [
        f"Beyond the red point the path is dashed: what the training did after the epoch that was kept, up to its last step. "
        f"There the loss on validation is {end}{more}."
    ]


def _on_the_line(line: Mapping[str, Any]) -> str:
    """Say whether anything stands in the straight way from the first parameters to the kept ones."""
    known = [(share, loss) for share, loss in zip(line["x"], line["loss"], strict=True) if loss is not None and 0 <= share <= 1]
    if len(known) < 2:
        return "On the straight line from the first parameters to the kept ones the loss is not finite."
    share, highest = max(known, key=lambda each: each[1])
    ends = max(known[0][1], known[-1][1])
    start = "On the straight line from the first parameters to the kept ones"
    if highest > 1.02 * ends:
        return (
            f"{start} the loss first rises to {words.number(highest)}, {100 * share:.0f} % of the way: training went around it."
        )
    if all(after[1] <= before[1] * 1.001 for before, after in pairwise(known)):
        return f"{start} the loss falls all the way: nothing stands between them."
    return f"{start} the loss is never above that of the first ones, but does not fall all the way."


def _share(share: float) -> str:
    return f"{100 * share:.3g} %" if share >= 1e-4 else "less than 0.01 %"


def _unseen(found: Mapping[str, Any]) -> list[str]:
    random = found["planes"][-1]
    said = [
        f"All but two of {words.count(found['parameters'])} dimensions. Valleys and ways out may lie in any of the others, and "
        "a wall in this plane may have a way around it."
    ]
    if len(found["planes"]) > 1:
        said.append(
            "The path itself is beside its plane: the line lies on the surface below or above it, and the loss in words and in "
            "the chart is that of the states themselves."
        )
        said.append(
            "A large share in the plane says little by itself: of a random walk in many dimensions 61 % of the variance are "
            "along the first such direction, and 15 % along the second (Antognini and Sohl-Dickstein 2018, arXiv:1806.08805)."
        )
        said.append(
            f"In the random plane there is {_share(random['share'])} of the path's variance: there it is drawn next to the "
            "point that was kept, as nearly all of its way is at right angles to the plane."
        )
    if found["why"]:
        said.append(f"The path of the training is left out, as it cannot be had again: {found['why']}.")
    if found["apart"]:
        said.append(
            f"Training again ended beside what was kept, by up to {found['apart']:.2g} in a parameter, as on another machine "
            "or with other libraries it does: the path is that of the second training."
        )
    if found["buffers"]:
        said.append(
            "The running statistics of batch norm are those of the kept parameters at each point of the planes and the line; "
            "each state of the path was measured with its own."
        )
    return said
