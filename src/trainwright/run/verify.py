"""Whether a run is what it says: every byte of its files, and the numbers of its report; or the whole training once more."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainwright.errors import RunError, TrainwrightError, error
from trainwright.run.resume import SavedRun, changes
from trainwright.run.train import Session
from trainwright.store import run_folder, seal
from trainwright.store.run_folder import RunFolder
from trainwright.watch.events import Listener, Note

TIMES = ("seconds", "rows_per_second")  # of a report: what no second run has in common
PLACES = ("machine", "data")  # and what says where it ran


@dataclass
class Proof:
    """What was looked at, as (what, value, why), and what is wrong."""

    checked: list[Note] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, what: str, value: str, why: str, wrong: list[str]) -> None:
        """Add one thing that was looked at, and what is wrong with it."""
        self.checked.append(Note(what, value, why))
        self.wrong += wrong


def verify(path: Path, source: Any, listen: Listener) -> Proof:
    """Check that every sealed file is as it was written, and that the bundle measured again has the scores of the report.

    ``source`` is where its data are now, where they have moved. Raise E403 and E408 for no run folder.
    """
    proof, run = Proof(), run_folder.open_run(path, fit_too=True)
    if run.seal.exists():
        proof.add("run", f"{len(run.lasting())} files", "sizes and SHA-256 compared with SEAL", list(damaged(run.path)))
    elif run.report.exists():
        proof.add("run", "has no SEAL", "it has a report all the same", [f"{run.seal} is not there, which is written last"])
    else:
        proof.add("run", "has not ended", "only what is sealed is looked at", [])
    for each in [*_added(run.path, run.lasting()), *_added(run.model, run.model.rglob("*"))]:
        proof.add("added", each, "not under the seal", [])
    for what, folders in (("model", [run.model]), ("checkpoints", sorted(run.checkpoints.glob("step-*")))):
        found = {folder: list(damaged(folder)) for folder in folders if folder.is_dir()}
        there = [folder for folder in found if folder.is_dir()]  # a run that trains meanwhile lets go of older ones
        if there:
            wrong = [each for folder in there for each in found[folder]]
            proof.add(what, ", ".join(folder.name for folder in there), "sizes and SHA-256 compared with SEAL", wrong)
    if run.seal.exists() and not proof.wrong and run.settings.exists():
        _measure_again(SavedRun.open(path, source), proof, listen)
    elif run.seal.exists() and not run.settings.exists():
        proof.add("scores", "not measured", "the model and its data are your own code: tw.evaluate(model, data, loss=...)", [])
    return proof


def replay(path: Path, source: Any, out: Path | None, listen: Listener) -> Proof:
    """Train again from the run's own settings, into ``out`` or a folder that goes away, and compare weights and report.

    Raise E403, E405 and E408 for no run that has ended; E401 for ``out``; and as ``train``.
    """
    from trainwright.tasks import registry
    from trainwright.training.environment import differences

    proof, earlier = Proof(), SavedRun.open(path, source)
    if why := unrepeatable(earlier):
        raise error("E423", path=path, why=why)
    kept = registry.open_run_model(path).model.state_dict()
    with tempfile.TemporaryDirectory(prefix="trainwright-") as spare:
        place = out or Path(spare) / "run"
        Session(listen).begin(earlier.request(place, recipe=str(earlier.run.settings)))
        again = registry.open_run_model(place).model.state_dict()
        report, new = _compared(earlier.run), _compared(RunFolder(place))
    wrong = []
    for name, value in kept.items():
        if name not in again or again[name].shape != value.shape:
            wrong.append(f"{name} has another shape")
        elif not again[name].equal(value):
            wrong.append(f"{name} differs by up to {float((again[name] - value).abs().max()):.3g}")
    proof.add("weights", f"{len(kept)} tensors", "of a second training, compared to the last bit", wrong)
    proof.checked += differences(report.get("machine", {}), new.get("machine", {}))
    wrong = [f"{key} of the report differs" for key in report if key not in PLACES and report[key] != new.get(key)]
    proof.add("report", f"{len(report)} fields", "times aside", wrong)
    return proof


def unrepeatable(earlier: SavedRun) -> str:
    """Return why no second training can give the bits of a run; empty where one can."""
    clock = ["it was stopped by the clock"] if earlier.settings.get("time") else []
    return "; ".join([*earlier.origin.get("inexact", []), *clock])


def damaged(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the files that a folder's seal names."""
    try:
        sealed = seal.read(folder)
    except RunError as problem:
        yield problem.what
        return
    for name, (size, digest) in sealed.files.items():
        try:
            seal.intact(folder / name, size, digest)
        except RunError as problem:
            yield problem.what


def _added(folder: Path, paths: Iterable[Path]) -> list[str]:
    """Return the files that lie in a folder, but not under its seal."""
    try:
        named = {*seal.read(folder).files, seal.NAME}
    except RunError:
        return []
    found = (path.relative_to(folder).as_posix() for path in paths if path.is_file())
    return sorted(f"{folder.name}/{each}" for each in found if each not in named)


def _measure_again(earlier: SavedRun, proof: Proof, listen: Listener) -> None:
    """Measure the bundle's weights on the data as the run reads them, and compare with the report."""
    from trainwright.store import bundle

    try:
        made = Session(listen).prepare(earlier.request(earlier.run.path), dict(earlier.settings))
        before = _compared(earlier.run).get("data")
        if before and (changed := changes(before, made.facts.data)):
            wrong = [f"{each} is not the file that it was" for each in changed]
            proof.add("data", "changed", "the digests of the run compared", wrong)
            return
        made.training.take(bundle.load(earlier.run.model))
        measured = made.training.measure().scores
    except TrainwrightError as problem:
        proof.add("scores", "not measured", "the data cannot be read", [f"{problem.what} ({problem.mend})"])
        return
    report = _compared(earlier.run)
    same = report.get("machine") == made.training.machine()
    tolerance, how = (0.0, "to the last bit") if same else (1e-4, "to 0.0001, on another machine or by other libraries")
    again = json.loads(json.dumps(measured))
    wrong = [f"{key} is another than in the report" for key in again if not _near(again[key], report.get(key), tolerance)]
    scores = measured["test"] or measured["valid"] or {}
    proof.add("scores", f"{scores.get('n', 0):,} rows", f"measured again, compared with the report {how}", wrong)


def _near(a: Any, b: Any, tolerance: float) -> bool:
    """Return whether two values of JSON are the same, numbers up to a relative difference."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b or math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_near(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return set(a) == set(b) and all(_near(a[key], b[key], tolerance) for key in a)
    return bool(a == b)


def _compared(run: RunFolder) -> Mapping[str, Any]:
    try:
        return {key: value for key, value in run.read_report().items() if key not in TIMES}
    except RunError:
        return {}
