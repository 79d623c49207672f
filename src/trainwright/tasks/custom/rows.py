"""Rows of a run of ``fit`` for people to look at: those watched while it learns, and at its end those that tell most.

watched.json and examples.json are those of every run (see ``run.examples``); ``file`` is None, and ``row`` counts the rows of
the validation data from 0 on. As those data cannot be read again by whoever looks at the run, the inputs of the worst rows are
kept too, in a group of their own: ``worst``. Data that cannot be asked for single rows have no watched rows, and no inputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from trainwright.data.batches.base import Batch
from trainwright.data.batches.user_data import UserBatches
from trainwright.data.labels import LabelEncoder
from trainwright.evaluation import measure
from trainwright.models.objective import has_classes
from trainwright.store.atomic import write_file
from trainwright.tasks.base import WATCHED
from trainwright.tasks.class_target import ClassTarget
from trainwright.tasks.custom.options import FitOptions
from trainwright.tasks.custom.report import is_one_number
from trainwright.tasks.example_rows import as_json, choose, with_targets, worst
from trainwright.tasks.image.saliency import uri
from trainwright.watch.events import Answers, in_short

WORST = 40  # rows whose inputs are kept for ``mistakes``
NUMBERS = 24  # of an input that are written out
SMALLEST, SIDE = 6, 96  # pixels of a side: from so many on it is a picture; the longer one is made no longer


class WatchedRows:
    """Asks a model for its answers to a few validation rows, which are written to ``path`` when it is asked first.

    There are none where the data cannot be asked for single rows, or where no class or number is predicted of each.
    """

    def __init__(self, options: FitOptions, valid: UserBatches, path: Path) -> None:
        self._options, self._valid, self._path = options, valid, path
        self._kept = np.zeros(0, np.int64)  # places in the batch of the rows that have a target
        self._batch: Batch | None = None
        self._begun = False

    def __call__(self, model: nn.Module, epoch: int) -> Answers | None:
        """Return the answers; None where nothing is watched."""
        if not self._begun:
            self._begun = True
            with suppress(Exception):  # what is wrong with data or model is said where they are trained on
                self._begin(model)
        if self._batch is None:
            return None
        outputs, targets = self._ask(model, self._batch)
        return Answers(epoch, _brief(outputs[self._kept], targets[self._kept]))

    def _ask(self, model: nn.Module, batch: Batch) -> tuple[Any, Any]:
        return measure.outputs(self._options.forward(model), [batch]), measure.on_cpu(batch.targets)

    def _begin(self, model: nn.Module) -> None:
        """Choose the rows, and write down what they are."""
        places = np.unique(np.linspace(0, self._valid.rows - 1, min(WATCHED, self._valid.rows)).round().astype(np.int64))
        batch = self._valid.take(places) if len(places) else None
        if batch is None:
            return
        outputs, targets = self._ask(model, batch)
        kind = _kind(outputs, targets)
        if not kind:
            return
        ignored = self._options.objective().ignored if kind == "class" else None
        self._kept = np.flatnonzero(targets.numpy() != ignored) if ignored is not None else np.arange(len(places))
        labels = [str(number) for number in range(outputs.shape[1])] if kind == "class" else []
        truths = [str(each) if labels else float(each) for each in targets.flatten()[self._kept].tolist()]
        inputs = shown(batch)
        rows = [
            as_json({"file": None, "row": int(places[place]), "truth": truth, "input": inputs[place]})
            for place, truth in zip(self._kept.tolist(), truths, strict=True)
        ]
        write_file(self._path, json.dumps({"labels": labels, "rows": rows}))
        self._batch = batch if rows else None


def _kind(outputs: Any, targets: Any) -> str:
    """Return class or number, whichever is predicted of each row; empty for anything else."""
    return "class" if has_classes(outputs, targets) else "number" if is_one_number(outputs, targets) else ""


def _brief(outputs: Tensor, targets: Tensor) -> list[Any]:
    """Return the answers to rows as ``Answers`` has them."""
    if not has_classes(outputs, targets):
        return [in_short(each) for each in outputs.flatten().tolist()]
    names = LabelEncoder(tuple(map(str, range(outputs.shape[1]))))
    return ClassTarget(names, {"loss": {"name": "CrossEntropyLoss"}}).brief(outputs.float().numpy(), targets.numpy())


def examples(rows: pl.DataFrame, valid: UserBatches) -> list[dict[str, Any]]:
    """Return the content of ``examples.json``: ``rows`` are what was said of each validation row."""
    there = with_targets(rows)
    groups = choose(there) | {"worst": worst(there).head(WORST).select(pl.all().exclude("probabilities"))}
    chosen = pl.concat([frame.select(pl.lit(name).alias("group"), pl.all()) for name, frame in groups.items()])
    places = np.unique(chosen["row"].to_numpy())
    inputs: dict[int, Any] = {}
    with suppress(Exception):  # data may have gone, memory be short: the run must end all the same
        batch = valid.take(places) if len(places) else None
        inputs = {} if batch is None else dict(zip(places.tolist(), shown(batch), strict=True))
    return [
        {"split": "valid", **as_json(row | {"input": inputs.get(row["row"])}), "against": None, "why": None}
        for row in chosen.to_dicts()
    ]


def shown(batch: Batch) -> list[Any]:
    """Return the input of each row as a person can look at it: a text, a picture as a URI, or parts by their names."""
    given = {"input": batch.inputs[0]} if batch.named is None and len(batch.inputs) == 1 else batch.named
    if given is None:
        given = {f"input {number}": each for number, each in enumerate(batch.inputs, start=1)}
    columns = dict(part for name, value in given.items() for part in _columns(name, value, batch.size))
    if len(columns) == 1:
        (column,) = columns.values()
        return [_picture(each) or _written(each) for each in column]
    return (
        [{name: _written(column[row]) for name, column in columns.items()} for row in range(batch.size)]
        if columns
        else [None] * batch.size
    )


def _columns(name: str, value: Any, size: int) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield what in an input has an entry for each row, under names."""
    if isinstance(value, Tensor):
        if value.ndim and len(value) == size:
            yield name, value.detach().cpu()  # type: ignore[misc]  # a tensor is a sequence of its rows
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _columns(f"{name} {key}", each, size)
    elif isinstance(value, list | tuple):
        if len(value) == size and all(isinstance(each, str | int | float | bool) for each in value):
            yield name, value
        else:
            for number, each in enumerate(value, start=1):
                yield from _columns(f"{name} {number}", each, size)


def _written(value: Any) -> Any:
    """Return an entry as a text or a number: of a tensor the first numbers, and its shape where there are more."""
    if not isinstance(value, Tensor):
        return value
    if not value.ndim:
        return value.item() if not value.is_complex() else str(value.item())
    numbers = [f"{each:.4g}" if isinstance(each, float) else str(each) for each in value.flatten()[:NUMBERS].tolist()]
    whole = value.ndim == 1 and len(value) <= NUMBERS
    return ", ".join(numbers) + ("" if whole else f" ... ({' x '.join(map(str, value.shape))} numbers)")


def _picture(value: Any) -> str | None:
    """Return a tensor of the shape of a picture, channels first or last, as the URI of a PNG file; None for any other.

    Values from 0 to 1 (of bytes to 255) are taken as they are; else the least is black and the greatest white.
    """
    from PIL import Image

    if not isinstance(value, Tensor) or value.is_complex() or not (value.is_floating_point() or value.dtype == torch.uint8):
        return None
    if value.ndim == 3:
        value = value if value.shape[0] not in (1, 3) else value.permute(1, 2, 0)
        value = value[..., 0] if value.shape[2] == 1 else value
    sides = value.shape[:2]
    if value.ndim not in (2, 3) or value.shape[2:] not in ((), (3,)) or min(sides) < SMALLEST:
        return None
    pixels = value.double().nan_to_num(0.0, 0.0, 0.0)
    low, high = (0.0, 255.0) if value.dtype == torch.uint8 else (float(pixels.min()), float(pixels.max()))
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    image = Image.fromarray(((pixels - low) * (255 / ((high - low) or 1.0))).round().to(torch.uint8).numpy())
    image.thumbnail((SIDE, SIDE))
    return uri(image)
