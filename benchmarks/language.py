"""Batch and length of back-propagation of language models against others in the same time, by validation only.

    TRAINWRIGHT_TEST_DATA=../shared/data python benchmarks/language.py [--seconds 90] [CORPUS ...]

Of each corpus the training text alone is read, and a part of it is held back to validate. How long an update takes is
measured first, on one thread; then a model of derived settings is trained for as many updates as fit into the seconds, while
its rate falls to zero. Prints a Markdown table: validation loss in nats a token, and updates.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from trainwright import api

PROBE = 30  # updates
Size = tuple[int, int]
# What is derived comes first, then each half and twice of it.
WORDS = [(10, 35), (5, 35), (20, 35), (10, 17), (10, 70)]
CHARACTERS = [(32, 32), (16, 32), (64, 32), (32, 16), (32, 64)]
WINDOWS = [(16, 128), (8, 128), (32, 128), (16, 64), (16, 256)]
PIECES = {"tokenizer": "bpe", "max_vocabulary": 2000}
CORPORA: dict[str, tuple[str, dict[str, Any], list[Size]]] = {
    "ptb, words": ("ptb/ptb.train.txt", {"model": "lstm"}, WORDS),
    "shakespeare, pieces": ("shakespeare/input.txt", {"model": "lstm"} | PIECES, WORDS),
    "shakespeare, characters": ("shakespeare/input.txt", {"model": "lstm"}, CHARACTERS),
    "python-reference, characters": ("python-reference", {"model": "lstm"}, CHARACTERS),
    "shakespeare, characters, gpt": ("shakespeare/input.txt", {"model": "gpt"}, WINDOWS),
    "python-reference, pieces, gpt": ("python-reference", {"model": "gpt"} | PIECES, WINDOWS),
}


def score(source: str, settings: dict[str, Any], size: Size, seconds: float) -> tuple[float, int]:
    """(validation loss in nats a token, updates)."""
    plan = {"batch_size": size[0], "context": size[1], "epochs": 10_000, "test_fraction": 0.0, "speed": "off", "threads": 1}

    def trained(steps: int) -> tuple[Any, float]:
        times: list[float] = []

        def listen(event: Any) -> None:
            if event.kind == "step":
                times.append(time.perf_counter())

        with tempfile.TemporaryDirectory() as place:
            run = api.train(source, out=Path(place) / "run", listen=listen, steps=steps, device="cpu", **settings, **plan)
            return run.report, statistics.median(after - before for before, after in pairwise(times))

    _, update = trained(PROBE)
    report, _ = trained(int(seconds / update))
    return report["valid"]["loss"], report["steps"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="*", metavar="CORPUS", help=f"of {', '.join(CORPORA)}; all where none is named")
    parser.add_argument("--seconds", type=float, default=90.0, help="of training, each")
    options = parser.parse_args()
    folder = os.environ.get("TRAINWRIGHT_TEST_DATA")
    print("| corpus | batch | steps back | loss | updates |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        os.environ["TRAINWRIGHT_CACHE"] = str(Path(place) / "cache")
        for name in options.corpora or CORPORA:
            source, settings, sizes = CORPORA[name]
            if "/" in source:
                if not folder:
                    print(f"{name}: TRAINWRIGHT_TEST_DATA names no folder", file=sys.stderr)
                    continue
                source = str(Path(folder) / source)
            for size in sizes:
                loss, updates = score(source, settings, size, options.seconds)
                print(f"| {name} | {size[0]} | {size[1]} | {loss:.4f} | {updates:,} |", flush=True)


if __name__ == "__main__":
    main()
