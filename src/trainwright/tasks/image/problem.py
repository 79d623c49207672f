"""Image classification: from pictures of any kind to splits of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.images import look_alike
from trainwright.data.images.normalize import ImageNormalizer
from trainwright.data.images.storage import Files, ImageSizes, Inputs, Stored, fit_in_memory, measure_sizes, store
from trainwright.data.read.source import Source
from trainwright.data.tables.label_form import LabelForm
from trainwright.data.tables.text_columns import left_out
from trainwright.errors import error
from trainwright.tasks import targets
from trainwright.tasks.base import FillCache, Predictor, Split
from trainwright.tasks.cutting import choose_split, split_column
from trainwright.tasks.defaults import fill
from trainwright.tasks.grouping import grouping
from trainwright.tasks.image import defaults, reading
from trainwright.tasks.image.predictor import ImagePredictor
from trainwright.tasks.splitting import Rows, assign_splits
from trainwright.tasks.supervised import SupervisedProblem
from trainwright.watch.events import Listener, Note, PhaseEnded, Progress

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.utils.data import Dataset

    from trainwright.data.batches.base import Batches
    from trainwright.models.objective import Objective
    from trainwright.tasks.baselines import View
    from trainwright.tasks.targets import Target

TITLES = {"class": "image classification", "number": "image regression", "labels": "multi-label image classification"}

Form = tuple[tuple[int, int], int]  # (height, width), and the number of channels


@dataclass
class ImageProblem(SupervisedProblem):
    """Pictures and what is predicted of them."""

    task = "image"

    @property
    def title(self) -> str:
        return TITLES[self.target.kind]

    @property
    def tunable(self) -> set[str]:
        return super().tunable | {"layout"}  # convolutions care for the order in memory

    def derive(self) -> list[Note]:
        streamed = any(isinstance(part.inputs, Files) for part in self.splits.values())
        rows, shape, tuned = len(self.splits["train"]), self.encoder.shape(self.target.outputs), self.parent is not None
        self.settings, notes = defaults.image_training(self.settings, rows, shape, self.target.kind, tuned, streamed)
        return notes

    def objective(self, model: nn.Module, device: torch.device) -> Objective:
        """Return the loss. Raise SettingError, and DataError E273 for one that takes no mixed targets."""
        found = super().objective(model, device)
        assert self.settings.loss is not None
        if "mixup" in (self.settings.augment or []) and self.settings.loss.name in ("NLLLoss", "MultiMarginLoss"):
            raise error("E273", name=self.settings.loss.name)
        return found

    def leaked(self, split: str) -> np.ndarray | None:
        """Return also copies of training pictures, where they are in files, which take long to read, and fit in memory."""
        found, rows, train = super().leaked(split), self.splits[split], self.splits["train"]
        if isinstance(rows.inputs, Files) or isinstance(train.inputs, Files) or not rows.names:
            return found
        copied = look_alike.copies(look_alike.greys(rows.inputs), look_alike.greys(train.inputs))
        copied = copied if found is None else copied | found
        return copied if copied.any() else None

    def view(self, part: Split) -> View:
        from trainwright.tasks.baselines import of_pictures

        return of_pictures(part.inputs)

    def dataset(self, name: str) -> Dataset[Any]:
        from trainwright.data.images.batches import ImageDataset

        split, encoder = self.splits[name], self.encoder
        return ImageDataset(split.inputs, split.targets, encoder.mean, encoder.std)

    def batches_of(self, part: Split, batch_size: int, seed: int | None, device: torch.device, **how: Any) -> Batches:
        """Return normalised pictures in batches; those of training are changed at random."""
        from trainwright.data.images.augment import Augment

        changes = self.settings.augment if seed is not None else None
        augment = Augment(changes, self.settings.seed, self.target.outputs) if changes else None
        return super().batches_of(part, batch_size, seed, device, augment=augment, workers=self.settings.workers or 0)

    def name_rows(self, rows: np.ndarray) -> str:
        names = self.splits["train"].names
        if not names:
            return super().name_rows(rows)
        found = sorted(names[row] for row in rows.tolist())
        more = f", ... ({len(found)} images)" if len(found) > 20 else ""
        return f"{self.splits['train'].file}: {', '.join(found[:20])}{more}"


def prepare(source: Source, settings: Settings, parent: Predictor | None, listen: Listener) -> tuple[ImageProblem, FillCache]:
    """Read, measure, decode and split; return also what must be called to fill the cache.

    With ``parent`` its size, channels and normalisation are used. Raise SourceError and DataError.
    """
    parts, columns, tables = reading.read(source, settings)
    table = tables.get("train")
    kinds: dict[Any, Any] = {pl.List: "labels", pl.Float64: "number"}
    kind = kinds.get(parts["train"].labels.dtype.base_type(), "class")
    written = LabelForm.from_values(columns, kind)
    named = (columns.get("image", ""), *written.columns)
    settings, said = choose_split(settings, table, named, parts.keys() - {"train"})
    found = measure_sizes(parts.values())
    settings, form, notes = _sized(settings, found, parent)
    listen(PhaseEnded("read"))
    in_memory = fit_in_memory(parts.values(), *form)
    stored = {
        name: store(part, *form, in_memory, partial(_tell, listen, f"decode {name}"), listen) for name, part in parts.items()
    }
    listen(PhaseEnded("decode"))
    pictures = stored["train"].pictures
    known = parent.target if isinstance(parent, ImagePredictor) else None
    if known and known.kind != kind:
        raise error("E260", found=targets.WORDS[known.kind], wanted=f"here are {targets.WORDS[kind]}")
    group = grouping(settings, table, named, None if kind == "labels" else written.name)
    given = {}
    for name, each in stored.items():
        more = reading.groups_of(each.pictures, tables.get(name), group.column)
        more |= reading.further_columns(settings, each.pictures, table) if name == "train" else {}
        given[name] = reading.part_of(each.pictures, more)
    rows = assign_splits(source, given, settings, classes=kind != "number", typed=False, noun="image", group=group)
    target = targets.fit(kind, written.name, rows.part("train")["label"], settings.labels == "merge", known)
    problem = _encode(rows, stored, settings, form, target, parent)
    problem.data["columns"] = columns | (source.reading if columns else {}) | group.kept()
    if passed := [name for part in parts.values() for name in part.passed_over]:
        problem.data["passed_over"] = passed
    used = (*named, split_column(settings), settings.sample_weight)
    unused = left_out(table, used, "neither image nor label") if table is not None else []
    problem.notes = [*pictures.notes, *said, *unused, *notes, *problem.notes]

    waiting = [each.keep for each in stored.values()]

    def fill_cache() -> str | None:
        why = None
        while waiting:
            why = waiting.pop()() or why  # and its pixels are let go
        return why

    return problem, fill_cache


def _tell(listen: Listener, phase: str, done: int, total: int) -> None:
    listen(Progress(phase, done, total, "images"))


def _sized(settings: Settings, found: ImageSizes, parent: Predictor | None) -> tuple[Settings, Form, list[Note]]:
    """Return size and channels: those of the earlier run, as given, or derived. Raise E328 for a size that contradicts."""
    if isinstance(parent, ImagePredictor):
        kept: ImageNormalizer = parent.encoder
        if settings.size is not None and (settings.size, settings.size) != kept.size:
            raise error("E328", key="size", value=settings.size, found=" x ".join(map(str, kept.size)))
        return settings, (kept.size, kept.channels), [Note("size", " x ".join(map(str, kept.size)), "as in the earlier run")]
    size = found.size if settings.size is None else (settings.size, settings.size)
    said = {"size": settings.size, "channels": settings.channels}
    settings, _ = fill(settings, {"channels": (found.channels, "")})
    if size[0] == size[1]:  # the setting is one number; without it the same pictures give the same size again
        settings, _ = fill(settings, {"size": (size[0], "")})
    return settings, (size, int(settings.channels or 1)), [note for note in found.notes if said[note[0]] is None]


def _encode(
    rows: Rows, stored: dict[str, Stored], settings: Settings, form: Form, target: Target, parent: Predictor | None
) -> ImageProblem:
    """Fit the normalisation to pictures of this form on the training split."""
    places = rows.part("train")["place"].to_numpy()

    def inputs(name: str, part: pl.DataFrame) -> Inputs:
        whole, taken = stored.get(name, stored["train"]).inputs, part["place"].to_numpy()
        return whole if np.array_equal(taken, np.arange(len(whole))) else whole[taken]  # all in order: without a copy

    splits = rows.splits(inputs, target.encode)
    if isinstance(parent, ImagePredictor):
        encoder = parent.encoder
    elif stored["train"].sums is not None:  # the same mean and deviation wherever the pixels are
        encoder = ImageNormalizer.from_sums(stored["train"].sums[places].sum(axis=0), len(places), *form)
    else:
        encoder = ImageNormalizer.fit(splits["train"].inputs, *form)
    return ImageProblem(settings, target, encoder, splits, rows.data, rows.notes, parent)
