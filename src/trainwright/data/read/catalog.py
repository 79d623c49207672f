"""Data sets by name: their files, fetched once, verified, and kept in a cache folder.

A file is downloaded once, into a cache folder, and is there whole and verified or not there at all: it grows as
``<file>.part``, which survives a kill and is resumed, and takes its name only after its checksum was found right and its
bytes are on the disk. One process at a time downloads a data set; others wait.

A cached file is verified on every use, size first, then md5, which takes 0.3 s for CIFAR (170 MB).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainwright.data.files.cache_folder import Kept, cache_folder
from trainwright.data.read import builtin
from trainwright.data.read.catalog_entries import CATALOG, File
from trainwright.errors import TrainwrightError, error, nearest
from trainwright.watch.events import Listener, Progress, ignore

if TYPE_CHECKING:
    import httpx

RETRY_PAUSES = (0.5, 2.0)  # seconds before the second and the third attempt at one address
TIMEOUT = 30.0  # seconds without a byte; a connection that cannot be made is given up after a third of it
PART, LOCK = ".part", ".lock"
MOST_BYTES = 2 << 30  # accepted for a file whose size the catalogue does not know


def names() -> list[str]:
    """Return the names of all data sets, downloaded or built in, sorted."""
    return sorted([*CATALOG, *builtin.TASKS])


def fetch(name: str, *, offline: bool = False, progress: Listener = ignore) -> dict[str, Path]:
    """Return the local path of each file of a data set, by its key, downloaded first where it is not in the cache.

    ``offline`` (or ``TRAINWRIGHT_OFFLINE=1``) forbids the download. ``progress`` is called as bytes arrive. Raise E130 for no
    such data set, E131 for one that is not here, E132 for a download that failed, E133 for wrong content, E134 for a cache
    folder that cannot be used.
    """
    if name not in CATALOG:
        raise error("E130", name=name, known=names(), hint=nearest(name, names()))
    folder = cache_folder() / name
    jobs = {key: _Job(name, key, file, folder / file.name, progress) for key, file in CATALOG[name].files.items()}
    try:
        missing = [job for job in jobs.values() if not _is_right(job.path, job.file)]
        if missing and (offline or os.environ.get("TRAINWRIGHT_OFFLINE", "0") not in ("", "0")):
            path, md5 = missing[0].path, missing[0].file.md5
            if path.is_file():
                raise error("E133", name=name, found=_md5(path), expected=md5, path=path, where=str(path))
            raise error("E131", name=name, md5=md5, path=path)
        if missing:
            _complete(missing, folder)
    except OSError as problem:
        raise error("E134", name=name, reason=problem.strerror or problem, where=str(folder)) from problem
    return {key: job.path for key, job in jobs.items()}


def _complete(missing: list[_Job], folder: Path) -> None:
    """Put the missing files into ``folder``, one process at a time: the system lets go of a lock when its process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            missing[0].report(Progress(f"wait for another download of {missing[0].name}", 0, 0, "bytes"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        for job in missing:
            if not _is_right(job.path, job.file):  # else: another process put it there while this one waited
                _download(job)
                with job.part.open("rb+") as written:
                    os.fsync(written.fileno())
                job.part.replace(job.path)


def downloads() -> list[Kept]:
    """Return the data sets of which anything is here, those used last first."""
    found = []
    for name in CATALOG:
        if there := [each.stat() for each in _files_of(name)]:
            used = max(max(facts.st_atime, facts.st_mtime) for facts in there)
            found.append(Kept("download", name, cache_folder() / name, sum(facts.st_size for facts in there), used))
    return sorted(found, key=lambda each: each.used, reverse=True)


def _files_of(name: str) -> list[Path]:
    """Return what is here of a data set: whole files, and parts of them."""
    wanted = [cache_folder() / name / file.name for file in CATALOG[name].files.values()]
    parts = [path.with_name(f"{path.name}{PART}") for path in wanted]
    return [path for path in (*wanted, *parts) if path.is_file()]


def remove(name: str) -> None:
    """Remove what was downloaded of a data set; other files in its folder stay. Raise OSError."""
    folder = cache_folder() / name
    with (folder / LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for path in (*_files_of(name), folder / LOCK):
            path.unlink()
    with suppress(OSError):  # something else is in it
        folder.rmdir()


def _is_right(path: Path, file: File) -> bool:
    return path.is_file() and file.size in (None, path.stat().st_size) and _md5(path) == file.md5


def _md5(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@dataclass(frozen=True)
class _Job:
    """One file to download, and whom to tell."""

    name: str
    key: str
    file: File
    path: Path
    report: Listener

    @property
    def part(self) -> Path:
        """Return the file that grows as bytes arrive."""
        return self.path.with_name(f"{self.path.name}{PART}")

    def failure(self, address: str, reason: str) -> TrainwrightError:
        return error("E132", name=self.name, md5=self.file.md5, path=self.path, reason=reason, where=address)


class _Failed(Exception):
    """An attempt failed with ``problem``; ``again`` when another attempt at the same address may go better."""

    def __init__(self, problem: TrainwrightError, *, again: bool) -> None:
        super().__init__(problem)
        self.problem, self.again = problem, again


def _download(job: _Job) -> None:
    """Fill the part file with the right content, from the first address that gives it."""
    if _is_right(job.part, job.file):  # killed between the last byte and the renaming
        return
    with _client(job) as client:
        for address in job.file.addresses:
            for pause in (*RETRY_PAUSES, None):
                try:
                    _attempt(client, job, address)
                    return
                except _Failed as failed:
                    last = failed
                if pause is None or not last.again:
                    break
                time.sleep(pause)
    raise last.problem from last.__cause__


def _client(job: _Job) -> httpx.Client:
    import httpx  # 0.2 s, spent only when something is to be downloaded

    try:
        # identity: a compressed answer could not be resumed in the middle; some servers refuse a library's own name
        return httpx.Client(
            headers={"Accept-Encoding": "identity", "User-Agent": "trainwright"},
            timeout=httpx.Timeout(TIMEOUT, connect=TIMEOUT / 3),
            follow_redirects=True,
            max_redirects=5,
        )
    except (ImportError, OSError, ValueError) as problem:  # the proxy or certificate settings of the environment
        raise job.failure(job.file.addresses[0], f"the connection cannot be set up: {problem}") from problem


def _attempt(client: httpx.Client, job: _Job, address: str) -> None:
    """Fetch what is missing of ``part`` and verify the whole; a part with the wrong content is deleted."""
    import httpx

    part = job.part
    resumed = part.exists()
    try:
        while not _transfer(client, job, address):
            part.unlink()
    except httpx.HTTPStatusError as problem:
        status = problem.response.status_code
        reason = f"the server answered {status} {problem.response.reason_phrase}"
        raise _Failed(job.failure(address, reason), again=status in (408, 429) or status >= 500) from problem
    except httpx.HTTPError as problem:
        reason = str(problem) or type(problem).__name__
        raise _Failed(job.failure(address, reason), again=isinstance(problem, httpx.TransportError)) from problem
    if job.file.size and part.stat().st_size < job.file.size:
        reason = f"the connection ended after {part.stat().st_size} of {job.file.size} bytes"
        raise _Failed(job.failure(address, reason), again=True)
    if not _is_right(part, job.file):
        found = _md5(part)
        part.unlink()
        wrong = error("E133", name=job.name, found=found, expected=job.file.md5, path=job.path, where=address)
        # The first bytes of a resumed part may be another address's or another day's: from zero it can still be right.
        raise _Failed(wrong, again=resumed)


def _transfer(client: httpx.Client, job: _Job, address: str) -> bool:
    """Append to the part, or write it anew; return False where the server will not go on from its end."""
    have = job.part.stat().st_size if job.part.exists() else 0
    raw = job.path.suffix == ".gz"  # many servers call it "encoded with gzip": its bytes are wanted as they come
    with client.stream("GET", address, headers={"Range": f"bytes={have}-"} if have else {}) as response:
        goes_on = have > 0 and response.status_code == 206
        plain = raw or response.headers.get("Content-Encoding", "identity") == "identity"
        fits = plain and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if have and (response.status_code == 416 or (goes_on and not fits)):
            return False
        response.raise_for_status()
        have = have if goes_on else 0
        length = response.headers.get("Content-Length")
        total = job.file.size or (have + int(length) if length else 0)
        most = job.file.size or MOST_BYTES
        with job.part.open("ab" if have else "wb") as out:
            for chunk in response.iter_raw() if raw else response.iter_bytes():
                have += len(chunk)
                if have > most:
                    break
                out.write(chunk)
                out.flush()  # a kill loses nothing that arrived
                job.report(Progress(f"download {job.name} {job.key}", have, total, "bytes"))
    if have > most:
        job.part.unlink()
        raise _Failed(job.failure(address, f"the server sent more than {most} bytes"), again=False)
    return True
