"""One training in a folder at a time; the lock goes with its holder, however that ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from bench import Bench

from trainwright.errors import RunError
from trainwright.store.run_folder import RunFolder, locked


@pytest.mark.parametrize("streamed", [False, True])
def test_a_folder_in_use(bench: Bench, count: Any, streamed: bool) -> None:
    job: dict[str, Any] = {"streamed": True, "settings": {"workers": 2}} if streamed else {}
    bench.untouched("image", **job)
    out = bench.fresh()
    holder = bench.train("image", out, hits=[("forward", 20, signal.SIGSTOP)], **job)["stopped"]
    before = {each: each.read_bytes() for each in out.rglob("*") if each.is_file()}
    for verb in ("train", "resume"):
        answer = bench.driver(verb, work="image", source=bench.source("image"), out=out, **job)
        assert (answer["code"], answer["error"]) == (2, "E415")
    assert {each: each.read_bytes() for each in out.rglob("*") if each.is_file()} == before
    bench.driver.kill(holder)
    unlike = bench.unlike("image", out, **job)
    count(3, bool(unlike))
    assert not unlike


def test_who_reads_the_lock_takes_nothing_away(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with locked(run):
        assert (tmp_path / ".lock").read_text().startswith(f"process {os.getpid()} ")
        with pytest.raises(RunError, match="E415"), locked(run):
            pass
        with pytest.raises(RunError, match=f"process {os.getpid()}"), locked(run):
            pass
    with locked(run):
        pass


def test_a_process_that_was_forked_from_a_killed_one_does_not_hold_its_lock(tmp_path: Path) -> None:
    ready, begun = os.pipe()
    end, ended = os.pipe()
    if not (holder := os.fork()):
        with locked(RunFolder(tmp_path)):
            if not os.fork():
                os.write(begun, b"x")
                os.close(ended)
                os.read(end, 1)  # until the test has closed its side
                os._exit(0)
            os.read(ready, 1)
            os._exit(0)
    os.waitpid(holder, 0)
    with locked(RunFolder(tmp_path)):
        os.close(ended)
    for each in (ready, begun, end):
        os.close(each)
