"""A story that a model can learn, and the call that trains on it."""

from __future__ import annotations

import random
from pathlib import Path

import trainwright as tw

ANIMALS, PLACES = ["cat", "dog", "bird", "fish"], ["house", "tree", "river", "hill"]


def story(lines: int, seed: int = 0, verb: str = "sees") -> str:
    """Lines that a model can learn: the animal decides the place."""
    draw = random.Random(seed)
    made = []
    for number in range(lines):
        place = draw.randrange(4)
        made.append(
            f"the {ANIMALS[place]} {verb} the {draw.choice(['old', 'new', 'red'])} {PLACES[place]} of day {number % 37}"
        )
    return "\n".join(made) + "\n"


def fit(source: Path | str, out: Path, **settings) -> tw.Run:
    listen = settings.pop("listen", lambda event: None)
    given = {
        "epochs": 2,
        "tokenizer": "words",
        "batch_size": 4,
        "context": 16,
        "model": {"embedding": 24, "hidden": 24, "layers": 1},
    } | settings
    return tw.train(source, out=out, listen=listen, **given)
