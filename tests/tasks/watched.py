"""Opens run folders while an audit hook watches what the process does. A hook cannot be taken off: so this is a process.

``watched.py LIST`` reads JSON rows (run folder, verb, what is asked, a file to train on) and prints one JSON object for
each: the code of the message, or the name of another exception; how far memory grew; what was done that a load never does.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import trainwright as tw
from trainwright.cli import app

NEVER = re.compile(
    r"subprocess\.Popen|os\.(exec|fork|forkpty|posix_spawn|spawn|system|startfile|kill|remove|rename|mkdir|rmdir|chmod|chown|link"
    r"|symlink|truncate|utime)|shutil\..*|socket\..*|pickle\.find_class|ctypes\..*|urllib\..*|webbrowser\..*|tempfile\..*"
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MARK = "canary"  # in every piece of code that the bundles bring


class Watch:
    """Notes what is done while ``allowed`` is set: the folders from which may be read."""

    def __init__(self) -> None:
        self.allowed: tuple[str, ...] = ()
        self.seen: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.allowed:
            return
        if NEVER.fullmatch(event):
            self.seen.append(f"{event} {arguments!r:.100}")
        elif event == "open" and not isinstance(arguments[0], int):
            path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100  # no look at the disk from here
            if not path.startswith(self.allowed) or (arguments[2] or 0) & WRITING:
                self.seen.append(f"open {path} {arguments[1:]}")
        elif event == "compile" and MARK in str(arguments[0]):
            self.seen.append(f"compile {arguments[0]!r:.100}")
        elif event == "exec" and MARK in f"{arguments[0].co_filename} {arguments[0].co_names} {arguments[0].co_consts}":
            self.seen.append(f"exec {arguments[0].co_filename}")


def memory() -> tuple[int, int]:
    """The most bytes so far: of address space, and resident."""
    found = dict(re.findall(r"^(VmPeak|VmHWM):\s+(\d+)", Path("/proc/self/status").read_text(), re.MULTILINE))
    return int(found["VmPeak"]) << 10, int(found["VmHWM"]) << 10


def ask(run: str, verb: str, item: Any, source: str) -> str:
    """Code or name of what is raised, or an empty word."""
    try:
        if verb == "load":
            tw.load(run).predict(item)
        elif verb == "predict":
            app(["predict", run, str(item)], standalone_mode=False)
        else:
            tw.train(source, from_run=run, out=f"{run}-on", listen=lambda event: None, offline=True)
    except tw.TrainwrightError as problem:
        return problem.code if str(problem).isprintable() or "\x1b" not in str(problem) else "escape"
    except BaseException as problem:  # a panic of a library is no Exception
        return f"{type(problem).__name__}: {problem}"[:300]
    return ""


def main(rows: list[list[Any]]) -> None:
    """Each row once unwatched where it is the first of its kind, so that all that is imported late is imported."""
    watch = Watch()
    sys.addaudithook(watch)
    roots = {sys.prefix, sys.base_prefix, str(Path(tw.__file__).parent), "/proc/self", "/sys/", "/etc/localtime"}
    roots |= {path for path in sys.path if "python" in path}
    for name, run, verb, item, source in rows:
        seen, before = [], memory()
        with contextlib.redirect_stdout(io.StringIO()):
            watch.allowed = () if name.startswith("warm") else (f"{run}/", source, str(item), *roots)
            code = ask(run, verb, item, source)
            watch.allowed, seen, watch.seen = (), watch.seen, []
        grown = [after - old for after, old in zip(memory(), before, strict=True)]
        print(json.dumps({"name": name, "code": code, "grown": grown, "seen": seen}), flush=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
