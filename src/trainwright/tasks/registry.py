"""The kinds of problem by name, and which one a source is. Nothing of a kind is imported before it is needed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.config.settings import TASKS, Settings
from trainwright.errors import RunError, error, in_short
from trainwright.store import run_folder
from trainwright.tasks.base import Predictor

if TYPE_CHECKING:
    from trainwright.data.read.source import Source
    from trainwright.store.bundle import Bundle

# What a training that goes on may choose anew.
FREE_WITH_FROM = ("context", "model.dropout")
# Of the modules' predictors; that of texts has a module of its own, which needs less than preparing them does.
PREDICTORS = {
    "text": "text.predictor:TextPredictor",
    "image": "image.predictor:ImagePredictor",
    "language": "language.predictor:LanguagePredictor",
    "table": "table.predictor:TablePredictor",
}


def module(task: str) -> Any:
    """The module of a kind, which has ``prepare``."""
    return importlib.import_module(f"trainwright.tasks.{task}.problem")


def choose_task(source: Source, given: Mapping[str, Any], base: Mapping[str, Any], parent: Predictor | None) -> tuple[str, str]:
    """The task, and why where it was derived: as given, else what the source holds, whatever an earlier run was for."""
    for layer in (given, base):
        if layer.get("task", "auto") != "auto":
            return str(layer["task"]), ""
    task, why = source.task(given)
    return task, "as in the earlier run" if parent is not None and parent.task == task else why


def complete_settings(
    given: Mapping[str, Any], base: Mapping[str, Any], task: str, parent: Predictor | None, start: Path | None
) -> Settings:
    """Typed settings for the task, over those of the earlier run where there is one.

    Raises SettingError: E327 for a run of another task, E328 for a setting that contradicts it, and as ``config.resolve``.
    """
    from trainwright.config.resolve import resolve

    if parent is None:
        if "vocabulary" in given:
            raise error("E329", key="vocabulary", why="there is no earlier run whose vocabulary could be kept or extended")
        return resolve(given, base, task)
    if parent.task != task:
        raise error("E327", run=start, found=TASKS[parent.task], wanted=TASKS[task])
    fixed = parent.base()
    model = dict(base["model"]) if isinstance(base.get("model"), Mapping) else {}
    settings = resolve(given, {**fixed, **base, "model": fixed["model"] | model}, task)
    for key, value in _flat(fixed):
        place = settings.model if key.startswith("model.") else settings
        chosen = getattr(place, key.removeprefix("model."), None)
        if chosen != value and key not in FREE_WITH_FROM:
            raise error("E328", key=key, value=chosen, found=value)
    for key in ("min_count", "max_vocabulary"):
        if key in given and task in ("text", "language") and settings.vocabulary == "keep":
            raise error("E329", key=key, why="the vocabulary of the earlier run is kept")
    return settings


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """``("model.hidden", 64)`` and so on."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", each) for inner, each in value.items())
        else:
            yield key, value


def from_bundle(kept: Bundle) -> Predictor:
    """The trained model of a bundle; any exception means that its parts do not fit."""
    name, _, attribute = PREDICTORS[kept.meta["task"]].partition(":")
    predictor: Predictor = getattr(importlib.import_module(f"trainwright.tasks.{name}"), attribute).from_bundle(kept)
    return predictor


def open_run_model(path: Path) -> Predictor:
    """The trained model of a run. Raises E403 where ``path`` is no run, E405 where its training did not end, and as below."""
    folder = run_folder.open_run(path).model
    if not folder.is_dir():
        raise error("E405", path=path, missing="model")
    return open_model(folder)


def open_model(folder: Path) -> Predictor:
    """The trained model in a bundle, whoever made it. Raises E404, E406, E407 and E411 where it cannot be used."""
    from trainwright.store import bundle
    from trainwright.tasks import bundle_schema

    if folder.is_symlink():
        raise error("E411", path=folder, problem="it is no folder of the run's own")
    try:
        kept = bundle.load(folder)
        bundle_schema.check(kept)
        predictor = from_bundle(kept)
        predictor.smoke_test()  # whatever does not fit together shows now
    except RunError:
        raise
    except Exception as problem:  # there is no end to what libraries raise when they are given what makes no sense
        raise error("E404", path=folder, problem=in_short(problem)) from None
    return predictor
