"""The parameters of a model in groups: what weight decay holds back, hidden matrices, modules with a rate of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from trainwright.errors import error, nearest
from trainwright.watch.events import Note

EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


def parameter_groups(model: nn.Module, rates: Mapping[str, float] | None = None) -> list[dict[str, Any]]:
    """Return the parameters of a model that learn, in groups as optimisers take them: ``AdamW(parameter_groups(model))``.

    Biases, norms and whatever else has fewer than two dimensions are in groups without weight decay. ``hidden`` says of each
    group whether it holds the hidden matrices, as ``Muon`` wants to know. ``rates`` gives modules and parameters, by their
    names, a part of the learning rate; of two names that fit a parameter the longer one counts. Each group has its part as
    ``factor``, which ``with_rate`` turns into a rate. Raise E550 for an unknown name.
    """
    rates = dict(rates or {})
    known = [name for name, _ in (*model.named_modules(), *model.named_parameters()) if name]
    for name in rates:
        if name not in known:
            raise error("E550", name=name, known=known, hint=nearest(name, known))
    hidden, matrices = hidden_matrices(model), {id(each) for each in _matrices(model)}
    found: dict[tuple[bool, bool, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            fitting = [each for each in rates if f"{name}.".startswith(f"{each}.")]
            factor = rates[max(fitting, key=len)] if fitting else 1.0
            found.setdefault((id(parameter) in hidden, id(parameter) in matrices, factor), []).append(parameter)
    groups = []
    for (inner, decayed, factor), parameters in sorted(found.items(), key=lambda each: each[0][2] != 1.0):
        group = {"params": parameters, "hidden": inner, "factor": factor}
        groups.append(group if decayed else group | {"weight_decay": 0.0})
    return groups


def hidden_matrices(model: nn.Module) -> set[int]:
    """Return the ids of the hidden matrices: parameters of two and more dimensions, but for embeddings and the output layer.

    The output layer is what ``model.output()`` says, as language models do, or else the last such parameter.
    """
    embedded = {id(each.weight) for each in model.modules() if isinstance(each, EMBEDDINGS)}
    matrices = _matrices(model, EMBEDDINGS)
    said = getattr(model, "output", None)
    output = said()[0] if callable(said) and not isinstance(said, nn.Module) else matrices[-1] if matrices else None
    return {id(each) for each in matrices if each is not output and 1 < len(each) < each.numel()} - embedded


def _matrices(model: nn.Module, without: tuple[type[nn.Module], ...] = ()) -> list[nn.Parameter]:
    """Return the parameters of two and more dimensions of modules, without those that one names as ``vectors``."""
    return [
        parameter
        for module in model.modules()
        if not isinstance(module, without)
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.ndim >= 2 and name not in getattr(module, "vectors", ())
    ]


def notes(optimizer: Optimizer, rates: Mapping[str, float]) -> list[Note]:
    """Return what there is to say of the groups of an optimiser: what moves how, where not all does alike."""
    groups, found = optimizer.param_groups, []
    if type(optimizer).__name__ == "Muon":
        matrices = sum(each.numel() for group in groups if group["hidden"] for each in group["params"])
        total = sum(each.numel() for group in groups for each in group["params"])
        why = "hidden matrices; AdamW moves the rest: embeddings, output layer, biases, norms"
        found.append(Note("Muon", f"{matrices:,} of {total:,} parameters", why))
    decays = {bool(group.get("weight_decay")) for group in groups}
    if decays == {True, False}:
        found.append(Note("decay", "matrices", "biases and norms are not held back; decay=all holds back all"))
    if rates:
        found.append(Note("rates", ", ".join(f"{name} {each:g}" for name, each in rates.items()), "parts of lr"))
    return found
