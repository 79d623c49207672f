"""One run folder as far as it has been read: where it stands, its curves, its last epochs, the answers to its watched rows.

What is in the files is somebody's data: of the wrong type it is passed over, too much of it is cut. What is kept is bounded.
"""

from __future__ import annotations

import csv
import json
import math
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from trainwright.live.tail import Curve, Lines, modified, signature
from trainwright.plain_files import content, from_json, read_toml
from trainwright.store.run_folder import RunFolder
from trainwright.watch import metrics, scores, words

POINTS, ROWS = 400, 100  # of a curve; of the table of epochs
KEPT = 32  # epochs whose answers are kept
WATCHED, LIKELIEST, TEXT = 24, 12, 4000  # rows, classes of each, characters of a generated text
ANSWERS = 64 << 10  # bytes of a line with the answers of an epoch
WINDOW = 30.0  # seconds over which the pace is taken
PAGES = ("report", "story")  # those of a run, each an HTML file of that name
WRONG = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)  # of what is not as it should be


def finite(value: Any) -> float | None:
    """Return a number, None for what is none or is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    with suppress(OverflowError):
        return value if math.isfinite(value) else None
    return None


def _count(value: Any) -> int:
    """Return a whole number of zero or more. Raise ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 53:
        raise ValueError(value)
    return value


def _answer(value: Any) -> Any:
    """Return the answer to one row: a number, or (class, probability) of some classes."""
    return [[_count(number), finite(p)] for number, p in value[:LIKELIEST]] if isinstance(value, list) else finite(value)


def _answers(line: bytes) -> dict[str, Any]:
    """Return the answers after an epoch to the watched rows, and the text that was written; none where they are no such."""
    event, answers = json.loads(line), []
    with suppress(*WRONG):
        answers = [_answer(each) for each in event["answers"][:WATCHED]]
    return {"answers": answers, "text": str(event.get("text", ""))[:TEXT]}


def _json(path: Path) -> Any:
    """Return the content of a JSON file, None for numbers that are not finite; an empty dict where it cannot be read."""
    with suppress(OSError, *WRONG):
        return from_json(content(path), parse_constant=lambda _: None, parse_float=lambda text: finite(float(text)))
    return {}


class Followed:
    """A run by its folder. ``version`` is another whenever there was news, ``seen`` the one of its watched rows."""

    def __init__(self, path: Path) -> None:
        self.folder = RunFolder(path)
        self.version = self.seen = 0
        self._events, self._epochs = Lines(self.folder.events), Lines(self.folder.history)
        self._signatures: dict[str, tuple[int, ...]] = {}
        self._head: dict[str, str] = {"model": "", "source": ""}
        self._report: dict[str, Any] = {}
        self._pages: list[str] = []
        self._forget_events()
        self._forget_epochs()

    def _forget_events(self) -> None:
        self._phase, self._notes = "preparing", ""
        self._started: dict[str, int] = {"epochs": 0, "steps": 0, "steps_per_epoch": 0, "rows": 0}
        self._unit, self._seconds = "rows", 0.0
        self._step: dict[str, Any] = {"step": 0, "epoch": 0, "loss": None, "rows": 0, "lr": None, "norm": None}
        self._steps, self._answers = Curve(POINTS), Curve(KEPT)
        self._pace: deque[tuple[float, int]] = deque(maxlen=64)  # when the file had grown, and to which step

    def _forget_epochs(self) -> None:
        self._columns: list[tuple[str, str]] = []
        self._curve, self._table = Curve(POINTS), deque[dict[str, Any]](maxlen=ROWS)
        self._best: dict[str, Any] | None = None

    def look(self) -> None:
        """Read what is new."""
        events, epochs = self._events.read(), self._epochs.read()
        if events.anew:
            self._forget_events()
        if epochs.anew:
            self._forget_epochs()
        for line in events.lines:
            with suppress(*WRONG):
                self._event(json.loads(line), line)
        for line in epochs.lines:
            with suppress(csv.Error, *WRONG):
                self._epoch(line.decode("utf-8", "replace"))
        if events.lines:
            self._pace.append((modified(self.folder.events), self._step["step"]))
        if any((events.anew, epochs.anew, events.lines, epochs.lines, self._files())):
            self.version += 1

    def _files(self) -> bool:
        """Read the small files that changed, and return whether any did."""
        folder = self.folder
        readers = dict.fromkeys((folder.settings, folder.call, folder.data), self._read_settings)
        readers |= {folder.report: self._read_report}
        readers |= {folder.watched: self._read_watched, folder.seal: self._read_pages}
        readers |= {folder.path / f"{name}.html": self._read_pages for name in PAGES}
        changed = False
        for path, read in readers.items():
            now = signature(path)
            if now != self._signatures.get(path.name, ()):
                self._signatures[path.name] = now
                read()
                changed = True
        return changed

    def _read_settings(self) -> None:
        found: dict[str, Any] = {}
        with suppress(OSError, *WRONG):
            found = read_toml(self.folder.settings)
        with suppress(*WRONG):
            found = found or _json(self.folder.call)["settings"]
        model, source = found.get("model"), _json(self.folder.data)
        self._head = {
            "model": words.clip(model.get("name", ""), 40) if isinstance(model, dict) else "a network of one's own",
            "source": words.clip(source.get("source", ""), 80) if isinstance(source, dict) else "",
        }

    def _read_report(self) -> None:
        report, self._report = _json(self.folder.report), {}
        with suppress(*WRONG):
            facts = [fact._asdict() for fact in scores.facts(report, valid="validation")]
            self._report = {
                "headline": scores.headline(report.get("test") or report.get("valid"))[0],
                "facts": facts[:ROWS],
                "verdict": scores.verdict(report),
                "task": words.clip(report["task"], 40),
                "best": _count(report["best_epoch"]),
                "speed": finite(report.get("rows_per_second")),
                "parameters": words.count(report["parameters"]),
            }

    def _read_pages(self) -> None:
        self._pages = [name for name in PAGES if signature(self.folder.path / f"{name}.html")]

    def _read_watched(self) -> None:
        self.seen += 1  # they are read when somebody asks for them: pictures are large

    def _event(self, event: Mapping[str, Any], line: bytes) -> None:
        """Take one line of the events."""
        kind = event["event"]
        if kind == "step":
            step = {name: _count(event[name]) for name in ("step", "epoch", "rows")}
            self._step = step | {name: finite(event.get(name)) for name in ("loss", "lr", "norm")}
            self._steps.add(step["step"], [self._step[name] for name in ("loss", "lr", "norm")])
        elif kind == "answers":
            # As it is: that takes a twentieth of the room, and the time is spent only where somebody looks.
            self._answers.add(_count(event["epoch"]), line if len(line) <= ANSWERS else b"{}")
            self.seen += 1
        elif kind == "started":
            self._started = {name: _count(event[name]) for name in self._started}
            self._phase, self._unit = "training", words.clip(event.get("unit", "rows"), 12)
        elif kind == "resumed":
            self._phase = "training"
            self._steps.cut(_count(event["step"]) + 1)
            self._pace.clear()
        elif kind == "epoch":  # the table comes from the history, which is whole where this one lost its end
            self._step |= {"step": _count(event["step"]), "epoch": _count(event["epoch"])}
        elif kind == "finished":
            self._phase, self._seconds = "finishing", finite(event["seconds"]) or 0.0
            self._step |= {"step": _count(event["step"])}
        elif kind == "note" and event["what"] == "stopped":
            self._phase, self._notes = "stopped", words.clip(event["why"], 200)

    def _epoch(self, line: str) -> None:
        """Take one line of the history: its first names the columns."""
        cells = next(csv.reader([line]))
        if not self._columns:
            self._columns = [(part, name) for part, _, name in (each.partition("_") for each in cells[2:-3])]
            return
        numbers = [finite(float(cell)) if cell else None for cell in cells]
        epoch, step, *values, lr, seconds, best = numbers
        if epoch is None or len(values) != len(self._columns):
            return
        row = {"epoch": epoch, "step": step, "values": values, "lr": lr, "seconds": seconds, "best": bool(best)}
        while self._table and self._table[-1]["epoch"] >= epoch:
            self._table.pop()
        before = self._table[-1]["until"] if self._table else 0.0
        self._table.append(row | {"until": before + (seconds or 0.0)})
        self._curve.add(epoch, self._table[-1])
        if best or (self._best and self._best["epoch"] >= epoch):
            self._best = row if best else None

    @property
    def phase(self) -> str:
        """Return preparing, training, finishing, ended or stopped."""
        # An old run of ``fit``, which has no settings, was not sealed at its end.
        over = self._signatures.get(self.folder.seal.name) or not self._signatures.get(self.folder.settings.name)
        return "ended" if over and self._phase == "finishing" else self._phase

    def _speed(self) -> float | None:
        """Return updates a second: as it went lately, else in the last epoch."""
        newest = self._pace[-1] if self._pace else (0.0, 0)
        for when, step in self._pace:
            if newest[0] - WINDOW <= when <= newest[0] - 2 and step < newest[1]:
                return (newest[1] - step) / (newest[0] - when)
        rows = list(self._table)[-2:]
        done = (rows[-1]["step"] or 0) - ((rows[-2]["step"] or 0) if len(rows) > 1 else 0) if rows else 0
        return done / rows[-1]["seconds"] if done > 0 and rows[-1]["seconds"] else None

    def summary(self) -> dict[str, Any]:
        """Return what a list of runs says of this one."""
        step = self._step
        done = min(1.0, step["step"] / self._started["steps"]) if self._started["steps"] else None
        return {
            "name": words.clip(self.folder.path.name, 80),
            "phase": self.phase,
            "score": self._report.get("headline", "") if self.phase == "ended" else "",
            "done": done,
            "news": max(modified(self.folder.events), modified(self.folder.data)),
            **self._head,
        }

    def detail(self) -> dict[str, Any]:
        """Return what the page shows of this run, but for its watched rows; the same ``version`` has the same content."""
        speed, ended, started = self._speed(), self.phase == "ended", self._started
        each = started["rows"] / started["steps_per_epoch"] if started["steps_per_epoch"] else self._step["rows"]
        began = modified(self.folder.settings) or modified(self.folder.call)
        gone = self._seconds or max(0.0, modified(self.folder.events) - began)
        left = (started["steps"] - self._step["step"]) / speed if speed and started["steps"] else None
        names = [name for _, name in self._columns]
        return {
            **self.summary(),
            **started,
            **self._step,
            "version": self.version,
            "seen": self.seen,
            "unit": self._unit,
            "note": self._notes,
            "speed": speed,
            "throughput": self._report.get("speed") if ended else speed and speed * each,
            "left": max(0.0, left) if left is not None and self.phase == "training" else None,
            "gone": gone,
            "bystep": [[place, *values] for place, values in self._steps.points],
            "columns": [[part, name, metrics.find(name).title] for part, name in self._columns],
            "shares": [name for name in dict.fromkeys(names) if metrics.find(name).write is words.percent],
            "lower": [name for name in dict.fromkeys(names) if not metrics.find(name).higher_is_better],
            "lead": metrics.leading(names) or "",
            "epochrows": [self._row(row) for _, row in self._curve.points],
            "table": [self._row(row) | {"cells": self._cells(row)} for row in reversed(self._table)],
            "best": self._row(self._best) | {"cells": self._cells(self._best)} if self._best else None,
            "report": self._report if ended else {},
            "pages": self._pages,
        }

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: row[name] for name in ("epoch", "step", "values", "best") if name in row} | {"until": row.get("until")}

    def _cells(self, row: Mapping[str, Any]) -> list[str]:
        """Return an epoch in words: its scores, rate and seconds."""
        values = zip(self._columns, row["values"], strict=True)
        shown = ["" if value is None else metrics.find(name).write(value) for (_, name), value in values]
        rate, seconds = (row[name] for name in ("lr", "seconds"))
        return [*shown, "" if rate is None else words.number(rate), "" if seconds is None else words.seconds(seconds)]

    def watched(self) -> dict[str, Any]:
        """Return the watched rows, with the answers of the epochs that are kept."""
        found, labels, rows = _json(self.folder.watched), list[str](), list[dict[str, Any]]()
        with suppress(*WRONG):
            labels = [words.clip(label, 40) for label in found["labels"]]
            rows = [{key: each.get(key) for key in ("file", "row", "truth", "input")} for each in found["rows"][:WATCHED]]
        near, against = 0.0, ""
        if rows and not labels:
            with suppress(*WRONG):
                near, against = scores.near(_json(self.folder.report), [row["truth"] for row in rows])
        epochs = [{"epoch": epoch, **_answers(line)} for epoch, line in self._answers.points]
        return {"labels": labels, "rows": rows, "epochs": epochs, "seen": self.seen, "near": near, "against": against}
