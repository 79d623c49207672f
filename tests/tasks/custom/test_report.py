"""A run of ``fit`` in a folder has what every run has: report, predictions, pictures, a seal; the verbs take it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from samples import START_ARTIST
from sklearn.metrics import accuracy_score, root_mean_squared_error
from torch import nn
from typer.testing import CliRunner

import trainwright as tw
from trainwright import cli
from trainwright.errors import TrainwrightError

X = torch.randn(120, 4, generator=torch.Generator().manual_seed(0))
CLASSES, NUMBERS = (X[:, 0] > 0).long(), X[:, :1] * 3 + 1


def fit(out: Path, targets: Any, outputs: int, loss: Any, **given: Any) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Linear(4, outputs)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    call = {"valid": (X[80:], targets[80:]), "epochs": 3, "batch_size": 16} | given
    list(tw.fit(model, (X[:80], targets[:80]), loss=loss, optimizer=optimizer, out=out, **call))
    return model


def test_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwright.tasks.custom.run.start_artist", START_ARTIST)
    model = fit(tmp_path / "run", CLASSES, 2, nn.CrossEntropyLoss())
    run = tw.load(tmp_path / "run")
    answers = model(X[80:]).detach()
    right = accuracy_score(CLASSES[80:], answers.argmax(1))
    scores = run.report["valid"]
    assert (scores["accuracy"], scores["n"]) == (right, 40) and run.report["test"] is None
    assert scores["loss"] == pytest.approx(nn.functional.cross_entropy(answers, CLASSES[80:]).item())
    rows = pl.read_parquet(run.path / "predictions.parquet")
    assert rows["truth"].to_list() == [str(each) for each in CLASSES[80:].tolist()]
    assert torch.allclose(torch.tensor(rows["probabilities"].to_list()), answers.softmax(1), atol=1e-6)
    each = nn.functional.cross_entropy(answers, CLASSES[80:], reduction="none")
    assert rows["loss"].to_list() == pytest.approx(each.tolist(), rel=1e-5)
    assert scores["loss_interval"][0] < scores["loss"] < scores["loss_interval"][1]
    assert len(tw.mistakes(run)) == round(40 * (1 - right))
    assert (run.path / "plots" / "curves.png").is_file() and "Linear" in (run.path / "report.html").read_text()
    assert tw.verify(run).wrong == [] and "not measured" in [note.value for note in tw.verify(run).checked]
    (run.path / "report.json").write_text("{}")
    assert tw.verify(run).wrong


def test_numbers(tmp_path: Path) -> None:
    model = fit(tmp_path / "run", NUMBERS, 1, nn.MSELoss())
    answers = model(X[80:]).detach()
    assert tw.load(tmp_path / "run").report["valid"]["rmse"] == pytest.approx(root_mean_squared_error(NUMBERS[80:], answers))
    rows = pl.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert rows["answer"].to_list() == pytest.approx(answers[:, 0].tolist())
    off = [abs(row["truth"] - row["answer"]) for row in tw.mistakes(tmp_path / "run", 40)]
    assert off == sorted(off, reverse=True)


def test_the_best_epoch_is_what_is_measured(tmp_path: Path) -> None:
    rate = torch.optim.lr_scheduler.LambdaLR
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    worse = rate(optimizer, lambda epoch: 1.0 if epoch == 0 else -5.0)  # from the second epoch on it climbs
    data = (X[:80], CLASSES[:80])
    call = {"valid": (X[80:], CLASSES[80:]), "epochs": 3, "schedule": worse, "loss": nn.CrossEntropyLoss(), "monitor": "loss"}
    list(tw.fit(model, data, optimizer=optimizer, out=tmp_path / "run", **call))
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    loss = nn.functional.cross_entropy(model(X[80:]), CLASSES[80:]).item()
    assert report["best_epoch"] == 1 and report["valid"]["loss"] == pytest.approx(loss)


@pytest.mark.parametrize(
    ("targets", "outputs", "loss"),
    [
        (torch.rand(120, 3, generator=torch.Generator().manual_seed(1)), 3, nn.MSELoss()),
        (CLASSES, 2, lambda outputs, targets: nn.functional.cross_entropy(outputs, targets)),
    ],
    ids=["three numbers a row", "a loss of one's own"],
)
def test_what_is_not_known_of_rows_is_left_out(targets: torch.Tensor, outputs: int, loss: Any, tmp_path: Path) -> None:
    fit(tmp_path / "run", targets, outputs, loss)
    run = tw.load(tmp_path / "run")
    assert run.report["valid"]["n"] == 40
    if outputs == 3:
        with pytest.raises(tw.TrainwrightError, match="E430"):
            tw.mistakes(run)
    else:
        assert pl.read_parquet(run.path / "predictions.parquet")["loss"].null_count() == 40
        assert all(row["answer"] != row["truth"] for row in tw.mistakes(run))


def test_targets_that_are_left_out_are_rows_without_a_loss(tmp_path: Path) -> None:
    targets = CLASSES.clone()
    targets[100:] = -100
    fit(tmp_path / "run", targets, 2, nn.CrossEntropyLoss())
    rows = pl.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert tw.load(tmp_path / "run").report["valid"]["n"] == 20
    assert rows["loss"].is_nan().to_list() == [False] * 20 + [True] * 20


def test_without_validation_there_is_a_report_all_the_same(tmp_path: Path) -> None:
    fit(tmp_path / "run", CLASSES, 2, nn.CrossEntropyLoss(), valid=None)
    assert tw.load(tmp_path / "run").report["valid"] is None
    assert CliRunner().invoke(cli.app, ["report", str(tmp_path / "run")]).exit_code == 0


def test_on_the_command_line(tmp_path: Path) -> None:
    fit(tmp_path / "run", CLASSES, 2, nn.CrossEntropyLoss())
    for words in (["report", "run"], ["verify", "run"], ["mistakes", "run"], ["runs", "."]):
        result = CliRunner().invoke(cli.app, [words[0], str(tmp_path / words[1])])
        assert (result.exit_code == 0 and "Linear" in result.output) or words[0] in ("verify", "mistakes"), result.output
    with pytest.raises(tw.TrainwrightError, match=r"E403[\s\S]*tw\.predict"):
        tw.predict(tmp_path / "run", ["x"])


def test_a_run_that_goes_on_has_no_seal_until_it_has_ended(tmp_path: Path) -> None:
    fit(tmp_path / "run", CLASSES, 2, nn.CrossEntropyLoss())
    first = (tmp_path / "run" / "SEAL").read_bytes()
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    call = {"valid": (X[80:], CLASSES[80:]), "epochs": 5, "batch_size": 16, "out": tmp_path / "run", "resume": True}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in tw.fit(model, (X[:80], CLASSES[:80]), loss=nn.CrossEntropyLoss(), optimizer=optimizer, **call):
        assert not (tmp_path / "run" / "SEAL").exists() or (tmp_path / "run" / "SEAL").read_bytes() != first
    assert tw.load(tmp_path / "run").report["epochs"] == 5 and tw.verify(tmp_path / "run").wrong == []


def test_a_training_that_blows_up_says_so_on_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwright.tasks.custom.run.start_artist", START_ARTIST)
    x = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), 1e12)
    with pytest.raises(TrainwrightError, match="E501"):
        list(tw.fit(model, (x, x[:, :1]), loss=torch.nn.MSELoss(), optimizer=optimizer, epochs=9, out=tmp_path / "run"))
    html = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "This training has not ended" in html and "It was stopped (E501): the " in html and "1e+12 at its highest" in html
    said = CliRunner().invoke(cli.app, ["report", str(tmp_path / "run")])
    assert said.exit_code == 0 and "It was stopped (E501)" in said.output and "no test score" in said.output
    drawn = CliRunner().invoke(cli.app, ["plots", str(tmp_path / "run")])
    assert [Path(line).name for line in drawn.output.split()] == ["curves.png", "report.html"]
