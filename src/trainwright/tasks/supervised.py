"""Problems whose rows have a target each, and the models that answer with one: texts, images, rows of a table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from trainwright.data.files.folders import absolute
from trainwright.data.tables.table import ROW, Shards, places, spot
from trainwright.errors import error
from trainwright.tasks import targets
from trainwright.tasks.base import EVALUATION_BATCH, FilePredictions, Predictor, Split
from trainwright.tasks.written import as_written
from trainwright.training.problem import Measured, Problem
from trainwright.watch.events import Answers, Note
from trainwright.watch.words import clip

if TYPE_CHECKING:
    import polars as pl
    import torch
    from torch import nn
    from torch.utils.data import Dataset

    from trainwright.config.settings import Settings
    from trainwright.data.batches.base import Batches
    from trainwright.data.batches.loader import Loader
    from trainwright.data.read.source import Source
    from trainwright.data.shapes import Shape
    from trainwright.data.tables.table import Table
    from trainwright.evaluation.measure import Outputs
    from trainwright.models.objective import Objective
    from trainwright.store.bundle import Bundle
    from trainwright.store.fingerprints import Fingerprints
    from trainwright.tasks.baselines import View
    from trainwright.tasks.targets import Target
    from trainwright.training.loop import Watch
    from trainwright.watch.events import Scores

HELD = 1 << 30  # bytes of inputs that are held to be measured on again and again


@dataclass
class SupervisedProblem(Problem):
    """A problem with one target a row.

    ``encoder`` turns rows into inputs (``transform``), knows their ``shape``, cuts them into ``batches``, and is kept
    (``to_parts``).
    """

    settings: Settings
    target: Target
    encoder: Any
    splits: dict[str, Split]
    data: dict[str, Any]
    notes: list[Note] = field(default_factory=list)
    parent: Predictor | None = None
    judged: Outputs | None = None  # what models that never saw them said of the training rows, where there is no validation

    @property
    def labels(self) -> tuple[str, ...]:
        return self.target.labels

    @property
    def shape(self) -> Shape:
        return self.encoder.shape(self.target.outputs)  # type: ignore[no-any-return]

    @property
    def predicts(self) -> tuple[str, ...]:
        return (self.target.kind,)

    def batches_of(self, part: Split, batch_size: int, seed: int | None, device: torch.device, **how: Any) -> Batches:
        """Return a split in batches: shuffled where there is a seed, else in order and as predictions will see it."""
        found: Batches = self.encoder.batches(part.inputs, part.targets, batch_size=batch_size, seed=seed, device=device, **how)
        return found

    def in_order(self, name: str, batch_size: int, device: torch.device) -> Batches:
        return self.batches_of(self.splits[name], batch_size, None, device)

    def batches(self, model: nn.Module, device: torch.device) -> Batches:
        part = self.splits["train"]
        found = self.batches_of(part, self.settings.batch_size or 1, self.settings.seed, device)
        if part.weights is None:
            return found
        from trainwright.data.batches.weighted import WeightedBatches

        return WeightedBatches(found, part.weights, device)

    def dataset(self, name: str) -> Dataset[Any]:
        """Return the rows of a split whose inputs are arrays with a row each."""
        import torch
        from torch.utils.data import TensorDataset

        return TensorDataset(*(torch.tensor(each) for each in (*self.splits[name].inputs, self.splits[name].targets)))

    def loader(self, name: str, batch_size: int, seed: int | None) -> Loader:
        import torch

        from trainwright.data.batches.loader import epochs_loader, ordered_loader

        if seed is None:
            return ordered_loader(self.dataset(name), batch_size)
        return epochs_loader(self.batches_of(self.splits[name], batch_size, seed, torch.device("cpu")))

    def objective(self, model: nn.Module, device: torch.device) -> Objective:
        self.target.settle(self.settings, self.splits["train"].targets)
        if self.settings.calibrate == "on" and "valid" not in self.splits and not self.settings.folds:
            raise error("E355")
        return self.target.objective(device)

    def outputs(self, model: nn.Module, objective: Objective, name: str, device: torch.device, keep: bool = True) -> Outputs:
        """Return what a model says of the rows of a split; with ``keep`` of each of them."""
        from trainwright.evaluation import measure

        batches = self.batches_of(self.splits[name], EVALUATION_BATCH, None, device)
        found = measure.predict_all(self.forward(model), objective, batches.epoch(0), keep)
        return replace(found, units=self.splits[name].units)

    def validate(self, model: nn.Module, objective: Objective, device: torch.device) -> Scores:
        names = self.target.monitored(self.settings.monitor)
        found = self.outputs(model, objective, "valid", device, keep=bool(names))
        return found.scores(self.target.metrics(names, found) if names else {})

    def valid_loss(self, objective: Objective, device: torch.device, rows: int) -> tuple[int, Callable[[nn.Module], float]]:
        """Return the loss on as many rows as ``HELD`` bytes hold, and no more than asked for."""
        from trainwright.data.batches.pytree import tree_leaves
        from trainwright.evaluation import measure

        few = next(iter(self.batches_of(self.splits["valid"].watched(), EVALUATION_BATCH, None, device).epoch(0)))
        size = sum(each.nbytes for each in tree_leaves((few.inputs, few.named)) if hasattr(each, "nbytes")) // few.size
        part = self.splits["valid"].spread(min(rows, HELD // max(size, 1)))
        batches = list(self.batches_of(part, EVALUATION_BATCH, None, device).epoch(0))
        return len(part), lambda model: measure.predict_all(self.forward(model), objective, batches, keep=False).mean

    def watched_rows(self) -> pl.DataFrame:
        import polars as pl

        rows = self.splits["valid"].watched() if "valid" in self.splits else None
        return pl.DataFrame({**rows.places(), "truth": self.target.decode(rows.targets)}) if rows else pl.DataFrame()

    def watch(self, device: torch.device) -> Watch | None:
        if "valid" not in self.splits:
            return None
        rows = self.splits["valid"].watched()
        batches = list(self.batches_of(rows, EVALUATION_BATCH, None, device).epoch(0))

        def answers(model: nn.Module, epoch: int) -> Answers:
            from trainwright.evaluation import measure

            found = measure.outputs(self.forward(model), batches).float().numpy()
            return Answers(epoch, self.target.brief(found, rows.targets))

        return answers

    def measure(self, model: nn.Module, objective: Objective, device: torch.device) -> Measured:
        import polars as pl

        from trainwright.evaluation.measure import loss_interval
        from trainwright.tasks import baselines

        names = self.target.monitored(self.settings.monitor)
        outputs: dict[str, Outputs] = {
            name: self.outputs(model, objective, name, device) for name in ("valid", "test") if name in self.splits
        }
        part = next(self.splits[name] for name in ("test", "valid", "train") if name in self.splits)
        splits = self.splits
        if self.judged is not None:
            outputs, splits = {"valid": self.judged, **outputs}, {**splits, "valid": splits["train"]}
        if found := outputs.get("valid"):
            self.target.decide(self.settings, found)
        rows: dict[str, pl.DataFrame] = {}
        ends: dict[str, Any] = {}
        for name, each in outputs.items():
            losses: Any = objective.each(each.outputs, each.targets)
            ends[name] = {"loss_interval": loss_interval(objective, each, losses)}
            of_each = self.target.of_each_row(each) | {"loss": losses.numpy()}
            rows[name] = pl.DataFrame(splits[name].places() | of_each)
        scores = {
            "labels": list(self.target.labels),
            "valid": self.target.scores(found) | self.target.metrics(names, found) | ends["valid"] if found else None,
            "test": self.target.detailed(outputs["test"]) | ends["test"] if "test" in outputs else None,
            "baseline": self.target.baseline(self.splits["train"].targets, part.targets, part.units),
            **(self.target.certainty(outputs.get("test") or found) if found else {}),
        }
        fresh = outputs if self.judged is None else {name: outputs[name] for name in ("test",) if name in outputs}
        scores |= baselines.compare(self.target, self.splits, fresh, self.settings.baselines, self.view)
        split = "test" if "test" in outputs else "valid"
        if split in self.splits and (found := outputs[split].without(self.leaked(split))):
            price = {"split": split, "rows": outputs[split].n - found.n}
            scores["without_leaked"] = price | {key: each for key, each in self.target.scores(found).items() if key != "loss"}
        return Measured(scores, rows)

    def leaked(self, split: str) -> np.ndarray | None:
        """Return which rows of a split are in train too, or nearly: bool (rows,); None where none is."""
        return self.splits[split].leaked

    def view(self, part: Split) -> View:
        """Return what the simple models see that a run is compared with; of a kind that does not say it, there is none."""
        from trainwright.tasks.baselines import View

        return View()

    def fingerprints(self) -> dict[str, np.ndarray]:
        from trainwright.data.tables.fingerprint import packed

        known = {name: part for name, part in self.splits.items() if part.contents is not None}
        return {name: packed(part.contents, self.target.decode(part.targets)) for name, part in known.items()}  # type: ignore[arg-type]

    def bundle(self) -> tuple[dict[str, Any], dict[str, np.ndarray], list[str]]:
        values, arrays = self.encoder.to_parts()
        tokens = values.pop("tokens", [])
        return {"columns": self.data["columns"], "encoder": values, **self.target.to_json()}, arrays, tokens

    def name_rows(self, rows: np.ndarray) -> str:
        part = self.splits["train"]
        numbers, named = sorted(part.rows[rows].tolist()), dict[str, list[str]]()
        for number in numbers[:20]:
            file, row = spot(part.file, number)
            named.setdefault(file, []).append(str(row))
        shown = "; ".join(f"{file}, rows {', '.join(found)}" for file, found in named.items())
        return shown + (f", ... ({len(numbers)} rows)" if len(numbers) > 20 else "")


def from_tables(source: Source, places: pl.DataFrame, items: Callable[[pl.DataFrame], Iterable[Any]]) -> list[Any]:
    """Return what ``items`` makes of the rows at these places (``file``, ``row``); None for one that is not there any more.

    Raise SourceError.
    """
    import polars as pl

    from trainwright.data.tables.table import NUMBER, ROW, SHARD, files_of

    found: dict[tuple[str, int], Any] = {}
    places = places.with_columns(pl.col("file").map_elements(absolute, pl.String))
    for stream in source.streams.values():
        files = list(map(absolute, files_of(stream.head.file)))
        first = {file: place << SHARD for place, file in enumerate(files)}
        there = places.filter(pl.col("file").is_in(files))
        wanted = there["row"] + there["file"].replace_strict(first, return_dtype=pl.Int64)
        rest = set(wanted)
        for table in stream.tables() if len(wanted) else ():
            frame = table.frame.filter(pl.col(ROW).is_in(wanted.implode()))
            found |= zip(((files[row >> SHARD], row & NUMBER) for row in frame[ROW]), items(frame), strict=True)
            rest -= set(frame[ROW])
            if not rest:
                break
    return [found.get(place) for place in places["file", "row"].iter_rows()]


def reading_notes(table: Table) -> list[str]:
    """Return what a person should know of how the file of a table was read, beside what is usual."""
    usual = ("utf-8", "utf-8-sig", "utf-16")
    notes = [
        note for note in table.notes if note.what == "passed over" or (note.what == "encoding" and note.value not in usual)
    ]
    return [f"{note.what}: {note.value}, {note.why}" for note in notes]


@dataclass
class FileRows:
    """The rows of a file to be predicted: ``items`` as ``encode`` takes them, ``labels`` where they are asked for."""

    frame: pl.DataFrame
    items: Any
    labels: pl.Series | None
    rejected: int
    notes: list[str]
    names: list[str] = field(default_factory=list)  # as ``FilePredictions`` has them
    file: str = ""  # the table's, perhaps ``Shards``
    content: pl.Series | None = None  # of each row with a label, String: equal where the rows are; None: each is a unit
    group: pl.Series | None = None  # and to which of the groups it belongs, by which training was split


class SupervisedPredictor(Predictor):
    """A trained model that answers with a class, a number or a set of labels for each row."""

    def __init__(self, kept: Bundle) -> None:
        super().__init__(kept)
        self.target = targets.from_json(kept.meta)
        self.labels = self.target.labels
        self.columns: dict[str, Any] = kept.meta["columns"]
        self.shape = self.encoder.shape(self.target.outputs)

    def reading(self, said: Mapping[str, str]) -> Self:
        found = copy(self)
        found.columns = as_written(self.columns, said)
        return found

    @cached_property
    def objective(self) -> Objective:
        """Return the loss that the model was trained on."""
        return self.target.objective(self.device)

    def encode(self, items: Any) -> Any:
        """Return rows as inputs."""
        return self.encoder.transform(items)

    @abstractmethod
    def items(self, given: Sequence[Any]) -> Any:
        """Return what a person gives in Python as ``encode`` takes it. Raise E320 for anything else."""

    @abstractmethod
    def read(self, path: Path | Table, need_label: bool) -> FileRows:
        """Return the rows of a file. Raise SourceError and DataError."""

    def group_of(self, frame: pl.DataFrame) -> pl.Series | None:
        """Return to which of the groups each row belongs, by which training was split; None where no column says it."""
        from trainwright.data.tables.spelling import tidy

        column = self.columns.get("group", "")
        return tidy(frame[column]) if column in frame.columns else None

    def read_unlabelled(self, paths: Sequence[Path]) -> FileRows:
        """Return the rows of files that are to be predicted; there is one, but with ``many_files``."""
        return self.read(paths[0], need_label=False)

    def outputs(self, items: Any, targets: np.ndarray) -> Outputs:
        """Return the sum of the loss that the model was trained on, and the outputs of all rows, in order."""
        from trainwright.evaluation import measure
        from trainwright.models.forward import Forward

        batches = self.encoder.batches(self.encode(items), targets, batch_size=EVALUATION_BATCH, seed=None, device=self.device)
        return measure.predict_all(Forward(self.model), self.objective, batches.epoch(0))

    def logits(self, items: Any, rows: int) -> np.ndarray:
        """Return the network's outputs of all rows, in order: float32, shape (rows, outputs)."""
        return self.outputs(items, self.target.blank(rows)).outputs.numpy()  # type: ignore[no-any-return]

    def _answers(self, items: Any, rows: int, top: int) -> list[Any]:
        return list(self.target.answers(self.logits(items, rows), top)) if rows else []

    def predict(self, items: Sequence[Any], top: int = 1) -> list[Any]:
        return self._answers(self.items(items), len(items), top) if len(items) else []

    def predict_file(self, *paths: Path, top: int = 1) -> FilePredictions:
        import polars as pl

        found = self.read_unlabelled(paths)
        if not len(found.frame):
            raise error("E212", file=", ".join(map(str, paths)), where="; ".join(found.notes))
        answers = self._answers(found.items, len(found.frame), top)
        frame, rows, files = found.frame.drop(ROW), found.frame[ROW].to_list(), list[str]()
        if isinstance(found.file, Shards):
            there = pl.DataFrame(places(found.file, found.frame[ROW].to_numpy()))
            rows, files = there["row"].to_list(), there["file"].to_list()
            frame = pl.DataFrame([*(each for each in there if each.name not in frame.columns), *frame])
        return FilePredictions(frame, rows, answers, found.notes, found.names, files)

    def contents(self, items: pl.Series) -> np.ndarray:
        """Return 64 bits of the content of each row, uint64, from ``FileRows.content``, as the column ``fingerprint`` has them.

        A kind of problem whose rows have neither need not have this: its runs cannot tell what they have seen.
        """
        raise NotImplementedError

    def score(self, path: Path | Table, seen: Fingerprints | None = None) -> dict[str, Any]:
        """Measure the rows of a file; rows with a label that the model does not know, or none, count as left out."""
        import polars as pl

        from trainwright.data.tables.fingerprint import packed
        from trainwright.evaluation.measure import loss_interval
        from trainwright.tasks.grouping import units_of
        from trainwright.tasks.seen import UNKNOWN, apart, of_rows

        found = self.read(path, need_label=True)
        assert found.labels is not None
        wanted = self.target.encode(found.labels)
        known = self.target.known(wanted)
        if not known.any():
            first = found.labels.drop_nulls().first() if found.labels.dtype != pl.Null else None
            raise error("E219", file=path, labels=", ".join(self.labels[:5]), found=clip(str(first), 80))
        items = found.items.filter(pl.Series(known)) if hasattr(found.items, "filter") else found.items[known]
        content, group = (None if each is None else each.filter(pl.Series(known)) for each in (found.content, found.group))
        strange = found.labels.filter(pl.Series(~known)).drop_nulls()
        counts = strange.value_counts(sort=True).rows() if strange.dtype == pl.String else []
        rejected = {"rejected": found.rejected + int((~known).sum()), "unknown_labels": dict(counts)}
        wanted = wanted[known]

        def measured(which: np.ndarray, all_told: bool) -> dict[str, Any]:
            chosen = items.filter(pl.Series(which)) if hasattr(items, "filter") else items[which]
            outputs = self.outputs(chosen, wanted[which])
            if content is not None:
                theirs = None if group is None else group.filter(pl.Series(which))
                column = self.columns.get("group", "")
                outputs = replace(outputs, units=units_of(content.filter(pl.Series(which)), theirs, column))
            scores = self.target.detailed(outputs) if all_told else self.target.scores(outputs)
            losses = self.objective.each(outputs.outputs, outputs.targets)
            return scores | {"loss_interval": loss_interval(self.objective, outputs, losses)}

        if seen is None or content is None:
            return measured(np.ones(len(wanted), bool), True) | rejected | UNKNOWN
        which, more = of_rows(packed(self.contents(content), self.target.decode(wanted)), seen)
        return apart(which, more, measured) | rejected
