"""Boosted trees say what scikit-learn says, to the bit: of its own trees, and of those that are grown here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from torch import nn

from trainwright.data.shapes import TableShape
from trainwright.models import boosted, registry
from trainwright.models.boosted import BoostedTrees
from trainwright.models.boosting import arrays_of, telling
from trainwright.models.catalog import BoostedSettings

SIZES = (7, 41)  # codes of categories, with that for none
SHAPE = {"numeric": 5, "categories": SIZES, "indicators": (-1, 3, 4, -1, -1)}  # three numbers, of which two may be missing
LOSSES = {"class": nn.CrossEntropyLoss(), "number": nn.MSELoss(), "labels": nn.BCEWithLogitsLoss()}


def rows(count: int, seed: int, coarse: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Numeric columns, with those that say what is missing, and codes."""
    draw = np.random.default_rng(seed)
    numbers = draw.normal(size=(count, 3)).round(1 if coarse else 9)
    missing = draw.random((count, 2)) < 0.3
    numbers[:, 1:][missing] = 0
    codes = np.stack([draw.integers(0, size, count) for size in SIZES], axis=1)
    codes[: 20 * 41] = np.indices((20, 41)).reshape(2, -1).T[:count] % SIZES  # each is there, and often
    return torch.from_numpy(np.hstack([numbers, missing]).astype(np.float32)), torch.from_numpy(codes.astype(np.int32))


def told(inputs: tuple[torch.Tensor, torch.Tensor], outputs: int, kind: str, seed: int = 0) -> np.ndarray:
    """Targets that depend on all columns."""
    numeric, codes = (each.numpy() for each in inputs)
    draw = np.random.default_rng(seed)
    score = numeric[:, 0] + numeric[:, 1] ** 2 - 2 * numeric[:, 4] + np.sin(codes[:, 1]) + (codes[:, 0] % 3)
    score = (score - score.mean()) / score.std() + 0.3 * draw.normal(size=len(score))
    if kind == "number":
        return score.astype(np.float32)
    if kind == "labels":
        return np.stack([score > cut for cut in np.linspace(-1, 1, outputs)], axis=1).astype(np.uint8)
    return np.digitize(score, np.quantile(score, np.arange(1, outputs) / outputs)).astype(np.int64)


def network(outputs: int, **settings: Any) -> BoostedTrees:
    return BoostedTrees(BoostedSettings(**{"min_rows": 20} | settings), TableShape(outputs=outputs, **SHAPE))


def fitted(columns: np.ndarray, targets: np.ndarray, weights: Any = None, **settings: Any) -> Any:
    """What scikit-learn makes of the columns of a network, of which the first two are categories."""
    kind = HistGradientBoostingRegressor if targets.dtype.kind == "f" else HistGradientBoostingClassifier
    model = kind(early_stopping=False, random_state=0, categorical_features=[0, 1], **{"max_iter": 8} | settings)
    return model.fit(columns, targets, sample_weight=weights)


def sums_of(model: Any, columns: np.ndarray) -> np.ndarray:
    found = model.predict(columns) if hasattr(model, "_get_loss") and not hasattr(model, "classes_") else None
    return (model.decision_function(columns) if found is None else found).reshape(len(columns), -1)


# ---- what trees say


@given(st.integers(0, 10_000), st.sampled_from([1, 2, 4]), st.sampled_from([2, 9, 31]), st.sampled_from([6, 50, 255]))
def test_trees_of_scikit_learn_say_the_same(seed: int, outputs: int, leaves: int, bins: int) -> None:
    kind = "number" if outputs == 1 else "class"
    train, other = rows(900, seed), rows(300, seed + 1)
    made = network(outputs, leaves=leaves, bins=max(bins, 41))
    targets = told(train, outputs, kind, seed)
    weights = np.random.default_rng(seed).random(900) if seed % 2 else None
    model = fitted(made.columns(*train).numpy(), targets, weights, max_leaf_nodes=leaves, max_bins=max(bins, 41))
    made.base = torch.from_numpy(model._baseline_prediction[0].astype(np.float64))
    made.roots = made.roots.new_zeros(0, len(made.base))
    for stage in model._predictors:
        made.append([arrays_of(tree) for tree in stage])
    made.check()
    for inputs in (train, other):
        columns = made.columns(*inputs)
        assert np.isnan(columns.numpy()).any()
        right = sums_of(model, columns.numpy().astype(np.float64))
        assert (made.sums(columns).numpy() == right).all()
        assert made(*inputs).shape == (len(columns), outputs)
        if outputs > 2:
            assert (made(*inputs).numpy() == right.astype(np.float32)).all()
        elif outputs == 2:
            assert (made(*inputs).argmax(dim=1).numpy() == model.predict(columns.numpy())).all()


def test_the_size_of_the_parts_does_not_matter(monkeypatch) -> None:
    inputs, made = rows(500, 1), network(3)
    grower = made.grower(inputs, torch.from_numpy(told(inputs, 3, "class")), None, LOSSES["class"])
    for _ in range(5):
        grower.grow(0.1)
    whole = made(*inputs)
    monkeypatch.setattr(boosted, "CELLS", 50)
    assert torch.equal(made(*inputs), whole) and torch.equal(made(*(each[7:8] for each in inputs)), whole[7:8])
    assert made(*(each[:0] for each in inputs)).shape == (0, 3)


def test_what_is_missing_or_not_known_is_no_number() -> None:
    shape = TableShape(3, (3, 2, 300), 1, indicators=(2, -1, -1))
    numeric, codes = torch.tensor([[0.0, 5.0, 1.0], [2.0, 6.0, 0.0]]), torch.tensor([[0, 1, 0], [2, 0, 299]])
    found = BoostedTrees(BoostedSettings(), shape).columns(numeric, codes)
    nan = float("nan")  # the category that is told apart, two numbers, a single category, and one of too many by its rank
    right = torch.tensor([[nan, nan, 5.0, 0.0, nan], [1.0, 2.0, 6.0, nan, 298.0]])
    assert torch.equal(found.nan_to_num(nan=-1), right.nan_to_num(nan=-1)), found


def test_the_words_that_tell_most_are_asked_for() -> None:
    shape = TableShape(0, (), 2, texts=(9,))
    made = BoostedTrees(BoostedSettings(min_rows=5), shape)
    texts = [[2, 3, 7], [3, 4], [], [7], [8, 2, 2, 5]] * 20
    values = torch.tensor([word for text in texts for word in text], dtype=torch.int32)
    lengths = torch.tensor([len(text) for text in texts])
    inputs = torch.zeros(100, 0), torch.zeros(100, 0, dtype=torch.int32), (values, (lengths.cumsum(0) - lengths).int())
    targets = torch.tensor([7 in text for text in texts]).long()
    grower = made.grower(inputs, targets, None, LOSSES["class"])
    assert made.tokens[0][0] == 7
    marks = made.columns(*inputs)
    assert marks.tolist() == [[float(word in text) for word in made.tokens[0].tolist()] for text in texts]
    grower.grow(1.0)
    assert (made(*inputs).argmax(dim=1) == targets).all()


def test_an_id_tells_by_how_far_its_rows_are_from_the_mean() -> None:
    ids, of_row = np.array([0, 1, 0, 2, 1, 1]), np.array([0, 0, 1, 1, 2, 3])
    wanted = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    assert telling(ids, of_row, wanted).tolist()[0] == 0  # twice at +1; 2 once, and 1 at both


# ---- how they are grown


@pytest.mark.parametrize(("kind", "outputs"), [("number", 1), ("class", 2), ("class", 4), ("labels", 3)])
def test_the_trees_are_those_of_scikit_learn(kind: str, outputs: int) -> None:
    inputs, made = rows(900, 3), network(outputs, l2=0.5, leaves=9)
    targets = told(inputs, outputs, kind)
    grower = made.grower(inputs, torch.from_numpy(targets), None, LOSSES[kind])
    for _ in range(8):
        grower.grow(0.1)
    columns = made.columns(*inputs).numpy()
    each = targets.T if kind == "labels" else [targets]
    models = [fitted(columns, of, max_leaf_nodes=9, l2_regularization=0.5) for of in each]
    right = np.hstack([sums_of(model, columns) for model in models])
    assert (made.sums(torch.from_numpy(columns)).numpy() == right).all()
    assert torch.equal(grower.outputs, made(*inputs))  # as the sums of leaves were kept on the way


@pytest.mark.parametrize(("kind", "outputs"), [("number", 1), ("class", 2), ("class", 4), ("labels", 3)])
def test_weights_of_rows_and_classes_count(kind: str, outputs: int) -> None:
    inputs, made = rows(900, 3, coarse=True), network(outputs)  # of few values, whose ranges do not depend on weights
    targets, weights = told(inputs, outputs, kind), np.random.default_rng(5).random(900).astype(np.float32)
    by_class = torch.arange(1.0, outputs + 1)
    loss = {
        "number": nn.MSELoss(),
        "class": nn.CrossEntropyLoss(weight=by_class),
        "labels": nn.BCEWithLogitsLoss(pos_weight=by_class),
    }[kind]
    grower = made.grower(inputs, torch.from_numpy(targets), torch.from_numpy(weights), loss)
    for _ in range(4):
        grower.grow(0.1)
    columns, rated = made.columns(*inputs).numpy(), weights.astype(np.float64)
    if kind == "labels":
        right = np.hstack(
            [
                sums_of(fitted(columns, of, rated * np.where(of == 1, label + 1.0, 1.0), max_iter=4), columns)
                for label, of in enumerate(targets.T)
            ]
        )
    else:
        of_class = by_class.numpy()[targets] if kind == "class" else 1.0
        right = sums_of(fitted(columns, targets, rated * of_class, max_iter=4), columns)
    assert (made.sums(torch.from_numpy(columns)).numpy() == right).all()


def test_a_column_of_which_nothing_is_known_is_not_asked_for() -> None:
    made = BoostedTrees(BoostedSettings(min_rows=5), TableShape(3, (1, 3), 2, indicators=(2, -1, -1)))
    numbers = torch.arange(40.0)
    inputs = torch.stack([numbers * 0, numbers, numbers * 0 + 1], dim=1), torch.zeros(40, 2, dtype=torch.int32)
    grower = made.grower(inputs, (numbers > 20).long(), None, LOSSES["class"])
    grower.grow(1.0)
    assert set(made.feature[made.right != torch.arange(len(made.right))].tolist()) == {2}
    assert (made(*inputs).argmax(dim=1) == (numbers > 20)).all()


def test_without_a_column_nothing_can_be_asked() -> None:
    made = BoostedTrees(BoostedSettings(), TableShape(0, (), 2))
    inputs = torch.zeros(4, 0), torch.zeros(4, 0, dtype=torch.int32)
    with pytest.raises(Exception, match="E542"):
        made.grower(inputs, torch.tensor([0, 1, 0, 1]), None, LOSSES["class"])


# ---- what a stranger may have written


def grown() -> BoostedTrees:
    inputs, made = rows(900, 3), network(4)
    grower = made.grower(inputs, torch.from_numpy(told(inputs, 4, "class")), None, LOSSES["class"])
    grower.grow(0.1), grower.grow(0.1)
    return made


GROWN = {name: value.numpy() for name, value in grown().state_dict().items()}


def changed(name: str, place: Any, value: Any) -> dict[str, np.ndarray]:
    array = GROWN[name].copy()
    array[place] = value
    return GROWN | {name: array}


INNER, LEAF = (int(np.flatnonzero((GROWN["right"] != np.arange(len(GROWN["right"]))) == inner)[0]) for inner in (True, False))
ODD = {
    "a child is its parent": changed("right", INNER, INNER),
    "a child lies before its parent": changed("right", slice(INNER + 1, INNER + 2), INNER),
    "a leaf goes on": changed("right", LEAF, LEAF + 1),
    "a child lies in another tree": changed("right", INNER, len(GROWN["right"]) - 1),
    "no such node": changed("right", INNER, 1 << 30),
    "a node below 0": changed("right", INNER, -1),
    "no such column": changed("feature", LEAF, 5),
    "a column below 0": changed("feature", INNER, -1),
    "no such set": changed("sets", np.flatnonzero(GROWN["sets"] >= 0)[0], len(GROWN["bits"])),
    "a threshold for a category": changed("sets", np.flatnonzero(GROWN["sets"] >= 0)[0], -1),
    "not a number": changed("threshold", INNER, np.nan),
    "roots in another order": changed("roots", 0, GROWN["roots"][0][::-1]),
    "a root that is none": changed("roots", (1, 1), GROWN["roots"][1, 1] + 1),
    "a stage less": GROWN | {"roots": GROWN["roots"][:1]},
    "a tree less": GROWN | {"roots": GROWN["roots"][:, :3], "base": GROWN["base"][:3]},
    "nodes without a root": GROWN | {"roots": GROWN["roots"][:0]},
    "a length less": GROWN | {"value": GROWN["value"][:-1]},
    "another type": GROWN | {"right": GROWN["right"].astype(np.float32)},
    "another form": GROWN | {"bits": GROWN["bits"][:, :31]},
    "one more": GROWN | {"more": GROWN["base"]},
}


@pytest.mark.parametrize("odd", ODD)
def test_trees_of_a_stranger_are_looked_at_first(odd: str) -> None:
    settings, shape = BoostedSettings(min_rows=20), TableShape(outputs=4, **SHAPE)
    assert len(registry.restore("table", "boosted.v1", settings, shape, GROWN).roots) == 2
    with pytest.raises(ValueError):
        registry.restore("table", "boosted.v1", settings, shape, ODD[odd])


def test_a_tree_is_no_larger_than_the_settings_say() -> None:
    with pytest.raises(ValueError, match="more than 5 nodes"):
        registry.restore("table", "boosted.v1", BoostedSettings(leaves=3), TableShape(outputs=4, **SHAPE), GROWN)
