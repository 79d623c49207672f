"""What is odd about the rows is counted."""

from __future__ import annotations

import numpy as np
import polars as pl

from trainwright.data.tables.split import content_keys
from trainwright.evaluation.audit import audit


def test_the_audit_counts() -> None:
    texts = pl.Series(["x", "x", "y", "y", "z", "", " ", "w", "w"])
    labels = pl.Series(["a", "b", "a", "a", "a", "a", "b", "a", "a"])
    parts = np.array([0, 0, 0, 2, 1, 0, 1, 1, 2])
    found, leaked = audit(pl.DataFrame({"label": labels, "split": parts, **content_keys(texts)}))
    assert leaked.arg_true().to_list() == [3]
    assert found == {
        "empty": 2,
        "duplicate_rows": 3,
        "conflicts": 1,
        "across": {"train-valid": 0, "train-test": 1, "valid-test": 1},
    }
