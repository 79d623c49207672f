"""The estimators in scikit-learn's own hands."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest
from samples import news_rows
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import trainwright as tw

ROWS = news_rows(200)
TEXTS, TOPICS = [text for _, text in ROWS], np.array([label for label, _ in ROWS])
# Sums in float32 depend on which rows are computed together, in the seventh digit.
EXPECTED = {
    "check_methods_subset_invariance": "predictions are computed in float32",
    "check_methods_sample_order_invariance": "predictions are computed in float32",
    "check_sample_weight_equivalence_on_dense_data": "a row twice is in two batches, one of weight 2 is in one",
}
warnings.filterwarnings("ignore", category=SkipTestWarning)


@parametrize_with_checks(
    [
        tw.TableClassifier(epochs=3),
        tw.TableRegressor(epochs=30),
        tw.TextClassifier(epochs=1),
        tw.ImageClassifier(epochs=1),
        tw.TextRegressor(epochs=1),
        tw.ImageRegressor(epochs=1),
    ],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_the_checks_of_scikit_learn(estimator, check) -> None:
    check(estimator)


def test_texts() -> None:
    model = tw.TextClassifier(epochs=3).fit(TEXTS[:150], TOPICS[:150])
    assert model.score(TEXTS[150:], TOPICS[150:]) > 0.9 and model.classes_.tolist() == ["money", "space", "sport"]
    shares = model.predict_proba(TEXTS[:5])
    assert shares.shape == (5, 3) and np.allclose(shares.sum(axis=1), 1)
    again = pickle.loads(pickle.dumps(model))  # noqa: S301
    assert again.predict(TEXTS[:5]).tolist() == model.predict(TEXTS[:5]).tolist()


def test_a_pipeline_in_a_search() -> None:
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    pipeline = make_pipeline(lower, tw.TextClassifier())
    search = GridSearchCV(pipeline, {"textclassifier__epochs": [1, 3]}, cv=2).fit(TEXTS, TOPICS)
    assert search.best_score_ > 0.9 and search.predict(TEXTS[:2]).tolist() == TOPICS[:2].tolist()


def test_images_of_every_shape_and_scale() -> None:
    data = load_digits()
    few, labels = data.images[:300], data.target[:300]
    quick = {"epochs": 10, "lr": 0.01, "batch_size": 16, "settings": {"augment": []}}
    model = tw.ImageClassifier(model={"name": "mlp", "hidden": [32]}, **quick).fit(few, labels)
    assert model.score(data.images[300:500], data.target[300:500]) > 0.7
    flat = tw.ImageClassifier(model={"name": "mlp", "hidden": [32]}, **quick).fit(few.reshape(300, 64), labels)
    assert np.array_equal(flat.predict(data.data[300:400]), model.predict(data.images[300:400]))
    faint = model.predict(few[:10] * (few[:10] <= 1))  # nearly black, which is not fractions from 0 to 1
    assert len(faint) == 10


def test_tables_of_arrays_and_of_frames() -> None:
    X, y = load_wine(return_X_y=True)
    assert cross_val_score(make_pipeline(MinMaxScaler(), tw.TableClassifier(epochs=15)), X, y, cv=3).mean() > 0.9
    X, y = load_diabetes(return_X_y=True)
    assert tw.TableRegressor(epochs=20).fit(X[:350], y[:350]).score(X[350:], y[350:]) > 0.3
    draw = np.random.default_rng(0)
    color, size = draw.choice(["red", "green", "blue"], 300), draw.normal(size=300)
    frame = pl.DataFrame({"color": color, "size": size, "sold": draw.random(300) < 0.5})
    target = np.where((color == "red") ^ (size > 0), "yes", "no")
    model = tw.TableClassifier(epochs=30, settings={"batch_size": 16}).fit(frame, target)
    assert model.score(frame, target) > 0.9 and model.feature_names_in_.tolist() == ["color", "size", "sold"]
    with pytest.raises(ValueError, match="color"):
        model.predict(frame.drop("color"))


def test_rows_set_aside_choose_the_epoch_and_the_rest_of_the_settings_pass_through() -> None:
    model = tw.TextClassifier(valid_fraction=0.2, seed=3, settings={"lr": 0.02, "epochs": 2}).fit(TEXTS, TOPICS)
    said = {what: value for what, value, _ in model.notes_}
    assert "valid 4" in said["split"] and "lr" not in said
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize(
    ("estimator", "X", "y", "message"),
    [
        (tw.TextClassifier(), [["a"], ["b"]], ["x", "y"], "not a str"),
        (tw.TextClassifier(), "a text", ["x", "y"], "one text a row"),
        (tw.TextClassifier(), TEXTS[:3], ["x", "y"], "inconsistent"),
        (tw.TextClassifier(), TEXTS[:3], ["x", "x", "x"], "one class only"),
        (tw.ImageClassifier(), np.zeros((3, 5)), [0, 1, 0], "pictures have"),
        (tw.ImageClassifier(), np.zeros((3, 4, 4)), [0, 1], "inconsistent"),
        (tw.TableClassifier(settings={"epoch": 3}), np.eye(9), list("aaabbbccc"), "E301"),
        (tw.TableRegressor(model="bag"), np.eye(9), np.arange(9.0), "E322"),
        (tw.TableClassifier(settings={"delimiter": ";"}), np.eye(9), list("aaabbbccc"), "E190"),
        (tw.TextClassifier(settings={"encoding": "cp1252"}), TEXTS[:3], ["x", "y", "y"], "E190"),
        (tw.ImageClassifier(settings={"header": "no"}), np.zeros((3, 4, 4)), [0, 1, 1], "E190"),
        (tw.TableClassifier(settings={"sample_weight": "x0"}), np.eye(9), list("aaabbbccc"), "E329"),
        (tw.TextRegressor(settings={"target": "class"}), TEXTS[:3], [1, 2, 3], "E329"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_on(estimator, X, y, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)


def test_unfitted() -> None:
    for estimator in (tw.TextClassifier(), tw.ImageClassifier(), tw.TableClassifier(), tw.TableRegressor()):
        with pytest.raises(NotFittedError):
            estimator.predict([["a"]])


KINDS = {
    "text": ["the same words"] * 60,
    "table": np.zeros((60, 2)),
    "image": np.full((60, 4, 4), 99),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_row_counts(kind: str) -> None:
    """Of rows that are all the same, a class is as probable as its part of the weights."""
    made = {"text": tw.TextClassifier, "table": tw.TableClassifier, "image": tw.ImageClassifier}[kind]
    X, y = KINDS[kind], np.arange(60) % 2
    more = {"settings": {"augment": []}, "model": {"name": "mlp", "hidden": [8]}} if kind == "image" else {}
    more = {"settings": {"loss": "BCEWithLogitsLoss"}} if kind == "text" else more  # margins are no probabilities
    X = X + np.arange(60).reshape(-1, 1) % 3 if kind == "table" else X  # a column that never changes is none to learn from
    learned = made(epochs=40, lr=0.05, batch_size=10, **more).fit(X, y, sample_weight=np.where(y == 1, 3, 1))
    assert np.abs(learned.predict_proba(X)[:, 1] - 0.75).max() < 0.08
    assert learned.score(X, y, sample_weight=y) == 1.0
    for wrong in ([1, 2], np.full(60, -1.0), np.zeros(60), np.full(60, np.nan)):
        with pytest.raises(ValueError, match=r"weight|inconsistent"):
            made(epochs=1, **more).fit(X, y, sample_weight=wrong)


def test_numbers_of_texts_and_of_images() -> None:
    draw = np.random.default_rng(0)
    counts = draw.integers(0, 5, (200, 2))
    texts = [" ".join(["up"] * up + ["down"] * down + ["so"]) for up, down in counts]
    heights = 1000 + 10.0 * (counts[:, 0] - counts[:, 1])
    learned = tw.TextRegressor(epochs=40, lr=0.05, valid_fraction=0.2).fit(texts, heights)
    assert learned.score(texts, heights) > 0.7 and (learned.predict(["up up so", "down down so"]) > 1000).tolist() == [
        True,
        False,
    ]
    images = draw.integers(0, 256, (200, 1, 1)) * np.ones((1, 6, 6))
    means = images.mean(axis=(1, 2))
    learned = tw.ImageRegressor(epochs=20, model={"name": "mlp", "hidden": [8]}, settings={"augment": []}).fit(images, means)
    assert learned.score(images, means) > 0.9 and learned.predict(images[:3]).dtype == np.float64


def test_a_frame_is_read_as_the_settings_say() -> None:
    frame = pl.DataFrame({"x": [f"{n % 7},125" for n in range(70)], "shop": [100 + n % 3 for n in range(70)]})
    target = [n % 7 + 0.125 for n in range(70)]
    said = {"decimal": "comma", "columns": {"shop": "category"}}
    learned = tw.TableRegressor(epochs=40, lr=0.02, settings=said).fit(frame, target)
    assert learned.score(frame, target) > 0.9
    assert [each.kind for each in learned.predictor_.chosen.features] == ["number", "category"]


# ---- several labels a row


@pytest.mark.parametrize("kind", ["text", "table", "image"])
@pytest.mark.parametrize("valid", [0.0, 0.2])
def test_several_labels_a_row(kind: str, valid: float) -> None:
    draw = np.random.default_rng(0)
    y = (draw.random((200, 3)) < 0.5).astype(int)
    words = np.array(["goal", "bank", "moon"])
    inputs: dict[str, Any] = {
        "text": [" ".join([*words[row == 1], f"n{number}"]) for number, row in enumerate(y)],
        "table": y + draw.normal(0, 0.1, y.shape),
        "image": np.kron(y.reshape(-1, 1, 3) * 0.8, np.ones((1, 9, 3))) + draw.random((200, 9, 9)) / 10,
    }
    made = {"text": tw.TextClassifier, "table": tw.TableClassifier, "image": tw.ImageClassifier}[kind]
    model = made(epochs=12, lr=0.02, valid_fraction=valid).fit(inputs[kind], y)
    said, shares = model.predict(inputs[kind]), model.predict_proba(inputs[kind])
    assert said.shape == shares.shape == y.shape and model.classes_.tolist() == [0, 1, 2]
    assert (said == y).mean() > 0.95 and model.score(inputs[kind], y) == (said == y).all(axis=1).mean()
    thresholds = np.array(model.predictor_.target.thresholds)
    assert (said == (shares.astype(float) >= thresholds)).all()


def test_many_rare_classes_of_texts_stay_classes() -> None:
    labels = [number % 30 for number in range(90)]
    model = tw.TextClassifier(epochs=2).fit([f"word{label} n{number}" for number, label in enumerate(labels)], labels)
    assert len(model.classes_) == 30 and model.predict_proba(["word3"]).shape == (1, 30)
