"""What a model has to be worth: simple ones, which take a moment to fit to the same training rows.

All are closed forms: the same rows give the same answers, whatever was asked before. Rows come in pieces, as often as they are
wanted, so that those which are decoded on the way need not be held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from trainwright.data.shapes import TableShape
from trainwright.data.text.ragged import Ragged, row_numbers
from trainwright.models.boosted import BoostedTrees
from trainwright.models.catalog import BoostedSettings

Pieces = Callable[[], Iterator[Tensor]]  # goes through all rows once, in order: float32 (rows, columns) each
SMOOTHING = 0.03  # added to every count of a token: the best on validation rows of four sets of texts (benchmarks/smoothing.py)
MOST_CELLS = 1 << 26  # of a table of tokens and classes; ids beyond are passed over
RIDGE = 1.0  # on columns of deviation 1


def naive_bayes(
    train: Sequence[Ragged], targets: np.ndarray, classes: int, parts: Sequence[Sequence[Ragged]]
) -> list[np.ndarray]:
    """Return the answers of multinomial naive Bayes (McCallum and Nigam 1998) to the bags of each part.

    ``targets`` are class numbers, int64 (rows,), and answers too; or 0 and 1 for every label, uint8 (rows, labels), of which
    each is told by itself against the rows without it: answers are bool (rows, labels).
    """
    several = targets.ndim == 2
    rows, told = np.nonzero(targets) if several else (np.arange(len(targets)), targets)
    there = np.bincount(told, minlength=classes).astype(np.float64)
    if several:
        prior = np.log(there + SMOOTHING) - np.log(len(targets) - there + SMOOTHING)
    else:
        prior = np.log(np.maximum(there, SMOOTHING)) - np.log(len(targets))
    sums = [np.tile(prior.astype(np.float32), (len(part[0]), 1)) for part in parts]
    for place, bags in enumerate(train):
        size = min(int(bags.values.max(initial=0)) + 1, max(MOST_CELLS // classes, 1))
        table = _weights(_counts(bags.take(rows), told, size, classes), several and _counts(bags, None, size, 1))
        for found, part in zip(sums, parts, strict=True):
            found += _summed(part[place], table)
    return [found > 0 if several else found.argmax(axis=1) for found in sums]


def _counts(bags: Ragged, told: np.ndarray | None, size: int, classes: int) -> np.ndarray:
    """Return how often each id below ``size`` occurs in the rows of each class: float64 (size, classes)."""
    ids = bags.values.astype(np.int64)
    keys = ids if told is None else ids * classes + told[row_numbers(bags.offsets)]
    return np.bincount(keys[ids < size], minlength=size * classes).reshape(size, classes).astype(np.float64)


def _weights(counts: np.ndarray, everywhere: np.ndarray | bool | None) -> np.ndarray:
    """Return what an id adds to the score of each class: float32 (size, classes)."""
    found: np.ndarray = np.log(counts + SMOOTHING) - np.log((counts + SMOOTHING).sum(axis=0))
    if isinstance(everywhere, np.ndarray):
        others = everywhere - counts + SMOOTHING
        found -= np.log(others) - np.log(others.sum(axis=0))
    return found.astype(np.float32)


def _summed(bags: Ragged, table: np.ndarray) -> np.ndarray:
    """Return the sum of the table's rows of each bag; ids beyond its end add nothing."""
    ids = torch.from_numpy(np.minimum(bags.values.astype(np.int64), len(table)))
    rows = torch.from_numpy(np.concatenate([table, np.zeros_like(table[:1])]))
    sums = torch.nn.functional.embedding_bag(ids, rows, torch.tensor(bags.offsets[:-1]), mode="sum")
    return sums.numpy()


def least_squares(train: Pieces, wanted: np.ndarray, parts: Sequence[Pieces]) -> list[np.ndarray]:
    """Return what ridge regression (Hoerl and Kennard 1970) says of each part: float64 (rows, outputs).

    ``wanted``, (rows, outputs), are numbers; or 0 and 1 for each class or label, the largest of which is then the answer.
    """
    squares: Tensor | float = 0.0
    products: Tensor | float = 0.0
    done = 0
    for piece in train():
        columns = _with_one(piece)
        squares = squares + columns.T @ columns
        products = products + columns.T @ torch.tensor(wanted[done : done + len(piece)]).double()
        done += len(piece)
    assert isinstance(squares, Tensor) and isinstance(products, Tensor)
    penalty = torch.full((len(squares),), RIDGE, dtype=torch.float64)
    penalty[-1] = 1e-6  # the constant
    weights = torch.linalg.solve(squares + torch.diag(penalty), products)
    return [torch.cat([_with_one(piece) @ weights for piece in part()]).numpy() for part in parts]


def _with_one(piece: Tensor) -> Tensor:
    """Return the columns with a constant behind them, without what lies absurdly far off."""
    return torch.cat([piece.double().clamp(-1e3, 1e3), torch.ones(len(piece), 1, dtype=torch.float64)], dim=1)


def nearest_centroid(train: Pieces, targets: np.ndarray, classes: int, parts: Sequence[Pieces]) -> list[np.ndarray]:
    """Return to the mean of which class each row is nearest: int64 (rows,); the first of several."""
    sums: Tensor | float = 0.0
    done = 0
    for piece in train():
        of_class = torch.nn.functional.one_hot(torch.tensor(targets[done : done + len(piece)]), classes).to(piece.dtype)
        sums = sums + (of_class.T @ piece).double()
        done += len(piece)
    assert isinstance(sums, Tensor)
    rows = torch.from_numpy(np.bincount(targets, minlength=classes)).clamp(min=1)
    means = sums / rows[:, None]
    level = (means**2).sum(dim=1) / 2
    near = [[(piece.double() @ means.T - level).argmax(dim=1) for piece in part()] for part in parts]
    return [torch.cat(each).numpy() for each in near]


def boosted_trees(train: Pieces, targets: np.ndarray, parts: Sequence[Pieces]) -> list[np.ndarray]:
    """Return the answers of ``model=boosted``, of 100 trees an output: class numbers, numbers, or bool for each label."""
    columns, others = _whole(train), [_whole(part) for part in parts]
    numbers, several = targets.dtype.kind == "f", targets.ndim == 2
    loss: nn.Module = nn.MSELoss() if numbers else nn.BCEWithLogitsLoss() if several else nn.CrossEntropyLoss()
    outputs = targets.shape[1] if several else 1 if numbers else int(targets.max()) + 1
    network = BoostedTrees(BoostedSettings(min_rows=20), TableShape(columns.shape[1], (), outputs))

    def inputs(rows: Tensor) -> tuple[Tensor, Tensor]:
        return rows, torch.zeros(len(rows), 0, dtype=torch.int32)

    grower = network.grower(inputs(columns), torch.tensor(targets), None, loss)
    for _ in range(100):
        grower.grow(0.1)
    found = [network(*inputs(each)).numpy() for each in others]
    return [each[:, 0] if numbers else each > 0 if several else each.argmax(axis=1) for each in found]


def linear_bag(train: Ragged, targets: np.ndarray, parts: Sequence[Ragged]) -> list[np.ndarray]:
    """Return the answers of scikit-learn's linear models on the bags: a support vector machine, of numbers ridge regression."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import Ridge
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import LinearSVC

    size = 1 + max(int(each.values.max(initial=0)) for each in (train, *parts))

    def matrix(bags: Ragged) -> object:
        weights = np.ones(len(bags.values), np.float64) if bags.weights is None else bags.weights.astype(np.float64)
        return csr_matrix((weights, bags.values, bags.offsets), shape=(len(bags), size))

    if targets.dtype.kind == "f":
        model = Ridge(solver="sparse_cg").fit(matrix(train), targets.astype(np.float64))
    else:
        machine = LinearSVC(random_state=0)
        model = (OneVsRestClassifier(machine) if targets.ndim == 2 else machine).fit(matrix(train), targets)
    answers = [model.predict(matrix(part)) for part in parts]
    return [each == 1 for each in answers] if targets.ndim == 2 else answers


def _whole(pieces: Pieces) -> Tensor:
    return torch.cat(list(pieces()))
