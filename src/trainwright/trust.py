"""The verbs in Python that say how far runs and labels are to be trusted: comparisons, seeds, looks at test rows, suspects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainwright.api import RUNS, Run, moved, train
from trainwright.errors import error, help_of
from trainwright.watch.events import Listener, ignore


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

    more = "help(trainwright.train_seeds), or: trainwright train --help"
    if seeds < 2:
        raise error("E320", name="seeds", value=seeds, problem="a spread takes two or more", help=more)
    if not str(seed).isdecimal():
        raise error("E320", name="seed", value=seed, problem="it is a whole number", help=more)
    if resume and out is None:
        raise error("E440")
    seed = int(seed)  # the command line hands settings on as they were written
    places = [None if out is None else Path(out) / f"seed-{each}" for each in range(seed, seed + seeds)]
    runs = [
        train(source, out=place, resume=resume, seed=each, **arguments)
        for each, place in zip(range(seed, seed + seeds), places, strict=True)
    ]
    return several.summary([run.path for run in runs])


def looks(folder: str | Path = RUNS) -> list[dict[str, Any]]:
    """Return the test rows that several runs of a folder were measured on, and by how much the best score is too good by that.

    Each has ``runs``, ``metric``, ``optimism`` (in the unit of the score: how far the best is expected to be above what it
    would be on other rows), ``at_most`` (whether that is only a bound), and a ``sentence``. Rows are known by
    content and label. Where only runs are there whose test rows are not known, one entry says so: its
    ``metric`` and ``optimism`` are None.
    """
    from trainwright.run import looks as counting

    return counting.looks(Path(folder))


def suspects(
    run: Run | str | Path,
    top: int = 0,
    *,
    folds: int = 10,
    folder: str | Path | None = None,
    source: Any = "",
    listen: Listener = ignore,
) -> dict[str, Any]:
    """Return the rows of a run whose labels are probably wrong, the most suspect first, judged by models that never saw them.

    Rows of validation and test are judged by the run's own model; for those of train, models are trained on the other parts of
    them by the run's settings, which takes about 13 times its training. Duplicates, and rows of a group by
    which the run was split, stay in one part. Classes and labels are told by confident learning (Northcutt et al. 2021,
    arXiv:1911.00068), numbers by how many robust standard deviations they lie from what is predicted.

    What each training said is kept in ``folder``, so that the same call goes on where it was stopped, and ends with the same.

    Args:
        top: how many rows; 0 = as many as are probably wrong, of numbers those more than 5 robust deviations off.
        folds: into how many parts the training rows are cut in the end; fewer take less time and find a little less.
        folder: where it is kept; the default is ``suspects/NAME``. ``suspects.html`` there shows the rows.
        source: where the data are now.

    Returns:
        ``wrong``, how many labels of the ``rows`` are probably wrong (rows that are merely hard count too, so it has no
        interval), and ``suspects``: of each ``split``, ``file``, ``row``, ``label``, ``likely``, its ``probability`` (None of
        numbers), ``why``, and ``input`` as ``mistakes`` has it. What is corrected of them goes back in: ``train(fix=)``.
        ``files`` are what was written.

    Raises RunError E403 and E405 for no run that has ended, E432 where its data have changed, E490 for one without labels,
    E491 for too few rows, E525 for a folder with those of something else, and as ``train``.
    """
    from trainwright.run import suspects as doubted

    for name, value, least, problem in (
        ("top", top, 0, "a number of rows"),
        ("folds", folds, 2, "a number of parts, from 2 on"),
    ):
        if value < least:
            raise error("E320", name=name, value=value, problem=f"it is {problem}", help=help_of("suspects"))
    path = run.path if isinstance(run, Run) else Path(run)
    return doubted.suspects(path, moved(source), folds, top, Path(folder) if folder is not None else None, listen)
