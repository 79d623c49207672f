"""Everything that only makes a command start or end sooner.

Each docstring says what it buys: percent of the processor time of ``trainwright train`` on a CSV file of 400 rows, on two
cores, with it and without it in turns, the median of nine pairs. Without any of it, the same is done, later.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import subprocess


def prepare_process() -> None:
    """Set up the process of a command before anything heavy is imported. It buys 7 %.

    Without it, what was imported is searched for garbage again and again while more is imported.
    """
    sys.setswitchinterval(5e-4)  # seconds: while torch is imported by another thread, each read of a file waits so long
    gc.set_threshold(50_000, 20, 20)


def import_in_thread(module: str) -> threading.Thread:
    """Return a thread, yet to be started, that imports ``module`` and torch with it, while this one reads the data."""

    def work() -> None:
        if "torch" not in sys.modules:
            load_torch_libraries()
        importlib.import_module(module)

    return threading.Thread(target=work, daemon=True)


def load_torch_libraries() -> None:
    """Load torch's own libraries as it does, but leave the lock of the interpreter to others for that fifth of the time.

    A foreign function is called without it, an import statement never is. Where this fails, the import does it all. It is
    left to the import, too, where torch looks for libraries of an accelerator first, of which there may be several.
    """
    import ctypes

    with suppress(OSError, ValueError, AttributeError):
        folder = Path(find_spec("torch").origin or "").parent / "lib"  # type: ignore[union-attr]
        if any((folder / f"libtorch_{kind}.so").exists() for kind in ("cuda", "hip", "xpu")):
            return
        dlopen = ctypes.CDLL(None).dlopen
        dlopen.restype = ctypes.c_void_p
        for name, mode in (("libtorch_global_deps", os.RTLD_GLOBAL), ("libtorch_cpu", os.RTLD_LOCAL)):
            library = folder / f"{name}.{'dylib' if sys.platform == 'darwin' else 'so'}"
            if not dlopen(os.fsencode(library), mode | os.RTLD_NOW):
                return


def skip_compiler_import(optimizer: type) -> None:
    """Keep torch from importing its compiler for the wrappers of optimisers. It buys 25 %, together with ``lean_step``.

    Without it, making the first optimiser takes about as long as importing torch. The wrappers around methods of torch's
    ``Optimizer`` tell ``torch.compile`` to stay out of it. They look for their inner function under this attribute, and only
    import the compiler when it is not there.
    """
    for method in vars(optimizer).values():
        if inspect.isfunction(method) and hasattr(method, "__wrapped__") and "torch._dynamo" not in sys.modules:
            vars(method.__wrapped__).setdefault("__dynamo_disable", method.__wrapped__)


def start_artist(run: Path) -> subprocess.Popen[bytes]:
    """Start a second process that draws the plots: it gets ready while the model trains, and draws when it is told to."""
    import subprocess

    command = [sys.executable, "-P", "-m", "trainwright.watch.plots", str(run), "--wait"]
    # A group of its own: Ctrl-C is for the training, which then tells the artist.
    return subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0)


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
