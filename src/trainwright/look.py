"""The verbs in Python that look at runs and at their data. What they need is imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.api import Run
from trainwright.errors import error
from trainwright.watch.events import Listener, ignore

if TYPE_CHECKING:
    from trainwright.tasks.encoded_data import EncodedData


def load_data(
    source: str | Path,
    *,
    test: str | Path | None = None,
    valid: str | Path | None = None,
    recipe: str = "",
    from_run: str | Path | None = None,
    offline: bool = False,
    listen: Listener = ignore,
    **settings: Any,
) -> EncodedData:
    """Return the data of a source as ``train`` uses them with the same arguments, for a loop of one's own: nothing is trained.

    Splits, labels, vocabulary, encoding and the order of rows are those of a training, as its own code makes them. The result
    has ``train``, ``valid`` and ``test`` (a torch ``Dataset`` each), ``loader("train", batch_size=64, seed=0)``, ``labels``,
    ``vocabulary``, ``encoder`` and ``settings``. ``listen`` is called with the notes of what was derived, and why.

    Raises TrainwrightError as ``train`` does before its first step.
    """
    from trainwright.run import data
    from trainwright.run.request import Request

    valid, test, from_run = (None if each is None else Path(each) for each in (valid, test, from_run))
    return data.load(Request(str(source), valid, test, recipe, from_run, None, Path("runs"), offline, settings), listen)


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
