"""Out of fold: what models that never saw them say of training rows, a training for each part of these.

``folds/K-DIGEST.safetensors`` of a run holds what the model without the K-th part of the rows said of them. The name has
the digest of what is in it, so that a training which was killed takes nothing from a damaged file: it trains that part anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.evaluation.folds import cut
from trainwright.plain_files import content, damaged
from trainwright.store.atomic import write_file

if TYPE_CHECKING:
    from trainwright.evaluation.measure import Outputs

LARGEST = 1 << 30  # bytes of a file
# A part is trained as every machine would: what is fastest here is measured for the whole training alone.
PLAINLY = {"precision": "float32", "compile": False, "graph": False, "threads": 1, "speed": "off", "baselines": "off"}


def parts_of(problem: Any, count: int) -> np.ndarray:
    """Return which of ``count`` parts each training row is in, int64 (rows,): groups stay whole, classes are spread evenly."""
    train = problem.splits["train"]
    return cut(train.targets, train.units, count, problem.settings.seed)


class Folds:
    """One problem, part by part; what its models said is kept in ``folder``."""

    def __init__(self, problem: Any, count: int, folder: Path) -> None:
        self.problem, self.count, self.folder = problem, count, folder
        self.part = parts_of(problem, count)
        self.length = np.array([problem.settings.epochs or 0, problem.settings.steps], np.int64)  # which a resume may change
        self.said: list[dict[str, np.ndarray]] = []

    def go_on(self) -> None:
        """Train without the next part and keep what is said of it, or take what was kept. Raise E402; and as ``train``."""
        number = len(self.said)
        found = self._kept(number) or self._judged(number)
        self.said.append(found)

    def restore(self) -> Outputs:
        """Return what was said of all training rows, from what is kept. Raise E408 where that is not as it was written."""
        self.said = [found for number in range(self.count) if (found := self._kept(number)) is not None]
        if len(self.said) < self.count:
            raise damaged(self.folder, ValueError(f"it has {len(self.said)} whole parts of {self.count}"))
        return self.outputs()

    def measured(self) -> np.ndarray:
        """Return the places of the rows of which something was said, in the order of ``errors``."""
        return np.concatenate([np.flatnonzero(self.part == number) for number in range(len(self.said))])

    def outputs(self) -> Outputs:
        """Return what was said of all training rows, in order."""
        from trainwright.evaluation.measure import outputs_of

        train = self.problem.splits["train"]
        found = np.concatenate([each["outputs"] for each in self.said])[np.argsort(self.measured(), kind="stable")]
        loss, weight = np.sum([each["sums"] for each in self.said], axis=0).tolist()
        return outputs_of(found, train.targets, loss, weight, train.units)

    def _judged(self, number: int) -> dict[str, np.ndarray]:
        from trainwright.training.autotune import threaded
        from trainwright.training.trainer import Trainer

        whole = self.problem
        train = whole.splits["train"]
        learned, out = np.flatnonzero(self.part != number), np.flatnonzero(self.part == number)
        settings = whole.settings.model_copy(update=PLAINLY)
        if settings.on_nonfinite == "rollback":  # no checkpoints are written here
            settings = settings.model_copy(update={"on_nonfinite": "skip"})
        splits = {"train": train.take(learned), "test": train.take(out)}
        training = Trainer(replace(whole, settings=settings, target=copy(whole.target), splits=splits))
        training.train(lambda event: None)
        judging: Any = training.problem
        with threaded(1):
            said = judging.outputs(training.model, training.learner.objective, "test", training.device)
        found = {
            "outputs": said.outputs.float().numpy(),
            "sums": np.array([said.loss, said.weight], np.float64),
            "length": self.length,
        }
        self._keep(number, found)
        return found

    def _keep(self, number: int, found: dict[str, np.ndarray]) -> None:
        import safetensors.numpy

        raw = safetensors.numpy.save(found)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_file(self.folder / f"{number}-{_digest(raw)}.safetensors", raw)

    def _kept(self, number: int) -> dict[str, np.ndarray] | None:
        """Return what was kept of a part by a training as long; None where nothing is as it was written."""
        rows = int((self.part == number).sum())
        for found in _whole(self.folder, number):
            fits = set(found) == {"outputs", "sums", "length"} and np.array_equal(found["length"], self.length)
            if fits and len(found["outputs"]) == rows and len(found["sums"]) == 2:
                return found
        return None


def _whole(folder: Path, number: int) -> Iterator[dict[str, np.ndarray]]:
    import safetensors.numpy

    from trainwright.store.seal import check_header

    for path in sorted(folder.glob(f"{number}-*.safetensors")):
        with suppress(OSError, ValueError):
            raw = content(path, LARGEST)
            if path.stem == f"{number}-{_digest(raw)}":
                yield safetensors.numpy.load(check_header(raw))


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:32]
