"""Augmentation: a pure function of seed, epoch and row."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.config.settings import AUGMENTATIONS
from trainwright.data.batches.shuffle import step_seed
from trainwright.data.images.augment import Augment, random_bits

MASK = (1 << 64) - 1


def images(count: int, size: tuple[int, int, int] = (3, 16, 12)) -> torch.Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.randint(1, 256, (count, *size), generator=draw, dtype=torch.uint8)


def change(names: list[str], given: torch.Tensor, epoch: int = 0, rows: torch.Tensor | None = None, seed: int = 3):
    targets = torch.arange(len(given)) % 4
    return Augment(names, seed, 4)(given, targets, epoch, torch.arange(len(given)) if rows is None else rows)


def splitmix(state: int) -> int:
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & MASK
    return state ^ (state >> 31)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 1000), st.integers(0, 2**40))
def test_random_numbers_are_those_of_splitmix64(seed: int, epoch: int, row: int) -> None:
    golden = 0x9E3779B97F4A7C15
    state = splitmix((step_seed(seed, epoch) + (row + 1) * golden) & MASK)
    expected = [splitmix((state + (draw + 1) * golden) & MASK) >> 40 for draw in range(3)]
    assert random_bits(seed, epoch, torch.tensor([row]), 3).tolist() == [expected]


def test_random_numbers_are_even() -> None:
    bits = random_bits(0, 0, torch.arange(20_000), 4).double() / 2**24
    assert ((bits >= 0) & (bits < 1)).all()
    assert torch.allclose(bits.mean(0), torch.full((4,), 0.5, dtype=torch.float64), atol=0.01)
    assert (torch.corrcoef(bits.T) - torch.eye(4)).abs().max() < 0.03
    later = random_bits(0, 1, torch.arange(20_000), 4).double() / 2**24
    assert (torch.corrcoef(torch.cat([bits, later], dim=1).T) - torch.eye(8)).abs().max() < 0.03


@pytest.mark.parametrize("name", [name for name in AUGMENTATIONS if name != "mixup"] + ["shift flip crop cutout"])
def test_a_row_is_changed_the_same_way_in_any_batch(name: str) -> None:
    given, random = images(40), torch.get_rng_state()
    together, _ = change(name.split(), given, epoch=2)
    assert not torch.equal(together, given)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    for part in order.split(7):
        assert torch.equal(change(name.split(), given[part], 2, part)[0], together[part])
    as_floats, _ = change(name.split(), given / 255, epoch=2)
    assert torch.allclose(as_floats, together / 255)
    assert not torch.equal(change(name.split(), given, epoch=3)[0], together)
    assert not torch.equal(change(name.split(), given, epoch=2, seed=4)[0], together)
    assert torch.equal(random, torch.get_rng_state())


def test_what_is_given_stays_as_it_was() -> None:
    given, kept = images(8), images(8)
    change(list(AUGMENTATIONS), given)
    assert torch.equal(given, kept)


def test_shift_moves_whole_pixels_and_fills_with_black() -> None:
    given = images(200, (2, 20, 30))
    moved, _ = change(["shift"], given)
    seen = set()
    for before, after in zip(given.numpy(), moved.numpy(), strict=True):
        fits = []
        for down in range(-2, 3):
            for right in range(-3, 4):
                padded = np.pad(before, ((0, 0), (2, 2), (3, 3)))
                if np.array_equal(padded[:, 2 + down : 22 + down, 3 + right : 33 + right], after):
                    fits.append((down, right))
        assert len(fits) == 1
        seen.add(fits[0])
    assert {down for down, _ in seen} == set(range(-2, 3)) and {right for _, right in seen} == set(range(-3, 4))


def test_flip_turns_half_of_the_rows() -> None:
    given = images(400)
    turned, _ = change(["flip"], given)
    same = (turned == given).flatten(1).all(1)
    assert torch.equal(turned[~same], given[~same].flip(3))
    assert 150 < int(same.sum()) < 250


def test_crop_pads_by_reflection() -> None:
    given = images(60, (1, 16, 24))
    cropped, _ = change(["crop"], given)
    places = set()
    for before, after in zip(given.numpy(), cropped.numpy(), strict=True):
        padded = np.pad(before, ((0, 0), (2, 2), (3, 3)), mode="reflect")
        fits = [
            (top, left)
            for top in range(5)
            for left in range(7)
            if np.array_equal(padded[:, top : top + 16, left : left + 24], after)
        ]
        assert len(fits) == 1
        places.add(fits[0])
    assert len(places) > 15


def test_cutout_blackens_a_quarter_of_each_side() -> None:
    given = images(50, (3, 16, 12))
    cut, targets = change(["cutout"], given)
    black = cut == 0
    assert (black.flatten(1).sum(1) == 3 * 4 * 3).all() and torch.equal(black[:, 0], black[:, 2])
    assert torch.equal(cut[~black], given[~black])
    assert (black[:, 0].any(2).sum(1) == 4).all() and (black[:, 0].any(1).sum(1) == 3).all()
    assert targets.dtype == torch.int64


def test_mixup_mixes_images_and_targets_alike() -> None:
    given = torch.arange(64)[:, None, None, None].float().expand(64, 1, 2, 2).contiguous()
    mixed, targets = Augment(["mixup"], 0, 64)(given, torch.arange(64), 0, torch.arange(64))
    assert targets.shape == (64, 64) and targets.dtype == torch.float32
    assert torch.allclose(targets.sum(1), torch.ones(64))
    assert torch.allclose(targets @ torch.arange(64.0), mixed[:, 0, 0, 0], atol=1e-3)
    partners = torch.where(torch.eye(64) > 0, 0.0, targets)
    assert (partners.count_nonzero(1) <= 1).all()
    assert len({int(p.argmax()) for p in partners if p.max() > 1e-6}) == int((partners.amax(1) > 1e-6).sum())


def test_mixup_depends_on_the_rows_of_the_batch_but_not_on_their_order() -> None:
    given = images(32)
    one, _ = change(["mixup"], given)
    order = torch.randperm(32, generator=torch.Generator().manual_seed(1))
    targets = (torch.arange(32) % 4)[order]
    two, _ = Augment(["mixup"], 3, 4)(given[order], targets, 0, order)
    assert torch.allclose(two, one[order])
    assert one.dtype == torch.float32 and 0 < one.max() <= 255
    alone, _ = change(["mixup"], given[:1])
    assert torch.allclose(alone, given[:1].float())


def test_mixups_share_has_the_beta_distribution() -> None:
    count = 20_000
    given = torch.zeros(count, 1, 1, 1)
    _, targets = Augment(["mixup"], 0, 2)(given, torch.arange(count) % 2, 0, torch.arange(count))
    share = targets[:, 0][(targets > 0).all(1)]  # of rows whose partner is of the other class
    assert len(share) > count / 3
    assert share.mean().item() == pytest.approx(0.5, abs=0.01)
    assert share.var().item() == pytest.approx(0.25 / (2 * 0.3 + 1), abs=0.006)


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 4, 4), (3, 2, 7), (1, 8, 8)])
def test_small_images(size: tuple[int, int, int]) -> None:
    changed, _ = change(list(AUGMENTATIONS), images(9, size))
    assert changed.shape == (9, *size) and changed.isfinite().all()
