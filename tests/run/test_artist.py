"""The process that draws the plots: whatever becomes of it, a run ends whole, and says what is not drawn."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from samples import START_ARTIST, news_rows, write_csv

import trainwright as tw
from trainwright.startup import Artist
from trainwright.watch.events import Event, Note


def train(folder: Path, artist: Artist | None, monkeypatch: pytest.MonkeyPatch) -> list[Note]:
    """What is said of the plots of a run, which has ended whole."""
    said: list[Event] = []
    monkeypatch.setattr("trainwright.run.train.start_artist", lambda run: artist or START_ARTIST(run))
    source = write_csv(folder / "news.csv", news_rows(60))
    run = tw.train(source, epochs=1, device="cpu", out=folder / "run", listen=said.append)
    assert (run.path / "SEAL").is_file() and run.report["test"]
    return [event for event in said if isinstance(event, Note) and event.what == "plots"]


def process(code: str) -> Artist:
    """One that does what ``code`` says in the place of the plots."""
    command = [sys.executable, "-I", "-S", "-c", code]
    return Artist(subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE))


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("input(); import os; os.kill(os.getpid(), 9)", "ended by signal 9"),
        ("input(); raise SystemExit(7)", "exit code 7"),
        ("input(); import sys; print('E402: no room\\n  mend: more', file=sys.stderr); sys.exit(2)", "E402: no room; draw"),
    ],
)
def test_a_drawing_that_fails_is_said(code: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (note,) = train(tmp_path, process(code), monkeypatch)
    assert note.value == "not drawn" and says in note.why and f"trainwright plots {tmp_path}/run" in note.why


def test_a_process_that_cannot_be_started_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = subprocess.Popen

    def refused(command: list[str], **how: object) -> object:
        if "trainwright.watch.plots" in command:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return started(command, **how)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", refused)
    (note,) = train(tmp_path, None, monkeypatch)
    assert "no process can be started" in note.why


def test_a_full_disk_under_the_plots_has_a_code(trained: tw.Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("report.json", "history.csv", "events.jsonl", "data.json"):
        (run / name).write_bytes((trained.path / name).read_bytes())
    (run / "plots").write_text("in the way")
    assert START_ARTIST(run).draw().startswith(f"E402: {run}/plots/")
    (run / "plots").unlink()
    assert START_ARTIST(run).draw() == "" and (run / "plots" / "curves.png").is_file()
