"""The verbs in Python that look at runs. What they need is imported when they are called."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.api import Run
from trainwright.errors import error

if TYPE_CHECKING:
    from trainwright.watch.explanation import Explanation


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


def explain(run: Run | str | Path, input: Any, truth: str | float = "") -> Explanation:
    """Return the way of one input through a run's model, in numbers: tokens or columns, logits, probabilities, loss, update.

    Args:
        input: a text; a row (a dict, or ``age=63 sex=2`` as a text); an image (a path, an array, an image of Pillow).
        truth: the right label or number, of a language model the token that comes next; without it the answer is taken for it.

    ``to_json()`` of the result is what ``trainwright explain --json`` prints. The update is plain gradient descent on this
    row's loss alone, at the last and at the first rate of the run: no momentum, no weight decay, no other rows.

    Raises RunError E403 to E411, E337 for a truth that the model cannot answer with, E338, and as ``predict``.
    """
    opened = run if isinstance(run, Run) else Run(run)
    if not opened.predictor.is_one(input):
        raise error("E320", name="input", value=type(input).__name__, problem="one input is explained at a time")
    return opened.predictor.explain(input, truth, rates(opened))


def rates(run: Run) -> dict[str, float]:
    """Return the rate of the last update that a run wrote down, and that of its settings, by what they are called."""
    import tomllib

    from trainwright.watch import events

    found: dict[str, float] = {}
    with suppress(OSError, ValueError):  # neither is needed for the rest
        steps = [event for event in events.read(run.folder.events) if event["event"] == "step"]
        found |= {f"the rate of step {event['step']:,}": event["lr"] for event in steps[-1:]}
        settings = tomllib.loads(run.folder.settings.read_text(encoding="utf-8"))
        found |= {"the rate that was set": settings["lr"]} if settings.get("lr") else {}
    return found


def story(run: Run | str | Path, out: str | Path | None = None) -> Path:
    """Tell a run as a film in one HTML file: the rows that are watched turning right or wrong, epoch by epoch, with its scores.

    It is written to ``out``, or to ``story.html`` in the run folder, and its path is returned. A run that is still training is
    told as far as it is. Raises RunError E403 for no run, E408 for a damaged one, E428 for one without watched rows or epochs.
    """
    from trainwright.store import seal
    from trainwright.store.atomic import write_file
    from trainwright.store.run_folder import open_run
    from trainwright.watch import story as film

    folder = open_run(run.path if isinstance(run, Run) else Path(run)).path
    page, path = film.page(folder), folder / "story.html" if out is None else Path(out)
    write_file(path, page)
    if out is None:
        seal.renew(folder, [path])
    return path
