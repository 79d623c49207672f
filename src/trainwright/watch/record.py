"""What the files of a run folder tell, read once: what plots, page and film are drawn from.

A file that is missing or cannot be read is taken as empty, as runs of every age and state can be looked at. What follows a
line of events or history that is none is passed over.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from trainwright.errors import error
from trainwright.plain_files import content, made_sense_of, read_json, read_lines, read_toml

CELLS = 2_000_000  # of a history, which take about as many times 100 bytes


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
        examples=[each for each in examples if isinstance(each, dict)] if isinstance(examples, list) else [],
        **told,
    )


def _told(happened: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what events tell, as fields of a record; of what happened twice the last counts."""
    started: Mapping[str, Any] = {}
    steps: dict[int, Mapping[str, Any]] = {}
    notes: dict[tuple[str, str], tuple[str, str, str]] = {}
    refused: dict[int, Mapping[str, Any]] = {}
    answers: dict[int, Sequence[Any]] = {}
    texts: dict[int, str] = {}
    for event in happened:
        kind = event.get("event")
        if kind == "started":
            started = event
        elif kind == "step":
            steps[event["step"]] = event
        elif kind == "note":
            note = (str(event["what"]), str(event["value"]), str(event["why"]))
            notes[note[:2]] = note
        elif kind == "refused":
            refused[event["step"]] = event
        elif kind == "answers":
            answers[event["epoch"]], texts[event["epoch"]] = event["answers"], event.get("text", "")
    return {
        "started": started,
        "steps": [steps[number] for number in sorted(steps)],
        "notes": list(notes.values()),
        "refused": [refused[number] for number in sorted(refused)],
        "answers": answers,
        "texts": {epoch: text for epoch, text in texts.items() if text},
    }


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
    """Return one dict an epoch from ``history.csv``: numbers, None for empty cells; a torn last line is passed over.

    Raise E408 where it is too large.
    """
    text, found = b"", list[dict[str, Any]]()
    with suppress(OSError):
        text = content(run / "history.csv")
    if text.count(b",") > CELLS:
        raise error("E408", path=run / "history.csv", problem=f"it has more than {CELLS:,} cells")
    with suppress(ValueError, TypeError, AttributeError, csv.Error):  # no number, too many cells, too few
        whole = text[: text.rfind(b"\n") + 1].decode()
        for row in csv.DictReader(io.StringIO(whole, newline="")):
            found.append({name: _cell(name, cell) for name, cell in row.items()})
    return found


def _cell(name: str, cell: str) -> float | bool | None:
    if name == "best":
        return cell.lower() in ("true", "1")
    return float(cell) if cell else None


def _events(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with suppress(OSError):
        found = read_lines(path)
    return found


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
