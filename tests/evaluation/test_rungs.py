"""What is kept of how sure answers are: counts that a bundle may hold, and on the careful side, whatever belongs together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainwright.evaluation.intervals import Units
from trainwright.evaluation.promises import ladder, lower_end

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.booleans()), min_size=1, max_size=40)


@given(ROWS)
def test_no_more_rows_are_wrong_than_there_are(rows: list[tuple[int, int, bool]]) -> None:
    who, sure, right = (np.array(each) for each in zip(*rows, strict=True))
    confidence = sure / 10
    for units in (None, Units(np.unique(who, return_inverse=True)[1])):
        rungs = ladder(confidence, right, units)
        assert rungs[-1].threshold == 0 and all(0 <= rung.wrong <= rung.rows <= len(rows) for rung in rungs)
        for rung in rungs:
            some = confidence >= rung.threshold
            assert rung.rows == 0 or rung.wrong / rung.rows >= 1 - right[some].mean() - 1e-9  # rounded to the careful side
            assert lower_end(rung.wrong, rung.rows) <= right[some].mean() + 1e-9
