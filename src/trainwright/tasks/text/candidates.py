"""What is tried of texts in place of the rules: linear models on other pieces of the text."""

from __future__ import annotations

from typing import Any

from trainwright.tasks.candidates import RULES, Candidate


def candidates(problem: Any) -> list[Candidate]:
    """Return them, those that are cheap to use first."""
    return [
        RULES,
        Candidate("words", {"model": {"name": "bag", "ngrams": 1, "chars": []}}),
        Candidate("word pairs", {"model": {"name": "bag", "ngrams": 2, "chars": []}}),
        Candidate("words and parts of words", {"model": {"name": "bag", "ngrams": 1, "chars": [3, 4, 5]}}),
        Candidate("word pairs and parts of words", {"model": {"name": "bag", "ngrams": 2, "chars": [3, 4, 5]}}),
    ]
