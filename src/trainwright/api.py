"""The verbs in Python. What they need is imported when they are called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.errors import error, help_of
from trainwright.plain_files import made_sense_of
from trainwright.store import run_folder
from trainwright.watch.events import Listener, ignore

if TYPE_CHECKING:
    from torch import nn

    from trainwright.config.resolve import Row
    from trainwright.run.train import Session
    from trainwright.run.verify import Proof
    from trainwright.tasks.base import Predictor

RUNS = "runs"  # where trainings put their runs; it may not be there before the first


class Run:
    """A finished run: its folder, its report, its model. The model is loaded when it is first used."""

    def __init__(self, path: str | Path) -> None:
        """Raise E403 where ``path`` is no run folder, E169 where it is empty."""
        self.folder = run_folder.open_run(run_folder.place("path", path), fit_too=True)
        self._predictor: Predictor | None = None

    @property
    def path(self) -> Path:
        """Return the path of the run folder."""
        return self.folder.path

    @property
    def report(self) -> dict[str, Any]:
        """Return the content of ``report.json``. Raise E405 for a run that has not ended."""
        return self.folder.read_report()

    @property
    def predictor(self) -> Predictor:
        """Return the model in use. Raise E404 and E405."""
        if self._predictor is None:
            from trainwright.tasks import registry

            self._predictor = registry.open_run_model(self.path)
        return self._predictor

    @property
    def model(self) -> nn.Module:
        """Return the network, in evaluation mode."""
        return self.predictor.model

    def predict(
        self, items: Any, top: int = 1, *, sure: float | None = None, interval: float | None = None, **written: Any
    ) -> Any:
        """Return what the model says of each item: (label, probability), or a number where it was trained on numbers.

        Args:
            items: texts; images (paths, or arrays of height x width x channels); rows of a table (dictionaries); for a language
                model texts to go on from, whose next tokens are its labels. Of data with named columns (a frame of polars,
                pandas or Arrow, lazy or not, a data set of the ``datasets`` library, a dictionary of columns, a list of
                dictionaries) each row is an item, by the columns of the training. A ``Path`` of a file or folder that is no
                image stands for the rows in it: they come with ``frame`` (their columns), ``rows`` (their numbers), ``answers``
                and ``notes`` (such as which rows cannot be read, and have no answer). A single str is a text, but one that
                looks like a file is refused (E436): it is a ``Path``, or a text in a list.
            top: above 1, the so many most probable (label, probability) of each, best first.
            sure: answer only where answers are right in so large a share of all rows, with 95 % confidence by the validation
                rows: 0.97. The answer to any other is None: it is for a person.
            interval: each number comes as (answer, lower, upper), and the truth lies between in so large a share of all rows.
            written: how the file is written, where that is not as in training: ``delimiter``, ``encoding``, ``header``,
                ``decimal`` and ``dates``.
        """
        if top < 1:
            raise error("E320", name="top", value=top, problem="it is a number of labels", help=help_of("predict"))
        from trainwright.data.files.virtual import as_path
        from trainwright.tasks import certainty

        items = as_path(items) if isinstance(items, Path) else items
        predictor = self.predictor.written(written, "predict", items)

        if isinstance(items, str) and not predictor.many_files and predictor.item == "text" and predictor.takes_file(items):
            raise error("E436", word=items)
        if predictor.is_file(items):
            found = certainty.of_file(predictor, predictor.predict_file(items, top=top), sure, interval)
            found.answers = certainty.as_asked(found.answers, top, found.sure, found.reach)
            return found
        answers = predictor.predict(_several(predictor, items), top)
        told = certainty.answered(predictor, answers, sure), certainty.reach(predictor, interval)
        return certainty.as_asked(answers, top, *told)

    def generate(self, prompt: str = "", tokens: int = 200, **options: Any) -> Iterator[str]:
        """Yield the text with which a language model goes on: see ``generate``."""
        return generate(self, prompt, tokens, **options)

    def evaluate(self, source: Any, **written: Any) -> dict[str, Any]:
        """Return the scores on another labelled file: see ``evaluate``."""
        return evaluate(self, source, **written)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """Return its scores and pictures, where it is the last line of a cell of a notebook."""
        from trainwright.watch.plots import cell

        return cell(self.path)


def _several(predictor: Predictor, items: Any) -> Any:
    """Return what a person gives in Python as something with a length: of data with named columns the items in its rows."""
    from trainwright.data.files.virtual import has_columns, is_records

    named = has_columns(items)
    if hasattr(items, "to_pylist") and not named:  # a column of Arrow
        items = items.to_pylist()
    elif not named and (not hasattr(items, "__len__") or predictor.is_one(items)):
        items = list(items) if isinstance(items, Iterator) else [items]
    if named or (is_records(items) and predictor.item != "row"):  # each row of a table is looked at by itself
        from trainwright.data.read.frames import table_of

        table = table_of(items, empty=True)
        return predictor.items_of(table) if table.frame.height else []
    return items


def load(path: str | Path) -> Run:
    """Return a run by its folder. Raise E403."""
    return Run(path)


def train(
    source: Any,
    *,
    test: Any = None,
    valid: Any = None,
    recipe: str = "",
    from_run: str | Path | None = None,
    out: str | Path | None = None,
    runs: str | Path = "runs",
    offline: bool = False,
    resume: bool = False,
    track: str | Sequence[str] = (),
    fix: str | Path | None = None,
    listen: Listener | None = None,
    **settings: Any,
) -> Run:
    """Train on ``source`` and return the finished run.

    ``source`` is a file, a folder, a pattern (``data/*.csv``), the name of a data set, or data: a frame of polars, pandas or
    Arrow, a data set of the ``datasets`` library, a dictionary of columns, a list of dictionaries, or a dictionary of these by
    split (``{"train": ..., "test": ...}``). So are ``test`` and ``valid``, but for names. Data in memory have to be given again
    to what reads them again: ``resume``, ``replay``, ``verify`` and ``mistakes`` take them as ``source``.

    Settings are those of ``trainwright settings``; nested ones are dictionaries: ``optimizer={"name": "SGD"}``.
    ``from_run`` names a run whose model the training goes on from. With ``resume`` a run that the same call began is gone on
    with: the one in ``out``, or the newest in ``runs`` that has not ended; where there is none, one begins. ``track`` names
    trackers of others that hear of it: tensorboard, mlflow, wandb, trackio (``pip install "trainwright[tensorboard]"``).
    ``fix`` is a table of corrected labels with the columns ``file``, ``row`` and ``label`` (empty: the row is left out), as
    ``suspects`` finds and ``trainwright suspects --out`` writes; they are laid over those of the source, whose files stay as
    they are. ``listen`` is called with every event; the default shows them on standard error.

    Raises:
        TrainwrightError: see ``docs/errors.md``; no run folder is made. Only what stops a training on its way (a step that is
            refused, a file that turned bad, a full disk) leaves its folder, which can be resumed.
        KeyboardInterrupt, SystemExit: after SIGINT; SIGTERM and SIGHUP. What was reached is saved.
    """
    from trainwright.run.request import Request

    folders = {"from_run": from_run, "out": out, "valid": valid, "test": test, "fix": fix}
    from_run, out, valid, test, fix = (
        run_folder.place(name, each) if isinstance(each, str | Path) else each for name, each in folders.items()
    )
    request = Request.of(source, valid, test, recipe, from_run, out, run_folder.place("runs", runs), offline, settings, fix)
    if resume:
        from trainwright.run.resume import find_unfinished

        earlier = find_unfinished(request)
        if earlier is not None:
            path = earlier.path
            return _run_session(lambda session: session.resume(path, request.held or "", settings, offline), listen, track)
    return _run_session(lambda session: session.begin(request), listen, track)


def resume(
    run: Run | str | Path, *, source: Any = "", offline: bool = False, listen: Listener | None = None, **settings: Any
) -> Run:
    """Go on with a run that did not end, from its newest whole checkpoint: the result is, bit by bit, that of a run that
    was never stopped. ``settings`` may extend it: ``tw.resume(run, epochs=20)``.
    A run that has ended stays as it is. ``source`` is where its data are now, where they have moved.

    Raises:
        RunError: E403 and E408 for no run folder, E413 and E417 where no whole checkpoint is left, E414 where its data have
            changed, E415 where another process trains in the folder, E416 for a setting that may not change.
        TrainwrightError: as ``train``.
    """
    return _run_session(lambda session: session.resume(_path(run), moved(source), settings, offline), listen)


def verify(run: Run | str | Path, *, source: Any = "", listen: Listener = ignore) -> Proof:
    """Prove that a run is as it was written: every byte under its seals, its bundle, and the scores of its report, which are
    measured again on its data. What is wrong is in ``.wrong``; empty = nothing is.

    Raises RunError E403 and E408 for no run folder.
    """
    from trainwright.run import verify as verifying

    return verifying.verify(_path(run), moved(source), listen)


def replay(run: Run | str | Path, *, source: Any = "", out: str | Path | None = None, listen: Listener = ignore) -> Proof:
    """Train again from a run's settings and compare weights and report, bit by bit. What differs is in ``.wrong``.

    ``out`` keeps the second run. Raises RunError E403, E405 and E408 for a run that has not ended, E423 for one that no second
    training can equal (extended under another plan, stopped by the clock), and as ``train``.
    """
    from trainwright.run import verify as verifying

    return verifying.replay(_path(run), moved(source), None if out is None else run_folder.place("out", out), listen)


def moved(source: Any) -> Any:
    """Return where data are now: a path as text, data as they are."""
    return str(source) if isinstance(source, Path) else source


def _path(run: Run | str | Path) -> Path:
    return run.path if isinstance(run, Run) else run_folder.place("run", run)


def _run_session(carry: Callable[[Session], Path], listen: Listener | None, track: str | Sequence[str] = ()) -> Run:
    """Carry a training through and return the run; its events are shown on standard error where nobody else listens."""
    from trainwright.run.train import Session

    if listen is not None:
        return Run(carry(Session(listen, track)))
    from trainwright.watch.terminal.console import Console

    with closing(Console(sys.stderr)) as console:
        return Run(carry(Session(console.handle, track)))


def evaluate(run: Run | str | Path | nn.Module, source: Any = None, **own: Any) -> dict[str, Any]:
    """Return the scores of a run on a labelled file, or without one those of its report; or of a model of your own on data.

    Args:
        run: a run, or any ``nn.Module``.
        source: a labelled file, or data in memory as ``train`` takes them; for a model of your own, data as ``fit`` takes them.
        own: for a model of your own ``loss``, and as in ``fit``, ``metrics``, ``target``, ``state`` and ``batch_size`` (256);
            for a run how the file is written, where that is not as in training: ``delimiter``, ``encoding``, ``header``,
            ``decimal`` and ``dates``.

    Returns:
        Of a run the scores on the rows that are new to it: loss, accuracy with interval and ``n``, macro F1, per-class scores,
        confusion matrix. Rows that it was trained on, or validated on, are known again by their content, whatever file they are
        in: ``trained_on`` and ``validated_on`` count them (of running text the tokens of passages), ``other_label`` those of
        them that had another label then, ``tested_on`` the new ones that are among its own test rows, and ``apart`` has their
        scores, by the same names. Where no row is new ``n`` is 0 and every score None. A run of an earlier version cannot tell:
        its counts are None, and the scores are those of all rows. ``rejected`` counts the rows that are left out,
        ``unknown_labels`` by label those of them that have one which the run does not know. Of a model ``loss`` (the mean a
        target, whatever the batch size), ``accuracy`` (None where targets are no class numbers), ``n``, and metrics.

    Raises:
        SourceError and DataError for a file that cannot be used, RunError for the run; ModelError as ``fit``.
    """
    if not isinstance(run, Run | str | Path):
        from trainwright.tasks.custom.fit import evaluate_own
        from trainwright.tasks.custom.options import EvaluateOptions

        return evaluate_own(EvaluateOptions(run, source, **own))
    from trainwright.data.files.virtual import as_path, is_data

    run = run if isinstance(run, Run) else Run(run)
    source = as_path(source) if isinstance(source, str | Path) else source
    if source is None and not own:
        report = run.report
        with made_sense_of(run.folder.report):
            measured = "test" if report["test"] else "valid"
            if not report[measured]:
                raise error("E409", path=run.path)
            return {"split": measured, **report[measured]}
    from trainwright.data.files.content import require

    if source is not None and not is_data(source):
        require(source)  # before the model is opened, which takes longer
    predictor = run.predictor.written(own, "evaluate", source)
    from trainwright.data.read.frames import labelled
    from trainwright.store import fingerprints

    seen = fingerprints.read(run.folder.fingerprints)
    with made_sense_of(run.folder.fingerprints):
        return predictor.score(labelled(source) if is_data(source) else source, seen)


def predict(run: Run | str | Path | nn.Module, items: Any, top: int = 1, **own: Any) -> Any:
    """Return what a run's model says of items (see ``Run.predict``), or the outputs of a model of your own on data.

    For an ``nn.Module``, ``items`` are inputs alone (a tensor or array, a tuple or dict of them, a data set, a loader, an
    iterable of batches), or data with targets as ``fit`` takes them, which are left out. Which of both they are follows from
    what ``model.forward`` can be called with. The outputs of all rows come in order, on the CPU: a tensor, or a tuple or
    dict of them where the model gives one.

    Args:
        own: for a model of your own ``targets`` (True or False, where the model could be called with and without the
            targets), and as in ``fit``, ``target``, ``state`` and ``batch_size`` (256); for a run see ``Run.predict``.

    Raises:
        ModelError: E617 where it cannot be told whether there are targets, E618 for a loader that shuffles, and as ``fit``.
    """
    if not isinstance(run, Run | str | Path):
        from trainwright.tasks.custom.fit import predict_own
        from trainwright.tasks.custom.options import PredictOptions

        return predict_own(PredictOptions(run, items, **own))
    return (run if isinstance(run, Run) else Run(run)).predict(items, top, **own)


def generate(
    run: Run | str | Path,
    prompt: str = "",
    tokens: int = 200,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Iterator[str]:
    """Yield the text with which a language model goes on after ``prompt``, in pieces as they are made: ``"".join(...)`` it.

    Args:
        tokens: how many to make.
        temperature: below 1 surer, above 1 wilder; 0 = always the likeliest token.
        top_k: draw from the so many likeliest only; 0 = all.
        top_p: draw from the likeliest that make up this probability only (Holtzman et al. 2020, arXiv:1904.09751).
        seed: the same arguments give the same text.

    Raises RunError E410 for a run of another task, SettingError E320 for a number that cannot be meant.
    """
    opened = run if isinstance(run, Run) else Run(run)
    sampling = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    good = (tokens >= 0, 0 <= temperature < float("inf"), top_k >= 0, 0 < top_p <= 1, 0 <= seed < 2**63)
    for (name, value), fits in zip({"tokens": tokens, **sampling}.items(), good, strict=True):
        if not fits:
            raise error("E320", name=name, value=value, problem="it is out of range", help=help_of("generate"))
    predictor: Any = opened.predictor
    if not hasattr(predictor, "generate"):
        from trainwright.config.kinds import KINDS

        raise error("E410", path=opened.path, task=KINDS[predictor.task].title)
    return predictor.generate(prompt, tokens, **sampling)  # type: ignore[no-any-return]


def recipes() -> dict[str, dict[str, Any]]:
    """Return the recipes inside the package by name: description, source, settings and the result to expect."""
    from trainwright.config import resolve

    return resolve.recipes()


def settings() -> list[Row]:
    """Return every setting with type, default, unit and meaning."""
    from trainwright.config import resolve

    return list(resolve.rows())


def runs(folder: str | Path = "runs") -> list[dict[str, Any]]:
    """Return the runs in a folder: ``run`` (path) and ``report``, empty for a run that has not ended, and for one whose report
    cannot be read, of which ``damaged`` says why."""
    return run_folder.runs(Path(folder))
