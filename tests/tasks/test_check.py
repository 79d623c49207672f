"""``check``: each planted defect is named, healthy models of every kind pass, and nothing of a look is left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from calls import call, talk
from samples import news_rows, write_csv
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import trainwright as tw
from trainwright.run import beforehand
from trainwright.watch.checkup import Checkup


def blobs(rows: int = 400, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, 3, (rows,), generator=generator)
    centres = torch.tensor([[2.0, 0, 0, 0, 0, 0], [0, 2.0, 0, 0, 0, 0], [0, 0, 2.0, 0, 0, 0]])
    return torch.randn(rows, 6, generator=generator) + centres[targets], targets


def network(*between: nn.Module) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), *between, nn.Linear(32, 3))


class Cut(nn.Module):
    """Hands its input on without the graph."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.detach()


class Centred(nn.Module):
    """Takes the mean over the rows of the batch."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs - inputs.mean(0)


class Blind(nn.Module):
    """Does not use what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.bias.expand(len(inputs), 3)


def look(model: nn.Module, data: Any = None, lr: float = 0.05, loss: Any = None, **options: Any) -> Checkup:
    optimizer = options.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    data = blobs() if data is None else data
    return tw.check(model, data, loss=loss or nn.CrossEntropyLoss(), optimizer=optimizer, **options)


def names(found: Checkup) -> list[str]:
    return [each.name for each in found.findings]


def frozen() -> nn.Sequential:
    model = network()
    model[0].requires_grad_(False)
    return model


def dead() -> nn.Sequential:
    model = network()
    nn.init.constant_(model[0].bias, -50.0)
    return model


def large() -> nn.Sequential:
    model = network()
    nn.init.normal_(model[2].weight, std=30.0)
    return model


X, Y = blobs()
DEFECTS: dict[str, tuple[Callable[[], Checkup], str, str]] = {
    "detached head": (lambda: look(network(Cut())), "no gradient", "0.weight, 0.bias"),
    "frozen layer": (lambda: look(frozen()), "frozen", "0.weight, 0.bias"),
    "not given to the optimiser": (
        lambda: look(model := network(), optimizer=torch.optim.SGD(model[2].parameters(), lr=0.1)),
        "frozen",
        "0.weight, 0.bias",
    ),
    "lr = 0": (lambda: look(network(), lr=0.0), "lr", "no parameter moves at lr=0"),
    "a group without a rate": (
        lambda: look(
            model := network(),
            optimizer=torch.optim.SGD(
                [{"params": model[0].parameters(), "lr": 0.0}, {"params": model[2].parameters()}], lr=0.1
            ),
        ),
        "lr",
        "0.weight, 0.bias do not move",
    ),
    "lr too high": (lambda: look(network(), lr=300.0), "lr", "too high"),
    "lr too low": (lambda: look(network(), lr=1e-7), "lr", "too low"),
    "dead units": (lambda: look(dead(), valid=blobs(200, 1)), "dead units", "of 1 give 0 for all rows"),
    "softmax before the loss": (lambda: look(nn.Sequential(network(), nn.Softmax(1))), "softmax", "logits"),
    "relu before the loss": (lambda: look(nn.Sequential(network(), nn.ReLU())), "relu", "last ReLU"),
    "log-probabilities missing": (lambda: look(network(), loss=nn.NLLLoss()), "logits", "CrossEntropyLoss"),
    "inputs not scaled": (lambda: look(network(), (X * 500 + 2000, Y)), "inputs", "not scaled"),
    "first outputs too large": (lambda: look(large()), "first loss", "instead of about 1.09"),
    "outputs without inputs": (lambda: look(Blind()), "outputs", "the same for every row"),
    "rows that depend on their batch": (lambda: look(network(Centred())), "batch", "with the other rows of its batch"),
    "swapped labels": (
        lambda: look(network(), valid=(blobs(300, 1)[0], torch.tensor([1, 0, 2])[blobs(300, 1)[1]])),
        "labels",
        "rows of '0' are answered '1', rows of '1' are answered '0'",
    ),
    "random labels": (
        lambda: look(network(), (X, Y[torch.randperm(400)]), valid=(blobs(300, 1)[0], blobs(300, 2)[1]), epochs=20),
        "no signal",
        "by chance",
    ),
    "classes beyond the outputs": (lambda: look(network(), (X, Y + 1)), "refused", "class"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_is_named(defect: str) -> None:
    run, name, told = DEFECTS[defect]
    found = run()
    assert name in names(found), found
    assert told in " ".join(" ".join(each) for each in found.findings if each.name == name)
    assert len(names(found)) <= 3 and all(each.cause and each.mend for each in found.findings)


def test_no_rate_is_blamed_where_gradients_are_missing_and_an_own_optimiser_is_named() -> None:
    assert names(look(network(Cut()), lr=1e-7)) == ["no gradient"]
    (finding,) = look(network(), lr=0.0).findings
    assert "optimiser a rate above 0" in finding.mend and "derived" not in finding.mend


def norm() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 3))


class Recurrent(nn.Module):
    """Carries a hidden state."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.GRUCell(6, 16), nn.Linear(16, 3)

    def forward(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        state = self.cell(inputs, state)
        return self.head(state), state


HEALTHY: dict[str, Callable[[], Checkup]] = {
    "network": lambda: look(network(), valid=blobs(200, 1)),
    "norm and dropout": lambda: look(norm(), valid=blobs(200, 1)),
    "adam, schedule": lambda: look(
        model := network(),
        optimizer=(optimizer := torch.optim.AdamW(model.parameters(), lr=0.003)),
        schedule=torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.003, total_steps=35),
        schedule_every="step",
        epochs=5,
    ),
    "numbers": lambda: look(nn.Linear(6, 1), (X, X[:, :1] + 0.1), lr=0.02, loss=nn.MSELoss(), valid=(X[:99], X[:99, :1])),
    "two classes": lambda: look(nn.Linear(6, 1), (X, (Y[:, None] == 1).float()), loss=nn.BCEWithLogitsLoss()),
    "loader": lambda: look(network(), DataLoader(TensorDataset(X, Y), 32, shuffle=True), valid=blobs(99, 1)),
    "a loss of one's own": lambda: look(network(), loss=lambda outputs, targets: nn.functional.cross_entropy(outputs, targets)),
    "state": lambda: look(Recurrent(), state=lambda inputs: inputs.new_zeros(len(inputs), 16), batch_size=40),
}


@pytest.mark.parametrize("model", HEALTHY)
def test_healthy_models_pass(model: str) -> None:
    found = HEALTHY[model]()
    assert found.passed, found
    told = {each.what: each for each in found.checked}
    assert {"gradient", "rate"} <= told.keys()
    if model == "network":
        assert told["batch independence"].value.startswith("largest change")
        assert "8 rows' outputs when 8 other rows stand beside them" in told["batch independence"].why
        assert "after training on shuffled ones" in told["shuffled labels"].why


class Wrapped(nn.Module):
    """Gives its outputs and its loss in an object, as models of other libraries do."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network()

    def forward(self, x: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        logits = self.inner(x)
        return {"logits": logits} | ({} if labels is None else {"loss": nn.functional.cross_entropy(logits, labels)})


def test_what_cannot_be_asked_about_is_refused_and_what_can_in_part_is_not() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(tw.TrainwrightError, match="E640"):
        tw.check(model, blobs(), loss=nn.CrossEntropyLoss(), optimizer=optimizer, step=lambda batch, update: None)
    model.kept = (each for each in range(3))  # type: ignore[assignment]
    with pytest.raises(tw.TrainwrightError, match="E365"):
        look(model)
    whole = Wrapped()
    rows = {"x": X, "labels": Y}
    found = tw.check(whole, rows, loss=None, optimizer=torch.optim.SGD(whole.parameters(), lr=0.1), valid=rows)
    assert found.passed, found


def test_nothing_of_a_look_is_left() -> None:
    def train(looked: bool) -> list[Tensor]:
        model = norm()
        loader = DataLoader(TensorDataset(X, Y), 32, shuffle=True, generator=torch.Generator().manual_seed(3))
        optimizer = torch.optim.Adam(model.parameters())
        torch.manual_seed(7)
        if looked:
            assert look(model, loader, optimizer=optimizer, valid=blobs(99, 1)).checked
            assert not optimizer.state and all(each.grad is None for each in model.parameters())
        drawn = torch.rand(3)
        list(tw.fit(model, loader, loss=nn.CrossEntropyLoss(), optimizer=optimizer, epochs=2))
        return [drawn, *(each.detach().clone() for each in model.state_dict().values())]

    assert all(map(torch.equal, train(False), train(True)))


def test_a_long_training_is_looked_at_by_itself_and_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(name: str, **settings: Any) -> tuple[list[str], dict[str, Any]]:
        told: list[str] = []
        run = tw.train(
            table(300),
            label="answer",
            epochs=2,
            out=tmp_path / name,
            listen=lambda event: told.append(f"{event.what}: {event.value}") if event.kind == "note" else None,
            **settings,
        )
        return [each for each in told if each.startswith("check")], run.model.state_dict()

    short, before = train("short")
    monkeypatch.setattr(beforehand, "UPDATES", 1)
    monkeypatch.setattr(beforehand, "LONG", 0.0)
    monkeypatch.setattr(beforehand, "SHARE", 1e6)
    long, after = train("long")
    assert not short and long == ["check: nothing found"]
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert tw.load(tmp_path / "long").report["seconds"]["check"] > 0
    assert train("wrong", lr=10.0)[0][0].startswith("check: lr: the loss of one batch rises")


def table(rows: int, seed: int = 0) -> pl.DataFrame:
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(rows, 3))
    answers = np.where(values[:, 0] + values[:, 1] > 0, "yes", "no")
    return pl.DataFrame({"a": values[:, 0], "b": values[:, 1], "c": values[:, 2], "answer": answers})


@pytest.mark.parametrize("label", ["answer", "a"])
def test_tables_pass(label: str) -> None:
    frame = table(500) if label == "answer" else table(500).with_columns(a=pl.col("b") * 2 + pl.col("c"))
    found = tw.check(frame, label=label)
    assert found.passed, found
    assert {"first loss", "gradient", "rate", "by heart", "signal", "shuffled labels"} <= {each.what for each in found.checked}


def test_swapped_labels_of_a_file_are_told_by_name() -> None:
    swapped = table(200, 1).with_columns(answer=pl.col("answer").replace({"yes": "no", "no": "yes"}))
    found = tw.check(table(500), valid=swapped, label="answer")
    assert names(found) == ["labels"] and "rows of 'no' are answered 'yes'" in found.findings[0].found


def test_random_labels_have_no_signal_and_what_is_frozen_by_a_setting_is_none_of_it() -> None:
    frame = table(2000).with_columns(pl.col("answer").shuffle(seed=1))
    assert names(tw.check(frame, label="answer")) == ["no signal"]
    assert tw.check(table(500), label="answer", model={"name": "mlp"}, freeze=["trunk.0"]).passed


def test_text_passes(tmp_path: Path) -> None:
    found = tw.check(write_csv(tmp_path / "news.csv", news_rows(600)))
    assert found.passed, found


def test_running_text_passes(tmp_path: Path) -> None:
    (tmp_path / "novel.txt").write_text("the cat sat on the mat and the dog ran to the cat\n" * 400)
    found = tw.check(tmp_path / "novel.txt", context=16, batch_size=4, model={"name": "gpt", "width": 32, "layers": 1})
    assert found.passed, found


def test_the_command_says_it_and_its_code_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.csv"
    table(400).write_csv(path)
    out, _, code = talk(capsys, monkeypatch, "check", path, "label=answer")
    assert code == 0 and "nothing was found to be wrong" in out
    ended = call("check", path, "label=answer", "lr=0", "--json", cwd=tmp_path, code=2)
    told = json.loads(ended.stdout.splitlines()[-1])
    assert ended.stderr.startswith("E366") and [each["name"] for each in told["findings"]] == ["lr"]
    assert {"name", "found", "cause", "mend"} == set(told["findings"][0]) and told["checked"]
    assert list(tmp_path.iterdir()) == [path]
