"""What networks that grow promise, in the place of those that learn by gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from trainwright.conformance.cases import Case


def it_grows_by_a_batch(case: Case) -> None:
    """Check that a batch which it grows by is learned by heart, without parameters, and that a row's output stays its own."""
    network, rows = case.grown(40), case.rows(8)
    assert not list(network.parameters()), "it has parameters, which no update moves"
    loss = case.loss(network, rows).item()
    assert loss < 0.1, f"loss {loss:.2f} after 40 updates"
    for number, row in enumerate(rows[:3]):
        assert torch.equal(case.run(network, [row])[0], case.run(network, rows)[number]), f"row {number} alone is another"


def it_grows_on_where_it_is_loaded(case: Case) -> None:
    """Check that a network which is loaded grows on to the same bits as one that never stopped."""
    one, other = case.grown(6), case.build()
    other.load_state_dict(case.grown(4).state_dict())
    case.grow(other, 2)
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), f"{name} differs"


def what_no_training_makes_is_refused(case: Case) -> None:
    """Check that buffers which are cut off, or whose whole numbers are too large, are not loaded."""
    state = case.grown(3).state_dict()
    for name, value in state.items():
        if value.numel() and not value.is_floating_point() and not name.startswith(("missing", "bits")):
            _refused(case, state | {name: value + (1 << 20)}, f"{name} out of range")
        if value.numel() and not name.startswith(("bits", "tokens")):
            _refused(case, state | {name: value[:-1]}, f"{name} cut off")


def _refused(case: Case, state: dict[str, Tensor], what: str) -> None:
    try:
        case.build().load_state_dict(state)
    except (ValueError, RuntimeError):
        return
    raise AssertionError(what)


GROWN_CHECKS = (it_grows_by_a_batch, it_grows_on_where_it_is_loaded, what_no_training_makes_is_refused)
