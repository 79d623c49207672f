"""The training of a run that has ended, made ready once more on its data, for verbs that look deeper than the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainwright.errors import error
from trainwright.run.resume import SavedRun, changed_since
from trainwright.run.train import Prepared, Session
from trainwright.watch.events import Event, Listener, Progress


def prepare_again(earlier: SavedRun, report: Mapping[str, Any], listen: Listener) -> Prepared:
    """Return the training of a run, ready to begin on the data of its ``report``. Raise E432 where they have changed.

    ``listen`` hears how far reading is; what was derived, the run itself has told.
    """

    def progress(event: Event) -> None:
        if isinstance(event, Progress):
            listen(event)

    made = Session(progress).prepare(earlier.request(earlier.run.path), dict(earlier.settings))
    if changed := changed_since(earlier.run, report, made.facts.data):
        raise error("E432", path=earlier.run.path, files=", ".join(changed))
    return made
