"""Which folders are runs, how often they are looked at, and that nothing else can be asked for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from live_samples import Writing

from trainwright.live import index as module
from trainwright.live.index import EVERY, SHOWN, Index

Begin = Callable[..., Writing]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        Clock.now += 2 * EVERY
        return Clock.now


def names(index: Index) -> list[str]:
    return [run["name"] for run in index.state([], "")["runs"]]


def keys(index: Index) -> dict[str, str]:
    return {run["name"]: run["key"] for run in index.state([], "")["runs"]}


def test_runs_come_and_go(begin: Begin, tmp_path: Path) -> None:
    index = Index(tmp_path / "runs", Clock())
    assert names(index) == [] and not index.state([], "")["alone"]
    begin(tmp_path / "runs" / "one").start()
    (tmp_path / "runs" / "other").mkdir()
    (tmp_path / "runs" / "file").write_text("")
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "runs" / "one")
    assert names(index) == ["one"]
    key = keys(index)["one"]
    assert index.state([key], "")["shown"][key]["phase"] == "training"
    shutil.rmtree(tmp_path / "runs" / "one")
    assert index.state([key], "")["shown"] == {} and index.watched(key) is None and index.page(key, "report") is None


def test_one_run_is_watched_alone(begin: Begin, tmp_path: Path) -> None:
    begin(tmp_path / "runs" / "one")
    begin(tmp_path / "runs" / "two")
    index = Index(tmp_path / "runs" / "one", Clock())
    assert names(index) == ["one"] and index.state([], "")["alone"]
    shutil.rmtree(tmp_path / "runs" / "one")
    assert names(index) == []


def test_a_run_of_fit_is_one_too(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "call.json").write_text("{}")
    assert names(Index(tmp_path, Clock())) == ["mine"]


def test_the_files_are_looked_at_twice_a_second_at_most_and_only_when_asked(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, now = begin(tmp_path / "one"), [0.0]
    looks: list[float] = []
    original = module.Followed.look
    monkeypatch.setattr(module.Followed, "look", lambda run: (looks.append(now[0]), original(run)))
    index = Index(tmp_path, lambda: now[0])
    assert looks == []
    version = index.state([], "")["version"]
    for _ in range(100):
        now[0] += 0.01
        assert "runs" not in index.state([], version)
    assert len(looks) == 3
    writing.start()
    now[0] += 1
    assert "runs" in index.state([], version)


def test_only_what_is_in_the_index_can_be_asked_for(begin: Begin, tmp_path: Path) -> None:
    secret = tmp_path / "secret.html"
    secret.write_text("secret")
    runs = [begin(tmp_path / "runs" / f"run-{number}") for number in range(9)]
    (runs[0].path / "report.html").write_text("a report")
    (runs[1].path / "report.html").symlink_to(secret)
    (runs[2].path / "story.html").mkdir()
    index = Index(tmp_path / "runs", Clock())
    known = keys(index)
    assert index.page(known["run-0"], "report") == b"a report"
    for key, name in (
        (known["run-1"], "report"),
        (known["run-2"], "story"),
        (known["run-0"], "settings.toml"),
        (known["run-0"], "../../secret"),
        ("run-0", "report"),
        ("../secret", "report"),
        ("", "report"),
        (str(runs[0].path), "report"),
        ("\0", "report"),
    ):
        assert index.page(key, name) is None
    assert len(index.state(list(known.values()) * 5 + ["../x"], "")["shown"]) == SHOWN
