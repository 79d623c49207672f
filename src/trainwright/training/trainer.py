"""From a problem made ready to a finished run: network, training, the best parameters measured once on test, the bundle."""

from __future__ import annotations

import copy
import os
from collections.abc import Collection
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from trainwright.config.kinds import KINDS
from trainwright.config.settings import FREE, check_monitor
from trainwright.errors import error, nearest
from trainwright.models import registry
from trainwright.models.catalog import models
from trainwright.models.layers import MemoryFormatted
from trainwright.models.protocols import Grown, TrainingHooks
from trainwright.store.bundle import Bundle
from trainwright.store.checkpoint import Checkpoint
from trainwright.training import groups, memory
from trainwright.training.autotune import ExecConfig, Workload, fastest_config, threaded
from trainwright.training.averages import MovingAverages
from trainwright.training.checkpointing import Saver, restore, with_checkpoints
from trainwright.training.environment import environment
from trainwright.training.growing import GrowStep, rate_only
from trainwright.training.loop import Plan, Recover, fit, pass_over
from trainwright.training.optim import groups_for, make_optimizer, make_schedules
from trainwright.training.problem import Measured, Problem
from trainwright.training.rng import preserve_rng
from trainwright.training.signals import Signals
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.events import Listener, Note, Scores, ignore
from trainwright.watch.metrics import METRICS

FEW_TO_CHOOSE = 20  # rows of validation, below which the last epoch is kept: benchmarks/few_rows.py


def pick_device(name: str) -> torch.device:
    """Return a device by its name; ``auto`` is the fastest present. Raise E314 for a device that is not there."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, there in present.items() if there)
    with suppress(RuntimeError):  # a name that torch does not know
        device = torch.device(name)
        beyond = device.type == "cuda" and device.index is not None and device.index >= torch.cuda.device_count()
        if not beyond and present.get(device.type):
            return device
    raise error("E314", device=name, present=", ".join(kind for kind, there in present.items() if there))


class Trainer:
    """One run of ``train``: made from a problem whose settings are complete, carried through by ``train``.

    ``notes`` say what became of an earlier run's weights, what is frozen, and what was measured to be fast.
    """

    def __init__(self, problem: Problem, free: Collection[str] = (), listen: Listener = ignore) -> None:
        """Measure the settings of ``ExecConfig`` that are ``free``; tell ``listen`` how far that is.

        Raise SettingError where torch does not know a name or an argument.
        """
        self.problem, self.settings = problem, problem.settings
        self.notes: list[Note] = []
        self.device = pick_device(self.settings.device)
        check_monitor(self.settings.monitor, problem.predicts)
        if self.settings.patience and "valid" not in problem.splits:
            raise error("E315")
        self._choose_kept(len(problem.splits.get("valid", ())))
        self.name = models(problem.task)[self.settings.model.name].versioned  # type: ignore[union-attr]
        self.model = self._network()
        self._freeze()
        self.batches = problem.batches(self.model, self.device)
        self.plan = Plan(
            epochs=self.settings.epochs or 0,
            steps=self.settings.steps,
            seconds=self.settings.time,
            patience=self.settings.patience,
            accumulate=self.settings.accumulate,
            monitor=self.settings.monitor,
            higher_is_better=METRICS[self.settings.monitor].higher_is_better,
            seed=self.settings.seed,
            unit=problem.unit,
            name_rows=problem.name_rows,
            keep_last=self.settings.keep == "last",
            valid_share=len(problem.splits.get("valid", ())) / max(len(problem.splits["train"]), 1),
        )
        begun = self.plan.clock()
        way = self._way(free if self.settings.speed == "auto" else (), listen)
        self.threads = way.threads or torch.get_num_threads()  # as a number: elsewhere torch's own choice is another
        self.settings = problem.settings = self.settings.model_copy(update=way.settings() | {"threads": self.threads})
        self.learner, self._chosen = self._learner(self.model, way, self._averages()), way
        if self.settings.graph and self.learner.waits:
            why = "each update is waited for on this device, with this optimiser, or for averages"
            self.notes.append(Note("graph", "off", why))
        self.notes += groups.notes(self.learner.optimizer, self.settings.rates)
        self.state = State()
        if self.plan.seconds:
            self.state.trials = self.plan.clock() - begun
            why = "for trials, updates and validations; the rate falls as the time runs out"
            self.notes.append(Note("time", f"{self.plan.seconds:g} s", why))
        if way.threads > (cores := os.cpu_count() or way.threads):
            why = f"more than the {cores} cores of this machine, which is slower"
            self.notes.append(Note("threads", str(way.threads), why))

    @property
    def parameters(self) -> int:
        """Return how many numbers are learned, by a network that grows: so far."""
        if isinstance(self.model, Grown):
            return self.model.learned
        return sum(parameter.numel() for parameter in self.model.parameters())

    def need_gradient(self) -> None:
        """Raise E543 for a network that no gradient moves."""
        if isinstance(self.model, Grown):
            raise error("E543", model=self.settings.network.name)

    def _choose_kept(self, rows: int) -> None:
        """Settle whether the best epoch on so many validation rows is kept, or the last. Raise E367 for patience with it."""
        settings = self.settings
        if settings.keep == "last" and settings.patience:
            raise error("E367")
        if settings.keep is None:
            last = 0 < rows < FEW_TO_CHOOSE and not settings.patience
            self.settings = self.problem.settings = settings.model_copy(update={"keep": "last" if last else "best"})
            if last:
                why = f"{rows} rows of validation are too few to tell epochs apart, {FEW_TO_CHOOSE} would choose"
                self.notes.append(Note("keep", "the last epoch", why))

    def _network(self) -> nn.Module:
        """Return the network; initial weights follow from the seed, torch's global state is left alone."""
        problem, parent = self.problem, self.problem.parent

        def build(shape: Any) -> nn.Module:
            return registry.build(problem.task, self.name, self.settings.model, shape)

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.settings.seed)
            network = memory.make(self.name, lambda: build(problem.shape))
            if isinstance(network, TrainingHooks):
                network.fit_to(problem.splits["train"])
            if parent is not None:
                from trainwright.models.transfer import transfer

                known = parent.labels
                classes = [known.index(label) if label in known else -1 for label in problem.labels]
                moved = transfer(network, parent.model.state_dict(), build, parent.shape, problem.shape, classes or None)
                if not moved.copied and not moved.partly:
                    raise error("E324", model=self.name)
                self.notes += _moved(moved.copied, moved.partly, moved.fresh)
        return network.to(self.device)

    def _freeze(self) -> None:
        """Switch off the gradient of the modules that are to stay as they are. Raise E325 for an unknown name."""
        modules: dict[str, nn.Module] = {name: each for name, each in self.model.named_modules() if name}
        known = modules | dict(self.model.named_parameters())
        for name in self.settings.freeze:
            if name not in known:
                raise error("E325", name=name, known=list(known), hint=nearest(name, known))
            known[name].requires_grad_(False)
            if name in modules:
                modules[name].eval()  # running statistics stay, dropout is off; training keeps the modes of parts
                for each in modules[name].modules():
                    if isinstance(each, nn.RNNBase):  # which cuDNN goes back through in training mode only
                        each.dropout = 0.0
                        each.train()
        if self.settings.freeze:
            learning = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
            if not learning:
                raise error("E326")
            names = ", ".join(self.settings.freeze)
            self.notes.append(Note("frozen", names, f"{learning:,} of {self.parameters:,} parameters learn"))

    def _updates(self) -> int:
        """Return how many updates are planned."""
        return self.plan.updates(self.batches.per_epoch)

    def _way(self, free: Collection[str], listen: Listener) -> ExecConfig:
        """Return how an update is computed: as the settings say, or by measuring where they leave it open."""
        settings, layout = self.settings, ""
        if isinstance(self.model, MemoryFormatted):
            layout = settings.layout or ("channels_last" if self.device.type == "cpu" else "contiguous")
        way = ExecConfig(
            settings.precision or "float32", layout, settings.threads or 0, bool(settings.compile), bool(settings.graph)
        )

        def build(way: ExecConfig) -> Learner:
            return self._learner(copy.deepcopy(self.model), way)

        unfit = {"layout"} if not layout else set()
        unfit |= {"threads"} if self.device.type != "cpu" else set()
        measured = self.problem.tunable.intersection(free) - unfit
        bench = Workload(build, self.batches, settings.accumulate, self._updates(), settings.time, self.device, listen)
        with preserve_rng(self.device):
            way, told = fastest_config(bench, way, measured) if measured else (way, "")
        self.notes += [Note("speed", str(way), f"measured on real batches: {told}")] if told else []
        return way

    def _averages(self) -> MovingAverages | None:
        """Return the averages that are validated and kept, where they are asked for."""
        share, optimizer = self.settings.ema, self.settings.optimizer
        if not share:
            return None
        if optimizer is not None and optimizer.name.endswith(FREE):
            raise error("E552", name=optimizer.name)
        why = "averages of the parameters are validated and kept; buffers stay those of the model"
        self.notes.append(Note("ema", f"{share:g}", why))
        return MovingAverages(self.model, share)

    def _learner(self, model: nn.Module, way: ExecConfig, averages: MovingAverages | None = None) -> Learner:
        """Return what moves the parameters of ``model``."""
        settings = self.settings
        assert settings.lr is not None and settings.schedule is not None and settings.clip is not None
        if isinstance(model, MemoryFormatted):
            model.layout = way.layout
        if isinstance(model, Grown):
            own, optimizer = GrowStep(), rate_only(settings.lr)
        else:
            assert settings.optimizer is not None
            learning = groups_for(settings.optimizer, model, settings.decay, settings.rates)
            own, optimizer = None, make_optimizer(settings.optimizer, learning, settings.lr)
        length = self._updates(), self.plan.epochs
        schedules = make_schedules(settings.schedule, settings.warmup, optimizer, *length, timed=bool(settings.time))
        forward, objective = self.problem.forward(model), self.problem.objective(model, self.device)
        if way.compile:
            forward.compile()
        limits = settings.clip, settings.clip_value
        how: dict[str, Any] = {"own": own, "averages": averages}
        return Learner(forward, objective, optimizer, schedules, *limits, way.precision, way.graph, **how)

    def copied(self) -> Learner:
        """Return a copy of what learns, as it is now, without schedules and at its full rate."""
        learner = self._learner(copy.deepcopy(self.model), replace(self._chosen, compile=False, graph=False))
        learner.schedules = []
        for group in learner.optimizer.param_groups:
            group["lr"] = group.get("factor", 1.0) * self.settings.lr
        return learner

    def machine(self) -> dict[str, Any]:
        """Return what the last bits of numbers depend on, beside data and settings."""
        return environment(self.device, self.threads)

    def ended(self, found: Checkpoint) -> str:
        """Return the setting by which the plan asks for nothing more than a checkpoint has; empty where it asks for more."""
        before = State()
        before.place(found.state["position"])
        return self.plan.reason(before, before.seconds)

    def restore(self, found: Checkpoint) -> list[Note]:
        """Stand where a checkpoint was taken, and return notes on what is not as it was then.

        Raise RunError E411 where it was made by something else.
        """
        alike = restore(found, self.learner, self.batches, self.state, self.settings.accumulate, self._planned_anew(found))
        self.threads = self.settings.threads or int(found.facts["machine"]["threads"])
        notes = []
        if not alike:
            time = f" in {self.plan.seconds:g} s" if self.plan.seconds else ""
            why = f"for {self.plan.epochs} epochs{time}; the rates so far were those of the earlier plan"
            notes.append(Note("schedule", "planned anew", why))
        state, updates = self.state, -(-self.batches.per_epoch // self.settings.accumulate)
        if not (state.batch or self.plan.reason(state, state.seconds)) and state.step != state.epoch * updates:
            why = "the earlier plan ended inside one; the result is not that of a run that was longer from the start"
            notes.append(Note("epoch", "begun anew", why))
        return notes

    def _planned_anew(self, found: Checkpoint) -> float | None:
        """Return how much of the time is over where another one was planned when a checkpoint was taken; else None."""
        if found.facts["settings"].get("time", 0.0) == self.settings.time:
            return None
        before = State()
        before.place(found.state["position"])
        return self.plan.share(before, before.seconds, self._updates())

    def train(self, listen: Listener, saver: Saver | None = None) -> None:
        """Train to the end of the plan; the model then holds the parameters of the best epoch.

        With a ``saver`` the run can be gone on with whenever it ends, and one of ``ENDED`` is raised after a signal. Raise E501
        and E503 for what is not finite, E502 where that cannot be saved, E504 for too little memory, E329 for a rollback
        without a ``saver``.
        """
        signals = saver.signals if saver is not None else Signals()

        def validate(model: nn.Module) -> Scores:
            with signals.waiting(False):  # it may take long and changes nothing: a signal need not wait for its end
                return self.problem.validate(model, self.learner.objective, self.device)

        validate_each_epoch = validate if "valid" in self.problem.splits else None
        watch = self.problem.watch(self.device) if saver is not None else None  # where nothing is kept, nobody sees it
        events = fit(self.learner, self.batches, validate_each_epoch, self.plan, self.state, self._recover(saver), watch)
        if saver is not None:
            events = with_checkpoints(events, self.learner, self.state, saver)
        try:
            with preserve_rng(self.device), threaded(self.threads), closing(events):
                for event in events:
                    listen(event)
        except Exception as problem:
            if not memory.ran_out(problem):
                raise
            raise error("E504", what="data on the way to the model, or for its validation") from None
        self.learner.settle(self.state.best)

    def _recover(self, saver: Saver | None) -> Recover | None:
        """Return what is done when an update is refused; None ends the training."""
        if self.settings.on_nonfinite == "stop":
            return None
        if self.settings.on_nonfinite == "skip":
            return pass_over
        if saver is None:
            raise error("E329", key="on_nonfinite=rollback", why="no checkpoints are written here")
        return saver.roll_back

    def measure(self) -> Measured:
        """Return the scores of the report, and what is said of each row, by the model as it is now."""
        with threaded(self.threads):
            return self.problem.measure(self.model, self.learner.objective, self.device)

    def evaluate(self) -> Measured:
        """Return the report, without its time fields, and what was said of each row."""
        problem, measured = self.problem, self.measure()
        report = {
            "task": problem.title,
            "usage": KINDS[problem.task].usage,
            "model": self.name,
            "source": problem.data["source"],
            **measured.scores,
            **self.problem.written(self.model, self.device),
            "best_epoch": self.state.best_epoch or self.state.epoch,
            "epochs": self.state.epoch,
            "steps": self.state.step,
            "parameters": self.parameters,
            "unit": problem.unit,
            "machine": self.machine(),
            "rows": {name: len(part) for name, part in problem.splits.items()} | {"rejected": problem.data["rejected"]},
        }
        report |= {"folds": self.settings.folds} if self.settings.folds else {}
        report |= {"fixed": problem.data["fixed"]} if "fixed" in problem.data else {}
        return measured._replace(scores=report)

    def bundle(self) -> Bundle:
        """Return all that is needed to use the model."""
        values, arrays, tokens = self.problem.bundle()
        model: Any = self.settings.model
        meta = {"task": self.problem.task, "model": self.name, "model_settings": model.model_dump(), **values}
        weights = {name: each.cpu().numpy() for name, each in self.model.state_dict().items()}
        return Bundle(meta, weights, arrays, tokens)

    def take(self, bundle: Bundle) -> None:
        """Take the weights of a bundle for the network's. Raise ValueError where they are another network's, or not finite."""
        registry.check_fit(self.model, bundle.weights)
        self.model.load_state_dict({name: torch.tensor(each) for name, each in bundle.weights.items()})


def _moved(copied: list[str], partly: list[str], fresh: list[str]) -> list[Note]:
    """Return notes on what became of an earlier run's weights."""
    notes = [Note("weights", f"{len(copied) + len(partly)} kept", "from the earlier run")]
    if partly:
        notes.append(Note("partly kept", ", ".join(partly), "what is known to both; the rest starts anew"))
    if fresh:
        notes.append(Note("new", ", ".join(fresh), "starts anew, as nothing in the earlier run fits it"))
    return notes
