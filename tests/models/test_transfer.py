"""Fine-tuning: every parameter is copied, matched by class and token, or named as fresh."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from trainwright.data.shapes import ImageShape, Shape, TableShape, TextShape, TokenShape
from trainwright.models import registry
from trainwright.models.catalog import models
from trainwright.models.transfer import transfer

IMAGE, TEXT, TOKENS, TABLE = ImageShape(1, 6, 6, 3), TextShape(20, 3), TokenShape(20), TableShape(2, (3, 5), 3)
CASES = [
    ("text", "bag.v1", TEXT, {"embedding": 0}),
    ("text", "bag.v1", TEXT, {"embedding": 8, "weighting": "none"}),
    ("text", "textcnn.v1", TEXT, {"embedding": 8, "filters": 4}),
    ("text", "lstm.v1", TEXT, {"embedding": 8, "hidden": 4, "layers": 1, "dropout": 0.0}),
    ("image", "convnet.v1", IMAGE, {"channels": [4]}),
    ("image", "mlp.v1", IMAGE, {"hidden": [8], "dropout": 0.0}),
    ("image", "resnet.v1", IMAGE, {"width": 4}),
    ("table", "linear.v1", TABLE, {}),
    ("table", "mlp.v1", TABLE, {"hidden": [8], "dropout": 0.0}),
    ("language", "lstm.v1", TOKENS, {"embedding": 8, "hidden": 8, "layers": 1, "dropout": 0.0, "tied": True}),
    ("language", "gpt.v1", TOKENS, {"layers": 1, "heads": 1, "width": 8, "tied": False}),
]
each = pytest.mark.parametrize(
    ("task", "name", "old", "changes"), CASES, ids=[f"{c[0]}-{c[1]}-{i}" for i, c in enumerate(CASES)]
)


def run(task: str, name: str, old: Shape, new: Shape, changes: dict, classes=None):
    """(old network, the new one as it began, the new one after, what became of its parameters)."""
    settings = models(task)[name.partition(".")[0]].settings.model_validate(changes)

    def build(shape: Shape):
        return registry.build(task, name, settings, shape)

    torch.manual_seed(0)
    before = build(old)
    with torch.no_grad():
        for value in before.state_dict().values():
            value.copy_(torch.randn(value.shape) if value.is_floating_point() else torch.full_like(value, 7))
    after = build(new)
    began = {key: value.clone() for key, value in after.state_dict().items()}
    random = torch.get_rng_state()
    told = transfer(after, {key: value.clone() for key, value in before.state_dict().items()}, build, old, new, classes)
    assert torch.equal(random, torch.get_rng_state())
    assert sorted(told.copied + told.partly + told.fresh) == sorted(began)
    return before.state_dict(), began, after.state_dict(), told


@each
def test_equal_shapes_are_a_plain_copy(task, name, old, changes) -> None:
    for classes in (None, [0, 1, 2]) if task != "language" else (None,):
        before, _, after, told = run(task, name, old, old, changes, classes)
        assert not told.partly and not told.fresh
        assert all(torch.equal(after[key], before[key]) for key in before)


@each
def test_classes_keep_their_weights_in_another_order(task, name, old, changes) -> None:
    if task == "language":
        return
    new, classes = replace(old, outputs=4), [2, -1, 0, 1]
    before, began, after, told = run(task, name, old, new, changes, classes)
    assert told.partly and not told.fresh
    for key in told.copied:
        assert torch.equal(after[key], before[key])
    for key in told.partly:
        dimension = next(d for d, size in enumerate(after[key].shape) if size != before[key].shape[d])
        for place, origin in enumerate(classes):
            source = began[key].select(dimension, place) if origin < 0 else before[key].select(dimension, origin)
            assert torch.equal(after[key].select(dimension, place), source), key


@each
def test_as_many_classes_that_are_others_are_told_apart(task, name, old, changes) -> None:
    if task == "language":
        return
    before, began, after, told = run(task, name, old, old, changes, [-1, 0, -1])
    key = told.partly[-1]
    dimension = [d for d, size in enumerate(after[key].shape) if size == 3][-1]
    assert torch.equal(after[key].select(dimension, 1), before[key].select(dimension, 0))
    assert torch.equal(after[key].select(dimension, 2), began[key].select(dimension, 2))
    _, began, after, told = run(task, name, old, old, changes, [-1, -1, -1])
    assert told.fresh and not told.partly
    assert all(torch.equal(after[key], began[key]) for key in told.fresh)


@pytest.mark.parametrize("case", [c for c in CASES if c[0] in ("text", "language")], ids=lambda c: f"{c[0]}-{c[1]}")
def test_new_tokens_begin_as_the_mean_of_the_old(case) -> None:
    task, name, old, changes = case
    before, _, after, told = run(task, name, old, replace(old, vocabulary=23), changes)
    assert told.partly and not told.fresh
    for key in told.partly:
        assert torch.equal(after[key][:20], before[key])
        assert torch.allclose(after[key][20:], before[key].mean(0, keepdim=True).expand_as(after[key][20:]))


def test_classes_and_tokens_at_once() -> None:
    before, began, after, told = run("text", "bag.v1", TEXT, TextShape(22, 2), {"embedding": 0}, [1, -1])
    assert "embedding.weight" in told.partly
    assert torch.equal(after["embedding.weight"][:20, 0], before["embedding.weight"][:, 1])
    assert torch.allclose(after["embedding.weight"][20:, 0], before["embedding.weight"][:, 1].mean())
    assert torch.equal(after["embedding.weight"][:, 1], began["embedding.weight"][:, 1])


def test_pixels_of_another_size_are_fresh_and_named() -> None:
    settings = {"hidden": [8], "dropout": 0.0}
    for size in ((8, 8), (4, 9)):  # 4 x 9 are as many pixels, elsewhere
        before, began, after, told = run("image", "mlp.v1", IMAGE, ImageShape(1, *size, 3), settings)
        assert told.fresh == ["trunk.0.weight"] and not told.partly
        assert torch.equal(after["trunk.0.weight"], began["trunk.0.weight"])
        assert torch.equal(after["classifier.weight"], before["classifier.weight"])
    assert not run("image", "convnet.v1", IMAGE, ImageShape(1, 8, 8, 3), {"channels": [4]})[3].fresh


def test_other_columns_are_fresh_and_new_categories_are_means() -> None:
    before, _, after, told = run("table", "linear.v1", TABLE, TableShape(2, (3, 6), 3), {})
    assert told.partly == ["categories.1.weight"] and not told.fresh
    assert torch.allclose(after["categories.1.weight"][5], before["categories.1.weight"].mean(0))
    assert run("table", "linear.v1", TABLE, TableShape(3, (3, 5), 3), {})[3].fresh == ["weight"]
    told = run("table", "linear.v1", TABLE, TableShape(2, (3,), 3), {})[3]
    assert told.fresh == ["categories.0.weight"]  # which of the two columns is left is not known
    hidden = {"hidden": [8], "dropout": 0.0}  # an embedding of 6 categories is wider than one of 4
    told = run("table", "mlp.v1", TableShape(2, (4,), 3), TableShape(2, (6,), 3), hidden)[3]
    assert told.fresh == ["embeddings.0.weight", "trunk.0.weight"] and not told.partly


def test_outputs_of_unknown_origin_are_fresh() -> None:
    told = run("image", "mlp.v1", IMAGE, replace(IMAGE, outputs=5), {"hidden": [8], "dropout": 0.0})[3]
    assert told.fresh == ["classifier.weight", "classifier.bias"]


def test_building_without_memory_imports_no_algebra() -> None:
    """Torch imports sympy for normal random numbers on its meta device; that takes as long as importing torch."""
    code = (
        "import sys\nfrom trainwright.data import shapes\nfrom trainwright.models import registry, transfer\n"
        "from trainwright.models.catalog import ConvNetSettings\n"
        "build = lambda shape: registry.build('image', 'convnet.v1', ConvNetSettings(), shape)\n"
        "shape = shapes.ImageShape(1, 8, 8, 3)\n"
        "told = transfer.transfer(build(shape), build(shape).state_dict(), build, shape, shape, None)\n"
        "assert told.copied and 'sympy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
