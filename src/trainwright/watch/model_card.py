"""A page about a model for a person, kept beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainwright.watch import summary
from trainwright.watch.scores import headline, verdict


def card(run: Path, scores: Mapping[str, Any]) -> str:
    """Return what it is, how good, and how to use it, in Markdown."""
    lines = [f"# {run.name}", "", f"{str(scores['task']).capitalize()} by `{scores['model']}`, trained on {scores['source']}."]
    measured = scores["test"] or scores["valid"]
    if measured:
        score, interval = headline(measured)
        where = "test" if scores["test"] else "validation"
        sure = f" (95 % interval {interval})" if interval else ""
        judged = verdict(scores)
        lines += ["", f"On the {measured['n']:,} {where} {scores['unit']}: {score}{sure}{f'; {judged}' if judged else ''}."]
    if scores["labels"]:
        lines += ["", f"Labels: {', '.join(scores['labels'])}"]
    return "\n".join([*lines, "", "Use it:", "", f"    {summary.usage(scores, str(run))}", ""])
