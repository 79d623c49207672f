"""Trainings on parts of the training rows, measured on the validation rows, and what twice the rows would bring.

learning-curve.json    what was asked, what each training came to (so that a curve which was stopped goes on), the extrapolation
learning-curve.html    the same as a page

The test rows are not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.config.resolve import recipe, resolve
from trainwright.config.settings import EXECUTION_SETTINGS
from trainwright.errors import error
from trainwright.run.kept import kept
from trainwright.run.request import Request
from trainwright.run.train import Session
from trainwright.store import atomic, run_folder
from trainwright.watch.events import Event, Listener, Note, Progress

if TYPE_CHECKING:
    from trainwright.training.problem import Problem

KEPT, PAGE = "learning-curve.json", "learning-curve.html"
PARTS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
REPEATS = 4  # trainings at most on parts of one size
FEWEST = 40  # training rows of the smallest part, where nothing else is said
TIMES = (2, 4)  # the rows, for which it is foretold


@dataclass(frozen=True)
class Plan:
    """The trainings of a curve: parts of the training rows from the smallest on, and how many times each is drawn at most."""

    parts: tuple[float, ...]
    repeats: int

    def trainings(self) -> list[tuple[float, int]]:
        """Return (part, which draw): few rows are drawn more often, as they vary more and cost less."""
        many = {part: max(1, min(self.repeats, math.ceil(0.75 / part))) for part in self.parts}
        return [(part, draw) for part in self.parts for draw in range(many[part])]


def curve(request: Request, parts: Sequence[float], repeats: int, out: Path | None, listen: Listener) -> dict[str, Any]:
    """Train on parts of the rows, or go on with that, write what it came to into ``out``, and return it.

    Raise E480 for another curve in ``out``, E481 where its data have changed, E482 for too few rows, E483 for no validation
    rows, E484 for settings that a curve chooses itself; and as ``train``.
    """
    for key in ("train_fraction", "baselines"):
        if key in request.settings:
            raise error("E484", key=key)
    base = recipe(request.recipe)["settings"] if request.recipe else {}
    settings = resolve(request.settings, base)
    whole = _pose(request, base, settings.seed, 1.0, listen)
    plan = Plan(tuple(parts) or _parts(len(whole.problem.splits["train"])), repeats)
    asked = {
        "source": request.origin() | {"folder": str(Path.cwd())},
        "settings": {key: str(request.settings[key]) for key in sorted(request.settings)},
        "parts": list(plan.parts),
        "repeats": plan.repeats,
        "data": whole.digests,
    }
    folder = out or Path("curves") / run_folder.slug(whole.problem.data["source"])
    with kept(folder / KEPT, asked) as trained:
        if trained.before.get("data") != trained.asked["data"]:
            raise error("E481", path=folder)
        if trained.before != trained.asked:
            raise error("E480", path=folder)
        trainings, done = plan.trainings(), trained.done
        for number, (part, draw) in enumerate(trainings):
            if not any((each["part"], each["draw"]) == (part, draw) for each in done):
                listen(Progress("learning curve", number, len(trainings), "trainings"))
                made = whole if (part, draw) == (1.0, 0) else _pose(request, base, settings.seed + draw, part, listen)
                trained.add({"part": part, "draw": draw, **_measured(made, request, base)})
        listen(Progress("learning curve", len(trainings), len(trainings), "trainings"))
        found = _told(whole.problem, done)
        trained.write(curve=found)
        from trainwright.watch.learning_curve import page

        atomic.write_file(folder / PAGE, page(found))
    return found | {"folder": str(folder), "files": [str(folder / KEPT), str(folder / PAGE)]}


@dataclass
class Posed:
    """A problem without its test rows."""

    problem: Problem
    digests: dict[str, str]


def _pose(request: Request, base: dict[str, Any], seed: int, part: float, listen: Listener) -> Posed:
    """Read and encode a part of the training rows, and all validation rows."""

    def notes(event: Event) -> None:
        if part == 1.0 and isinstance(event, Note):
            listen(event)

    settings = request.settings | {"seed": seed, "baselines": "off"} | ({} if part == 1.0 else {"train_fraction": part})
    source, problem, fill_cache = Session(notes).pose(replace(request, settings=settings), base)
    fill_cache()
    if "valid" not in problem.splits:
        raise error("E483", source=problem.data["source"])
    problem.splits = {name: each for name, each in problem.splits.items() if name != "test"}
    return Posed(problem, source.digests)


def _parts(rows: int) -> tuple[float, ...]:
    """Return parts of so many training rows that are large enough to learn from. Raise E482 where there are too few."""
    found = tuple(part for part in PARTS if part * rows >= FEWEST)
    if len(found) < 3:
        raise error("E482", rows=rows, least=math.ceil(FEWEST / PARTS[-3]))
    return found


def _measured(made: Posed, request: Request, base: dict[str, Any]) -> dict[str, Any]:
    """Train, and return the number of training rows and what the validation rows add to the error, in blocks."""
    from trainwright.evaluation import learning_curve
    from trainwright.training.trainer import Trainer

    problem, given = made.problem, {**base, **request.settings}
    training = Trainer(problem, [key for key in EXECUTION_SETTINGS if given.get(key) is None])
    training.train(lambda event: None)
    measured = training.measure()
    kind, terms = terms_of(problem, measured.rows["valid"])
    units = getattr(problem.splits["valid"], "units", None)
    sums = learning_curve.blocks(terms, units, kind == "token")
    rows = len(problem.splits["train"])
    return {"rows": rows, "error": float(learning_curve.error_of(kind, sums.sum(axis=1))), "terms": sums.tolist()}


def terms_of(problem: Problem, rows: Any) -> tuple[str, np.ndarray]:
    """Return what is predicted, and what each validation row adds to the sums of its error: float64 (terms, rows)."""
    kind, ones = problem.predicts[0], np.ones(len(rows))
    if kind == "class":
        return kind, np.stack([ones, (rows["truth"] != rows["answer"]).to_numpy().astype(np.float64)])
    if kind == "number":
        return kind, np.stack([ones, (rows["truth"] - rows["answer"]).to_numpy() ** 2])
    if kind == "labels":
        hits = rows["truth"].list.set_intersection(rows["answer"])
        counts = [each.list.len().to_numpy().astype(np.float64) for each in (hits, rows["answer"], rows["truth"])]
        return kind, np.stack([ones, *counts])
    return "token", np.stack([ones, rows["loss"].to_numpy().astype(np.float64)])


def _told(problem: Problem, done: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the curve and where it leads, as scores."""
    from trainwright.evaluation import learning_curve

    kind = problem.predicts[0]
    parts = sorted({each["part"] for each in done})
    groups = [[each for each in done if each["part"] == part] for part in parts]
    sizes = np.array([np.mean([each["rows"] for each in group]) for group in groups])
    wanted = np.concatenate([sizes[-1] * np.array(TIMES), np.geomspace(sizes[0], sizes[-1] * TIMES[-1], 40)])
    terms = [[np.array(each["terms"]) for each in group] for group in groups]
    found = learning_curve.extrapolate(kind, sizes, terms, wanted)
    metric = {"class": "accuracy", "number": "rmse", "labels": "micro_f1"}.get(kind, "perplexity")
    points = [
        {"rows": round(rows), "trainings": len(group), **_scored(metric, each)}
        | {"scores": [_score(metric, one["error"]) for one in group]}
        for rows, group, each in zip(sizes.tolist(), groups, found["known"], strict=True)
    ]
    ahead = [
        {"rows": round(rows), **_scored(metric, each)} for rows, each in zip(wanted.tolist(), found["errors"], strict=True)
    ]
    for times, each, gain in zip(TIMES, ahead, found["gains"], strict=False):
        each |= {"times": times, "gain": [_gain(metric, found["now"][0], less) for less in gain]}
    return {
        "task": problem.title,
        "source": problem.data["source"],
        "unit": problem.unit,
        "metric": metric,
        "valid": len(problem.splits["valid"]),
        "points": points,
        "fitted": {"rows": points[-1]["rows"], **_scored(metric, found["now"])},
        "ahead": ahead[: len(TIMES)],
        "line": ahead[len(TIMES) :],
        "scatter": found["scatter"],
    }


def _score(metric: str, wrong: float) -> float:
    """Return the score that an error is."""
    return 1 - wrong if metric in ("accuracy", "micro_f1") else math.exp(wrong) if metric == "perplexity" else wrong


def _scored(metric: str, errors: Sequence[float]) -> dict[str, Any]:
    middle, *ends = (_score(metric, each) for each in errors)
    return {"score": middle, "interval": sorted(ends)}


def _gain(metric: str, now: float, less: float) -> float:
    """Return what an error ``now`` gains that is smaller by ``less``: a share the difference, others by what share of it."""
    if metric in ("accuracy", "micro_f1"):
        return less
    return 1 - math.exp(-less) if metric == "perplexity" else less / max(now, 1e-300)
