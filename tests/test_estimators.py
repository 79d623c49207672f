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
EXPECTED = {"check_methods_subset_invariance": "predictions are computed in float32"}
warnings.filterwarnings("ignore", category=SkipTestWarning)


@parametrize_with_checks(
    [
        tw.TableClassifier(epochs=3),
        tw.TableRegressor(epochs=3),
        tw.TextClassifier(epochs=1),
        tw.ImageClassifier(epochs=1),
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
        (tw.TextClassifier(), "a text", ["x"], "one text a row"),
        (tw.TextClassifier(), TEXTS[:3], ["x", "y"], "texts and y 2"),
        (tw.TextClassifier(), TEXTS[:3], ["x", "x", "x"], "one class only"),
        (tw.ImageClassifier(), np.zeros((3, 5)), [0, 1, 0], "pictures have"),
        (tw.ImageClassifier(), np.zeros((3, 4, 4)), [0, 1], "images and y 2"),
        (tw.TableClassifier(settings={"epoch": 3}), np.eye(9), list("aaabbbccc"), "E301"),
        (tw.TableRegressor(model="bag"), np.eye(9), np.arange(9.0), "E322"),
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
