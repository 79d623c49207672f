"""Runs docs/understand.md and writes its outputs and pictures anew: `python docs/write_understand.py FOLDER`.

FOLDER holds `train.csv` and `test.csv` of AG News. Each heading of the second level is a program of its own; below each of its
blocks stands what it printed. The pictures of the README are drawn too.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
PAGE, PICTURES, KEPT = DOCS / "understand.md", DOCS / "pictures", DOCS / "understand.zip"
BLOCK = re.compile(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[-+]\d+)?")
SEPARATOR = "\x1e"  # printed after each block
TOLERANCE = 0.02  # of a number; what a training ends with differs in the last digits from one processor to another
WIDEST, COLORS = 1100, 200  # of a picture
NUMBERS = "numbers.json"  # what the pictures of the news show


def programs(page: str) -> dict[str, list[tuple[str, str]]]:
    """Return the blocks of code of each heading, each with its output as it stands on the page."""
    parts = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: BLOCK.findall(part) for part in parts}


def run(blocks: list[tuple[str, str]], folder: Path, after: str = "") -> list[str]:
    """Run blocks as one program in a folder, then ``after``; return what each printed. Raise RuntimeError where it fails."""
    code = "".join(f"{code}\nprint({SEPARATOR!r}, end='')\n" for code, _ in blocks) + after
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.split(SEPARATOR)[:-1]


def differences(expected: str, found: str) -> list[str]:
    """Return where an output differs: in its words, or in a number by more than ``TOLERANCE`` and one in its last digit."""
    if len(expected.splitlines()) != len(found.splitlines()):
        return [f"{expected!r} is now {found!r}"]
    return [
        f"{old!r} is now {new!r}"
        for old, new in zip(expected.splitlines(), found.splitlines(), strict=True)
        if NUMBER.sub("", old).split() != NUMBER.sub("", new).split()
        or not all(map(close, NUMBER.findall(old), NUMBER.findall(new)))
    ]


def close(old: str, new: str) -> bool:
    """Return whether two written numbers are the same: whole ones to the digit, others nearly."""
    if "." not in old:
        return old == new
    digit = 10.0 ** -len(old.partition("e")[0].partition(".")[2]) * (float("1e" + old.partition("e")[2]) if "e" in old else 1)
    before, after = (float(each.replace(",", "")) for each in (old, new))
    return abs(before - after) <= max(TOLERANCE * abs(before), 1.001 * digit)


def with_outputs(page: str, outputs: list[str]) -> str:
    """Return the page with these outputs below its blocks."""
    following = iter(outputs)
    return BLOCK.sub(lambda found: f"```python\n{found[1]}```\n\n```text\n{next(following)}```", page)


KEEP_NUMBERS = f"""
import json
import pathlib


def rates(run):
    names, *lines = [line.split(",") for line in (run.path / "history.csv").read_text().splitlines()]
    return [float(line[names.index("lr")]) for line in lines]


now = learned.model(values, offsets).detach()
found = {{
    "labels": data.labels,
    "right": data.labels[targets[0]],
    "before": (logits[0].tolist(), shares[0].tolist()),
    "after": (now[0].tolist(), now.softmax(dim=1)[0].tolist()),
    "noise": noise,
    "errors": errors,
    "norms": norms,
    "rates": {{"news-tutorial": rates(taught), "news-tutorial-small": rates(learned)}},
}}
pathlib.Path({NUMBERS!r}).write_text(json.dumps(found))
"""


def softmax(found: dict[str, Any]) -> Any:
    """Draw the logits and the probabilities of one headline, before and after training."""
    from trainwright.watch.figures import figures

    canvas = figures.blank(8.6, 4.4)
    figures.title(canvas, 0.13, "From logits to probabilities", f"one training headline of the class {found['right']}")
    labels = found["labels"]
    for place, (name, when) in enumerate((("before", "before training"), ("after", "after training"))):
        for side, (title, values) in enumerate(zip(("logits", "probabilities"), found[name], strict=True)):
            axes = figures.axes(canvas, (0.13 + 0.47 * side, 0.48 - 0.38 * place, 0.38, 0.24))
            colors = [figures.VALID if label == found["right"] else figures.TRAIN for label in labels]
            axes.barh(labels, values, color=colors, height=0.62)
            axes.invert_yaxis()
            axes.set_title(f"{title} {when}", loc="left", fontsize=9.5, color=figures.INK)
            room = max(abs(value) for value in values) * 1.7
            axes.set_xlim(0 if side else -room, 1.15 if side else room)
            for row, value in enumerate(values):
                text = {"va": "center", "ha": "left" if value >= 0 else "right", "fontsize": 8.5, "color": figures.SOFT}
                axes.annotate(f"{value:.2f}", (value, row), (4 if value >= 0 else -4, 0), textcoords="offset points", **text)
            if side:
                axes.tick_params(labelleft=False)
    return canvas


def falling(points: dict[str, float], theory: dict[str, float], title: str, subtitle: str, across: str) -> Any:
    """Draw what was measured for each batch size, and the theory, on logarithmic axes."""
    from trainwright.watch.figures import figures

    canvas = figures.blank(6.8, 4.3)
    figures.title(canvas, 0.11, title, subtitle)
    axes = figures.axes(canvas, (0.11, 0.14, 0.84, 0.59))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    sizes = [int(n) for n in points]
    axes.plot(sizes, list(theory.values()), color=figures.SOFT, linewidth=1.6, linestyle=(0, (4, 2)), label="theory")
    axes.plot(sizes, list(points.values()), "o", color=figures.TRAIN, markersize=6, label="measured")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.2g}")
    axes.set_xlabel("rows in a batch", fontsize=9.5, color=figures.SOFT)
    axes.set_title(across, loc="left", fontsize=9.5, color=figures.INK)
    axes.legend(frameon=False, fontsize=9, labelcolor=figures.INK)
    return canvas


def schedules(rates: dict[str, list[float]]) -> Any:
    """Draw the learning rate of each epoch."""
    from trainwright.watch.figures import figures

    canvas = figures.blank(6.8, 4.0)
    figures.title(
        canvas, 0.11, "The rate of each epoch", "the rate is multiplied by gamma after each epoch; a logarithmic axis"
    )
    axes = figures.axes(canvas, (0.11, 0.15, 0.6, 0.63))
    axes.set_yscale("log")
    for (name, values), color in zip(rates.items(), (figures.VALID, figures.TRAIN), strict=True):
        axes.plot(range(1, len(values) + 1), values, "o-", color=color, linewidth=2, markersize=4.5)
        axes.annotate(name, (len(values), values[-1]), (8, 0), textcoords="offset points", va="center", fontsize=9, color=color)
    axes.set_xlabel("epoch", fontsize=9.5, color=figures.SOFT)
    axes.set_xticks(range(2, len(next(iter(rates.values()))) + 1, 2))
    return canvas


def clipping(norms: list[list[float]], limit: float = 0.1) -> Any:
    """Draw the length of the gradient at each step that was kept, and what clipping cuts off."""
    from trainwright.watch.figures import figures

    canvas = figures.blank(6.8, 3.6)
    figures.title(canvas, 0.11, "The gradient, and its limit", "recipe news-tutorial; what is above the limit is cut off")
    axes = figures.axes(canvas, (0.11, 0.16, 0.84, 0.6))
    steps, values = zip(*norms, strict=True)
    axes.vlines(steps, 0, [min(value, limit) for value in values], color=figures.TRAIN, linewidth=1.2)
    axes.vlines(steps, limit, [max(value, limit) for value in values], color=figures.WRONG, linewidth=1.2)
    axes.axhline(limit, color=figures.WRONG, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.set_ylim(0)
    axes.set_xlabel("step", fontsize=9.5, color=figures.SOFT)
    axes.set_title("length of the gradient of a batch", loc="left", fontsize=9.5, color=figures.INK)
    return canvas


def descent() -> Any:
    """Draw the paths of the package's optimisers on two of the surfaces of textbooks."""
    from trainwright.training import toy
    from trainwright.watch.landscape import landscape

    planes = [toy.plane(toy.SURFACES[name]) for name in ("bowl", "rosenbrock")]
    return landscape.contours({"title": "Four ways down", "planes": planes})


def news_pictures(found: dict[str, Any]) -> dict[str, bytes]:
    """Return the pictures of what the page measures beside its runs, by name."""
    from trainwright.watch.figures import figures

    noise, errors = found["noise"], found["errors"]
    first = next(iter(noise.values()))
    shrinking = {n: first / int(n) ** 0.5 for n in noise}
    measured, theory = ({n: pair[place] for n, pair in errors.items()} for place in (0, 1))
    drawn = {
        "softmax": softmax(found),
        "schedule": schedules(found["rates"]),
        "clipping": clipping(found["norms"]),
        "descent": descent(),
        "monte-carlo": falling(
            measured, theory, "A batch estimates the loss", "theory: s / sqrt(n)", "typical error of the loss"
        ),
        "gradient-noise": falling(
            noise, shrinking, "A batch estimates the gradient", "theory: noise(1) / sqrt(n)", "noise of the gradient, relative"
        ),
    }
    return {name: figures.png(figure) for name, figure in drawn.items()}


def small(content: bytes) -> bytes:
    """Return a PNG file of a third of the size: its colours are few, and it is no wider than it is shown."""
    from PIL import Image

    found = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        shown = image.convert("RGB")
        if shown.width > WIDEST:
            shown = shown.resize((WIDEST, shown.height * WIDEST // shown.width), Image.Resampling.LANCZOS)
        shown.quantize(COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(found, "PNG", optimize=True)
    return found.getvalue()


# The pictures that the package itself draws of the runs on the page, by what is in a run's folder.
OF_RUNS = {
    "curves-taught": "news-tutorial-0/curves",
    "curves-learned": "news-tutorial-small-0/curves",
    "curves-overfit": "by-heart/curves",
    "confusion": "news-tutorial-small-0/confusion",
    "landscape": "news-tutorial-small-0/landscape",
    "predicted": "diabetes/predicted",
    "curves-words": "reference/curves",
    "../images/curves": "python-docs/curves",
    "../images/confusion": "python-docs/confusion",
}
OF_README = [('import trainwright as tw; tw.train("python-docs", out="runs/python-docs", listen=lambda event: None)', "")]
FILES = ("history.csv", "events.jsonl", "report.json", "data.json", "settings.toml", "landscape/surface.json")


def keep(folder: Path) -> bytes:
    """Return what the pictures are drawn from, as a ZIP file: of each run a few files, without what tells of the machine."""
    found = io.BytesIO()
    paths = [folder / NUMBERS]
    for run in sorted({path.partition("/")[0] for path in OF_RUNS.values()}):
        paths += [path for name in FILES if (path := folder / "runs" / run / name).is_file()]
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as kept:
        for path in paths:
            text = path.read_text(encoding="utf-8").replace(f"{folder}/", "").partition("[run]")[0]
            kept.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix()), text, zipfile.ZIP_DEFLATED)
    return found.getvalue()


def draw(kept: Path, folder: Path) -> dict[str, bytes]:
    """Return all pictures by name, drawn from what was kept; it is laid out in a folder for that."""
    from trainwright.watch import plots, record
    from trainwright.watch.figures import figures
    from trainwright.watch.landscape import landscape

    with zipfile.ZipFile(kept) as file:
        file.extractall(folder)
    drawn = news_pictures(json.loads((folder / NUMBERS).read_text()))
    for name, path in OF_RUNS.items():
        run, _, picture = path.partition("/")
        place = folder / "runs" / run
        if picture == "landscape":
            surface = json.loads((place / "landscape" / "surface.json").read_text())
            drawn[name] = figures.png(landscape.contours(surface))
        else:
            drawn[name] = plots.pictures(record.read(place))[picture]
    return {name: small(content) for name, content in drawn.items()}


def main(source: Path) -> None:
    """Run the page on the files in ``source``, and write outputs and pictures."""
    page, outputs = PAGE.read_text(encoding="utf-8"), []
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as spare:
        folder = Path(place) / "ag_news"  # which the pictures name
        folder.mkdir()
        for name in ("train.csv", "test.csv"):
            shutil.copyfile(source / name, folder / name)
        for number, blocks in enumerate(programs(page).values()):
            outputs += run(blocks, folder, "" if number else KEEP_NUMBERS)
        run(OF_README, folder)
        KEPT.write_bytes(keep(folder))
        PICTURES.mkdir(exist_ok=True)
        for name, content in draw(KEPT, Path(spare)).items():
            (PICTURES / f"{name}.png").write_bytes(content)
    PAGE.write_text(with_outputs(page, outputs), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
