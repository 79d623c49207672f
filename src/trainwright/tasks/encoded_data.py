"""The encoded rows of a source: a torch ``Dataset`` a split, loaders, and what the numbers stand for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from trainwright.config.settings import Settings
from trainwright.data.batches.loader import Loader
from trainwright.data.tables.split import NAMES
from trainwright.errors import error, nearest

_HELP = "help(trainwright.load_data)"


class EncodedData:
    """The data of a source as ``train`` uses them, for a loop of one's own or for ``fit``. ``load_data`` makes it.

    A batch is a tuple (input, ..., targets), an item of a data set the same of one row:

    text      values int32 (tokens,), one text after the other; offsets int32 (rows,), where each begins; for
              ``weighting="tf-idf"`` weights float32 (tokens,): the arguments of ``EmbeddingBag``. Items have no offsets and
              differ in length, so a ``DataLoader`` of one's own needs ``collate_fn=data.train.collate``.
    image     pictures float32 (rows, channels, height, width), normalised by the training pictures
    table     numeric float32 (rows, numbers), standardised; codes int32 (rows, categories), 0 for one that is missing or not
              known, of shape (rows, 0) where there are no categories; for each column of text a tuple as ``EmbeddingBag``
              takes it: values int32 (tokens,), offsets int32 (rows,), weights float32 (tokens,). Items have no offsets.
    language  ids int64 (rows, time)

    Targets are class numbers int64 (rows,); numbers float32 (rows,), standardised; or the next tokens int64 (rows, time), -100
    (which ``CrossEntropyLoss`` leaves out) where one counts in another window or is not there.

    Attributes:
        task: text, image, table or language.
        settings: all settings, with those filled in that the data decide.
        encoder: what turns rows into inputs, learned from the training rows alone.
        labels: the classes by their numbers; empty where numbers or tokens are predicted.
        vocabulary: the tokens by their ids, of texts and language; empty for images and tables, whose codes stand for
            ``encoder.categories``. Ids beyond it are those of n-grams.
    """

    def __init__(self, problem: Any) -> None:
        self._problem = problem
        self.task: str = problem.task
        self.settings: Settings = problem.settings
        self.encoder: Any = problem.encoder
        self.labels: tuple[str, ...] = problem.labels
        self.vocabulary: tuple[str, ...] = tuple(getattr(problem.encoder, "tokens", ()))

    @cached_property
    def train(self) -> Dataset[Any]:
        """Return the training rows, in the order of the source; pictures without random changes."""
        found: Dataset[Any] = self._problem.dataset("train")
        return found

    @cached_property
    def valid(self) -> Dataset[Any] | None:
        """Return the validation rows in order, or None; of a text the windows by which a language model is measured."""
        return self._dataset("valid")

    @cached_property
    def test(self) -> Dataset[Any] | None:
        """Return the test rows, as ``valid``."""
        return self._dataset("test")

    def loader(self, split: str = "train", batch_size: int | None = None, seed: int | None = None) -> Loader:
        """Return a split in batches of ``batch_size`` rows; None = that of the settings.

        Rows of train come as in a training with this ``seed`` (None = that of the settings), pictures with the random changes
        of ``augment``, and each pass over the loader is the next epoch. Language models that carry a state have lanes, which
        go on from batch to batch, others windows in random order. Rows of valid and test come in order, unless there is a
        seed. Raise E320 for a split that is not there, and for numbers that cannot be meant.
        """
        self._check(split)
        batch_size = self.settings.batch_size or 1 if batch_size is None else batch_size
        seed = self.settings.seed if seed is None and split == "train" else seed
        for name, value, least in (("batch_size", batch_size, 1), ("seed", seed, 0)):
            if value is not None and (type(value) is not int or value < least):
                raise error("E320", name=name, value=value, problem=f"int, at least {least}", help=_HELP)
        return self._problem.loader(split, batch_size, seed)  # type: ignore[no-any-return]

    def rows(self, split: str = "train") -> np.ndarray:
        """Return the number of each row in its file, int64 (rows,); of language the place of each token. Raise E320."""
        self._check(split)
        part = self._problem.splits[split]
        return np.asarray(getattr(part, "rows", np.arange(1, len(part) + 1)))

    def _dataset(self, split: str) -> Dataset[Any] | None:
        return self._problem.dataset(split) if split in self._problem.splits else None

    def _check(self, split: str) -> None:
        there = [name for name in NAMES if name in self._problem.splits]
        if split not in there:
            hint = nearest(str(split), there)
            raise error("E320", name="split", value=split, problem=f"the data have {', '.join(there)}", hint=hint, help=_HELP)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(part):,}" for name, part in self._problem.splits.items())
        return f"EncodedData({self.task}: {sizes})"
