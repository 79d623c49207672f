"""The verbs in Python that look at runs. What they need is imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainwright.api import Run
from trainwright.errors import error


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
