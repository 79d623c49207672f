"""The loss around the parameters that a run found, and its own path there, had by training again.

surface.json      what was measured: axes, losses, the path
contour.png, relief.png, line.png, descent.webp, landscape.html      drawn from it by ``watch.landscape``
"""

from __future__ import annotations

import copy
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from trainwright.errors import error
from trainwright.plain_files import made_sense_of
from trainwright.run.again import prepare_again
from trainwright.run.resume import SavedRun
from trainwright.run.train import Prepared
from trainwright.run.verify import unrepeatable
from trainwright.store import atomic, seal
from trainwright.watch import record as records
from trainwright.watch import words
from trainwright.watch.events import Event, Listener, Note, Progress, Refused, Step
from trainwright.watch.report import panels

STATES = 100  # of a path, beside those after its epochs
ROOM = 1 << 30  # bytes that they may take on the disk meanwhile, and those after epochs as many
SHARES = np.linspace(-0.25, 1.25, 61)  # of the way from the first parameters to those that were kept; 0 and 1 are among them
MARGIN = 0.2  # of the extent of a path, on each side of it
NARROWEST = 0.25  # the shorter axis of a path's plane, by the longer one


@dataclass
class Field:
    """What the losses of one run are measured by; ``listen`` hears how far that is."""

    network: Any  # with the parameters that were kept
    loss: Callable[[Any], float]
    workers: int
    total: int
    listen: Listener
    done: int = 0

    def measure(self, points: Callable[[int], Any], count: int) -> list[float | None]:
        """Return the loss at each of ``count`` points, None where it is not finite."""
        from trainwright.evaluation import landscape

        found = landscape.losses(points, count, self.network, self.loss, self.workers, self._tick)
        return [float(each) if np.isfinite(each) else None for each in found]

    def plane(self, centre: Any, directions: np.ndarray, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
        """Return the losses on a grid, one list for each ``y``."""
        from trainwright.evaluation import landscape

        flat = self.measure(landscape.plane(centre, directions, x, y), len(x) * len(y))
        rows = [flat[low : low + len(x)] for low in range(0, len(flat), len(x))]
        return {"x": x.tolist(), "y": y.tolist(), "loss": rows, "minima": [], "paths": []}

    def _tick(self) -> None:
        self.done += 1
        self.listen(Progress("losses", self.done, self.total, "points"))


@dataclass(frozen=True)
class Way:
    """The path of a run: its states, file-backed, after which updates they were taken, and which of them was kept."""

    states: np.ndarray
    steps: list[int]
    epochs: list[float]
    losses: list[float | None]
    kept: int
    width: int  # of a state, without buffers

    def on(self, centre: np.ndarray, directions: np.ndarray) -> tuple[dict[str, Any], float]:
        """Return the path in a plane, as it is drawn, and the share of its variance that lies there."""
        from trainwright.evaluation import landscape

        points, share = landscape.project(self.states, centre, directions, self.width)
        facts = {"loss": self.losses, "steps": self.steps, "epochs": self.epochs, "kept": self.kept}
        return {"name": "training", "points": points.tolist(), **facts}, share


def landscape(
    path: Path, source: Any, size: int, span: float, rows: int, out: Path | None, listen: Listener, workers: int = 0
) -> dict[str, Any]:
    """Measure and draw the surface of a run into ``out``, or a folder in the run; return what was measured.

    Raise E403, E405 and E408 for no run that has ended, E431 for one without validation rows, E432 for one whose data have
    changed, E543 for a model that no gradient moves; E402; and as ``train``.
    """
    earlier = SavedRun.open(path, source)
    report = earlier.run.read_report()
    if not report.get("valid") or report.get("folds"):
        raise error("E431", path=path)

    made = prepare_again(earlier, report, listen)
    made.training.need_gradient()
    from trainwright.training.autotune import threaded

    if made.training.device.type != "cpu":
        workers = 1
    workers = workers or len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="trainwright-") as spare, threaded(1), made_sense_of(path):
        found = _measured(earlier, made, report, (size, span, rows, workers), Path(spare) / "states", listen)
    files = write(out or earlier.run.landscape, found, path.name, atomic.write_file if out is None else atomic.write_out)
    if out is None:
        seal.renew(path, files)
    return found | {"files": [str(each) for each in files]}


def toy(out: Path) -> dict[str, Any]:
    """Draw the surfaces of textbooks with the paths of optimisers into a folder. Raise E402."""
    from trainwright.training import toy as surfaces

    found = {"title": "Optimisers on surfaces of two parameters", "planes": [*map(surfaces.plane, surfaces.SURFACES.values())]}
    return found | {"files": [str(each) for each in write(out, found, "toy", atomic.write_out)]}


def write(folder: Path, found: dict[str, Any], name: str, put: Callable[[Path, bytes | str], None]) -> list[Path]:
    """Write what was measured and its pictures by ``put``, each whole or not at all. Raise E402."""
    from trainwright.watch.landscape import landscape as drawing

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise error("E402", path=folder, problem=problem.strerror or problem) from None
    contents: dict[str, bytes | str] = {"surface.json": json.dumps(found, indent=1), **drawing.draw(found, name)}
    for file, content in contents.items():
        put(folder / file, content)
    return [folder / file for file in contents]


def _measured(
    earlier: SavedRun,
    made: Prepared,
    report: Mapping[str, Any],
    asked: tuple[int, float, int, int],
    file: Path,
    listen: Listener,
) -> dict[str, Any]:
    """Return what was measured: the losses on planes and a line, and of the path."""
    from trainwright.evaluation import landscape as maths
    from trainwright.tasks import registry

    (size, span, most, workers), training, begun = asked, made.training, perf_counter()
    problem, width, start = training.problem, training.parameters, maths.state_of(training.model)
    network = copy.deepcopy(training.model)
    network.load_state_dict(registry.open_run_model(earlier.run.path).model.state_dict())
    end = maths.state_of(network)
    rows, loss = problem.valid_loss(training.learner.objective, training.device, most)
    record = records.read(earlier.run.path)
    ends = {int(row["epoch"]): int(row["step"]) for row in record.history}
    kept = ends[report["best_epoch"]]
    why, steps = _no_path(earlier), _steps([*ends.values()], kept, len(end))
    count = size**2 * (1 if why else 2) + len(SHARES) + (0 if why else len(steps))
    field = Field(network, loss, workers, count, listen)
    centre = loss(network)
    _say_cost(field, (rows, problem.unit), size, 0.0 if why else report["seconds"]["train"])
    way = None if why else _train_again(made, steps, ends, kept, file, field)
    if way is not None and not np.ptp(way.states[:, : way.width], axis=0).any():
        way, why = None, "its parameters did not move"
    drawn = np.stack([maths.random_direction(network, seed) for seed in (0, 1)])
    planes = [] if way is None else [_own_plane(field, way, end, drawn, size)]
    planes.append(_random_plane(field, way, end, drawn, np.linspace(-span, span, size)))
    blind = panels.chance(record)
    along = field.measure(maths.line(start, end, width, SHARES), len(SHARES))
    return {
        "title": f"{report['model']} on {report['source']}",
        "task": report["task"],
        "parameters": width,
        "buffers": len(end) - width,
        "rows": rows,
        "of": len(problem.splits["valid"]),
        "unit": problem.unit,
        "centre": centre,
        "valid": report["valid"]["loss"],
        "kept": report["best_epoch"],
        "chance": {"name": blind[0], "loss": blind[1]} if blind else None,
        "why": why,
        "apart": 0.0 if way is None else float(np.abs(way.states[way.kept] - end.cpu().numpy()).max()),
        "planes": planes,
        "line": {"x": SHARES.tolist(), "loss": along},
        "points": field.done,
        "workers": workers,
        "seconds": round(perf_counter() - begun, 2),
    }


def _no_path(earlier: SavedRun) -> str:
    """Return why the path of a run cannot be had by training again; empty where it can."""
    rollback = "its checkpoints took part in it (on_nonfinite=rollback)"
    return unrepeatable(earlier) or (rollback if earlier.settings.get("on_nonfinite") == "rollback" else "")


def _steps(ends: list[int], kept: int, size: int) -> list[int]:
    """Return the updates after which states are taken: ``STATES`` evenly, that which was kept, and each epoch's last."""
    most = max(min(STATES, ROOM // (4 * size)), 2)
    found = {*np.linspace(0, ends[-1], most + 1).round().astype(int).tolist(), kept, ends[-1]}
    return sorted(found.union(ends if len(ends) <= most else []))


def _say_cost(field: Field, rows: tuple[int, str], size: int, training: float) -> None:
    """Say how long it will take, by the time of a few more measurements."""
    from trainwright.evaluation import landscape as maths

    begun, tried, end = perf_counter(), 2 * field.workers, maths.state_of(field.network)
    maths.losses(lambda number: end, tried, field.network, field.loss, field.workers, lambda: None)
    each = (perf_counter() - begun) / tried
    whole = words.seconds(field.total * each + training)
    by = f"{field.workers} threads" if field.workers > 1 else "one thread"
    grid = f"{field.total:,} points ({size} x {size} a plane)"
    what = f"the loss on {words.amount(*rows)} at {grid}, {each * 1e3:.3g} ms each by {by}"
    again = f"; and training again, {words.seconds(training)}" if training else ""
    field.listen(Note("landscape", f"about {whole}", what + again))


def _train_again(made: Prepared, steps: list[int], ends: Mapping[int, int], kept: int, file: Path, field: Field) -> Way:
    """Train once more, which makes the same updates, and measure the states on the way; each has its own buffers."""
    from trainwright.evaluation import landscape as maths

    training, listen, last = made.training, field.listen, steps[-1]
    recorder = maths.Recorder(training.model, steps, file)

    def follow(event: Event) -> None:
        recorder(event)
        if isinstance(event, Step | Refused):
            listen(Progress("training again", event.step, max(last, event.step), "steps"))

    training.train(follow)
    states = recorder.states
    found = field.measure(maths.recorded(states, training.device), len(states))
    taken = recorder.steps
    epochs = np.interp(taken, [0, *ends.values()], [0, *ends]).tolist()
    return Way(states, taken, epochs, found, taken.index(kept), training.parameters)


def _own_plane(field: Field, way: Way, end: Any, drawn: np.ndarray, size: int) -> dict[str, Any]:
    """Return the losses on the plane of the first two principal directions of the path, through the kept parameters."""
    from trainwright.evaluation import landscape as maths

    directions, shares = maths.principal_directions(way.states, way.width)
    titles = [f"{name} principal direction ({100 * shares[place]:.3g} % of the path's variance)"
              for place, name in enumerate(("first", "second")[: len(directions)])]  # fmt: skip
    if len(directions) < 2:
        directions, titles = (
            maths.across(directions[0], drawn[0]),
            [*titles, "a random direction (the path is a straight line)"],
        )
    path, share = way.on(end.cpu().numpy(), directions)
    points = np.array(path["points"])
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.maximum((high - low) * (1 + 2 * MARGIN), NARROWEST * (high - low).max() * (1 + 2 * MARGIN))
    x, y = (
        np.linspace(middle - wide / 2, middle + wide / 2, size) for middle, wide in zip((low + high) / 2, room, strict=True)
    )
    return field.plane(end, directions, x, y) | {
        "title": "The plane of the path",
        "axes": titles,
        "share": share,
        "paths": [path],
    }


def _random_plane(field: Field, way: Way | None, end: Any, drawn: np.ndarray, axis: np.ndarray) -> dict[str, Any]:
    """Return the losses on the plane of two random directions through the kept parameters."""
    found = field.plane(end, drawn, axis, axis)
    found |= {"title": "Two random directions", "axes": [f"{name} random direction (in lengths of the filters)"
                                                          for name in ("first", "second")]}  # fmt: skip
    if way is None:
        return found | {"paths": [{"name": "kept parameters", "points": [[0.0, 0.0]], "loss": [None], "steps": [0]}]}
    path, share = way.on(end.cpu().numpy(), drawn)
    return found | {"share": share, "paths": [path]}
