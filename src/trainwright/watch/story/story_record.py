"""What a run folder says of a training so far, as the film of the run needs it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainwright.errors import error
from trainwright.watch import events
from trainwright.watch.record import read_history, read_report


@dataclass
class Record:
    """What a run folder says of the training so far; ``answers`` and ``texts`` by epoch, of an epoch told twice the last."""

    name: str
    settings: dict[str, Any]
    report: dict[str, Any]  # empty where the training has not ended
    data: dict[str, Any]
    watched: dict[str, Any]
    history: list[dict[str, Any]]
    started: dict[str, Any]
    steps: list[dict[str, Any]]
    answers: dict[int, list[Any]]
    texts: dict[int, str]


def read(run: Path) -> Record:
    """Return what the folder holds. Raise E428 where there is no film in it, and what reading damaged files raises."""
    if not (run / "watched.json").is_file() or not (run / "events.jsonl").is_file():
        raise error("E428", path=run, problem="no answers to rows that are watched were kept")
    watched, data = (json.loads((run / f"{name}.json").read_bytes()) for name in ("watched", "data"))
    report, history = read_report(run), read_history(run)
    settings = report.pop("settings", None) or _settings(run)
    started: dict[str, Any] = {}
    steps: dict[int, dict[str, Any]] = {}
    answers: dict[int, list[Any]] = {}
    texts: dict[int, str] = {}
    for event in events.read(run / "events.jsonl"):
        if event["event"] == "started":
            started = event
        elif event["event"] == "step":
            steps[event["step"]] = event
        elif event["event"] == "answers":
            answers[event["epoch"]], texts[event["epoch"]] = event["answers"], event.get("text", "")
    if not answers:
        why = "no rows were held back for validation, so that none are watched" if started else "its training has not begun"
        raise error("E428", path=run, problem=why)
    reached = int(history[-1]["epoch"]) if history else 0
    known = {0, *(int(row["epoch"]) for row in history)}
    for epoch in [epoch for epoch in answers if epoch not in known]:  # its scores are not there yet
        del answers[epoch], texts[epoch]
    if not reached or not any(answers):
        raise error("E428", path=run, problem="its first epoch has not ended")
    ended = bool(report) and report["epochs"] == reached  # a run that is extended has the report of before
    ordered = [steps[number] for number in sorted(steps)]
    return Record(run.name, settings, report if ended else {}, data, watched, history, started, ordered, answers, texts)


def _settings(run: Path) -> dict[str, Any]:
    return tomllib.loads((run / "settings.toml").read_text(encoding="utf-8"))
