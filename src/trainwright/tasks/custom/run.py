"""A run of ``fit`` that is kept in a folder and can be gone on with by the same call.

call.json           what the call was, and the run's identity
events.jsonl        one line an event; history.csv one an epoch; checkpoints/ as in every run
model.safetensors   the parameters at the end, those of the best epoch where there is a validation
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwright.data.batches.base import Batches
from trainwright.data.batches.pytree import tree_leaves
from trainwright.errors import error, in_short
from trainwright.store import run_folder
from trainwright.store.atomic import remove_leftovers, write_file
from trainwright.store.checkpoint import Checkpoint, Checkpoints
from trainwright.store.packing import to_contiguous
from trainwright.store.run_folder import RunFolder
from trainwright.training import snapshot
from trainwright.training.checkpointing import Saver
from trainwright.training.environment import differences, environment
from trainwright.training.signals import Signals
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.events import Event, EventLog, Finished, Note, Resumed


def describe(model: nn.Module, data: Any, loss: Any, optimizer: Optimizer) -> dict[str, Any]:
    """What makes a call of ``fit`` the same call, as JSON. Data held whole are known by a sample of their entries."""
    shapes = [[name, list(value.shape), str(value.dtype)] for name, value in model.state_dict().items()]
    groups = [{key: each for key, each in group.items() if key != "params"} for group in optimizer.param_groups]
    found = {
        "model": [type(model).__qualname__, _digest(shapes)],
        "data": [type(data).__qualname__, _digest([_sample(leaf) for leaf in tree_leaves(data)])],
        "loss": [getattr(loss, "__qualname__", type(loss).__qualname__), _scalars(getattr(loss, "__dict__", {}))],
        "optimizer": [type(optimizer).__qualname__, *map(_scalars, groups)],
    }
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]  # as it comes back from the file


def _scalars(values: Mapping[str, Any]) -> dict[str, Any]:
    kinds = (str, int, float, bool, tuple, list)
    return {key: repr(each) for key, each in values.items() if not key.startswith("_") and isinstance(each, kinds)}


def _sample(leaf: Any) -> list[Any]:
    if not isinstance(leaf, Tensor | np.ndarray) or not leaf.size:
        return [type(leaf).__qualname__]
    flat = torch.as_tensor(leaf).detach().reshape(-1)
    return [list(leaf.shape), str(leaf.dtype), flat[:: max(len(flat) // 4096, 1)].tolist()]


def _digest(value: Any) -> str:
    return hashlib.blake2b(repr(value).encode(), digest_size=16).hexdigest()


def begin(out: Path, resume: bool) -> RunFolder:
    """The folder of a new run, or with ``resume`` that of an earlier one. Raises E401 and E402."""
    run = RunFolder(out)
    return run if resume and run.call.is_file() else run_folder.create(out, out.parent, out.name)


def _identity(run: RunFolder, call: Mapping[str, Any]) -> str:
    """Of the run that ``call`` began, which is written down the first time. Raises E408, and E420 for another call."""
    if not run.call.is_file():
        write_file(run.call, json.dumps({**call, "id": uuid.uuid4().hex}, indent=1))
    try:
        before = json.loads(run.call.read_bytes())
        changed = [key for key in call if before[key] != call[key]]
        identity = str(before["id"])
    except (ValueError, KeyError, TypeError) as problem:
        raise error("E408", path=run.call, problem=problem) from None
    for key in changed:
        plain = not isinstance(call[key], list)
        raise error("E420", path=run.path, key=key, shown=f" ({before[key]}, not {call[key]})" if plain else "")
    return identity


def with_checkpoints(
    run: RunFolder,
    call: Mapping[str, Any],
    events: Iterator[Event],
    learner: Learner,
    train: Batches,
    state: State,
    every: str,
) -> Iterator[Event]:
    """The events of a run that goes on where its newest whole checkpoint stands; saved on the way, and however it ends.

    Raises E408, E411 to E417, E420, KeyboardInterrupt and SystemExit after a signal, when all is saved.
    """
    with run_folder.locked(run), Signals() as signals, signals.waiting():
        remove_leftovers(run.path)
        notes: list[Note] = []
        keeper = Checkpoints(run.checkpoints, run.quarantine, _identity(run, call))
        found = keeper.newest(lambda *said: notes.append(Note(*said)))
        where = environment(next((each.device for each in learner.parameters), torch.device("cpu")), torch.get_num_threads())
        if found is None and run.wrote_checkpoints():
            raise error("E417", path=run.path)
        if found is not None:
            notes += _put_back(found, learner, train, state, call["accumulate"], where)
        log = EventLog(run.events, run.history, found.facts["log"] if found else {"events": 0, "history": ""})
        waiting: list[Event] = [*notes]

        def emit(event: Event) -> None:
            log.append(event)
            waiting.append(event)

        saver = Saver(keeper, every, lambda: {"machine": where, "log": log.position()}, emit, signals)
        saver.begin(learner, state)
        try:
            for event in events:
                if isinstance(event, Finished):
                    saver.save(final=True)
                    _keep_model(run, learner, state)
                log.append(event)
                yield from waiting
                waiting.clear()
                saver.after(event)
                yield event
                signals.check()  # one that came while the caller had the word
        finally:
            saver.rescue()  # also where the caller leaves the loop
            log.close()


def _put_back(
    found: Checkpoint, learner: Learner, train: Batches, state: State, accumulate: int, where: dict[str, Any]
) -> list[Any]:
    try:
        alike = snapshot.restore(found.state, learner, state, -(-train.per_epoch // accumulate))
        if state.microbatches > 1:
            train.batch_size //= state.microbatches
    except Exception as problem:  # somebody else may have written and sealed it
        raise error("E411", path=found.path, problem=f"it does not fit the model: {in_short(problem)}") from None
    notes: list[Any] = [Resumed(state.step, state.epoch, found.path.name)]
    notes += [Note(*each) for each in differences(found.facts["machine"], where)]
    return notes + ([] if alike else [Note("schedule", "planned anew", "the rates so far were those of the earlier plan")])


def _keep_model(run: RunFolder, learner: Learner, state: State) -> None:
    values = state.best or learner.model.state_dict()
    write_file(run.path / "model.safetensors", safetensors.torch.save(to_contiguous(values)))
