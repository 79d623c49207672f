"""Every path inside a run folder, and how one comes to be. The folder is the interface: ``train`` and ``fit`` write it.

What looks at runs reads it; the plots and the page are drawn by a process of their own (``watch.plots``).
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from trainwright.errors import RunError, error, shell_word
from trainwright.plain_files import LOG, content, damaged, open_regular, read_object, read_toml

LOCK, HOLDER = ".lock", "process "  # how the content of a lock begins
_held: set[IO[str]] = set()  # files whose lock this process has


@dataclass(unsafe_hash=True)
class RunFolder:
    """A run folder by its path."""

    path: Path

    def __post_init__(self) -> None:
        """Name every place in the folder."""
        self.settings = self.path / "settings.toml"  # resolved settings, complete: enough to repeat the run
        self.call = self.path / "call.json"  # what began a run of ``fit``, which has no settings
        self.data = self.path / "data.json"  # source, columns, splits, rejected rows, audit
        self.events = self.path / "events.jsonl"  # one line an event
        self.history = self.path / "history.csv"  # one line an epoch
        self.checkpoints = self.path / "checkpoints"  # one sealed folder each
        self.quarantine = self.path / "quarantine"  # checkpoints that turned out to be damaged
        self.folds = self.path / "folds"  # what models that never saw them said of the training rows
        self.candidates = self.path / "candidates"  # the same of models of which one is taken, until it is
        self.choice = self.path / "choice.json"  # the candidates that were measured
        self.model = self.path / "model"  # the bundle
        self.report = self.path / "report.json"  # the scores
        self.watched = self.path / "watched.json"  # the rows of valid that are watched while the model learns
        self.examples = self.path / "examples.json"  # rows that tell most of how good it is, with their inputs
        self.plots = self.path / "plots"  # pictures, and in ``landscape`` those of the loss surface
        self.landscape = self.path / "landscape"
        self.predictions = self.path / "predictions.parquet"  # what was said of each row of valid and test
        self.fingerprints = self.path / "fingerprints.safetensors"  # by what it knows the rows again that it has seen
        self.seal = self.path / "SEAL"  # sizes and digests of ``lasting`` files; a run that has ended has one

    def tells_of(self, *kinds: str) -> bool:
        """Return whether there are such events, looked for as bytes: after a failure of the machine not all is JSON."""
        told = b""
        with suppress(OSError):
            told = content(self.events, LOG)
        return any(f'{{"event": "{kind}"'.encode() in told for kind in kinds)

    def wrote_checkpoints(self) -> bool:
        """Return whether events tell of any."""
        return self.tells_of("saved", "resumed")

    def has_report(self) -> bool:
        """Return whether there is one, or something else in its place."""
        return self.report.is_symlink() or self.report.exists()

    def read_report(self) -> dict[str, Any]:
        """Return the content of the report. Raise E405 for a run that has not ended, E408 for an unreadable one."""
        try:
            return read_object(self.report)
        except FileNotFoundError:
            raise self.not_ended("report") from None
        except (OSError, ValueError) as problem:
            raise damaged(self.report, problem) from None

    def read_data(self) -> dict[str, Any]:
        """Return what is known of the data. Raise E408."""
        try:
            return read_object(self.data)
        except (OSError, ValueError) as problem:
            raise damaged(self.data, problem) from None

    def identity(self) -> str:
        """Return what tells this run from all others. Raise E408."""
        try:
            begun = read_toml(self.settings)["run"] if self.settings.is_file() else read_object(self.call)
            return str(begun["id"])
        except (OSError, ValueError, LookupError, TypeError) as problem:
            raise damaged(self.settings if self.settings.is_file() else self.call, problem) from None

    def check_folders(self) -> None:
        """Raise E450 where a folder that is written to is a link: what lies elsewhere is no part of the run."""
        for folder in (self.checkpoints, self.quarantine, self.folds, self.candidates, self.model, self.plots, self.landscape):
            if folder.is_symlink():
                raise error("E450", path=folder)

    def not_ended(self, missing: str) -> RunError:
        """Return what is said of a run that has not ended, and of how it goes on: E405, of one of ``fit`` E433."""
        own = self.call.is_file() and not self.settings.is_file()
        return error("E433" if own else "E405", path=self.path, missing=missing)  # type: ignore[return-value]

    def lasting(self) -> list[Path]:
        """Return the files of a run that has ended. Checkpoints and bundle have their own seals; that of the bundle counts."""
        own = {self.seal, *self.checkpoints.rglob("*"), *self.quarantine.rglob("*")}
        own |= {path for path in self.model.rglob("*") if path.name != "SEAL"}
        files = (path for path in self.path.rglob("*") if path.is_file() and not path.is_symlink())
        found = (path for path in files if not path.name.startswith("."))
        return sorted(path for path in found if path not in own)


def discard(run: RunFolder) -> None:
    """Remove the head of a run of which nothing else is there."""
    with suppress(OSError):
        for path in (run.settings, run.data, run.choice, run.path / LOCK):
            path.unlink(missing_ok=True)
        run.path.rmdir()


@contextmanager
def locked(run: RunFolder) -> Iterator[None]:
    """Lock the folder: no other process, and no other thread, trains in it meanwhile. Raise E415 where one does.

    The system gives the lock back when the process ends, however it ends, and knows processes of other containers too. The
    lock is that of the open file: who else opens the file, reads it and closes it takes nothing away. Processes forked from
    this one do not hold it.
    """
    run.check_folders()
    with _open_lock(run.path / LOCK) as file:
        _take(file, run.path)
        _held.add(file)
        try:
            yield
        finally:
            _held.discard(file)
            fcntl.flock(file, fcntl.LOCK_UN)  # a process that is being forked may have it open a moment longer


def _let_go() -> None:
    """Close the files in a process that was forked, which would hold their lock when this one has ended."""
    while _held:
        _held.pop().close()


os.register_at_fork(after_in_child=_let_go)


def _open_lock(path: Path) -> IO[str]:
    try:
        return os.fdopen(open_regular(path, os.O_RDWR | os.O_APPEND | os.O_CREAT), "a+", encoding="utf-8", errors="replace")
    except OSError as problem:
        raise error("E402", path=path, problem=problem.strerror or problem) from None


def _take(file: IO[str], folder: Path) -> None:
    """Take the lock, which is given back when the file is closed. Raise E415 where another process has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.seek(0)
        raise error("E415", path=folder, holder=file.read(200).strip() or "another process") from None
    except OSError as problem:
        raise error("E402", path=folder / LOCK, problem=f"it cannot be locked: {problem.strerror}") from None
    with suppress(OSError):  # on a full disk the lock holds, but cannot say whose it is
        os.truncate(file.fileno(), 0)
        os.write(file.fileno(), f"{HOLDER}{os.getpid()} on {platform.node()}\n".encode())


def place(what: str, word: str | Path) -> Path:
    """Return the path that a word is. Raise E169 for an empty one, which would be the current folder."""
    if not str(word):
        raise error("E169", what=f"{what}=''", why="it is empty")
    return Path(word)


def create(out: Path | None, parent: Path, name: str) -> RunFolder:
    """Make a new, empty run folder: ``out``, or ``parent/<name>-<n>`` with the next free number.

    Raise E401 where ``out`` exists and is not free, E402 where it cannot be made.
    """
    try:
        if out is not None:
            check_free(out)
            out.mkdir(parents=True, exist_ok=True)
            return RunFolder(out)
        parent.mkdir(parents=True, exist_ok=True)
        taken = (re.fullmatch(re.escape(name) + r"-(\d+)", path.name) for path in parent.iterdir())
        number = max((int(found[1]) for found in taken if found), default=0) + 1
        while True:
            try:
                (parent / f"{name}-{number}").mkdir()  # another process may take the number first
                return RunFolder(parent / f"{name}-{number}")
            except FileExistsError:
                number += 1
    except FileExistsError:
        raise error("E401", path=out) from None
    except OSError as problem:
        raise error("E402", path=out or parent, problem=problem.strerror or problem) from None


def check_free(out: Path) -> None:
    """Raise E401 before any work is done when ``out`` is taken: a run that was killed before it had settings takes nothing.

    Raise E402 where it cannot be looked at.
    """
    try:
        free = _is_free(out)
    except OSError as problem:
        raise error("E402", path=out, problem=problem.strerror or problem) from None
    if not free:
        hint = f"Go on with it: trainwright resume {shell_word(out)}" if RunFolder(out).settings.is_file() else ""
        hint = "Go on with it: fit(..., resume=True)." if RunFolder(out).call.is_file() else hint
        raise error("E401", path=out, hint=hint)


def _is_free(out: Path) -> bool:
    head = ("data.json", "choice.json")  # which are written before the settings
    return not out.exists() or (out.is_dir() and all(p.name.startswith(".") or p.name in head for p in out.iterdir()))


def open_run(path: Path, *, fit_too: bool = False) -> RunFolder:
    """Return the folder of a run of ``train``, with ``fit_too`` of one of ``fit`` as well.

    Raise E403 for any other path, E424 for one that cannot be looked at.
    """
    run = RunFolder(path)
    try:
        trained, fitted = run.settings.is_file(), run.call.is_file()
    except OSError as problem:
        raise error("E424", path=path, problem=problem.strerror or problem) from None
    if not (trained or (fit_too and fitted)):
        hint = "It is a run of fit: go on with fit(..., resume=True), use its model with tw.predict(model, data)."
        raise error("E403", path=path, missing=run.settings.name, hint=hint if fitted else "")
    run.check_folders()
    return run


def is_run(path: Path) -> bool:
    """Return whether a folder is that of a run, from the moment on when it is locked. Data it is not."""
    try:
        if any((path / name).is_file() for name in ("settings.toml", "call.json")):
            return (path / "data.json").is_file()
        if not (path / LOCK).is_file():
            return False
        with (path / LOCK).open("rb") as lock:
            return lock.read(len(HOLDER)) == HOLDER.encode()
    except (OSError, ValueError):
        return False


def slug(name: str) -> str:
    """Return a folder name from a source's name: letters, digits, ``-`` and ``_``."""
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:60] or "run"


def runs(parent: Path) -> list[dict[str, Any]]:
    """Return the runs in a folder, by name: path, and report (empty where there is none, or ``damaged`` says why)."""
    found: list[dict[str, Any]] = []
    for path in sorted(parent.iterdir()) if parent.is_dir() else []:
        if (run := RunFolder(path)).settings.is_file() or run.call.is_file():
            found.append({"run": str(path), "report": {}})
            try:
                found[-1]["report"] = run.read_report()
            except RunError as problem:
                found[-1] |= {"damaged": problem.what} if problem.code == "E408" else {}
    return found
