"""``verify`` finds any byte that was altered and any number that is not what the model gives; ``replay`` any other weight."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import safetensors.torch
from calls import talk
from samples import reseal

import trainwright as tw
from trainwright.store import seal


@pytest.fixture
def run(trained, tmp_path: Path) -> Path:
    """A copy of a finished run."""
    return Path(shutil.copytree(trained.path, tmp_path / "run"))


def test_a_run_as_it_was_written(run: Path, capsys, monkeypatch) -> None:
    out, _, code = talk(capsys, monkeypatch, "verify", run)
    assert code == 0 and "everything is as it should be" in out and "to the last bit" in out


def test_any_altered_file_is_found_and_named(run: Path) -> None:
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.name != ".lock")
    assert len(files) >= 16
    for path in files:
        content = path.read_bytes()
        place = len(content) // 2
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            wrong = tw.verify(run).wrong
        except tw.TrainwrightError as problem:  # settings that are no TOML any more
            wrong = [str(problem)] if problem.code == "E408" else []
        assert wrong and all(path.name in each or "SEAL" in each for each in wrong), path
        path.write_bytes(content)
    step = next((run / "checkpoints").iterdir()).name
    more = [".hidden", "checkpoints/.hidden", f"checkpoints/{step}/more", "model/mine.onnx", "plots/more.png"]
    for name in more:
        (run / name).write_bytes(b"")
    (run / "more").symlink_to("/")
    proof = tw.verify(run)  # what a person puts there is no damage
    assert not proof.wrong
    assert [each[1] for each in proof.checked if each[0] == "added"] == sorted(f"run/{name}" for name in [*more, "more"])


def test_a_report_without_a_seal_is_not_believed(run: Path) -> None:
    (run / "SEAL").unlink()
    assert "SEAL" in tw.verify(run).wrong[0]
    (run / "report.json").unlink()  # nor a run that says that it ended, and has neither
    assert "SEAL and report.json are not there" in tw.verify(run).wrong[0]


def test_checkpoints_that_are_lost_or_lie_under_another_name(run: Path, tmp_path: Path) -> None:
    newest = max((run / "checkpoints").iterdir())
    other = newest.rename(newest.with_name("step-000001"))
    assert tw.verify(run).wrong == [f"{other} is the checkpoint {newest.name}"]
    other.rename(newest)
    facts = seal.read(newest).facts
    (newest / "SEAL").unlink()
    seal.close(newest, {**facts, "run": "another"})
    assert tw.verify(run).wrong == [f"{newest} is a checkpoint of another run"]
    (run / "checkpoints").rename(tmp_path / "away")
    assert tw.verify(run).wrong == [f"{run / 'checkpoints'} has lost its checkpoints"]


def edit(old: str, new: str) -> Callable[[bytes], bytes]:
    """The first match of a pattern becomes something else."""
    return lambda content: re.sub(old.encode(), new.encode(), content, count=1)


def fewer(content: bytes) -> bytes:
    """A table of answers without its first row."""
    file = io.BytesIO()
    pl.read_parquet(content).slice(1).write_parquet(file)
    return file.getvalue()


# What a person might change and seal again by hand: file, change, and what is said.
SEALED_AGAIN = {
    "history": ("history.csv", edit(r"\n1,", "\n3,"), "history.csv is not what it was"),
    "loss": ("events.jsonl", edit(r'("event": "epoch".*?"loss": )', r"\g<1>9"), "epoch 1 is another in events.jsonl"),
    "events": ("events.jsonl", lambda content: b"", "events.jsonl is shorter"),
    "data": ("data.json", edit(r'"train": \d+', '"train": 7'), "rows is another than in data.json"),
    "seed": ("settings.toml", edit(r"seed = \d+", "seed = 77"), "seed of settings.toml is not what it was"),
    "rows": ("report.json", edit(r'("rows": {\s*"train": )\d+', r"\g<1>7"), "rows is another than in the report"),
    "epochs": ("report.json", edit(r'"epochs": \d+', '"epochs": 77'), "epochs of report.json is 77"),
    "steps": ("report.json", edit(r'"steps": \d+', '"steps": 77'), "steps of report.json is 77"),
    "best": ("report.json", edit(r'"best_epoch": \d+', '"best_epoch": 77'), "best_epoch of report.json is 77"),
    "size": ("report.json", edit(r'"parameters": \d+', '"parameters": 77'), "parameters is another than in the report"),
    "answers": ("predictions.parquet", fewer, "predictions.parquet has other answers"),
}


@pytest.mark.parametrize("name", SEALED_AGAIN)
def test_what_was_sealed_again_by_hand_is_found_where_it_can_be_had_again(run: Path, name: str) -> None:
    file, change, said = SEALED_AGAIN[name]
    before = (run / file).read_bytes()
    (run / file).write_bytes(change(before))
    assert (run / file).read_bytes() != before
    seal.renew(run, [run / file])
    assert any(said in each for each in tw.verify(run).wrong), tw.verify(run).wrong


def test_what_cannot_be_had_again_is_said(run: Path) -> None:
    told = {value: why for what, value, why in tw.verify(run).checked if what == "not proven"}
    assert "replay" in told["the training"] and set(told) == {"the training", "pictures", "times"}


def test_data_that_are_others_are_named(run: Path, trained, tmp_path: Path) -> None:
    other = tmp_path / "news.csv"
    other.write_text((trained.path.parent / "news.csv").read_text().replace("sport,", "money,", 5))
    assert tw.verify(run, source=other).wrong == [f"{other} is not the file that it was"]


def test_a_number_that_the_model_does_not_give(run: Path, capsys, monkeypatch) -> None:
    report = json.loads((run / "report.json").read_text())
    report["test"]["accuracy"] -= 0.001
    (run / "report.json").write_text(json.dumps(report))
    seal.renew(run, [run / "report.json"])
    _, err, code = talk(capsys, monkeypatch, "verify", run)
    assert code == 2 and "E419" in err and "test is another than in the report" in err


def test_data_that_are_gone_are_said(run: Path, trained) -> None:
    source = trained.path.parent / "news.csv"
    source.rename(source.with_suffix(".away"))
    try:
        assert "news.csv" in tw.verify(run).wrong[0]
    finally:
        source.with_suffix(".away").rename(source)


def test_a_replay_gives_the_same_weights(run: Path, tmp_path: Path) -> None:
    proof = tw.replay(run, out=tmp_path / "again")
    assert not proof.wrong and len(proof.checked) == 3 and (tmp_path / "again" / "report.json").is_file()
    weights = safetensors.torch.load_file(run / "model" / "model.safetensors")
    name = next(iter(weights))
    weights[name].view(-1)[0] += 1e-6
    safetensors.torch.save_file(weights, run / "model" / "model.safetensors")
    reseal(run / "model")
    assert [each for each in tw.replay(run).wrong if each.startswith(f"{name} differs by up to")]


def test_plots_that_are_drawn_again_are_sealed_again(run: Path, capsys, monkeypatch) -> None:
    (run / "plots" / "curves.png").write_bytes(b"junk")
    assert tw.verify(run).wrong
    assert talk(capsys, monkeypatch, "plots", run)[2] == 0
    assert not tw.verify(run).wrong


def test_a_report_of_another_machine_that_lacks_its_scores(run: Path) -> None:
    report = json.loads((run / "report.json").read_text())
    report["machine"]["numpy"] = "0"
    (run / "report.json").write_text(json.dumps({key: each for key, each in report.items() if key not in ("test", "valid")}))
    seal.renew(run, [run / "report.json"])
    assert ("scores", "0 rows") in [each[:2] for each in tw.verify(run).checked]
