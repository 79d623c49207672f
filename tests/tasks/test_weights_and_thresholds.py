"""Rows that count more than others in training, and the probability from which on the second of two classes is said."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from samples import FILLER, TOPICS, evaluate_all, news_rows, write_csv
from sklearn import metrics as sklearn

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.store import predictions
from trainwright.watch.events import Note

QUICK: dict[str, Any] = {"speed": "off", "listen": lambda event: None}


# ---- weights


def torn(path: Path, heavy: str) -> Path:
    """Rows of which equal ones are called both sport and space; those of one name weigh twenty times as much."""
    draw, rows = random.Random(0), []
    for number in range(120):
        words = draw.choices(TOPICS["sport"], k=3) + draw.choices(FILLER, k=3) + [f"n{number}"]
        name = ("sport", "space")[number % 2]
        rows.append({"label": name, "text": " ".join(words), "w": 20.0 if name == heavy else 1.0, "x": draw.random()})
    pl.DataFrame(rows).write_csv(path)
    return path


@pytest.mark.parametrize("heavy", ["sport", "space"])
@pytest.mark.parametrize("task", ["text", "table"])
def test_heavy_rows_are_followed(tmp_path: Path, task: str, heavy: str) -> None:
    source = torn(tmp_path / "a.csv", heavy)
    more = {"features": ["x"], "task": "table"} if task == "table" else {"text": ["text"]}
    run = tw.train(source, out=tmp_path / "run", epochs=6, label="label", sample_weight="w", **more, **QUICK)
    found = predictions.read(run.folder.predictions)
    assert (found["answer"] == heavy).mean() > 0.9
    truth = found.filter(pl.col("split") == "test")
    assert run.report["test"]["accuracy"] == (truth["answer"] == truth["truth"]).mean()  # every row once
    assert tw.verify(run).wrong == []
    again = tw.train(
        source, out=tmp_path / "again", epochs=6, label="label", sample_weight="w", **more, **QUICK
    )  # from the cache
    assert again.report["test"] == run.report["test"]


def test_heavy_pictures_are_followed(tmp_path: Path) -> None:
    from PIL import Image

    draw, rows = np.random.default_rng(0), []
    for number in range(60):
        Image.fromarray(draw.integers(0, 255, (8, 8), dtype=np.uint8)).save(tmp_path / f"{number}.png")
        rows.append({"image": f"{number}.png", "label": "ab"[number % 2], "w": [1, 25][number % 2]})
    pl.DataFrame(rows).write_csv(tmp_path / "a.csv")
    run = tw.train(tmp_path / "a.csv", out=tmp_path / "run", epochs=3, sample_weight="w", **QUICK)
    assert (predictions.read(run.folder.predictions)["answer"] == "b").mean() > 0.9


def test_classes_are_weighted_by_a_power_and_by_name(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=200)
    frame = pl.DataFrame({"x": values, "y": ["odd one" if number % 10 == 0 else "usual" for number in range(200)]})

    def weights(name: str, **how: Any) -> list[float]:
        run = tw.train(frame, label="y", out=tmp_path / name, epochs=1, loss="FocalLoss", **how, **QUICK)
        assert tw.verify(run, source=frame).wrong == []
        data = json.loads(run.folder.data.read_text())
        counts.update({each: found["train"] for each, found in data["classes"].items()})
        return list(run.predictor.target.loss["weights"])

    counts: dict[str, int] = {}
    rare, usual = weights("power", class_weights="power:0.5")
    assert rare / usual == pytest.approx((counts["usual"] / counts["odd one"]) ** 0.5)
    assert weights("named", class_weights={"odd one": 4}) == [4, 1]
    with pytest.raises(TrainwrightError, match=r"E553.*'odd'"):
        weights("none", class_weights={"odd": 4})


def test_a_weight_is_never_learned_from(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"a": range(100), "w": [1.0 + number % 7 for number in range(100)], "y": [number % 7 for number in range(100)]}
    )
    frame.write_csv(tmp_path / "a.csv")
    notes: list[Any] = []
    run = tw.train(
        tmp_path / "a.csv", out=tmp_path / "run", epochs=1, label="y", sample_weight="w", speed="off", listen=notes.append
    )
    columns = json.loads(run.folder.data.read_text())["columns"]["features"]
    assert [each["name"] for each in columns] == ["a"]
    said = [note for note in notes if isinstance(note, Note) and note.what == "weights"]
    assert said[0].value == "w" and said[0].why.startswith("from 1 to 7 in the loss of training")
    assert evaluate_all(run, tmp_path / "a.csv")["n"] == 100


def test_bad_weights_are_bad_rows(tmp_path: Path) -> None:
    rows = [(*row, "1") for row in news_rows(60)]
    for place, bad in ((3, "-1"), (5, ""), (7, "much")):
        rows[place] = (*rows[place][:2], bad)
    run = tw.train(
        write_csv(tmp_path / "a.csv", rows, ("label", "text", "w")), out=tmp_path / "run", epochs=1, sample_weight="w", **QUICK
    )  # type: ignore[arg-type]
    found = json.loads(run.folder.data.read_text())
    assert [each["row"] for each in found["rejected_rows"]] == [5, 7, 9] and found["rejected"] == 3
    assert all("weight" in each["reason"] for each in found["rejected_rows"])


@pytest.mark.parametrize(("column", "code"), [("v", "E213"), ("zero", "E290")])
def test_a_weight_that_cannot_be_used_is_refused(tmp_path: Path, column: str, code: str) -> None:
    rows = [(*row, "1", "0") for row in news_rows(60)]
    source = write_csv(tmp_path / "a.csv", rows, ("label", "text", "w", "zero"))  # type: ignore[arg-type]
    with pytest.raises(TrainwrightError) as caught:
        tw.train(source, out=tmp_path / "run", epochs=1, sample_weight=column, **QUICK)
    assert caught.value.code == code


# ---- thresholds


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts of which one in seven is spam, told by words that others have too."""
    draw, rows = random.Random(1), []
    for number in range(900):
        label = "spam" if draw.random() < 0.15 else "ham"
        words = draw.choices(TOPICS["money" if draw.random() < (0.7 if label == "spam" else 0.25) else "sport"], k=3)
        rows.append((label, " ".join([*words, *draw.choices(FILLER, k=4), f"n{number}"])))
    return write_csv(tmp_path_factory.mktemp("uneven") / "mail.csv", rows)


def test_scores_for_uneven_classes_are_those_of_scikit_learn(uneven: Path, tmp_path: Path) -> None:
    run = tw.train(uneven, out=tmp_path / "run", epochs=2, **QUICK)
    found = predictions.read(run.folder.predictions).filter(pl.col("split") == "test")
    truth, answer, shares = found["truth"] == "spam", found["answer"] == "spam", found["probabilities"].to_numpy()
    wanted = {
        "roc_auc": sklearn.roc_auc_score(truth, shares[:, 1]),
        "average_precision": sklearn.average_precision_score(truth, shares[:, 1]),
        "balanced_accuracy": sklearn.balanced_accuracy_score(truth, answer),
        "mcc": sklearn.matthews_corrcoef(truth, answer),
        "log_loss": -np.log(np.where(truth, shares[:, 1], shares[:, 0]).astype(float)).mean(),
    }
    assert {name: run.report["test"][name] for name in wanted} == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("monitor", ["loss", "accuracy", "balanced_accuracy", "mcc", "roc_auc"])
def test_a_threshold_is_chosen_on_validation(uneven: Path, tmp_path: Path, monitor: str) -> None:
    run = tw.train(uneven, out=tmp_path / "run", epochs=2, threshold="auto", monitor=monitor, **QUICK)
    found = predictions.read(run.folder.predictions)
    threshold = run.report["test"].get("threshold", 0.5)
    shares = found["probabilities"].to_numpy()[:, 1].astype(float)
    assert ((found["answer"] == "spam").to_numpy() == (shares >= threshold)).all()
    valid = (found["split"] == "valid").to_numpy()
    truth = (found["truth"] == "spam").to_numpy()
    measure = {
        "accuracy": sklearn.accuracy_score,
        "balanced_accuracy": sklearn.balanced_accuracy_score,
        "mcc": sklearn.matthews_corrcoef,
    }.get(monitor, sklearn.f1_score)
    best = max(measure(truth[valid], shares[valid] >= each) for each in [0.5, *np.unique(shares[valid])])
    assert measure(truth[valid], shares[valid] >= threshold) == pytest.approx(best)
    test = found.filter(pl.col("split") == "test")
    assert run.report["test"]["accuracy"] == pytest.approx((test["answer"] == test["truth"]).mean())
    assert run.predictor.target.threshold == threshold
    for said, share in run.predict(["bank market shares today", "match team goal the"]):
        assert (said == "spam") == ((share if said == "spam" else 1 - share) >= threshold)
    assert tw.verify(run).wrong == [] and tw.replay(run).wrong == []


def test_a_threshold_that_is_given_is_kept(uneven: Path, tmp_path: Path) -> None:
    strict, lax = (tw.train(uneven, out=tmp_path / str(each), epochs=2, threshold=each, **QUICK) for each in (0.95, 0.05))
    counts = [(predictions.read(run.folder.predictions)["answer"] == "spam").sum() for run in (strict, lax)]
    assert counts[0] < counts[1]
    assert strict.report["test"]["threshold"] == 0.95 and lax.predictor.target.threshold == 0.05
    found = evaluate_all(lax, uneven)
    assert found["threshold"] == 0.05 and sum(map(sum, found["confusion"])) == 900
    pairs = lax.predict(["bank market shares today"], top=2)[0]
    assert pairs[0][0] == "spam" and {name for name, _ in pairs} == {"ham", "spam"}


def test_what_a_threshold_is_not_for(tmp_path: Path) -> None:
    with pytest.raises(TrainwrightError) as caught:
        tw.train(write_csv(tmp_path / "a.csv", news_rows(60)), out=tmp_path / "run", threshold=0.3, **QUICK)
    assert caught.value.code == "E288" and "3 classes" in str(caught.value)
