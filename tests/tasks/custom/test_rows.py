"""Rows of a run of ``fit`` with their inputs: watched while it learns, kept at its end, told as mistakes and as a film."""

from __future__ import annotations

import base64
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from samples import START_ARTIST
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from typer.testing import CliRunner

import trainwright as tw
from trainwright import cli
from trainwright.data.batches.base import Batch
from trainwright.live.run import Followed
from trainwright.tasks.custom.rows import shown
from trainwright.watch import record
from trainwright.watch.events import Answers, Epoch
from trainwright.watch.report import panels

X = torch.randn(120, 4, generator=torch.Generator().manual_seed(0))
CLASSES, NUMBERS = (X[:, 0] > 0).long() + (X[:, 1] > 1).long(), X[:, :1] * 3 + 1
SEEN, NEW = slice(0, 80), slice(80, 120)


class Mine(Dataset[Any]):
    """Items of one's own."""

    def __init__(self, part: slice) -> None:
        self.x, self.y = X[part], CLASSES[part]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.x[place], self.y[place]


def fit(out: Path, targets: torch.Tensor = CLASSES, outputs: int = 3, loss: Any = None, **given: Any) -> list[Any]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, outputs))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    call = {"data": (X[SEEN], targets[SEEN]), "valid": (X[NEW], targets[NEW]), "epochs": 3, "batch_size": 16} | given
    return list(tw.fit(model, loss=loss or nn.CrossEntropyLoss(), optimizer=optimizer, out=out, progress=False, **call))


def content(run: Path, name: str) -> Any:
    return json.loads((run / name).read_text(), parse_constant=pytest.fail)


def numbers(text: str) -> list[float]:
    return [float(each) for each in text.split(", ")]


VALID: dict[str, Any] = {
    "held whole": lambda: (X[NEW], CLASSES[NEW]),
    "items": lambda: Mine(NEW),
    "a loader in order": lambda: DataLoader(Mine(NEW), batch_size=7),
    "a loader of tensors": lambda: DataLoader(TensorDataset(X[NEW], CLASSES[NEW]), batch_size=40),
}


@pytest.mark.parametrize("kind", VALID)
def test_the_same_rows_are_watched_from_before_the_first_step_on(kind: str, tmp_path: Path) -> None:
    events = fit(tmp_path / "run", valid=VALID[kind]())
    watched, answers = content(tmp_path / "run", "watched.json"), [each for each in events if isinstance(each, Answers)]
    assert [each.epoch for each in answers] == [0, 1, 2, 3] and watched["labels"] == ["0", "1", "2"]
    assert len(watched["rows"]) == 24 and [watched["rows"][end]["row"] for end in (0, -1)] == [0, 39]
    for row in watched["rows"]:
        assert numbers(row["input"]) == pytest.approx(X[80 + row["row"]].tolist(), rel=1e-3)
        assert row["truth"] == str(int(CLASSES[80 + row["row"]])) and row["file"] is None
    right = sum(answer[0][0] == int(row["truth"]) for answer, row in zip(answers[-1].answers, watched["rows"], strict=True))
    kept = [row for row in content(tmp_path / "run", "examples.json") if row["group"] != "wrong"]
    assert right >= 12 and all(numbers(row["input"]) == pytest.approx(X[80 + row["row"]].tolist(), rel=1e-3) for row in kept)


@pytest.mark.parametrize(
    "valid",
    [[(X[NEW], CLASSES[NEW])], DataLoader(Mine(NEW), batch_size=8, shuffle=True), DataLoader(Mine(NEW), 8, drop_last=True)],
    ids=["batches", "shuffled", "cut"],
)
def test_data_that_cannot_be_asked_for_rows_have_none(valid: Any, tmp_path: Path) -> None:
    assert not any(isinstance(each, Answers) for each in fit(tmp_path / "run", valid=valid))
    assert not (tmp_path / "run" / "watched.json").exists()
    assert all(row["input"] is None for row in content(tmp_path / "run", "examples.json"))
    found = CliRunner().invoke(cli.app, ["mistakes", str(tmp_path / "run")])
    assert found.exit_code == 0 and "None" not in found.output
    with pytest.raises(tw.TrainwrightError, match=r"E428[\s\S]*of fit valid="):
        tw.story(tmp_path / "run")


def test_watching_changes_nothing(tmp_path: Path) -> None:
    with_rows, without = (
        [each.train for each in fit(tmp_path / name, valid=valid) if isinstance(each, Epoch)]
        for name, valid in (("a", (X[NEW], CLASSES[NEW])), ("b", [(X[NEW], CLASSES[NEW])]))
    )
    assert with_rows == without


def test_numbers_are_watched_and_told(tmp_path: Path) -> None:
    events = fit(tmp_path / "run", NUMBERS, 1, nn.MSELoss())
    watched = content(tmp_path / "run", "watched.json")
    assert watched["labels"] == [] and watched["rows"][3]["truth"] == pytest.approx(
        float(NUMBERS[80 + watched["rows"][3]["row"]])
    )
    last = [each for each in events if isinstance(each, Answers)][-1].answers
    off = [abs(said - row["truth"]) for said, row in zip(last, watched["rows"], strict=True)]
    assert np.mean(off) < 3 and "How a model learned to predict value" in tw.story(tmp_path / "run").read_text()


def test_targets_that_the_loss_ignores_are_neither_watched_nor_mistakes(tmp_path: Path) -> None:
    targets = CLASSES.clone()
    targets[100:] = -100
    fit(tmp_path / "run", targets)
    assert all(row["row"] < 20 for row in content(tmp_path / "run", "watched.json")["rows"])
    assert all(row["row"] < 20 for row in [*content(tmp_path / "run", "examples.json"), *tw.mistakes(tmp_path / "run")])


def test_mistakes_have_their_inputs(tmp_path: Path) -> None:
    fit(tmp_path / "run")
    found = tw.mistakes(tmp_path / "run")
    assert found and all(numbers(row["input"]) == pytest.approx(X[80 + row["row"]].tolist(), rel=1e-3) for row in found)
    printed = CliRunner().invoke(cli.app, ["mistakes", str(tmp_path / "run"), "--top", "1"]).output
    assert f"row {found[0]['row']}, counted from 0" in printed and found[0]["input"] in printed and "None" not in printed


def test_story_and_report_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwright.tasks.custom.run.start_artist", START_ARTIST)
    fit(tmp_path / "run", clip=1.0, data=Mine(SEEN))
    page = tw.story(tmp_path / "run").read_text()
    assert "How a model learned to tell 0, 1 and 2 apart" in page and "your own data (Mine)" in page and "None" not in page
    assert tw.verify(tmp_path / "run").wrong == []
    report = (tmp_path / "run" / "report.html").read_text()
    assert "Sequential on your own data (Mine)" in report and "chance, ln 3" in report and "momentum" in report
    assert "trainwright mistakes" in report and "trainwright story" in report
    live = Followed(tmp_path / "run")
    live.look()
    assert live.summary()["model"] == "Sequential" and live.summary()["source"] == "your own data (Mine)"
    assert len(live.watched()["rows"]) == 24


def test_no_loss_surface(tmp_path: Path) -> None:
    fit(tmp_path / "run")
    with pytest.raises(tw.TrainwrightError, match="E434"):
        tw.landscape(tmp_path / "run")


@pytest.mark.parametrize("own", [Mine(SEEN), (X[SEEN], CLASSES[SEEN])], ids=["items", "held whole"])
def test_the_baseline_is_the_majority_of_training_where_that_is_at_hand(own: Any, tmp_path: Path) -> None:
    fit(tmp_path / "run", data=own)
    found, there = tw.load(tmp_path / "run").report["baseline"], CLASSES[SEEN] if isinstance(own, tuple) else CLASSES[NEW]
    assert found["label"] == str(int(there.bincount().argmax())) and ("validation" in found["name"]) is not isinstance(
        own, tuple
    )
    assert found["accuracy"] == pytest.approx(float((CLASSES[NEW] == int(found["label"])).float().mean()))


def test_the_baseline_of_numbers_is_the_line_that_the_loss_has_to_get_below(tmp_path: Path) -> None:
    fit(tmp_path / "run", NUMBERS, 1, nn.MSELoss())
    mean, found = float(NUMBERS[SEEN].mean()), record.read(tmp_path / "run")
    assert found.report["baseline"]["value"] == pytest.approx(mean)
    name, loss = panels.chance(found) or ("", math.nan)
    assert name == "always the mean" and loss == pytest.approx(float(((NUMBERS[NEW] - mean) ** 2).mean()))


def test_settings_and_data_are_kept(tmp_path: Path) -> None:
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0]), label_smoothing=0.1)
    fit(tmp_path / "run", clip=0.5, accumulate=2, loss=loss)
    found, data = record.read(tmp_path / "run").settings, content(tmp_path / "run", "data.json")
    assert found["loss"] | {"name": "CrossEntropyLoss", "weight": [1.0, 2.0, 3.0], "label_smoothing": 0.1} == found["loss"]
    assert found["optimizer"] | {"name": "SGD", "lr": 0.05, "momentum": 0.9} == found["optimizer"]
    assert (found["clip"], found["accumulate"], found["epochs"], found["precision"]) == (0.5, 2, 3, "float32")
    assert data["rows"] == {"train": 80, "valid": 40} and data["columns"]["features"] == [
        {"name": "input", "kind": "float32, 4"}
    ]


def test_a_run_without_validation_recommends_nothing_that_it_cannot_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwright.tasks.custom.run.start_artist", START_ARTIST)
    fit(tmp_path / "run", valid=None)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "trainwright verify" in page and "trainwright mistakes" not in page and "trainwright story" not in page


def test_a_run_that_was_refused_says_how_it_goes_on(tmp_path: Path) -> None:
    bad = X[SEEN].clone()
    bad[:] = math.inf
    with pytest.raises(tw.TrainwrightError, match="E501"):
        fit(tmp_path / "run", data=(bad, CLASSES[SEEN]))
    for ask in (lambda: tw.load(tmp_path / "run").report, lambda: tw.mistakes(tmp_path / "run")):
        with pytest.raises(tw.TrainwrightError, match=r"E433[\s\S]*tw\.fit"):
            ask()
    live = Followed(tmp_path / "run")
    live.look()
    assert live.phase == "stopped"


def of(*inputs: Any, **named: Any) -> list[Any]:
    size = len(next(iter([*inputs, *named.values()])))
    return shown(Batch(inputs, None, size, None, named or None))


def test_inputs_as_people_can_look_at_them() -> None:
    assert of(["one", "two"]) == ["one", "two"]
    assert of(torch.tensor([[1.5, 2.25], [0.0, -1.0]])) == ["1.5, 2.25", "0, -1"]
    assert of(torch.tensor([3, 4])) == [3, 4]
    assert of(torch.arange(60).reshape(2, 30))[0].endswith("22, 23 ... (30 numbers)")
    assert of(torch.tensor([1, 2]), ["a", "b"]) == [{"input 1": 1, "input 2": "a"}, {"input 1": 2, "input 2": "b"}]
    assert of(age=torch.tensor([1, 2]), ids={"word": torch.tensor([[1], [2]])})[1] == {"age": 2, "ids word": "2"}
    assert of(torch.zeros(2, 3), torch.zeros(7))[0] == "0, 0, 0", "what is not of the rows is left out"


@pytest.mark.parametrize(
    ("value", "size", "pixel"),
    [
        (torch.full((1, 8, 10), 0.5), (10, 8), 128),
        (torch.full((3, 8, 10), 1.0), (10, 8), (255, 255, 255)),
        (torch.full((8, 10, 3), 255, dtype=torch.uint8), (10, 8), (255, 255, 255)),
        (torch.linspace(-3, 3, 64).reshape(8, 8), (8, 8), 0),
        (torch.full((20, 200), math.nan), (96, 10), 0),
    ],
    ids=["grey", "channels first", "channels last, bytes", "normalized", "large and not finite"],
)
def test_pictures(value: torch.Tensor, size: tuple[int, int], pixel: Any) -> None:
    (uri,) = of(value[None])
    picture = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert picture.size == size and picture.getpixel((0, 0)) == pixel
