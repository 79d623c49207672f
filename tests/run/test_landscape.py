"""The loss surface of a run of every kind: its centre, its path to the last bit, and what is said where there is none."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from calls import talk
from image_samples import bars, write_folder
from samples import news_rows, write_csv
from story_samples import story

import trainwright as tw
from trainwright.run import landscape

QUIET: dict[str, Any] = {"listen": lambda event: None}
RUNS: dict[str, dict[str, Any]] = {
    "text": {"epochs": 2, "model": {"name": "lstm", "embedding": 6, "hidden": 5}, "batch_size": 32},
    "image": {"epochs": 2, "model": {"name": "convnet", "channels": [3]}, "batch_size": 16},
    "numbers": {"epochs": 3, "model": {"name": "mlp", "numbers": "plain", "members": 1}, "batch_size": 64},
    "classes": {"epochs": 6, "model": "linear", "lr": 3.0, "patience": 0, "keep": "best"},  # its best epoch is not its last
    "lanes": {"epochs": 1, "model": {"name": "lstm", "embedding": 6, "hidden": 6, "layers": 1}, "context": 8},
    "windows": {"epochs": 1, "model": {"name": "gpt", "layers": 1, "width": 8, "heads": 2}, "context": 8},
}


def source(kind: str, folder: Path) -> Path | str:
    if kind == "text":
        return write_csv(folder / "news.csv", news_rows(200))
    if kind == "image":
        return write_folder(folder / "shapes", *bars(90))
    if kind in ("numbers", "classes"):
        return "diabetes" if kind == "numbers" else "wine"
    (folder / "story.txt").write_text(story(80))
    return folder / "story.txt"


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pictures: what is measured is looked at."""
    monkeypatch.setattr("trainwright.watch.landscape.landscape.draw", lambda found, name: {})


@pytest.mark.parametrize("kind", RUNS)
@pytest.mark.usefixtures("undrawn")
def test_the_centre_and_the_ends_of_the_path_are_those_of_the_run(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainwright.training.trainer import Trainer

    first: list[dict[str, np.ndarray]] = []
    last: list[dict[str, np.ndarray]] = []
    train = Trainer.train

    def parameters(self: Trainer) -> dict[str, np.ndarray]:
        return {name: each.detach().numpy().copy() for name, each in self.model.named_parameters()}

    def watched(self: Trainer, listen: Any, *given: Any) -> None:
        def hear(event: Any) -> None:
            if event.kind == "step":
                last[:] = [parameters(self)]
            listen(event)

        first.append(parameters(self))
        train(self, hear, *given)

    monkeypatch.setattr(Trainer, "train", watched)
    run = tw.train(source(kind, tmp_path), out=tmp_path / "run", speed="off", **RUNS[kind], **QUIET)
    again, ways = landscape._train_again, []
    monkeypatch.setattr(landscape, "_train_again", lambda *given: ways.append(again(*given)) or ways[0])
    seen: dict[str, np.ndarray] = {}
    on = landscape.Way.on
    monkeypatch.setattr(
        landscape.Way, "on", lambda way, *given: seen.setdefault("states", way.states.copy()) is None or on(way, *given)
    )
    found = tw.landscape(run, size=3)
    valid = run.report["valid"]["loss"]
    assert found["centre"] == pytest.approx(valid, rel=1e-6, abs=1e-6) and found["rows"] == found["of"]
    own, random = found["planes"]
    assert random["loss"][1][1] == pytest.approx(valid, rel=1e-6, abs=1e-6)
    path = own["paths"][0]
    at = path["kept"]
    assert kind != "classes" or at < len(path["steps"]) - 1
    assert path["loss"][at] == pytest.approx(valid, rel=1e-6, abs=1e-6)
    assert path["points"][at] == pytest.approx([0, 0], abs=1e-9)
    assert path["steps"][0] == 0 and path["steps"] == sorted(set(path["steps"])) and path["epochs"][at] == found["kept"]
    assert path["steps"][-1] == run.report["steps"] and path["epochs"][-1] == run.report["epochs"]
    kept = safetensors.numpy.load_file(run.path / "model" / "model.safetensors")
    states = [np.concatenate([each[name].ravel() for name in first[0]]) for each in (first[0], kept, last[0])]
    for place, state in zip((0, at, -1), states, strict=True):
        assert (seen["states"][place][: len(state)] == state).all()
    assert found["apart"] == 0 and found["parameters"] == len(states[0])
    line = dict(zip(found["line"]["x"], found["line"]["loss"], strict=True))
    assert line[1.0] == pytest.approx(valid, rel=1e-6, abs=1e-6)
    if not found["buffers"]:
        assert line[0.0] == pytest.approx(path["loss"][0], rel=1e-5)
    assert found["buffers"] == (12 if kind == "image" else 0)  # two batch norms of three channels
    shares = [float(each) for title in own["axes"] for each in re.findall(r"\(([\d.]+) %", title)]
    assert 100 * own["share"] == pytest.approx(sum(shares), abs=0.2) and 0 <= random["share"] <= 1
    assert not tw.verify(run).wrong


def test_a_run_is_drawn_under_its_seal_the_same_by_any_number_of_workers(
    trained: tw.Run, tmp_path: Path, capsys, monkeypatch
) -> None:
    run = Path(shutil.copytree(trained.path, tmp_path / "run"))
    out, err, code = talk(capsys, monkeypatch, "landscape", run, "--size", 5, "--rows", 20)
    files = [Path(line) for line in out.splitlines()]
    assert code == 0 and "training again" in err and "about" in err
    assert sorted(path.name for path in files) == sorted(path.name for path in (run / "landscape").iterdir())
    assert {"surface.json", "contour.png", "relief.png", "line.png", "descent.webp", "landscape.html"} == {
        path.name for path in files
    }
    proof = tw.verify(run)
    assert not proof.wrong and not [each for each in proof.checked if each[0] == "added"]
    found = json.loads((run / "landscape" / "surface.json").read_text())
    assert found["rows"] == 20 < found["of"]
    monkeypatch.setattr("trainwright.watch.landscape.landscape.draw", lambda found, name: {})
    each = [landscape.landscape(run, "", 5, 1.0, 20, tmp_path / "out", lambda event: None, workers) for workers in (1, 2)]
    for other in each:
        assert other["planes"] == found["planes"] and other["line"] == found["line"]
    assert (tmp_path / "out" / "surface.json").is_file()


@pytest.mark.usefixtures("undrawn")
def test_a_run_that_cannot_be_repeated_is_drawn_without_a_path(news: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    run = tw.train(news, out=tmp_path / "run", epochs=1, time=60, speed="off", **QUIET)
    found = tw.landscape(run, size=3)
    assert found["why"] == "it was stopped by the clock" and [plane["title"] for plane in found["planes"]] == [
        "Two random directions"
    ]
    assert found["planes"][0]["loss"][1][1] == found["centre"] and found["line"]["loss"]
    _, err, code = talk(capsys, monkeypatch, "landscape", run.path, "--size", 3)
    assert code == 0 and "stopped by the clock" in err
    assert landscape._no_path(landscape.SavedRun(run, {}, {"on_nonfinite": "rollback"}, {}))  # type: ignore[arg-type]


@pytest.mark.usefixtures("undrawn")
def test_a_path_that_goes_nowhere_or_straight_on(news: Path, tmp_path: Path) -> None:
    still = tw.train(news, out=tmp_path / "still", epochs=1, lr=1e-50, optimizer={"name": "SGD"}, **QUIET)
    assert tw.landscape(still, size=3)["why"] == "its parameters did not move"
    one = tw.train(news, out=tmp_path / "one", steps=1, **QUIET)
    own = tw.landscape(one, size=3)["planes"][0]
    assert "random direction" in own["axes"][1] and own["paths"][0]["steps"] == [0, 1] and own["share"] == pytest.approx(1)


def test_what_cannot_be_drawn_is_refused(news: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    def code(*given: Any, **more: Any) -> str:
        with pytest.raises(tw.TrainwrightError) as caught:
            tw.landscape(*given, **more)
        return caught.value.code

    assert code(tmp_path) == "E403"
    alone = tw.train(news, out=tmp_path / "alone", epochs=1, valid_fraction=0, **QUIET)
    assert code(alone) == "E431"
    run = tw.train(news, out=tmp_path / "run", epochs=1, **QUIET)
    assert [code(run, size=4), code(run, size=1), code(run, span=0), code(run, rows=0)] == ["E320"] * 4
    for option, value in (("--size", 10), ("--span", 0)):
        _, err, status = talk(capsys, monkeypatch, "landscape", run.path, option, value)
        assert status == 2 and "help(trainwright.landscape), or: trainwright landscape --help" in err
    write_csv(news, news_rows(400, seed=9))
    assert code(run) == "E432"
    run.path.joinpath("report.json").unlink()
    assert code(run) == "E405"
    for words in (["landscape"], ["landscape", run.path, "--toy"]):
        _, err, status = talk(capsys, monkeypatch, *words)
        assert status == 2 and "E318" in err


@pytest.mark.usefixtures("undrawn")  # they are drawn where the commands of the docs are tried
def test_surfaces_of_textbooks(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("trainwright.training.toy.POINTS", 9)
    out, _, code = talk(capsys, monkeypatch, "landscape", "--toy", "--out", tmp_path / "toy")
    assert code == 0 and {Path(line).name for line in out.splitlines()} == {path.name for path in (tmp_path / "toy").iterdir()}
    found = json.loads((tmp_path / "toy" / "surface.json").read_text())
    assert len(found["planes"]) == 5 and all(len(plane["paths"]) == 4 for plane in found["planes"])
