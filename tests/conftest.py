"""Data that tests make themselves, and the folder of real data where there is one."""

from __future__ import annotations

import csv
import os
import random
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two test processes on two cores; set before torch is imported

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


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the person's cache."""
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """A labelled CSV of 400 rows and three classes."""
    return write_csv(tmp_path / "news.csv", news_rows(400))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory):
    """A finished run on 400 rows, made once."""
    import trainwright as tw

    folder = tmp_path_factory.mktemp("trained")
    source = write_csv(folder / "news.csv", news_rows(400))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINWRIGHT_CACHE", str(folder / "cache"))
        return tw.train(source, out=folder / "run", listen=lambda event: None)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    place = os.environ.get("TRAINWRIGHT_TEST_DATA", "")
    if not place or not Path(place).is_dir():
        pytest.skip("TRAINWRIGHT_TEST_DATA names no folder of real data")
    return Path(place).resolve()
