"""A test suite that every registered model passes; a new model is tested by being registered.

``check_model(task, name)`` builds the network small, on data that it makes itself, and raises ``AssertionError`` with what is
wrong. A model that has no small settings here is built with its defaults.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, get_type_hints

import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainwright.conformance import promise
from trainwright.data.shapes import ImageShape, Shape, TableShape, TextShape, TokenShape
from trainwright.models import registry
from trainwright.models.catalog import CATALOG

OUTPUTS, VOCABULARY, TIME = 4, 50, 6
SHAPES: dict[type[Shape], list[Shape]] = {
    TextShape: [TextShape(VOCABULARY, OUTPUTS)],
    ImageShape: [ImageShape(1, 8, 8, OUTPUTS), ImageShape(3, 5, 4, OUTPUTS)],
    TableShape: [
        TableShape(5, (3, 7), OUTPUTS),
        TableShape(5, (), OUTPUTS),
        TableShape(0, (9, 12), OUTPUTS),
        TableShape(2, (3,), OUTPUTS, (VOCABULARY, 9)),
        TableShape(0, (), OUTPUTS, (VOCABULARY,)),
    ],
    TokenShape: [TokenShape(VOCABULARY)],
}
# The settings that each model is tested with; others are derived or have defaults.
SMALL: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("text", "bag.v1"): [
        {"embedding": 0},
        {"embedding": 8, "weighting": "none", "hidden": [16], "dropout": 0.2},
        {"embedding": 8, "weighting": "tf-idf"},
    ],
    ("text", "textcnn.v1"): [{"embedding": 8, "filters": 8}],
    ("text", "lstm.v1"): [
        {"embedding": 8, "hidden": 8, "layers": 1, "dropout": 0.2},
        {"embedding": 8, "hidden": 8, "layers": 2, "dropout": 0.2, "bidirectional": False},
    ],
    ("image", "convnet.v1"): [{"channels": [8, 16]}],
    ("image", "mlp.v1"): [{"hidden": [32, 16], "dropout": 0.2, "activation": each} for each in ("relu", "gelu", "silu", "tanh")]
    + [{"hidden": [], "dropout": 0.0}],
    ("image", "resnet.v1"): [{"width": 8}, {"width": 8, "stem": "imagenet"}],
    ("table", "mlp.v1"): [
        {"hidden": [32], "dropout": 0.2, "embedding": 4},
        {"hidden": [32], "dropout": 0.2, "embedding": 4, "numbers": "piecewise", "members": 3},
        {"hidden": [16, 16], "dropout": 0.0, "embedding": 4, "numbers": "periodic"},
        {"hidden": [], "dropout": 0.0, "embedding": 4, "members": 2},
    ],
    ("language", "lstm.v1"): [
        {"embedding": 16, "hidden": 16, "layers": 2, "dropout": 0.2, "tied": True},
        {"embedding": 8, "hidden": 16, "layers": 1, "dropout": 0.0, "tied": True},
        {"embedding": 8, "hidden": 16, "layers": 2, "dropout": 0.0, "tied": False, "init_range": 0.1},
    ],
    ("language", "gpt.v1"): [
        {"layers": 2, "heads": 2, "width": 16},
        {"layers": 1, "heads": 2, "width": 16, "norm": "layer", "feed_forward": "gelu", "tied": False, "dropout": 0.1},
    ],
}
NEAR = 1e-5  # tolerance for another order of summation


def models() -> list[tuple[str, str]]:
    """List (task, name) of every registered model."""
    return [(model.task, model.versioned) for model in CATALOG]


def check_model(task: str, name: str) -> None:
    """Check every promise of a model. Raise AssertionError that names the broken one, with settings and shape."""
    shapes = SHAPES[get_type_hints(registry.load(registry.find(task, name).network).__init__)["shape"]]
    for changes in SMALL.get((task, name), [{}]):
        for shape in shapes:
            case = Case(task, name, changes, shape)
            for check in (*CHECKS, *(LANGUAGE_CHECKS if isinstance(shape, TokenShape) else ())):
                try:
                    check(case)
                except AssertionError as problem:
                    raise AssertionError(f"{task} {name} {changes} {shape}: {promise(check)}: {problem}") from None


class Case:
    """One model with one choice of settings on data of one shape."""

    def __init__(self, task: str, name: str, changes: dict[str, Any], shape: Shape) -> None:
        self.task, self.name, self.shape = task, name, shape
        self.settings = registry.find(task, name).settings.model_validate(changes)
        self.outputs = shape.vocabulary if isinstance(shape, TokenShape) else shape.outputs

    def build(self, seed: int = 0, *, dropout: bool = True) -> nn.Module:
        """Build the network, its weights drawn with ``seed``; leave torch's random state as it is."""
        settings = self.settings
        if not dropout and hasattr(settings, "dropout"):
            settings = settings.model_copy(update={"dropout": 0.0})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return registry.build(self.task, self.name, settings, self.shape)

    def rows(self, count: int) -> list[tuple[Any, ...]]:
        """Return ``count`` different rows, each as the tensors, and tuples of them, that the model takes for it."""
        draw = torch.Generator().manual_seed(1)
        return [self._row(draw, number) for number in range(count)]

    def _row(self, draw: torch.Generator, number: int) -> tuple[Any, ...]:
        shape = self.shape
        if isinstance(shape, ImageShape):
            return (torch.randn(shape.channels, shape.height, shape.width, generator=draw),)
        if isinstance(shape, TableShape):
            codes = [torch.randint(0, count, (), generator=draw, dtype=torch.int32) for count in shape.categories]
            empty = torch.zeros(0, dtype=torch.int32)
            plain = torch.randn(shape.numeric, generator=draw), torch.stack(codes) if codes else empty
            return *plain, *(self._text(draw, size, number) for size in shape.texts)
        if isinstance(shape, TokenShape):
            return (torch.randint(0, shape.vocabulary, (TIME,), generator=draw),)
        ids, weights = self._text(draw, shape.vocabulary, number)
        return (ids, weights) if getattr(self.settings, "weighting", None) == "tf-idf" else (ids,)

    def _text(self, draw: torch.Generator, vocabulary: int, number: int) -> tuple[Tensor, Tensor]:
        ids = torch.randint(2, vocabulary, (1 + (5 * number) % 8,), generator=draw, dtype=torch.int32)
        return ids, torch.rand(len(ids), generator=draw) + 0.1

    def run(self, network: nn.Module, rows: list[tuple[Any, ...]]) -> Tensor:
        """Return the outputs of a batch of rows: (rows, outputs), for language (rows, time, outputs)."""
        columns = list(zip(*rows, strict=True))
        if isinstance(self.shape, TextShape):
            return network(*self._bag(columns))  # type: ignore[no-any-return]
        inputs = [
            self._bag(list(zip(*each, strict=True))) if isinstance(each[0], tuple) else torch.stack(each) for each in columns
        ]
        if isinstance(self.shape, TableShape):
            outputs: Tensor = network(*inputs)
            return outputs if outputs.ndim == 2 else outputs.mean(dim=1)  # in training members answer each for itself
        if not isinstance(self.shape, TokenShape):
            return network(*inputs)  # type: ignore[no-any-return]
        language: Any = network
        weight, bias = language.output()
        return F.linear(language(*inputs)[0], weight, bias)

    @staticmethod
    def _bag(columns: list[Any]) -> tuple[Tensor, ...]:
        """Return the ids of rows, and perhaps their weights, as ``EmbeddingBag`` takes them."""
        lengths = torch.tensor([len(ids) for ids in columns[0]])
        offsets = (lengths.cumsum(0) - lengths).int()
        return torch.cat(columns[0]), offsets, *(torch.cat(each) for each in columns[1:])

    def loss(self, network: nn.Module, rows: list[tuple[Any, ...]]) -> Tensor:
        """Return the cross entropy of rows against classes in turn, for language against tokens in turn."""
        outputs = self.run(network, rows).flatten(0, -2)
        return F.cross_entropy(outputs, torch.arange(len(outputs)) % self.outputs)


def close(one: Tensor, two: Tensor) -> bool:
    """Return whether two tensors are equal but for the order of summation."""
    return one.shape == two.shape and torch.allclose(one, two, rtol=NEAR, atol=NEAR)


def outputs_have_their_shape(case: Case) -> None:
    """Check that outputs are finite float32, one row for each row, in training too, for one row too."""
    for count in (1, 7):
        for network in (case.build().eval(), case.build().train()):
            outputs = case.run(network, case.rows(count))
            expected = (count, TIME, case.outputs) if isinstance(case.shape, TokenShape) else (count, case.outputs)
            assert outputs.shape == expected, f"{tuple(outputs.shape)} where {expected} is due"
            assert outputs.dtype == torch.float32, f"outputs are {outputs.dtype}"
            assert outputs.isfinite().all(), "outputs are not finite"


def building_is_repeatable(case: Case) -> None:
    """Check that the same seed gives the same weights and outputs, and nothing is drawn from torch outside."""
    before = torch.get_rng_state()
    one, two = case.build().eval(), case.build().eval()
    assert torch.equal(before, torch.get_rng_state()), "building moves the random state outside its fork"
    first = case.run(one, case.rows(5))
    assert torch.equal(first, case.run(one, case.rows(5))), "the second output differs from the first"
    assert torch.equal(first, case.run(two, case.rows(5))), "the second network differs from the first"
    assert torch.equal(before, torch.get_rng_state()), "evaluation draws random numbers"


def building_takes_no_memory_on_meta(case: Case) -> None:
    """Check that on torch's meta device the network has the same parameters and buffers."""
    with torch.device("meta"):
        empty = case.build()
    sizes = {name: value.shape for name, value in case.build().state_dict().items()}
    assert {name: value.shape for name, value in empty.state_dict().items()} == sizes, "names or sizes differ"
    assert all(value.is_meta for value in empty.state_dict().values()), "something was made elsewhere"


def weights_can_be_saved(case: Case) -> None:
    """Check that weights written and read again by safetensors give the same outputs."""
    network, other = case.build(), case.build(seed=1).eval()
    case.run(network.train(), case.rows(5))  # so that buffers have changed
    saved = safetensors.torch.save({name: value.contiguous() for name, value in network.state_dict().items()})
    other.load_state_dict(safetensors.torch.load(saved))
    assert torch.equal(case.run(network.eval(), case.rows(5)), case.run(other, case.rows(5))), "outputs differ"


def rows_are_independent(case: Case) -> None:
    """Check that in evaluation a row's output is its own: alone, and among others in another order."""
    network, rows = case.build().eval(), case.rows(6)
    together, turned = case.run(network, rows), case.run(network, rows[::-1]).flip(0)
    assert close(together, turned), "the order of rows matters"
    for number, row in enumerate(rows):
        assert close(case.run(network, [row])[0], together[number]), f"row {number} alone gives another output"


def it_starts_near_chance(case: Case) -> None:
    """Check that the loss before training is near that of equal probabilities."""
    for network in (case.build().eval(), case.build().train()):
        loss, chance = case.loss(network, case.rows(128)).item(), math.log(case.outputs)
        assert abs(loss - chance) < 0.5, f"loss {loss:.2f} where {chance:.2f} is chance"


def every_parameter_learns(case: Case) -> None:
    """Check that the gradient reaches every parameter, at the latest in the second step (a weight may begin behind a zero)."""
    network, rows = case.build().train(), case.rows(64)
    silent = {name for name, parameter in network.named_parameters() if parameter.numel()}
    for _ in range(2):
        network.zero_grad()
        case.loss(network, rows).backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if parameter.grad is not None and parameter.grad.abs().sum() > 0:
                    silent.discard(name)
                    parameter.sub_(parameter.grad, alpha=0.1)
    assert not silent, f"none for {', '.join(sorted(silent))}"


def it_learns_a_batch_by_heart(case: Case) -> None:
    """Check that a batch that it sees again and again is learned."""
    network, rows, steps = case.build(dropout=False).train(), case.rows(8), 200
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = case.loss(network, rows)
        if loss.item() < 0.1:
            return
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    raise AssertionError(f"loss {loss.item():.2f} after {steps} steps")


def later_tokens_do_not_matter(case: Case) -> None:
    """Check that features of a token do not depend on the tokens after it."""
    network: Any = case.build().eval()
    ids = torch.stack([row[0] for row in case.rows(3)])
    changed = ids.clone()
    changed[:, TIME // 2 :] = (changed[:, TIME // 2 :] + 1) % VOCABULARY
    one, two = network(ids)[0], network(changed)[0]
    assert close(one[:, : TIME // 2], two[:, : TIME // 2]), "they do"
    assert not close(one[:, TIME // 2 :], two[:, TIME // 2 :]), "features do not depend on tokens at all"


def the_state_is_the_past(case: Case) -> None:
    """Check that tokens given one by one, or in parts, with the state between them, give the features of the whole."""
    network: Any = case.build().eval()
    ids = torch.stack([row[0] for row in case.rows(3)])
    whole, after = network(ids)
    assert (after is not None) == network.is_stateful, "without a state, one comes back only where training carries it"
    for cuts in ([1] * TIME, [2, 3, 1]):
        state, parts = network.start(len(ids), ids.device), []
        for part in torch.split(ids, cuts, dim=1):
            features, state = network(part, state)
            parts.append(features)
        assert close(torch.cat(parts, dim=1), whole), f"parts of {cuts} tokens give other features"


def the_output_layer_fits(case: Case) -> None:
    """Check that the output layer takes the features to the vocabulary, and shares a weight only as the same tensor."""
    network: Any = case.build()
    weight, bias = network.output()
    width = network(case.rows(1)[0][0][None])[0].shape[-1]
    assert tuple(weight.shape) == (VOCABULARY, width), f"weight {tuple(weight.shape)} for features of {width}"
    assert bias is None or tuple(bias.shape) == (VOCABULARY,), "the bias has another size"
    state = network.state_dict()
    assert len({value.data_ptr() for value in state.values()}) == len(state), "two names share one tensor"
    assert any(weight is parameter for parameter in network.parameters()), "the weight is no parameter"


Check = Callable[[Case], None]
CHECKS: tuple[Check, ...] = (
    outputs_have_their_shape,
    building_is_repeatable,
    building_takes_no_memory_on_meta,
    weights_can_be_saved,
    rows_are_independent,
    it_starts_near_chance,
    every_parameter_learns,
    it_learns_a_batch_by_heart,
)
LANGUAGE_CHECKS: tuple[Check, ...] = (later_tokens_do_not_matter, the_state_is_the_past, the_output_layer_fits)
