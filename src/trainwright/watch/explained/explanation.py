"""What a model made of one input, in numbers: what it took in, its answer, its loss, and the update that the row would cause.

It is made by ``tasks/<kind>/explain.py`` and shown by ``explained_text``, ``explained_page`` and ``explained_figure``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rule:
    """How an update is made: plain gradient descent, at each of some rates by what they are called, but for frozen modules."""

    rates: Mapping[str, float]
    frozen: Sequence[str] = ()  # modules and parameters by their names, as the setting ``freeze`` has them


@dataclass(frozen=True)
class Unit:
    """What the network takes in one by one: an id of a text, a column of a table."""

    name: str
    given: str = ""  # the cell of a column, as it is read
    id: int | None = None
    weight: float | None = None  # of an id in a bag
    vector: Sequence[float] = ()  # what it becomes; ``Explanation.dimensions`` are the names of the numbers
    parts: Sequence[float] = ()  # what it adds to each of ``Explanation.sums``


@dataclass(frozen=True)
class Piece:
    """A piece of a text with what it adds to each of ``Explanation.sums``; all pieces put together are the text."""

    text: str
    weight: float  # towards the answer, less towards ``Explanation.against``
    parts: Sequence[float] = ()


@dataclass(frozen=True)
class Sum:
    """How the logit of a class, or a number in its unit, comes about: ``start + parts + rest``."""

    label: str
    start: float  # the bias; of a number what is answered where nothing is known
    parts: float  # the sum over all units
    rest: float  # what the parts do not explain; a rounding error where the parts are exact
    total: float


@dataclass(frozen=True)
class ClassScore:
    """One class on the way from its logit to its probability."""

    label: str
    logit: float
    mapped: float  # what is scaled to sum to 1: the exponential of the logit less the largest, or the sigmoid
    probability: float
    cross_entropy: float  # -ln probability: the surprise if it is the truth
    term: float | None = None  # of a loss against the rest: what the class adds to it, times the number of classes


@dataclass(frozen=True)
class Move:
    """One number of the network, and the gradient of the row's loss by it: an update moves it against the gradient."""

    parameter: str
    place: str
    value: float
    gradient: float


@dataclass(frozen=True)
class After:
    """What one update by the gradient of this row alone would come to: ``answer`` is the truth's probability, or the number."""

    what: str
    rate: float
    loss: float
    answer: float


@dataclass(frozen=True)
class Step:
    """The update: the norm of the gradient, of each parameter's, the largest entries, and what it would change."""

    norm: float
    parameters: Sequence[tuple[str, float]]
    moves: Sequence[Move]
    after: Sequence[After]
    frozen: Sequence[str] = ()  # what stays as it is, by the run's settings


@dataclass(frozen=True)
class Token:
    """A token of running text: how surprising it was after all before it, and what was expected in its place."""

    text: str
    loss: float  # nats
    guess: str


@dataclass(frozen=True)
class Explanation:
    """The way of one input. What a kind of problem does not have is empty."""

    task: str
    model: str
    answer: str | float
    truth: str | float
    given: bool  # whether the truth was given; else the answer is taken for it
    against: str = ""  # the class that the answer is weighed against: the truth, or the runner-up
    target: str = ""  # the name of a number
    remark: str = ""  # what a person has to know before all: nothing of the input was known
    facts: Sequence[tuple[str, str]] = ()
    dimensions: Sequence[str] = ()
    units: Sequence[Unit] = ()
    method: str = ""  # how parts and weights came about
    pieces: Sequence[Piece] = ()
    sums: Sequence[Sum] = ()  # of the classes that are shown, the answer first
    picture: str = ""  # as the network sees it, a URI; of running text empty
    overlay: str = ""  # what in it spoke for the answer (blue) and for ``against`` (orange)
    mapping: str = ""  # how logits become probabilities, in words
    classes: Sequence[ClassScore] = ()  # all, the likeliest first
    loss_name: str = ""
    loss: float = math.nan
    before: float = math.nan  # the probability of the truth, or the number that is answered
    step: Step | None = None
    tokens: Sequence[Token] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it: what is not finite is None."""
        found: dict[str, Any] = _plain(asdict(self))
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
