"""What ``evaluate`` says of rows that the model has seen before: first of all, as their score tells nothing of new data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainwright.watch import scores, words

CANNOT_TELL = (
    "whether rows were trained on cannot be told: the run has kept no fingerprints of its rows (earlier versions kept none)"
)
NAMES = {"trained_on": "trained on", "validated_on": "validated on"}


def headline(found: Mapping[str, Any], noun: str) -> str:
    """Return in a sentence how many of the measured rows, or tokens, are not new to the model."""
    if found["trained_on"] is None:
        return CANNOT_TELL
    trained, valid, new = (int(found[name]) for name in ("trained_on", "validated_on", "n"))
    total = trained + valid + new
    if total == new:
        return f"{words.count(total)} {noun}, none of them trained or validated on"
    if not trained:
        said = f"{words.count(valid)} {_were(valid)} validated on"
    else:
        said = f"{words.count(trained)} {_were(trained)} trained on"
        said += f" (and {words.count(valid)} validated on)" if valid else ""
    other = f", {words.count(found['other_label'])} of them under another label" if found["other_label"] else ""
    left = "none is new" if not new else f"the {words.count(new)} new {noun} are scored below, the others apart"
    return f"of {words.count(total)} {noun} {said}{other}: their score is no measure of new data; {left}"


def left_out(found: Mapping[str, Any]) -> str:
    """Return in a sentence how many rows have a label that the run does not know, and which; empty for none."""
    unknown: Mapping[str, int] = found.get("unknown_labels") or {}
    if not unknown:
        return ""
    named = ", ".join(f"'{words.clip(label, 40)}'" for label in list(unknown)[:5]) + (", ..." if len(unknown) > 5 else "")
    return f"{words.counted(sum(unknown.values()), 'row')} left out, as the run does not know the label: {named}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def apart(found: Mapping[str, Any]) -> list[str]:
    """Return the scores of the rows that were seen, a line each, and which of the new ones the run was tested on."""
    lines = []
    for name, title in NAMES.items():
        if name in found.get("apart", {}):
            shown, ends = scores.headline(found["apart"][name])
            sure = f" ({ends})" if ends else ""
            lines.append(f"  {title:<15}{shown}{sure}, n = {words.count(found['apart'][name]['n'])}: no measure of new data")
    if found.get("tested_on"):
        lines.append(f"  {words.count(found['tested_on'])} of the new rows are among the run's own test rows")
    return lines
