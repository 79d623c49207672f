"""Which of several candidates is trained: each is measured out of fold on the training rows, and the best is taken.

Only what a person has left open is chosen. Every candidate is measured on the same parts of the rows; one that is behind
beyond noise is not measured any further. What was measured lies in the run folder, so that a run which is killed goes on
with it. ``choice.json`` tells what came of it.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.config.kinds import KINDS
from trainwright.evaluation import choice
from trainwright.evaluation.intervals import Units
from trainwright.models.registry import load
from trainwright.plain_files import made_sense_of, read_json
from trainwright.run.folds import Folds
from trainwright.run.request import Request
from trainwright.store.atomic import write_file
from trainwright.store.run_folder import RunFolder
from trainwright.tasks.candidates import RULES, Candidate
from trainwright.watch import words
from trainwright.watch.events import Note, Progress

if TYPE_CHECKING:
    from trainwright.data.read.source import Source
    from trainwright.evaluation.measure import Outputs
    from trainwright.run.train import Session

FOLDS = 5
MOST = 3000  # training rows that are judged out of fold; of more, some are kept for validation
FEWEST = 10  # of a part
# With one of these given, a person means to choose the epoch by validation rows.
BY_VALIDATION = ("valid_fraction", "patience", "keep", "folds")


@dataclass
class Tried:
    """A candidate, and what models of it say of rows that they did not see."""

    candidate: Candidate
    folds: Folds
    errors: np.ndarray
    seconds: float = 0.0


def options(problem: Any, source: Source, given: Mapping[str, Any]) -> list[Candidate]:
    """Return what can be tried of a problem whose settings are not derived yet: none where nothing is to be measured."""
    settings = problem.settings
    if settings.choose == "auto" and problem.parent is None and _few(problem, source, given):
        found = [each for each in _all(problem) if each.fits(given)]
        if len(found) > 1:
            return found
    return [RULES] if settings.folds else []


def begun(problem: Any, run: RunFolder) -> list[Candidate]:
    """Return what was being tried when a run stopped; none where nothing is to be measured. Raise E408."""
    if problem.settings.folds:
        return [RULES]
    if not run.choice.is_file():
        return []
    with made_sense_of(run.choice):
        known = {each.name: each for each in _all(problem)}
        return [known[each["name"]] for each in read_json(run.choice)["candidates"]]


def begin(run: RunFolder, tried: list[Candidate]) -> None:
    """Write what is to be tried. Raise E402."""
    if len(tried) > 1:
        write_file(run.choice, json.dumps({"candidates": [{"name": each.name} for each in tried]}))


def restore(problem: Any, run: RunFolder) -> None:
    """Give a problem what was said of its training rows out of fold, where a run has that. Raise E408."""
    if problem.settings.folds:
        folders = sorted(run.folds.iterdir()) if run.folds.is_dir() else []
        problem.judged = Folds(problem, problem.settings.folds, folders[0] if folders else run.folds).restore()


def _all(problem: Any) -> list[Candidate]:
    found: list[Candidate] = load(KINDS[problem.task].candidates)(problem)
    return found


def _few(problem: Any, source: Source, given: Mapping[str, Any]) -> bool:
    """Return whether the rows that could be validated on are so few that each had better be judged out of fold."""
    settings, splits = problem.settings, problem.splits
    if any(given.get(key) for key in BY_VALIDATION) or (settings.split or "").startswith("time:"):
        return False
    rows = len(splits["train"]) + len(splits.get("valid", ()))
    says = (settings.split or "").startswith("column:") and "valid" in splits
    return not says and "valid" not in source.streams and FOLDS * FEWEST <= rows <= MOST


def choose(
    session: Session, run: RunFolder, request: Request, base: dict[str, Any], tried: list[Candidate]
) -> tuple[dict[str, Any], Outputs]:
    """Return the settings of the best candidate, as a person would give them, and what was said of each row out of fold.

    Raise E402; and as ``train``.
    """
    count = int({**base, **request.settings}.get("folds") or FOLDS)
    found = [_posed(session, run, request, base, each, count) for each in tried]
    _measure(session, found, count)
    whole = [each for each in found if len(each.folds.said) == count]
    best = whole[choice.best([each.errors for each in whole], _units(whole[0].folds))]
    for each in found:
        if each is not best:
            shutil.rmtree(each.folds.folder, ignore_errors=True)
    if len(found) > 1:
        _tell(session, run, found, best)
    return {**best.candidate.over(request.settings), "folds": count}, best.folds.outputs()


def _posed(
    session: Session, run: RunFolder, request: Request, base: dict[str, Any], candidate: Candidate, count: int
) -> Tried:
    """Read and encode the rows as a candidate has them."""
    settings = {**candidate.over(request.settings), "folds": count}
    _, problem, _ = session.quiet().read(replace(request, settings=settings), base)
    problem.derive()
    return Tried(candidate, Folds(problem, count, run.folds / candidate.folder), np.zeros(0))


def _measure(session: Session, found: list[Tried], count: int) -> None:
    """Go through the parts of the rows: those that are not hopeless are measured on the next."""
    alive, done = list(found), 0
    for _ in range(count):
        for each in alive:
            session.listen(Progress("choose", done, len(found) * count, "trainings"))
            begun = time.perf_counter()
            each.folds.go_on()
            each.seconds += time.perf_counter() - begun
            each.errors = _errors(each.folds)
            done += 1
        lead = min(alive, key=lambda each: each.errors.mean())
        alive = [each for each in alive if not choice.hopeless(each.errors, lead.errors, _units(lead.folds))]
    session.listen(Progress("choose", len(found) * count, len(found) * count, "trainings"))


def _errors(folds: Folds) -> np.ndarray:
    """Return what was wrong with each row that something was said of, float64, in the order of the parts."""
    problem = folds.problem
    said = np.concatenate([each["outputs"] for each in folds.said])
    found: np.ndarray = problem.target.errors(said, problem.splits["train"].targets[folds.measured()])
    return found


def _units(folds: Folds) -> Units | None:
    """Return what the rows are parts of that something was said of."""
    units = folds.problem.splits["train"].units
    return None if units is None else Units(np.unique(units.codes[folds.measured()], return_inverse=True)[1], units.of)


def _tell(session: Session, run: RunFolder, found: list[Tried], best: Tried) -> None:
    """Say what was measured, and write it into ``choice.json``."""
    kind, rows = best.folds.problem.predicts[0], []
    for each in found:
        seen = len(each.errors)
        more, spread = choice.difference(each.errors, best.errors[:seen], _units(each.folds))
        score = _score(kind, each.errors)
        told = "taken" if each is best else _behind(kind, more, spread, len(each.folds.said), best.folds.count)
        session.listen(Note("candidate", f"{each.candidate.name}: {score}", f"{told}; {words.seconds(each.seconds)}"))
        facts = {"error": float(each.errors.mean()), "more": more, "standard_error": spread, "folds": len(each.folds.said)}
        rows.append({"name": each.candidate.name, "settings": each.candidate.settings, "rows": seen, **facts})
    write_file(run.choice, json.dumps({"kind": kind, "taken": best.candidate.name, "candidates": rows}, indent=1))


def _score(kind: str, errors: np.ndarray) -> str:
    mean = float(errors.mean())
    return f"R2 {1 - mean:.3f}" if kind == "number" else words.percent(1 - mean)


def _behind(kind: str, more: float, spread: float, parts: int, count: int) -> str:
    size = f"{more:.3f}" if kind == "number" else f"{100 * more:.1f} points"
    off = f"{spread:.3f}" if kind == "number" else f"{100 * spread:.1f}"
    return f"behind by {size} (standard error {off})" + ("" if parts == count else f", given up after {parts} of {count} parts")
