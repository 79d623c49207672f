"""Scikit-learn estimators: the same training behind ``fit``, ``predict``, ``predict_proba``, ``score`` and ``get_params``.

They work in ``Pipeline``, ``GridSearchCV`` and ``cross_val_score``. All rows that ``fit`` is given are trained on unless
``valid_fraction`` sets some aside; nothing is left on the disk.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d, validate_data

from trainwright.data.images.arrays import convert, to_pixels
from trainwright.data.images.decode import reshape
from trainwright.data.images.pictures import from_pixels
from trainwright.data.read.source import Source
from trainwright.data.tables.table import ROW, Table
from trainwright.tasks import registry
from trainwright.training.trainer import Trainer
from trainwright.watch.events import ignore
from trainwright.watch.terminal.console import Console

LABEL = "__label__"  # the column that ``fit`` adds; reserved


@dataclass(kw_only=True, eq=False, repr=False)
class Estimator(BaseEstimator):  # type: ignore[misc]
    """What the four estimators share.

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

    def _train(self, rows: Any, **more: Any) -> None:
        """Train on rows, a table or pictures, and keep the predictor as ``predictor_``."""
        names = ("model", "epochs", "lr", "batch_size", "valid_fraction", "seed")
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        given = {"test_fraction": 0.0} | given | more | dict(self.settings or {})
        settings = registry.complete_settings(given, {}, self._task, None, None)
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

    @abstractmethod
    def _items(self, X: Any) -> Any:
        """Return rows as the predictor's ``encode`` takes them, checked against what ``fit`` saw."""

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "predictor_")
        items = self._items(X)
        empty = np.zeros((0, self.predictor_.target.outputs), np.float32)
        return self.predictor_.logits(items, len(items)) if len(items) else empty


class _Classifier(ClassifierMixin, Estimator):  # type: ignore[misc]
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
            raise ValueError(f"y has one class only, {self.classes_[0]!r}: there is nothing to tell apart")
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


class TextClassifier(_Classifier):
    """Texts (an iterable of str) and their classes, or several labels a row: 0 and 1, shape (rows, labels)."""

    _task = "text"

    def fit(self, X: Any, y: Any) -> TextClassifier:
        """Train on texts X and labels y. Raises TrainwrightError, which is a ValueError."""
        texts, labels = self._items(X), self._classes(y)
        if len(texts) != len(labels):
            raise ValueError(f"X has {len(texts)} texts and y {len(labels)} labels")
        frame = pl.DataFrame({"text": texts, LABEL: labels}).with_row_index(ROW, offset=1)
        target = "labels" if labels.dtype == pl.List else "class"
        self._train(Table(frame.cast({ROW: pl.Int64}), "X"), text=["text"], label=LABEL, target=target, split="stratified")
        return self

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


class ImageClassifier(_Classifier):
    """Images as an array of numbers, and their classes, or several labels a row: 0 and 1, shape (rows, labels).

    X has shape (rows, height, width), with 1, 3 or 4 channels after the rows or at the end, or (rows, pixels) of square
    images; values 0 to 255, or fractions from 0 to 1.
    """

    _task = "image"

    def fit(self, X: Any, y: Any) -> ImageClassifier:
        """Train on images X and labels y. Raises TrainwrightError, which is a ValueError."""
        array, labels = np.asarray(X), self._classes(y)
        pixels = to_pixels(array, "X")
        if len(pixels) != len(labels):
            raise ValueError(f"X has {len(pixels)} images and y {len(labels)} labels")
        # What values mean follows from the largest: the image that has it speaks for all that come later.
        self.brightest_ = array[[int(array.reshape(len(array), -1).max(axis=1).argmax())]]
        self._train(from_pixels("X", labels, pixels), split="stratified")
        return self

    def _items(self, X: Any) -> np.ndarray:
        pixels = convert({"X": np.asarray(X), "fit": self.brightest_})[0]["X"]
        encoder: Any = self.predictor_.encoder
        return np.stack([reshape(each, encoder.size, encoder.channels) for each in pixels])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array, tags.input_tags.two_d_array = True, False
        return tags


class _Tabular(Estimator):
    _task = "table"

    def _frame(self, X: Any, reset: bool) -> pl.DataFrame:
        """Return a data frame as it is, an array as columns of numbers; missing values are allowed."""
        if hasattr(X, "columns"):
            validate_data(self, X, skip_check_array=True, reset=reset)
            names = [str(name) for name in X.columns]
            return pl.DataFrame({name: _column(X[each]) for name, each in zip(names, X.columns, strict=True)})
        checked = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
        columns = {f"x{place}": column for place, column in enumerate(checked.T)}
        return pl.DataFrame(columns).with_columns(pl.all().fill_nan(None))

    def _fit(self, X: Any, labels: pl.Series, target: str) -> None:
        frame = self._frame(X, reset=True)
        if len(frame) != len(labels):
            raise ValueError(f"Found input variables with inconsistent numbers of samples: {[len(frame), len(labels)]}")
        if len(frame) < 2:
            raise ValueError("n_samples=1: a single row teaches nothing")
        names = frame.columns
        frame = frame.with_columns(labels.alias(LABEL)).with_row_index(ROW, offset=1).cast({ROW: pl.Int64})
        split = "content" if target == "number" else "stratified"
        self._train(Table(frame, "X"), features=names, label=LABEL, target=target, split=split)

    def _items(self, X: Any) -> pl.DataFrame:
        return self.predictor_.items(self._frame(X, reset=False))  # type: ignore[no-any-return]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan, tags.input_tags.categorical, tags.input_tags.string = True, True, True
        return tags


def _column(values: Any) -> pl.Series:
    """Return a column of a data frame of any library, NaN as missing."""
    found = pl.Series(list(values), strict=False)
    return found.fill_nan(None) if found.dtype.is_float() else found


def _checked(y: Any, dtype: Any) -> Any:
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    return check_array(y, ensure_2d=False, dtype=dtype)


class TableClassifier(_Tabular, _Classifier):
    """Rows of a table, an array or a data frame, and their classes, or several labels a row: 0 and 1, shape (rows, labels)."""

    def fit(self, X: Any, y: Any) -> TableClassifier:
        """Train on rows X and labels y. Raises ValueError."""
        labels = self._classes(_checked(y, None))
        self._fit(X, labels, "labels" if labels.dtype == pl.List else "class")
        return self


class TableRegressor(RegressorMixin, _Tabular):  # type: ignore[misc]
    """Rows of a table, an array or a data frame, and a number for each."""

    def fit(self, X: Any, y: Any) -> TableRegressor:
        """Train on rows X and numbers y. Raises ValueError."""
        self._fit(X, pl.Series(LABEL, column_or_1d(_checked(y, np.float64), warn=True)), "number")
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return a number for each row, in the unit of y: float64, shape (rows,)."""
        outputs = self._outputs(X)
        return np.asarray(self.predictor_.target.answers(outputs, 1), np.float64)
