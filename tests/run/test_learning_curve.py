"""`learning-curve`: every kind of problem, stopped and gone on with, what it refuses, and what it shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import forks
import polars as pl
import pytest
from house_samples import houses
from image_samples import bars, write_folder
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.run import learning_curve
from trainwright.tasks.language.problem import LanguageProblem
from trainwright.tasks.supervised import SupervisedProblem
from trainwright.watch import learning_curve as shown

QUICK = {"parts": (0.25, 0.5, 1.0), "repeats": 1}
ASKED = ("learning-curve", "news.csv", "task=text", "epochs=1", "--parts", "0.25,0.5,1", "--json")


def refused(code: str, source: Any, **settings: Any) -> None:
    with pytest.raises(TrainwrightError) as problem:
        tw.learning_curve(source, **settings)
    assert problem.value.code == code


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A source, and its curve as the command line prints it."""
    folder = tmp_path_factory.mktemp("curve")
    write_csv(folder / "news.csv", news_rows(200))
    done = forks.command(*ASKED, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])


def test_the_command_tells_what_more_rows_would_bring(made: tuple[Path, dict[str, Any]]) -> None:
    folder, found = made
    assert found["metric"] == "accuracy" and [each["times"] for each in found["ahead"]] == [2, 4]
    assert [each["trainings"] for each in found["points"]] == [3, 2, 1] and found["points"][-1]["rows"] == 156
    for each in (*found["points"], *found["ahead"]):
        low, high = each["interval"]
        assert 0 <= low <= each["score"] <= high <= 1
    assert [Path(name).name for name in found["files"]] == ["learning-curve.json", "learning-curve.html"]
    assert Path(found["folder"]).parts[0] == "curves" and (folder / found["files"][0]).is_file()
    again = forks.command(*ASKED[:-1], cwd=folder)
    said = " ".join(again.stdout.split())
    assert "rows trainings validation 95 % interval" in said and "Twice the rows: " in said and "points more (" in said
    page = (folder / found["files"][1]).read_text()
    assert page.count("<svg") == 1 and "foretold" in page and "http" not in page.replace("http-equiv", "")


def test_sentences_agree_with_the_table(made: tuple[Path, dict[str, Any]]) -> None:
    found = json.loads((made[0] / made[1]["files"][0]).read_text())["curve"]
    assert found["fitted"]["rows"] == found["points"][-1]["rows"]
    said = shown.lines(found)
    row = next(each.split() for each in said if " fitted " in each)
    assert row[0] == "156" and f"{row[2]} %" in shown.page(found)
    for each in found["ahead"]:
        gain, low, high = each["gain"]
        assert low <= gain <= high and gain == pytest.approx(each["score"] - found["fitted"]["score"])
    told = [each for each in said if " points more " in each]
    assert len(told) == 2 and all(each.endswith(f"than the fitted curve now, {row[2]} %.") for each in told)
    for each in told:
        score, gain = (float(each.split(before)[1].split()[0]) for before in (": ", "), "))
        assert gain == pytest.approx(score - float(row[2]), abs=1e-9)


def test_what_was_stopped_goes_on_and_comes_to_the_same(
    made: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, found = made
    whole = json.loads((folder / found["files"][0]).read_text())
    monkeypatch.chdir(folder)
    trained = learning_curve._measured
    left = iter(range(4))

    def few(*given: Any) -> Any:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return trained(*given)

    monkeypatch.setattr(learning_curve, "_measured", few)
    how: dict[str, Any] = {"parts": (0.25, 0.5, 1), "out": tmp_path / "curve", "task": "text", "epochs": 1}
    with pytest.raises(KeyboardInterrupt):
        tw.learning_curve("news.csv", **how)
    kept = json.loads((tmp_path / "curve/learning-curve.json").read_text())
    assert len(kept["trainings"]) == 4 and "curve" not in kept
    monkeypatch.setattr(learning_curve, "_measured", trained)
    tw.learning_curve("news.csv", **how)
    again = json.loads((tmp_path / "curve/learning-curve.json").read_text())
    assert again["trainings"] == whole["trainings"] and again["curve"] == whole["curve"]
    refused("E480", "news.csv", **(how | {"epochs": 2}))
    Path("news.csv").write_text(Path("news.csv").read_text() + "sport,one more match today\n")
    refused("E481", "news.csv", **how)


@pytest.mark.parametrize("kind", ["numbers", "labels", "images", "language"])
def test_every_kind_of_problem_has_a_curve_that_looks_at_no_test_rows(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, outputs = [], SupervisedProblem.outputs
    monkeypatch.setattr(
        SupervisedProblem,
        "outputs",
        lambda self, m, o, name, *more, **how: (looked.append(name), outputs(self, m, o, name, *more, **how))[1],
    )
    monkeypatch.setattr(LanguageProblem, "_sample", None)  # nobody would see it, and it costs more than the trainings
    source: Any
    if kind == "images":
        source, how, metric = write_folder(tmp_path / "pictures", *bars(60)), {"epochs": 1}, "accuracy"
    elif kind == "language":
        source, how, metric = (
            tmp_path / "text.txt",
            {"steps": 3, "context": 16, "tokenizer": "words", "model": {"name": "gpt", "layers": 1, "width": 32}},
            "perplexity",
        )
        source.write_text("\n".join(f"line {n} of the text" for n in range(900)))
        how["valid_fraction"] = 0.2
    elif kind == "numbers":
        source, how, metric = houses(200).drop("id", "kind"), {"label": "price", "epochs": 2}, "rmse"
    else:
        frame = pl.DataFrame(news_rows(200), ["label", "text"], orient="row")
        flags = {name: (frame["label"] == name).cast(pl.Int64) for name in ("sport", "money")}
        source, how, metric = (
            pl.DataFrame({"text": frame["text"], **flags}),
            {"label": "sport,money", "task": "text", "epochs": 2},
            "micro_f1",
        )
    found = tw.learning_curve(source, out=tmp_path / "curve", **QUICK, **how)
    assert found["metric"] == metric and len(found["points"]) == 3
    assert set(looked) == (set() if kind == "language" else {"valid"})
    for each in found["ahead"]:
        low, high = each["interval"]
        assert low <= each["score"] <= high and len(each["gain"]) == 3
        now = found["fitted"]["score"]
        gained = each["score"] - now if metric in ("accuracy", "micro_f1") else 1 - each["score"] / now
        assert each["gain"][0] == pytest.approx(gained)
    said = "\n".join(shown.lines(found))
    assert ("points more" in said) is (metric in ("accuracy", "micro_f1")) and "<svg" in shown.page(found)


def test_names_of_strangers_stay_text(made: tuple[Path, dict[str, Any]]) -> None:
    folder, found = made
    kept = json.loads((folder / found["files"][0]).read_text())["curve"]
    hostile = kept | {"source": "<script>alert(1)</script>\x1b[2J", "task": "<b>"}
    assert "<script>alert" not in shown.page(hostile) and "\x1b" not in "".join(shown.lines(hostile))


def test_what_cannot_be_done_is_said(news: Path, tmp_path: Path) -> None:
    how = {"out": tmp_path / "curve"}
    refused("E482", write_csv(tmp_path / "few.csv", news_rows(100)), **how)
    refused("E483", news, valid_fraction=0, **how)
    refused("E484", news, train_fraction=0.5, **how)
    refused("E320", news, parts=(0.5, 1.0), **how)
    refused("E320", news, parts=(0.0, 0.5, 1.0), **how)
    refused("E320", news, repeats=0, **how)
    refused("E301", news, epoch=2, **how)
    done = forks.command("learning-curve", news, "--parts", "a,b", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("E318: --parts takes numbers")
    assert not (tmp_path / "curve/learning-curve.json").exists()
