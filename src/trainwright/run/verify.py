"""Whether a run is what it says: every byte of its files, and the numbers of its report; or the whole training once more."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.errors import RunError, TrainwrightError, error
from trainwright.plain_files import LOG, content, made_sense_of, read_lines, read_toml
from trainwright.plain_files import damaged as unreadable
from trainwright.run import choose
from trainwright.run.resume import SavedRun, changed_since, older
from trainwright.run.train import Session
from trainwright.store import fingerprints, predictions, run_folder, seal
from trainwright.store.run_folder import RunFolder
from trainwright.watch import record
from trainwright.watch.events import Listener, Note

if TYPE_CHECKING:
    from trainwright.store.checkpoint import Checkpoint

TIMES = ("seconds", "rows_per_second")  # of a report: what no second run has in common
PLACES = ("machine", "data")  # and what says where it ran
STOOD = ("steps", "epochs", "best_epoch")  # what the newest checkpoint knows
WHERE = ("source", "files", "rejected_rows", "findings")  # of data.json: what names files, which may have moved
# What no look at a folder proves, even where every seal is whole: a person can seal what they like.
NOT_PROVEN = {
    "the training": "that these settings and this seed gave these weights and events: trainwright replay RUN",
    "pictures": "that report.html, plots and examples show these numbers: trainwright plots RUN draws them again",
    "times": "seconds, speed and machine, which no second run has in common",
}


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
    """Check that every sealed file is as it was written, and that what can be had again from the data comes out the same.

    ``source`` is where its data are now, where they have moved. Raise E403 and E408 for no run folder.
    """
    proof, run = Proof(), run_folder.open_run(path, fit_too=True)
    _check_seal(run, proof)
    _check_bundle_and_checkpoints(run, proof)
    if proof.wrong or not run.seal.exists():
        return proof
    try:
        newest = _compare_with_checkpoint(run, proof)
    except OSError as problem:
        raise unreadable(Path(problem.filename or path), problem) from None
    if run.settings.exists():
        _measure_again(SavedRun.open(path, source), newest, proof, listen)
    else:
        proof.add("scores", "not measured", "the model and its data are your own code: tw.evaluate(model, data, loss=...)", [])
    for what, why in NOT_PROVEN.items():
        proof.add("not proven", what, why, [])
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
        lacking = older(read_toml(earlier.run.settings), str(earlier.settings["task"]))
        Session(listen).begin(replace(earlier.request(place, recipe=str(earlier.run.settings)), settings=lacking))
        again = registry.open_run_model(place).model.state_dict()
        report, new = _compared(earlier.run), _compared(RunFolder(place))
        epochs = [repr(old) == repr(new) for old, new in zip_longest(_epochs(earlier.run.path), _epochs(place))]
    wrong = []
    for name, value in kept.items():
        if name not in again or again[name].shape != value.shape:
            wrong.append(f"{name} has another shape")
        elif not again[name].equal(value):
            wrong.append(f"{name} differs by up to {float((again[name] - value).abs().max()):.3g}")
    proof.add("weights", f"{len(kept)} tensors", "of a second training, compared to the last bit", wrong)
    with made_sense_of(earlier.run.report):
        proof.checked += differences(report.get("machine", {}), new.get("machine", {}))
    known = _known(new, report) if report.get("machine") != new.get("machine") else new
    wrong = [f"{key} of the report differs" for key in report if key not in PLACES and report[key] != known.get(key)]
    proof.add("report", f"{len(report)} fields", "times aside", wrong)
    proof.add("history", f"{len(epochs)} epochs", "times aside", [] if all(epochs) else ["history.csv differs"])
    return proof


def _epochs(path: Path) -> Iterator[dict[str, Any]]:
    return ({key: value for key, value in row.items() if key not in TIMES} for row in record.epochs(path))


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
            seal.check_file(folder / name, size, digest)
        except RunError as problem:
            yield problem.what


def _check_seal(run: RunFolder, proof: Proof) -> None:
    """Look at the files of the run itself, and name all that are under no seal."""
    if run.seal.exists():
        proof.add("run", f"{len(run.lasting())} files", "sizes and SHA-256 compared with SEAL", list(damaged(run.path)))
    elif run.report.exists():
        proof.add("run", "has no SEAL", "it has a report all the same", [f"{run.seal} is not there, which is written last"])
    elif run.tells_of("finished"):
        wrong = [f"{run.seal} and {run.report.name} are not there: trainwright resume {run.path} makes them again"]
        proof.add("run", "has no SEAL", "its events tell that the training ended", wrong)
    else:
        proof.add("run", "has not ended", "only what is sealed is looked at", [])
    for each in _added(run):
        proof.add("added", each, "not under a seal", [])


def _check_bundle_and_checkpoints(run: RunFolder, proof: Proof) -> None:
    """Look at the folders with seals of their own; a run that trains meanwhile lets go of older checkpoints."""
    checkpoints = sorted(run.checkpoints.glob("step-*"))
    for what, folders in (("model", [run.model]), ("checkpoints", checkpoints)):
        found = {folder: list(damaged(folder)) for folder in folders if folder.is_dir()}
        there = [folder for folder in found if folder.is_dir()]
        if there:
            wrong = [each for folder in there for each in found[folder] or _misplaced(run, folder)]
            proof.add(what, ", ".join(folder.name for folder in there), "sizes and SHA-256 compared with SEAL", wrong)
    if not checkpoints and run.wrote_checkpoints():
        proof.add("checkpoints", "none", "events.jsonl tells of some", [f"{run.checkpoints} has lost its checkpoints"])


def _misplaced(run: RunFolder, folder: Path) -> list[str]:
    """Return what is wrong with the place of a whole checkpoint: it may be another run's, or have another's name."""
    if folder.parent != run.checkpoints:
        return []
    facts = seal.read(folder).facts
    if facts.get("run") != run.identity():
        return [f"{folder} is a checkpoint of another run"]
    right = f"step-{facts.get('step'):06}" if type(facts.get("step")) is int else "without a step"
    return [] if folder.stem == right else [f"{folder} is the checkpoint {right}"]


def _added(run: RunFolder) -> list[str]:
    """Return what lies in a run folder under no seal, hidden files too, by its path behind the folder's name."""
    sealed = {run.path / run_folder.LOCK}
    for folder in (run.path, run.model, *run.checkpoints.glob("step-*"), *run.quarantine.glob("step-*")):
        with suppress(RunError):
            sealed |= {folder / seal.NAME, *(folder / name for name in seal.read(folder).files)}
    if not run.seal.exists():  # it is not under a seal yet
        sealed |= {*run.lasting()}
    found = (path for path in run.path.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted((run.path.name / path.relative_to(run.path)).as_posix() for path in found if path not in sealed)


def _compare_with_checkpoint(run: RunFolder, proof: Proof) -> Checkpoint | None:
    """Compare settings, history, events and report with the newest checkpoint, which was sealed by itself; return it."""
    from trainwright.store.checkpoint import Checkpoints, read

    paths = Checkpoints(run.checkpoints, run.quarantine, "").paths()
    if not paths:
        return None
    found, report, wrong = read(paths[0]), run.read_report(), []
    with made_sense_of(found.path):
        position, log = found.state["position"], found.facts["log"]
        told = {name: position[name] for name in ("step", "epoch")} | {"best": position["best_epoch"] or position["epoch"]}
        for key, name in (("steps", "step"), ("epochs", "epoch"), ("best_epoch", "best")):
            if report.get(key) != told[name]:
                wrong.append(f"{key} of report.json is {report.get(key)}, and {told[name]} in {found.path.name}")
        if content(run.history, LOG) != log["history"].encode("utf-8", "backslashreplace"):
            wrong.append(f"history.csv is not what it was in {found.path.name}")
        if run.events.stat().st_size < log["events"]:
            wrong.append(f"events.jsonl is shorter than it was in {found.path.name}")
        if run.settings.exists():
            now, before = read_toml(run.settings), found.facts["settings"]
            changed = [key for key in sorted({*now, *before} - {"run"}) if now.get(key) != before.get(key)]
            wrong += [f"{key} of settings.toml is not what it was in {found.path.name}" for key in changed]
    wrong += _untold(run)
    proof.add("agreement", paths[0].name, "settings, history, events and report compared with it", wrong)
    return found


def _untold(run: RunFolder) -> list[str]:
    """Return the epochs whose numbers in the history are not those of the events."""
    names = ("step", "lr", "train_loss", "valid_loss")
    shown = {int(row["epoch"]): _alike(map(row.get, names)) for row in record.epochs(run.path)}
    with made_sense_of(run.events):
        told = {
            event["epoch"]: _alike((event["step"], event["lr"], event["train"]["loss"], (event["valid"] or {}).get("loss")))
            for event in read_lines(run.events)
            if event.get("event") == "epoch"
        }
        odd = sorted(epoch for epoch in {*told, *shown} if told.get(epoch) != shown.get(epoch))
    return [f"epoch {odd[0]} is another in events.jsonl than in history.csv"] if odd else []


def _alike(numbers: Iterable[float | None]) -> str:
    """Return what is the same for the same numbers, however they were written."""
    return " ".join(repr(None if each is None else float(each)) for each in numbers)


def _measure_again(earlier: SavedRun, newest: Checkpoint | None, proof: Proof, listen: Listener) -> None:
    """Read the data and measure the bundle's weights on them as the run did, and compare with all that it wrote of that."""
    from trainwright.store import bundle

    run = earlier.run
    try:
        made = Session(listen).prepare(earlier.request(run.path), dict(earlier.settings))
        report = run.read_report()
        if changed := changed_since(run, report, made.facts.data):
            wrong = [f"{each} is not the file that it was" for each in changed]
            proof.add("data", "changed", "the digests of the run compared", wrong)
            return
        with made_sense_of(run.path):
            made.training.take(bundle.load(run.model))
            choose.restore(made.training.problem, run)
            if newest is not None:
                made.training.state.place(newest.state["position"])
            measured = made.training.evaluate()
    except TrainwrightError as problem:
        proof.add("scores", "not measured", "the data cannot be read", [f"{problem.what} ({problem.mend})"])
        return
    same = report.get("machine") == made.training.machine()
    tolerance, how = (0.0, "to the last bit") if same else (1e-4, "to 0.0001, on another machine or by other libraries")
    again = json.loads(json.dumps(measured.scores))
    again = again if same else _known(again, report)
    compared = [key for key in again if key not in (*PLACES, "source", *(STOOD if newest is None else ()))]
    wrong = [f"{key} is another than in the report" for key in compared if not _near(again[key], report.get(key), tolerance)]
    scores = again.get("test") or again.get("valid") or {}
    proof.add("scores", f"{scores.get('n', 0):,} rows", f"measured again, compared with the report {how}", wrong)
    data, kept = json.loads(json.dumps(made.training.problem.data)), run.read_data()
    if "findings" not in kept and isinstance(kept.get("audit"), dict):  # earlier versions told near copies in another way
        data, kept = (each | {"audit": {**each.get("audit", {}), "near": None}} for each in (data, kept))
    wrong = [f"{key} is another than in data.json" for key in {*data, *kept} - {*WHERE} if data.get(key) != kept.get(key)]
    proof.add("data", f"{len(data)} entries", "read again, compared with data.json", sorted(wrong))
    if same and measured.rows:
        with made_sense_of(run.predictions):
            table = predictions.table(measured.rows)
            rows = [each.drop("file") for each in (table, predictions.read(run.predictions, table))]
            wrong = [] if rows[0].equals(rows[1]) else ["predictions.parquet has other answers than the model gives"]
        proof.add("answers", f"{len(rows[0]):,} rows", "asked again, compared with predictions.parquet", wrong)
    if (known := fingerprints.read(run.fingerprints)) is not None:
        again = made.training.problem.fingerprints()
        odd = [name for name, each in again.items() if not np.array_equal(each, known.of(name))]
        wrong = [f"{name} of {run.fingerprints.name} has other rows" for name in odd]
        proof.add("fingerprints", f"{sum(map(len, again.values())):,} rows", "taken again, compared with what is kept", wrong)


def _known(new: Any, old: Any) -> Any:
    """Return a report without what another version, whose report is ``old``, did not tell."""
    if isinstance(new, dict) and isinstance(old, Mapping):
        return {key: _known(each, old[key]) for key, each in new.items() if key in old}
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [*map(_known, new, old)]
    return new


def _near(a: Any, b: Any, tolerance: float) -> bool:
    """Return whether two values of JSON are the same, numbers up to a relative difference."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(_near(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return set(a) == set(b) and all(_near(a[key], b[key], tolerance) for key in a)
    return bool(a == b)


def _compared(run: RunFolder) -> Mapping[str, Any]:
    try:
        return {key: value for key, value in run.read_report().items() if key not in TIMES}
    except RunError:
        return {}
