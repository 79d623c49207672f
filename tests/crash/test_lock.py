"""One training in a folder at a time; the lock goes with its holder, however that ends."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from bench import Bench


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
