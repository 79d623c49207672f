"""The way of a row of a table: its cells, what each becomes, and how much each column adds to an output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.models.catalog import LinearSettings
from trainwright.tasks import explain as rows
from trainwright.tasks.explain import View
from trainwright.tasks.number_target import NumberTarget
from trainwright.tasks.table.weights import of_columns
from trainwright.watch.explained.explanation import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from trainwright.tasks.supervised import SupervisedPredictor
    from trainwright.watch.explained.explanation import Explanation, Rule

VECTOR = 12  # numbers of a category's vector that are shown
MIDNIGHT = " 00:00:00"  # of a date without a time
EXACT = "exact: the weights of each column times what it becomes"
MISSING = "how the output changes where a column has its mean, or its category is not known; together there is a rest"


def explain(predictor: SupervisedPredictor, item: Any, truth: Any, rule: Rule) -> Explanation:
    """Return the way of one row. Raise as ``predict``, and E337 for a truth that the model cannot answer with."""

    def look(items: pl.DataFrame, encoded: tuple[np.ndarray, np.ndarray], classes: np.ndarray) -> View:
        return _look(predictor, items, encoded, classes)

    return rows.explain(predictor, item, truth, rule, look)


def _look(
    predictor: SupervisedPredictor, items: pl.DataFrame, encoded: tuple[np.ndarray, np.ndarray], classes: np.ndarray
) -> View:
    """Return each column with what it becomes and adds, what adds most to the answer or takes from it first."""
    places, target = predictor.encoder.places(), predictor.target
    is_number, exact = isinstance(target, NumberTarget), isinstance(predictor.settings, LinearSettings)
    scale, start = (target.scaler.std, target.scaler.mean) if isinstance(target, NumberTarget) else (1.0, 0.0)
    names = list(places)
    parts = of_columns(predictor, encoded, classes[None], names)[0] * scale
    units = []
    for name, row in zip(names, parts, strict=True):
        (columns, code), cell = places[name], items[name][0]
        number = None if code is None else int(encoded[1][0, code])
        vector = [*encoded[0][0, columns].tolist(), *([] if number is None else _vector(predictor, code, number, classes))]
        given = "" if cell is None else str(cell).removesuffix(MIDNIGHT)
        units.append(Unit(name, given, number, vector=vector, parts=row.tolist()))
    net = parts[:, 0] - parts[:, min(1, len(classes) - 1)] * (not is_number)
    view = View(
        remark="" if any(unit.given for unit in units) else "no column is given: the model answers as where nothing is known",
        facts=[
            ("columns", f"{len(names):,}"),
            ("numbers", f"{encoded[0].shape[1]:,}, standardised: 0 is the mean of training, 1 is a standard deviation"),
            (
                "codes",
                f"{encoded[1].shape[1]:,}, of categories: each picks a vector that was learned, 0 that of what is not known",
            ),
        ],
        dimensions=["becomes"],
        units=[units[place] for place in np.argsort(-np.abs(net), kind="stable").tolist()],
        method=EXACT if exact else MISSING,
        parts=parts.sum(axis=0),
        axes=_axes(predictor, places),
    )
    if exact:
        view.bias = predictor.weights["bias"][classes].astype(np.float64) * scale + start
    return view


def _vector(predictor: SupervisedPredictor, code: int | None, number: int, classes: np.ndarray) -> list[float]:
    """Return what a category becomes: the first numbers of its vector, or in a linear model what it adds to the outputs."""
    weights = predictor.weights
    if f"embeddings.{code}.weight" in weights:
        return weights[f"embeddings.{code}.weight"][number, :VECTOR].tolist()  # type: ignore[no-any-return]
    if f"categories.{code}.weight" in weights:
        return weights[f"categories.{code}.weight"][number, classes].tolist()  # type: ignore[no-any-return]
    return [float(number)]


def _axes(predictor: SupervisedPredictor, places: Mapping[str, tuple[list[int], int | None]]) -> dict[str, Any]:
    """Return what the places of the parameters are called: of ``linear``, and of the embeddings of ``mlp``."""
    labels = predictor.labels or (getattr(predictor.target, "name", ""),)
    columns = {
        column: f"{name} ({number} of {len(own)})" if len(own) > 1 else name
        for name, (own, _) in places.items()
        for number, column in enumerate(own, start=1)
    }
    found: dict[str, Any] = {"weight": (labels.__getitem__, columns.__getitem__), "bias": (labels.__getitem__,)}
    for name, (_, code) in places.items():
        if code is not None:
            known = (f"{name} not known", *(f"{name} {each}" for each in predictor.encoder.categories[name]))
            found[f"categories.{code}.weight"] = (known.__getitem__, labels.__getitem__)
            found[f"embeddings.{code}.weight"] = (known.__getitem__, None)
    return found
