"""Running text of validation and test that is in train too: lines, and long runs of tokens, with the score without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.data.text.passages import in_common, run_length
from trainwright.data.text.token_encoder import TokenEncoder
from trainwright.watch.events import Note

if TYPE_CHECKING:
    from trainwright.evaluation.perplexity import Sums
    from trainwright.models.objective import Objective

LONG_LINE = 40  # characters; a line of so many that is found again is no accident


def repeated_lines(texts: Mapping[str, str]) -> dict[str, int]:
    """Count the long lines of valid and test that are also lines of the training text."""
    seen = {line for line in texts["train"].split("\n") if len(line) >= LONG_LINE}
    return {name: sum(line in seen for line in text.split("\n")) for name, text in texts.items() if name != "train"}


def leaked(ids: Mapping[str, np.ndarray], name: str, encoder: TokenEncoder) -> np.ndarray:
    """Return which targets of a split stand in a long run of tokens that is also in train: bool (targets,)."""
    return in_common(ids[name], ids["train"], run_length(encoder.tokenizer))[1:]


def notes(data: Mapping[str, Any], tokenizer: str) -> list[Note]:
    """Return what is said of it before training."""
    of_lines = [
        Note("leak", f"{count:,}", f"lines of {name} of {LONG_LINE} characters or more are also in train")
        for name, count in data["repeated_lines"].items()
        if count
    ]
    of_tokens = [Note("leak", f"{count:,}", tokens(data, name, tokenizer)) for name, count in data["leaked"].items() if count]
    return of_lines + of_tokens


def tokens(data: Mapping[str, Any], name: str, tokenizer: str) -> str:
    """Write what the leaked tokens of a split are."""
    share = data["leaked"][name] / data["rows"][name]
    return f"tokens of {name} ({share:.2%}) stand in runs of {run_length(tokenizer)} or more that are also in train"


def price(
    ids: Mapping[str, np.ndarray], encoder: TokenEncoder, measured: Mapping[str, Sums], objective: Objective
) -> dict[str, Any]:
    """Return ``without_leaked`` of the report: the scores of the test tokens (else those of validation) in no long run of
    train; nothing where all or none of them are."""
    split = next((name for name in ("test", "valid") if name in measured), "")
    there = leaked(ids, split, encoder) if split else np.zeros(0, bool)
    if there.all() or not there.any():
        return {}
    sums = measured[split].of(~there, ids[split][1:])
    scores = sums.report() | objective.metrics(sums.loss)
    return {"without_leaked": {"split": split, "rows": int(there.sum()), **scores}}
