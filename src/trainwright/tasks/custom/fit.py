"""A model, data, loss and optimiser of the person's own: the same loop and the same measuring as in the built-in tasks."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, SubsetRandomSampler, WeightedRandomSampler

from trainwright.data.batches.loader import BatchStream
from trainwright.data.batches.user_data import InputLayout, any_batches
from trainwright.errors import error
from trainwright.evaluation import measure
from trainwright.store.run_folder import RunFolder
from trainwright.tasks.custom.options import EvaluateOptions, FitOptions, PredictOptions, takes
from trainwright.tasks.custom.rows import WatchedRows
from trainwright.tasks.custom.run import keep
from trainwright.tasks.custom.training import Training
from trainwright.training import loop
from trainwright.training.averages import MovingAverages
from trainwright.training.optim import Scheduler
from trainwright.training.own_step import OwnStep
from trainwright.training.rng import preserve_rng
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.events import Event, Finished, Note, Scores
from trainwright.watch.terminal.console import Console


@takes(FitOptions)
def fit(options: FitOptions) -> Iterator[Event]:
    """Train any ``nn.Module`` on any data; the body of your ``for`` loop over the events is your callback.

    Training goes on as the events are asked for: ``list(tw.fit(...))`` trains to the end.

    Args:
        model: called as ``model(*inputs)``, or by keyword where a batch is a dict; trained where its parameters are. With
            ``step`` also a dict of modules.
        data: a tuple (input, ..., targets) or a dict of tensors or arrays, a ``Dataset`` (whose method ``collate``, where it
            has one, makes a batch of items), a ``DataLoader``, or an iterable of such batches that can be gone through again;
            ``load_data`` makes data sets and loaders. ((a, b), targets) is the same as (a, b, targets). Floating arrays take
            the type of the model's parameters; tensors stay as they are.
        loss: called as ``loss(outputs, targets)``, with ``inputs=`` too where it has such a parameter; a mean over the batch,
            or a dict of means: trained on is the one named "loss", else their sum. None = the model is given the targets too,
            and returns an object or a dict with a ``loss``.
        optimizer: of ``torch.optim``; with ``step`` also several, as a dict or list.
        step: makes an update in the place of the loop, called as ``step(batch, update)``: see ``training.own_step.Update``.
            It returns its loss, or a dict of numbers with a "loss".
        valid: like ``data``; measured after each epoch, and then the model ends with the parameters of the best one.
        metrics: functions by name, each called as ``metric(outputs, targets)`` with those of all validation rows at once
            (on the CPU); the numbers are in ``event.valid.metrics``.
        target: the key of the targets in a dict; not needed where it is targets, target, labels, label or y.
        state: for a model that carries a hidden state, a function that makes the first one from a batch's inputs. The model
            is called as ``model(*inputs, state)`` and gives (outputs, state); gradients end at each batch.
        schedule: one or several of ``torch.optim.lr_scheduler``, stepped every ``schedule_every`` (epoch or step).
        clip, clip_value: limits of the gradient's norm and of its entries; 0 = off.
        precision: of the forward passes of training: float32 (as the model is), bfloat16, float16 with a scaled loss, or auto:
            bfloat16 on a GPU that computes in it.
        ema: the share that averages of the parameters keep of themselves at each update, such as 0.999; they are validated,
            kept as the best and left in the model. 0 = none.
        accumulate: batches whose gradients make one update, weighted exactly.
        epochs: how often to go through the data; None = once, or as often as ``steps`` and ``time`` allow.
        steps, time: stop after so many updates, or seconds, validation included; 0 = no limit. Schedules of your own
            do not know of the time.
        monitor: what the best epoch is chosen by: accuracy, loss, one of ``metrics`` (higher is better; lower with a minus
            before its name), or a registered one of classes or numbers such as macro_f1 or rmse.
        shuffle: a new order of rows each epoch, but for loaders and iterables; None = unless a state is carried.
        seed: fixes the order of rows, and what dropout, loaders and data sets draw from torch's generator.
        on_nonfinite: stop, or skip updates whose loss or gradient is not finite (ten in a row end the training all the same).
        graph: on a CUDA device, with torch's SGD, Adam or AdamW, wait for no update, and record it once as a graph where the
            network is made of torch's modules alone; events come up to a fifth of a second late.
        progress: show a bar and a table of epochs; None = where standard error is a terminal.
        out: a folder that keeps the run: events, history, checkpoints, at the end ``model.safetensors``, report and plots.
        resume: go on where the run in ``out`` was stopped or killed; it ends with the same bits as an untouched one. The
            call has to be the same, but for epochs, steps, time and patience. Where there is no run yet, one begins.
        checkpoint_every: with ``out``, when to save: by time (at most 1 % of it), steps or epochs; ``0`` = only at the end.
        track: with ``out``, trackers of others that hear of it: tensorboard, mlflow, wandb, trackio.

    Yields:
        ``Started``, then ``Step`` for each update (``Refused`` for one that is skipped), ``Epoch`` for each epoch, and
        ``Finished``. A ``Note`` says where memory ran out on an accelerator and batches are cut into smaller ones, and what
        is likely meant otherwise: probabilities where a loss takes logits, pixels up to 255. With
        ``out`` also ``Resumed``, and ``Saved`` for each checkpoint.

    Raises:
        ModelError: E6xx for data, batches or shapes that do not fit.
        RunError: E4xx for a folder that cannot be used or gone on with.
        TrainingError: E501 when loss or gradient is not finite, E503 when that is so ten times in a row, E504 when memory
            runs out and batches cannot be cut any more; everything is as it was before the refused step.
    """
    return _train(options)


def _train(options: FitOptions) -> Iterator[Event]:
    """Return the events; the data are looked at before the first one is asked for."""
    rows, seed = options.batch_size, options.seed if options.shuffle else None
    train = any_batches(options.data, options.train_layout(), batch_size=rows, seed=seed)
    valid = None if options.valid is None else any_batches(options.valid, options.layout(), batch_size=rows, seed=None)
    learner = _learner(options)
    objective = learner.objective

    def validate(model: nn.Module) -> Scores:
        assert valid is not None
        return measure.scores(options.forward(model), objective, valid.epoch(0), options.metrics)

    state, recover = State(), loop.pass_over if options.on_nonfinite == "skip" else None
    watch = None
    if options.out is not None and valid is not None:
        watch = WatchedRows(options, valid, RunFolder(Path(options.out)).watched)
    measuring = validate if valid is not None else None
    made = loop.fit(learner, train, measuring, options.plan(), state, recover, watch)
    events = _noted(options, _watch_moves(options, made, state))
    if options.out is not None:
        events = keep(options, events, learner, train, valid, state)
    return Training(_shown(events, options, learner, state))


def _learner(options: FitOptions) -> Learner:
    """Return what learns."""
    precision, notes = options.casting(), options.watched.notes
    if precision == "bfloat16" and options.precision == "auto":
        notes.append(Note("precision", precision, "this GPU computes in it; the parameters stay as they are"))
    averages = MovingAverages(options.model, options.ema) if options.ema else None
    if averages is not None:
        kept = "validated, kept as the best and left in the model" if options.valid is not None else "left in the model"
        notes.append(Note("ema", f"{options.ema:g}", f"the averages of the parameters are {kept}; buffers stay the model's"))
    first, *others = options.optimizers
    return Learner(
        options.forward(),
        options.objective(),
        first,
        [Scheduler(each, options.schedule_every) for each in options.schedule],
        options.clip,
        options.clip_value,
        precision,
        options.graph,
        others,
        None if options.step is None else OwnStep(options.step),
        averages,
    )


def _noted(options: FitOptions, events: Iterator[Event]) -> Iterator[Event]:
    """Yield the events, and before each what was noticed on the way to it."""
    for event in events:
        while options.watched.notes:
            yield options.watched.notes.pop(0)
        yield event


def _watch_moves(options: FitOptions, events: Iterator[Event], state: State) -> Iterator[Event]:
    """Yield the events; behind the first epoch note which parameters are as they were before it, as a step may move none."""
    learning = [(name, each) for name, each in options.model.named_parameters() if each.requires_grad]
    before = None if state.step else _sums(learning)
    for event in events:
        if before is not None and event.kind == "epoch":
            still = [name for name, sums in _sums(learning).items() if sums == before[name]]
            before = None
            if still:
                shown = ", ".join(still[:3]) + (", ..." if len(still) > 3 else "")
                why = f"as before the first epoch: {shown}; a rate of 0, in no optimizer, or no gradient comes to them"
                options.watched.notes.append(Note("not moved", f"{len(still)} of {len(learning)} parameters", why))
        yield event


def _sums(named: list[tuple[str, nn.Parameter]]) -> dict[str, tuple[float, float]]:
    """Return of each parameter what is another sum when it has moved."""
    flat = ((name, each.detach().double().flatten()) for name, each in named)
    return {name: (float(each.sum()), float(each.square().sum())) for name, each in flat}


def evaluate_own(options: EvaluateOptions) -> dict[str, Any]:
    """Return the scores of ``trainwright.evaluate``."""
    batches = any_batches(options.data, options.layout(), batch_size=options.batch_size, seed=None, again=False)
    found = measure.scores(options.forward(), options.objective(), batches.epoch(0), options.metrics)
    return {"loss": found.loss, "accuracy": found.accuracy, "n": found.n, **found.metrics}


def predict_own(options: PredictOptions) -> Any:
    """Return the outputs of ``trainwright.predict``."""
    if isinstance(options.data, DataLoader):
        drawn = isinstance(options.data.sampler, RandomSampler | SubsetRandomSampler | WeightedRandomSampler)
        if drawn or isinstance(options.data.dataset, BatchStream):
            raise error("E618", problem="draws rows in random order")
        if options.data.drop_last:
            raise error("E618", problem="leaves out the last rows (drop_last)")
    plain = options.layout()
    layout = InputLayout(plain.device, plain.dtype, plain.target, _accepts(options.model, options.state), options.targets)
    batches = any_batches(options.data, layout, batch_size=options.batch_size, seed=None, again=False)
    return measure.outputs(options.forward(), batches.epoch(0))


def _accepts(model: nn.Module, state: Callable[..., Any] | None) -> Callable[..., bool]:
    """Return a function that says whether the model's ``forward`` can be called with such arguments, by its signature."""
    signature = inspect.signature(model.forward)
    carried = () if state is None else (None,)

    def accepts(*inputs: Any, **named: Any) -> bool:
        with suppress(TypeError):
            signature.bind(*inputs, *carried, **named)
            return True
        return False

    return accepts


def _shown(events: Iterator[Event], options: FitOptions, learner: Learner, state: State) -> Iterator[Event]:
    """Yield the events, shown on the way; before the last one the parameters of the best epoch are put back.

    The caller's random state and the modes of the model's parts are afterwards what they were. Raise E646 where the caller
    is inside of ``torch.autocast``.
    """
    device = next((each.device for each in options.model.parameters()), torch.device("cpu"))
    _refuse_autocast(device)
    with closing(Console(sys.stderr, quiet=not options.progress)) as console, preserve_rng(device):
        for event in events:
            if isinstance(event, Finished):
                learner.settle(state.best)
            console.handle(event)
            yield event
            _refuse_autocast(device)


def _refuse_autocast(device: torch.device) -> None:
    if torch.is_autocast_enabled(device.type):
        raise error("E646")
