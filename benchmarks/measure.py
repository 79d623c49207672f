"""One whole process, measured: wall seconds, CPU seconds, peak memory, and what its last line says as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

EVERY = 0.05  # seconds between two looks at the memory


def descendants(pid: int) -> list[int]:
    """``pid`` and all processes below it, as far as they are still there."""
    found = [pid]
    for parent in found:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def resident(pid: int) -> int:
    """Bytes in memory of a process; 0 where it has gone."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


class Memory(threading.Thread):
    """The largest sum over a tree of processes. Pages that forked workers share are counted once for each."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak, self.ended = pid, 0, threading.Event()

    def run(self) -> None:
        while True:
            self.peak = max(self.peak, sum(map(resident, descendants(self.pid))))
            if self.ended.wait(EVERY):
                return


def numbers(said: dict[str, Any]) -> dict[str, float]:
    """Every number of a program's last line by name: ``accuracy``, ``perplexity``, ``seconds.train``.

    The line of ``trainwright train --json`` has its scores under ``test``, or ``valid`` where there are no test rows.
    """
    scores = said.get("test") or said.get("valid") or said
    found = {name: value for name, value in scores.items() if isinstance(value, int | float)}
    return found | {f"seconds.{phase}": value for phase, value in said.get("seconds", {}).items()}


def measure(command: list[str], folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run a command in ``folder``. A process that fails gives ``error``, the end of what it said, instead of numbers."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=folder, env=os.environ | environment)
        memory = Memory(process.pid)
        memory.start()
        # wait4 counts this child and what it waited for, alone; RUSAGE_CHILDREN would count every child so far.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        memory.ended.set()
        memory.join()
        out.seek(0), err.seek(0)
        said, complained = (file.read().decode("utf-8", "replace") for file in (out, err))
    if process.returncode:
        return {"error": (complained or said)[-2000:] or f"exit code {process.returncode}"}
    last = said.strip().rpartition("\n")[2]
    found = numbers(json.loads(last)) if last.startswith("{") else {}
    peak = max(memory.peak, usage.ru_maxrss * 1024)
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "memory": peak} | found
