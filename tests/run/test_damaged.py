"""Run folders that were damaged or edited: one message, the other runs are shown, and nothing outside is touched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from calls import talk

import trainwright as tw
from trainwright.store import bundle, seal
from trainwright.store.run_folder import RunFolder, locked


@pytest.fixture
def run(trained, tmp_path: Path) -> Path:
    """A copy of a finished run in a folder of runs."""
    return Path(shutil.copytree(trained.path, tmp_path / "runs" / "one"))


def with_report(run: Path, **values: object) -> None:
    report = json.loads((run / "report.json").read_text())
    (run / "report.json").write_text(json.dumps(report | values))


BROKEN: dict[str, Callable[[Path], object]] = {
    "list": lambda path: path.write_text("[1]"),
    "other types": lambda path: with_report(path.parent, rows=[], seconds="x", test=7),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\xff"),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "endless": lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    "folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_one_odd_report_hides_no_other_run(run: Path, capsys, monkeypatch, kind: str) -> None:
    shutil.copytree(run, run.with_name("two"))
    BROKEN[kind](run / "report.json")
    out, _, code = talk(capsys, monkeypatch, "runs", run.parent)
    lines = {Path(line.split()[0]).name: line for line in out.splitlines()[1:]}
    assert code == 0 and "damaged" in lines["one"] and "bag.v1" in lines["two"]
    for verb in ("report", "evaluate"):
        _, err, code = talk(capsys, monkeypatch, verb, run)
        assert code == 2 and err.startswith("E408") and "report.json" in err, (verb, err)


@pytest.mark.parametrize("name", ["plots", "landscape", "checkpoints", "quarantine", "model"])
def test_a_folder_that_is_a_link_is_not_written_to(run: Path, tmp_path: Path, capsys, monkeypatch, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.rmtree(run / name, ignore_errors=True)
    (run / name).symlink_to(elsewhere)
    for verb in ("plots", "resume"):
        _, err, code = talk(capsys, monkeypatch, verb, run)
        assert code == 2 and err.startswith("E450"), (verb, err)
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("name", [".lock", "events.jsonl", "history.csv"])
def test_a_file_that_is_a_link_is_not_written_to(run: Path, tmp_path: Path, name: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("not yours\n")
    for each in ("SEAL", "report.json"):  # it is to be gone on with
        (run / each).unlink()
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(precious)
    with pytest.raises(tw.TrainwrightError, match="E402"):
        tw.resume(run, listen=lambda event: None)
    assert precious.read_text() == "not yours\n"


def test_a_lock_that_is_no_text(run: Path) -> None:
    (run / ".lock").write_bytes(b"\xff" * 300)
    with locked(RunFolder(run)):
        pass


def test_what_lies_beside_a_bundle_is_carried_over_without_following_links(run: Path, tmp_path: Path) -> None:
    (run / "model" / "endless").symlink_to("/dev/zero")
    (run / "model" / "notes.txt").write_text("mine")
    os.mkfifo(run / "model" / "pipe")
    bundle.save(run / "model", bundle.load(run / "model"), "# A card\n")
    assert (run / "model" / "endless").is_symlink() and (run / "model" / "notes.txt").read_text() == "mine"
    assert not (run / "model" / "pipe").exists()


@pytest.mark.parametrize(("key", "value"), [("id", 7), ("source", []), ("folder", "\0"), ("inexact", "x"), (None, 3)])
def test_settings_that_do_not_say_where_a_run_came_from(run: Path, key: str | None, value: object) -> None:
    import tomli_w

    from trainwright.plain_files import read_toml

    settings = read_toml(run / "settings.toml")
    settings["run"] = settings["run"] | {key: value} if key else value
    (run / "settings.toml").write_text(tomli_w.dumps(settings))
    seal.renew(run, [run / "settings.toml"])
    for verb in (tw.replay, tw.resume, tw.mistakes):
        with pytest.raises(tw.TrainwrightError, match=r"E408.*settings\.toml"):
            verb(run)
