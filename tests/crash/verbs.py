"""Every verb of the command line over one run folder, in this process, which watches what it does and then ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forks import draw_nothing

SECONDS, BUSY = 100, 60  # of one verb, and of the processor's time in it; deadlines, not measures
UPDATES = 2_000  # forward passes after which a training is stopped: how many were asked for may be anything
ROOM = 2 << 30  # bytes of memory beyond those that the server has; a limit, not a measure
CHANGES = re.compile(r"os\.(remove|rename|mkdir|rmdir|chmod|chown|link|symlink|truncate|utime)|shutil\.(rmtree|move|copy.*)")
NEVER = re.compile(r"subprocess\.Popen|os\.(exec|posix_spawn|spawn|system|startfile)|pickle\.find_class|socket\.(connect|bind)")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

VERBS: dict[str, list[str]] = {
    "runs": ["runs", "PARENT"],
    "runs --json": ["runs", "PARENT", "--json"],
    "report": ["report", "RUN"],
    "report --json": ["report", "RUN", "--json"],
    "evaluate": ["evaluate", "RUN"],
    "evaluate FILE": ["evaluate", "RUN", "SOURCE"],
    "predict": ["predict", "RUN", "ITEM"],
    "predict FILE": ["predict", "RUN", "SOURCE"],
    "generate": ["generate", "RUN", "--tokens", "5"],
    "explain": ["explain", "RUN", "ITEM", "--html", "RUN/explained.html"],
    "mistakes": ["mistakes", "RUN"],
    "suspects": ["suspects", "RUN", "--folds", "2", "--folder", "RUN/suspects"],
    "compare": ["compare", "RUN", "RUN"],
    "story": ["story", "RUN"],
    "verify": ["verify", "RUN"],
    "watch": ["watch", "RUN"],
    "plots": ["plots", "RUN"],
    "from": ["train", "SOURCE", "--from", "RUN", "--out", "OUT", "epochs=1"],
    "replay": ["replay", "RUN"],
    "landscape": ["landscape", "RUN", "--size", "3", "--rows", "9"],
    "--resume": ["train", "SOURCE", "--out", "RUN", "--resume"],
    "resume": ["resume", "RUN"],
    "resume more": ["resume", "RUN", "epochs=4"],
}


def child(job: Mapping[str, Any], told: str) -> int:
    """Carry out ``verbs`` by their names, with ``words`` for RUN, PARENT, SOURCE, ITEM and OUT; return the exit code.

    ``told`` gets what went ``wrong`` in each verb, its ``seconds``, and the ``memory`` of this process. The file ``begun`` has
    the last verb, should this process be killed.
    """
    sys.dont_write_bytecode = True  # which would be a file elsewhere, in a fresh copy of the project
    wrong, seconds = dict[str, str](), dict[str, float]()
    tempfile.tempdir = job["spare"]
    warnings.simplefilter("ignore")  # as on the command line, where they are lines
    draw_nothing()
    if {"plots", "landscape"} & {*job["verbs"]}:
        from trainwright.watch import plots

        plots._warm_up()  # which makes folders for fonts, elsewhere
    _limit()
    watch = Watch(tuple(os.path.realpath(each) for each in job["allowed"]))
    sys.addaudithook(watch)
    for name in job["verbs"]:
        Path(job["begun"]).write_text(name)
        signal.alarm(SECONDS)
        signal.setitimer(signal.ITIMER_PROF, BUSY)
        begun = time.process_time()
        found = _carry_out([_filled(word, job["words"]) for word in VERBS[name]], watch)
        seconds[name] = time.process_time() - begun
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        wrong |= {name: found} if found else {}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    Path(told).write_text(json.dumps({"wrong": wrong, "seconds": seconds, "memory": memory}))
    return 0


def _filled(word: str, words: Mapping[str, str]) -> str:
    name, slash, rest = word.partition("/")
    return words.get(name, name) + slash + rest


def _limit() -> None:
    """Leave no verb more memory than it could need, and no training without an end."""
    from trainwright.models.forward import Forward

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    used = int(re.search(r"VmData:\s+(\d+)", Path("/proc/self/status").read_text())[1]) << 10  # type: ignore[index]
    resource.setrlimit(resource.RLIMIT_DATA, (used + ROOM, used + ROOM))
    call, count = Forward.__call__, [0]

    def forward(self: Any, *inputs: Any, **named: Any) -> Any:
        count[0] += 1
        if count[0] > UPDATES:
            count[0] = 0
            raise KeyboardInterrupt
        return call(self, *inputs, **named)

    Forward.__call__ = forward  # type: ignore[method-assign]


class Watch:
    """Notes what is done to files outside of the ``allowed`` folders while it is ``on``; a hook cannot be taken off."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.allowed, self.on, self.seen = allowed, False, list[str]()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if NEVER.fullmatch(event):
            self.seen.append(f"{event} {arguments!r:.200}")
        elif CHANGES.fullmatch(event) or (event == "open" and (arguments[2] or 0) & WRITING):
            self.on = False  # to look where a path leads opens nothing, but is watched too
            inside = tuple(f"{each}/" for each in self.allowed)
            where = _places(event, arguments)
            self.seen += [f"{event} {path}" for path in where if not f"{path}/".startswith(inside)]
            self.on = True


def _places(event: str, arguments: tuple[Any, ...]) -> list[str]:
    """The files that are changed, wherever links lead; a link itself may be removed or renamed."""
    if event == "open" and isinstance(arguments[0], int):
        return []
    if event == "open" and not (arguments[2] or 0) & os.O_NOFOLLOW:
        return [os.path.realpath(os.fsdecode(arguments[0]))]
    folder = arguments[-1] if type(arguments[-1]) is int and event not in ("open", "os.truncate") else -1
    start = os.readlink(f"/proc/self/fd/{folder}") if folder >= 0 else ""  # noqa: PTH115
    paths = [each for each in arguments[: 1 if event == "open" else 2] if isinstance(each, str | bytes | os.PathLike)]
    if event in ("os.symlink", "os.link"):
        paths = paths[1:]
    paths = [os.path.join(start, os.fsdecode(path)) for path in paths]  # noqa: PTH118
    return [f"{os.path.realpath(os.path.dirname(path))}/{os.path.basename(path)}" for path in paths]  # noqa: PTH119, PTH120


def _carry_out(words: list[str], watch: Watch) -> str:
    """One verb, and what went wrong: a traceback here or in a thread, another exit code, a message without a code, a file."""
    from trainwright import cli

    out, err, threads = _Stream(), _Stream(), list[str]()
    code: list[int] = []

    def leave(number: int) -> None:
        code.append(number)
        raise SystemExit(number)

    threading.excepthook = lambda hook: threads.append(repr(hook.exc_value))
    os._exit, exit_really = leave, os._exit  # type: ignore[assignment]
    sys.argv, watch.seen = ["trainwright", *words], []
    watch.on = True
    wrong = ""
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            _watched(Path(words[-1])) if words[0] == "watch" else cli.main()
    except SystemExit as ended:
        code.append(ended.code if isinstance(ended.code, int) else 1)
    except BaseException as problem:
        wrong = "".join(traceback.format_exception(problem))[-1500:]
    finally:
        watch.on = False
        os._exit = exit_really
    said = err.getvalue()
    if not wrong and threads:
        wrong = f"in a thread: {threads[0]}"
    if not wrong and "Traceback" in said:
        wrong = said[-1500:]
    if not wrong and (code[:1] or [0])[0] not in (0, 2, 3, 130):
        wrong = f"exit code {code[0]}: {said[-300:]}"
    if not wrong and code[:1] and code[0] in (2, 3) and not re.search(r"^E\d{3}: ", said, re.MULTILINE):
        wrong = f"no code: {said[-300:]}"
    return wrong or (watch.seen[0] if watch.seen else "")


class _Stream(io.TextIOWrapper):
    """Standard output or error of a process, in memory."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), "utf-8", errors="backslashreplace", write_through=True)

    def getvalue(self) -> str:
        return self.buffer.getvalue().decode()  # type: ignore[attr-defined, no-any-return]


def _watched(run: Path) -> None:
    """What the live page asks for: the list, the run, its watched rows, its pages."""
    from trainwright.live.index import Index

    index = Index(run)
    state = index.state([], "")
    for key in [each["key"] for each in state["runs"]]:
        index.state([key], "")
        index.watched(key)
        for name in ("report", "story"):
            index.page(key, name)
