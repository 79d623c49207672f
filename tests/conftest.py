"""A run made once, a cache of the tests' own, and the folder of real data where there is one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from samples import START_ARTIST, NoArtist, news_rows, write_csv

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in jobs that a shell runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be a busy one
settings.register_profile("machine", patient, max_examples=25)
settings.register_profile("long", patient, max_examples=2000)
settings.load_profile("machine")
# Two test processes on two cores; set before torch is imported. Threads of tests that have several wait without working.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the person's cache."""
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(autouse=True, scope="module")
def _no_plots() -> Iterator[None]:
    """A process that imports matplotlib costs more than the trainings of most tests; runs that are looked at have plots."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("trainwright.run.train", "trainwright.tasks.custom.run"):
            patch.setattr(f"{module}.start_artist", lambda run: NoArtist())
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """A training waits for the disk two dozen times; that it does is for ``tests/store`` and ``tests/crash`` to say."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


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
        patch.setattr("trainwright.run.train.start_artist", START_ARTIST)
        return tw.train(source, loss="BCEWithLogitsLoss", out=folder / "run", listen=lambda event: None)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    place = os.environ.get("TRAINWRIGHT_TEST_DATA", "")
    if not place or not Path(place).is_dir():
        pytest.skip("TRAINWRIGHT_TEST_DATA names no folder of real data")
    return Path(place).resolve()
