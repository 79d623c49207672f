"""Pictures of a run, from the files in its folder: scores by epoch, what was confused or missed; and the page.

    python -m trainwright.watch.plots RUN [--wait]

Every file appears whole or not at all, and the same run gives the same pixels. With ``--wait`` everything heavy is loaded first
and nothing is drawn before a line arrives on standard input, so that a trainer can start it early on another core; the end of
the input without a line means that there is nothing to draw.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from html import escape
from pathlib import Path

from trainwright.errors import TrainwrightError, error
from trainwright.plain_files import made_sense_of
from trainwright.watch import scores, summary
from trainwright.watch.record import Record, read, so_far
from trainwright.watch.report import page


def draw(run: Path) -> list[Path]:
    """Draw what the files in ``run`` allow, into ``run/plots/`` and ``run/report.html``; return the files written.

    Raise E402 where they cannot be.
    """
    record = read(run)
    with made_sense_of(run):
        drawn = _drawn(record, str(run))
    return [_write(run / name, content) for name, content in drawn.items()]


def _drawn(record: Record, run: str) -> dict[str, bytes]:
    """Return the content of each file, by its path in the folder."""
    record = _as_it_stands(record)
    drawn = {f"plots/{name}.png": content for name, content in pictures(record).items()}
    if record.report:
        commands = summary.commands(record.report, run) if record.ended else summary.going_on(run, bool(record.call))
        drawn["report.html"] = page.render(record, commands).encode("utf-8", "backslashreplace")
    return drawn


def _as_it_stands(record: Record) -> Record:
    """Return a run with a report: that of what there is so far, where it has begun and not ended."""
    return so_far(record) if not record.report and (record.started or record.history) else record


def cell(run: Path) -> str:
    """Return a run as the output of a notebook's cell, in HTML. Raise E408."""
    record = _as_it_stands(read(run))
    with made_sense_of(run):
        return page.cell(record) if record.report else f"<p>{escape(str(run))}: its training has not begun</p>"


def pictures(record: Record) -> dict[str, bytes]:
    """Return the PNG files by name, where there is something to see: ``curves``, ``parts``, ``confusion``, ``predicted`` and
    ``reliability``."""
    from trainwright.watch.figures import confusion, curves, figures, predicted, reliability

    plots, test = {}, scores.measured(record.report)[1]
    if record.history or record.steps:
        plots["curves"] = figures.png(curves.figure(record))
        if (parts := curves.parts(record)) is not None:
            plots["parts"] = figures.png(parts)
    if test.get("confusion"):
        plots["confusion"] = figures.png(confusion.figure(record.report))
    if len(predicted.points(test)):
        plots["predicted"] = figures.png(predicted.figure(record.report))
    if len(reliability.points(record.report.get("test") or {})) > 1:
        plots["reliability"] = figures.png(reliability.figure(record.report["test"]))
    return plots


def _write(path: Path, content: bytes) -> Path:
    """Write beside ``path`` and move into place: a reader sees the old file or the new one, never half of one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(exist_ok=True)
        beside.unlink(missing_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as problem:
        raise error("E402", path=path, problem=problem.strerror or problem) from None
    finally:
        with suppress(OSError):
            beside.unlink()
    return path


def _warm_up() -> None:
    """Load and use everything that drawing needs once, so that the real pictures find it ready."""
    row = {"epoch": 1, "step": 1, "train_loss": 1.0, "train_accuracy": 0.5, "valid_loss": 1.0, "valid_accuracy": 0.5, "lr": 0.1}
    test = {"n": 2, "accuracy": 1.0, "confusion": [[1, 0], [0, 1]]}
    rest = {"task": "", "model": "", "source": "", "steps": 1, "epochs": 1, "parameters": 1, "best_epoch": 1}
    record = Record("", {"labels": ["a", "b"], "test": test, **rest}, history=[row])
    pictures(record)
    page.render(record, [])


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
    except TrainwrightError as problem:
        print(problem, file=sys.stderr)
        return problem.exit_code
    if not written:
        print(f"nothing to draw in {runs[0]}: its training has not begun", file=sys.stderr)
    return 0 if written else 1


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)  # a trainer may be waiting, and taking down what was imported takes a while
