"""The verbs in Python that look at runs and at their data. What they need is imported when they are called."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.api import Run, moved, train
from trainwright.errors import error, help_of
from trainwright.plain_files import made_sense_of
from trainwright.watch.events import Listener, ignore

if TYPE_CHECKING:
    from trainwright.tasks.encoded_data import EncodedData
    from trainwright.watch.checkup import Checkup
    from trainwright.watch.explained.explanation import Explanation, Rule
    from trainwright.watch.inspected.inspection import Inspection

RUNS = "runs"  # where trainings put their runs; it may not be there before the first
_SERVERS = {"starlette", "uvicorn"}  # what ``pip install "trainwright[watch]"`` adds


def load_data(
    source: Any,
    *,
    test: Any = None,
    valid: Any = None,
    recipe: str = "",
    from_run: str | Path | None = None,
    offline: bool = False,
    fix: str | Path | None = None,
    listen: Listener = ignore,
    **settings: Any,
) -> EncodedData:
    """Return the data of a source as ``train`` uses them with the same arguments, for a loop of one's own: nothing is trained.

    Splits, labels, vocabulary, encoding and the order of rows are those of a training, as its own code makes them. The result
    has ``train``, ``valid`` and ``test`` (a torch ``Dataset`` each), ``loader("train", batch_size=64, seed=0)``, ``labels``,
    ``vocabulary``, ``encoder`` and ``settings``. For texts, which differ in length, a ``DataLoader`` of one's
    own needs ``collate_fn=data.train.collate``. ``listen`` is called with the notes of what was derived, and why.

    Raises TrainwrightError as ``train`` does before its first step.
    """
    from trainwright.run import data
    from trainwright.run.request import Request

    start, fix = (None if each is None else Path(each) for each in (from_run, fix))
    return data.load(Request.of(source, valid, test, recipe, start, None, Path("runs"), offline, settings, fix), listen)


def inspect(
    source: Any,
    *,
    test: Any = None,
    valid: Any = None,
    offline: bool = False,
    listen: Listener = ignore,
    **settings: Any,
) -> Inspection:
    """Look for what is wrong with a source, as ``train`` reads and splits it with the same arguments; nothing is trained.

    The result has ``findings``, the gravest first: each with ``name``, ``grade`` (grave, look, note), ``count``, ``what``,
    ``rows`` (some of them, with file and row), ``cause`` and ``todo``; ``not_found``, the names of what was looked for in vain;
    and ``to_json()``. Printed it is a list, in a notebook a table. ``listen`` is called with the notes of how it was read.

    Raises TrainwrightError as ``train`` does before its first step.
    """
    from trainwright.run import inspect as inspecting
    from trainwright.run.request import Request

    return inspecting.inspect(Request.of(source, valid, test, "", None, None, Path(RUNS), offline, settings), listen)


def check(
    source: Any,
    data: Any = None,
    *,
    test: Any = None,
    valid: Any = None,
    recipe: str = "",
    from_run: str | Path | None = None,
    offline: bool = False,
    listen: Listener = ignore,
    **settings: Any,
) -> Checkup:
    """Look in seconds at a training before it begins: what is likely wrong is in ``.findings``; empty = nothing was found.

    With the arguments of ``train`` it is that training. With those of ``fit``, ``check(model, data, loss=..., optimizer=...)``,
    it is that of a model of your own. Each finding has a ``name``, what was ``found``, its likely ``cause`` and how to ``mend``
    it; ``.checked`` tells all that was looked at. Model, optimiser, data and random state stay as they are; nothing is written.

    Asked is: is the first loss that of a model that knows nothing; does each parameter get a gradient, and move; does the loss
    of one batch fall at this rate; can a few rows be learned by heart; do outputs depend on the inputs, and not on the other
    rows of a batch; are units dead; is evaluation another than training; does what a short training learns hold on the
    validation rows, with the same labels; do shuffled labels give no signal.

    Raises TrainwrightError as ``train`` and ``fit`` before the first step, E365 for a model that cannot be copied.
    """
    if data is not None:
        from trainwright.tasks.custom.check import check_own
        from trainwright.tasks.custom.options import FitOptions

        return check_own(FitOptions(source, data, valid=valid, **settings))
    from trainwright.run import check as checking
    from trainwright.run.request import Request

    start = None if from_run is None else Path(from_run)
    return checking.check(Request.of(source, valid, test, recipe, start, None, Path(RUNS), offline, settings), listen)


def learning_curve(
    source: Any,
    *,
    test: Any = None,
    valid: Any = None,
    recipe: str = "",
    parts: Sequence[float] = (),
    repeats: int = 4,
    out: str | Path | None = None,
    offline: bool = False,
    listen: Listener = ignore,
    **settings: Any,
) -> dict[str, Any]:
    """Train on parts of the training rows, and tell from scores on validation what twice and four times the rows would bring.

    The first arguments are those of ``train``; test rows are left alone. What each training came to is kept in ``out``
    (``curves/NAME``), so that the same call goes on where an earlier one was stopped.

    Args:
        parts: of the training rows, from 0 to 1, three or more; without them 1/16, 1/8, 1/4, 1/2 and all, as rows suffice.
        repeats: how many times each part is drawn at most; small parts are drawn more often.

    Returns:
        ``metric``, ``points`` (of each size ``rows``, ``score`` with its ``interval``, and the ``scores`` of its trainings),
        ``ahead`` (``times``, ``rows``, ``score``, ``interval``: what to expect), ``line`` (the curve), ``files``.

    Raises:
        RunError E480 for another curve in ``out``, E481 for data that have changed; DataError E482 and E483 for too few
        training rows and for no validation rows; SettingError E320 and E484; and as ``train``.
    """
    from trainwright.run import learning_curve as curves
    from trainwright.run.request import Request

    said, parts = help_of("learning_curve"), sorted({float(part) for part in parts})
    if parts and (len(parts) < 3 or not 0 < parts[0] <= parts[-1] <= 1):
        raise error("E320", name="parts", value=parts, problem="three or more numbers above 0 and up to 1", help=said)
    if repeats < 1:
        raise error("E320", name="repeats", value=repeats, problem="it is a number of trainings", help=said)
    request = Request.of(source, valid, test, recipe, None, None, Path("runs"), offline, settings)
    return curves.curve(request, parts, repeats, None if out is None else Path(out), listen)


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


def train_seeds(
    source: Any, seeds: int = 5, *, out: str | Path | None = None, resume: bool = False, seed: int = 0, **arguments: Any
) -> dict[str, Any]:
    """Train with so many seeds, from ``seed`` on, and return what the runs came to: no best one is chosen.

    Each is a run by itself, in a folder of its own: that of ``train``, or ``seed-0``, ``seed-1`` ... in ``out``. ``arguments``
    are those of ``train``. With ``resume``, which needs ``out``, what is there is gone on with.

    Returns:
        ``runs``, ``split`` and ``metric``, the ``scores`` with their ``mean`` and ``deviation``, and what that is made of:
        ``of_test_rows``, by how much models that are equally good differ on so many rows, and ``of_training``; ``test_share``,
        the part of the variance that is the rows'; ``mean_deviation``, by how much the mean would differ on other rows; and a
        ``sentence``.

    Raises as ``train``; SettingError E320 for fewer than two seeds, RunError E440 and E441.
    """
    from trainwright.run import seeds as several

    if seeds < 2:
        raise error("E320", name="seeds", value=seeds, problem="a spread takes two or more", help=help_of("train_seeds"))
    if resume and out is None:
        raise error("E440")
    places = [None if out is None else Path(out) / f"seed-{each}" for each in range(seed, seed + seeds)]
    runs = [
        train(source, out=place, resume=resume, seed=each, **arguments)
        for each, place in zip(range(seed, seed + seeds), places, strict=True)
    ]
    return several.summary([run.path for run in runs])


def compare(*runs: Run | str | Path, top: int = 5, source: Any = "") -> dict[str, Any]:
    """Compare runs on the rows that they were measured on: each but the first against the first.

    Rows of test (of validation, where a run has none) are paired by their content and label, whatever file they are in. Of
    accuracy the test is McNemar's with the mid-p value, of other scores a paired t test on what each row adds to the score;
    where rows belong to groups, or are equal, these are what is drawn. Several comparisons are corrected by Holm's method.

    Args:
        runs: two or more.
        top: how many of the rows that got better, and worse, are returned with their inputs.
        source: where the data of the first run are now, where they have moved.

    Returns:
        ``metric``, ``split``, ``runs``, and ``compared``: of each run ``difference`` with ``interval``, ``p``, ``p_holm``, how
        many rows are of both (``n``), ``sentence``, the ``settings`` that differ, how many rows are ``better`` and ``worse``,
        and ``changed``. Where the runs have no row in common they are compared without pairs, and ``paired`` is False.

    Raises RunError E403 and E405 for no run that has ended, E430 for one without predictions, E438 and E439.
    """
    from trainwright.run import compare as comparing

    if top < 0:
        raise error("E320", name="top", value=top, problem="it is a number of rows", help=help_of("compare"))
    return comparing.compare([run.path if isinstance(run, Run) else Path(run) for run in runs], moved(source), top)


def looks(folder: str | Path = RUNS) -> list[dict[str, Any]]:
    """Return the test rows that several runs of a folder were measured on, and by how much the best score is too good by that.

    Each has ``runs``, ``metric``, ``optimism`` (in the unit of the score: how far the best is expected to be above what it
    would be on other rows), ``at_most`` (whether that is only a bound), and a ``sentence``. Rows are known by their content.
    """
    from trainwright.run import looks as counting

    return counting.looks(Path(folder))


def suspects(
    run: Run | str | Path, top: int = 0, *, folds: int = 5, source: Any = "", listen: Listener = ignore
) -> dict[str, Any]:
    """Return the rows of a run whose labels are probably wrong, the most suspect first, judged by models that never saw them.

    Rows of validation and test are judged by the run's own model; for those of train, models are trained on the other parts of
    them by the run's settings, which takes about ``2 * (folds - 1)`` times its training. Duplicates, and rows of a group by
    which the run was split, stay in one part. Classes and labels are told by confident learning (Northcutt et al. 2021,
    arXiv:1911.00068), numbers by how many robust standard deviations they lie from what is predicted.

    Args:
        top: how many rows; 0 = as many as are probably wrong, of numbers those more than 5 robust deviations off.
        folds: into how many parts the training rows are cut.
        source: where the data are now.

    Returns:
        ``wrong``, how many labels of the ``rows`` are probably wrong (rows that are merely hard count too, so it has no
        interval), and ``suspects``: of each ``split``, ``file``, ``row``, ``label``, ``likely``, its ``probability`` (None of
        numbers), ``why``, and ``input`` as ``mistakes`` has it. What is corrected of them goes back in: ``train(fix=)``.

    Raises RunError E403 and E405 for no run that has ended, E432 where its data have changed, E490 for one without labels,
    E491 for too few rows, and as ``train``.
    """
    from trainwright.run import suspects as doubted

    for name, value, least, problem in (
        ("top", top, 0, "a number of rows"),
        ("folds", folds, 2, "a number of parts, from 2 on"),
    ):
        if value < least:
            raise error("E320", name=name, value=value, problem=f"it is {problem}", help=help_of("suspects"))
    return doubted.suspects(run.path if isinstance(run, Run) else Path(run), moved(source), folds, top, listen)


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
