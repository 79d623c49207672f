"""Models as people write them, through tw.fit, tw.evaluate and tw.predict: the same numbers as the loops written by hand."""

from __future__ import annotations

import copy
import math
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import trainwright as tw
from trainwright.watch.events import Epoch


def blobs(rows: int = 240, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, 3, (rows,), generator=generator)
    return torch.randn(rows, 6, generator=generator) + targets[:, None] * 1.5, targets


def train(model: nn.Module, data, **options) -> list[Epoch]:
    """The epochs of a short training."""
    optimizer = options.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=0.05)
    options = {"loss": nn.CrossEntropyLoss(), "progress": False, "epochs": 3} | options
    return [event for event in tw.fit(model, data, optimizer=optimizer, **options) if isinstance(event, Epoch)]


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def refused(code: str, act, *arguments, **options) -> str:
    with pytest.raises(tw.TrainwrightError) as caught:
        act(*arguments, **options)
    assert caught.value.code == code and caught.value.mend
    return str(caught.value)


# The two example networks of the PyTorch examples, by their architecture, and the loops that their scripts have.


class WordModel(nn.Module):
    """Embedding, LSTM, linear decoder; forward takes and gives the hidden state."""

    def __init__(self, words: int, width: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.words, self.hidden, self.layers = words, hidden, layers
        self.encoder, self.decoder = nn.Embedding(words, width), nn.Linear(hidden, words)
        self.rnn = nn.LSTM(width, hidden, layers)
        for each in (self.encoder.weight, self.decoder.weight):
            nn.init.uniform_(each, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, tokens: torch.Tensor, hidden: tuple[torch.Tensor, torch.Tensor]):
        output, hidden = self.rnn(self.encoder(tokens), hidden)
        return functional.log_softmax(self.decoder(output).view(-1, self.words), dim=1), hidden

    def init_hidden(self, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
        empty = next(self.parameters()).new_zeros(self.layers, columns, self.hidden)
        return empty, empty.clone()


def stream(length: int, columns: int, seed: int) -> torch.Tensor:
    """A stream of tokens, each of which mostly follows from the one before, cut into columns: shape (time, columns)."""
    generator = torch.Generator().manual_seed(seed)
    jumps = torch.where(torch.rand(length, generator=generator) < 0.8, 7, torch.randint(12, (length,), generator=generator))
    tokens = jumps.cumsum(0) % 12
    return tokens[: length // columns * columns].view(columns, -1).t().contiguous()


def windows(source: torch.Tensor, size: int = 10) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(tokens, the tokens after them as one row) of each stretch of time; the last is shorter."""
    stops = [(low, min(low + size, len(source) - 1)) for low in range(0, len(source) - 1, size)]
    return [(source[low:high], source[low + 1 : high + 1].reshape(-1)) for low, high in stops]


def word_script(model: WordModel, source: torch.Tensor, valid: torch.Tensor, epochs: int) -> list[tuple[float, float]]:
    """Training and validation losses of the loop as the example's script has it: rate 20, gradient cut to norm 0.25."""
    rate, best, history = 20.0, math.inf, []
    for _ in range(epochs):
        model.train()
        total, hidden = 0.0, model.init_hidden(source.size(1))
        for tokens, targets in windows(source):
            model.zero_grad()
            hidden = tuple(each.detach() for each in hidden)
            output, hidden = model(tokens, hidden)
            loss = functional.nll_loss(output, targets)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            for parameter in model.parameters():
                parameter.data.add_(parameter.grad, alpha=-rate)
            total += len(tokens) * loss.item()
        model.eval()
        held_out, hidden = 0.0, model.init_hidden(valid.size(1))
        with torch.no_grad():
            for tokens, targets in windows(valid):
                output, hidden = model(tokens, hidden)
                held_out += len(tokens) * functional.nll_loss(output, targets).item()
        history.append((total / (len(source) - 1), held_out / (len(valid) - 1)))
        rate, best = (rate, history[-1][1]) if history[-1][1] < best else (rate / 4, best)
    return history


def test_the_word_model_trains_as_in_its_own_script() -> None:
    torch.manual_seed(1)
    ours = WordModel(12, 16, 16, 1)
    hand, source, valid = copy.deepcopy(ours), stream(3000, 10, 0), stream(500, 5, 1)

    optimizer = torch.optim.SGD(ours.parameters(), lr=20.0)
    epochs = train(
        ours,
        windows(source),
        valid=windows(valid),
        loss=nn.NLLLoss(),
        optimizer=optimizer,
        state=lambda tokens: ours.init_hidden(tokens.size(1)),
        schedule=torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.25, patience=0, threshold=0.0),
        clip=0.25,
        epochs=4,
    )

    history = word_script(hand, source, valid, 4)
    assert history[-1][0] < history[0][0] - 0.1
    assert [(event.train.loss, event.valid.loss) for event in epochs] == [pytest.approx(pair, abs=1e-5) for pair in history]


def test_the_state_is_carried_and_each_pass_begins_anew() -> None:
    class Adds(nn.Module):
        """Gives the running sum of its inputs, which it carries."""

        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, inputs: torch.Tensor, total: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            total = inputs[:, :1] * self.scale + total
            return total, total

    model, rows = Adds(), torch.arange(1.0, 5.0)[:, None]
    zero = lambda inputs: torch.zeros_like(inputs)  # noqa: E731
    assert tw.predict(model, rows, state=zero, batch_size=1)[:, 0].tolist() == [1, 3, 6, 10]
    data, seen = (rows, torch.zeros(4, 1)), []
    options = {"loss": nn.L1Loss(), "state": zero, "batch_size": 1}
    assert tw.evaluate(model, data, **options)["loss"] == 5 == tw.evaluate(model, data, **options)["loss"]
    still = torch.optim.SGD(model.parameters(), lr=0.0)
    for event in train(model, data, valid=data, optimizer=still, epochs=3, **options):
        seen.append((event.train.loss, event.valid.loss))
    assert seen == [(5, 5)] * 3  # in order, since a state is carried; each pass from zero


class Digits(nn.Module):
    """Two convolutions (32 and 64 filters), max pooling, dropout, two linear layers, log softmax."""

    def __init__(self, classes: int = 10, side: int = 28) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, 1), nn.Conv2d(32, 64, 3, 1)
        self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(64 * ((side - 4) // 2) ** 2, 128), nn.Linear(128, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = functional.max_pool2d(functional.relu(self.conv2(functional.relu(self.conv1(images)))), 2)
        found = functional.relu(self.fc1(torch.flatten(self.dropout1(found), 1)))
        return functional.log_softmax(self.fc2(self.dropout2(found)), dim=1)


def digits_script(model: nn.Module, batches, valid, epochs: int, before_step) -> list[tuple[float, float, float]]:
    """Losses and validation accuracies of the loop as the example's script has it; ``before_step`` seeds the dropout."""
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    history, step = [], 0
    for _ in range(epochs):
        model.train()
        total = 0.0
        for images, targets in batches:
            before_step(step)
            optimizer.zero_grad()
            loss = functional.nll_loss(model(images), targets)
            loss.backward()
            optimizer.step()
            total, step = total + loss.item() * len(targets), step + 1
        model.eval()
        with torch.no_grad():
            output = model(valid[0])
        right = (output.argmax(dim=1) == valid[1]).float().mean().item()
        history.append((total / sum(len(t) for _, t in batches), functional.nll_loss(output, valid[1]).item(), right))
        scheduler.step()
    return history


def compare_digits(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, held: int, epochs: int) -> float:
    """Train both ways on all but ``held`` rows and compare; gives the accuracy on those."""
    from trainwright.data.batches.shuffle import step_seed

    hand, valid = copy.deepcopy(model), (images[:held], targets[:held])
    batches = [(images[low : low + 64], targets[low : low + 64]) for low in range(held, len(images), 64)]

    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    found = train(model, batches, valid=valid, loss=functional.nll_loss, optimizer=optimizer, schedule=schedule, epochs=epochs)

    with torch.random.fork_rng():
        history = digits_script(hand, batches, valid, epochs, lambda step: torch.manual_seed(step_seed(0, step)))
    ours = [(event.train.loss, event.valid.loss, event.valid.accuracy) for event in found]
    assert ours == [pytest.approx(each, abs=1e-5) for each in history]
    return ours[-1][-1]


def test_the_digit_network_trains_as_in_its_own_script() -> None:
    torch.manual_seed(0)
    images, targets = torch.randn(240, 1, 12, 12) * 0.5, torch.arange(240) % 4
    for number in range(4):  # a bright bar at a place of its own
        images[targets == number, 0, 2 * number + 2] += 1.0
    assert compare_digits(Digits(4, 12), images, targets, 60, 3) > 0.7


def test_the_digit_network_on_real_digits(real_data) -> None:
    import gzip

    raw = gzip.decompress((real_data / "mnist" / "train-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((real_data / "mnist" / "train-labels-idx1-ubyte.gz").read_bytes())
    images = torch.tensor(np.frombuffer(raw, np.uint8, 900 * 784, 16)).view(-1, 1, 28, 28).float().sub(33.3).div(78.6)
    targets = torch.tensor(np.frombuffer(labels, np.uint8, 900, 8)).long()
    torch.manual_seed(0)
    assert compare_digits(Digits(), images, targets, 260, 1) > 0.2


# Dict batches, several inputs, several targets.


class Named(nn.Module):
    """Takes its inputs by name."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.layer(values * mask[:, None])


def named(key: str = "labels") -> dict[str, torch.Tensor]:
    inputs, targets = blobs()
    return {"mask": torch.ones(len(inputs)), key: targets, "values": inputs}


class Rows(Dataset):
    """Items that are dicts."""

    def __init__(self, columns: dict[str, torch.Tensor]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns["values"])

    def __getitem__(self, row: int) -> dict[str, torch.Tensor]:
        return {name: column[row] for name, column in self.columns.items()}


class Twice(nn.Module):
    """Two inputs by place."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return self.layer(first * second[:, None])


def test_dicts_and_tuples_of_every_kind_train_alike() -> None:
    inputs, targets = blobs()
    whole, ones = named(), torch.ones(len(inputs))
    found = []
    for model, data in (
        (Named(), whole),
        (Named(), {name: column.numpy() for name, column in whole.items()}),
        (Named(), named("y")),
        (Named(), Rows(whole)),
        (Twice(), (inputs, ones, targets)),
        (Twice(), ((inputs, ones), targets)),
        (Twice(), TensorDataset(inputs, ones, targets)),
    ):
        torch.manual_seed(0)
        model.layer.reset_parameters()
        epochs = train(model, data, valid=data)
        assert epochs[-1].train.n == epochs[-1].valid.n == 240 and epochs[-1].valid.accuracy > epochs[0].valid.accuracy
        found.append(weights(model))
    assert all(torch.equal(each, found[0]) for each in found)


def test_dict_batches_of_loaders_and_lists() -> None:
    found = []
    batches = [{name: column[low : low + 64] for name, column in named("answer").items()} for low in range(0, 240, 64)]
    nested = [((each["values"], each["mask"]), each["answer"]) for each in batches]
    loader = DataLoader(Rows(named("answer")), batch_size=64)
    for model, data, target in ((Named(), batches, "answer"), (Named(), loader, "answer"), (Twice(), nested, "")):
        torch.manual_seed(0)
        model.layer.reset_parameters()
        train(model, data, valid=data, target=target)
        found.append(weights(model))
        predicted = tw.predict(model, data, target=target, targets=True)
        assert torch.equal(predicted, model(named()["values"], named()["mask"]))
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])


def test_targets_that_cannot_be_told() -> None:
    assert "mask, answer, values" in refused("E610", train, Named(), named("answer"))
    refused("E610", train, Named(), named() | {"y": blobs()[1]})
    refused("E610", train, Named(), {"y": blobs()[1]})
    assert "Did you mean 'labels'?" in refused("E611", train, Named(), named(), target="label")
    refused("E611", train, nn.Linear(6, 3), blobs(), target="labels")
    refused("E612", train, Twice(), (blobs(), blobs()))
    refused("E604", train, Named(), named() | {"mask": torch.ones(3)})
    refused("E604", train, Named(), named() | {"mask": torch.tensor(1.0)})
    refused("E601", train, nn.Linear(6, 3), (blobs()[0], [1, 2, 3]))
    refused("E601", train, nn.Linear(6, 3), blobs()[0])
    refused("E613", train, nn.Linear(6, 3), (blobs()[0], np.array(["a"] * 240)))


class Heads(nn.Module):
    """Two outputs from one input, as a tuple or as a dict."""

    def __init__(self, as_dict: bool) -> None:
        super().__init__()
        self.kind, self.number, self.as_dict = nn.Linear(6, 3), nn.Linear(6, 1), as_dict

    def forward(self, values: torch.Tensor):
        kind, number = self.kind(values), self.number(values)
        return {"kind": kind, "number": number, "none": None} if self.as_dict else (kind, number)


@pytest.mark.parametrize("as_dict", [False, True])
def test_several_targets_with_a_loss_of_ones_own(as_dict: bool) -> None:
    inputs, kinds = blobs()
    numbers = inputs[:, :1] * 2
    targets = {"kind": kinds, "number": numbers} if as_dict else (kinds, numbers)

    def loss(outputs, targets) -> torch.Tensor:
        (kind, number, *_), (kinds, numbers) = (tuple(each.values()) if as_dict else each for each in (outputs, targets))
        return functional.cross_entropy(kind, kinds) + functional.mse_loss(number, numbers)

    def right(outputs, targets) -> float:
        found, wanted = (each["kind" if as_dict else 0] for each in (outputs, targets))
        return (found.argmax(1) == wanted).float().mean()

    model = Heads(as_dict)
    data = {"values": inputs, "targets": targets}
    epochs = train(
        model, data, valid=data, loss=loss, metrics={"right": right}, epochs=5, optimizer=torch.optim.Adam(model.parameters())
    )
    assert epochs[-1].train.loss < epochs[0].train.loss and epochs[-1].train.accuracy is None
    assert epochs[-1].train.n == epochs[-1].valid.n == 240 and epochs[-1].valid.metrics["right"] > 0.3
    with torch.no_grad():
        whole = loss(model(inputs), targets).item()
    assert tw.evaluate(model, data, loss=loss, batch_size=7)["loss"] == pytest.approx(whole, rel=1e-5)
    found = tw.predict(model, data, batch_size=100)
    assert type(found) is (dict if as_dict else tuple) and not any(each.requires_grad for each in (*found,) if not as_dict)
    assert torch.allclose(found["number" if as_dict else 1], model.number(inputs), atol=1e-6)
    assert not as_dict or found["none"] is None


# Arrays.


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_floating_arrays_take_the_type_of_the_parameters(dtype: torch.dtype) -> None:
    inputs, targets = (each.numpy() for each in blobs())
    inputs = inputs.astype(np.float64)
    found = []

    class Pairs(Dataset):
        def __len__(self) -> int:
            return len(inputs)

        def __getitem__(self, row: int):
            return inputs[row], int(targets[row])

    frozen = inputs.copy()
    frozen.flags.writeable = False
    batches = [(inputs[low : low + 64], targets[low : low + 64]) for low in range(0, 240, 64)]
    for data in ((inputs, targets), Pairs(), (frozen, targets[::-1][::-1]), (inputs.astype(">f8"), targets), batches):
        torch.manual_seed(0)
        model = nn.Linear(6, 3).to(dtype)
        train(model, data, shuffle=False)
        found.append(weights(model))
    assert all(torch.equal(each, found[0]) for each in found)
    kept = tw.predict(nn.Identity(), (torch.zeros(2, 1, dtype=torch.float64),), targets=False)
    assert kept.dtype == torch.float64  # tensors are taken as they are
    assert tw.predict(nn.Identity(), np.arange(3)).dtype == torch.int64


# Metrics.


def test_a_metric_sees_the_whole_split_once_an_epoch() -> None:
    calls = []

    def rows(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        calls.append((outputs.shape, targets.shape, outputs.device.type))
        return torch.tensor(float(len(targets)))

    def worst(outputs: torch.Tensor, targets: torch.Tensor) -> np.float32:
        return functional.cross_entropy(outputs, targets, reduction="none").max().numpy()[()]

    model, valid = nn.Linear(6, 3), blobs(100, 1)
    epochs = train(model, blobs(), valid=valid, metrics={"rows": rows, "worst": worst}, epochs=3, batch_size=32)
    assert calls == [((100, 3), (100,), "cpu")] * 3
    assert [event.valid.metrics["rows"] for event in epochs] == [100.0] * 3 and not epochs[0].train.metrics
    outputs = model(valid[0]).detach()
    assert tw.evaluate(model, valid, loss=nn.CrossEntropyLoss(), metrics={"worst": worst}) == {
        "loss": pytest.approx(functional.cross_entropy(outputs, valid[1]).item()),
        "accuracy": (outputs.argmax(1) == valid[1]).sum().item() / 100,
        "n": 100,
        "worst": pytest.approx(worst(outputs, valid[1])),
    }


@pytest.mark.parametrize(("monitor", "best"), [("score", 3), ("-score", 2)])
def test_a_metric_chooses_the_best_epoch(monitor: str, best: int) -> None:
    answers = iter([2.0, 1.0, 5.0, 4.0])
    model, seen, last = nn.Linear(6, 3), [], None
    score = {"score": lambda outputs, targets: next(answers)}
    for event in tw.fit(
        model, blobs(), valid=blobs(30, 1), loss=nn.CrossEntropyLoss(), metrics=score,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.1), monitor=monitor, epochs=4, progress=False,
    ):  # fmt: skip
        if isinstance(event, Epoch):
            seen.append(weights(model))
        last = event
    assert last.best_epoch == best and torch.equal(weights(model), seen[best - 1])


def test_metrics_that_cannot_be() -> None:
    def go(**options) -> None:
        train(nn.Linear(6, 3), blobs(), **({"valid": blobs(30, 1)} | options))

    count = {"count": lambda outputs, targets: len(targets)}
    refused("E619", go, metrics=count, valid=None)
    assert "Did you mean 'count'?" in refused("E320", go, metrics=count, monitor="cuont")
    refused("E320", go, metrics=count, monitor="-accuracy")
    refused("E320", go, metrics={"loss": len})
    refused("E320", go, metrics={"f1": 3})
    refused("E320", go, metrics=len)
    assert "'f1' gave a Tensor" in refused("E616", go, metrics={"f1": lambda outputs, targets: outputs})
    refused("E616", go, metrics={"f1": lambda outputs, targets: None})
    with pytest.raises(ZeroDivisionError):  # an error in the person's own code is theirs to see
        go(metrics={"f1": lambda outputs, targets: 1 / 0})


# Evaluation and prediction.


def test_predict_takes_inputs_with_and_without_targets() -> None:
    inputs, targets = blobs(100)
    model = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 3))
    model[2].eval()
    modes = [each.training for each in model.modules()]

    class Stream(IterableDataset):
        def __iter__(self):
            return iter(inputs)

    for data in (
        inputs, (inputs, targets), TensorDataset(inputs), TensorDataset(inputs, targets), list(inputs.split(30)), Stream(),
        DataLoader(TensorDataset(inputs, targets), 32), DataLoader(inputs, 32), inputs.numpy().astype(np.float64),
        (part for part in inputs.split(30)), [(inputs[:50], targets[:50]), (inputs[50:], targets[50:])], {"input": inputs},
    ):  # fmt: skip
        found = tw.predict(model, data, batch_size=32)
        assert [each.training for each in model.modules()] == modes
        expected = copy.deepcopy(model).eval()(inputs)
        assert torch.allclose(found, expected, atol=1e-6) and not found.requires_grad and not found.is_inference()
    assert tw.predict(Twice(), (inputs, torch.ones(100))).shape == (100, 3)
    assert tw.predict(Twice(), (inputs, torch.ones(100), targets)).shape == (100, 3)
    assert tw.predict(Named(), {"values": inputs, "mask": torch.ones(100)}).shape == (100, 3)
    assert tw.evaluate(model, ((each, other) for each, other in [(inputs, targets)]), loss=functional.cross_entropy)["n"] == 100


class Optional(nn.Module):
    """The second input may be left out."""

    def forward(self, inputs: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        return inputs if labels is None else inputs + labels


def test_predict_refuses_what_is_ambiguous(trained: tw.Run) -> None:
    data = (torch.zeros(4), torch.ones(4))
    both = {"inputs": data[0], "labels": data[1]}
    for each in (data, both):
        assert "both with" in refused("E617", tw.predict, Optional(), each)
        assert tw.predict(Optional(), each, targets=True).sum() == 0
        assert tw.predict(Optional(), each, targets=False).sum() == 4
    assert tw.predict(Optional(), both, target="labels").sum() == 0
    assert "neither" in refused("E617", tw.predict, nn.Identity(), (*data, data[0]))
    loader = DataLoader(TensorDataset(*data), 2, shuffle=True)
    refused("E618", tw.predict, nn.Identity(), loader)
    refused("E618", tw.predict, nn.Identity(), DataLoader(TensorDataset(*data), 3, drop_last=True))
    refused("E607", tw.predict, nn.Identity(), torch.zeros(0, 2))
    refused("E615", tw.predict, nn.Identity(), [torch.zeros(2, 3), torch.zeros(2, 4)])
    refused("E601", tw.predict, nn.Identity(), 3)
    refused("E320", tw.predict, trained, ["text"], batch_size=3)
    refused("E320", tw.evaluate, trained, loss=nn.MSELoss())
    refused("E320", tw.predict, 3, data)
    refused("E320", tw.evaluate, nn.Identity(), data, loss="mse")


def test_states_that_cannot_be() -> None:
    zero = lambda *inputs: torch.zeros(1)  # noqa: E731
    assert "returns a Tensor" in refused("E614", train, Twice(), blobs(), state=lambda inputs: torch.ones(len(inputs)))
    refused("E614", train, Named(), named(), state=zero)
    refused("E320", train, Twice(), blobs(), state=torch.zeros(1))


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


def test_outputs_keep_their_kind() -> None:
    class Two(nn.Module):
        def forward(self, inputs: torch.Tensor) -> Pair:
            return Pair(inputs, inputs.sum())

    found = tw.predict(Two(), torch.ones(5, 2), batch_size=2)
    assert isinstance(found, Pair) and found.first.shape == (5, 2) and found.second.tolist() == [4, 4, 2]


def test_packed_sequences_and_texts_are_handed_over_as_they_are() -> None:
    packed = nn.utils.rnn.pack_sequence([torch.ones(3, 1), torch.ones(2, 1)])

    class Sums(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def forward(self, values) -> torch.Tensor:
            rows = values if isinstance(values, tuple) and isinstance(values[0], str) else range(2)
            return self.layer(torch.tensor([[float(len(str(each)))] for each in rows]))

    texts = [(str(number), float(number)) for number in range(4)]
    for data in ([(packed, torch.zeros(2, 1))], DataLoader([(a, np.float32([b])) for a, b in texts], 2)):
        assert train(Sums(), data, loss=nn.MSELoss())[-1].train.n in (2, 4)


def test_steps_alone_say_how_long() -> None:
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    data = (torch.randn(8, 3), torch.randn(8, 1))
    *_, last = tw.fit(model, data, loss=nn.MSELoss(), optimizer=optimizer, steps=30, batch_size=4)
    assert (last.reason, last.step, last.epoch) == ("steps", 30, 15)


def test_the_order_of_a_loader_follows_from_the_seed_alone() -> None:
    data = DataLoader(TensorDataset(torch.arange(20.0)[:, None], torch.zeros(20, 1)), batch_size=5, shuffle=True)

    def order(drawn: int, seed: int) -> list[list[float]]:
        seen: list[list[float]] = []

        class Keep(nn.Linear):
            def forward(self, inputs):
                seen.append(inputs.flatten().tolist())
                return super().forward(inputs)

        torch.manual_seed(drawn)
        model = Keep(1, 1)
        list(
            tw.fit(model, data, loss=nn.MSELoss(), optimizer=torch.optim.SGD(model.parameters(), lr=1e-6), epochs=2, seed=seed)
        )
        return seen

    assert order(4, 0) == order(5, 0) != order(4, 1)
    assert order(4, 0)[:4] != order(4, 0)[4:]  # each epoch has an order of its own


def test_what_a_model_keeps_while_it_is_measured_can_be_trained_with() -> None:
    class Lazy(nn.Linear):
        table = None

        def forward(self, inputs):
            if self.table is None:
                self.table = torch.ones(3) * 2
            return super().forward(inputs * self.table)

    model = Lazy(3, 1)
    data = (torch.randn(8, 3), torch.randn(8, 1))
    tw.evaluate(model, data, loss=nn.MSELoss())
    list(tw.fit(model, data, loss=nn.MSELoss(), optimizer=torch.optim.SGD(model.parameters(), lr=0.01)))
