"""The way of a text: its tokens and their ids, what each becomes, and how much each word speaks for a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from trainwright.data.text import spans
from trainwright.data.text.text_encoder import UNKNOWN
from trainwright.tasks import explain as rows
from trainwright.tasks.explain import View
from trainwright.tasks.number_target import NumberTarget
from trainwright.tasks.text.weights import of_occurrences, of_words, shares_of, without_torch
from trainwright.watch.explained.explanation import Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainwright.data.text.ragged import Ragged
    from trainwright.data.text.spans import Occurrences
    from trainwright.tasks.supervised import SupervisedPredictor
    from trainwright.watch.explained.explanation import Explanation, Rule

NOTHING = "no word of the text is known to the model: it answers as it would to any other unknown words"
EMPTY = "nothing was read: the text has no words"
VECTOR = 8  # numbers of an embedding that are shown
EXACT = "exact: what the tokens, n-grams and character n-grams add, each n-gram shared among the words that it spans"
GRADIENT = "the gradient of the logit by each embedding, times the embedding; the network is not linear, so there is a rest"


def explain(predictor: SupervisedPredictor, item: Any, truth: Any, rule: Rule) -> Explanation:
    """Return the way of one text. Raise E320 for what is no text, E337 for a truth that is no label of the model."""

    def look(items: list[str], encoded: Ragged, classes: np.ndarray) -> View:
        found = spans.occurrences(predictor.encoder, items)
        return _look(predictor, items[0], encoded, found, classes)

    return rows.explain(predictor, item, truth, rule, look)


def _look(predictor: SupervisedPredictor, text: str, encoded: Ragged, found: Occurrences, classes: np.ndarray) -> View:
    """Return what the network takes in, and what the words of the text add to the logits of ``classes``."""
    encoder, bag = predictor.encoder, without_torch(predictor) is not None
    target = predictor.target
    scale, start = (target.scaler.std, target.scaler.mean) if isinstance(target, NumberTarget) else (1.0, 0.0)
    names = spans.names(encoder, found)
    known_as = (target.name,) if isinstance(target, NumberTarget) else predictor.labels
    labels = [known_as[place] for place in classes.tolist()]
    known = set(encoder.tokens)
    unknown = [word for word in found.words if word not in known]
    facts = [("tokens", f"{len(found.words):,}"), ("ids", f"{len(names) - 1:,} different ones of {encoder.size:,}")]
    if unknown:
        facts.append(("unknown", f"{len(unknown):,}: {', '.join(dict.fromkeys(unknown))}"))
    linear = bag and predictor.settings.is_linear
    remark = "" if set(found.ids.tolist()) - {UNKNOWN} else NOTHING if found.words else EMPTY
    if (name := _table(predictor)) is None:  # a network of another make: what it does with the ids is its own affair
        pairs = zip(found.words, encoded.values.tolist(), strict=False)
        return View(remark=remark, facts=facts, units=[Unit(word, id=each) for word, each in pairs])
    weights = of_words(predictor, encoded, found, classes[None]) * scale
    table = predictor.weights[name]
    view = View(
        remark=remark,
        facts=facts,
        dimensions=labels if linear else [f"{place + 1}" for place in range(min(VECTOR, table.shape[1]))],
        method=EXACT if bag and not getattr(predictor.settings, "hidden", None) else GRADIENT,
        pieces=list(spans.pieces(text, spans.spans(encoder, text), weights)),
        parts=weights.sum(axis=0),
        axes={name: (lambda number: names.get(number, str(number)), known_as.__getitem__ if linear else None)},
    )
    vectors = table[:, classes] if linear else table[:, :VECTOR]
    if bag:
        view.units = _ids(predictor, encoded, found, classes, names, vectors)
    else:
        ids = encoded.values.tolist()[: len(found.words)]
        units = zip(found.words, ids, weights.tolist(), strict=True)
        view.units = [Unit(word, id=number, vector=vectors[number].tolist(), parts=parts) for word, number, parts in units]
    if view.method == EXACT:
        bias = "classifier.bias" if linear else max(name for name in predictor.weights if name.endswith("bias"))
        view.bias = predictor.weights[bias][classes].astype(np.float64) * scale + start
    return view


def _table(predictor: SupervisedPredictor) -> str | None:
    """Return the name of the parameter that has a row for each id; None where a network has none."""
    modules = predictor.model.named_modules()
    return next((f"{name}.weight" for name, each in modules if isinstance(each, nn.Embedding | nn.EmbeddingBag)), None)


def _ids(
    predictor: SupervisedPredictor,
    encoded: Ragged,
    found: Occurrences,
    classes: np.ndarray,
    names: Mapping[int, str],
    vectors: np.ndarray,
) -> list[Unit]:
    """Return each id of a bag once with its weight, and what it adds; what adds most to the answer or takes from it first."""
    distinct, places = np.unique(found.ids, return_inverse=True)
    parts = np.zeros((len(distinct), len(classes)))
    np.add.at(parts, places, of_occurrences(without_torch(predictor), encoded, found, classes[None]))
    weights = np.bincount(places, shares_of(encoded, found), minlength=len(distinct))
    order = np.argsort(-np.abs(parts[:, 0] - parts[:, min(1, len(classes) - 1)]), kind="stable")
    return [
        Unit(names[number], "", number, float(weights[place]), vectors[number].tolist(), parts[place].tolist())
        for place, number in ((place, int(distinct[place])) for place in order.tolist())
    ]
