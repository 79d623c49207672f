"""From encoded data to a finished run: network, training, the best parameters measured once on the test split, the bundle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from trainwright.data.batches import Indexed, ragged_batches
from trainwright.errors import TrainingError, error
from trainwright.evaluation import baseline, metrics, report
from trainwright.models import registry
from trainwright.rundir import RunDir
from trainwright.schema import Named, Settings
from trainwright.store import atomic, bundle
from trainwright.tasks.base import Split
from trainwright.tasks.text import TASK, Prepared
from trainwright.training.loop import Plan, fit
from trainwright.training.optim import Objective, make_objective, make_optimizer, make_schedules
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.events import Event, Scores, Step

EVALUATION_BATCH = 1024


def pick_device(name: str) -> torch.device:
    """``auto`` is the fastest present. Raises E314 for a device that is not there."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in present.items() if there)
    try:
        device = torch.device(name)
    except RuntimeError:
        raise error("E314", device=name, present=", ".join(kind for kind, there in present.items() if there)) from None
    if not present.get(device.type):
        raise error("E314", device=name, present=", ".join(kind for kind, there in present.items() if there))
    return device


def build_network(settings: Settings, vocabulary: int, classes: int) -> tuple[str, nn.Module]:
    """The network and its versioned name; initial weights follow from the seed, torch's global state is left alone."""
    name = registry.versioned(settings.model.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return name, registry.build(name, settings.model, vocabulary, classes)


def objective_of(loss: dict[str, Any], classes: int, device: torch.device) -> Objective:
    """The objective that a run's or a bundle's description of its loss means."""
    weights = None if loss["weights"] is None else torch.tensor(loss["weights"], dtype=torch.float32, device=device)
    return make_objective(Named.model_validate(loss["loss"]), loss["smoothing"], weights, classes)


class Training:
    """One run of ``train``: made from encoded data and complete settings, carried through by ``run``."""

    def __init__(self, prepared: Prepared, settings: Settings) -> None:
        """Raises SettingError where torch does not know a name or an argument."""
        self.prepared, self.settings = prepared, settings
        self.device = pick_device(settings.device)
        if settings.patience and "valid" not in prepared.splits:
            raise error("E315")
        classes = len(prepared.labels.names)
        self.name, self.model = build_network(settings, prepared.encoder.size, classes)
        self.model.to(self.device)
        self.parameters = sum(parameter.numel() for parameter in self.model.parameters())
        self.batches = self._batches("train", settings.batch_size or 1, settings.seed)
        self.loss = self._loss()
        self.objective = objective_of(self.loss, classes, self.device)
        self.plan = Plan(
            epochs=settings.epochs or 0,
            steps=settings.steps,
            seconds=settings.time,
            patience=settings.patience,
            accumulate=settings.accumulate,
            monitor=settings.monitor,
            seed=settings.seed,
        )
        self.learner = self._learner()
        self.state = State()
        self.rows = 0  # that went through an update

    def _batches(self, split: str, batch_size: int, seed: int | None) -> Indexed:
        part = self.prepared.splits[split]
        return ragged_batches(part.texts, part.targets, batch_size=batch_size, seed=seed, device=self.device)

    def _loss(self) -> dict[str, Any]:
        """The loss as the bundle keeps it: name, arguments, smoothing, and the weight of each class."""
        assert self.settings.loss is not None
        weights = None
        if self.settings.class_weights == "balanced":
            classes = len(self.prepared.labels.names)
            counts = np.bincount(self.prepared.splits["train"].targets, minlength=classes)
            weights = (counts.sum() / (classes * np.maximum(counts, 1))).tolist()
        return {"loss": self.settings.loss.model_dump(), "smoothing": self.settings.label_smoothing, "weights": weights}

    def _learner(self) -> Learner:
        settings = self.settings
        assert settings.optimizer is not None and settings.lr is not None and settings.schedule is not None
        optimizer = make_optimizer(settings.optimizer, self.model.parameters(), settings.lr)
        steps = -(-self.batches.per_epoch // settings.accumulate) * self.plan.epochs
        steps = min(steps, settings.steps) if settings.steps else steps
        schedules = make_schedules(settings.schedule, settings.warmup, optimizer, steps, self.plan.epochs)
        return Learner(self.model, self.objective, optimizer, schedules, settings.clip, settings.clip_value)

    def train(self, emit: Callable[[Event], None]) -> None:
        """Train to the end of the plan; the model then holds the parameters of the best epoch."""
        validate = self._validate if "valid" in self.prepared.splits else None
        before, drawn = torch.get_num_threads(), torch.random.get_rng_state()
        torch.set_num_threads(self.settings.threads or before)
        try:
            for event in fit(self.learner, self.batches, validate, self.plan, self.state):
                self.rows += event.rows if isinstance(event, Step) else 0
                emit(event)
        except TrainingError as refused:
            raise self._name_rows(refused) from None
        finally:
            torch.set_num_threads(before)
            torch.random.set_rng_state(drawn)  # the caller's, which each step sets anew
        if self.state.best:
            self.model.load_state_dict(self.state.best)

    def _validate(self, model: nn.Module) -> Scores:
        return metrics.scores(model, self.objective, self._batches("valid", EVALUATION_BATCH, None).epoch(0))

    def _name_rows(self, refused: Any) -> TrainingError:
        part: Split = self.prepared.splits["train"]
        rows = sorted(part.rows[refused.rows].tolist())
        shown = ", ".join(map(str, rows[:20])) + (f", ... ({len(rows)} rows)" if len(rows) > 20 else "")
        layers = f"; not finite in: {', '.join(refused.layers)}" if refused.layers else ""
        return TrainingError(refused.code, refused.what, f"{part.file}, rows {shown}{layers}", refused.mend)

    def evaluate(self) -> dict[str, Any]:
        """The report, without its time fields. The test split is read here and nowhere else."""
        splits, labels = self.prepared.splits, self.prepared.labels.names
        outputs = {
            name: metrics.run(self.model, self.objective, self._batches(name, EVALUATION_BATCH, None).epoch(0))
            for name in ("valid", "test")
            if name in splits
        }
        measured = "test" if "test" in splits else "valid" if "valid" in splits else "train"
        return {
            "task": TASK,
            "model": self.name,
            "source": self.prepared.data["source"],
            "labels": list(labels),
            "valid": report.split_scores(outputs["valid"]) if "valid" in outputs else None,
            "test": report.detailed_scores(outputs["test"], labels) if "test" in outputs else None,
            "baseline": baseline.majority(splits["train"].targets, splits[measured].targets, labels),
            "best_epoch": self.state.best_epoch or self.state.epoch,
            "epochs": self.state.epoch,
            "steps": self.state.step,
            "parameters": self.parameters,
            "rows": {name: len(part) for name, part in splits.items()} | {"rejected": self.prepared.data["rejected"]},
        }

    def save(self, run: RunDir, scores: dict[str, Any]) -> None:
        """The bundle: all that is needed to use the model. Raises E402."""
        values, arrays = self.prepared.encoder.to_parts()
        meta = {
            "task": TASK,
            "model": self.name,
            "model_settings": self.settings.model.model_dump(),
            "labels": list(self.prepared.labels.names),
            "columns": self.prepared.data["columns"],
            "objective": self.loss,
            "encoder": {key: value for key, value in values.items() if key != "tokens"},
        }
        kept = bundle.Bundle(meta, dict(self.model.state_dict()), arrays, values["tokens"])
        bundle.save(run.model, kept, _card(run.path, scores))


def _card(run: Path, scores: dict[str, Any]) -> str:
    """A page about the model for a person."""
    measured = scores["test"] or scores["valid"]
    lines = [
        f"# {run.name}",
        "",
        f"{scores['task'].capitalize()} by `{scores['model']}`, trained on {scores['source']}.",
    ]
    if measured:
        low, high = measured["interval"]
        where = "test" if scores["test"] else "validation"
        lines += [
            "",
            f"Accuracy on the {where} rows: {measured['accuracy']:.2%} (95 % interval {low:.2%} to {high:.2%}, "
            f"{measured['n']:,} rows); always answering the most frequent class: {scores['baseline']['accuracy']:.2%}.",
        ]
    lines += [
        "",
        f"Labels: {', '.join(scores['labels'])}",
        "",
        "Use it:",
        "",
        f'    trainwright predict {run} "a text"',
        "",
    ]
    return "\n".join(lines)


def write_report(run: RunDir, scores: dict[str, Any]) -> None:
    """``report.json``. Raises E402."""
    atomic.write_file(run.report, json.dumps(scores, indent=1))
