"""predictions.parquet says of every row of valid and test what the report sums up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from image_samples import bars, write_folder
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.errors import RunError
from trainwright.store import predictions, seal

QUICK = {"epochs": 1, "listen": lambda event: None}


def check(run: tw.Run) -> dict[str, pl.DataFrame]:
    """Return the rows by split, which have the loss, the accuracy and the number of the report."""
    found = pl.read_parquet(run.path / "predictions.parquet")
    rows = {name: found.filter(pl.col("split") == name) for name in ("valid", "test")}
    for name, part in rows.items():
        scores = run.report[name]
        assert len(part) == scores["n"]
        assert part["loss"].mean() == pytest.approx(scores["loss"], rel=1e-5)
        if scores["accuracy"] is not None:
            assert (part["truth"] == part["answer"]).mean() == pytest.approx(scores["accuracy"], abs=1e-12)
    return rows


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "news.csv", news_rows(200))


@pytest.mark.parametrize("loss", ["CrossEntropyLoss", "BCEWithLogitsLoss", "NLLLoss", "MSELoss", "MultiMarginLoss"])
def test_texts(loss: str, texts: Path, tmp_path: Path) -> None:
    run = tw.train(texts, out=tmp_path / "run", loss=loss, **QUICK)
    source = pl.read_csv(texts)
    label, text = source.columns
    for part in check(run).values():
        assert set(part["file"]) == {str(texts)}
        there = source[(part["row"] - 2).to_numpy()]  # the first record is in row 2, behind the header
        assert there[label].to_list() == part["truth"].to_list()
        answers = run.predict(there[text].to_list(), top=3)
        assert [each[0][0] for each in answers] == part["answer"].to_list()
        assert [each[0][1] for each in answers] == pytest.approx(part["probability"].to_list(), rel=1e-4)
        labels = run.report["labels"]
        shares = np.stack([[dict(each)[name] for name in labels] for each in answers])
        assert np.allclose(part["probabilities"].to_numpy(), shares, rtol=1e-4)


def test_the_weights_of_classes_weigh_the_rows(texts: Path, tmp_path: Path) -> None:
    source = pl.read_csv(texts)
    label = source.columns[0]
    kept = source.filter((pl.col(label) != source[label][0]) | (pl.int_range(pl.len()) % 3 == 0))
    kept.write_csv(texts)
    run = tw.train(texts, out=tmp_path / "run", loss="CrossEntropyLoss", class_weights="balanced", **QUICK)
    part = pl.read_parquet(run.path / "predictions.parquet").filter(pl.col("split") == "test")
    classes = json.loads((run.path / "data.json").read_text())["classes"]
    weights = part["truth"].replace_strict({name: 1 / counts["train"] for name, counts in classes.items()})
    assert (part["loss"] * weights).sum() / weights.sum() == pytest.approx(run.report["test"]["loss"], rel=1e-5)


def test_numbers_and_classes_of_tables(tmp_path: Path) -> None:
    run = tw.train("diabetes", out=tmp_path / "numbers", **QUICK)
    from trainwright.data.read import builtin

    target = builtin.load("diabetes").frame
    for part in check(run).values():
        assert part["truth"].to_list() == target[(part["row"] - target["__row__"][0]).to_numpy()]["progression"].to_list()
        off = (part["truth"] - part["answer"]).to_numpy()
        assert np.sqrt((off**2).mean()) in [pytest.approx(run.report[name]["rmse"], rel=1e-4) for name in ("valid", "test")]
    check(tw.train("wine", out=tmp_path / "classes", **QUICK))


def test_pictures_are_named_by_their_files(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "shapes", *bars(120))
    run = tw.train(folder, out=tmp_path / "run", model={"name": "convnet", "channels": [4]}, **QUICK)
    for part in check(run).values():
        assert part["row"].null_count() == len(part)
        assert all(Path(file).is_file() and Path(file).parent.name == truth for file, truth in part["file", "truth"].rows())


def test_tokens_of_running_text_are_in_order(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("\n".join(" ".join(text.split()[:6]) for _, text in news_rows(60)))
    small = {"name": "lstm", "embedding": 4, "hidden": 4, "layers": 1}
    run = tw.train(tmp_path / "text.txt", out=tmp_path / "run", tokenizer="characters", model=small, context=8, **QUICK)
    rows = check(run)
    whole = (tmp_path / "text.txt").read_text()
    ends = "".join(rows["valid"]["truth"].to_list() + rows["test"]["truth"].to_list())
    assert ends == whole[-len(ends) :] or ends == (whole + "\n")[-len(ends) :]
    for part in rows.values():
        assert part["truth_probability"].to_list() == pytest.approx(np.exp(-part["loss"].to_numpy()), rel=1e-5)
        text = "".join(part["truth"].to_list())
        for place in (0, 1, 7):
            ((answer, share),) = run.predict(text[:place], top=1) if place else [run.predictor.predict([""])[0][0]]
            assert (part["answer"][place], part["probability"][place]) == (answer, pytest.approx(share, rel=1e-4))


def test_they_are_sealed_and_the_same_for_the_same_words(texts: Path, tmp_path: Path) -> None:
    runs = [tw.train(texts, out=tmp_path / name, **QUICK) for name in ("one", "two")]
    assert len({(run.path / "predictions.parquet").read_bytes() for run in runs}) == 1
    assert "predictions.parquet" in seal.read(runs[0].path).files
    (runs[0].path / "predictions.parquet").write_bytes(b"other")
    assert any("predictions.parquet" in each for each in tw.verify(runs[0]).wrong)
    with pytest.raises(RunError, match="E408"):
        predictions.read(runs[0].path / "predictions.parquet")
    (runs[0].path / "predictions.parquet").unlink()
    with pytest.raises(RunError, match="E430"):
        predictions.read(runs[0].path / "predictions.parquet")
    (runs[0].path / "report.json").unlink()
    with pytest.raises(RunError, match="E405"):
        predictions.read(runs[0].path / "predictions.parquet")


def test_a_few_bytes_that_stand_for_rows_that_no_memory_holds(tmp_path: Path) -> None:
    count = 4_000_000
    columns = {"split": "test", "file": "a.csv", "row": 1, "truth": "a", "answer": "b", "loss": 0.5}
    bomb = pl.DataFrame({name: pl.repeat(value, count, eager=True) for name, value in columns.items()})
    bomb.write_parquet(tmp_path / "predictions.parquet")
    assert (tmp_path / "predictions.parquet").stat().st_size < 100_000
    with pytest.raises(RunError, match=r"E408.*would take \d+ MiB"):
        predictions.read(tmp_path / "predictions.parquet")
    assert len(predictions.read(tmp_path / "predictions.parquet", bomb)) == count  # as many were measured
