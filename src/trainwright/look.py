"""The verbs in Python that look at runs. What they need is imported when they are called."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from trainwright.api import Run
from trainwright.errors import error
from trainwright.watch import words

RUNS = "runs"  # where trainings put their runs; it may not be there before the first
_SERVERS = {"starlette", "uvicorn"}  # what ``pip install "trainwright[watch]"`` adds


def mistakes(run: Run | str | Path, top: int = 20, *, source: str | Path = "") -> list[dict[str, Any]]:
    """Return the worst answers of a run on its test rows (or, without any, its validation rows), each with its input.

    Of classes these are the wrong ones, of numbers and tokens all, the greatest loss first. Each has ``file``, ``row``,
    ``truth``, ``answer``, ``loss``, of a class its ``probability``, and ``input``: a text, a row as a dict, a picture as the
    URI of a PNG file, the tokens up to this one; None where it is gone. ``source`` is where the data are now.

    Raises RunError E403 and E405 for no run that has ended, E409 for one that held back no rows, SourceError for its data.
    """
    from trainwright.run import mistakes as worst

    if top < 1:
        raise error("E320", name="top", value=top, problem="it is a number of rows")
    return worst.mistakes(run.path if isinstance(run, Run) else Path(run), str(source), top)


def watch(path: Run | str | Path = RUNS, *, port: int = 0, open: bool = True) -> None:
    """Serve a live page of a run, or of the newest runs in a folder, to this machine alone, until Ctrl-C.

    It reads run folders and nothing else, so a training does not know of it. ``port`` is that of 127.0.0.1, 0 = a free one. The
    address, which holds a secret word, is printed, and opened in the browser where there is one.

    Raises SourceError E101 for no such folder, SettingError E340 for a port that cannot be had, E341 for a server that is
    not installed.
    """
    import webbrowser

    folder = path.path if isinstance(path, Run) else Path(path)
    if not folder.is_dir() and folder != Path(RUNS):
        raise error("E101", path=folder)
    try:
        from trainwright.live.serve import Live
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        if name not in _SERVERS:
            raise
        raise error("E341", missing=name) from None
    live = Live(folder, port)
    print(f"watching {words.clean(folder)} at {live.url} (Ctrl-C ends it)", flush=True)
    if open and (sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(live.url)
    live.serve()
