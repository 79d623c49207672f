"""What a run of ``fit`` came to, in the form of any run: scores on its validation data, and what was said of each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from trainwright.data.batches.base import Batches
from trainwright.evaluation import classification, measure, regression
from trainwright.models.objective import Objective, has_classes
from trainwright.tasks.custom import about
from trainwright.tasks.custom.options import FitOptions
from trainwright.training.problem import Measured
from trainwright.training.state import State

if TYPE_CHECKING:
    import polars as pl


def measured(options: FitOptions, objective: Objective, valid: Batches | None) -> Measured:
    """Return the scores of the model as it is now on its validation data, with the columns of ``store.predictions``.

    Rows are told of, and a baseline, where a class or a number is predicted; the loss of each is None for a loss that torch
    does not know.
    """
    if valid is None:
        return Measured({"labels": [], "valid": None, "baseline": None}, {})
    found = measure.predict_all(options.forward(), objective, valid.epoch(0))
    scores = found.scores({name: float(each(found.outputs, found.targets)) for name, each in (options.metrics or {}).items()})
    values: dict[str, Any] = {"n": scores.n, **scores.values()}
    outputs, targets, labels = found.outputs, found.targets, list[str]()
    columns: dict[str, Any] = {}
    baseline: dict[str, Any] | None = None
    if has_classes(outputs, targets):
        kept = targets != objective.ignored if objective.ignored is not None else torch.ones_like(targets, dtype=torch.bool)
        labels = [str(number) for number in range(outputs.shape[1])]
        rows = targets[kept].numpy(), outputs[kept].float().numpy()
        values |= classification.scores(*rows) | classification.by_class(*rows, tuple(labels))
        columns, baseline = _of_classes(outputs.float(), targets), _majority(options, rows[0], tuple(labels))
    elif is_one_number(outputs, targets):
        pair = targets.flatten().double().numpy(), outputs.flatten().double().numpy()
        values |= regression.scores(*pair) | {"points": regression.points(*pair)}
        columns = dict(zip(("truth", "answer"), pair, strict=True))
        baseline = _mean(options, objective, outputs, targets)
    losses = objective.each(outputs, targets)
    values["loss_interval"] = measure.loss_interval(objective, found, losses)
    if columns:
        columns["loss"] = None if losses is None else losses.numpy()
    scores_of = {"labels": labels, "valid": values, "baseline": baseline}
    return Measured(scores_of, {"valid": _frame(columns)} if columns else {})


def _targets(options: FitOptions) -> torch.Tensor | None:
    """Return the targets of training where they are at hand: those of other data would have to be gone through."""
    parts = about.whole(options)
    return None if parts is None or parts.targets is None else torch.as_tensor(parts.targets).detach().cpu().flatten()


def _majority(options: FitOptions, valid: np.ndarray, labels: tuple[str, ...]) -> dict[str, Any]:
    """Return the scores of always answering the most frequent class of training, else of the validation rows themselves."""
    found = _targets(options)
    train = valid if found is None else found.numpy()
    best = classification.majority(train[(train >= 0) & (train < len(labels))], valid, labels)
    return best if found is not None else best | {"name": "majority class of the validation rows"}


def _mean(options: FitOptions, objective: Objective, outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, Any]:
    """Return the scores of always answering the mean of the targets of training, else of validation, with its loss."""
    found = _targets(options)
    value = float((targets if found is None else found).double().mean())
    best = regression.mean_baseline(value, targets.flatten().double().numpy())
    if not objective.plain:  # its loss is not known without the model
        return best if found is not None else best | {"name": "mean of the validation targets"}
    best["loss"] = float(objective.measure(torch.full_like(outputs, value), targets).loss) / max(len(targets), 1)
    return best if found is not None else best | {"name": "mean of the validation targets"}


def report(
    options: FitOptions, scores: Mapping[str, Any], state: State, machine: Mapping[str, Any], rows: int
) -> dict[str, Any]:
    """Return the content of ``report.json``; ``rows`` are those of training, 0 where they cannot be counted."""
    seconds = round(state.seconds, 4)
    return {
        "task": "model of your own",
        "usage": "report RUN",
        "model": type(options.model).__name__,
        "source": about.source(options.data),
        **scores,
        "test": None,
        "best_epoch": state.best_epoch or state.epoch,
        "epochs": state.epoch,
        "steps": state.step,
        "parameters": sum(each.numel() for each in options.model.parameters()),
        "unit": "rows",
        "machine": machine,
        "rows": {"train": rows, "valid": scores["valid"]["n"] if scores["valid"] else 0, "rejected": 0},
        "seconds": {"train": seconds},
        "rows_per_second": round(state.rows / max(seconds, 1e-9)),
    }


def is_one_number(outputs: Any, targets: Any) -> bool:
    """Return whether a single number is predicted of each row."""
    tensors = isinstance(outputs, torch.Tensor) and isinstance(targets, torch.Tensor)
    return tensors and targets.is_floating_point() and outputs.numel() == targets.numel() == len(targets)


def _of_classes(outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, Any]:
    """Return class numbers as labels, and the softmax of the outputs: of log-probabilities it is the probabilities."""
    import polars as pl

    shares, answers = outputs.softmax(dim=1), outputs.argmax(dim=1)
    numbers = {"truth": targets, "answer": answers}
    columns: dict[str, Any] = {name: pl.Series(each.numpy()).cast(pl.String) for name, each in numbers.items()}
    best = shares.gather(1, answers[:, None])[:, 0]
    return columns | {"probability": best.numpy(), "probabilities": shares.numpy()}


def _frame(columns: dict[str, Any]) -> pl.DataFrame:
    """Return columns of the validation data behind the number of each row, from 0 on; there is no file."""
    import polars as pl

    frame = pl.DataFrame(columns)
    rows = {"file": pl.repeat(None, len(frame), dtype=pl.String, eager=True), "row": pl.int_range(len(frame), eager=True)}
    return pl.DataFrame(rows).hstack(frame)
