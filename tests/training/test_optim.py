"""Everything torch offers by its own name and arguments, and mistakes in them named before a run begins."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

import trainwright as tw
from trainwright.config.settings import Named, Schedule
from trainwright.errors import SettingError
from trainwright.training.losses import CLASS_NUMBERS, LOSSES, ONE_HOT, labels_objective, make_objective, number_objective
from trainwright.training.optim import OPTIMIZERS, SCHEDULES, lean_step, make_optimizer, make_schedules

ARGUMENTS = {
    "StepLR": {"step_size": 3},
    "MultiStepLR": {"milestones": [2, 4]},
    "ExponentialLR": {"gamma": 0.5},
    "OneCycleLR": {"max_lr": 0.5},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1, "cycle_momentum": False},
    "CosineAnnealingWarmRestarts": {"T_0": 4},
}


def parameters() -> list[nn.Parameter]:
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(6, 4))]


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_optimizer_makes_its_own_step(name: str) -> None:
    kind = OPTIMIZERS[name]
    ours, theirs = parameters(), parameters()
    groups = [{"params": each, "hidden": True, "factor": 1.0} for each in (ours, theirs)]
    optimizer = make_optimizer(Named(name=name), groups[:1], 0.01)
    reference = kind(groups[1:], lr=0.01)
    step = lean_step(optimizer)
    for _ in range(3):
        for each in (ours, theirs):
            each[0].grad = torch.sin(each[0].detach())
        step()
        reference.step()
    assert torch.allclose(ours[0], theirs[0], atol=1e-6) and not torch.equal(ours[0], parameters()[0])


def test_a_step_with_hooks_keeps_them() -> None:
    optimizer = torch.optim.SGD(parameters(), lr=0.1)
    called = []
    optimizer.register_step_post_hook(lambda *_: called.append(1))
    optimizer.param_groups[0]["params"][0].grad = torch.ones(6, 4)
    lean_step(optimizer)()
    assert called


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_every_schedule_runs(name: str) -> None:
    optimizer = make_optimizer(Named(name="SGD", momentum=0.9), parameters(), 0.1)
    entry = Schedule(name=name, **ARGUMENTS.get(name, {}))
    made = make_schedules([entry], 0.0, optimizer, steps=8, epochs=2)
    rates = []
    for step in range(8):
        optimizer.param_groups[0]["params"][0].grad = torch.zeros(6, 4)
        lean_step(optimizer)()
        made[0].advance(1.0 + step)
        rates.append(optimizer.param_groups[0]["lr"])
    assert len(set(rates)) > 1 or name in ("ConstantLR", "ReduceLROnPlateau", "MultiStepLR"), rates


def test_schedules_work_together_after_a_warm_up() -> None:
    optimizer = make_optimizer(Named(name="SGD"), parameters(), 1.0)
    entries = [Schedule(name="StepLR", step_size=6, gamma=0.5), Schedule(name="ExponentialLR", every="epoch", gamma=0.1)]
    warm, by_step, by_epoch = make_schedules(entries, 3, optimizer, steps=12, epochs=2)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in range(1, 13):
            rates.append(round(optimizer.param_groups[0]["lr"], 6))
            lean_step(optimizer)()
            warm.advance(0)
            by_step.advance(0)
            if step % 6 == 0:
                by_epoch.advance(0)
    assert rates == [0.25, 0.5, 0.75, 1, 1, 1, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05]


def test_the_length_of_the_run_is_filled_in() -> None:
    optimizer = make_optimizer(Named(name="SGD"), parameters(), 1.0)
    made = make_schedules([Schedule(name="LinearLR", start_factor=1.0, end_factor=0.0)], 0.0, optimizer, steps=4, epochs=1)
    rates = []
    for _ in range(4):
        rates.append(optimizer.param_groups[0]["lr"])
        lean_step(optimizer)()
        made[0].advance(0)
    assert rates == pytest.approx([1, 0.75, 0.5, 0.25]) and optimizer.param_groups[0]["lr"] == 0


def test_whole_numbers_are_weights_too() -> None:
    logits, targets = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3
    whole = make_objective(Named(name="CrossEntropyLoss", weight=[1, 2, 3]), 0.0, None, 3)
    assert whole(logits, targets)[0] == nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0]))(logits, targets)


def test_arguments_that_fail_after_many_steps_are_named_then() -> None:
    (late,) = make_schedules(
        [Schedule(name="OneCycleLR", max_lr=1, total_steps=1500)], 0, torch.optim.Adam(parameters()), 2000, 1
    )
    late.schedule.optimizer.step()
    with pytest.raises(SettingError, match=r"E312.*OneCycleLR"):
        for _ in range(2000):
            late.advance(0.0)


def test_an_optimizer_that_overflows_after_some_steps_is_named_then() -> None:
    model = nn.Linear(3, 2)
    optimizer = make_optimizer(Named(name="ASGD", lambd=1.0, alpha=3e3), list(model.parameters()), 0.1)
    data = torch.randn(16, 3), torch.arange(16) % 2
    with pytest.raises(SettingError, match=r"E312.*ASGD"):
        list(tw.fit(model, data, loss=nn.CrossEntropyLoss(), optimizer=optimizer, batch_size=4, epochs=5))


@pytest.mark.parametrize("name", CLASS_NUMBERS + ONE_HOT)
def test_losses_of_a_classifier(name: str) -> None:
    logits = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    mean, weight = make_objective(Named(name=name), 0.0, None, 3)(logits, torch.arange(8) % 3)
    mean.backward()
    assert weight == 8 and logits.grad is not None and logits.grad.isfinite().all()


def test_every_loss_of_torch_is_known_or_refused_by_name() -> None:
    for name in LOSSES:
        if name not in CLASS_NUMBERS + ONE_HOT:
            with pytest.raises(SettingError) as caught:
                make_objective(Named(name=name), 0.0, None, 3)
            assert caught.value.code == "E313" and name in str(caught.value)


@pytest.mark.parametrize(
    ("make", "code", "says"),
    [
        (lambda o: make_optimizer(Named(name="Adm"), parameters(), 0.1), "E310", "Did you mean 'Adam'"),
        (lambda o: make_optimizer(Named(name="LBFGS"), parameters(), 0.1), "E310", "unknown optimizer"),
        (lambda o: make_optimizer(Named(name="SGD", momentom=1), parameters(), 0.1), "E311", "momentum"),
        (lambda o: make_optimizer(Named(name="SGD", lr=1), parameters(), 0.1), "E311", "lr"),
        (lambda o: make_optimizer(Named(name="SGD", momentum=-1), parameters(), 0.1), "E312", "momentum"),
        (lambda o: make_optimizer(Named(name="Adam", betas="x"), parameters(), 0.1), "E312", "Adam"),
        (lambda o: make_schedules([Schedule(name="StepsLR")], 0, o, 1, 1), "E310", "StepLR"),
        (lambda o: make_schedules([Schedule(name="LambdaLR")], 0, o, 1, 1), "E310", "LambdaLR"),
        (lambda o: make_schedules([Schedule(name="StepLR")], 0, o, 1, 1), "E319", "schedule.step_size"),
        (lambda o: make_schedules([Schedule(name="StepLR", step_size="x")], 0, o, 1, 1), "E312", "StepLR"),
        (lambda o: make_optimizer(Named(name="Adam", betas=[0.9]), parameters(), 0.1), "E312", "Adam"),
        (lambda o: make_optimizer(Named(name="RMSprop", capturable=True), parameters(), 0.1), "E312", "capturable"),
        (lambda o: make_optimizer(Named(name="Adafactor", eps=[1, 2, 3]), parameters(), 0.1), "E312", "unpack"),
        (lambda o: make_optimizer(Named(name="Adagrad", initial_accumulator_value=10**30), parameters(), 0.1), "E312", "big"),
        (lambda o: make_schedules([Schedule(name="StepLR", step_size=0)], 0, o, 1, 1), "E312", "zero"),
        (lambda o: make_schedules([Schedule(name="CosineAnnealingLR", T_max=0)], 0, o, 1, 1), "E312", "zero"),
        (lambda o: make_schedules([Schedule(name="PolynomialLR", power=-5)], 0, o, 9, 1), "E312", "PolynomialLR"),
        (lambda o: make_schedules([Schedule(name="OneCycleLR", max_lr=1, total_steps=5)], 0, o, 9, 1), "E312", "steps"),
        (lambda o: make_schedules([Schedule(name="StepLR", step_size=1, last_epoch=1)], 0, o, 1, 1), "E311", "last_epoch"),
        (lambda o: make_objective(Named(name="CrossEntropyLoss", weight=[1, 2, 3, 4]), 0, None, 3), "E312", "weight"),
        (lambda o: make_objective(Named(name="BCEWithLogitsLoss", pos_weight=[1, 2]), 0.0, None, 3), "E312", "size"),
        (lambda o: make_objective(Named(name="CrossEntropyLoss", label_smoothing=2), 0.0, None, 3), "E312", "label_smoothing"),
        (lambda o: make_objective(Named(name="NLLLoss", ignore_index="x"), 0.0, None, 3), "E312", "ignore_index"),
        (
            lambda o: make_objective(Named(name="CrossEntropyLoss", weight=[1, 2, 3]), 0, torch.ones(3), 3),
            "E313",
            "class_weights",
        ),
        (lambda o: labels_objective(Named(name="BCEWithLogitsLoss", pos_weight=[1, 2]), None, 3), "E312", "size"),
        (lambda o: number_objective(Named(name="HuberLoss", delta="x")), "E312", "delta"),
        (lambda o: make_objective(Named(name="CrossEntropy"), 0, None, 3), "E310", "CrossEntropyLoss"),
        (lambda o: make_objective(Named(name="CrossEntropyLoss", reduction="sum"), 0, None, 3), "E311", "reduction"),
        (lambda o: make_objective(Named(name="MultiMarginLoss"), 0.1, None, 3), "E313", "label_smoothing"),
        (lambda o: make_objective(Named(name="MSELoss"), 0.0, torch.ones(3), 3), "E313", "class_weights"),
    ],
)
def test_mistakes_are_named(make, code: str, says: str) -> None:
    with pytest.raises(SettingError) as caught:
        make(torch.optim.SGD(parameters(), lr=0.1))
    assert caught.value.code == code and says in str(caught.value)
