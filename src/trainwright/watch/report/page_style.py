"""The style sheet of the page, and its one script, which sorts tables. Both are constant, so that a hash can name them."""

from __future__ import annotations

import base64
import hashlib

from trainwright.watch import palette

FITS, LARGEST = 22, 80  # rem: what a phone has room for; the widest matrix
_SHADES = (0.06, 0.14, 0.24, 0.34, 0.45, 0.57, 0.7, 0.85, 1.0)


def _shades() -> str:
    """Return the classes of everything that is the darker the more it is."""
    rules = [
        f".r{k}{{fill:var(--right);fill-opacity:{share}}}.w{k}{{fill:var(--wrong);fill-opacity:{share}}}"
        f".b{k}{{fill:var(--valid);fill-opacity:{share}}}"
        for k, share in enumerate(_SHADES)
    ]
    for kind in ("for", "against"):
        rules += [_ground(f".{kind}.{kind[0]}{k}", kind, 8 + 9 * k) for k in range(1, 5)]
    rules += [_ground(f".s{k}", "against", 9 * k) for k in range(1, 6)]
    rules += [f".cells.m{k}{{min-width:{k}rem}}" for k in range(FITS + 2, LARGEST + 2, 2)]
    return "\n".join(rules)


def _ground(kind: str, color: str, share: int) -> str:
    return f"{kind}{{background:color-mix(in srgb,var(--{color}) {share}%,transparent);color:var(--ink);border-radius:2px}}"


RULES = (
    """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:66rem;padding:2.5rem 1.25rem 4rem;background:var(--paper);color:var(--ink);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:clamp(1.5rem,1.1rem + 2vw,2.25rem);line-height:1.2;letter-spacing:-.015em;margin:0 0 .75rem;font-weight:650}
h2{font-size:1.25rem;letter-spacing:-.01em;margin:0 0 1rem;padding-top:1rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.75rem 0 .25rem}
section{margin-top:2.75rem}
p{margin:.25rem 0 .75rem;max-width:44rem}
h1,p,dd,.input{overflow-wrap:anywhere}
.eyebrow{font-size:.8125rem;letter-spacing:.06em;text-transform:uppercase;color:var(--soft);margin:0 0 .5rem}
.soft,.place,caption{color:var(--soft);font-size:.875rem}
.lede{font-size:1.125rem;line-height:1.5;margin:0 0 1.5rem}
.head{display:grid;gap:1rem 2.5rem;align-items:center}
.score{font-size:clamp(2.75rem,2rem + 4vw,4rem);line-height:1;font-weight:650;letter-spacing:-.03em;margin:0 0 .5rem;
font-variant-numeric:tabular-nums}
@media(min-width:48rem){.head{grid-template-columns:minmax(13rem,1fr) 1.6fr}}
.findings{margin:1.25rem 0 0;padding:.9rem 1.1rem;background:var(--panel);border-left:4px solid var(--against);list-style:none}
.findings li+li{margin-top:.5rem}
.figures{display:grid;gap:2rem 2.5rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,22rem),1fr));align-items:start}
figure{margin:0;min-width:0}
figcaption{font-size:.9375rem;margin-bottom:.25rem}
dl+details,details+details{margin-top:1rem}
figure+details,.wide+details,.figures+details{margin-top:1rem}figure+.wide,details+.wide,.wide+.wide{margin-top:1.75rem}
.figures.pair>:first-child{grid-row:span 2}.head figure{max-width:32rem}
.beside{display:flex;flex-wrap:wrap;gap:1.5rem 3rem;align-items:flex-start}.beside>*{max-width:100%}
.beside .wide{margin-top:0}.beside+details{margin-top:1rem}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{font-family:inherit;font-variant-numeric:tabular-nums;fill:var(--ink);unicode-bidi:plaintext}
svg .tick{font-size:12px;fill:var(--soft)}
svg .tick,svg .name,svg .value{paint-order:stroke;stroke:var(--paper);stroke-width:3px;stroke-linejoin:round}
svg .name{font-size:13px;font-weight:600}svg .value{font-size:12.5px;fill:var(--soft)}
svg .name.train,svg .name.base{fill:var(--soft)}svg .name.valid{fill:var(--valid)}
.grid{stroke:var(--line);stroke-width:1;fill:none}.axis{stroke:var(--edge);fill:none}
.mark{stroke:var(--soft);stroke-width:1.25;stroke-dasharray:5 4;fill:none}
.kept{stroke:var(--edge);stroke-dasharray:1.5 3;fill:none}
.curve{fill:none;stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}
.curve.train,.span.base{stroke:var(--train)}.curve.valid,.span.valid,.curve.rate{stroke:var(--valid)}
.curve.rate{stroke-width:1.75}
.steps{fill:none;stroke:var(--train);stroke-width:1;opacity:.55}
.dot.train,.dot.base{fill:var(--train)}.dot.valid,.point{fill:var(--valid)}.point{fill-opacity:.6}
.ring{fill:var(--paper);stroke-width:2.25}.ring.valid{stroke:var(--valid)}.ring.train{stroke:var(--train)}
.span{stroke-width:7;stroke-linecap:round;opacity:.4;fill:none}
svg .lost{font-size:16px;font-weight:700;fill:var(--wrong)}
.none{fill:var(--panel)}.over{fill:transparent}.over:hover{fill:var(--valid);fill-opacity:.2}
.fill{fill:var(--valid)}rect.right{fill:var(--right)}rect.wrong{fill:var(--wrong)}
svg .label{font-size:12.5px}svg .count{font-size:13px}svg .share{font-size:11px;fill:var(--soft)}
svg .share.mid{fill:var(--ink)}svg .count.strong,svg .share.strong{fill:var(--paper)}
.cells.cm .count{font-size:11px}.cells.cl .label{font-size:11px}
.cells{width:auto;max-width:100%}.cells.all{max-width:38rem}.cells.all .label{font-size:18px;fill:var(--soft)}
svg.long{min-width:34rem;max-width:48rem}
.wide{overflow-x:auto;max-width:100%}
:focus-visible{outline:2px solid var(--valid);outline-offset:2px}
table{border-collapse:collapse;font-size:.9375rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding-bottom:.35rem}
.untitled caption,details table:not(.settings) caption{position:absolute;clip-path:inset(50%)}
th,td{padding:.35rem 1.25rem .35rem 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:break-word}
td,th{min-width:3.5rem;max-width:24rem}
thead th{color:var(--soft);font-weight:500;white-space:nowrap;vertical-align:bottom}
tbody th{font-weight:500}
td.n,th.n{text-align:right;white-space:nowrap}
.sortable :is(th,td){overflow-wrap:anywhere;padding-right:1rem}
.f1 .bar{float:left;width:3.2rem;height:.5rem;margin:.5rem .8rem 0 0}
th button{all:unset;cursor:pointer;color:inherit}th button::after{content:" \\2195";opacity:.5}
th button:focus-visible{outline:2px solid var(--valid);outline-offset:2px}
th[aria-sort=ascending] button::after{content:" \\2191";opacity:1}
th[aria-sort=descending] button::after{content:" \\2193";opacity:1}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15rem),1fr));gap:.6rem 2rem;margin:0}
.facts dt{font-size:.8125rem;color:var(--soft)}.facts dd{margin:0;font-variant-numeric:tabular-nums}
.cards{columns:19rem;column-gap:1rem}.cards .card{margin-bottom:1rem}
.tiles{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(10.5rem,1fr))}
.card{background:var(--panel);border-radius:6px;border-top:3px solid var(--right);padding:.8rem 1rem;min-width:0;
break-inside:avoid}
.card.wrong{border-top-color:var(--wrong)}
.card p{margin:0 0 .4rem;font-size:.9375rem}.card .place{font-size:.8125rem;margin:.5rem 0 0}
.card table{font-size:.875rem;width:100%}.card td,.card th{padding:.15rem 0}.card td{text-align:right}
.card .sure{display:flex;align-items:center;gap:.6rem;font-size:.875rem}
.sure .bar{width:5rem;height:.5rem}
.tiles .sure{gap:.35rem}.tiles .sure .bar{flex:1;min-width:0}.sure .n{white-space:nowrap}.sure .none{fill:var(--line)}
.input{white-space:pre-wrap;line-height:1.6}
.against{text-decoration:underline dotted;text-underline-offset:.2em}
.sign{font-weight:650;white-space:nowrap;font-size:.875rem}.sign.right{color:var(--right)}.sign.wrong{color:var(--wrong)}
.picture{position:relative;background:var(--paper)}
.picture img{display:block;width:100%;image-rendering:pixelated;aspect-ratio:1;object-fit:contain}
.two{display:grid;grid-template-columns:1fr 1fr;gap:.4rem}
.picture .map{position:absolute;inset:0}
pre{background:var(--panel);border-radius:6px;padding:.9rem 1.1rem;margin:.5rem 0;white-space:pre-wrap;
overflow-wrap:anywhere;font-size:.875rem;
line-height:1.5;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.passage{background:var(--panel);padding:1rem 1.1rem;border-radius:6px;line-height:1.9;max-width:none}
.epochs dt{color:var(--soft);font-size:.875rem;margin-top:.75rem}.epochs dd{margin:0}
details>*+*{margin-top:.75rem}
summary{cursor:pointer;color:var(--soft);font-size:.9375rem}
.settings td:last-child{color:var(--soft)}
.settings,.untitled{min-width:36rem}.settings td{min-width:8rem}.settings code{white-space:nowrap;font-size:.9em}
footer{margin-top:3rem;color:var(--soft);font-size:.875rem}
"""
    + _shades()
    + """
@media print{body{padding:0;max-width:none;font-size:10pt}section{break-inside:auto}figure,tr,.card{break-inside:avoid}
h2,h3{break-after:avoid}.wide{overflow:visible}.cells,svg.long{min-width:0}th button::after{content:""}
details::details-content{content-visibility:visible;block-size:auto}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
@media(max-width:30rem){body{padding:1.5rem 1rem 3rem}th,td{padding-right:.8rem;overflow-wrap:anywhere}
.tiles{grid-template-columns:1fr 1fr}.f1 .bar{display:none}thead th{white-space:normal}
.settings,.untitled{min-width:0}.settings thead,.untitled thead{position:absolute;clip-path:inset(50%)}
.settings tr,.untitled tr,.sortable tbody tr{display:grid;gap:0 .75rem;padding:.45rem 0;border-bottom:1px solid var(--line);
grid-template-columns:minmax(0,1fr) minmax(0,1fr)}
.settings :is(td,th),.untitled :is(td,th),.sortable tbody :is(td,th){display:block;border:0;padding:0;min-width:0;
max-width:none;text-align:left}.settings code{white-space:normal}
.settings td:nth-child(n+3),.untitled td:nth-child(n+3){grid-column:1/-1;color:var(--soft)}
.sortable,.sortable :is(thead,tbody,caption){display:block}.sortable thead tr{display:flex;flex-wrap:wrap;gap:0 1rem}
.sortable thead th{border:0;padding:.1rem 0;min-width:0}.sortable tbody tr{grid-template-columns:repeat(4,minmax(0,1fr))}
.sortable tbody :is(th,td:nth-child(6)){grid-column:1/-1}.sortable td:empty{display:none}
.sortable td::before{display:block;font-size:.8125rem;color:var(--soft)}.sortable td:nth-child(2)::before{content:"precision"}
.sortable td:nth-child(3)::before{content:"recall"}.sortable td:nth-child(4)::before{content:"F1"}
.sortable td:nth-child(5)::before{content:"rows"}.sortable td:nth-child(6)::before{display:inline;content:"mostly taken for "}
.labels td:nth-child(6)::before{content:"average precision "}.labels td:nth-child(7)::before{content:"said from "}}
"""
)
STYLE = palette.css() + RULES
SCRIPT = """
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0], first = [...body.rows];
  heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
    const sign = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
    const number = first.every(row => row.cells[column].dataset.v !== undefined);
    const value = row => number ? Number(row.cells[column].dataset.v) : row.cells[column].textContent;
    const up = number ? sign : -sign;
    const compare = (a, b) => number ? value(a) - value(b) : value(a).localeCompare(value(b));
    heads.forEach(each => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    body.append(...first.slice().sort((a, b) => up * compare(a, b)));
  }));
}
"""


def cell(name: str) -> str:
    """Return the style of what stands in an element of class ``name`` on somebody else's page, a notebook's, and of nothing
    beside it. It is light or dark as the notebook says that it is, else as the browser does."""
    light, dark = (
        f"color-scheme:{scheme};" + "".join(f"--{key}:{color};" for key, color in each.items())
        for scheme, each in (("light", palette.LIGHT), ("dark", palette.DARK))
    )
    lighter = ('[data-jp-theme-light="true"]', ".vscode-light")
    darker = ('[data-jp-theme-light="false"]', ".vscode-dark", "html[theme=dark]")  # JupyterLab, VS Code, Colab
    body = (
        "background:var(--paper);color:var(--ink);padding:1rem 1.25rem;border-radius:6px;max-width:62rem;text-align:left;"
        'font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;'
    )
    schemes = [f".{name}{{{light}}}", f"@media(prefers-color-scheme:dark){{.{name}{{{dark}}}}}"]
    for where, colors in ((lighter, light), (darker, dark)):
        schemes.append(",".join(f"{each} .{name}" for each in where) + f"{{{colors}}}")
    own = "h1{font-size:1.25rem}h2{font-size:1rem;margin:1.25rem 0 .5rem}.score{font-size:2.5rem}.lede{font-size:1rem}"
    own += ":is(table,tr,td,th){background:none}:is(td,th){white-space:normal}"
    return "\n".join([*schemes, f".{name}{{{body}\n{RULES}{own}}}"])


def policy(style: str = STYLE) -> str:
    """Return what a page of this style may do: show itself, and pictures that it holds."""
    style, script = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in (style, SCRIPT))
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )
