"""The way of a running text: how surprising each token is after those before it, and what is expected next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from trainwright.errors import error, nearest
from trainwright.evaluation.perplexity import perplexity
from trainwright.tasks.explain import SOFTMAX, descend
from trainwright.watch import words
from trainwright.watch.explained.explained_text import visible
from trainwright.watch.explained.explanation import ClassScore, Explanation, Rule, Step, Token, Unit

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trainwright.evaluation.perplexity import Sums
    from trainwright.tasks.base import Predictor

NEXT = 10  # tokens that may come next
VECTOR = 8  # numbers of an embedding that are shown


class Said(NamedTuple):
    """What a model said of a text: its ``ids`` behind a line end, how each was said, the ids that the next token is told from
    (``seen``), and the logits of that."""

    text: str
    ids: np.ndarray
    sums: Sums
    seen: list[int]
    logits: np.ndarray


def explain(predictor: Predictor, said: Said, truth: Any, rule: Rule) -> Explanation:
    """Return the way of a text: how each token was said, and what may come after all, with the update by that token's loss.

    Raise E337 for a truth that is no token.
    """
    tokens: list[str] = predictor.encoder.tokens
    text, ids, sums, seen, logits = said
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
    parts = zip(ids[1:].tolist(), sums.token_losses.tolist(), sums.guesses.tolist(), strict=True)
    facts = [("tokens", f"{len(ids) - 1:,}"), ("vocabulary", f"{len(tokens):,} different ones")]
    if len(ids) > 1:
        facts.append(("surprise", f"{sums.loss:.4g} nats a token, perplexity {perplexity(sums.loss):,.4g}"))
    table, units, dimensions = _vectors(predictor, tokens, seen)
    step = _step(predictor, tokens, seen, number, rule, table)
    remark = _remark(predictor, ids, text)
    return Explanation(
        task="language", model=predictor.name, answer=tokens[order[0]], truth=tokens[number], given=bool(truth), remark=remark,
        facts=facts, dimensions=dimensions, units=units, step=step,
        mapping=SOFTMAX, classes=classes, loss_name="CrossEntropyLoss", loss=math.log(total) - shifted[number],
        before=shares[number], tokens=[Token(tokens[each], loss, tokens[guess]) for each, loss, guess in parts],
    )  # fmt: skip


def _remark(predictor: Predictor, ids: np.ndarray, text: str) -> str:
    """Return what has to be known of a text of which the model has read nothing."""
    if len(ids) == 1:
        return "the text is empty: this is what is expected at the beginning of a line"
    unknown: int = predictor.encoder.unknown(ids[1:], text)
    return "no token of the text is known to the model" if unknown == len(ids) - 1 else ""


def _vectors(predictor: Predictor, tokens: list[str], seen: list[int]) -> tuple[str, list[Unit], list[str]]:
    """Return the parameter with a vector for each id, the tokens that the network sees with theirs, and names of the numbers.

    A network that has no such table has no vectors.
    """
    from torch import nn

    table = next((f"{name}.weight" for name, each in predictor.model.named_modules() if isinstance(each, nn.Embedding)), "")
    vectors = predictor.weights[table][:, :VECTOR] if table else None
    units = [Unit(tokens[each], id=each, vector=[] if vectors is None else vectors[each].tolist()) for each in seen]
    return table, units, [] if vectors is None else [str(place + 1) for place in range(vectors.shape[1])]


def _step(predictor: Predictor, tokens: list[str], seen: list[int], truth: int, rule: Rule, table: str) -> Step | None:
    """Return the update that the next token's loss would cause."""
    import torch
    import torch.nn.functional as F

    ids, wanted = torch.tensor([seen], device=predictor.device), torch.tensor([truth], device=predictor.device)

    def outputs_and_loss(network: nn.Module) -> tuple[Tensor, Tensor]:
        features, _ = network(ids)
        logits = F.linear(features[:, -1], *network.output())  # type: ignore[operator]
        return logits, F.cross_entropy(logits, wanted)

    def answer(outputs: np.ndarray) -> float:
        return float(torch.from_numpy(outputs)[0].double().softmax(dim=0)[truth])

    named = predictor.model.named_parameters()
    axes = {
        name: (lambda number: visible(tokens[number]),) for name, each in named if name == table or len(each) == len(tokens)
    }
    return descend(predictor.model, outputs_and_loss, answer, rule, axes)[1]
