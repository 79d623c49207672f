"""What a comparison of two runs came to, in words: the difference, the settings that differ, the rows that changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainwright.watch import metrics, words

SURE = 0.05  # chance does as much less often than this, or a difference is called noise


def sentence(found: Mapping[str, Any], metric: str, split: str, comparisons: int) -> str:
    """Say which of two runs is better, by how much, and how sure that is. Signs are of the score less the first."""
    first, second = names(found["against"], found["run"])
    higher, p = metrics.find(metric).higher_is_better, found["p_holm"]
    raw, ends = found["difference"], found["interval"]
    gain = raw if higher else -raw
    told = "no interval: too few rows to tell" if ends is None else f"95 % interval {_ends(ends, metric)}"
    if raw and not (higher and gain > 0):  # no other word says which way the interval counts
        told = f"a difference of {'-' if raw < 0 else ''}{_size(abs(raw), metric)}, {told}"
    holm = f" by Holm's correction for {comparisons} comparisons" if comparisons > 1 and p is not None else ""
    told += f", {_p(p)}{holm}" if p is not None else ""
    by = f"{second} is {_size(abs(gain), metric)} {'better' if gain > 0 else 'worse'}"
    if not gain:
        by = f"{second} has the same {metrics.find(metric).title}"
    if p is not None and p < SURE:
        return f"{by} than {first} ({told}, {_rows(found, split)})"
    return f"{first} and {second} are within noise of each other: {by} ({told}, {_rows(found, split)})"


def names(first: str, second: str) -> tuple[str, str]:
    """Return what two runs are called: their folders, or their paths where these are called the same."""
    shown = tuple(words.clip(Path(each).name, 40) for each in (first, second))
    return (shown[0], shown[1]) if shown[0] != shown[1] else (words.clip(first, 60), words.clip(second, 60))


def settings(found: Mapping[str, Any]) -> list[str]:
    """Return the settings that differ, a line each."""
    return [f"  {words.clip(key, 40)}: {_value(before)} -> {_value(now)}" for key, (before, now) in found["settings"].items()]


def changed(found: Mapping[str, Any]) -> list[str]:
    """Return how many rows changed, and those that are shown, with their inputs."""
    if found["better"] is None:
        return []
    lines = [f"  {words.count(found['better'])} rows better, {words.count(found['worse'])} worse"]
    for row in found["changed"]:
        truth, before, now = (_answer(row[key]) for key in ("truth", "answer_before", "answer"))
        place = ", ".join([words.clean(row["file"] or ""), *([f"row {row['row']}"] if row["row"] is not None else [])])
        lines.append(f"  {row['change']:<7}{truth}: {before} -> {now}   {place.removeprefix(', ')}")
        given = row["input"]
        if isinstance(given, dict):
            given = ", ".join(f"{name} {value}" for name, value in given.items() if value is not None)
        if given is not None and not given.startswith("data:image/"):
            lines += [f"         {line}" for line in words.wrap(given, 100)[:2]]
    return lines


def _rows(found: Mapping[str, Any], split: str) -> str:
    here, there = (words.count(each) for each in found["of"])
    if not found["paired"]:
        return f"{here} and {there} {split} rows, none of them of both: not paired, so it takes more to be sure"
    every = min(found["of"]) == max(found["of"]) == found["n"]
    return f"{words.count(found['n'])} rows of both" + ("" if every else f", of {here} and {there}: the others are left out")


def _size(gain: float, metric: str) -> str:
    if metrics.is_share(metric):
        return f"{100 * gain:.{2 if gain < 0.001 else 1}f} points"
    return f"{words.number(gain)} of {metrics.find(metric).title}"


def _ends(ends: tuple[float, float], metric: str) -> str:
    share = metrics.is_share(metric)
    low, high = words.bounds([100 * each for each in ends] if share else ends)
    return f"{low} to {high}"


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.{3 if p < 0.01 else 2}f}"


def _answer(value: object) -> str:
    several = words.several(value)
    return words.number(several) if isinstance(several, float) else words.clip(several, 40)


def _value(value: object) -> str:
    return "not set" if value is None else words.clip(value, 60)
