"""``load_data``: the rows, ids, labels and order of a training, by other means; loops by hand give what ``train`` gives."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from house_samples import houses
from image_samples import bars, write_folder
from samples import news_rows, write_csv
from story_samples import story
from torch import nn
from torch.nn.functional import cross_entropy, linear, mse_loss
from torch.utils.data import DataLoader

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.models import registry
from trainwright.models.catalog import models
from trainwright.store import predictions
from trainwright.tasks.encoded_data import EncodedData

SGD = {"optimizer": "SGD", "schedule": [], "clip": 0.0, "epochs": 1, "seed": 3, "speed": "off", "threads": 1, "warmup": 0.0}
TEXT = {"model": "bag", "model.embedding": 8, "model.ngrams": 1, "model.chars": [], "model.weighting": "none", "lr": 0.5}


def silent(event: Any) -> None:
    """Show nothing."""


def order(rows: int, seed: int, epoch: int) -> np.ndarray:
    """The order of rows that is documented: a permutation drawn by Philox from (seed, epoch)."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(rows)


def nested(settings: dict[str, Any]) -> dict[str, Any]:
    model = {key.removeprefix("model."): value for key, value in settings.items() if key.startswith("model.")}
    flat = {key: value for key, value in settings.items() if not key.startswith("model.")}
    return flat | ({"model": {"name": flat["model"], **model}} if "model" in flat else {})


@pytest.fixture
def table(tmp_path: Path) -> Path:
    houses(300).drop("id").write_csv(tmp_path / "houses.csv")
    return tmp_path / "houses.csv"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "bars", *bars(150))


@pytest.fixture
def tale(tmp_path: Path) -> Path:
    (tmp_path / "story.txt").write_text(story(400))
    return tmp_path / "story.txt"


def test_texts_are_those_of_the_file_split_as_a_training_splits_them(news: Path, tmp_path: Path) -> None:
    settings = nested(SGD | TEXT)
    run = tw.train(news, out=tmp_path / "run", listen=silent, **settings)
    data = tw.load_data(news, **settings)
    with news.open() as file:
        texts = dict(enumerate(csv.DictReader(file), start=2))
    measured = predictions.read(run.path / "predictions.parquet")
    rows = {name: measured.filter(pl.col("split") == name)["row"].to_list() for name in ("valid", "test")}
    rows["train"] = sorted(texts.keys() - {*rows["valid"], *rows["test"]})
    assert data.labels == ("money", "space", "sport") == tuple(run.report["labels"])
    for name, part in (("train", data.train), ("valid", data.valid), ("test", data.test)):
        assert data.rows(name).tolist() == rows[name] and len(part) == len(rows[name]) > 10
        for (ids, target), row in zip((part[k] for k in range(len(part))), rows[name], strict=True):
            words = texts[row]["text"].split()
            known = [word if word in data.vocabulary else "<unk>" for word in words]
            assert [data.vocabulary[each] for each in ids.tolist()] == known
            assert name != "train" or known == words
            assert data.labels[target] == texts[row]["label"]
    assert {data.vocabulary[each] for k in range(len(data.train)) for each in data.train[k][0]} == set(data.vocabulary[2:])


def test_training_batches_come_in_the_order_of_seed_and_epoch_and_others_in_that_of_the_file(news: Path) -> None:
    data = tw.load_data(news, **nested(SGD | TEXT))
    loader = data.loader("train", batch_size=50, seed=7)
    assert len(loader) == -(-len(data.train) // 50)
    for epoch in (0, 1):
        wanted = [data.train[row] for row in order(len(data.train), 7, epoch).tolist()]
        for number, (values, offsets, targets) in enumerate(loader):
            part = wanted[50 * number : 50 * number + 50]
            assert torch.equal(targets, torch.stack([target for _, target in part]))
            assert torch.equal(values, torch.cat([ids for ids, _ in part]))
            assert offsets.tolist() == np.cumsum([0, *(len(ids) for ids, _ in part)])[:-1].tolist()
    for name in ("valid", "test"):
        part = getattr(data, name)
        found = torch.cat([targets for *_, targets in data.loader(name, batch_size=7)])
        assert torch.equal(found, torch.stack([part[row][-1] for row in range(len(part))]))


def test_weights_come_with_the_ids(news: Path) -> None:
    data = tw.load_data(news, **nested(SGD | TEXT | {"model.weighting": "tf-idf"}))
    values, offsets, weights, targets = next(iter(data.loader(batch_size=9)))
    first = order(len(data.train), 3, 0)[0]
    assert weights.dtype == torch.float32 and weights.shape == values.shape and len(offsets) == len(targets) == 9
    assert torch.equal(weights[: offsets[1]], data.train[int(first)][1])
    plain = DataLoader(data.train, 9, collate_fn=data.train.collate)
    assert [each.dtype for each in next(iter(plain))] == [torch.int32, torch.int32, torch.float32, torch.int64]


def test_pictures_are_normalised_by_those_of_training(pictures: Path) -> None:
    data = tw.load_data(pictures, augment=[], workers=0)
    assert data.labels == ("lying", "square", "standing")
    whole = torch.stack([picture for picture, _ in (data.train[row] for row in range(len(data.train)))])
    assert whole.dtype == torch.float32 and whole.shape[1:] == (1, 12, 12)
    assert abs(float(whole.mean())) < 1e-5 and abs(float(whole.std(correction=0)) - 1) < 1e-5
    batch, targets = next(iter(data.loader(batch_size=16, seed=5)))
    rows = order(len(data.train), 5, 0)[:16].tolist()
    assert torch.equal(batch, whole[rows]) and targets.tolist() == [int(data.train[row][1]) for row in rows]


def test_rows_of_a_table_are_standardised_numbers_and_codes(table: Path) -> None:
    data = tw.load_data(table, label="price")
    frame = pl.read_csv(table)
    rows = data.rows("train") - 2
    numeric, codes, targets = next(iter(data.loader(batch_size=len(rows), seed=2)))
    shuffled = order(len(rows), 2, 0)
    price = frame["price"].to_numpy()[rows]
    assert np.allclose(targets, ((price - price.mean()) / price.std())[shuffled], atol=1e-5)
    area = frame["area"].to_numpy()[rows]
    known = ~np.isnan(area)
    scaled = np.where(known, (area - area[known].mean()) / area[known].std(), 0)
    assert np.allclose(numeric[:, 0], scaled[shuffled], atol=1e-5)
    cities = ["", *data.encoder.categories["city"]]
    assert [cities[code] for code in codes[:, 0].tolist()] == [frame["city"].fill_null("")[int(row)] for row in rows[shuffled]]


def test_what_there_is_none_of_is_empty(table: Path, tmp_path: Path) -> None:
    pl.read_csv(table).select("area", "price").write_csv(tmp_path / "plain.csv")
    data = tw.load_data(tmp_path / "plain.csv", label="price")
    numeric, codes, _ = next(iter(data.loader(batch_size=4)))
    assert numeric.shape == (4, data.encoder.numeric_size) and codes.shape == (4, 0) and data.vocabulary == ()
    assert "(rows, 0)" in str(EncodedData.__doc__) and "collate_fn=data.train.collate" in str(tw.load_data.__doc__)


def test_running_text_is_every_token_once(tale: Path) -> None:
    data = tw.load_data(tale, tokenizer="words", context=16, batch_size=4)
    words = tale.read_text().replace("\n", " <eos> ").split()
    there = 0
    for part in (data.train, data.valid, data.test):
        found = [data.vocabulary[target] for k in range(len(part)) for target in part[k][1].tolist() if target != -100]
        assert [word if word in data.vocabulary else "<unk>" for word in words[there : there + len(found)]] == found
        there += len(found)
    assert there == len(words)
    lanes = list(data.loader())
    lane = [data.vocabulary[target] for _, targets in lanes for target in targets[0].tolist() if target != -100]
    assert lane == words[: len(lane)]  # the first lane goes on from batch to batch
    assert len(lane) == -(-len(data.rows("train")) // 4)
    first, second = (data.train[k] for k in (0, 1))
    assert first[1].min() >= 0 and torch.equal(first[0][1:], first[1][:-1]) and second[0][0] == first[1][-1]
    gpt = tw.load_data(tale, tokenizer="words", context=16, model="gpt")
    measured = [targets for _, targets in gpt.loader("valid", batch_size=4)]
    counted = [data.vocabulary[target] for targets in measured for target in targets.flatten().tolist() if target != -100]
    assert counted == [data.vocabulary[target] for target in data.valid[0][1].tolist()]  # one window holds all of them
    assert len(gpt.valid) > 8
    assert int((gpt.valid[1][1] == -100).sum()) == 8  # half a window is read before the first that counts
    windows = list(tw.load_data(tale, tokenizer="words", context=16, model="gpt").loader(seed=1, batch_size=8))
    assert sum(int((targets != -100).sum()) for _, targets in windows) == len(data.rows("train"))


def network(data: EncodedData) -> nn.Module:
    """The network that the settings name, as ``train`` initialises it."""
    torch.manual_seed(data.settings.seed)
    shape = data.encoder.shape(*([] if data.task == "language" else [len(data.labels) or 1]))
    name = models(data.task)[data.settings.model.name].versioned
    return registry.build(data.task, name, data.settings.model, shape)


LOOPS = {
    "news": TEXT,
    "pictures": {"model": "mlp", "model.hidden": [16], "model.dropout": 0.0, "augment": ["shift"], "lr": 0.1},
    "table": {"label": "price", "model": "mlp", "model.hidden": [16], "model.dropout": 0.0, "lr": 0.1, "loss": "MSELoss"}
    | {"model.numbers": "plain", "model.members": 1},
    "tale": {"tokenizer": "words", "context": 16, "batch_size": 4, "model": "lstm", "model.hidden": 16, "model.embedding": 8}
    | {"model.layers": 1, "model.dropout": 0.0, "model.tied": False, "lr": 0.5},
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_by_hand_on_its_batches_gives_the_model_that_train_gives(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    source, settings = request.getfixturevalue(name), nested(SGD | LOOPS[name])
    run = tw.train(source, out=tmp_path / "run", listen=silent, **settings)
    data = tw.load_data(source, **settings)
    model = network(data).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=settings["lr"])
    state = None
    for *inputs, targets in data.loader():
        optimizer.zero_grad()
        if name == "tale":
            features, state = model(*inputs, state)
            state = tuple(each.detach() for each in state)
            outputs, targets = linear(features, *model.output()).flatten(0, 1), targets.flatten()
        else:
            outputs = model(*inputs)
        loss = mse_loss(outputs[:, 0], targets) if name == "table" else cross_entropy(outputs, targets)
        loss.backward()
        optimizer.step()
    for key, value in run.model.state_dict().items():
        torch.testing.assert_close(model.state_dict()[key], value, rtol=1e-4, atol=1e-5)


def test_fit_takes_its_data_sets_and_loaders(news: Path) -> None:
    data = tw.load_data(news, **nested(SGD | TEXT))
    found = []
    for train, valid in ((data.train, data.valid), (data.loader(batch_size=64, seed=3), data.loader("valid"))):
        model = network(data)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        events = list(tw.fit(model, train, valid=valid, loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=3, seed=3))
        scores = tw.evaluate(model, data.valid, loss=nn.CrossEntropyLoss())
        assert scores["n"] == len(data.valid) and scores["loss"] == pytest.approx(events[-2].valid.loss, rel=1e-5)
        found.append(model.state_dict())
        assert len(tw.predict(model, data.test, targets=True)) == len(data.test)
    for key, value in found[0].items():
        assert torch.equal(value, found[1][key])
    with pytest.raises(TrainwrightError, match="E618"):
        tw.predict(model, data.loader(), targets=True)


def test_a_fit_on_a_loader_that_was_stopped_goes_on_in_the_order_of_its_epoch(news: Path, tmp_path: Path) -> None:
    data = tw.load_data(news, **nested(SGD | TEXT))

    def fitted(out: Path, *counts: int) -> dict[str, torch.Tensor]:
        for epochs in counts:  # each by a loader of its own, as in another process
            model = network(data)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
            loss, loader = nn.CrossEntropyLoss(), data.loader(seed=3)
            list(tw.fit(model, loader, loss=loss, optimizer=optimizer, epochs=epochs, out=out, resume=True))
        return model.state_dict()

    whole, parts = fitted(tmp_path / "whole", 3), fitted(tmp_path / "parts", 1, 3)
    assert all(torch.equal(value, parts[key]) for key, value in whole.items())


def test_the_vocabulary_of_an_earlier_run_is_kept(trained: tw.Run, tmp_path: Path) -> None:
    new = write_csv(tmp_path / "new.csv", news_rows(60, seed=5))
    data = tw.load_data(new, from_run=trained.path)
    assert data.vocabulary == tuple(trained.predictor.encoder.tokens)


def test_what_cannot_be_meant_is_said(news: Path, tmp_path: Path) -> None:
    data = tw.load_data(news, test=write_csv(tmp_path / "test.csv", news_rows(50, seed=9)), valid_fraction=0.0)
    assert data.valid is None and repr(data).startswith("EncodedData(text: train 4")
    for arguments, problem in (
        (("tets",), "train, test"),
        (("valid",), "train, test"),
        (("train", 0), "at least 1"),
        (("train", 8, -1), "at least 0"),
    ):
        with pytest.raises(TrainwrightError, match=rf"(?s)E320.*{problem}.*help\(trainwright\.load_data\)"):
            data.loader(*arguments)
    with pytest.raises(IndexError):
        data.train[len(data.train)]
    with pytest.raises(TrainwrightError, match="E301"):
        tw.load_data(news, lrr=1)
    with pytest.raises(TrainwrightError, match="E101"):
        tw.load_data(tmp_path / "nosuch.csv")


def test_nothing_of_the_person_s_random_state_is_used(news: Path) -> None:
    torch.manual_seed(1)
    random.seed(1)
    before = torch.random.get_rng_state(), random.getstate()
    data = tw.load_data(news)
    for name in ("train", "valid"):
        next(iter(data.loader(name)))
    assert torch.equal(torch.random.get_rng_state(), before[0]) and random.getstate() == before[1]
