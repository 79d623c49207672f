"""Rows to be measured on that a run has seen already: they are told apart from new ones, whose score alone says something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.data.tables.fingerprint import without_label

if TYPE_CHECKING:
    from trainwright.store.fingerprints import Fingerprints

NEW, TRAINED, VALIDATED = 0, 1, 2
PARTS = {"trained_on": TRAINED, "validated_on": VALIDATED}
UNKNOWN = dict.fromkeys((*PARTS, "other_label", "tested_on"))  # of a run that has kept no fingerprints


def of_rows(fingerprints: np.ndarray, seen: Fingerprints) -> tuple[np.ndarray, dict[str, int]]:
    """Return which rows are ``NEW``, ``TRAINED`` or ``VALIDATED`` on, whatever their label, and how many were there under
    another label, or among the rows that the run was tested on."""
    contents, trained, valid = without_label(fingerprints), seen.trained(), seen.of("valid")
    found = np.where(np.isin(contents, without_label(valid)), VALIDATED, NEW)
    found[np.isin(contents, without_label(trained))] = TRAINED
    other = (found != NEW) & ~np.isin(fingerprints, np.concatenate([trained, valid]))
    tested = (found == NEW) & np.isin(contents, without_label(seen.of("test")))
    return found, {"other_label": int(other.sum()), "tested_on": int(tested.sum())}


def apart(which: np.ndarray, more: Mapping[str, int], measured: Callable[[np.ndarray, bool], dict[str, Any]]) -> dict[str, Any]:
    """Return the scores of the new rows, and under ``apart`` those of the others; ``measured`` takes which rows, bool (rows,),
    and whether all is told. Where no row is new every score is None, and ``n`` is 0.
    """
    counts = {name: int((which == code).sum()) for name, code in PARTS.items()}
    others = {name: measured(which == PARTS[name], False) for name, count in counts.items() if count}
    if (which == NEW).any():
        found = measured(which == NEW, True)
    else:
        found = dict.fromkeys(next(iter(others.values()))) | {"n": 0}
    return {**found, **counts, **more, "apart": others}
