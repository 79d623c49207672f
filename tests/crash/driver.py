"""Runs trainings in processes of their own at the price of a fork: torch is imported once, by a server.

The server reads one JSON job a line and answers with one JSON line. It never runs an operation of torch itself, since threads
do not survive a fork.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LIMIT = 120  # seconds of one run; a deadline, not a measure


class Driver:
    """The server, as a test sees it."""

    def __init__(self, cache: Path) -> None:
        paths = os.pathsep.join(str(Path(__file__).parents[2] / each) for each in ("src", "tests"))
        here = {"OMP_NUM_THREADS": "1", "TRAINWRIGHT_CACHE": str(cache), "PYTHONPATH": paths}
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | here
        )

    def __call__(self, verb: str, **job: Any) -> dict[str, Any]:
        """Carry a job out: ``train`` and ``resume`` (work, source, out, and what ``_child`` takes), ``kill`` (pid).

        ``command`` is the command line: ``words``, ``folder`` to be in, ``streams`` that are a path, "-" for closed, or "" for
        what is kept; ``limit`` seconds.

        The answer has ``code`` (an exit code, or minus a signal), ``error`` (its stable code), ``said`` (notes),
        ``counts`` (phases come to), ``operations`` on files, ``stderr``, ``stdout`` of a command, and ``stopped`` for a process
        that stopped itself.
        """
        assert self._server.stdin is not None and self._server.stdout is not None
        print(json.dumps({"verb": verb, **job}, default=str), file=self._server.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._server.stdout.readline())
        assert verb == "command" or "Traceback" not in answer["stderr"], answer["stderr"]
        return answer

    def command(self, folder: Path, *words: object, out: Path, **job: Any) -> dict[str, Any]:
        """Carry out a command in a folder; what it says lies beside ``out`` and is told."""
        coded = [os.fsencode(str(word)).hex() for word in words]
        return self("command", folder=folder, words=coded, out=out, **{"streams": {}, **job})

    def close(self) -> None:
        """End the server."""
        self._server.communicate()


def serve() -> None:
    """Fork a child for each line."""
    import trainwright
    import trainwright.tasks.registry
    import trainwright.training.trainer

    for kind in trainwright.tasks.registry.KINDS.values():
        trainwright.tasks.registry.load(kind.problem)
    from phases import Phases  # noqa: F401

    assert trainwright.__file__.startswith(str(Path(__file__).parents[2])), trainwright.__file__
    for line in sys.stdin:
        job = json.loads(line)
        if job["verb"] == "kill":
            os.kill(job["pid"], signal.SIGKILL)
            pid = job["pid"]
        elif not (pid := os.fork()):
            (_command if job["verb"] == "command" else _child)(job)
        print(json.dumps(_ended(job, pid)), flush=True)


def _ended(job: Mapping[str, Any], pid: int) -> dict[str, Any]:
    def late(number: int, frame: object) -> None:
        os.kill(pid, signal.SIGKILL)

    signal.signal(signal.SIGALRM, late)
    signal.alarm(job.get("limit", LIMIT))
    _, status = os.waitpid(pid, os.WUNTRACED)
    signal.alarm(0)
    told, errors = (Path(f"{job['out']}.{kind}") for kind in ("json", "stderr"))
    answer = json.loads(told.read_text()) if told.exists() else {}
    answer |= {"stderr": errors.read_text(errors="surrogateescape") if errors.exists() else ""}
    if job["verb"] == "command":
        answer["stdout"] = Path(f"{job['out']}.stdout").read_text(errors="surrogateescape")
    if os.WIFSTOPPED(status):
        return answer | {"code": 0, "stopped": pid}
    return answer | {"code": os.waitstatus_to_exitcode(status)}


def _child(job: dict[str, Any]) -> None:
    """One training, and the end of this process.

    ``hits`` are signals at phases, ``defects`` names of faults in our own code, ``full`` a span of file operations that fail,
    ``settings`` are laid over those of the work, ``streamed`` reads pictures from files, ``ignored`` is a signal
    that is, and ``bare`` leaves out those of the work.
    """
    out = Path(job["out"])
    told, errors = (Path(f"{out}.{kind}") for kind in ("json", "stderr"))
    told.unlink(missing_ok=True)
    handle = os.open(errors, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    os.dup2(handle, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    default_signals()
    code, kept = 70, {"error": "", "said": [], "counts": {}, "operations": [], "after": 0}
    try:
        code = _run(job, out, kept)
    except BaseException:
        traceback.print_exc()
    with open(told, "w") as file:  # noqa: PTH123 - Path.open may be the one that fails
        json.dump(kept, file)
    sys.stderr.flush()
    os._exit(code)


def _command(job: dict[str, Any]) -> None:
    """One command as a shell starts it, and the end of this process."""
    from samples import NoArtist

    from trainwright import cli
    from trainwright.run import train as session

    streams = ("stdin", "stdout", "stderr")
    for number, name in enumerate(streams):
        Path(f"{job['out']}.{name}").write_bytes(b"")
        place = job["streams"].get(name, "") or (os.devnull if name == "stdin" else f"{job['out']}.{name}")
        if place != "-":
            os.dup2(os.open(place, os.O_RDONLY if name == "stdin" else os.O_WRONLY), number)
        else:
            os.close(number)
    for number, name in enumerate(streams):  # as Python finds them when it starts
        errors = "backslashreplace" if name == "stderr" else "strict"
        mode = "r" if name == "stdin" else "w"
        opened = None if job["streams"].get(name) == "-" else open(number, mode, errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)
    default_signals()
    session.start_artist = lambda run: NoArtist()
    os.chdir(job["folder"])
    sys.argv = ["trainwright", *map(os.fsdecode, map(bytes.fromhex, job["words"]))]
    try:
        cli.main()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(70)


def default_signals() -> None:
    """As in a terminal: what starts the tests in the background may have had some ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _run(job: dict[str, Any], out: Path, kept: dict[str, Any]) -> int:
    from faults import FullDisk
    from phases import Phases
    from samples import NoArtist
    from works import settings

    import trainwright as tw
    from trainwright.errors import TrainwrightError
    from trainwright.run import train as session
    from trainwright.training import checkpointing

    session.start_artist = lambda run: NoArtist()
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


if __name__ == "__main__":
    serve()
