"""Pictures of a run, from the files in its folder: scores by epoch, what was confused or missed; and the page.

    python -m trainwright.watch.plots RUN [--wait]

Every file appears whole or not at all, and the same run gives the same pixels. With ``--wait`` everything heavy is loaded first
and nothing is drawn before a line arrives on standard input, so that a trainer can start it early on another core; the end of
the input without a line means that there is nothing to draw.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

from trainwright.watch import page, summary


def draw(run: Path) -> list[Path]:
    """Draw what the files in ``run`` allow, into ``run/plots/`` and ``run/report.html``; return the files written."""
    report, history = read_report(run), read_history(run)
    plots = pictures(report, history, run.name)
    written = []
    if plots:
        (run / "plots").mkdir(exist_ok=True)
    for name, content in plots.items():
        written.append(_write(run / "plots" / f"{name}.png", content))
    if report:
        html = page.render(report, history, plots, summary.usage(report, str(run)))
        written.append(_write(run / "report.html", html.encode()))
    return written


def pictures(report: dict[str, Any], history: list[dict[str, Any]], name: str) -> dict[str, bytes]:
    """Return the PNG files by name: ``curves``, ``confusion`` and ``predicted``, each where there is something to see."""
    from trainwright.watch import confusion, curves, figures, predicted

    plots, test = {}, report.get("test") or {}
    if history:
        plots["curves"] = figures.png(curves.figure(report, history, name))
    if test.get("confusion"):
        plots["confusion"] = figures.png(confusion.figure(report))
    if len(predicted.points(test)):
        plots["predicted"] = figures.png(predicted.figure(report))
    return plots


def read_report(run: Path) -> dict[str, Any]:
    """Return ``report.json`` with the settings beside it; empty where there is none yet."""
    try:
        report: dict[str, Any] = json.loads((run / "report.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    settings = run / "settings.toml"
    if settings.exists():
        report["settings"] = tomllib.loads(settings.read_text(encoding="utf-8"))
    return report


def read_history(run: Path) -> list[dict[str, Any]]:
    """Return one dict an epoch from ``history.csv``: numbers, None for empty cells; a torn last line is passed over."""
    try:
        text = (run / "history.csv").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    return [{name: _cell(name, cell) for name, cell in row.items()} for row in csv.DictReader(io.StringIO(whole))]


def _cell(name: str, cell: str) -> float | bool | None:
    if name == "best":
        return cell.lower() in ("true", "1")
    return float(cell) if cell else None


def _write(path: Path, content: bytes) -> Path:
    """Write beside ``path`` and move into place: a reader sees the old file or the new one, never half of one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def _warm_up() -> None:
    """Load and use everything that drawing needs once, so that the real pictures find it ready."""
    row = {"epoch": 1, "step": 1, "train_loss": 1.0, "train_accuracy": 0.5, "valid_loss": 1.0, "valid_accuracy": 0.5}
    test = {"n": 2, "accuracy": 1.0, "confusion": [[1, 0], [0, 1]]}
    pictures({"labels": ["a", "b"], "test": test, "model": "", "source": "", "best_epoch": 1}, [row], "")


def main(arguments: list[str]) -> int:
    """Run the command line of this module; return the exit status."""
    wait = "--wait" in arguments
    runs = [argument for argument in arguments if argument != "--wait"]
    if len(runs) != 1:
        print("usage: python -m trainwright.watch.plots RUN [--wait]", file=sys.stderr)
        return 2
    if wait:
        _warm_up()
        if not sys.stdin.readline():
            return 0
    try:
        written = draw(Path(runs[0]))
    except OSError as problem:
        print(f"the plots cannot be written: {problem}", file=sys.stderr)
        return 1
    if not written:
        print(f"nothing to draw in {runs[0]}: it holds neither history.csv nor report.json", file=sys.stderr)
    return 0 if written else 1


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # a trainer may be waiting, and taking down what was imported takes a while
