"""What a run keeps of the rows that it has seen, so that ``evaluate`` and ``compare`` know them again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.errors import TrainwrightError
from trainwright.evaluation.intervals import Z95
from trainwright.store import fingerprints
from trainwright.store.fingerprints import Fingerprints
from trainwright.store.run_folder import RunFolder
from trainwright.watch import metrics
from trainwright.watch.scores import interval_of

if TYPE_CHECKING:
    import polars as pl

    from trainwright.training.problem import Problem

SKETCH = 64  # of the smallest fingerprints of test, by which two test sets are compared (Broder 1997)


def write(
    run: RunFolder, problem: Problem, report: Mapping[str, Any], rows: Mapping[str, pl.DataFrame], start: Path | None
) -> None:
    """Write what a run has seen, and what it reached on its test rows. Raise E402."""
    found: dict[str, np.ndarray] = problem.fingerprints()
    if not found:
        return
    facts: dict[str, Any] = {"unit": problem.unit}
    if start is not None:
        earlier = _earlier(start)
        found |= {} if earlier is None else {"earlier": earlier}
        facts["earlier_known"] = earlier is not None
    part = "test" if "test" in found else "valid"
    if (units := getattr(problem.splits.get(part), "units", None)) is not None:
        found["units"] = units.codes.astype(np.int32)
    if "test" in found:
        facts["test"] = _described(found["test"]) | _reached(report["test"])
        if "truth" in rows["test"].columns and "probabilities" in rows["test"].columns:
            found["right"] = np.packbits((rows["test"]["truth"] == rows["test"]["answer"]).to_numpy())
    fingerprints.write(run.fingerprints, Fingerprints(found, facts))


def _earlier(start: Path) -> np.ndarray | None:
    """Return what the run was trained on that a training goes on from; None where it cannot tell."""
    with suppress(TrainwrightError, OSError):
        before = fingerprints.read(RunFolder(start).fingerprints)
        if before is not None and before.facts.get("earlier_known", True):
            return np.unique(before.trained())
    return None


def _described(test: np.ndarray) -> dict[str, Any]:
    """Return by what the same test rows are known, with their labels, in whatever order."""
    rows = np.sort(test)
    sketch = [f"{each:x}" for each in np.unique(rows)[:SKETCH].tolist()]
    return {"labelled": hashlib.blake2b(rows.tobytes(), digest_size=8).hexdigest(), "sketch": sketch}


def _reached(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return the leading score, and the standard deviation that its interval tells."""
    lead = metrics.lead(scores) or "loss"
    ends = interval_of(lead, scores)
    deviation = None if ends is None else (ends[1] - ends[0]) / (2 * Z95)
    return {"n": scores["n"], "metric": lead, "score": scores[lead], "deviation": deviation}
