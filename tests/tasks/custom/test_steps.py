"""Steps of a person's own: the numbers of loops written by hand, and refusals that leave no trace."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import trainwright as tw
from trainwright.training.own_step import Update

X = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] * X[:, 1] > 0).long()


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(each, other[name]) for name, each in one.items())


def go(model: Any, step: Any, optimizer: Any, data: Any = (X, Y), **more: Any) -> list[Any]:
    more = {"epochs": 2, "batch_size": 20, "shuffle": False, "progress": False} | more
    return list(tw.fit(model, data, step=step, optimizer=optimizer, **more))


def test_two_optimizers_move_as_in_a_loop_by_hand() -> None:
    def networks() -> tuple[nn.Module, nn.Module, Any, Any]:
        torch.manual_seed(2)
        made, judge = nn.Linear(4, 4), nn.Linear(4, 1)
        return made, judge, torch.optim.Adam(made.parameters(), lr=0.01), torch.optim.Adam(judge.parameters(), lr=0.02)

    def losses(made: nn.Module, judge: nn.Module, rows: Tensor) -> tuple[Tensor, Tensor]:
        fake = made(rows.flip(0))
        d = functional.softplus(-judge(rows)).mean() + functional.softplus(judge(fake.detach())).mean()
        return d, functional.softplus(-judge(fake)).mean()

    made, judge, first, second = networks()

    def step(batch: Any, update: Update) -> dict[str, Any]:
        d, g = losses(made, judge, batch[0])
        update.minimize(d, second)
        g = update.minimize(losses(made, judge, batch[0])[1], first)
        return {"loss": d.detach() + g, "d": d.detach(), "g": g, "accuracy": 0.5}

    events = go({"made": made, "judge": judge}, step, [first, second], DataLoader(TensorDataset(X), 25))
    hand, other, one, two = networks()
    sums = []
    for _ in range(2):
        total = torch.zeros(2, dtype=torch.float64)
        for rows in X.split(25):
            d, _ = losses(hand, other, rows)
            two.zero_grad()
            d.backward()
            two.step()
            g = losses(hand, other, rows)[1]
            one.zero_grad()
            g.backward()
            one.step()
            total += torch.tensor([d.item(), g.item()], dtype=torch.float64) * len(rows)
        sums.append((total / len(X)).tolist())
    assert alike(made.state_dict(), hand.state_dict()) and alike(judge.state_dict(), other.state_dict())
    epochs = [event for event in events if event.kind == "epoch"]
    for epoch, (d, g) in zip(epochs, sums, strict=True):  # every number is a sum over a count: the last batch has 10 rows
        assert epoch.train.metrics == pytest.approx({"d": d, "g": g, "accuracy": 0.5}, rel=1e-6)
        assert epoch.train.loss == pytest.approx(d + g, rel=1e-6) and epoch.train.n == 60
    steps = [event for event in events if event.kind == "step"]
    assert [each.rows for each in steps] == [25, 25, 10] * 2 and all({"d", "g"} < each.parts.keys() for each in steps)


def test_lbfgs_moves_as_in_a_loop_by_hand_and_is_validated() -> None:
    model, hand = network(), network()
    settings = {"lr": 0.5, "max_iter": 5, "line_search_fn": "strong_wolfe"}
    optimizer = torch.optim.LBFGS(model.parameters(), **settings)

    def step(batch: Any, update: Update) -> Tensor:
        return update.minimize(lambda: functional.cross_entropy(model(batch[0]), batch[1]))

    events = go(model, step, optimizer, loss=nn.CrossEntropyLoss(), valid=(X, Y), batch_size=60, epochs=3)
    other = torch.optim.LBFGS(hand.parameters(), **settings)

    def closure() -> Tensor:
        other.zero_grad()
        loss = functional.cross_entropy(hand(X), Y)
        loss.backward()
        return loss

    found = [other.step(closure).item() for _ in range(3)]
    assert [event.loss for event in events if event.kind == "step"] == found
    assert alike(model.state_dict(), hand.state_dict()) and events[-1].best_epoch == 3
    assert [event.valid.accuracy for event in events if event.kind == "epoch"][-1] > 0.6


def test_gradients_made_by_hand_are_clipped() -> None:
    model, norms = network(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)

    def step(batch: Any, update: Update) -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(batch["x"]), batch["y"])
        (100 * loss).backward()
        before = torch.nn.utils.get_total_norm([each.grad for each in model.parameters()])
        assert update.clip() == pytest.approx(before.item(), rel=1e-5)
        norms.append(torch.nn.utils.get_total_norm([each.grad for each in model.parameters()]).item())
        optimizer.step()
        return loss

    events = go(model, step, optimizer, {"x": X, "y": Y}, clip=0.25, epochs=1)
    assert norms == pytest.approx([0.25] * 3, rel=1e-4)
    assert all(event.norm > 1 for event in events if event.kind == "step")


@pytest.mark.parametrize("where", ["loss", "gradient", "parameter"])
def test_a_refused_step_leaves_no_trace_though_one_optimizer_has_moved(where: str) -> None:
    model, head = network(), nn.Linear(2, 2)
    first, second = torch.optim.Adam(model.parameters(), lr=0.01), torch.optim.LBFGS(head.parameters(), max_iter=3)
    before: dict[str, Any] = {}

    def state() -> dict[str, Any]:
        parts = {"model": model, "head": head, "first": first, "second": second}
        return {name: copy.deepcopy(each.state_dict()) for name, each in parts.items()}

    def step(batch: Any, update: Update) -> Tensor:
        if update.number == 3:
            before.update(state())
        update.minimize(functional.cross_entropy(model(batch[0]), batch[1]), first)
        update.minimize(lambda: functional.cross_entropy(head(model(batch[0]).detach()), batch[1]), second)
        loss = functional.cross_entropy(model(batch[0]), batch[1])
        if update.number == 3 and where == "parameter":
            with torch.no_grad():
                head.bias[0] = torch.inf
        elif update.number == 3:
            value = loss * torch.nan if where == "loss" else loss + (model[0].weight * 0).sum().sqrt()
            update.minimize(value, first)
        return loss

    events = tw.fit(
        {"model": model, "head": head}, (X, Y), step=step, optimizer={"first": first, "second": second}, batch_size=20,
        shuffle=False, epochs=2, progress=False,
    )  # fmt: skip
    with pytest.raises(tw.TrainwrightError) as caught:
        list(events)
    assert caught.value.code == "E501" and where in caught.value.what
    after = state()
    assert repr(after) == repr(before)  # all of LBFGS's lists too
    for name in ("model", "head"):
        assert alike(after[name], before[name])


def test_a_refused_step_is_skipped() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(batch: Any, update: Update) -> Tensor:
        return update.minimize(functional.cross_entropy(model(batch[0]), batch[1]) / (update.number != 2))

    events = go(model, step, optimizer, on_nonfinite="skip", epochs=1)
    assert [event.kind for event in events if event.kind in ("step", "refused")] == ["step", "refused", "step"]


def refused(code: str, model: Any, step: Any, optimizer: Any, **more: Any) -> str:
    with pytest.raises(tw.TrainwrightError) as caught:
        go(model, step, optimizer, **more)
    assert caught.value.code == code
    return str(caught.value)


def test_what_a_step_cannot_be() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(batch: Any, update: Update) -> Any:
        return update.minimize(functional.cross_entropy(model(batch[0]), batch[1]))

    for more in ({"accumulate": 2}, {"graph": True}, {"precision": "bfloat16"}, {"state": lambda x: x}):
        assert next(iter(more)) in refused("E640", model, step, optimizer, **more)
    assert "def step" in refused("E645", model, None, torch.optim.LBFGS(model.parameters()), loss=nn.CrossEntropyLoss())
    refused("E640", model, None, [optimizer, optimizer], loss=nn.CrossEntropyLoss())
    refused("E640", {"a": model}, step, optimizer, valid=(X, Y), loss=nn.CrossEntropyLoss())
    refused("E320", model, "step", optimizer)
    refused("E320", {"a": "no module"}, step, optimizer)
    refused("E609", nn.Linear(2, 2), step, optimizer)
    refused("E608", model, step, {"a": "SGD"})
    refused("E608", model, step, [])
    stranger = torch.optim.SGD(model.parameters(), lr=0.1)
    refused("E643", model, lambda batch, update: update.minimize(torch.zeros(()), stranger), optimizer)
    refused("E628", model, lambda batch, update: update.minimize(model(batch[0]).detach().sum()), optimizer)
    for returned in (None, {"d": 1.0}, {"loss": "low"}, torch.zeros(3), {"loss": 1.0, "d": torch.zeros(2)}):
        refused("E644", model, lambda batch, update, found=returned: found, optimizer)
    with pytest.raises(ZeroDivisionError):  # the person's own mistakes are the person's own
        go(model, lambda batch, update: 1 / 0, optimizer)


def test_check_does_not_look_at_a_step() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(tw.TrainwrightError) as caught:
        tw.check(model, (X, Y), optimizer=[optimizer], step=lambda batch, update: 0.0)
    assert caught.value.code == "E640"
    assert tw.check(model, (X, Y), optimizer=[optimizer], loss=nn.CrossEntropyLoss()) is not None


def test_what_never_moves_is_said() -> None:
    model = network()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    said = [event for event in go(model, lambda batch, update: 0.5, sgd) if event.kind == "note" and event.what == "not moved"]
    assert [each.value for each in said] == ["4 of 4 parameters"] and "0.weight" in said[0].why
    head = torch.optim.SGD(model[2].parameters(), lr=0.1)
    plain = list(tw.fit(model, (X, Y), loss=nn.CrossEntropyLoss(), optimizer=head, epochs=2, progress=False))
    assert [each.value for each in plain if each.kind == "note" and each.what == "not moved"] == ["2 of 4 parameters"]
    whole = torch.optim.SGD(model.parameters(), lr=0.1)
    fine = tw.fit(model, (X, Y), loss=nn.CrossEntropyLoss(), optimizer=whole, epochs=1, progress=False)
    assert not any(each.kind == "note" and each.what == "not moved" for each in fine)


def test_a_training_that_goes_on_behind_an_epoch_warns_of_nothing(tmp_path: Path) -> None:
    def events(**more: Any) -> Any:
        torch.manual_seed(3)
        model = network()
        sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        falling = torch.optim.lr_scheduler.StepLR(sgd, 1)
        how = {"epochs": 3, "schedule": falling, "checkpoint_every": "1epoch", "progress": False}
        return tw.fit(model, (X, Y), loss=nn.CrossEntropyLoss(), optimizer=sgd, out=tmp_path / "run", **how, **more)

    first = events()
    assert next(each for each in first if each.kind == "saved")
    first.close()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert [each.kind for each in events(resume=True)][-1] == "finished"
    assert not [each for each in caught if "lr_scheduler" in str(each.message)]
