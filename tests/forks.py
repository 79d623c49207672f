"""Commands and pieces of Python in processes of their own at the price of a fork: a server imports torch once for all of them.

The server reads one JSON job a line and answers with one JSON line. It never runs an operation of torch or Polars itself, since
threads do not survive a fork. What a start of Python has to be whole for (imports, signals, streams) starts one.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
import types
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

STREAMS = ("stdin", "stdout", "stderr")
LIMIT = 120  # seconds of one process; a deadline, not a measure
SOURCES = Path(__file__).parents[1] / "src"


@dataclass(frozen=True)
class Ended:
    """What became of a process: its exit code or minus a signal, what it printed, its number where it stopped itself."""

    returncode: int
    stdout: str
    stderr: str
    stopped: int = 0


class Server:
    """The server, as a test sees it."""

    def __init__(self) -> None:
        paths = os.pathsep.join(map(str, [SOURCES, *(path for path in sys.path if Path(path).is_relative_to(SOURCES.parent))]))
        command = [sys.executable, "-W", "error", __file__]
        here = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=here)
        atexit.register(self._process.communicate)

    def _ask(self, job: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps(job, default=str), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def run(
        self,
        function: str,
        *given: Any,
        cwd: Path | None = None,
        stdin: str = "",
        limit: int = LIMIT,
        streams: Mapping[str, str] | None = None,
        **env: str,
    ) -> Ended:
        """Call ``module:function`` in a process; what it returns is the exit code.

        ``limit`` is in seconds. ``streams`` are standard ones that are another path, or "-" for closed.
        """
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / name for name in STREAMS]
            for path, content in zip(paths, (stdin, "", ""), strict=True):
                path.write_text(content, "utf-8")
            job = {
                "function": function,
                "given": given,
                "cwd": cwd or Path.cwd(),
                "streams": [(streams or {}).get(path.name, path) for path in paths],
                "opened": streams is not None,
                "limit": limit,
                "env": {**os.environ, **env},
            }
            answer = self._ask(job)
            return Ended(answer["code"], *(_text(path) for path in paths[1:]), answer["stopped"])

    def kill(self, pid: int) -> None:
        """End a process that stopped itself."""
        assert self._ask({"kill": pid})["code"] == -signal.SIGKILL


@cache
def server() -> Server:
    """The one of this test process."""
    return Server()


def command(*words: object, cwd: Path, stdin: str = "", **env: str) -> Ended:
    """The command line; its runs are not drawn."""
    return server().run("forks:_command", [str(word) for word in words], cwd=cwd, stdin=stdin, **env)


def python(code: str, cwd: Path) -> Ended:
    """A program, in which a warning is an error."""
    return server().run("forks:_python", code, cwd=cwd)


def _command(words: list[str]) -> int:
    draw_nothing()
    sys.argv = ["trainwright", *words]
    runpy.run_module("trainwright", run_name="__main__", alter_sys=True)
    return 0


def _python(code: str) -> int:
    draw_nothing()
    sys.argv = ["-c"]
    sys.modules["__main__"] = program = types.ModuleType("__main__")
    exec(compile(code, "<string>", "exec"), vars(program))  # noqa: S102 - what a test gives
    return 0


def draw_nothing() -> None:
    """Leave out the process that draws, in this one."""
    from samples import NoArtist

    for module in ("trainwright.run.train", "trainwright.tasks.custom.run"):
        importlib.import_module(module).start_artist = lambda run: NoArtist()  # type: ignore[attr-defined]


def serve() -> None:
    """Fork a child for each line, which finds all imported that a training imports."""
    import trainwright.api
    import trainwright.cli

    for room in ("data", "evaluation", "run", "tasks", "training"):
        for module in pkgutil.walk_packages([str(SOURCES / "trainwright" / room)], f"trainwright.{room}."):
            importlib.import_module(module.name)
    assert trainwright.__file__.startswith(str(SOURCES)), trainwright.__file__
    gc.freeze()  # what is shared with the children is not to be copied
    for line in sys.stdin:
        job = json.loads(line)
        if pid := job.get("kill"):
            os.kill(pid, signal.SIGKILL)
        elif not (pid := os.fork()):
            _child(job)
        print(json.dumps(_ended(pid, job.get("limit", LIMIT))), flush=True)


def _ended(pid: int, limit: int) -> dict[str, int]:
    def late(number: int, frame: object) -> None:
        os.kill(pid, signal.SIGKILL)

    signal.signal(signal.SIGALRM, late)
    signal.alarm(limit)
    _, status = os.waitpid(pid, os.WUNTRACED)
    signal.alarm(0)
    if os.WIFSTOPPED(status):
        return {"code": 0, "stopped": pid}
    return {"code": os.waitstatus_to_exitcode(status), "stopped": 0}


def _child(job: Mapping[str, Any]) -> None:
    """One job, and the end of this process."""
    for number, (path, flags) in enumerate(zip(job["streams"], (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        if path == "-":
            os.close(number)
        else:
            os.dup2(os.open(path, flags), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False) if job["streams"][0] != "-" else None  # noqa: SIM115 - not the server's
    if job["opened"]:
        _open_streams(job["streams"])
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    default_signals()
    code = 1
    try:
        module, _, name = job["function"].partition(":")
        code = getattr(importlib.import_module(module), name)(*job["given"])
    except SystemExit as ended:
        code = ended.code
        if not isinstance(code, int):
            code = bool(code)
            print(ended.code or "", file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, AttributeError):  # closed, or full
            stream.flush()
    os._exit(code)


def _open_streams(paths: list[str]) -> None:
    """Make the streams what Python makes them when it starts."""
    for number, (name, path) in enumerate(zip(STREAMS, paths, strict=True)):
        errors = "backslashreplace" if name == "stderr" else "strict"
        opened = None if path == "-" else open(number, "w" if number else "r", errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)


def _text(path: Path) -> str:
    return path.read_text("utf-8", errors="surrogateescape")


def default_signals() -> None:
    """As in a terminal: what starts the tests in the background may have had some ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    serve()
