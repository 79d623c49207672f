"""How often what is said of new rows is true: `python tests/evaluation/how_often.py 1000` draws so many test sets.

Prints how often the 95 % interval of each score holds the true value, also where rows belong together; how often a promise
of answers is kept; and how often a conformal interval holds a new number. Test sets are drawn, with replacement, from all
the rows there are, so that the truth is no estimate: it is the score of these. Tests take a sample.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from trainwright.evaluation import classification, conformal, labels, promises, ranking, regression
from trainwright.evaluation.calibration import temperature
from trainwright.evaluation.intervals import Units

PRIOR = np.array([0.4, 0.3, 0.2, 0.1])
GROUP = 5  # rows of a group on average
MANY = 100_000  # rows that there are
SIZES = (30, 100, 400, 2000)
Rows = tuple[Any, Any, Units | None]


def groups(draw: np.random.Generator, rows: int) -> np.ndarray:
    """Return the group of each row: sizes are uneven."""
    sizes = draw.integers(1, 2 * GROUP, rows)
    return np.repeat(np.arange(rows), sizes)[:rows]


def classes(draw: np.random.Generator, rows: int, grouped: bool, ease: float = 1.6) -> Rows:
    """Return class numbers and probabilities; rows of a group are often of one class, and hard or easy together."""
    codes = groups(draw, rows)
    own = draw.choice(len(PRIOR), rows, p=PRIOR)
    targets = np.where(draw.random(rows) < 0.5, own[codes], own) if grouped else own
    eases = ease + (draw.normal(size=rows)[codes] if grouped else 0.0)
    logits = draw.normal(size=(rows, len(PRIOR)))
    logits[np.arange(rows), targets] += eases
    shares = np.exp(logits)
    return targets, (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32), Units(codes) if grouped else None


def easy(draw: np.random.Generator, rows: int, grouped: bool) -> Rows:
    """Return the same where answers are mostly right."""
    return classes(draw, rows, grouped, 2.5)


def two(draw: np.random.Generator, rows: int, grouped: bool, second: float = 0.5) -> Rows:
    """Return two classes, of which the ``second`` is such a part of the rows."""
    codes = groups(draw, rows)
    own = draw.random(rows) < second
    targets = np.where(draw.random(rows) < 0.5, own[codes], own) if grouped else own
    ease = 2.0 + (draw.normal(size=rows)[codes] if grouped else 0.0)
    share = 1 / (1 + np.exp(1.5 - draw.normal(size=rows) - ease * targets))
    shares = np.stack([1 - share, share], axis=1).astype(np.float32)
    return targets.astype(np.int64), shares, Units(codes) if grouped else None


def rare(draw: np.random.Generator, rows: int, grouped: bool) -> Rows:
    """Return the same with a second class that is rare."""
    return two(draw, rows, grouped, 0.1)


def sets(draw: np.random.Generator, rows: int, grouped: bool) -> Rows:
    """Return labels, of which several may be there, and their probabilities."""
    codes = groups(draw, rows)
    targets = (draw.random((rows, len(PRIOR))) < PRIOR).astype(np.uint8)
    ease = 2.0 + (draw.normal(size=rows)[codes] if grouped else np.zeros(rows))
    logits = draw.normal(size=targets.shape) + ease[:, None] * (targets - 0.5)
    return targets, (1 / (1 + np.exp(-logits))).astype(np.float32), Units(codes) if grouped else None


def numbers(draw: np.random.Generator, rows: int, grouped: bool, freedom: float = np.inf) -> Rows:
    """Return actual and predicted numbers, whose errors have a t distribution, and are shared in part within a group."""
    codes = groups(draw, rows)
    actual = draw.normal(size=rows)
    error = draw.standard_t(freedom, rows) if freedom < np.inf else draw.normal(size=rows)
    error = 0.4 * error + (draw.normal(size=rows)[codes] * 0.3 if grouped else 0.0)
    return actual, actual + error, Units(codes) if grouped else None


def heavy(draw: np.random.Generator, rows: int, grouped: bool) -> Rows:
    """Return the same with errors of which few are many times as large as most."""
    return numbers(draw, rows, grouped, 6.0)


def of_classes(targets: np.ndarray, shares: np.ndarray, units: Units | None) -> dict[str, Any]:
    ends = classification.intervals(targets, shares, units) | ranking.intervals(targets, shares, units)
    return ends | {"accuracy_interval": classification.scores(targets, shares, units)["interval"]}


def of_sets(targets: np.ndarray, shares: np.ndarray, units: Units | None) -> dict[str, Any]:
    return labels.intervals(targets, shares >= 0.5, units) | ranking.intervals(targets, shares, units)


TRUTHS: dict[str, dict[str, Callable[[Any, Any], Any]]] = {
    "classes": {
        "accuracy": lambda targets, shares: (shares.argmax(axis=1) == targets).mean(),
        "macro_f1": classification.macro_f1,
        "balanced_accuracy": classification.balanced_accuracy,
        "mcc": classification.mcc,
        "roc_auc": ranking.roc_auc,
        "average_precision": ranking.average_precision,
        "log_loss": ranking.log_loss,
    },
    "sets": {
        "micro_f1": lambda targets, shares: labels.micro_f1(targets, shares >= 0.5),
        "macro_f1": lambda targets, shares: labels.macro_f1(targets, shares >= 0.5),
        "subset_accuracy": lambda targets, shares: labels.subset_accuracy(targets, shares >= 0.5),
        "average_precision": ranking.average_precision,
    },
    "numbers": {"rmse": regression.rmse, "mae": regression.mae, "r2": regression.r2},
}
TRUTHS |= {"two": TRUTHS["classes"], "rare": TRUTHS["classes"], "heavy": TRUTHS["numbers"]}
LAWS: dict[str, Callable[[np.random.Generator, int, bool], Rows]] = {
    "classes": classes,
    "two": two,
    "rare": rare,
    "sets": sets,
    "numbers": numbers,
    "heavy": heavy,
    "easy": easy,
}
FOUND: dict[str, Callable[..., dict[str, Any]]] = {
    "classes": of_classes,
    "two": of_classes,
    "rare": of_classes,
    "sets": of_sets,
    "numbers": regression.scores,
    "heavy": regression.scores,
}


@cache
def all_rows(kind: str, grouped: bool) -> tuple[Rows, np.ndarray, dict[str, Any]]:
    """Return all rows that there are, where the groups of them begin, and their scores."""
    found = LAWS[kind](np.random.default_rng(10**6), MANY, grouped)
    units = found[2]
    starts = np.arange(MANY + 1) if units is None else np.append(np.flatnonzero(np.diff(units.codes, prepend=-1)), MANY)
    return found, starts, {name: score(*found[:2]) for name, score in TRUTHS.get(kind, {}).items()}


def drawn(draw: np.random.Generator, kind: str, grouped: bool, rows: int) -> tuple[np.ndarray, Units | None]:
    """Return the places of about so many of all rows, drawn with replacement, whole groups of those that are in some."""
    starts = all_rows(kind, grouped)[1]
    if not grouped:
        return draw.integers(0, MANY, rows), None
    picked = draw.integers(0, len(starts) - 1, rows // GROUP)
    places = np.concatenate([np.arange(starts[each], starts[each + 1]) for each in picked])
    return places, Units(np.repeat(np.arange(len(picked)), starts[picked + 1] - starts[picked]))


def intervals(kind: str, rows: int, grouped: bool, times: int) -> dict[str, tuple[float, float]]:
    """Return of each score how often its interval holds the truth, and how often there is one."""
    (targets, outputs, _), _, truths = all_rows(kind, grouped)
    held = {name: [0, 0] for name in truths}
    for seed in range(times):
        places, units = drawn(np.random.default_rng([seed, rows, list(LAWS).index(kind)]), kind, grouped, rows)
        found = FOUND[kind](targets[places], outputs[places], units)
        for name, truth in truths.items():
            if ends := found.get(f"{name}_interval"):
                held[name][0] += ends[0] <= truth <= ends[1]
                held[name][1] += 1
    return {name: (hits / max(there, 1), there / times) for name, (hits, there) in held.items()}


def promised(sure: float, rows: int, grouped: bool, times: int) -> tuple[float, float, float]:
    """Return how often a promise is kept by all rows there are, how often one is made, and the mean share that is answered.

    Logits are twice as large as they should be, and a temperature is fitted on the same rows, as a training does.
    """
    kind = "classes" if sure < 0.95 else "easy"
    targets, shares, _ = all_rows(kind, grouped)[0]
    logits = 2 * np.log(shares)
    right = logits.argmax(axis=1) == targets
    kept = made = answered = 0.0
    draw = np.random.default_rng(0)
    for _ in range(times):
        chosen, codes = drawn(draw, kind, grouped, rows)
        scaled = temperature(logits[chosen], targets[chosen], codes, always=False).value
        all_shares = np.exp(logits / scaled)
        confidence = all_shares.max(axis=1) / all_shares.sum(axis=1)
        at = promises.threshold(promises.ladder(confidence[chosen], right[chosen], codes), sure)
        some = confidence >= (2.0 if at is None else at)
        made += at is not None
        answered += some.mean() / times
        kept += at is None or right[some].mean() >= sure
    return kept / times, made / times, answered


def held(share: float, rows: int, grouped: bool, times: int) -> float:
    """Return how often a conformal interval from so many rows holds the number of one more row, of another group."""
    hits = 0
    for seed in range(times):
        actual, predicted, units = numbers(np.random.default_rng(seed), rows + 4 * GROUP, grouped)
        error = np.abs(actual - predicted)
        new = len(error) - 1
        known = np.arange(rows)
        if units is not None:
            known = np.flatnonzero(units.codes < units.codes[new])
        far = conformal.half_width(conformal.reaches(error[known], units and Units(units.codes[known])), share)
        hits += far is not None and error[new] <= far
    return hits / times


def lines(times: int) -> Iterator[str]:
    """Yield all that is found, line by line."""
    for kind in FOUND:
        for rows in SIZES:
            for grouped in (False, True):
                found = intervals(kind, rows, grouped, times)
                told = [
                    f"{name} {100 * hits:.1f}" + (f" (told in {100 * there:.0f} %)" if there < 0.995 else "")
                    for name, (hits, there) in found.items()
                ]
                yield f"{kind} {rows:>5} rows{' in groups' if grouped else ''}: {', '.join(told)}"
    for sure in (0.8, 0.9, 0.95, 0.97):
        for rows in (200, 1000):
            for grouped in (False, True):
                kept, made, answered = promised(sure, rows, grouped, times // 2)
                told = f"kept {100 * kept:.1f} %, made {100 * made:.0f} %, answers {100 * answered:.0f} % of the rows"
                yield f"promise of {sure:.0%} by {rows:>5} rows{' in groups' if grouped else ''}: {told}"
    for rows in (50, 500):
        for grouped in (False, True):
            share = held(0.9, rows, grouped, 4 * times)
            yield f"interval of 90 % by {rows:>5} rows{' in groups' if grouped else ''}: holds {100 * share:.1f} %"


if __name__ == "__main__":
    for line in lines(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
        print(line, flush=True)
