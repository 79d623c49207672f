"""The data of a source as ``train`` would use them, for a loop of a person's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwright.config.resolve import recipe, resolve
from trainwright.run.train import Session, not_kept

if TYPE_CHECKING:
    from trainwright.run.request import Request
    from trainwright.tasks.encoded_data import EncodedData
    from trainwright.watch.events import Listener


def load(request: Request, listen: Listener) -> EncodedData:
    """Read, split and encode what a training would be asked for, by the same code. Raise TrainwrightError."""
    base = recipe(request.recipe)["settings"] if request.recipe else {}
    resolve(request.settings, base)  # what is wrong whatever the task, before anything is read
    _, problem, fill_cache = Session(listen).pose(request, base)
    if why := fill_cache():
        listen(not_kept(why))
    from trainwright.tasks.encoded_data import EncodedData

    return EncodedData(problem)
