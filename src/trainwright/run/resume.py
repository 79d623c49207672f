"""A run that was begun earlier: where it stands, whether it may go on as it is asked to, and what is no longer the same."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.config.kinds import KINDS
from trainwright.config.resolve import dump, resolve
from trainwright.data.files.folders import is_path
from trainwright.data.files.virtual import is_data
from trainwright.errors import TrainwrightError, error
from trainwright.plain_files import damaged, made_sense_of, read_toml
from trainwright.run.request import FREE_ON_RESUME, IN_MEMORY, Request, refuse_bytes
from trainwright.store import run_folder
from trainwright.store.run_folder import RunFolder
from trainwright.watch.events import Note

if TYPE_CHECKING:
    from trainwright.data.read.source import Source
    from trainwright.store.checkpoint import Checkpoint
    from trainwright.training.trainer import Trainer

WORDS = ("source", "held", "valid", "test", "recipe", "from", "fix")  # what a person says beside settings
PATHS = ("valid", "test", "from", "fix")


@dataclass(frozen=True)
class SavedRun:
    """A run folder with settings."""

    run: RunFolder
    origin: Mapping[str, Any]  # what a person said to begin it, the folder in which they said it, and its identity
    settings: Mapping[str, Any]  # all of them, nested
    held: Mapping[str, Any]  # data in memory, by split, that are given again

    @classmethod
    def open(cls, path: Path, source: Any = "") -> SavedRun:
        """Open a run folder; ``source`` is where its data are now, or data in memory.

        Raise E169 for a name that is not UTF-8, E403 for no run, E408 for unreadable settings.
        """
        held: dict[str, Any] = {}
        if is_data(source):
            from trainwright.data.read.frames import by_split

            held, source = by_split(source), ""
        refuse_bytes(source)
        run = run_folder.open_run(path)
        try:
            settings = read_toml(run.settings)
            origin = settings.pop("run")
            _check_origin(origin, settings["task"])
            settings = older(settings, settings["task"]) | settings
            moved = {"source": str(Path(source).absolute()) if is_path(source) else source} if source else {}
            return cls(run, origin | moved, settings, held)
        except (OSError, ValueError, KeyError) as problem:
            raise damaged(run.settings, problem) from None

    def _found(self, word: str) -> str:
        """Return a path from here, or from where the person was then; the name of a data set as it is. Raise E422."""
        there = str(Path(self.origin["folder"]) / word)
        if is_path(there):
            return word if is_path(word) and Path(word).resolve() == Path(there).resolve() else there
        if is_path(word) and any(self.run.checkpoints.glob("step-*")):
            return word  # the folder was moved; a checkpoint tells whether these are the data
        if is_path(word) or "/" in word or "." in word:
            raise error("E422", path=self.run.path, source=word, folder=self.origin["folder"])
        return word

    def request(self, out: Path, recipe: str = "", offline: bool = False) -> Request:
        """Return the request that would begin the run again, in ``out``. Raise E277 where it needs data in memory."""
        parts = str(self.origin["held"]).split(", ") if "held" in self.origin else []
        if any(part not in self.held for part in parts):
            raise error("E277", path=self.run.path)
        held = {part: self.held[part] for part in parts}
        # As seen from where the person was.
        paths = {key: Path(self._found(str(self.origin[key]))) for key in PATHS if key in self.origin}
        valid, test, start, fix = map(paths.get, PATHS)
        source = IN_MEMORY if "train" in held else self._found(self.origin["source"])
        return Request(source, valid, test, recipe, start, out, out.parent, offline, {}, held, fix)

    def check(self, given: Mapping[str, Any], found: Checkpoint | None) -> tuple[dict[str, Any], bool]:
        """Return the settings to go on with, those ``given`` laid over the run's own; and whether any is another than before.

        Raise E416 for one that may not change, and as ``config.resolve``.
        """
        task = str(self.settings["task"])
        given = {key: value for key, value in given.items() if key != "choose"}  # that is done, or being done
        wanted = dump(resolve(given, self.settings, task))
        kept = self.settings if found is None else found.facts["settings"]
        before = dump(resolve({}, {**older(kept, task), **kept}, task))
        changed = {key for key in (*wanted, *before) if wanted.get(key) != before.get(key)}
        for key in sorted(changed.difference(FREE_ON_RESUME)):
            new, old = _flat(key, wanted.get(key)), _flat(key, before.get(key))
            key = next(each for each in (*new, *old) if new.get(each) != old.get(each))
            facts = {"key": key, "value": new.get(key, "none"), "found": old.get(key, "none")}
            raise error("E416", path=self.run.path, free=list(FREE_ON_RESUME), **facts)
        return wanted, bool(changed)


def older(settings: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Return the settings that a run of an earlier version does not name, so that what comes of it stays as it was."""
    if settings.get("choose") == "auto":  # of this version; what it does not name is not derived yet
        return {}
    before = {"decay": "all"} | ({"calibrate": "off"} if KINDS[task].labelled else {})
    return {key: value for key, value in before.items() if key not in settings}


def _check_origin(origin: Any, task: Any) -> None:
    """Raise KeyError for what is missing in what a person said to begin a run, ValueError for what is no word."""
    if not isinstance(origin, dict):
        raise ValueError("run is no table")
    words = {"task": task, **{key: origin[key] for key in ("id", "source", "folder")}, **origin}
    for key, value in words.items():
        listed = value if key == "inexact" else [value]
        if not isinstance(listed, list) or any(not isinstance(each, str) or "\0" in each for each in listed):
            raise ValueError(f"{key} is no word")
    if task not in KINDS:
        raise ValueError(f"its task is none of {', '.join(KINDS)}")


def _flat(key: str, value: Any) -> dict[str, Any]:
    """Return the settings of a component by their full keys: ``{"model.hidden": 64}``."""
    if not isinstance(value, Mapping):
        return {key: value}
    return {f"{key}.{inner}": each for inner, each in value.items()}


def find_unfinished(request: Request) -> RunFolder | None:
    """Return the run that the same words began: in the folder that they name, or else the newest that has not ended.

    Raise E418 where another run is in that folder.
    """
    wanted = request.origin()
    if request.out is not None:
        if not RunFolder(request.out).settings.is_file():
            return None
        origin = SavedRun.open(request.out).origin
        for key in WORDS:
            if not _same(origin, wanted, key):
                raise error("E418", path=request.out, key=key, found=origin.get(key, "none"), wanted=wanted.get(key, "none"))
        return RunFolder(request.out)
    begun = [path for path in request.runs.glob("*/settings.toml") if path.is_file()]
    unfinished = [path for path in begun if not RunFolder(path.parent).seal.is_file()]
    for path in sorted(unfinished, key=lambda path: -path.stat().st_mtime_ns):
        with suppress(TrainwrightError):  # what cannot be gone on with is not the one
            earlier = SavedRun.open(path.parent)
            earlier.check(request.settings, None)
            same = earlier.origin.get("said") == request.said() and earlier.origin["folder"] == str(Path.cwd())
            if same and all(_same(earlier.origin, wanted, key) for key in WORDS):
                return earlier.run
    return None


def _same(origin: Mapping[str, Any], wanted: Mapping[str, Any], key: str) -> bool:
    """Return whether two persons said the same: the same word, or one that names the same file, each from their folder."""
    before, now = origin.get(key), wanted.get(key)
    if before == now or before is None or now is None or key == "held":
        return bool(before == now)
    there, here = Path(origin["folder"]) / before, Path(now)
    return is_path(str(there)) and is_path(now) and there.resolve() == here.resolve()


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the files that are not what they were, by the digests of two times."""
    splits = {**before["sources"], **now["sources"]}
    changed = [split for split in splits if before["sources"].get(split) != now["sources"].get(split)]
    return [now["paths"].get(split, split) for split in changed]


def changed_since(run: RunFolder, report: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the files that are not what they were when a run ended, as far as its report tells. Raise E408."""
    with made_sense_of(run.report):
        return changes(report["data"], now) if report.get("data") else []


class Fingerprint:
    """What a checkpoint says of its run beside the state, as JSON. The digests are taken while the training begins."""

    def __init__(self, source: Source, training: Trainer) -> None:
        self._source, self._training = source, training
        self._data: dict[str, Any] = {}
        self._problem: BaseException | None = None
        self._taking = threading.Thread(target=self._take_digests, daemon=True)
        self._taking.start()

    @property
    def data(self) -> dict[str, Any]:
        """Return the digests of what is read, and of what it is encoded by. Raise what went wrong when they were taken."""
        self._taking.join()
        if self._problem:
            raise self._problem
        return self._data

    def _take_digests(self) -> None:
        try:
            self._data = self._digests()
        except BaseException as problem:  # of a thread nobody would hear
            self._problem = problem

    def _digests(self) -> dict[str, Any]:
        values, arrays, tokens = self._training.problem.bundle()
        values.pop("thresholds", None)  # chosen when the training has ended
        digest = hashlib.blake2b(json.dumps([values, tokens], sort_keys=True, default=str).encode(), digest_size=16)
        for name in sorted(arrays):
            digest.update(name.encode() + arrays[name].tobytes())
        paths = {split: str(path) for split, path in self._source.files.items()}
        paths |= {} if self._source.fix is None else {"fix": str(self._source.fix)}
        return {"sources": self._source.digests, "paths": paths, "encoder": digest.hexdigest()}

    def content(self) -> dict[str, Any]:
        """Return settings, digests of the data, and environment."""
        return {"settings": dump(self._training.settings), "data": self.data, "machine": self._training.machine()}

    def differences(self, earlier: SavedRun, found: Checkpoint) -> list[Note]:
        """Return notes on what is no longer as it was, and what follows. Raise E414 where the data are read otherwise."""
        from trainwright.training.environment import differences

        before, notes = found.facts["data"], []
        changed = changes(before, self.data)
        if before["sources"].get("fix") != self.data["sources"].get("fix"):
            raise error("E498", path=earlier.run.path, fix=self.data["paths"].get("fix", "the file of --fix"))
        if before["encoder"] != self.data["encoder"]:
            raise error("E414", path=earlier.run.path, changed=", ".join(changed) or "by this version of Trainwright")
        if changed:
            notes.append(Note("changed data", ", ".join(changed), "the result is not that of an untouched run"))
        return notes + differences(found.facts["machine"], self._training.machine())
