"""The verbs in Python that look at a training before it is made: its data, its first steps, whether more rows would help."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.api import RUNS
from trainwright.errors import error, help_of
from trainwright.watch.events import Listener, ignore

if TYPE_CHECKING:
    from trainwright.tasks.encoded_data import EncodedData
    from trainwright.watch.checkup import Checkup
    from trainwright.watch.inspected.inspection import Inspection


def load_data(
    source: Any,
    *,
    test: Any = None,
    valid: Any = None,
    recipe: str = "",
    from_run: str | Path | None = None,
    offline: bool = False,
    fix: str | Path | None = None,
    listen: Listener = ignore,
    **settings: Any,
) -> EncodedData:
    """Return the data of a source as ``train`` uses them with the same arguments, for a loop of one's own: nothing is trained.

    Splits, labels, vocabulary, encoding and the order of rows are those of a training, as its own code makes them. The result
    has ``train``, ``valid`` and ``test`` (a torch ``Dataset`` each), ``loader("train", batch_size=64, seed=0)``, ``labels``,
    ``vocabulary``, ``encoder`` and ``settings``. For texts, which differ in length, a ``DataLoader`` of one's
    own needs ``collate_fn=data.train.collate``. ``listen`` is called with the notes of what was derived, and why.

    Raises TrainwrightError as ``train`` does before its first step.
    """
    from trainwright.run import data
    from trainwright.run.request import Request

    start, fix = (None if each is None else Path(each) for each in (from_run, fix))
    return data.load(Request.of(source, valid, test, recipe, start, None, Path("runs"), offline, settings, fix), listen)


def inspect(
    source: Any,
    *,
    test: Any = None,
    valid: Any = None,
    offline: bool = False,
    listen: Listener = ignore,
    **settings: Any,
) -> Inspection:
    """Look for what is wrong with a source, as ``train`` reads and splits it with the same arguments; nothing is trained.

    The result has ``findings``, the gravest first: each with ``name``, ``grade`` (grave, look, note), ``count``, ``what``,
    ``rows`` (some of them, with file and row), ``cause`` and ``todo``; ``not_found``, the names of what was looked for in vain;
    and ``to_json()``. Printed it is a list, in a notebook a table. ``listen`` is called with the notes of how it was read.

    Raises TrainwrightError as ``train`` does before its first step.
    """
    from trainwright.run import inspect as inspecting
    from trainwright.run.request import Request

    return inspecting.inspect(Request.of(source, valid, test, "", None, None, Path(RUNS), offline, settings), listen)


def check(
    source: Any,
    data: Any = None,
    *,
    test: Any = None,
    valid: Any = None,
    recipe: str = "",
    from_run: str | Path | None = None,
    offline: bool = False,
    listen: Listener = ignore,
    **settings: Any,
) -> Checkup:
    """Look in seconds at a training before it begins: what is likely wrong is in ``.findings``; empty = nothing was found.

    With the arguments of ``train`` it is that training. With those of ``fit``, ``check(model, data, loss=..., optimizer=...)``,
    it is that of a model of your own. Each finding has a ``name``, what was ``found``, its likely ``cause`` and how to ``mend``
    it; ``.checked`` tells all that was looked at. Model, optimiser, data and random state stay as they are; nothing is written.

    Asked is: is the first loss that of a model that knows nothing; does each parameter get a gradient, and move; does the loss
    of one batch fall at this rate; can a few rows be learned by heart; do outputs depend on the inputs, and not on the other
    rows of a batch; are units dead; is evaluation another than training; does what a short training learns hold on the
    validation rows, with the same labels; do shuffled labels give no signal.

    Raises TrainwrightError as ``train`` and ``fit`` before the first step, E365 for a model that cannot be copied.
    """
    if data is not None:
        from trainwright.tasks.custom.check import check_own
        from trainwright.tasks.custom.options import FitOptions

        return check_own(FitOptions(source, data, valid=valid, **settings))
    from trainwright.run import check as checking
    from trainwright.run.request import Request

    start = None if from_run is None else Path(from_run)
    return checking.check(Request.of(source, valid, test, recipe, start, None, Path(RUNS), offline, settings), listen)


def find_lr(
    source: Any,
    *,
    test: Any = None,
    valid: Any = None,
    recipe: str = "",
    from_run: str | Path | None = None,
    offline: bool = False,
    listen: Listener = ignore,
    **settings: Any,
) -> dict[str, Any]:
    """Suggest a learning rate for a training, with the arguments of ``train``: a copy of the model is trained for 100 updates
    whose rate rises from 0.000001 to 10, or until the loss has doubled. Nothing of it is left.

    Returns:
        ``lr``, the suggestion, at which the loss falls fastest (None where no rate makes it fall); ``why``; ``rates``,
        ``losses`` and the ``smoothed`` losses that it is chosen by.

    Raises TrainwrightError as ``train`` before its first step.
    """
    from trainwright.run import check as checking
    from trainwright.run.request import Request

    start = None if from_run is None else Path(from_run)
    return checking.find_lr(Request.of(source, valid, test, recipe, start, None, Path(RUNS), offline, settings), listen)


def learning_curve(
    source: Any,
    *,
    test: Any = None,
    valid: Any = None,
    recipe: str = "",
    parts: Sequence[float] = (),
    repeats: int = 4,
    out: str | Path | None = None,
    offline: bool = False,
    listen: Listener = ignore,
    **settings: Any,
) -> dict[str, Any]:
    """Train on parts of the training rows, and tell from the scores on validation what twice and four times as many bring.

    The first arguments are those of ``train``; test rows are left alone. What each training came to is kept in ``out``
    (``curves/NAME``), so that the same call goes on where an earlier one was stopped.

    Args:
        parts: of the training rows, from 0 to 1, three or more; without them 1/16, 1/8, 1/4, 1/2 and all, as rows suffice.
        repeats: how many times each part is drawn at most; small parts are drawn more often.

    Returns:
        ``metric``, ``points`` (of each size ``rows``, ``score`` with its ``interval``, and the ``scores`` of its trainings),
        ``fitted`` (``rows``, ``score``, ``interval`` of the curve at all rows), ``ahead`` (``times``, ``rows``, ``score``,
        ``interval``: what to expect; ``gain`` over the ``score`` that is ``fitted``, and its interval), ``line`` (the curve),
        ``files``.

    Raises:
        RunError E480 for another curve in ``out``, E481 for data that have changed; DataError E482 and E483 for too few
        training rows and for no validation rows; SettingError E320 and E484; and as ``train``.
    """
    from trainwright.run import learning_curve as curves
    from trainwright.run.request import Request

    said, parts = help_of("learning_curve"), sorted({float(part) for part in parts})
    if parts and (len(parts) < 3 or not 0 < parts[0] <= parts[-1] <= 1):
        raise error("E320", name="parts", value=parts, problem="three or more numbers above 0 and up to 1", help=said)
    if repeats < 1:
        raise error("E320", name="repeats", value=repeats, problem="it is a number of trainings", help=said)
    request = Request.of(source, valid, test, recipe, None, None, Path("runs"), offline, settings)
    return curves.curve(request, parts, repeats, None if out is None else Path(out), listen)
