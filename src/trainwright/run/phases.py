"""How long each phase of a training took."""

from __future__ import annotations

import time

from trainwright.watch.events import Event, Listener, PhaseEnded


class Phases:
    """A listener that counts seconds by phase and passes all other events on."""

    def __init__(self, listen: Listener) -> None:
        self._listen = listen
        self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Count the time since the last phase ended towards the one that ends now, or pass the event on."""
        if isinstance(event, PhaseEnded):
            self.end(event.phase)
        else:
            self._listen(event)

    def end(self, phase: str) -> None:
        """Count the time since the last phase ended towards ``phase``."""
        now = time.perf_counter()
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + now - self._last, 4)
        self._last = now
