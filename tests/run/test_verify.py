"""``verify`` finds any byte that was altered and any number that is not what the model gives; ``replay`` any other weight."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

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
    (run / "plots" / "more.png").write_bytes(b"")
    (run / "model" / "mine.onnx").write_bytes(b"")
    proof = tw.verify(run)  # what a person puts there is no damage
    assert not proof.wrong and [each[1] for each in proof.checked if each[0] == "added"] == [
        "run/plots/more.png",
        "model/mine.onnx",
    ]


def test_a_report_without_a_seal_is_not_believed(run: Path) -> None:
    (run / "SEAL").unlink()
    assert "SEAL" in tw.verify(run).wrong[0]


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
    assert not proof.wrong and len(proof.checked) == 2 and (tmp_path / "again" / "report.json").is_file()
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
