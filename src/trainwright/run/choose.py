"""Which of several candidates is trained: each is measured out of fold on the training rows, and the best is taken.

Only what a person has left open is chosen. Every candidate is measured on the same parts of the rows; one that is behind
beyond noise is not measured any further. What was measured lies in the run folder, so that a run which is killed goes on
with it. ``choice.json`` tells what came of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from trainwright.config.kinds import KINDS
from trainwright.errors import TrainwrightError, shell_word
from trainwright.evaluation import choice
from trainwright.evaluation.intervals import Units
from trainwright.models.registry import load
from trainwright.plain_files import made_sense_of, read_json
from trainwright.run.folds import Folds
from trainwright.run.request import Request
from trainwright.store import atomic, run_folder
from trainwright.store.atomic import write_file
from trainwright.store.run_folder import RunFolder
from trainwright.tasks.candidates import RULES, Candidate
from trainwright.watch import words
from trainwright.watch.events import Note, PhaseEnded, Progress

if TYPE_CHECKING:
    from trainwright.data.read.source import Source
    from trainwright.evaluation.measure import Outputs
    from trainwright.tasks.base import Split
    from trainwright.training.signals import Signals

FOLDS = 5
FEW = 3000  # training rows, up to which each is judged out of fold, so that none is kept for validation
SAMPLE, PARTS = 6000, 3  # of more rows, on which candidates are measured, and in how many parts
MANY = 50_000  # rows, from which on the rules are followed
FEWEST = 10  # rows of a part
# With one of these given, a person means to choose the epoch by validation rows.
BY_VALIDATION = ("valid_fraction", "patience", "keep", "folds")


class Session(Protocol):
    """What reads the rows and makes trainings ready: ``run.train.Session``."""

    listen: Any  # a ``Listener``

    def quiet(self) -> Self:
        """Return one that says nothing."""

    def read(self, request: Request, base: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Return the source and the problem that it poses, whose settings are not derived yet."""

    def prepare(self, request: Request, base: dict[str, Any]) -> Any:
        """Return a training ready to begin."""


@dataclass
class Tried:
    """A candidate, and what models of it say of rows that they did not see."""

    candidate: Candidate
    folds: Folds
    errors: np.ndarray
    seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """What is measured: candidates, in so many parts of the rows; of all rows, each of which is then judged, or of a sample."""

    tried: list[Candidate]
    parts: int
    whole: bool


def plan(problem: Any, source: Source, given: Mapping[str, Any]) -> Plan | None:
    """Return what is measured of a problem whose settings are not derived yet; None where the rules are followed."""
    settings, splits = problem.settings, problem.splits
    if settings.folds:
        return Plan([RULES], settings.folds, True)
    if (
        settings.choose == "off"
        or settings.time
        or problem.parent is not None
        or not FOLDS * FEWEST <= len(splits["train"]) < MANY
    ):
        return None
    tried = [each for each in _all(problem) if each.fits(given)]
    return _plan(problem, source, given, tried) if len(tried) > 1 else None


def _plan(problem: Any, source: Source, given: Mapping[str, Any], tried: list[Candidate]) -> Plan:
    split, splits = problem.settings.split or "", problem.splits
    apart = "valid" in source.streams or split.startswith("time:") or (split.startswith("column:") and "valid" in splits)
    rows = len(splits["train"]) + len(splits.get("valid", ()))
    whole = rows <= FEW and not apart and not any(given.get(key) for key in BY_VALIDATION)
    return Plan(tried, FOLDS if whole else PARTS, whole)


def begun(problem: Any, run: RunFolder, settings: Mapping[str, Any]) -> Plan | None:
    """Return what is measured by a run that goes on, whose folder says ``settings``; None where nothing is. Raise E408."""
    if settings.get("choose") != "auto" or not run.choice.exists():  # the rules may have been followed all the same
        return Plan([RULES], problem.settings.folds, True) if problem.settings.folds else None
    with made_sense_of(run.choice):
        known, kept = {each.name: each for each in _all(problem)}, read_json(run.choice)
        tried = [known[each["name"]] for each in kept["candidates"]]
        return Plan(tried, *(FOLDS, True) if kept["whole"] else (PARTS, False))


def begin(run: RunFolder, planned: Plan) -> None:
    """Write what is to be measured. Raise E402."""
    if len(planned.tried) > 1:
        names = [{"name": each.name} for each in planned.tried]
        _write(run, {"whole": planned.whole, "taken": "", "candidates": names})


def _write(run: RunFolder, found: Mapping[str, Any]) -> None:
    write_file(run.choice, json.dumps(found, indent=1))


def restore(problem: Any, run: RunFolder) -> None:
    """Give a problem what was said of its training rows out of fold, where a run has that. Raise E408."""
    if problem.settings.folds:
        problem.judged = Folds(problem, problem.settings.folds, run.folds).restore()


def _all(problem: Any) -> list[Candidate]:
    found: list[Candidate] = load(KINDS[problem.task].candidates)(problem)
    return found


def chosen(session: Session, run: RunFolder, request: Request, base: dict[str, Any], planned: Plan, signals: Signals) -> Any:
    """Return the training of the candidate that turns out best. Where nothing was measured yet, no folder is left.

    Raise E402; and as ``train``.
    """
    from trainwright.training.signals import ENDED

    try:
        settings, judged = choose(session, run, request, base, planned)
    except (TrainwrightError, *ENDED) as problem:
        if not any(each.is_dir() and any(each.rglob("*.safetensors")) for each in (run.candidates, run.folds)):
            run_folder.discard(run)
        elif not isinstance(problem, TrainwrightError):
            told = f"while candidates were measured; go on with: trainwright resume {shell_word(run.path)}"
            session.listen(Note("stopped", signals.name, told))
        raise
    session.listen(PhaseEnded("choose"))
    made = session.prepare(replace(request, settings=settings), base)
    made.training.problem.judged = judged
    return made


def choose(
    session: Session, run: RunFolder, request: Request, base: dict[str, Any], planned: Plan
) -> tuple[dict[str, Any], Outputs | None]:
    """Return the settings of the best candidate, as a person would give them, and what was said of each row out of fold.

    Raise E402; and as ``train``.
    """
    found: list[Tried] = []
    for candidate in planned.tried:
        one = _posed(session, run, request, base, candidate, planned)
        if not any(one.folds.problem.settings == each.folds.problem.settings for each in found):  # what the rules take anyway
            found.append(one)
    _measure(session, found, planned.parts)
    whole = [each for each in found if len(each.folds.said) == planned.parts]
    best = whole[choice.best([each.errors for each in whole], _units(whole[0].folds))]
    settings = best.candidate.over(request.settings)
    several = len(planned.tried) > 1
    if several:
        settings["choose"] = "off"  # what is left of it is a training by these settings
        _tell(session, run, found, best, planned)
    if not planned.whole:
        return settings, None
    if several:
        atomic.remove(run.folds)
        best.folds.folder.rename(run.folds)
    return settings | {"folds": planned.parts}, best.folds.outputs()


def clear(run: RunFolder) -> None:
    """Remove what is kept of the candidates, once the settings of the run say which was taken."""
    atomic.remove(run.candidates)


def _posed(
    session: Session, run: RunFolder, request: Request, base: dict[str, Any], candidate: Candidate, planned: Plan
) -> Tried:
    """Read and encode the rows as a candidate has them."""
    settings = candidate.over(request.settings) | ({"folds": planned.parts} if planned.whole else {})
    problem = session.quiet().read(replace(request, settings=settings), base)[1]
    if not planned.whole:
        problem = replace(problem, splits={"train": _sample(problem.splits["train"], problem.settings.seed)})
    problem.derive()
    folder = run.candidates / candidate.folder if len(planned.tried) > 1 else run.folds
    return Tried(candidate, Folds(problem, planned.parts, folder), np.zeros(0))


def _sample(train: Split, seed: int) -> Split:
    """Return so many rows of the training split as candidates are measured on, drawn by the seed."""
    if len(train) <= SAMPLE:
        return train
    chosen = np.sort(np.random.default_rng(seed).choice(len(train), SAMPLE, replace=False))
    units = None if train.units is None else Units(np.unique(train.units.codes[chosen], return_inverse=True)[1], train.units.of)
    return replace(train.take(chosen), units=units)


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


def _tell(session: Session, run: RunFolder, found: list[Tried], best: Tried, planned: Plan) -> None:
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
    _write(run, {"whole": planned.whole, "taken": best.candidate.name, "kind": kind, "candidates": rows})


def _score(kind: str, errors: np.ndarray) -> str:
    mean = float(errors.mean())
    return f"R2 {1 - mean:.3f}" if kind == "number" else words.percent(1 - mean)


def _behind(kind: str, more: float, spread: float, parts: int, count: int) -> str:
    size = f"{more:.3f}" if kind == "number" else f"{100 * more:.1f} points"
    off = f"{spread:.3f}" if kind == "number" else f"{100 * spread:.1f}"
    return f"behind by {size} (standard error {off})" + ("" if parts == count else f", given up after {parts} of {count} parts")
