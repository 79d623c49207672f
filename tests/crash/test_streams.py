"""Every verb with a standard stream that is closed or full: success or one message, and the exit code that is right."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from bench import FULL, Bench
from samples import news_rows, write_csv

import trainwright as tw

VERBS: dict[str, tuple[str, ...]] = {
    "greeting": (),
    "help": ("--help",),
    "version": ("--version",),
    "help of a verb": ("train", "--help"),
    "train": ("train", "news.csv", "epochs=1", "--out", "new"),
    "train, JSON": ("train", "news.csv", "epochs=1", "--out", "new", "--json"),
    "train, quiet": ("train", "news.csv", "epochs=1", "--out", "new", "--quiet"),
    "resume": ("resume", "run"),
    "verify": ("verify", "run"),
    "evaluate": ("evaluate", "run"),
    "evaluate a file": ("evaluate", "run", "news.csv"),
    "predict": ("predict", "run", "moon"),
    "predict a file": ("predict", "run", "news.csv"),
    "predict lines": ("predict", "run", "-"),
    "report": ("report", "run"),
    "report, JSON": ("report", "run", "--json"),
    "plots": ("plots", "run"),
    "story": ("story", "run"),
    "mistakes": ("mistakes", "run"),
    "mistakes, CSV": ("mistakes", "run", "--csv"),
    "explain": ("explain", "run", "moon"),
    "runs": ("runs", "."),
    "settings": ("settings", "epochs"),
    "recipes": ("recipes",),
    "a recipe": ("recipes", "show", "news-tutorial"),
    "completion": ("completion", "bash"),
    "a mistake": ("report", "nowhere"),
}
STREAMS = {"stdin": ("-",), "stdout": ("-", "/dev/full", "/dev/null"), "stderr": ("-", "/dev/full", "/dev/null")}
CASES = [(verb, name, place) for verb in VERBS for name, places in STREAMS.items() for place in places]
CASES = CASES if FULL else random.Random(2).sample(CASES, 16)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and a run of them."""
    folder = tmp_path_factory.mktemp("streams")
    source = write_csv(folder / "news.csv", news_rows(60))
    tw.train(source, epochs=1, device="cpu", out=folder / "run", listen=lambda event: None)
    return folder


def test_a_stream_that_cannot_be_used(bench: Bench, place: Path, count: Any) -> None:
    for verb, name, stream in CASES:
        shutil.rmtree(place / "new", ignore_errors=True)
        said = bench.driver.command(place, *VERBS[verb], streams={name: stream}, limit=60)
        right = 2 if verb == "a mistake" or (name == "stdout" and stream != "/dev/null") else 0
        if (verb, name) == ("predict lines", "stdin"):
            right = 2
        elif verb == "predict lines":  # there are none
            right = 0
        assert said["code"] == right, (verb, name, stream, said)
        if right == 2 and name != "stderr":
            assert len(re.findall(r"^E\d{3}: ", said["stderr"], re.MULTILINE)) == 1, (verb, name, stream, said)
            assert verb == "a mistake" or ("standard output" if name == "stdout" else "'-'") in said["stderr"]
        assert not verb.startswith("train,") or (place / "new" / "SEAL").is_file(), "a training ends as it would"
    count(len(CASES))
