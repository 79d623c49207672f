"""Training a network that grows: an update takes all rows at once, and what it comes to is measured before it is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from trainwright.data.batches.base import Batch, Batches
from trainwright.models.protocols import Grower, Grown
from trainwright.startup import skip_compiler_import
from trainwright.training.state import Tally
from trainwright.training.step import Learner, Made


class WholeBatches:
    """The rows of training as one batch, which comes as often in an epoch as the network grows."""

    batch_size = 0  # it comes as it is

    def __init__(self, rows: Batches, weights: np.ndarray | None, network: Grown) -> None:
        """Take the rows in order, in one batch, and what each counts in the loss."""
        (batch,) = rows.epoch(0)
        self._batch = batch if weights is None else batch._replace(weights=torch.from_numpy(weights))
        self.rows, self.per_epoch = batch.size, network.updates_per_epoch

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield the batch for each update from number ``start`` on."""
        yield from [self._batch] * (self.per_epoch - start)


class GrowStep:
    """Makes an update by growing the network, in the place of ``step.update``."""

    def __init__(self) -> None:
        self._grower: Grower | None = None
        self._loads = 0

    def __call__(self, learner: Learner, window: Sequence[Batch], number: int, tally: Tally) -> Made:
        """Make an update of one batch, and return what it came to."""
        (batch,) = window
        learner.at_step_boundary = False
        if self._grower is None or self._loads != learner.loads:  # another network lies there now
            assert isinstance(learner.model, Grown)
            self._grower = learner.model.grower(batch.inputs, batch.targets, batch.weights, learner.objective.loss)
            self._loads = learner.loads
        outputs = self._grower.outputs
        mean, weight = learner.objective(outputs, batch.targets, batch.weights)
        self._grower.grow(learner.lr)
        tally.add(mean.item(), float(weight), outputs, batch)
        return Made(mean.item(), batch.size, None, {})


def rate_only(lr: float) -> torch.optim.Optimizer:
    """Return an optimiser without parameters, whose rate schedules move."""
    skip_compiler_import(torch.optim.Optimizer)
    return torch.optim.SGD([{"params": list[nn.Parameter]()}], lr=lr)
