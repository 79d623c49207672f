"""How sure answers are: which of them a promise covers, and how far from a number the truth may lie.

What a model needs for that is found on its validation rows, kept in its bundle, and asked for by ``predict``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from trainwright.errors import error
from trainwright.evaluation import conformal, promises
from trainwright.evaluation.calibration import reliability

if TYPE_CHECKING:
    from trainwright.evaluation.intervals import Units
    from trainwright.tasks.base import FilePredictions, Predictor

DIGITS = 9  # of the confidence in a set of labels, whose factors come in any order


class Ranged(NamedTuple):
    """A number that is answered, and the ends of the interval that holds the truth as often as was asked for."""

    answer: float
    lower: float
    upper: float


def of_sets(shares: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Return the confidence in sets of labels, float64 (rows,): the probability that all is so, were labels independent.

    ``shares`` are float32 probabilities, ``said`` bool, whether a label is said, both (rows, labels).
    """
    found: np.ndarray = np.where(said, shares, 1 - shares.astype(np.float64)).prod(axis=1).round(DIGITS)
    return found


def checked(
    stated: tuple[np.ndarray, np.ndarray],
    confidence: np.ndarray,
    right: np.ndarray,
    units: Units | None,
    rungs: Sequence[promises.Rung],
) -> dict[str, Any]:
    """Return what a report has of measured rows: how well the ``stated`` probabilities are kept, and the usual promises."""
    found = reliability(*stated)
    scores = {"ece": found["ece"], "ece_by_chance": found["by_chance"], "reliability": found["bins"]}
    if not rungs:
        return scores
    kept = []
    for sure in promises.USUAL:
        at = promises.threshold(rungs, sure)
        came = {} if at is None else promises.kept(confidence, right, units, at)
        kept.append({"sure": sure, "threshold": at, **came})
    return scores | {"promises": kept}


def kept(values: dict[str, Any], target: Any) -> dict[str, Any]:
    """Return the values of a bundle with temperature and promises of a target, where it has any."""
    more = {} if target.temperature == 1.0 else {"temperature": target.temperature}
    return values | more | ({"promises": [list(each) for each in target.promises]} if target.promises else {})


def of(values: dict[str, Any]) -> dict[str, Any]:
    """Return temperature and promises as ``kept`` described them; a bundle of an earlier version has none."""
    rungs = [promises.Rung(*each) for each in values.get("promises", [])]
    return {"temperature": values.get("temperature", 1.0), "promises": rungs}


def answered(predictor: Predictor, answers: Sequence[Any], sure: float | None) -> list[bool]:
    """Return which of the answers, as ``predict`` of a predictor gives them, are sure enough; empty where nothing is asked for.

    Raise E356 for a share that cannot be, E357 for a model without classes, E470 where its bundle keeps no promise, E471 for
    one that it cannot keep.
    """
    if sure is None:
        return []
    _check_share("sure", sure)
    target = getattr(predictor, "target", None)
    rungs = getattr(target, "promises", None)
    if rungs is None:
        raise error("E357", key="sure", value=sure, wants="classes or labels", found=_answers_with(predictor))
    if not rungs:
        raise error("E470", key="sure", value=sure)
    at = promises.threshold(rungs, sure)
    if at is None:
        most = promises.best(rungs)
        tell = f"the most that can be is {most:.0%}" if most else "nor can 50 %"
        mend = f"Ask for less: --sure {most:.2f}. " if most else ""
        raise error("E471", value=f"{100 * sure:g} %", most=tell, mend=mend, rows=f"{rungs[-1].rows:,}")
    return [_confidence(answer) >= at for answer in answers]


def _confidence(answer: Any) -> float:
    """Return the probability of an answer: of a class, or of a set of labels."""
    if isinstance(answer, list):
        return float(answer[0][1])
    named = answer.probabilities.items()
    return float(round(prod(share if label in answer.labels else 1 - share for label, share in named), DIGITS))


def reach(predictor: Predictor, interval: float | None) -> float | None:
    """Return how far from an answer the truth is in ``interval`` of all rows; None where nothing is asked for.

    Raise E356, E357 for a model that answers no numbers, E470 where its bundle keeps nothing of that, E472 for too few rows.
    """
    if interval is None:
        return None
    _check_share("interval", interval)
    kept = getattr(getattr(predictor, "target", None), "reaches", None)
    if kept is None:
        raise error("E357", key="interval", value=interval, wants="numbers", found=_answers_with(predictor))
    if not kept:
        raise error("E470", key="interval", value=interval)
    found = conformal.half_width(kept, interval)
    if found is None:
        raise error("E472", value=f"{100 * interval:g} %", most=f"{int(1000 * kept[-1].share) / 1000:g}")
    return found


def of_file(predictor: Predictor, found: FilePredictions, sure: float | None, interval: float | None) -> FilePredictions:
    """Add to the rows of a file which are sure enough, or how far off the truth may be; what they raise is raised."""
    found.sure, found.reach = answered(predictor, found.answers, sure), reach(predictor, interval)
    found.notes += unsure(found.sure, sure, found.names or [f"row {row}" for row in found.rows])
    return found


def as_asked(answers: list[Any], top: int, enough: Sequence[bool], far: float | None) -> list[Any]:
    """Return answers as Python gives them: one label alone, None for one that is not sure enough, numbers with their ends."""
    found = [each[0] if top == 1 and isinstance(each, list) else each for each in answers]
    if far is not None:
        return [Ranged(each, each - far, each + far) for each in found]
    return [each if sure else None for each, sure in zip(found, enough, strict=True)] if enough else found


def unsure(enough: Sequence[bool], sure: float | None, names: Sequence[str]) -> list[str]:
    """Return what is said of answers that are not sure enough; nothing where nothing was asked for."""
    if sure is None:
        return []
    rest = [name for name, each in zip(names, enough, strict=True) if not each]
    shown = ", ".join(rest[:10]) + (", ..." if len(rest) > 10 else "")
    told = f"for a person: {len(rest):,} of {len(enough):,} ({shown})" if rest else "for a person: none"
    return [f"{told}; the others are answered, and right in at least {100 * sure:g} % of all such rows"]


def _check_share(key: str, value: float) -> None:
    if not 0 < value < 1:
        raise error("E356", key=key, value=value)


def _answers_with(predictor: Predictor) -> str:
    kind = getattr(getattr(predictor, "target", None), "kind", "token")
    return {"class": "classes", "labels": "labels", "number": "numbers"}.get(kind, "tokens")
