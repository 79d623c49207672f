"""The way of a running text: how surprising each token is after those before it, and what is expected next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.errors import error, nearest
from trainwright.evaluation.perplexity import perplexity
from trainwright.tasks.explain import SOFTMAX
from trainwright.watch import words
from trainwright.watch.explained.explanation import ClassScore, Explanation, Token

if TYPE_CHECKING:
    from trainwright.evaluation.perplexity import Sums

NEXT = 10  # tokens that may come next


def explain(name: str, tokens: list[str], ids: np.ndarray, sums: Sums, logits: np.ndarray, truth: Any) -> Explanation:
    """Return the way of a text: ``ids`` behind a line end, how each was said, and the logits of the token after all.

    Raise E337 for a truth that is no token.
    """
    logits = logits.astype(np.float64)
    order = np.argsort(-logits, kind="stable")
    number = int(order[0])
    if truth:
        if truth not in tokens:
            raise error("E337", value=words.clip(truth, 80), known="one of its tokens", hint=nearest(str(truth), tokens))
        number = tokens.index(truth)
    shifted = (logits - logits.max()).tolist()
    exponentials = [math.exp(each) for each in shifted]
    total = sum(exponentials)
    shares = [each / total for each in exponentials]
    shown = list(dict.fromkeys([*order[:NEXT].tolist(), number]))
    classes = [
        ClassScore(tokens[place], float(logits[place]), exponentials[place], shares[place], math.log(total) - shifted[place])
        for place in shown
    ]
    said = zip(ids[1:].tolist(), sums.token_losses.tolist(), sums.guesses.tolist(), strict=True)
    facts = [("tokens", f"{len(ids) - 1:,}"), ("vocabulary", f"{len(tokens):,} different ones")]
    if len(ids) > 1:
        facts.append(("surprise", f"{sums.loss:.4g} nats a token, perplexity {perplexity(sums.loss):,.4g}"))
    return Explanation(
        task="language", model=name, answer=tokens[order[0]], truth=tokens[number], given=bool(truth), facts=facts,
        mapping=SOFTMAX, classes=classes, loss_name="CrossEntropyLoss", loss=math.log(total) - shifted[number],
        before=shares[number], tokens=[Token(tokens[each], loss, tokens[guess]) for each, loss, guess in said],
    )  # fmt: skip
