"""One suite that every registered model passes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from trainwright.errors import RunError
from trainwright.models import registry
from trainwright.models.shapes import TextShape
from trainwright.schema import MODELS, TASK_MODELS

VOCABULARY, CLASSES = 50, 4
VARIANTS = [
    ("bag.v1", {}),
    ("bag.v1", {"embedding": 8, "weighting": "none", "hidden": [16], "dropout": 0.2}),
    ("bag.v1", {"embedding": 8, "weighting": "tf-idf"}),
    ("textcnn.v1", {"filters": 8, "embedding": 8}),
    ("lstm.v1", {"hidden": 8, "embedding": 8, "layers": 1, "dropout": 0.3}),
    ("lstm.v1", {"hidden": 8, "embedding": 8, "layers": 2, "dropout": 0.3, "bidirectional": False}),
]
each_model = pytest.mark.parametrize(("name", "changes"), VARIANTS, ids=[f"{n}-{i}" for i, (n, _) in enumerate(VARIANTS)])


def build(name: str, changes: dict) -> nn.Module:
    settings = MODELS[name.partition(".")[0]].model_validate(changes)
    torch.manual_seed(0)
    return registry.build("text", name, settings, TextShape(VOCABULARY, CLASSES)).eval()


def batch(rows: int, changes: dict, seed: int = 0) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 9, (rows,), generator=generator)
    values = torch.randint(2, VOCABULARY, (int(lengths.sum()),), generator=generator, dtype=torch.int32)
    offsets = (lengths.cumsum(0) - lengths).int()
    weights = (torch.rand(len(values), generator=generator),) if changes.get("weighting") == "tf-idf" else ()
    return values, offsets, *weights


def test_every_registered_model_is_here() -> None:
    assert {name for name, _ in VARIANTS} == set(registry.MODELS["text"])
    assert {registry.versioned("text", name) for name in TASK_MODELS["text"]} <= set(registry.MODELS["text"])


@each_model
@pytest.mark.parametrize("rows", [1, 7])
def test_shapes_and_determinism(name: str, changes: dict, rows: int) -> None:
    logits = build(name, changes)(*batch(rows, changes))
    assert logits.shape == (rows, CLASSES) and logits.dtype == torch.float32 and logits.isfinite().all()
    assert torch.equal(logits, build(name, changes)(*batch(rows, changes)))


@each_model
def test_a_texts_logits_do_not_depend_on_its_neighbours(name: str, changes: dict) -> None:
    model, (values, offsets, *weights) = build(name, changes), batch(6, changes)
    together = model(values, offsets, *weights)
    ends = [*offsets.tolist()[1:], len(values)]
    for row, (low, high) in enumerate(zip(offsets.tolist(), ends, strict=True)):
        alone = model(values[low:high], torch.zeros(1, dtype=torch.int32), *(each[low:high] for each in weights))
        assert torch.allclose(alone[0], together[row], atol=1e-6)


@each_model
def test_the_initial_loss_is_near_chance(name: str, changes: dict) -> None:
    values, offsets, *weights = batch(256, changes)
    loss = nn.functional.cross_entropy(build(name, changes)(values, offsets, *weights), torch.arange(256) % CLASSES)
    assert loss.item() == pytest.approx(math.log(CLASSES), abs=0.5)


@each_model
def test_the_gradient_reaches_every_parameter(name: str, changes: dict) -> None:
    model = build(name, changes).train()
    nn.functional.cross_entropy(model(*batch(64, changes)), torch.arange(64) % 3).backward()
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, parameter_name


@each_model
def test_it_can_learn_one_batch_by_heart(name: str, changes: dict) -> None:
    model, inputs = build(name, changes), batch(16, changes)
    targets = torch.arange(16) % CLASSES
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(*inputs), targets)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_empty_bags_are_the_bias() -> None:
    model = build("bag.v1", {"embedding": 8, "weighting": "none"})
    empty = model(torch.zeros(0, dtype=torch.int32), torch.zeros(2, dtype=torch.int32))
    assert torch.equal(empty, torch.zeros(2, CLASSES))


def test_the_tutorials_initial_weights() -> None:
    model = build("bag.v1", {"embedding": 64, "weighting": "none"})
    weights = torch.cat([p.detach().flatten() for n, p in model.named_parameters() if not n.endswith("bias")])
    assert -0.5 <= weights.min() < -0.45 and 0.45 < weights.max() <= 0.5
    assert all((p == 0).all() for n, p in model.named_parameters() if n.endswith("bias"))


def test_a_model_of_another_version_is_refused() -> None:
    with pytest.raises(RunError) as caught:
        registry.build("text", "bag.v9", MODELS["bag"](), TextShape(VOCABULARY, CLASSES))
    assert caught.value.code == "E406" and "bag.v1" in str(caught.value)
