"""The way of one input: its sums, probabilities, losses and updates are those that torch computes by itself."""

from __future__ import annotations

import base64
import copy
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from house_samples import KINDS, PRICES, csv
from image_samples import bars
from PIL import Image
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.errors import TrainwrightError

QUICK = {"epochs": 2, "listen": lambda event: None}
TEXT = "The moon, the MOON's rocket orbit!! 'a' b\"c <br /> bank \u4e2d\u6587 \u0130x today"
HOUSE = "area=120 city=Ulm garden=yes sold=2024-05-01"
MODELS = {
    "default": {},
    "mean": {"model": {"weighting": "none"}},
    "embedding": {"model": {"embedding": 8}},
    "basic-english": {"tokenizer": "basic-english", "model": {"ngrams": 3}},
    "characters": {"tokenizer": "characters"},
    "short": {"max_tokens": 4},
    "lstm": {"model": {"name": "lstm", "embedding": 8, "hidden": 8, "layers": 1}},
    "hidden": {"model": {"embedding": 8, "hidden": [6]}},
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("explain") / "news.csv", news_rows(300))


def outputs(run: tw.Run, item: object) -> torch.Tensor:
    """The network's outputs for one item, by torch."""
    predictor = run.predictor
    encoded = predictor.encode(predictor.items([item]))
    targets = np.zeros(1, predictor.target.dtype)
    (batch,) = predictor.encoder.batches(encoded, targets, batch_size=1, seed=None, device=torch.device("cpu")).epoch(0)
    return run.model(*batch.inputs)[0]


@pytest.mark.parametrize("name", MODELS)
def test_the_words_of_a_text_sum_to_each_logit(source: Path, tmp_path: Path, name: str) -> None:
    run = tw.train(source, out=tmp_path / "run", **QUICK, **MODELS[name])
    for text in (TEXT, "moon moon moon bank", "", "zzz qqq"):
        found = tw.explain(run, text)
        logits = outputs(run, text).tolist()
        assert "".join(piece.text for piece in found.pieces) == text
        assert sorted(each.total for each in found.sums) == pytest.approx(sorted(logits), abs=1e-6)
        for place, each in enumerate(found.sums):
            assert each.total == pytest.approx(logits[run.report["labels"].index(each.label)], abs=1e-6)
            assert sum(piece.parts[place] for piece in found.pieces) == pytest.approx(each.parts, abs=1e-9)
            assert sum(unit.parts[place] for unit in found.units) == pytest.approx(each.parts, abs=1e-9)
            assert each.start + each.parts + each.rest == pytest.approx(each.total, abs=1e-9)
            if found.method.startswith("exact"):
                assert abs(each.rest) < 3e-6
        assert all(piece.weight == pytest.approx(piece.parts[0] - piece.parts[1]) for piece in found.pieces)
    assert found.method.startswith("exact") is (name not in ("lstm", "hidden"))


def test_an_ngram_is_credited_to_the_words_that_it_spans(tmp_path: Path) -> None:
    rows = [(label, f"{text} moon bank") for label, text in news_rows(100)]
    model = {"weighting": "none", "ngrams": 2, "chars": "none"}
    run = tw.train(write_csv(tmp_path / "news.csv", rows), out=tmp_path / "run", model=model, **QUICK)
    found = tw.explain(run, "Moon bank")
    table = run.predictor.weights["embedding.weight"]
    ids = {unit.name: unit.id for unit in found.units}
    labels = [run.report["labels"].index(each.label) for each in found.sums]
    pair = table[ids["moon bank"], labels] / 3
    assert ids.keys() == {"moon", "bank", "moon bank"}
    for piece, name in zip(found.pieces[::2], ("moon", "bank"), strict=True):
        assert piece.parts == pytest.approx((table[ids[name], labels] / 3 + pair / 2).tolist(), abs=1e-7)


def test_parts_of_words_have_names(trained: tw.Run) -> None:
    names = {unit.name for unit in tw.explain(trained, "rocket").units}
    assert "rocket" in names and names <= {"rocket", "|roc\u00b7", "\u00b7rock\u00b7", "\u00b7ocke\u00b7", "\u00b7cket\u00b7",
                                           "\u00b7ket|"}  # fmt: skip


@pytest.mark.parametrize("loss", ["CrossEntropyLoss", "BCEWithLogitsLoss", "SquaredHingeLoss", "MSELoss"])
def test_probabilities_and_loss_are_those_of_torch(source: Path, tmp_path: Path, loss: str) -> None:
    run = tw.train(source, out=tmp_path / "run", loss=loss, **QUICK)
    text, labels = "moon bank rocket today", run.report["labels"]
    for truth in ("", *labels):
        found, logits = tw.explain(run, text, truth), outputs(run, text).detach().double()
        right = labels.index(truth) if truth else int(logits.argmax())
        one_hot = F.one_hot(torch.tensor(right), 3).double()
        if loss == "CrossEntropyLoss":
            shares, wanted = logits.softmax(0), F.cross_entropy(logits, torch.tensor(right))
            mapped = (logits - logits.max()).exp()
        elif loss == "BCEWithLogitsLoss":
            mapped, wanted = logits.sigmoid(), F.binary_cross_entropy_with_logits(logits, one_hot)
            shares = mapped / mapped.sum()
            assert np.mean([each.term for each in found.classes]) == pytest.approx(float(wanted), rel=1e-6)
        elif loss == "SquaredHingeLoss":
            mapped, wanted = (5 * (logits - logits.max())).exp(), (1 - (2 * one_hot - 1) * logits).clip(0).square().mean()
            shares = mapped / mapped.sum()
        else:
            mapped, wanted = logits.clip(0, 1), F.mse_loss(logits, one_hot)
            shares = logits.clip(1e-6, 1) / logits.clip(1e-6, 1).sum()
        assert found.loss == pytest.approx(float(wanted), rel=1e-5)
        assert (found.answer, found.truth, found.given) == (labels[int(logits.argmax())], labels[right], bool(truth))
        for each in found.classes:
            place = labels.index(each.label)
            assert each.logit == pytest.approx(float(logits[place]), abs=1e-6)
            assert each.mapped == pytest.approx(float(mapped[place]), abs=1e-6)
            assert each.probability == pytest.approx(float(shares[place]), rel=1e-4, abs=1e-6)
            assert each.cross_entropy == pytest.approx(-np.log(each.probability), rel=1e-6)
        assert [(each.label, each.probability) for each in found.classes] == run.predict(text, top=3)[0]
        assert found.before == next(each.probability for each in found.classes if each.label == labels[right])


def test_the_update_is_a_plain_step_of_gradient_descent(trained: tw.Run) -> None:
    text, labels = "moon bank rocket today", trained.report["labels"]
    before = {name: each.clone() for name, each in trained.model.state_dict().items()}
    found = tw.explain(trained, text, "money")
    named = dict(trained.model.named_parameters())
    loss = F.binary_cross_entropy_with_logits(outputs(trained, text), F.one_hot(torch.tensor(labels.index("money")), 3).float())
    gradients = dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))
    assert found.step is not None
    norms = {name: float(each.norm()) for name, each in gradients.items()}
    assert dict(found.step.parameters) == pytest.approx(norms, rel=1e-5)
    assert found.step.norm == pytest.approx(float(np.hypot(*norms.values())), rel=1e-5)
    largest = max(float(each.abs().max()) for each in gradients.values())
    assert abs(found.step.moves[0].gradient) == pytest.approx(largest, rel=1e-5)
    bias = next(move for move in found.step.moves if move.place == "money")
    assert (bias.parameter, bias.value) == ("classifier.bias", float(before["classifier.bias"][labels.index("money")]))
    assert bias.gradient == pytest.approx(float(gradients["classifier.bias"][labels.index("money")]), rel=1e-5)
    assert all(torch.equal(each, before[name]) for name, each in trained.model.state_dict().items())  # the model stays
    last, first = found.step.after
    assert 0 < last.rate < first.rate
    with torch.no_grad():
        for name, each in named.items():
            each.sub_(first.rate * gradients[name])
        shares = outputs(trained, text).sigmoid()
        trained.model.load_state_dict(before)
    assert first.answer == pytest.approx(float(shares[labels.index("money")] / shares.sum()), rel=1e-5)
    assert first.answer > found.before and first.loss < found.loss


def test_the_columns_of_a_linear_model_sum_to_the_answer(tmp_path: Path) -> None:
    run = tw.train(csv(tmp_path), task="table", model="linear", out=tmp_path / "number", **QUICK)
    for row in (HOUSE, {"area": None, "city": "nowhere", "garden": "no", "sold": "2024-01-01"}):
        found = tw.explain(run, row, truth=500)
        (only,) = found.sums
        assert found.answer == only.total == pytest.approx(run.predict(row)[0], rel=1e-6)
        assert only.start + sum(unit.parts[0] for unit in found.units) == pytest.approx(found.answer, rel=1e-5)
        scaler = run.predictor.target.scaler
        assert found.loss == pytest.approx(((found.answer - 500) / scaler.std) ** 2, rel=1e-4)
        assert found.truth == 500.0 and found.step is not None
        assert abs(found.step.after[1].answer - 500) < abs(found.answer - 500)
    run = tw.train(csv(tmp_path, KINDS, "k.csv"), task="table", model="linear", out=tmp_path / "class", **QUICK)
    found = tw.explain(run, HOUSE)
    logits = outputs(run, HOUSE).detach()
    for place, each in enumerate(found.sums):
        total = each.start + sum(unit.parts[place] for unit in found.units)
        assert total == pytest.approx(float(logits[run.report["labels"].index(each.label)]), abs=1e-5)


def test_an_answer_that_is_taken_for_a_number_teaches_nothing(tmp_path: Path) -> None:
    run = tw.train(csv(tmp_path), task="table", model="linear", out=tmp_path / "run", **QUICK)
    found = tw.explain(run, HOUSE)
    assert found.loss == 0.0 and found.step is not None and not found.step.moves
    assert {after.answer for after in found.step.after} == {found.answer}
    named = {move.place for move in tw.explain(run, HOUSE, 900).step.moves}
    assert "price, sold (1 of 5)" in named and "city Ulm, price" in named and "price, garden" in named


def test_columns_of_other_models_are_left_out_one_by_one(tmp_path: Path) -> None:
    run = tw.train(csv(tmp_path, PRICES), task="table", model="mlp", out=tmp_path / "run", **QUICK)
    found = tw.explain(run, HOUSE)
    given = {unit.name: unit.given for unit in found.units}
    assert given == {"area": "120.0", "city": "Ulm", "garden": "True", "sold": "2024-05-01"}
    nowhere = run.predict(HOUSE.replace("Ulm", "Nowhere"))[0]  # a category that is not known
    by_name = {unit.name: unit.parts[0] for unit in found.units}
    city = next(unit for unit in found.units if unit.name == "city")
    table = next(each for name, each in run.model.named_parameters() if name == "embeddings.0.weight")
    assert city.id == run.predictor.encoder.categories["city"].index("Ulm") + 1
    assert any(city.vector == pytest.approx(row[:12].tolist()) for row in [table[city.id]])
    assert by_name["city"] == pytest.approx(found.answer - nowhere, rel=1e-3)
    (only,) = found.sums
    assert only.start == run.predictor.target.scaler.mean and abs(only.rest) > 1e-3
    assert only.start + only.parts + only.rest == pytest.approx(found.answer)


def test_the_map_of_a_picture_shows_what_decides(tmp_path: Path) -> None:
    pixels, labels = bars(300, side=24)
    np.savez(tmp_path / "bars.npz", images=pixels, labels=np.array(labels))
    model = {"name": "convnet", "channels": [8, 16]}
    run = tw.train(tmp_path / "bars.npz", out=tmp_path / "run", model=model, epochs=6, listen=lambda event: None)
    found = tw.explain(run, pixels[0])
    assert (found.answer, found.classes[0].probability) == run.predict([pixels[0]])[0]
    seen, overlay = (np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
                     for uri in (found.picture, found.overlay))  # fmt: skip
    assert np.array_equal(seen, pixels[0]) and overlay.shape == (24, 24, 4)
    strongest = np.unravel_index(overlay[..., 3].argmax(), (24, 24))
    bar = np.argwhere(pixels[0] > 100)
    assert np.abs(bar - strongest).max(axis=1).min() <= 2


def test_the_surprise_of_each_token_is_that_of_torch(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("\n".join(" ".join(text.split()[:6]) for _, text in news_rows(80)))
    for tokenizer in ("words", "characters", "bytes"):
        model = {"name": "lstm", "embedding": 8, "hidden": 8, "layers": 1}
        run = tw.train(
            tmp_path / "text.txt",
            task="language",
            out=tmp_path / tokenizer,
            model=model,
            context=8,
            tokenizer=tokenizer,
            **QUICK,
        )
        text = "the moon and\nthe bank"
        ids = torch.from_numpy(run.predictor.encoder.behind_line_end(text).astype(np.int64))
        weight, bias = run.model.output()
        features, _ = run.model(ids[None])
        logits = F.linear(features[0], weight, bias)
        losses = F.cross_entropy(logits[:-1], ids[1:], reduction="none")
        found = tw.explain(run, text)
        assert [token.loss for token in found.tokens] == pytest.approx(losses.tolist(), rel=1e-4)
        assert [token.text for token in found.tokens] == [run.predictor.encoder.tokens[number] for number in ids[1:].tolist()]
        likely = run.predict(text, top=10)[0]
        assert [each.label for each in found.classes] == [label for label, _ in likely]
        assert [each.probability for each in found.classes] == pytest.approx([share for _, share in likely], rel=1e-4)
        other = found.classes[3].label
        assert tw.explain(run, text, other).loss == pytest.approx(found.classes[3].cross_entropy)
        assert tw.explain(run, "").tokens == [] and json.dumps(tw.explain(run, "").to_json(), allow_nan=False)
        assert "empty" in tw.explain(run, "").remark and not found.remark
        assert [unit.id for unit in found.units] == ids.tolist()
        assert found.units[2].vector == pytest.approx(run.model.embedding.weight[ids[2], :8].tolist())


@pytest.mark.parametrize(
    "model", [{"name": "lstm", "embedding": 8, "hidden": 8}, {"name": "gpt", "width": 16, "layers": 1, "heads": 2}]
)
def test_the_update_by_the_next_token_is_that_of_torch(tmp_path: Path, model: dict) -> None:
    (tmp_path / "text.txt").write_text("\n".join(text for _, text in news_rows(60)))
    run = tw.train(
        tmp_path / "text.txt", task="language", out=tmp_path / "run", model=model, context=8, tokenizer="words", **QUICK
    )
    found = tw.explain(run, "the moon and the bank", "rocket")
    network, tokens = copy.deepcopy(run.model), run.predictor.encoder.tokens
    ids = torch.tensor([unit.id for unit in found.units])[None]

    def loss() -> torch.Tensor:
        return F.cross_entropy(F.linear(network(ids)[0][:, -1], *network.output()), torch.tensor([tokens.index("rocket")]))

    before = loss()
    before.backward()
    norm = sum(float(each.grad.square().sum()) for each in network.parameters() if each.grad is not None) ** 0.5
    assert found.loss == pytest.approx(before.item(), rel=1e-4) and found.step.norm == pytest.approx(norm, rel=1e-4)
    after = found.step.after[-1]
    torch.optim.SGD(network.parameters(), after.rate).step()
    assert after.loss == pytest.approx(loss().item(), rel=1e-4) and after.answer == pytest.approx(
        (-loss()).exp().item(), rel=1e-4
    )
    assert any("rocket" in move.place for move in found.step.moves)


def test_what_the_run_froze_stays(source: Path, tmp_path: Path) -> None:
    run = tw.train(source, out=tmp_path / "run", freeze=["embedding"], **QUICK, **MODELS["lstm"])
    found, network = tw.explain(run, TEXT, "money"), copy.deepcopy(run.model)
    assert found.step.frozen == ["embedding.weight"]
    assert "embedding.weight" not in dict(found.step.parameters) and "classifier.weight" in dict(found.step.parameters)
    assert not any(move.parameter.startswith("embedding") for move in found.step.moves)
    network.embedding.weight.requires_grad_(False)
    predictor, rate = run.predictor, found.step.after[-1].rate
    encoded = predictor.encode(predictor.items([TEXT]))
    targets = np.array([predictor.labels.index("money")])
    (batch,) = predictor.encoder.batches(encoded, targets, batch_size=1, seed=None, device=torch.device("cpu")).epoch(0)
    predictor.objective(network(*batch.inputs), batch.targets)[0].backward()
    torch.optim.SGD([each for each in network.parameters() if each.requires_grad], rate).step()
    there = predictor.objective(network(*batch.inputs), batch.targets)[0].item()
    assert found.step.after[-1].loss == pytest.approx(there, rel=1e-5)


class Counting(torch.nn.Module):
    """A network without a table of vectors: it counts ids."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(size, classes)

    def forward(self, values: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        counts = torch.stack(
            [torch.bincount(each, minlength=self.layer.in_features) for each in values.tensor_split(offsets[1:].long())]
        )
        return self.layer(counts.float())


def test_of_a_network_without_a_table_is_told_what_can_be(source: Path, tmp_path: Path) -> None:
    run = tw.train(source, out=tmp_path / "run", **QUICK, **MODELS["lstm"])
    run.predictor.__dict__["model"] = Counting(run.predictor.encoder.size, 3)
    found, logits = tw.explain(run, "moon bank", "money"), outputs(run, "moon bank")
    assert [unit.name for unit in found.units] == ["moon", "bank"] and found.units[0].id is not None
    assert found.classes[0].logit == pytest.approx(logits.max().item()) and not found.pieces and not found.sums
    assert dict(found.step.parameters).keys() == {"layer.weight", "layer.bias"} and found.step.after[0].loss < found.loss
    with pytest.raises(TrainwrightError, match="E338"):
        run.predictor.why(["moon"], run.predictor.encode(["moon"]), np.array([0]), np.array([1]))


@pytest.mark.parametrize(
    ("item", "truth", "code"),
    [("a text", "nosuch", "E337"), (["a text", "another"], "", "E320"), (7, "", "E320"), ("a text", "spac", "E337")],
)
def test_mistakes(trained: tw.Run, item: object, truth: str, code: str) -> None:
    with pytest.raises(TrainwrightError) as caught:
        tw.explain(trained, item, truth)
    assert caught.value.code == code
    if truth == "spac":
        assert "'space'" in str(caught.value)
