"""Runs trainings in processes of their own, forked by the server of the tests."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import forks


class Driver:
    """Trainings with a cache of their own."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def __call__(self, verb: str, **job: Any) -> dict[str, Any]:
        """Carry a job out: ``train`` and ``resume`` (work, source, out, and what ``child`` takes).

        The answer has ``code`` (an exit code, or minus a signal), ``error`` (its stable code), ``said`` (notes),
        ``counts`` (phases come to), ``operations`` on files, ``stderr``, and ``stopped`` for a process that stopped itself.
        """
        told = Path(f"{job['out']}.json")
        told.unlink(missing_ok=True)
        ended = forks.server().run("driver:child", {"verb": verb, **job}, str(told), TRAINWRIGHT_CACHE=str(self._cache))
        assert "Traceback" not in ended.stderr, ended.stderr
        answer: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {}
        return answer | {"stderr": ended.stderr, "code": ended.returncode, "stopped": ended.stopped}

    def command(self, folder: Path, *words: object, limit: int, streams: dict[str, str] | None = None) -> dict[str, Any]:
        """Carry out a command in a folder, with streams that are a path, or "-" for closed; what it says is told."""
        coded = [os.fsencode(str(word)).hex() for word in words]
        here = {"cwd": folder, "limit": limit, "streams": streams, "TRAINWRIGHT_CACHE": str(self._cache)}
        ended = forks.server().run("driver:run_command", coded, **here)
        return {"stdout": ended.stdout, "stderr": ended.stderr, "code": ended.returncode}

    def kill(self, pid: int) -> None:
        """End a process that stopped itself."""
        forks.server().kill(pid)


def run_command(coded: list[str]) -> int:
    """Run the command line on words in hexadecimal: not all are UTF-8."""
    from trainwright import cli

    forks.draw_nothing()
    sys.argv = ["trainwright", *map(os.fsdecode, map(bytes.fromhex, coded))]
    cli.main()
    return 70


def child(job: dict[str, Any], told: str) -> int:
    """Train, and write what is told of it; return the exit code.

    ``hits`` are signals at phases, ``defects`` names of faults in our own code, ``full`` a span of file operations that fail,
    ``settings`` are laid over those of the work, ``streamed`` reads pictures from files, ``ignored`` is a signal
    that is, and ``bare`` leaves out those of the work.
    """
    kept: dict[str, Any] = {"error": "", "said": [], "counts": {}, "operations": [], "after": 0}
    try:
        return _run(job, Path(job["out"]), kept)
    finally:
        with open(told, "w") as file:  # noqa: PTH123 - Path.open may be the one that fails
            json.dump(kept, file)


def _run(job: dict[str, Any], out: Path, kept: dict[str, Any]) -> int:
    from faults import FullDisk
    from phases import Phases
    from works import settings

    import trainwright as tw
    from trainwright.errors import TrainwrightError
    from trainwright.training import checkpointing

    forks.draw_nothing()
    if job.get("streamed"):
        from trainwright.data.images import storage

        storage.MOST_BYTES = 0
    if job.get("ignored"):
        signal.signal(job["ignored"], signal.SIG_IGN)
    checkpointing.SAVING_SHARE = 1e9  # runs by the clock save whenever it is time
    phases = Phases([tuple(each) for each in job.get("hits", ())])
    phases.install()
    if job.get("defects"):
        from defects import DEFECTS

        for name in job["defects"]:
            DEFECTS[name]()
    disk = FullDisk(*job.get("full", (0, 0)))
    if "full" in job:
        disk.install(out)

    def listen(event: Any) -> None:
        if event.kind == "note":
            kept["said"].append([event.what, event.value, event.why])

    given = job.get("settings", {})
    try:
        if job["verb"] == "resume":
            tw.resume(out, listen=listen, **given)
        else:
            own = {} if job.get("bare") else settings(job["work"])
            tw.train(job["source"], out=out, resume=True, listen=listen, **own | given)
        return 0
    except TrainwrightError as problem:
        kept["error"], kept["message"] = problem.code, str(problem)
        return problem.exit_code
    except KeyboardInterrupt:
        return 130
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        kept |= {"counts": phases.counts, "operations": disk.names, "after": phases.after}
