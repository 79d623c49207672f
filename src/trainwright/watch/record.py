"""What the files of a run folder tell, read once: what plots, page and film are drawn from.

A file that is missing or cannot be read is taken as empty, as runs of every age and state can be looked at. What follows a
line of events or history that is none is passed over. However long a run was, what is kept of it is bounded: of very many
epochs or steps one in two, in four, and so on, always with the last, and with the best epoch.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from trainwright.plain_files import lines, made_sense_of, read_json, read_lines, read_toml

CELLS = 300_000  # of a history that are kept in memory, where they take about 150 bytes each
COLUMNS = 10_000  # of it
STEPS, ANSWERS, REFUSED, NOTES = 10_000, 1_000, 100_000, 10_000  # events that are kept of each kind


@dataclass
class Record:
    """A run as its folder tells it. Everything but the history may be empty while the run is young, or in an old one.

    ``ended`` is whether ``report`` is that of the end; before it, ``so_far`` makes one. ``steps`` are the events of that kind
    in order, ``started`` is how the training began (the last time), ``watched`` the rows whose answers are kept, and
    ``answers`` and ``texts`` are what was said of them by epoch, of an epoch told twice the last. ``call`` is what began a run
    of ``fit``.
    """

    name: str
    report: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    started: Mapping[str, Any] = field(default_factory=dict)
    steps: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[tuple[str, str, str]] = ()
    refused: Sequence[Mapping[str, Any]] = ()
    answers: Mapping[int, Sequence[Any]] = field(default_factory=dict)
    texts: Mapping[int, str] = field(default_factory=dict)  # what a language model wrote
    data: Mapping[str, Any] = field(default_factory=dict)
    watched: Mapping[str, Any] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)
    choice: Mapping[str, Any] = field(default_factory=dict)  # the candidates that were measured before
    examples: Sequence[Mapping[str, Any]] = ()
    ended: bool = True


def read(run: Path) -> Record:
    """Return what is known of the run in a folder. Raise E408 for events that are not as a run writes them."""
    with made_sense_of(run / "events.jsonl"):
        told = _told(_events(run / "events.jsonl"))
    examples = _json(run / "examples.json")
    return Record(
        name=run.name,
        report=_object(run / "report.json"),
        settings=_settings(run),
        history=read_history(run),
        data=_object(run / "data.json"),
        watched=_object(run / "watched.json"),
        call=_object(run / "call.json"),
        choice=_object(run / "choice.json"),
        examples=[each for each in examples if isinstance(each, dict)] if isinstance(examples, list) else [],
        **told,
    )


def _told(happened: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what events tell, as fields of a record; of what happened twice the last counts."""
    started: Mapping[str, Any] = {}
    notes: dict[tuple[str, str], tuple[str, str, str]] = {}
    steps, refused, answers = Few(STEPS), Few(REFUSED), Few(ANSWERS)
    for event in happened:
        kind = event.get("event")
        if kind == "started":
            started = event
        elif kind == "step":
            steps.add(event["step"], event)
        elif kind == "note" and len(notes) < NOTES:
            note = (str(event["what"]), str(event["value"]), str(event["why"]))
            notes[note[:2]] = note
        elif kind == "refused":
            refused.add(event["step"], event)
        elif kind == "answers":
            answers.add(event["epoch"], (event["answers"], event.get("text", "")))
    return {
        "started": started,
        "steps": [*steps.found().values()],
        "notes": [*notes.values()],
        "refused": [*refused.found().values()],
        "answers": {epoch: told for epoch, (told, _) in answers.found().items()},
        "texts": {epoch: text for epoch, (_, text) in answers.found().items() if text},
    }


class Few:
    """Values by a whole number, of one number the last; of more than ``most`` those whose number a power of two divides."""

    def __init__(self, most: int) -> None:
        self._values: dict[int, Any] = {}
        self._last: dict[int, Any] = {}
        self._most, self._every = most, 1

    def add(self, number: int, value: Any) -> None:
        """Add one. Raise TypeError for what is no number."""
        self._last = {number: value}
        if number % self._every == 0:
            self._values[number] = value
        while len(self._values) > self._most:
            self._every *= 2
            self._values = {each: kept for each, kept in self._values.items() if each % self._every == 0}

    def found(self) -> dict[int, Any]:
        """Return those that are kept and the one that was added last, by number."""
        return dict(sorted((self._values | self._last).items()))


def so_far(record: Record) -> Record:
    """Return a run that has not ended with what its report would say by now: no test, and of validation the best epoch."""
    best: Mapping[str, Any] = next((row for row in reversed(record.history) if row.get("best")), {})
    valid = {name.removeprefix("valid_"): value for name, value in best.items() if name.startswith("valid_")}
    model, own = record.settings.get("model"), record.call.get("model") or ["a network"]
    last = record.history[-1] if record.history else {}
    report = {
        "task": record.settings.get("task") or "model of your own",
        "model": model.get("name", "") if isinstance(model, Mapping) else own[0],
        "source": record.data.get("source") or "data of your own",
        "labels": record.watched.get("labels") or [],
        "unit": record.started.get("unit") or "rows",
        "valid": {name: value for name, value in valid.items() if value is not None},
        "epochs": int(last.get("epoch", 0)),
        "best_epoch": int(best.get("epoch", 0)),
        "steps": max([int(last.get("step") or 0), *(int(step["step"]) for step in record.steps[-1:])]),
        "rows": record.data.get("rows") or {},
    }
    return replace(record, report=report, ended=False)


def read_history(run: Path) -> list[dict[str, Any]]:
    """Return one dict an epoch from ``history.csv``, of very many epochs some: the best and the last are always there."""
    kept, best = Few(CELLS), dict[int, dict[str, Any]]()
    for place, row in enumerate(epochs(run)):
        if not place:
            kept = Few(CELLS // len(row))
        kept.add(int(row["epoch"]), row)
        if row.get("best"):
            best = {int(row["epoch"]): row}
    found = kept.found()
    return [each for _, each in sorted((found | {number: row for number, row in best.items() if number not in found}).items())]


def epochs(run: Path) -> Iterator[dict[str, Any]]:
    """Yield one dict an epoch from ``history.csv``: numbers, None for empty cells; a torn last line is passed over."""
    # Ends at what is no number, or has too many cells or too few.
    with suppress(OSError, ValueError, TypeError, AttributeError, LookupError, OverflowError, csv.Error):
        rows = csv.DictReader(line.decode() for line in lines(run / "history.csv"))
        if len(rows.fieldnames or ()) > COLUMNS:
            return
        for row in rows:
            found = {name: _cell(name, cell) for name, cell in row.items()}
            int(found["epoch"])  # type: ignore[arg-type]
            yield found


def _cell(name: str, cell: str) -> float | bool | None:
    if name == "best":
        return cell.lower() in ("true", "1")
    return float(cell) if cell else None


def _events(path: Path) -> Iterator[dict[str, Any]]:
    with suppress(OSError):
        yield from read_lines(path)


def _json(path: Path) -> Any:
    with suppress(OSError, ValueError):
        return read_json(path)
    return None


def _object(path: Path) -> dict[str, Any]:
    found = _json(path)
    return found if isinstance(found, dict) else {}


def _settings(run: Path) -> Mapping[str, Any]:
    """Return the settings of a run: those of ``fit`` stand in what began it."""
    with suppress(OSError, ValueError):
        return read_toml(run / "settings.toml")
    found = _object(run / "call.json").get("settings")
    return found if isinstance(found, dict) else {}
