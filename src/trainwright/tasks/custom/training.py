"""The iterator that ``fit`` returns: it trains as it is gone through, and says so where it is not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from html import escape
from typing import Any

from trainwright.watch.events import Event

MEND = "go through its events: for event in tw.fit(...): ..., or list(tw.fit(...)) to train to the end"


class Training(Iterator[Event]):
    """The events of a training. One that nobody asks for does nothing, which is warned of."""

    def __init__(self, events: Any) -> None:
        self._events, self._begun = events, False

    def __next__(self) -> Event:
        """Train until the next event, and return it."""
        self._begun = True
        return next(self._events)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Stop here; what is kept in a folder is saved."""
        self._begun = True
        self._events.close()

    def __repr__(self) -> str:
        """Say what has to be done with it: at the end of a cell of a notebook it would do nothing."""
        return "<a training that goes on as its events are asked for>" if self._begun else f"<nothing is trained yet: {MEND}>"

    def _repr_html_(self) -> str:
        return escape(repr(self).strip("<>"))

    def __del__(self) -> None:
        """Warn where nothing was trained."""
        if not self.__dict__.get("_begun", True):
            warnings.warn(f"tw.fit(...) trained nothing: {MEND}", RuntimeWarning, stacklevel=2)
