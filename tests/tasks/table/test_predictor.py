"""The predictor of a table: rows in every form, files, the command line."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from frame_samples import PandasColumn, PandasFrame
from house_samples import HOUSES, KINDS, PRICES, csv
from samples import evaluate_all
from typer.testing import CliRunner

import trainwright as tw
from trainwright import cli
from trainwright.errors import TrainwrightError


@pytest.mark.parametrize("label", ["price", "kind"])
def test_predictions_are_those_of_the_saved_model(label: str, price_run, kind_run, tmp_path: Path) -> None:
    run, frame = (price_run, PRICES) if label == "price" else (kind_run, KINDS)
    again, rows = tw.load(run.path), frame.drop(label)
    found = run.predict(rows)
    assert again.predict(rows) == found and len(found) == 300
    assert again.predict(rows.select(reversed(rows.columns))) == found
    assert again.predict(rows.to_dicts()) == found
    alone = [again.predict(row)[0] for row in rows[:10].to_dicts()]
    numbers = [[each if label == "price" else each[1] for each in part] for part in (alone, found[:10])]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-5)
    for path in (csv(tmp_path, rows), csv(tmp_path, rows.select(sorted(rows.columns)), "sorted.csv")):
        answers = again.predictor.predict_file(path).answers
        assert [each if label == "price" else each[0] for each in answers] == found
    if label == "kind":
        assert [len(pair) for pair in run.predict(rows[:2], top=2)] == [2, 2]
    else:
        errors = np.array(found) - frame["price"].to_numpy()
        assert evaluate_all(run, csv(tmp_path, frame))["rmse"] == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-6)


def test_rows_in_every_form(price_run) -> None:
    row = {"area": 80, "city": "Ulm", "garden": True, "sold": dt.date(2024, 5, 1)}
    found = price_run.predict(row)
    for same in (
        [row],
        [row | {"area": np.float64(80)}],
        [row | {"area": "80", "garden": "yes", "sold": "2024-05-01", "more": [1, 2]}],
        [row | {"sold": dt.datetime(2024, 5, 1)}],
        pl.DataFrame([row]),
        pl.DataFrame([row]).lazy(),
        PandasFrame({name: PandasColumn([value], np.dtype(object)) for name, value in row.items()}),
        "area=80 city=Ulm garden=yes sold=2024-05-01",
        ["city='Ulm' sold=2024-05-01 garden=yes area=80.0 price=3"],
    ):
        assert price_run.predict(same) == found, same
    both = price_run.predict([row, row | {"area": "80", "garden": "no"}, row | {"sold": None}])
    assert both[0] == pytest.approx(found[0], rel=1e-5) and both[1] < both[0]
    missing = [row | {"area": value} for value in (None, float("nan"), np.nan, "", "NA")]
    assert len({round(number, 3) for number in price_run.predict(missing)}) == 1
    assert price_run.predict([]) == price_run.predict(PRICES[:0]) == []
    assert price_run.predict(row | {"city": "Rom"}) == price_run.predict(row | {"city": None})  # never seen: nothing known


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ({"aera": 80, "city": "Ulm", "garden": True, "sold": "2024-05-01"}, "E247", "Did you mean 'aera'?"),
        ("area=80 city=Ulm garden=yes", "E247", "'sold'"),
        ("area=80 city", "E262", "Did you mean 'city'?"),
        ("area=80 city='Ulm", "E247", "garden"),
        ([80], "E320", "a row is a dictionary"),
        (80, "E320", "a row is a dictionary"),
        ("area=large city=Ulm garden=yes sold=2024-05-01", "E261", "column 'area': 'large' is not a number"),
        ({"area": 80, "city": "Ulm", "garden": "perhaps", "sold": "2024-05-01"}, "E261", "is not yes or no"),
        (pl.DataFrame({"area": [80]}).lazy(), "E247", "'city'"),
    ],
    ids=range(9),
)
def test_rows_that_are_refused(given, code: str, says: str, price_run) -> None:
    with pytest.raises(TrainwrightError) as caught:
        price_run.predict(given)
    assert caught.value.code == code and says in str(caught.value)


def test_files_that_are_refused(price_run, kind_run, tmp_path: Path) -> None:
    renamed = csv(tmp_path, PRICES.rename({"city": "town", "area": "Area"}))
    with pytest.raises(TrainwrightError, match=r"E247.*'area'[\s\S]*Did you mean 'Area'"):
        price_run.predictor.predict_file(renamed)
    with pytest.raises(TrainwrightError, match=r"E247.*'price'"):
        price_run.evaluate(csv(tmp_path, PRICES.drop("price")))
    with pytest.raises(TrainwrightError, match=r"E212[\s\S]*row 2: label: 'x' is not a number"):
        price_run.evaluate(csv(tmp_path, PRICES.with_columns(price=pl.lit("x"))))
    with pytest.raises(TrainwrightError, match="E219"):
        kind_run.evaluate(csv(tmp_path, KINDS.with_columns(kind=pl.lit("castle"))))


def test_rows_of_a_file_that_are_left_out(price_run, kind_run, tmp_path: Path) -> None:
    odd = PRICES[:4].with_columns(area=pl.Series(["80", "large", None, "90"]), garden=pl.Series(["yes", "no", "no", ""]))
    found = price_run.predictor.predict_file(csv(tmp_path, odd))
    assert found.rows == [2, 4, 5] and len(found.answers) == 3 and found.frame["area"].to_list() == ["80", None, "90"]
    assert "row 3: column 'area': 'large' is not a number" in found.notes[0]
    assert evaluate_all(price_run, csv(tmp_path, odd))["rejected"] == 1
    strange = KINDS.with_columns(kind=pl.when(pl.col("id") < 9).then(pl.lit("castle")).otherwise("kind"))
    scores = evaluate_all(kind_run, csv(tmp_path, strange))
    assert (scores["n"], scores["rejected"]) == (291, 9)


def test_on_the_command_line(price_run, kind_run, tmp_path: Path) -> None:
    row = "area=80 city=Ulm garden=yes sold=2024-05-01"

    def said(*words: object) -> str:
        done = CliRunner().invoke(cli.app, [str(word) for word in words])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert float(said("predict", price_run.path, row)) == pytest.approx(price_run.predict(row)[0], rel=1e-4)
    assert json.loads(said("predict", price_run.path, row, "--json")) == {"prediction": price_run.predict(row)[0], "row": row}
    assert said("predict", kind_run.path, row).startswith(kind_run.predict(row)[0][0])
    table = said("predict", price_run.path, csv(tmp_path, HOUSES.drop("price")[:9]))
    assert pl.read_csv(table.encode())["predicted"].to_list() == pytest.approx(price_run.predict(HOUSES[:9]), rel=1e-5)
    assert "RMSE" in said("evaluate", price_run.path, csv(tmp_path))


def test_which_words_are_files(price_run, tmp_path: Path) -> None:
    takes = price_run.predictor.takes_file
    assert takes(str(csv(tmp_path))) and takes("not-there.csv")
    assert not takes("area=80 city=Ulm") and not takes("file=a.csv") and not takes("Ulm")
    assert price_run.predictor.item == "row"
