"""Data that tests make themselves."""

from __future__ import annotations

import csv
import ctypes
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trainwright.run.train import start_artist as START_ARTIST
from trainwright.store import seal

__all__ = [
    "START_ARTIST",
    "NoArtist",
    "evaluate_all",
    "news_rows",
    "reseal",
    "reseal_checkpoint",
    "rows_measured",
    "without_privileges",
    "write_csv",
]

TOPICS = {
    "sport": ["match", "team", "goal", "player", "league", "coach", "season", "win", "score", "cup"],
    "money": ["bank", "market", "shares", "profit", "trade", "price", "stock", "rate", "loan", "tax"],
    "space": ["rocket", "orbit", "moon", "planet", "launch", "star", "probe", "mars", "crew", "comet"],
}
FILLER = ["the", "a", "of", "and", "in", "on", "for", "with", "today", "new", "said", "after", "before", "this", "that"]


def news_rows(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """(label, text) rows: a text has a few words of its own topic among words of none. No two texts are equal."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        label = draw.choice(list(TOPICS))
        words = draw.choices(TOPICS[label], k=3) + draw.choices(FILLER, k=6) + [f"n{number}"]
        draw.shuffle(words)
        rows.append((label, " ".join(words)))
    return rows


def write_csv(path: Path, rows: list[tuple[str, str]], header: tuple[str, ...] = ("label", "text")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if header:
            writer.writerow(header)
        writer.writerows(rows)
    return path


def reseal(folder: Path) -> None:
    """Seal a folder as it is now."""
    (folder / seal.NAME).unlink()
    seal.close(folder, {})


def reseal_checkpoint(folder: Path) -> None:
    """The same of a checkpoint, which then is as if its content had been written so."""
    facts = seal.read(folder).facts
    (folder / seal.NAME).unlink()
    seal.close(folder, facts)


class NoArtist:
    """Stands for the process that draws the plots."""

    def draw(self) -> str:
        """Nothing to wait for, and nothing to complain of."""
        return ""

    def dismiss(self) -> None:
        """It was never there."""


@contextmanager
def without_privileges() -> Iterator[None]:
    """Files that may not be read cannot be read by root either, in this thread and those that it starts."""
    if os.geteuid():
        yield
        return
    libc, header, sets = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0
    before = sets[0]
    sets[0] &= ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, of those that are effective
    assert libc.capset(header, sets) == 0
    try:
        yield
    finally:
        sets[0] = before
        libc.capset(header, sets)


def rows_measured(scores: dict[str, Any]) -> int:
    """How many rows ``evaluate`` measured: new ones, and those that the run was trained or validated on."""
    return scores["n"] + scores["trained_on"] + scores["validated_on"]  # type: ignore[no-any-return]


def evaluate_all(run: Any, source: Any, **written: str) -> dict[str, Any]:
    """The scores of a run on all rows of a file, those too that it was trained on."""
    from trainwright.data.files.virtual import as_path, is_data
    from trainwright.data.read.frames import labelled

    source = labelled(source) if is_data(source) else as_path(source)
    return run.predictor.written(written, "evaluate", source).score(source)  # type: ignore[no-any-return]
