"""A run of ``fit`` that is kept in a folder and can be gone on with by the same call.

call.json           what the call was, its settings in words, and the run's identity
data.json           what the data are called, how many rows they have, what an input is
events.jsonl        one line an event; history.csv one an epoch; checkpoints/ as in every run
model.safetensors   the parameters at the end, those of the best epoch where there is a validation
watched.json, examples.json: rows of validation with their inputs (``rows``)
report.json, predictions.parquet, plots, report.html and SEAL as in every run
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from trainwright.data.batches.pytree import tree_leaves
from trainwright.data.batches.user_data import UserBatches
from trainwright.errors import TrainwrightError, error, in_short
from trainwright.plain_files import damaged, read_object
from trainwright.startup import start_artist
from trainwright.store import predictions, run_folder, seal
from trainwright.store.atomic import remove_leftovers, write_file
from trainwright.store.checkpoint import Checkpoints, to_contiguous
from trainwright.store.run_folder import RunFolder
from trainwright.tasks.custom import about, rows
from trainwright.tasks.custom.options import FitOptions
from trainwright.tasks.custom.report import measured, report
from trainwright.training.checkpointing import Saver, newest, open_log, restore, with_checkpoints
from trainwright.training.environment import differences, environment
from trainwright.training.signals import ENDED, Signals
from trainwright.training.state import State
from trainwright.training.step import Learner
from trainwright.watch.events import Event, Finished, Note, Resumed
from trainwright.watch.summary import undrawn
from trainwright.watch.tracking import Tracking, chosen

GO_ON = "go on with: fit(..., resume=True)"
PLAIN = ("seed", "accumulate", "monitor", "batch_size", "shuffle", "clip", "clip_value")  # options that a run keeps

LATER = ("ema", "precision", "step")  # kept only where they are given: earlier versions did not know them


def describe(options: FitOptions) -> dict[str, Any]:
    """Return what makes a call of ``fit`` the same call, as JSON. Data held whole are known by a sample of their entries."""
    model, data, loss = options.model, options.data, options.loss
    shapes = [[name, list(value.shape), str(value.dtype)] for name, value in model.state_dict().items()]
    optimizers = [
        [type(each).__qualname__, *(_scalars({**group, "params": None}) for group in each.param_groups)]
        for each in options.optimizers
    ]
    whole = {
        "model": [type(model).__qualname__, _digest(shapes)],
        "data": [type(data).__qualname__, _digest([_sample(leaf) for leaf in tree_leaves(data)])],
        "loss": [getattr(loss, "__qualname__", type(loss).__qualname__), _scalars(getattr(loss, "__dict__", {}))],
        "optimizer": [each for one in optimizers for each in one],
    }
    found: dict[str, Any] = json.loads(json.dumps(whole))  # as it comes back from the file
    step = "" if options.step is None else getattr(options.step, "__qualname__", type(options.step).__qualname__)
    precision = options.casting().removeprefix("float32")
    later = {"ema": options.ema, "precision": precision, "step": step}
    found |= {name: getattr(options, name) for name in PLAIN} | {"every": options.schedule_every}
    return found | {name: value for name, value in later.items() if value}


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


def _identity(run: RunFolder, call: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Return the identity of the run that ``call`` began, written down with its settings, which may be others when it goes on.

    Raise E408, E420 for another call.
    """
    if not run.call.is_file():
        write_file(run.call, json.dumps({**call, "settings": settings, "id": uuid.uuid4().hex}, indent=1))
    try:
        before = read_object(run.call)
        changed = [key for key in call if key not in LATER and before[key] != call[key]]
        changed += [key for key in LATER if before.get(key) != call.get(key)]
        identity = str(before["id"])
    except (OSError, ValueError, KeyError) as problem:
        raise damaged(run.call, problem) from None
    for key in changed:
        plain = not isinstance(call.get(key), list)
        shown = f" ({before.get(key, 'none')}, not {call.get(key, 'none')})" if plain else ""
        raise error("E420", path=run.path, key=key, shown=shown)
    if before.get("settings") != settings:
        write_file(run.call, json.dumps({**before, "settings": settings}, indent=1))
    return identity


def keep(
    options: FitOptions, events: Iterator[Event], learner: Learner, train: UserBatches, valid: UserBatches | None, state: State
) -> Iterator[Event]:
    """Return the events of a run in the folder ``out``, which goes on where its newest whole checkpoint stands.

    It is saved on the way, and however it ends. Raise E401 and E402 at once where the folder cannot be used.
    """
    assert options.out is not None
    out, call, settings = Path(options.out), describe(options), about.settings(options)
    run = RunFolder(out)
    if not (options.resume and run.call.is_file()):
        run_folder.create(out, out.parent, out.name)

    def begin() -> str:
        identity = _identity(run, call, settings)
        write_file(run.data, json.dumps(about.data(options, train, valid), indent=1))
        return identity

    def finish(machine: Mapping[str, Any]) -> None:
        learner.settle(state.best)
        write_file(run.path / "model.safetensors", safetensors.torch.save(to_contiguous(learner.model.state_dict())))
        scores, said = measured(options, learner.objective, valid)
        predictions.write(run.predictions, said)
        if valid is not None and said:
            write_file(run.examples, json.dumps(rows.examples(said["valid"], valid)))
        write_file(run.report, json.dumps(report(options, scores, state, machine, train.rows), indent=1))

    tracking = Tracking(run.path, chosen(options.track), settings)
    return _kept(run, call["accumulate"], events, learner, train, state, options.checkpoint_every, tracking, begin, finish)


def _kept(
    run: RunFolder,
    accumulate: int,
    events: Iterator[Event],
    learner: Learner,
    train: UserBatches,
    state: State,
    every: str,
    tracking: Tracking,
    begin: Callable[[], str],
    finish: Callable[[Mapping[str, Any]], None],
) -> Generator[Event, None, None]:
    """Yield the events of a run that goes on where its newest whole checkpoint stands; saved on the way, and however it ends.

    ``begin`` writes what the run is made of, and returns its identity; ``finish`` is told the environment and writes what the
    run came to. Raise E408, E411 to E417, E420, and KeyboardInterrupt or SystemExit after a signal, when all is saved.
    """
    with run_folder.locked(run), Signals() as signals, signals.waiting():
        remove_leftovers(run.path, run.plots, run.landscape)
        run.seal.unlink(missing_ok=True)
        notes: list[Event] = []
        checkpoints = Checkpoints(run.checkpoints, run.quarantine, begin())
        found = newest(run, checkpoints, notes.append)
        machine = environment(next((each.device for each in learner.parameters), torch.device("cpu")), torch.get_num_threads())
        if found is not None:
            alike = restore(found, learner, train, state, accumulate)
            notes += [Resumed(state.step, state.epoch, found.path.name), *differences(found.facts["machine"], machine)]
            notes += [] if alike else [Note("schedule", "planned anew", "the rates so far were those of the earlier plan")]
        log, artist = open_log(run, found, tracking), start_artist(run.path)
        saver = Saver(checkpoints, every, lambda: {"machine": machine, "log": log.position()}, log.append, signals)
        tracking.tell = saver.emit
        try:
            for note in notes:
                if isinstance(note, Resumed):
                    log.append(note)
                yield note
            with closing(with_checkpoints(events, learner, state, saver)) as saved:
                for event in saved:
                    if isinstance(event, Finished):
                        finish(machine)
                        for note in undrawn(artist.draw(), run.path):
                            log.append(note)
                            yield note
                        write_file(run.seal, seal.of(run.path, {}, run.lasting()).text())
                    yield event
        except (GeneratorExit, *ENDED) as problem:
            why = "the loop was left" if isinstance(problem, GeneratorExit) else signals.name
            log.append(Note("stopped", why, f"after step {state.step}; {GO_ON}"))
            raise
        except TrainwrightError as problem:
            log.append(Note("stopped", problem.code, f"{in_short(problem)}; after step {state.step}; {GO_ON}"))
            for note in undrawn(artist.draw(), run.path):
                log.append(note)
            raise
        finally:
            log.close()
            artist.dismiss()
