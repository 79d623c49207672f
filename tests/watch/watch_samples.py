"""Reports, runs and a pseudo-terminal for the tests of this folder."""

from __future__ import annotations

import csv
import fcntl
import json
import math
import os
import pty
import struct
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from trainwright.watch.record import Record

COLUMNS = ["epoch", "step", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "lr", "seconds", "best"]
ODD_LABELS = [
    "[red]x[/red]",
    "\x1b[31mESC\x07",
    "$\\nope{$",
    "\u4f53\u80b2",
    "\u0631\u064a\u0627\u0636\u0629",
    "a" * 300,
]


def make_report(classes: int = 4, labels: list[str] | None = None) -> dict[str, Any]:
    labels = labels or [f"class {k}" for k in range(classes)]
    matrix = [[100 + i if i == j else (i * j) % 7 for j in range(classes)] for i in range(classes)]
    n = sum(map(sum, matrix))
    accuracy = sum(matrix[i][i] for i in range(classes)) / n
    quality = [
        {"label": labels[i], "precision": 0.9, "recall": 0.8, "f1": 0.5 + i / 1000, "n": sum(matrix[i])} for i in range(classes)
    ]
    scores = {"loss": 0.25, "accuracy": accuracy, "n": n, "interval": [accuracy - 0.01, accuracy + 0.01]}
    return {
        "task": "text classification",
        "model": "bag.v1",
        "source": "reviews.csv",
        "labels": labels,
        "valid": {"loss": 0.3, "accuracy": 0.9, "n": 2000, "interval": [0.89, 0.91]},
        "test": {**scores, "macro_f1": 0.85, "per_class": quality, "confusion": matrix},
        "baseline": {"name": "majority class", "label": labels[0], "accuracy": 0.25, "interval": [0.24, 0.26]},
        "best_epoch": 2,
        "epochs": 3,
        "steps": 3000,
        "parameters": 1234567,
        "rows": {"train": 120000, "valid": 2000, "test": n, "rejected": 3},
        "seconds": {"import": 1.2, "read": 0.1, "encode": 0.2, "train": 75.0, "evaluate": 0.3, "save": 0.05},
        "rows_per_second": 123456.7,
    }


def make_regression(n: int = 400, scale: float = 100.0, target: str = "price") -> dict[str, Any]:
    actual = [scale * (1 + math.sin(k)) for k in range(n)]
    points = [[value, value + 0.2 * scale * math.sin(7 * k)] for k, value in enumerate(actual)]
    scores = {"loss": 0.4321, "accuracy": None, "n": n, "rmse": 0.531 * scale, "mae": 0.412 * scale, "r2": 0.5213}
    sure = {"rmse_interval": [0.49 * scale, 0.572 * scale], "mae_interval": None, "r2_interval": [0.41, 0.62]}
    baseline = {"name": "mean of the training targets", "value": 1.521 * scale, "rmse": 0.77 * scale, "mae": 0.6 * scale}
    return {
        **make_report(2),
        "task": "table regression",
        "model": "mlp.v1",
        "source": "houses.csv",
        "labels": [],
        "valid": {**scores, **sure},
        "test": {**scores, **sure, "points": points, "target": target},
        "baseline": {**baseline, "r2": 0.0, "n": n, "rmse_interval": [0.7 * scale, 0.84 * scale]},
    }


def make_language(samples: list[str] | None = None) -> dict[str, Any]:
    scores = {"loss": 4.7222, "perplexity": 112.4, "perplexity_interval": [110.2, 115.0], "accuracy": 0.251, "n": 82430}
    test = {**scores, "interval": [0.248, 0.254], "bits_per_character": 1.4321}
    bigram = {"name": "bigram", "loss": 5.259, "perplexity": 192.3}
    return {
        **make_report(2),
        "task": "language model",
        "model": "lstm.v1",
        "source": "ptb",
        "labels": [],
        "unit": "tokens",
        "valid": scores,
        "test": test,
        "baselines": [{"name": "unigram", "loss": 6.55, "perplexity": 699.2}, bigram],
        "baseline": bigram,
        "rows": {"train": 929589, "valid": 73760, "test": 82430, "rejected": 0},
        "samples": samples or ["the company said it expects to\nreport a loss", "a second one"],
    }


def with_metrics(history: list[dict[str, Any]], **metrics: list[float | None]) -> list[dict[str, Any]]:
    """``history`` with more columns, such as ``valid_rmse``; one value an epoch."""
    return [{**row, **{name: values[k] for name, values in metrics.items()}} for k, row in enumerate(history)]


def make_record(report: dict[str, Any], history: list[dict[str, Any]] | None = None, **more: Any) -> Record:
    """What a run folder with this report (its settings beside it) and this history tells; steps are (step, loss, rate)."""
    report = dict(report)
    steps = [dict(zip(("step", "loss", "lr"), each, strict=True)) for each in more.pop("steps", ())]
    settings = report.pop("settings", {})
    return Record("run", report, settings, make_history() if history is None else history, steps=steps, **more)


def make_history(epochs: int = 3, valid: bool = True, accuracy: bool = True) -> list[dict[str, Any]]:
    return [
        {
            "epoch": epoch,
            "step": epoch * 100,
            "train_loss": 1 / epoch,
            "train_accuracy": 1 - 0.5 / epoch if accuracy else None,
            "valid_loss": 1.1 / epoch if valid else None,
            "valid_accuracy": 1 - 0.6 / epoch if valid and accuracy else None,
            "lr": 0.1,
            "seconds": 0.5,
            "best": epoch == 2,
        }
        for epoch in range(1, epochs + 1)
    ]


def write_run(run: Path, report: dict[str, Any] | None, history: list[dict[str, Any]]) -> Path:
    run.mkdir(parents=True, exist_ok=True)
    if report:
        (run / "report.json").write_text(json.dumps(report), encoding="utf-8")
    if history:
        with (run / "history.csv").open("w", newline="", encoding="utf-8") as stream:
            lines = csv.DictWriter(stream, [*COLUMNS, *(name for name in history[0] if name not in COLUMNS)])
            lines.writeheader()
            lines.writerows(history)
    return run


def python_environment(**more: str) -> dict[str, str]:
    """The environment for a Python of its own that finds the package where this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **more}


class PseudoTerminal:
    """A terminal that keeps what is written to it."""

    def __init__(self, columns: int = 100) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.stream: TextIO = os.fdopen(slave, "w", encoding="utf-8")
        self._seen: list[bytes] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self._master, 65536)
            except OSError:  # the other end was closed
                return
            if not part:
                return
            self._seen.append(part)

    def text(self) -> str:
        """Close the terminal; everything that was written to it."""
        self.stream.close()
        self._reader.join(10)
        os.close(self._master)
        return b"".join(self._seen).decode()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], PseudoTerminal]]:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    yield PseudoTerminal
