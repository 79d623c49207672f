"""The way of a row of a table: its cells, what each becomes, and how much each column adds to an output."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.data.text.text_encoder import SPECIAL
from trainwright.models.catalog import BoostedSettings, LinearSettings
from trainwright.tasks import explain as rows
from trainwright.tasks.explain import View
from trainwright.tasks.number_target import NumberTarget
from trainwright.tasks.table.weights import of_columns
from trainwright.watch import words
from trainwright.watch.explained.explanation import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from trainwright.data.tables.encoder import Inputs, Place
    from trainwright.tasks.supervised import SupervisedPredictor
    from trainwright.watch.explained.explanation import Explanation, Rule

LONGEST = 200  # characters of a cell that are shown
VECTOR = 12  # numbers of a category's vector that are shown
MIDNIGHT = " 00:00:00"  # of a date without a time
VECTORS = "each picks a vector that was learned, 0 that of what is not known"
CODES = "trees send sets of them to one side, and to the other; 0 is what is not known"
EXACT = "exact: the weights of each column times what it becomes"
MISSING = "how the output changes where a column has its mean, no known category or no text; together there is a rest"


def explain(predictor: SupervisedPredictor, item: Any, truth: Any, rule: Rule) -> Explanation:
    """Return the way of one row. Raise as ``predict``, and E337 for a truth that the model cannot answer with."""

    def look(items: pl.DataFrame, encoded: Inputs, classes: np.ndarray) -> View:
        return _look(predictor, items, encoded, classes)

    return rows.explain(predictor, item, truth, rule, look)


def _look(predictor: SupervisedPredictor, items: pl.DataFrame, encoded: Inputs, classes: np.ndarray) -> View:
    """Return each column with what it becomes and adds, what adds most to the answer or takes from it first."""
    places, target = predictor.encoder.places(), predictor.target
    is_number, exact = isinstance(target, NumberTarget), isinstance(predictor.settings, LinearSettings)
    trees = isinstance(predictor.settings, BoostedSettings)
    scale, start = (target.scaler.std, target.scaler.mean) if isinstance(target, NumberTarget) else (1.0, 0.0)
    names = list(places)
    parts = of_columns(predictor, encoded, classes[None], names)[0] * scale
    units = []
    for name, row in zip(names, parts, strict=True):
        place, cell = places[name], items[name][0]
        number = None if place.code is None else int(encoded[1][0, place.code])
        given = "" if cell is None else words.clip(str(cell).removesuffix(MIDNIGHT), LONGEST)
        units.append(Unit(name, given, number, vector=_vector(predictor, encoded, place, classes), parts=row.tolist()))
    net = parts[:, 0] - parts[:, min(1, len(classes) - 1)] * (not is_number)
    view = View(
        remark="" if any(unit.given for unit in units) else "no column is given: the model answers as where nothing is known",
        facts=[
            ("columns", f"{len(names):,}"),
            ("numbers", f"{encoded[0].shape[1]:,}, standardised: 0 is the mean of training, 1 is a standard deviation"),
            ("codes", f"{encoded[1].shape[1]:,}, of categories: {CODES if trees else VECTORS}"),
            *(("words", f"{name}: {len(each.tokens) - len(SPECIAL):,}") for name, each in predictor.encoder.texts.items()),
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


def _vector(predictor: SupervisedPredictor, encoded: Inputs, place: Place, classes: np.ndarray) -> list[float]:
    """Return what a cell becomes: its numbers, how many ids its text has, and of a category the first numbers of its vector,
    or in a linear model what it adds to the outputs."""
    if place.text is not None:
        return [float(len(encoded[2 + place.text].values))]
    found: list[float] = encoded[0][0, place.columns].tolist()
    if place.code is None:
        return found
    number, weights = int(encoded[1][0, place.code]), predictor.weights
    if f"embeddings.{place.code}.weight" in weights:
        return found + weights[f"embeddings.{place.code}.weight"][number, :VECTOR].tolist()  # type: ignore[no-any-return]
    if f"categories.{place.code}.weight" in weights:
        return found + weights[f"categories.{place.code}.weight"][number, classes].tolist()  # type: ignore[no-any-return]
    return [*found, float(number)]


def _axes(predictor: SupervisedPredictor, places: Mapping[str, Place]) -> dict[str, Any]:
    """Return what the places of the parameters are called: of ``linear``, and of the embeddings of ``mlp``."""
    labels = predictor.labels or (getattr(predictor.target, "name", ""),)
    columns = {
        column: f"{name} ({number} of {len(own)})" if len(own) > 1 else name
        for name, (own, *_) in places.items()
        for number, column in enumerate(own, start=1)
    }
    linear = isinstance(predictor.settings, LinearSettings)
    found: dict[str, Any] = {"weight": (labels.__getitem__, columns.__getitem__), "bias": (labels.__getitem__,)}
    for name, (_, code, text) in places.items():
        if text is not None:
            tokens = predictor.encoder.texts[name].tokens
            found[f"texts.{text}.weight"] = (partial(_word, name, tokens), labels.__getitem__ if linear else None)
        elif code is not None:
            known = (f"{name} not known", *(f"{name} {each}" for each in predictor.encoder.categories[name]))
            found[f"categories.{code}.weight"] = (known.__getitem__, labels.__getitem__)
            found[f"embeddings.{code}.weight"] = (known.__getitem__, None)
    return found


def _word(column: str, tokens: list[str], number: int) -> str:
    return f"{column} {tokens[number]}" if number < len(tokens) else f"{column} n-gram {number}"
