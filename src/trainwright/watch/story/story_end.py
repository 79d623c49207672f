"""How the film ends: whether anything was learned, and the test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from trainwright.watch import metrics, scores, words
from trainwright.watch import record as records
from trainwright.watch.record import Record
from trainwright.watch.report import diagnosis, panels

LEARNED, HARDLY, FAILED = "learned", "hardly", "failed"
_CHANCE = 0.995  # of the loss of a model that knows nothing: above it, nothing is known either
_GAIN = 0.1  # of what the baseline gets wrong


def known(record: Record) -> Record:
    """Return a run with a report, of one that has not ended with what it would say by now."""
    return record if record.report else records.so_far(record)


def outcome(record: Record) -> str:
    """Return whether a run learned, hardly did, or failed: is no better than chance or than what it had to beat."""
    of = known(record)
    blind, verdict = panels.chance(of), scores.verdict(of.report)
    part = "valid_loss" if any(row.get("valid_loss") is not None for row in of.history) else "train_loss"
    losses = [row[part] for row in of.history if row.get(part) is not None and math.isfinite(row[part])]
    if not losses or verdict.startswith((scores.NOT_BETTER, scores.NO_SIGNAL)):
        return FAILED
    if blind and min(losses) >= _CHANCE * blind[1]:
        return HARDLY if _often_right(of.report) else FAILED
    return HARDLY if verdict.startswith((scores.NOT_CLEAR, scores.TOO_FEW)) else LEARNED


def _often_right(report: Mapping[str, Any]) -> bool:
    """Return whether answers are right much more often than those of the baseline, whatever their probabilities say."""
    ours, theirs = (each.get("accuracy") for each in (scores.measured(report)[1], report.get("baseline") or {}))
    return ours is not None and theirs is not None and ours - theirs > _GAIN * (1 - theirs)


def why(record: Record) -> str:
    """Return what made a training fail, in words; empty where nothing is known to."""
    return diagnosis.gravest(known(record)) if outcome(record) == FAILED else ""


def test(record: Record) -> dict[str, Any] | None:
    """Return what is revealed at the end: score, interval, what it had to beat, and where they lie on a line from 0."""
    report = record.report
    found = report.get("test") or {}
    lead = metrics.lead(found)
    if not lead:
        return None
    main = scores.facts(report)[0]
    beaten = next(iter(scores.baselines(report)[1]), None)
    against = metrics.find(lead).write(beaten[lead]) if beaten else ""
    verdict, reason = scores.verdict(report), why(record)
    counted = None if found.get("n") is None else f"{words.count(found['n'])} test {scores.unit(report)}"
    asked = "the test" if counted is None else counted + scores.parts(found)
    return {
        "asked": f"Now the test: {asked} that had no part in learning, nor in choosing the epoch. They are used this once.",
        "name": main.name,
        "value": main.value,
        "sure": main.sure,
        "beat": f"{against} is what {scores.in_words(beaten)} reaches." if beaten and against not in verdict else "",
        "verdict": f"{verdict[0].upper()}{verdict[1:]}." if verdict else "",
        "why": reason,
        "outcome": outcome(record),
        "line": _line(lead, found, (report.get("baseline") or {}).get(lead)),
    }


def _line(lead: str, found: Mapping[str, Any], against: float | None) -> dict[str, Any]:
    """Return a score, the ends of its interval and what it had to beat, on a line from 0 to ``high``."""
    value, ends, share = found[lead], scores.interval_of(lead, found), metrics.is_share(lead)
    high = 1.0 if share else 1.15 * max(filter(None, [value, against, *(ends or ())]), default=1.0)
    return {"high": high, "end": "100 %" if share else words.number(high, 3), "value": value, "ends": ends, "against": against}
