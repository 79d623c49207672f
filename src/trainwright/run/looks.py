"""How often test rows were measured by the runs of a folder, and how much too good the best of their scores is by that.

A score is the truth and noise, as the rows are a sample. The best of N is chosen for its noise too, which is on average as
high as the largest of N draws (Tippett 1925, Biometrika 17:364). Models measured on the same rows share most of the noise;
what is not is told from the rows that some get right and others do not. Where these are not known, it is taken for whole.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from trainwright.data.files.folders import absolute
from trainwright.evaluation.selection import expected_maximum, noise, same_labels
from trainwright.plain_files import read_object
from trainwright.store import fingerprints
from trainwright.watch import metrics, words

MOST = 5000  # entries of a folder that are looked at
COMPARED = 16  # runs from which the noise is told
LABEL = 16  # bits of a fingerprint that are of the label; the others are of the content


def looks(folder: Path) -> list[dict[str, Any]]:
    """Return the test sets that several runs of a folder were measured on, each with ``runs``, ``metric``, by how much the
    best is expected to be too good (``optimism``, in the unit of the score; ``at_most``: no more), and a ``sentence``.

    Where there are none, but runs whose test rows are not known, these alone: ``metric`` and ``optimism`` are None.
    """
    groups: list[list[tuple[str, dict[str, Any], bytes]]] = []
    unknown: list[str] = []
    for path, test, right in _tested(folder):
        group = next((each for each in groups if test and _same(each[0][1], test)), None)
        if test is None:
            unknown.append(absolute(path))
        elif group is None:
            groups.append([(path, test, right)])
        else:
            group.append((path, test, right))
    more = f"of {len(unknown)} more here it is not known" if unknown else ""
    found = [_described(group, more) for group in groups if len(group) > 1]
    if found or not unknown or len(groups) + len(unknown) < 2:
        return found
    told = f"which test rows {len(unknown)} of the {sum(map(len, groups)) + len(unknown)} runs here looked at is not known"
    return [{"runs": unknown, "metric": None, "optimism": None, "at_most": False, "sentence": told}]


def of_run(path: Path) -> dict[str, Any] | None:
    """Return what ``looks`` says of the test rows of a run, in the folder that it is in; None where no other run is there."""
    mine = absolute(str(path))
    found = (each for each in looks(path.absolute().parent) if mine in each["runs"] or each["metric"] is None)
    return next(found, None)


def _tested(folder: Path) -> Iterator[tuple[str, dict[str, Any] | None, bytes]]:
    """Yield path, what it reached on its test rows, and which it got right, of each run in a folder, by name.

    None is known of a run that has ended and kept no fingerprints, or those of an earlier version, without labels.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for name in sorted(entry.name for entry in islice(entries, MOST) if not entry.name.startswith(".")):
            path = f"{folder}/{name}"  # as there may be hundreds
            found = fingerprints.head(f"{path}/{fingerprints.NAME}")
            test = found[0].get("test") if found else None
            if found and isinstance(test, dict) and _makes_sense(test):
                yield path, test, found[1]
            elif test is not None or (not found and _has_tested(Path(path, "report.json"))):
                yield path, None, b""


def _has_tested(report: Path) -> bool:
    """Return whether a run has ended and was measured on test rows, as those of ``fit`` never are."""
    with suppress(OSError, ValueError):
        return bool(read_object(report).get("test"))
    return report.exists()


def _makes_sense(test: Mapping[str, Any]) -> bool:
    kinds = {"labelled": str, "sketch": list, "n": int, "metric": str, "score": int | float, "deviation": int | float | None}
    return all(isinstance(test.get(name), kind) for name, kind in kinds.items()) and test["n"] > 0


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two test sets have about half of their rows in common, or more (Broder 1997), their labels too, and the
    same score."""
    if one["metric"] != other["metric"]:
        return False
    if one["labelled"] == other["labelled"]:
        return True
    try:
        first, second = (dict(divmod(int(each, 16), 1 << LABEL) for each in test["sketch"]) for test in (one, other))
    except (TypeError, ValueError):  # somebody else's
        return False
    least = sorted(first | second)[: max(len(first), len(second))]
    shared = [row for row in least if row in first and row in second]
    enough = 2 * len(shared) >= max(len(least), 1)
    return enough and same_labels([first[row] for row in shared], [second[row] for row in shared])


def _described(group: list[tuple[str, dict[str, Any], bytes]], more: str) -> dict[str, Any]:
    """Return what is said of a test set, and ``more``."""
    many, metric = len(group), str(group[0][1]["metric"])
    deviation = _noise(group)
    at_most = deviation is None
    if deviation is None:
        known = [test["deviation"] for _, test, _ in group if test["deviation"] is not None]
        deviation = sum(known) / len(known) if known else 0.0
    optimism = expected_maximum(many) * deviation
    share = metrics.is_share(metric)
    size = f"{100 * optimism:.1f} points" if share else f"{words.number(optimism)} of {metrics.find(metric).title}"
    said = f"the best of {many} is expected to be {'at most ' * at_most}{size} too good" if optimism else ""
    sentence = "; ".join(filter(None, [f"test rows looked at by {many} runs here", said, more]))
    runs = [absolute(path) for path, _, _ in group]
    return {"runs": runs, "metric": metric, "optimism": optimism, "at_most": at_most, "sentence": sentence}


def _noise(group: list[tuple[str, dict[str, Any], bytes]]) -> float | None:
    """Return the standard deviation of what the scores do not share, from which rows each run got right; None where unknown."""
    alike = [right for _, test, right in group if test["labelled"] == group[0][1]["labelled"] and len(right)][:COMPARED]
    if len(alike) < 2 or len({len(each) for each in alike}) > 1:
        return None
    rows, read = int(group[0][1]["n"]), 8 * len(alike[0])
    return noise(alike, min(rows, read)) * math.sqrt(min(rows, read) / rows)
