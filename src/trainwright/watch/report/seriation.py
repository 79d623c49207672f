"""The order of classes in a confusion matrix in which those that are confused stand side by side."""

from __future__ import annotations

from collections.abc import Sequence


def order(counts: Sequence[Sequence[int]]) -> list[int]:
    """Return the numbers of the classes in their new order.

    Pairs are joined to chains, those with the greatest rates of confusion (both ways together) first. Where a class stands
    within its chain, the whole chains are joined at the ends that fit best. The most confused pair is always side
    by side; chains that nothing joins follow each other as their first classes do, so that without confusions the order stays.
    """
    totals = [sum(row) or 1 for row in counts]
    rates: dict[tuple[int, int], float] = {}
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            if count and i != j:
                pair = (min(i, j), max(i, j))
                rates[pair] = rates.get(pair, 0.0) + count / totals[i]
    chains = {k: [k] for k in range(len(counts))}  # by each class, the chain that it is in
    for i, j in sorted(rates, key=lambda pair: (-rates[pair], pair)):
        if chains[i] is not chains[j]:
            joined = _joined(chains[i], chains[j], rates)
            for k in joined:
                chains[k] = joined
    whole = {min(chain): chain if chain[0] <= chain[-1] else chain[::-1] for chain in chains.values()}
    return [k for start in sorted(whole) for k in whole[start]]


def _joined(first: list[int], second: list[int], rates: dict[tuple[int, int], float]) -> list[int]:
    """Return two chains as one, put together at the ends that are confused most."""
    ways = [(a, b) for a in (first, first[::-1]) for b in (second, second[::-1])]
    meet = [rates.get((min(a[-1], b[0]), max(a[-1], b[0])), 0.0) for a, b in ways]
    before, after = ways[meet.index(max(meet))]
    return before + after
