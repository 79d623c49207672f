"""Steps of one's own (a GAN, LBFGS) and averages, stopped at random updates and gone on with: the same bits as untouched."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from bench import FULL
from fit_steps import CALLS
from fits import hear, stop, unlike
from forks import server

TIMES = 20 if FULL else 1


@pytest.mark.parametrize("call", CALLS)
def test_a_step_of_ones_own_that_was_stopped_and_killed(call: str, tmp_path: Path, count: Any) -> None:
    events, untouched = CALLS[call]()
    whole, wrong = hear(events), 0
    steps = sum(len(each) == 6 and isinstance(each[2], float) for each in whole)
    draw = random.Random(call)
    for number in range(TIMES):
        out = tmp_path / str(number)
        stop(CALLS[call](out=out, checkpoint_every="3steps", resume=True)[0], "left", draw.randrange(1, len(whole) // 2), out)
        ended = server().run("fit_steps:killed", call, str(out), draw.randrange(steps // 2 + 1, steps + 1))
        assert ended.returncode == -9, ended.stderr
        events, found = CALLS[call](out=out, resume=True)
        rest = hear(events)
        assert rest == whole[len(whole) - len(rest) :] and len(rest) < len(whole)
        wrong += bool(unlike(untouched(), found()))
    count(TIMES, wrong)
    assert not wrong
