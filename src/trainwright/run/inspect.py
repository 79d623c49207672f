"""What is wrong with a data set, without training on it: read and split as a training does, then looked at more closely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from trainwright.config.kinds import KINDS
from trainwright.config.resolve import resolve
from trainwright.data.tables.split import NAMES
from trainwright.errors import TrainwrightError
from trainwright.models.registry import load
from trainwright.run.train import Session, not_kept
from trainwright.tasks.example_rows import as_json
from trainwright.tasks.found import EVERYWHERE
from trainwright.tasks.look import Seen
from trainwright.watch.inspected.finding import Finding, by_gravity
from trainwright.watch.inspected.inspection import Inspection

if TYPE_CHECKING:
    from trainwright.data.read.source import Source
    from trainwright.run.request import Request
    from trainwright.training.problem import Problem
    from trainwright.watch.events import Listener, Note


def inspect(request: Request, listen: Listener) -> Inspection:
    """Return what is found in a source. Raise TrainwrightError where a training would before its first step."""
    resolve(request.settings, {})  # what is wrong whatever the task, before anything is read
    source, problem, fill_cache = Session(listen).read(request, {}, strict=False)
    if why := fill_cache():
        listen(not_kept(why))
    kind = KINDS[problem.task]
    seen: Seen = load(kind.look)(source, problem) if kind.look else Seen()
    told = [Finding(**each) for each in problem.data.get("findings", [])]
    found = by_gravity([*told, *_of_notes(problem.notes), *_groups(problem.data), *seen.findings, *seen.drifts()])
    names = (*EVERYWHERE, *seen.looked_for) if kind.labelled else seen.looked_for
    return Inspection(
        source=problem.data["source"],
        task=problem.title,
        rows=problem.data["rows"],
        findings=_with_inputs(source, problem, found),
        looked_for=tuple(dict.fromkeys(names)),
        unit=problem.unit,
        counts={name: {split: each.get(split, 0) for split in NAMES} for name, each in problem.data.get("classes", {}).items()},
        spreads=seen.spreads,
    )


def _of_notes(notes: Sequence[Note]) -> list[Finding]:
    """Return findings on classes that cannot be measured, on labels that stand for none, and on such that differ in case."""
    names = {"not measured": "not-measured", "a label?": "missing-label"}
    found = [Finding(names[what], 1, f"{value}: {why}", unit="labels") for what, value, why in notes if what in names]
    spelled = [(value, why) for what, value, why in notes if what == "labels" and why.startswith("differ only")]
    return found + [Finding("similar-labels", 1, f"{value} {why}", unit="groups of labels") for value, why in spelled]


def _groups(data: Mapping[str, Any]) -> list[Finding]:
    found = data.get("audit", {}).get("groups")
    if not found or not found["several"]:
        return []
    what = f"of {found['groups']:,} groups stand in several splits"
    if found["right"] is not None and found["kind"] == "class":
        what += f"; of {found['measured']:,} rows of {found['of']} whose group is in train, {found['right']:.0%} have the label"
        what += f" most frequent in its rows there, {found['chance']:.0%} that of all"
    return [Finding("groups", found["several"], what, found["column"], "groups")]


def _with_inputs(source: Source, problem: Problem, found: Sequence[Finding]) -> list[Finding]:
    """Return the findings, their rows with inputs where these can be had."""
    rows = [dict(row) for each in found for row in each.rows]
    asked = [row for row in rows if "input" not in row]
    places = pl.DataFrame(asked, schema={"file": pl.String, "row": pl.Int64}) if asked else pl.DataFrame()
    try:
        inputs = load(KINDS[problem.task].predictor).originals(source, problem.data["columns"], places) if asked else []
    except (TrainwrightError, OSError):
        inputs = [None] * len(asked)
    for row, given in zip(asked, inputs, strict=True):
        row["input"] = as_json(given)
    following = iter(rows)
    return [replace(each, rows=[as_json(next(following)) for _ in each.rows]) for each in found]
