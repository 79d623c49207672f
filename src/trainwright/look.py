"""The verbs in Python that look at runs and at their data. What they need is imported when they are called."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.api import RUNS, Run, moved
from trainwright.errors import error, help_of
from trainwright.plain_files import made_sense_of
from trainwright.watch.events import Listener, ignore

if TYPE_CHECKING:
    from trainwright.watch.explained.explanation import Explanation, Rule

_SERVERS = {"starlette", "uvicorn"}  # what ``pip install "trainwright[watch]"`` adds


def mistakes(run: Run | str | Path, top: int = 20, *, source: Any = "") -> list[dict[str, Any]]:
    """Return the worst answers of a run on its test rows (or, without any, its validation rows), each with its input.

    Of classes these are the wrong ones, of numbers and tokens all, the greatest loss first. Each has ``file``, ``row``,
    ``truth``, ``answer``, ``loss``, of a class its ``probability``, and ``input``: a text, a row as a dict, a picture as the
    URI of a PNG file, the tokens up to this one; None where it is gone. ``source`` is where the data are now.

    Raises RunError E403 and E405 for no run that has ended, E430 for one that held back no rows, SourceError for its data.
    """
    from trainwright.run import mistakes as worst

    if top < 1:
        raise error("E320", name="top", value=top, problem="it is a number of rows", help=help_of("mistakes"))
    return worst.mistakes(run.path if isinstance(run, Run) else Path(run), moved(source), top)


def explain(run: Run | str | Path, input: Any, truth: str | float = "") -> Explanation:
    """Return the way of one input through a run's model, in numbers: tokens or columns, logits, probabilities, loss, update.

    Args:
        input: a text; a row (a dict, or ``age=63 sex=2`` as a text); an image (a path, an array, an image of Pillow).
        truth: the right label or number, of a language model the token that comes next; without it the answer is taken for it.

    ``to_json()`` of the result is what ``trainwright explain --json`` prints. The update is plain gradient descent on this
    row's loss alone, at the last and at the first rate of the run: no momentum, no weight decay, no other rows, and what
    the run froze stays.

    Raises RunError E403 to E411, E337 for a truth that the model cannot answer with, E338, and as ``predict``.
    """
    opened = run if isinstance(run, Run) else Run(run)
    if not opened.predictor.is_one(input):
        raise error(
            "E320",
            name="input",
            value=type(input).__name__,
            problem="one input is explained at a time",
            help=help_of("explain"),
        )
    return opened.predictor.explain(input, truth, rule(opened))


def rule(run: Run) -> Rule:
    """Return the rate of the last update that a run wrote down, and that of its settings, and what the settings froze."""
    from trainwright.watch import record
    from trainwright.watch.explained.explanation import Rule

    told = record.read(run.path)
    with made_sense_of(run.path):
        found = {f"the rate of step {step['step']:,}": float(step["lr"]) for step in told.steps[-1:]}
        found |= {"the rate that was set": float(told.settings["lr"])} if told.settings.get("lr") else {}
        return Rule(found, [str(each) for each in told.settings.get("freeze") or []])


def story(run: Run | str | Path, out: str | Path | None = None) -> Path:
    """Tell a run as a film in one HTML file: the rows that are watched turning right or wrong, epoch by epoch, with its scores.

    It is written to ``out``, or to ``story.html`` in the run folder, and its path is returned. A run that is still training is
    told as far as it is. Raises RunError E403 for no run, E408 for a damaged one, E428 for one without watched rows or epochs.
    """
    from trainwright.store import seal
    from trainwright.store.atomic import write_file, write_out
    from trainwright.store.run_folder import open_run, place
    from trainwright.watch.story import story as film

    target = None if out is None else place("out", out)
    folder = open_run(run.path if isinstance(run, Run) else place("run", run), fit_too=True).path
    page = film.page(folder)
    if target is not None:
        write_out(target, page)
        return target
    path = folder / "story.html"
    write_file(path, page)
    seal.renew(folder, [path])
    return path


def landscape(
    run: Run | str | Path,
    *,
    size: int = 41,
    span: float = 1.0,
    rows: int = 10_000,
    out: str | Path | None = None,
    source: Any = "",
    listen: Listener = ignore,
) -> dict[str, Any]:
    """Measure and draw the loss surface around the parameters of a run, with the path that its training took there.

    It is measured on the validation rows, in the plane of the path's first two principal directions, in that of two random
    directions normalised by filters (Li et al. 2018, arXiv:1712.09913), and on the straight line from the first parameters to
    those that were kept. The path is had by training again; where no second training can be equal, it is left out.

    Args:
        size: points along each axis; odd, so that the kept parameters are one of them.
        span: how far the random plane reaches to each side, in lengths of the network's filters.
        rows: the most validation rows that are measured on, spread evenly; of running text the first tokens.
        out: where to write; the default is ``landscape`` in the run.
        source: where the data are now.

    Returns:
        The content of ``surface.json``, and ``files``: what was written.

    Raises RunError E403 and E405 for no run that has ended, E431 for one without validation rows, E432 where its data have
    changed, E434 for a run of ``fit``, and as ``train``.
    """
    from trainwright.run import landscape as surface
    from trainwright.store.run_folder import RunFolder, place

    for name, value, good, problem in (
        ("size", size, size >= 3 and size % 2 == 1, "it is an odd number of points, from 3 on"),
        ("span", span, 0 < span < float("inf"), "it is a number above 0"),
        ("rows", rows, rows >= 1, "it is a number of rows"),
    ):
        if not good:
            raise error("E320", name=name, value=value, problem=problem, help=help_of("landscape"))
    path = run.path if isinstance(run, Run) else place("run", run)
    folder = RunFolder(path)
    if folder.call.is_file() and not folder.settings.is_file():
        raise error("E434", path=path)
    return surface.landscape(path, moved(source), size, span, rows, None if out is None else place("out", out), listen)


def cache() -> list[dict[str, Any]]:
    """Return what the cache keeps, encoded data first, each with ``kind`` ("encoded" or "download"), ``source``, ``path``,
    ``bytes``, and ``used``, when it was used last (ISO 8601).

    Encoded data make the next training on a source begin sooner; those used longest ago go when they are too many.
    """
    from trainwright.data.files.cache_folder import encoded
    from trainwright.data.read.catalog import downloads

    return [
        {
            "kind": each.kind,
            "source": each.source,
            "path": str(each.path),
            "bytes": each.bytes,
            "used": datetime.fromtimestamp(each.used).astimezone().isoformat(timespec="seconds"),
        }
        for each in (*encoded(), *downloads())
    ]


def clear_cache(downloads: bool = False) -> int:
    """Remove the encoded data that the cache keeps, with ``downloads`` also the data sets; return how many bytes they had.

    Trainings that go on meanwhile are not disturbed. Raise SourceError E151 where something cannot be removed.
    """
    from trainwright.data.files import cache_folder
    from trainwright.data.read import catalog

    freed, path = 0, cache_folder.encoded_folder()
    try:
        if path.exists():
            with cache_folder.writing():  # what killed processes left goes
                pass
        for each in cache_folder.encoded():
            path = each.path
            cache_folder.remove(path)
            freed += each.bytes
        for each in catalog.downloads() if downloads else ():
            path = each.path
            catalog.remove(each.source)
            freed += each.bytes
    except BlockingIOError:
        raise error("E151", path=path, problem="another process is downloading it") from None
    except OSError as problem:
        raise error("E151", path=path, problem=problem.strerror or problem) from problem
    return freed


def watch(path: Run | str | Path = RUNS, *, port: int = 0, open: bool = True) -> None:
    """Serve a live page of a run, or of the newest runs in a folder, to this machine alone, until Ctrl-C.

    It reads run folders and nothing else, so a training does not know of it. ``port`` is that of 127.0.0.1, 0 = a free one. The
    address, which holds a secret word, is printed, and opened in the browser where there is one.

    Raises SourceError E101 for no such folder, SettingError E340 for a port that cannot be had, E341 for a server that is
    not installed.
    """
    import webbrowser

    folder = path.path if isinstance(path, Run) else Path(path)
    if not folder.is_dir() and folder != Path(RUNS):
        raise error("E101", path=folder)
    try:
        from trainwright.live.serve import Live
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        if name not in _SERVERS:
            raise
        raise error("E341", missing=name) from None
    from trainwright.watch.terminal.console import Console

    live = Live(folder, port)
    with closing(Console(sys.stdout)) as console:
        console.line(f"watching {folder} at {live.url} (Ctrl-C ends it)")
    if open and (sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(live.url)
    live.serve()
