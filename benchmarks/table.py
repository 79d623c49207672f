"""The table in Markdown: medians, spread, ratios, and whether each target is met."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from case import Case, Target

Runs = dict[str, list[dict[str, Any]]]  # by system, one entry a round
HEAD = "| system | wall s, median | from | to | CPU s | peak GiB | accuracy | wall to ours | inside, s |"


def medians(runs: Runs) -> dict[str, dict[str, float]]:
    """The median of every measure of every system; a system that failed has none."""
    found = {}
    for name, rounds in runs.items():
        good = [each for each in rounds if "error" not in each]
        found[name] = {measure: statistics.median(each[measure] for each in good) for measure in (good[0] if good else ())}
    return found


def verdict(target: Target, case: Case, middle: dict[str, dict[str, float]]) -> tuple[float | None, str]:
    """(what is compared with the limit, "met" or "missed"); None and the reason where it cannot be said."""
    own = middle[target.system or next(iter(middle))]
    if target.measure not in own:
        return None, "unknown: ours was not measured"
    if own.get("accuracy", 1.0) < case.reach:
        return None, f"missed: ours ended below an accuracy of {case.reach:g}"
    value = own[target.measure]
    if target.against:
        others = [middle[name] for name in target.against if middle[name].get("accuracy", 1.0) >= case.reach]
        theirs = [other[target.measure] for other in others if target.measure in other]
        if not theirs:
            return None, "unknown: no peer was measured"
        value /= max(theirs) if target.at_least else min(theirs)
    return value, "met" if (value >= target.limit if target.at_least else value <= target.limit) else "missed"


def _row(name: str, runs: Runs, middle: dict[str, dict[str, float]], case: Case) -> str:
    own, first = middle[name], next(iter(middle.values()))
    if not own:
        return f"| {name} | failed: {runs[name][-1]['error'].strip().splitlines()[-1][:100]} | | | | | | | |"
    walls = [each["wall"] for each in runs[name] if "error" not in each]
    scores = f"{own['accuracy']:.4f}" if "accuracy" in own else ""
    scores = f"perplexity {own['perplexity']:.1f}" if "perplexity" in own else scores
    scores += " (not reached)" if own.get("accuracy", 1.0) < case.reach else ""
    ratio = f"{own['wall'] / first['wall']:.2f}" if first else ""
    inside = [f"{key.removeprefix('seconds.')} {value:.3g}" for key, value in own.items() if key.startswith("seconds.")]
    number, unit, phase = case.count
    rates = {"whole process": own["wall"]} | {phase: own.get(f"seconds.{phase}", 0.0)}
    inside += [f"{number / seconds:,.0f} {unit}/s ({part})" for part, seconds in rates.items() if number and seconds]
    return (
        f"| {name} | {own['wall']:.2f} | {min(walls):.2f} | {max(walls):.2f} | {own['cpu']:.2f} | {own['memory'] / 2**30:.2f} "
        f"| {scores} | {ratio} | {', '.join(inside)} |"
    )


def section(case: Case, runs: Runs, judged: bool) -> str:
    """One case: what is timed, a row a system, a line a target. ``judged``: the run is one that targets are meant for."""
    case = case if judged else replace(case, reach=0.0)
    middle = medians(runs)
    lines = [f"### {case.name}", "", case.what, "", HEAD, "|---" * HEAD.count(" | ") + "|---|"]
    lines += [_row(name, runs, middle, case) for name in runs] + [""]
    for target in case.targets:
        value, word = verdict(target, case, middle)
        shown = "" if value is None else f": {value / 2**30:.2f} GiB" if str(target).endswith("GiB") else f": {value:.4g}"
        lines.append(f"- {target}{shown}, {word if judged else 'not judged in the small form'}")
    return "\n".join(lines) + "\n"


def skipped(case: Case, reason: str) -> str:
    """The section of a case that was not run."""
    return f"### {case.name}\n\nskipped: {reason}\n"


def head(about: dict[str, Any]) -> str:
    """What a reader needs to repeat it: command, hardware, versions, seeds."""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"`{about['command']}`, {about['when']}\n\n{about['machine']}; {about['cores']} cores, {about['memory']:.0f} GiB, "
        f"{about['system']}; GPU: {about['gpu'] or 'none'}; load at the start {about['load']:.1f}. Everyone has all cores, as "
        f"far as its own defaults take them.\n\n{versions}.\n\nSeed 0 for order, weights and made data; "
        f"{about['rounds']} rounds, alternated; medians.\n"
    )
