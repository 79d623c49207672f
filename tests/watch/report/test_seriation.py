"""The order of classes in a matrix: a permutation that puts what is confused side by side."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trainwright.watch.report import seriation

MATRICES = st.integers(1, 9).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 5), min_size=n, max_size=n), min_size=n, max_size=n)
)


@given(MATRICES)
def test_it_is_a_permutation_and_the_most_confused_pair_is_side_by_side(counts: list[list[int]]) -> None:
    order = seriation.order(counts)
    assert sorted(order) == list(range(len(counts)))
    rates = {
        (i, j): counts[i][j] / sum(counts[i] or [1]) + counts[j][i] / (sum(counts[j]) or 1)
        for i in range(len(counts))
        for j in range(i)
        if sum(counts[i])
    }
    most = max(rates.values(), default=0)
    if most and list(rates.values()).count(most) == 1:
        pair = next(
            pair for pair, rate in rates.items() if rate == most and counts[pair[0]][pair[1]] + counts[pair[1]][pair[0]]
        )
        assert abs(order.index(pair[0]) - order.index(pair[1])) == 1


def test_groups_that_are_mixed_up_come_together() -> None:
    counts = [[90, 0, 5, 0, 4, 0], [0, 90, 0, 6, 0, 3], [5, 0, 90, 0, 2, 0], [0, 7, 0, 90, 0, 2], [4, 0, 3, 0, 90, 0],
              [0, 2, 0, 2, 0, 90]]  # fmt: skip
    order = seriation.order(counts)
    assert {frozenset(order[:3]), frozenset(order[3:])} == {frozenset({0, 2, 4}), frozenset({1, 3, 5})}


def test_without_confusions_the_order_stays() -> None:
    assert seriation.order([[3 if i == j else 0 for j in range(7)] for i in range(7)]) == list(range(7))


def test_a_thousand_classes_take_no_time_worth_speaking_of() -> None:
    counts = [[int((i * 31 + j * 17) % 101 == 0) for j in range(1000)] for i in range(1000)]
    assert sorted(seriation.order(counts)) == list(range(1000))
