"""What the files of a run folder tell, read once: what plots and page are drawn from.

A file that is missing or cannot be read is taken as empty, as runs of every age and state can be looked at.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainwright.watch import events


@dataclass
class Record:
    """A run as its folder tells it. Everything but the history may be empty while the run is young, or in an old one.

    ``report`` has the settings beside it, ``steps`` (step, loss, rate) are those of ``events.jsonl``, thinned and in order.
    """

    name: str
    report: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    steps: Sequence[tuple[int, float, float]] = ()
    notes: Sequence[tuple[str, str, str]] = ()
    refused: Sequence[Mapping[str, Any]] = ()
    texts: Mapping[int, str] = field(default_factory=dict)  # what a language model wrote after each epoch
    data: Mapping[str, Any] = field(default_factory=dict)
    examples: Sequence[Mapping[str, Any]] = ()


def read(run: Path) -> Record:
    """Return what is known of the run in a folder."""
    steps: dict[int, tuple[int, float, float]] = {}
    notes: dict[tuple[str, str], tuple[str, str, str]] = {}
    refused: dict[int, Mapping[str, Any]] = {}
    texts: dict[int, str] = {}
    for event in _events(run / "events.jsonl"):
        kind = event.get("event")
        if kind == "step":  # one that was made again, as the run was resumed, counts as it was last
            steps[event["step"]] = (event["step"], event["loss"], event["lr"])
        elif kind == "note":
            notes[event["what"], event["value"]] = (str(event["what"]), str(event["value"]), str(event["why"]))
        elif kind == "refused":
            refused[event["step"]] = event
        elif kind == "answers" and event.get("text"):
            texts[event["epoch"]] = event["text"]
    data, examples = _json(run / "data.json"), _json(run / "examples.json")
    return Record(
        name=run.name,
        report=read_report(run),
        history=read_history(run),
        steps=[steps[number] for number in sorted(steps)],
        notes=list(notes.values()),
        refused=[refused[number] for number in sorted(refused)],
        texts=texts,
        data=data if isinstance(data, dict) else {},
        examples=[each for each in examples if isinstance(each, dict)] if isinstance(examples, list) else [],
    )


def read_report(run: Path) -> dict[str, Any]:
    """Return ``report.json`` with the settings beside it; empty where there is none yet."""
    try:
        report: dict[str, Any] = json.loads((run / "report.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    settings = run / "settings.toml"
    if settings.exists():
        report["settings"] = tomllib.loads(settings.read_text(encoding="utf-8"))
    return report


def read_history(run: Path) -> list[dict[str, Any]]:
    """Return one dict an epoch from ``history.csv``: numbers, None for empty cells; a torn last line is passed over."""
    try:
        text = (run / "history.csv").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    whole = text[: text.rfind("\n") + 1]
    return [{name: _cell(name, cell) for name, cell in row.items()} for row in csv.DictReader(io.StringIO(whole))]


def _cell(name: str, cell: str) -> float | bool | None:
    if name == "best":
        return cell.lower() in ("true", "1")
    return float(cell) if cell else None


def _events(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with suppress(OSError, ValueError, RecursionError):
        found.extend(events.read(path))
    return found


def _json(path: Path) -> Any:
    with suppress(OSError, ValueError, RecursionError):
        return json.loads(path.read_bytes())
    return None
