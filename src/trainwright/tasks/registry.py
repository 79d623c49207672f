"""What the entries of ``config.kinds`` name, and which kind a source is. Nothing of a kind is imported before it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.config.kinds import KINDS
from trainwright.errors import RunError, error, in_short
from trainwright.models.registry import load
from trainwright.store import run_folder
from trainwright.tasks.base import FillCache, Predictor

if TYPE_CHECKING:
    from trainwright.config.settings import Settings
    from trainwright.data.read.source import Source
    from trainwright.store.bundle import Bundle
    from trainwright.training.problem import Problem
    from trainwright.watch.events import Listener

# What a training that goes on may choose anew.
FREE_WITH_FROM = ("context", "model.dropout")
DERIVED: tuple[Any, ...] = ([], "")  # what says that a setting of columns is derived


def prepare(
    task: str, source: Source, settings: Settings, parent: Predictor | None, listen: Listener
) -> tuple[Problem, FillCache]:
    """Return the problem that a source poses, and what fills the cache when it is called. Raise SourceError and DataError."""
    return load(KINDS[task].problem)(source, settings, parent, listen)  # type: ignore[no-any-return]


def choose_task(source: Source, given: Mapping[str, Any], base: Mapping[str, Any], parent: Predictor | None) -> tuple[str, str]:
    """Return the task, and why where it was derived: as given, else what the source holds, whatever an earlier run was for."""
    for layer in (given, base):
        if layer.get("task", "auto") != "auto":
            return str(layer["task"]), ""
    known = source.known_task
    task, why = known if known[0] else _infer(source, given)
    return task, "as in the earlier run" if parent is not None and parent.task == task else why


def _infer(source: Source, given: Mapping[str, Any]) -> tuple[str, str]:
    """Return the first kind that a source looks like, and why; every table looks like one. Raise SourceError."""
    from trainwright.data.read.infer_task import Evidence

    seen = Evidence(source, given)
    said = ((name, load(kind.looks_like)(seen)) for name, kind in KINDS.items())
    return next((name, why) for name, why in said if why)


def complete_settings(
    given: Mapping[str, Any], base: Mapping[str, Any], task: str, parent: Predictor | None, start: Path | None
) -> Settings:
    """Return typed settings for the task, over those of the earlier run where there is one.

    Raise SettingError: E327 for a run of another task, E328 for a setting that contradicts it, and as ``config.resolve``.
    """
    from trainwright.config.resolve import belongs, dump_model, resolve

    if parent is None:
        if "vocabulary" in given:
            raise error("E329", key="vocabulary", why="there is no earlier run whose vocabulary could be kept or extended")
        return resolve(given, base, task)
    if parent.task != task:
        raise error("E327", run=start, found=KINDS[parent.task].title, wanted=KINDS[task].title)
    fixed = {**parent.base(), "model": dump_model(parent.settings, task)}
    given, base = (
        {key: value for key, value in layer.items() if value not in DERIVED or key not in fixed} for layer in (given, base)
    )
    model = dict(base["model"]) if isinstance(base.get("model"), Mapping) else {}
    settings = resolve(given, {**fixed, **base, "model": fixed["model"] | model}, task)
    for prefix, place, values in (("", settings, parent.base()), ("model.", settings.model, fixed["model"])):
        for key, value in values.items():
            chosen = getattr(place, key, None)
            if chosen != value and prefix + key not in FREE_WITH_FROM:
                raise error("E328", key=prefix + key, value=chosen, found=value)
    for key in ("min_count", "max_vocabulary"):
        if key in given and belongs(type(settings).model_fields["vocabulary"], task) and settings.vocabulary == "keep":
            raise error("E329", key=key, why="the vocabulary of the earlier run is kept")
    return settings


def from_bundle(kept: Bundle) -> Predictor:
    """Return the trained model of a bundle; any exception means that its parts do not fit."""
    return load(KINDS[kept.meta["task"]].predictor)(kept)  # type: ignore[no-any-return]


def open_run_model(path: Path) -> Predictor:
    """Return the trained model of a run. Raise E403 for what is no run, E405 where its training did not end, or as below."""
    folder = run_folder.open_run(path).model
    if not folder.is_dir():
        raise error("E405", path=path, missing="model")
    return open_model(folder)


def open_model(folder: Path) -> Predictor:
    """Return the trained model in a bundle, whoever made it. Raise E404, E406, E407 and E411 where it cannot be used."""
    from trainwright.store import bundle
    from trainwright.tasks import bundle_schema

    if folder.is_symlink():
        raise error("E411", path=folder, problem="it is no folder of the run's own")
    try:
        kept = bundle.load(folder)
        if (task := kept.meta["task"]) not in KINDS:
            raise error("E406", name=task, choices=list(KINDS))
        bundle_schema.validate(load(KINDS[task].schema), kept)
        predictor = from_bundle(kept)
        predictor.smoke_test()  # whatever does not fit together shows now
    except RunError:
        raise
    except Exception as problem:  # there is no end to what libraries raise when they are given what makes no sense
        raise error("E404", path=folder, problem=in_short(problem)) from None
    return predictor
