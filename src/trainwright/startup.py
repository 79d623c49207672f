"""Everything that only makes a command start or end sooner.

Each docstring says what it buys: percent of the processor time of ``trainwright train`` on a CSV file of 400 rows, on two
cores, with it and without it in turns, the median of nine pairs. Without any of it, the same is done, later.
"""

from __future__ import annotations

import codecs
import errno
import gc
import importlib
import inspect
import io
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import subprocess

OUTPUT = "standard output"  # the file name in an error of writing it


def prepare_process() -> None:
    """Set up the process of a command before anything heavy is imported. It buys 7 %.

    Without it, what was imported is searched for garbage again and again while more is imported.
    """
    _prepare_streams()
    sys.setswitchinterval(5e-4)  # seconds: while torch is imported by another thread, each read of a file waits so long
    gc.set_threshold(50_000, 20, 20)


class _Output(io.FileIO):
    """Standard output, whose errors say that they are its own."""

    def write(self, data: Any) -> int:
        """Write as much as goes. Raise OSError with ``OUTPUT`` as its file."""
        try:
            if (written := super().write(data)) is not None:
                return written
            raise BlockingIOError(errno.EAGAIN, "what reads it is too slow, and it is not waited for")
        except OSError as problem:
            raise OSError(problem.errno, problem.strerror, OUTPUT) from None


def _prepare_streams() -> None:
    """Make standard streams that are closed fail like any other that cannot be used, and output take every text.

    A stream that is closed leaves its number to the next file that is opened, into which others would then write.
    """
    if sys.stdin is None:
        sys.stdin = open(os.open(os.devnull, os.O_WRONLY))  # noqa: PTH123, SIM115 - it cannot be read
    closed = sys.stdout is None
    if closed or sys.stdout is sys.__stdout__:
        handle = os.open(os.devnull, os.O_RDONLY) if closed else sys.stdout.fileno()
        codecs.register_error("as_it_was", _as_it_was)
        encoding, buffer = None if closed else sys.stdout.encoding, io.BufferedWriter(_Output(handle, "w", closefd=False))
        sys.stdout = io.TextIOWrapper(buffer, encoding, "as_it_was", line_buffering=buffer.isatty())
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115


def _as_it_was(problem: UnicodeError) -> tuple[bytes, int]:
    """Encode the bytes of a file name that are no text as what they were, and a ``?`` for whatever else cannot be encoded."""
    assert isinstance(problem, UnicodeEncodeError)
    text = problem.object[problem.start : problem.end]
    data = b"".join(bytes([ord(each) - 0xDC00]) if 0xDC80 <= ord(each) <= 0xDCFF else b"?" for each in text)
    return data, problem.end


def import_in_thread(module: str) -> threading.Thread:
    """Return a thread, yet to be started, that imports ``module`` and torch with it, while this one reads the data.

    It buys 6 % of the time that the command takes. Without it, torch is imported when the data have been read.
    """
    return threading.Thread(target=importlib.import_module, args=[module], daemon=True)


def skip_compiler_import(optimizer: type) -> None:
    """Keep torch from importing its compiler for the wrappers of optimisers. It buys 25 %, together with ``lean_step``.

    Without it, making the first optimiser takes about as long as importing torch. The wrappers around methods of torch's
    ``Optimizer`` tell ``torch.compile`` to stay out of it. They look for their inner function under this attribute, and only
    import the compiler when it is not there.
    """
    for method in vars(optimizer).values():
        if inspect.isfunction(method) and hasattr(method, "__wrapped__") and "torch._dynamo" not in sys.modules:
            vars(method.__wrapped__).setdefault("__dynamo_disable", method.__wrapped__)


def start_artist(run: Path) -> Artist:
    """Start a second process that draws the plots: it gets ready while the model trains, and draws when it is told to."""
    import subprocess

    command = [sys.executable, "-P", "-m", "trainwright.watch.plots", str(run), "--wait"]
    try:
        # A group of its own: Ctrl-C is for the training, which then tells the artist.
        return Artist(subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0))
    except OSError as problem:
        return Artist(None, f"no process can be started for them: {problem.strerror}")


class Artist:
    """The process that draws the plots of a run. They can be drawn at any time, so that no run ends by what becomes of it."""

    def __init__(self, process: subprocess.Popen[bytes] | None, problem: str = "") -> None:
        self._process, self._problem = process, problem

    def draw(self) -> str:
        """Let it draw, and wait for that. Return why it did not, and an empty text where it did."""
        if self._process is not None and not self._problem:
            said = self._process.communicate(b"draw\n")[1].decode("utf-8", "replace").strip()
            if code := self._process.returncode:
                ended = f"its process was ended by signal {-code}" if code < 0 else f"its process ended with exit code {code}"
                self._problem = said.splitlines()[0] if said.startswith("E") else ended
        return self._problem

    def dismiss(self) -> None:
        """End it without a drawing, where it still waits."""
        if self._process is not None and self._process.poll() is None:
            self._process.communicate()


def leave(message: str, code: int) -> NoReturn:
    """Print a message and exit at once. It buys 15 %.

    Without it, the process waits for a thread that may still be importing torch, and takes down what was imported.
    """
    with suppress(OSError, AttributeError):  # closed, before we began or since
        if message:
            print(message, file=sys.stderr)
        sys.stderr.flush()
        sys.stdout.flush()
    os._exit(code)
