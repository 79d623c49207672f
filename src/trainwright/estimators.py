"""Scikit-learn estimators: the same training behind ``fit``, ``predict``, ``predict_proba``, ``score`` and ``get_params``.

They work in ``Pipeline``, ``GridSearchCV`` and ``cross_val_score``. All rows that ``fit`` is given are trained on unless
``valid_fraction`` sets some aside; ``sample_weight`` is what each row counts in the loss. Nothing is left on the disk.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from trainwright.data.images.arrays import convert, to_pixels
from trainwright.data.images.decode import reshape
from trainwright.data.images.pictures import from_pixels
from trainwright.data.read.options import ReadOptions
from trainwright.data.read.source import Source
from trainwright.data.tables.table import ROW, Table
from trainwright.errors import error
from trainwright.tasks import registry
from trainwright.training.trainer import Trainer
from trainwright.watch.events import ignore
from trainwright.watch.terminal.console import Console

LABEL, WEIGHT = "__label__", "__weight__"  # the columns that ``fit`` adds; reserved
SAID_BY_FIT = ("text", "image", "features", "label", "labels", "target", "sample_weight", "test_fraction")


@dataclass(kw_only=True, eq=False, repr=False)
class Estimator(BaseEstimator):  # type: ignore[misc]
    """What all estimators share.

    Args:
        model: a name (``"mlp"``), or a dictionary with its settings: ``{"name": "mlp", "hidden": [64]}``.
        epochs, lr, batch_size, seed: as in ``trainwright settings``; None = derived from the data.
        valid_fraction: part of the rows that chooses the best epoch instead of being trained on.
        settings: any other settings, as a dictionary.
        verbose: show notes, bar and table of epochs on standard error.
    """

    _task: ClassVar[str] = ""
    model: str | Mapping[str, Any] | None = None
    epochs: int | None = None
    lr: float | None = None
    batch_size: int | None = None
    valid_fraction: float = 0.0
    seed: int = 0
    settings: Mapping[str, Any] | None = None
    verbose: bool = False

    @abstractmethod
    def _rows(self, X: Any, y: pl.Series, weight: pl.Series | None) -> tuple[Any, dict[str, Any]]:
        """Return the rows to train on, with their targets and what each counts, and the settings that say which columns are
        which."""

    @abstractmethod
    def _items(self, X: Any) -> Any:
        """Return rows as the predictor's ``encode`` takes them, checked against what ``fit`` saw."""

    def _train(self, X: Any, y: pl.Series, target: str, sample_weight: Any) -> None:
        """Train and keep the predictor as ``predictor_``. Raise E190 and E329 for settings that have no use here."""
        weight = None
        if sample_weight is not None:
            check_consistent_length(y, sample_weight)
            weight = pl.Series(WEIGHT, _check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True))
        rows, columns = self._rows(X, y, weight)
        names = ("model", "epochs", "lr", "batch_size", "valid_fraction", "seed")
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        more = dict(self.settings or {})
        for key in more.keys() & SAID_BY_FIT:
            raise error("E329", key=key, why="an estimator is told by X, y and the arguments of fit")
        split = "content" if target == "number" else "stratified"
        chosen = {"test_fraction": 0.0, "split": split, "target": target} | given | columns | more
        settings = registry.complete_settings(chosen, {}, self._task, None, None)
        ReadOptions.of(settings).has_no_use_for("X", "it is no file")
        source = Source(type(self).__name__, held={"train": rows})
        problem, _ = registry.prepare(self._task, source, settings, None, ignore)
        problem.notes += problem.derive()
        training = Trainer(problem)
        with closing(Console(sys.stderr, quiet=not self.verbose)) as console:
            training.train(console.handle)
        if "valid" in problem.splits and (settings.threshold == "auto" or problem.predicts == ("labels",)):
            training.measure()  # which chooses thresholds
        self.predictor_: Any = registry.from_bundle(training.bundle())
        self.notes_ = [*problem.notes, *training.notes]

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "predictor_")
        items = self._items(X)
        empty = np.zeros((0, self.predictor_.target.outputs), np.float32)
        return self.predictor_.logits(items, len(items)) if len(items) else empty


class _Classifier(ClassifierMixin, Estimator):  # type: ignore[misc]
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X and labels y, each counting ``sample_weight``. Raises ValueError, as a TrainwrightError is one."""
        labels = self._classes(_checked(y, None))
        self._train(X, labels, "labels" if labels.dtype == pl.List else "class", sample_weight)
        return self

    def _classes(self, y: Any) -> pl.Series:
        """Return the labels as names; ``classes_`` keeps what they were, in sorted order.

        Of several labels a row, 0 and 1 of shape (rows, labels), these are sets, and ``classes_`` the numbers of the columns.
        """
        if type_of_target(y) == "multilabel-indicator":
            there = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
            self.classes_ = np.arange(there.shape[1])
            sets = [[str(place) for place in np.flatnonzero(row)] for row in there]
            return pl.Series(LABEL, sets, dtype=pl.List(pl.String))
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only, '{self.classes_[0]}': there is nothing to tell apart")
        return pl.Series(LABEL, codes).cast(pl.String)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class in the order of ``classes_``: float32, shape (rows, classes)."""
        logits = self._outputs(X)
        target = self.predictor_.target
        found = np.zeros((len(logits), len(self.classes_)), np.float32)
        found[:, [int(label) for label in target.labels]] = target.probabilities(logits)
        return found

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row; of several labels a row 0 and 1, int64, shape (rows, labels)."""
        logits, target = self._outputs(X), self.predictor_.target
        classes = np.array([int(label) for label in target.labels])
        if target.kind == "labels":
            found = np.zeros((len(logits), len(self.classes_)), np.int64)
            found[:, classes] = target.said(target.probabilities(logits))
            return found
        return self.classes_[classes[target.decided(logits).argmax(axis=1)]]  # type: ignore[no-any-return]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class _Regressor(RegressorMixin, Estimator):  # type: ignore[misc]
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X and numbers y, each counting ``sample_weight``. Raises ValueError, as a TrainwrightError is one."""
        numbers = column_or_1d(_checked(y, np.float64), warn=True)
        self._train(X, pl.Series(LABEL, numbers), "number", sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return a number for each row, in the unit of y: float64, shape (rows,)."""
        outputs = self._outputs(X)
        return np.asarray(self.predictor_.target.answers(outputs, 1), np.float64)


class _Texts(Estimator):
    _task = "text"

    def _rows(self, X: Any, y: pl.Series, weight: pl.Series | None) -> tuple[Any, dict[str, Any]]:
        texts = self._items(X)
        check_consistent_length(texts, y)
        return _table(pl.DataFrame({"text": texts}), y, weight, text=["text"])

    def _items(self, X: Any) -> pl.Series:
        if isinstance(X, str) or getattr(X, "ndim", 1) != 1:
            raise ValueError("X must be one text a row: a list, or a column, of str")
        texts = list(X)
        for row, text in enumerate(texts):
            if not isinstance(text, str):
                raise ValueError(f"X[{row}] is a {type(text).__name__}, not a str")
        return pl.Series("text", texts, dtype=pl.String)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, True, False
        return tags


class _Images(Estimator):
    _task = "image"

    def _rows(self, X: Any, y: pl.Series, weight: pl.Series | None) -> tuple[Any, dict[str, Any]]:
        array = np.asarray(X)
        pixels = to_pixels(array, "X")
        check_consistent_length(pixels, y)
        # What values mean follows from the largest: the image that has it speaks for all that come later.
        self.brightest_ = array[[int(array.reshape(len(array), -1).max(axis=1).argmax())]]
        pictures = from_pixels("X", y, pixels)
        if weight is not None:
            pictures.table = _table(pl.DataFrame(), y, weight)[0]
        return pictures, {} if weight is None else {"sample_weight": WEIGHT}

    def _items(self, X: Any) -> np.ndarray:
        pixels = convert({"X": np.asarray(X), "fit": self.brightest_})[0]["X"]
        encoder: Any = self.predictor_.encoder
        return np.stack([reshape(each, encoder.size, encoder.channels) for each in pixels])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array, tags.input_tags.two_d_array = True, False
        return tags


class _Tables(Estimator):
    _task = "table"

    def _rows(self, X: Any, y: pl.Series, weight: pl.Series | None) -> tuple[Any, dict[str, Any]]:
        frame = self._frame(X, reset=True)
        check_consistent_length(frame, y)
        if len(frame) < 2:
            raise ValueError("n_samples=1: a single row teaches nothing")
        return _table(frame, y, weight, features=frame.columns)

    def _items(self, X: Any) -> pl.DataFrame:
        return self.predictor_.items(self._frame(X, reset=False))  # type: ignore[no-any-return]

    def _frame(self, X: Any, reset: bool) -> pl.DataFrame:
        """Return a data frame as it is, an array as columns of numbers; missing values are allowed."""
        if hasattr(X, "columns"):
            validate_data(self, X, skip_check_array=True, reset=reset)
            names = [str(name) for name in X.columns]
            return pl.DataFrame({name: _column(X[each]) for name, each in zip(names, X.columns, strict=True)})
        checked = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
        columns = {f"x{place}": column for place, column in enumerate(checked.T)}
        return pl.DataFrame(columns).with_columns(pl.all().fill_nan(None))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan, tags.input_tags.categorical, tags.input_tags.string = True, True, True
        return tags


def _table(frame: pl.DataFrame, y: pl.Series, weight: pl.Series | None, **columns: Any) -> tuple[Table, dict[str, Any]]:
    """Return a frame with targets and weights as a table, and the settings that say which columns are which."""
    more = [pl.int_range(1, len(y) + 1, dtype=pl.Int64, eager=True).alias(ROW), y.alias(LABEL)]
    said = columns | {"label": LABEL}
    if weight is not None:
        more, said = [*more, weight], said | {"sample_weight": WEIGHT}
    return Table(pl.DataFrame([*frame, *more]), "X"), said


def _column(values: Any) -> pl.Series:
    """Return a column of a data frame of any library, NaN as missing."""
    found = pl.Series(list(values), strict=False)
    return found.fill_nan(None) if found.dtype.is_float() else found


def _checked(y: Any, dtype: Any) -> Any:
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    return check_array(y, ensure_2d=False, dtype=dtype, accept_sparse=True)


class TextClassifier(_Classifier, _Texts):
    """Texts (an iterable of str) and their classes, or several labels a row: 0 and 1, shape (rows, labels)."""


class TextRegressor(_Regressor, _Texts):
    """Texts (an iterable of str), and a number for each."""


class ImageClassifier(_Classifier, _Images):
    """Images as an array of numbers, and their classes, or several labels a row: 0 and 1, shape (rows, labels).

    X has shape (rows, height, width), with 1, 3 or 4 channels after the rows or at the end, or (rows, pixels) of square
    images; values 0 to 255, or fractions from 0 to 1.
    """


class ImageRegressor(_Regressor, _Images):
    """Images as an array of numbers, as ``ImageClassifier`` takes them, and a number for each."""


class TableClassifier(_Classifier, _Tables):
    """Rows of a table, an array or a data frame, and their classes, or several labels a row: 0 and 1, shape (rows, labels)."""


class TableRegressor(_Regressor, _Tables):
    """Rows of a table, an array or a data frame, and a number for each."""
