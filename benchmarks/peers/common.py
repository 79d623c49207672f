"""What the peers' programs share: a clock for phases, the line they end with, and reading rows as a person would."""

import json
import time


class Clock:
    """Seconds of each phase, from the start of the program."""

    def __init__(self):
        self.seconds, self._last = {}, time.perf_counter()

    def phase(self, name):
        """What was done since the last phase is called ``name``."""
        now = time.perf_counter()
        self.seconds[name], self._last = now - self._last, now


class Epochs:
    """Seconds of each epoch; the first is left out, as it warms up."""

    def __init__(self):
        self.seconds = []

    def begin(self):
        self._begun = time.perf_counter()

    def end(self):
        self.seconds.append(time.perf_counter() - self._begun)

    def step(self, steps):
        """Seconds a step: the median over epochs of ``steps`` steps."""
        import statistics

        return statistics.median(self.seconds[1:]) / steps


def say(clock, **figures):
    """The last line: everything that was measured inside."""
    print(json.dumps({**figures, "seconds": clock.seconds}), flush=True)


def rows(path):
    """(texts, labels) of a CSV or Parquet file, with pandas."""
    import pandas as pd

    frame = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path)
    return frame["text"].tolist(), frame["label"].astype(str).tolist()
