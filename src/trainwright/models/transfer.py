"""Fine-tuning: copy the weights of an earlier run into a new network of the same kind, for other classes or more tokens.

Which dimension of which parameter counts the classes, and which the tokens, is not written down anywhere: the network is
built again without memory (on torch's ``meta`` device) with one and two classes more, one and two tokens more, and so on,
and the sizes are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from trainwright.data.shapes import Shape
from trainwright.models.meta import on_meta

Build = Callable[[Shape], nn.Module]


@dataclass
class Transfer:
    """The names of parameters and buffers, by whether they were copied, copied in part, or newly initialized."""

    copied: list[str] = field(default_factory=list)
    partly: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)


@dataclass
class AxisRoles:
    """The dimensions of one parameter that count outputs or tokens."""

    outputs: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)  # or categories
    bound: bool = False  # its entries mean something else for data of the new shape: pixels, numbers


def transfer(
    network: nn.Module, weights: dict[str, Tensor], build: Build, old: Shape, new: Shape, classes: Sequence[int] | None
) -> Transfer:
    """Copy ``weights`` of a network for data of shape ``old`` into ``network``, which is for ``new``.

    ``classes[i]`` is the old number of the new class i, or -1 for one that is new and keeps its initial weights; None: they
    are the same. Tokens and categories keep their numbers; those that are new begin as the mean of the old ones. What cannot
    be matched (pixels of another size, another number of columns) keeps its initial weights and is named in ``fresh``.
    ``build`` makes a network of the same settings for a shape.
    """
    same = classes is None or list(classes) == list(range(getattr(old, "outputs", 0)))
    roles_of = _axis_roles(build, old, new)
    result = Transfer()
    with torch.no_grad():
        for name, target in network.state_dict().items():
            source = resized = None
            if name in weights and name in roles_of and not roles_of[name].bound:
                source = weights[name].to(target.device)
                resized = _resized(source, target, roles_of[name], None if same else classes)
            if resized is None:
                result.fresh.append(name)
            else:
                target.copy_(resized)
                (result.copied if resized is source else result.partly).append(name)
    return result


def _resized(source: Tensor, target: Tensor, roles: AxisRoles, classes: Sequence[int] | None) -> Tensor | None:
    """Return the new value of ``target``: ``source`` itself if nothing moves, None if the two cannot be matched."""
    resized = source
    for dimension in roles.tokens:
        more = target.shape[dimension] - resized.shape[dimension]
        if more > 0:
            mean = resized.mean(dimension, keepdim=True)
            resized = torch.cat([resized, mean.repeat_interleave(more, dimension)], dimension)
    for dimension in roles.outputs if classes is not None else ():
        origins = torch.tensor(classes, device=target.device)
        places = (origins >= 0).nonzero()[:, 0]
        moved = resized.index_select(dimension, origins[places]).to(target.dtype)
        if not len(places) or moved.shape != target.index_select(dimension, places).shape:
            return None
        resized = target.clone().index_copy_(dimension, places, moved)
    return resized if resized.shape == target.shape else None


def _axis_roles(build: Build, old: Shape, new: Shape) -> dict[str, AxisRoles]:
    """Return what each dimension of each parameter and buffer counts: whatever makes it grow by one when it grows by one."""
    sizes = _sizes(build, old)
    roles_of = {name: AxisRoles() for name in sizes}
    for (what, matched, one), (_, _, two) in zip(_grown_shapes(old, new, 1), _grown_shapes(old, new, 2), strict=True):
        ones, twos = _sizes(build, one), _sizes(build, two)
        for name, size in sizes.items():
            roles = roles_of[name]
            roles.bound |= not matched and size != twos[name]
            places = {"outputs": roles.outputs, "tokens": roles.tokens}.get(what, [])
            steps = zip(size, ones[name], twos[name], strict=True)
            places += [d for d, (a, b, c) in enumerate(steps) if (b, c) == (a + 1, a + 2)]
    return roles_of


def _grown_shapes(old: Shape, new: Shape, more: int) -> Iterator[tuple[str, bool, Shape]]:
    """Yield what may grow, whether the old and the new shape can be matched in it, and the old shape with ``more`` of it.

    Categories are ``tokens`` of their column, one column at a time.
    """
    for name in (each.name for each in fields(old)):
        value, other = getattr(old, name), getattr(new, name)
        if isinstance(value, tuple):
            for column, count in enumerate(value):
                grown: dict[str, Any] = {name: (*value[:column], count + more, *value[column + 1 :])}
                yield "tokens", len(value) == len(other), replace(old, **grown)
        else:
            what = {"vocabulary": "tokens"}.get(name, name)
            yield what, what in ("tokens", "outputs") or value == other, replace(old, **{name: value + more})


def _sizes(build: Build, shape: Shape) -> dict[str, tuple[int, ...]]:
    """Return the size of each parameter and buffer of a network for ``shape``, built without memory."""
    return {name: tuple(value.shape) for name, value in on_meta(lambda: build(shape)).state_dict().items()}
