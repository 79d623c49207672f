"""The verbs in Python that look at runs. What they need is imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainwright.api import Run
from trainwright.errors import error
from trainwright.watch.events import Listener, ignore


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


def landscape(
    run: Run | str | Path,
    *,
    size: int = 41,
    span: float = 1.0,
    rows: int = 10_000,
    out: str | Path | None = None,
    source: str | Path = "",
    listen: Listener = ignore,
) -> dict[str, Any]:
    """Measure and draw the loss surface around the parameters of a run, with the path that its training took there.

    It is measured on the validation rows, in the plane of the path's first two principal directions, in that of two random
    directions normalised by filters (Li et al. 2018, arXiv:1712.09913), and on the straight line from the first parameters to
    those that were kept. The path is had by training again; where no second training can be equal, it is left out.

    Args:
        size: points along each axis; odd, so that the kept parameters are one of them.
        span: how far the random plane reaches to each side, in lengths of the network's filters.
        rows: the most validation rows that are measured on, spread evenly; of running text the first tokens.
        out: where to write; the default is ``landscape`` in the run.
        source: where the data are now.

    Returns:
        The content of ``surface.json``, and ``files``: what was written.

    Raises RunError E403 and E405 for no run that has ended, E431 for one without validation rows, E432 where its data have
    changed, and as ``train``.
    """
    from trainwright.run import landscape as surface

    for name, value, good, problem in (
        ("size", size, size >= 3 and size % 2 == 1, "it is an odd number of points, from 3 on"),
        ("span", span, 0 < span < float("inf"), "it is a number above 0"),
        ("rows", rows, rows >= 1, "it is a number of rows"),
    ):
        if not good:
            raise error("E320", name=name, value=value, problem=problem)
    place = run.path if isinstance(run, Run) else Path(run)
    return surface.landscape(place, str(source), size, span, rows, None if out is None else Path(out), listen)
