"""The data that come with scikit-learn: whole, with names, and read without importing it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trainwright.data.read import builtin
from trainwright.data.tables.feature_columns import choose_features
from trainwright.data.tables.table import ROW
from trainwright.errors import DataError, SourceError


def test_diabetes() -> None:
    table = builtin.load("diabetes")
    assert table.columns == ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6", "progression"]
    assert table.frame.height == 442 and set(table.frame.drop(ROW).dtypes) == {pl.Float64}
    assert table.frame.drop(ROW).row(0) == (59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87, 151)
    chosen = choose_features(table)
    assert (chosen.label, chosen.target, len(chosen.features)) == ("progression", "number", 10)


def test_wine() -> None:
    table = builtin.load("wine")
    assert table.columns[0] == "alcohol" and len(table.columns) == 14
    assert dict(table.frame["class"].value_counts().iter_rows()) == {"class_0": 59, "class_1": 71, "class_2": 48}
    assert table.frame["proline"][0] == 1065
    assert table.frame[ROW].to_list() == list(range(1, 179))
    chosen = choose_features(table)
    assert (chosen.label, chosen.target, len(chosen.features)) == ("class", "class", 13)
    assert {feature.kind for feature in chosen.features} == {"number"}


@pytest.mark.parametrize("name", ["diabetes", "wine"])
def test_the_values_are_those_of_scikit_learn(name: str) -> None:
    from sklearn import datasets

    theirs = datasets.load_diabetes(scaled=False) if name == "diabetes" else datasets.load_wine()
    mine = builtin.load(name)
    assert mine.columns[:-1] == list(theirs.feature_names)
    assert (mine.frame.select(mine.columns[:-1]).to_numpy() == theirs.data).all()
    target = theirs.target if name == "diabetes" else theirs.target_names[theirs.target]
    assert mine.frame[mine.columns[-1]].to_list() == target.tolist()


def test_scikit_learn_is_not_imported() -> None:
    code = (
        "import sys\nfrom trainwright.data.read import builtin\n"
        "builtin.load('wine'), builtin.load('diabetes')\nassert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["diabetes", "wine"])
@pytest.mark.parametrize("installed", [True, False])
def test_missing_files_are_said(name: str, installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = importlib.machinery.ModuleSpec("sklearn", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: place if installed else None)
    with pytest.raises(DataError, match=f"'{name}'") as caught:
        builtin.load(name)
    assert caught.value.code == "E248" and "scikit-learn" in caught.value.mend


def test_the_digits_are_those_of_scikit_learn() -> None:
    found = builtin.digits()["train"]
    assert found.pixels is not None and found.pixels.shape == (1797, 1, 8, 8)
    assert found.labels.value_counts().sort("label")["count"].to_list() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    shades = [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]  # the first rows of the first picture
    assert found.pixels[0, 0, :2].tolist() == [[round(shade * 255 / 16) for shade in row] for row in shades]
    assert set(np.unique(found.pixels)) == {int(shade * 255 / 16 + 0.5) for shade in range(17)}


def test_the_digits_are_read_without_scikit_learn() -> None:
    code = (
        "import sys\nfrom trainwright.data.read import builtin\nbuiltin.digits()\n"
        "assert not {'sklearn', 'torch', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_file_of_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SourceError, match="E150"):
        builtin.digits()
