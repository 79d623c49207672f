"""What single models promise beyond the suite of ``test_conformance.py``."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from trainwright.config.kinds import KINDS
from trainwright.data.shapes import ImageShape, TableShape, TextShape, TokenShape
from trainwright.errors import RunError
from trainwright.models import registry
from trainwright.models.catalog import CATALOG, GPTSettings, models

TEXT, TOKENS = TextShape(50, 4), TokenShape(50)


def build(task: str, name: str, shape, **changes) -> nn.Module:
    torch.manual_seed(0)
    return registry.build(task, name, models(task)[name.partition(".")[0]].settings.model_validate(changes), shape).eval()


def test_every_task_has_models_and_every_name_one_class_of_settings() -> None:
    assert {model.task for model in CATALOG} == set(KINDS)
    for model in CATALOG:
        assert models()[model.name].settings is model.settings and registry.find(model.task, model.versioned) is model


def test_a_model_of_another_version_is_refused() -> None:
    with pytest.raises(RunError) as caught:
        build("text", "bag.v9", TEXT)
    assert caught.value.code == "E406" and "bag.v1" in str(caught.value)


def test_empty_bags_are_the_bias() -> None:
    model = build("text", "bag.v1", TEXT, embedding=8, weighting="none")
    empty = model(torch.zeros(0, dtype=torch.int32), torch.zeros(2, dtype=torch.int32))
    assert torch.equal(empty, torch.zeros(2, 4))


@pytest.mark.parametrize("lengths", [[3, 0, 5, 1], [0, 0], [0, 4, 0]])
def test_the_gradient_of_a_weighted_bag_is_torchs(lengths: list[int]) -> None:
    model = build("text", "bag.v1", TEXT, embedding=6, weighting="tf-idf")
    values = torch.randint(0, 9, (sum(lengths),), dtype=torch.int32)  # of 50: some several times, some never
    offsets = torch.tensor([sum(lengths[:place]) for place in range(len(lengths))], dtype=torch.int32)
    weights, table = torch.rand(len(values)), model.embedding.weight
    plain = model.classifier(model.embedding(values, offsets, weights))
    own = model(values, offsets, weights)
    assert torch.equal(own, plain)
    (wanted,) = torch.autograd.grad(plain.square().sum(), table)
    (found,) = torch.autograd.grad(own.square().sum(), table)
    torch.testing.assert_close(found, wanted)


def test_the_tutorials_initial_weights() -> None:
    model = build("text", "bag.v1", TEXT, embedding=64, weighting="none")
    weights = torch.cat([p.detach().flatten() for n, p in model.named_parameters() if not n.endswith("bias")])
    assert -0.5 <= weights.min() < -0.45 and 0.45 < weights.max() <= 0.5
    assert all((p == 0).all() for n, p in model.named_parameters() if n.endswith("bias"))


@pytest.mark.parametrize("name", ["convnet.v1", "mlp.v1", "resnet.v1"])
@pytest.mark.parametrize("size", [(1, 4, 4), (3, 5, 9), (1, 28, 28), (3, 32, 32)])
def test_images_of_any_size(name: str, size: tuple[int, int, int]) -> None:
    changes = {"mlp.v1": {"hidden": [8], "dropout": 0.0}, "resnet.v1": {"width": 4}}.get(name, {})
    assert build("image", name, ImageShape(*size, 3), **changes)(torch.randn(2, *size)).shape == (2, 3)


@pytest.mark.parametrize("name", ["convnet.v1", "resnet.v1"])
@pytest.mark.parametrize(("layout", "last"), [("", True), ("channels_last", True), ("contiguous", False)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_layout_reaches_the_layers(name: str, layout: str, last: bool, channels: int) -> None:
    model = build("image", name, ImageShape(channels, 8, 8, 4))
    model.layout = layout
    seen: list[bool] = []
    convolution = next(each for each in model.modules() if isinstance(each, nn.Conv2d))
    convolution.register_forward_hook(lambda *_: seen.append(_[-1].is_contiguous(memory_format=torch.channels_last)))
    model(torch.zeros(2, channels, 8, 8))
    assert seen == [last]


@pytest.mark.parametrize(("size", "stem", "kernel"), [(95, None, 3), (96, None, 7), (224, "cifar", 3), (32, "imagenet", 7)])
def test_the_stem_follows_the_size_unless_given(size: int, stem: str | None, kernel: int) -> None:
    with torch.device("meta"):
        assert build("image", "resnet.v1", ImageShape(3, size, size, 10), stem=stem).conv1.kernel_size == (kernel, kernel)


def test_resnet_18_has_its_eleven_million_weights() -> None:
    with torch.device("meta"):
        model = build("image", "resnet.v1", ImageShape(3, 224, 224, 1000))
    assert sum(parameter.numel() for parameter in model.parameters()) == 11_689_512  # as published by torchvision


def test_residual_blocks_begin_as_the_identity() -> None:
    model = build("image", "resnet.v1", ImageShape(3, 8, 8, 10), width=4)
    features = torch.rand(2, 4, 8, 8)
    assert torch.equal(model.layer1(features), features)


def test_a_single_pixel_in_training_is_normalised_by_what_came_before() -> None:
    model = build("image", "convnet.v1", ImageShape(1, 4, 4, 2)).train()
    model(torch.randn(16, 1, 4, 4))
    before = model.features[-2].running_mean.clone()
    assert model(torch.randn(1, 1, 4, 4)).isfinite().all()
    assert torch.equal(model.features[-2].running_mean, before)


def test_categories_of_a_linear_model_are_columns_of_zeros_and_ones() -> None:
    model = build("table", "linear.v1", TableShape(2, (3,), 2))
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    numeric, categories = torch.randn(5, 2), torch.tensor([[0], [1], [2], [1], [0]], dtype=torch.int32)
    columns = torch.cat([numeric, nn.functional.one_hot(categories[:, 0].long(), 3)], dim=1)
    weight = torch.cat([model.weight, model.categories[0].weight.T], dim=1)
    assert torch.allclose(model(numeric, categories), columns @ weight.T + model.bias, atol=1e-6)


def test_initial_weights_of_zaremba() -> None:
    model = build("language", "lstm.v1", TOKENS, embedding=32, hidden=32, layers=2, tied=False, dropout=0.0, init_range=0.1)
    for name, parameter in model.named_parameters():
        assert 0.09 < parameter.abs().max() <= 0.1, name


def test_language_dropout_leaves_the_recurrence_alone() -> None:
    """Two layers drop three times: what goes in, between the layers, what comes out (Zaremba et al. 2014, figure 2)."""
    model = build("language", "lstm.v1", TOKENS, embedding=64, hidden=64, layers=1, tied=False, dropout=0.5).train()
    features, (hidden, _) = model(torch.randint(0, 50, (3, 7)))
    assert 0.3 < (features == 0).float().mean() < 0.7
    assert (hidden != 0).all()
    kept = features[:, -1] != 0
    assert torch.allclose(features[:, -1][kept], 2 * hidden[0][kept])


def test_tied_weights_are_saved_once_and_learn_from_both_ends() -> None:
    model = build("language", "gpt.v1", TOKENS, layers=1, heads=2, width=16)
    weight, bias = model.output()
    assert weight is model.embedding.weight and bias is None
    assert sum(value.shape == weight.shape for value in model.state_dict().values()) == 1


def test_positions_are_relative() -> None:
    """Rotary positions: equal tokens at a distance see each other alike wherever they stand."""
    model = build("language", "gpt.v1", TOKENS, layers=1, heads=2, width=16)
    ids = torch.tensor([[7, 7, 7, 7]])
    features = model(ids)[0]
    assert torch.allclose(features, features[:, :1].expand_as(features), atol=1e-5)  # values are equal: any weights give them
    moved = model(torch.tensor([[3, 9]]), model.start(1, torch.device("cpu")))[1]
    assert not torch.allclose(
        moved[0][:, :, 0], model(torch.tensor([[9, 3]]), model.start(1, torch.device("cpu")))[1][0][:, :, 1]
    )


def test_positions_go_on_after_the_state() -> None:
    model = build("language", "gpt.v1", TOKENS, layers=1, heads=1, width=16)
    start = model.start(1, torch.device("cpu"))
    keys = model(torch.tensor([[5, 5, 5]]), start)[1][0]
    assert not torch.allclose(keys[:, :, 0], keys[:, :, 1])
    _, state = model(torch.tensor([[5]]), start)
    _, state = model(torch.tensor([[5, 5]]), state)
    assert torch.allclose(state[0], keys, atol=1e-6)


def test_the_stream_starts_quiet() -> None:
    """What each of many blocks adds is scaled down, so that depth does not make the first loss large."""
    model = build("language", "gpt.v1", TOKENS, layers=12, heads=2, width=32)
    deviation = model.blocks[0].down.weight.std().item()
    assert deviation == pytest.approx(0.02 / math.sqrt(24), rel=0.1)


def test_heads_must_share_the_width() -> None:
    with pytest.raises(ValidationError, match="not a multiple of 6"):
        GPTSettings(width=128, heads=3)
