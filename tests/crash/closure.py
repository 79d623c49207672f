"""Whether what a run writes is accepted by all that reads it: each verb on the run of some settings, in this process."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.training.checkpointing import Saver
from trainwright.watch import plots
from trainwright.watch.events import Event, ignore

BRIEF = {"epochs": 1, "speed": "off"}
# What a person says of a source.
DATA = ("task", "text", "image", "features", "label", "target", "columns", "decimal", "dates", "labels")


class Killed(BaseException):
    """What stands for a kill: nothing that ends a run in order is done."""


def _killed(event: Event) -> None:
    if event.kind == "started":
        raise Killed


@contextmanager
def _nothing_saved() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Saver, "save", lambda self, **how: None)
        yield


def weights(run: Path) -> str:
    return hashlib.sha256((run / "model" / "model.safetensors").read_bytes()).hexdigest()


def closed(source: Path, folder: Path, given: dict[str, Any]) -> tuple[str, list[str]]:
    """The code with which a training was refused, or else what was not accepted of what it wrote.

    Of a run that no second training can equal, what it says of that is taken.
    """
    shutil.rmtree(folder, ignore_errors=True)
    run, killed, again, after = (folder / name for name in ("run", "killed", "recipe", "after"))
    try:
        tw.train(source, out=run, listen=ignore, **given)
    except TrainwrightError as problem:
        return problem.code, []
    wrong = []

    def look(what: str, *verbs: Any) -> None:
        try:
            wrong.extend(f"{what}: {each}" for verb in verbs for each in verb() or ())
        except TrainwrightError as problem:
            if not (what.startswith("from") and problem.code == "E501"):  # from there a rate may be too high
                wrong.append(f"{what}: {problem}")

    def same(other: Path) -> list[str]:
        return [] if weights(other) == weights(run) else ["other weights"]

    with _nothing_saved(), suppress(Killed):
        tw.train(source, out=killed, listen=_killed, **given)
    look("resume", lambda: tw.resume(killed, listen=ignore) and None, lambda: same(killed))
    look("resume what has ended", lambda: tw.resume(run, listen=ignore) and None)
    look("verify", lambda: tw.verify(run).wrong)
    look("replay", lambda: tw.replay(run).wrong)
    recipe = str(run / "settings.toml")
    look("recipe", lambda: tw.train(source, out=again, recipe=recipe, listen=ignore) and None, lambda: same(again))
    data = {key: given[key] for key in DATA if key in given}
    look("from", lambda: tw.train(source, out=after, from_run=run, listen=ignore, **BRIEF, **data) and None)
    look(
        "from, as a recipe", lambda: tw.train(source, out=folder / "both", from_run=run, recipe=recipe, listen=ignore) and None
    )
    look("verify and replay what went on", lambda: tw.verify(after).wrong, lambda: tw.replay(after).wrong)
    look("report", lambda: tw.load(run).report and None, lambda: tw.runs(folder) and None)
    look("plots", lambda: plots.draw(run) and None)
    return "", wrong
