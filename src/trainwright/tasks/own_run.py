"""A run of ``fit`` that is kept in a folder and can be gone on with by the same call.

call.json           what the call was, and the run's identity
events.jsonl        one line an event; history.csv one an epoch; checkpoints/ as in every run
model.safetensors   the parameters at the end, those of the best epoch where there is a validation
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from trainwright import rundir
from trainwright.data.batches import Batches
from trainwright.errors import error, in_short
from trainwright.rundir import RunDir
from trainwright.store.atomic import remove_leftovers, write_file
from trainwright.store.checkpoint import Checkpoint, Checkpoints
from trainwright.store.packing import alone
from trainwright.training import snapshot
from trainwright.training.machine import differences, machine
from trainwright.training.saving import Saver
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.training.stop import Signals
from trainwright.watch.events import Event, EventLog, Finished, Note, Resumed


def begin(out: Path, resume: bool, call: Mapping[str, Any]) -> RunDir:
    """The folder of a new run, or with ``resume`` that of an earlier one. Raises E401, E402, and E420 for another call."""
    run = RunDir(out)
    if resume and run.call.is_file():
        try:
            before = json.loads(run.call.read_bytes())
            changed = [key for key in call if before[key] != call[key]]
        except (ValueError, KeyError, TypeError) as problem:
            raise error("E408", path=run.call, problem=problem) from None
        for key in changed:
            raise error("E420", path=out, key=key, value=call[key], found=before[key])
        return run
    run = rundir.create(out, out.parent, out.name)
    write_file(run.call, json.dumps({**call, "id": uuid.uuid4().hex}, indent=1))
    return run


def carried(
    run: RunDir, events: Iterator[Event], learner: Learner, train: Batches, state: State, every: str, accumulate: int
) -> Iterator[Event]:
    """The events of a run that goes on where its newest whole checkpoint stands; saved on the way.

    Raises E411 to E417, KeyboardInterrupt and SystemExit after a signal, when all is saved.
    """
    with rundir.locked(run), Signals() as signals:
        remove_leftovers(run.path)
        notes: list[Note] = []
        keeper = Checkpoints(run.checkpoints, run.quarantine, json.loads(run.call.read_bytes())["id"])
        found = keeper.newest(lambda *said: notes.append(Note(*said)))
        where = machine(next((each.device for each in learner.parameters), torch.device("cpu")), torch.get_num_threads())
        if found is None and run.wrote_checkpoints():
            raise error("E417", path=run.path)
        if found is not None:
            notes += _put_back(found, learner, train, state, accumulate, where)
        log = EventLog(run.events, run.history, found.facts["log"] if found else {"events": 0, "history": ""})
        waiting: list[Event] = [*notes]

        def emit(event: Event) -> None:
            log.append(event)
            waiting.append(event)

        saver = Saver(keeper, every, lambda: {"machine": where, "log": log.position()}, emit, signals)
        saver.begin(learner, state)
        try:
            while (event := _next(events, signals)) is not None:
                if isinstance(event, Finished):
                    saver.save(final=True)
                    _keep_model(run, learner, state)
                log.append(event)
                yield from waiting
                waiting.clear()
                saver.after(event)
                yield event
        finally:
            if signals.received:  # it came while the caller had the word
                saver.save()
            log.close()


def _next(events: Iterator[Event], signals: Signals) -> Event | None:
    """The next event; a signal waits until it is there."""
    with signals.waiting():
        return next(events, None)


def _put_back(
    found: Checkpoint, learner: Learner, train: Batches, state: State, accumulate: int, where: dict[str, Any]
) -> list[Any]:
    try:
        alike = snapshot.restore(found.state, learner, state, -(-train.per_epoch // accumulate))
        if state.cut > 1:
            train.batch_size //= state.cut
    except Exception as problem:  # somebody else may have written and sealed it
        raise error("E411", path=found.path, problem=f"it does not fit the model: {in_short(problem)}") from None
    notes: list[Any] = [Resumed(state.step, state.epoch, found.path.name)]
    notes += [Note(*each) for each in differences(found.facts["machine"], where)]
    return notes + ([] if alike else [Note("schedule", "planned anew", "the rates so far were those of the earlier plan")])


def _keep_model(run: RunDir, learner: Learner, state: State) -> None:
    values = state.best or learner.model.state_dict()
    write_file(run.path / "model.safetensors", safetensors.torch.save(alone(values)))
