"""Step overhead: `tw.fit` with its bar on against a bare loop over the same tensors, alternated A B A B.

    python benchmarks/step.py [rounds] [--json]

A 784-96-256-10 network, batch 64, SGD, 12,800 rows in memory, two epochs a round. Prints milliseconds a step (median and
spread over the rounds) and the ratio of the medians.
"""

from __future__ import annotations

import io
import json
import statistics
import sys
import time

import torch
from torch import nn

import trainwright as tw

ROWS, BATCH, EPOCHS = 12_800, 64, 2


class Terminal(io.StringIO):
    """Swallows the bar, but says that it is a terminal, so that the bar is drawn."""

    def isatty(self) -> bool:
        return True


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 256), nn.ReLU(), nn.Linear(256, 10))


def bare(inputs: torch.Tensor, targets: torch.Tensor) -> None:
    model, loss = network(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(EPOCHS):
        order = torch.randperm(ROWS)
        for start in range(0, ROWS, BATCH):
            rows = order[start : start + BATCH]
            optimizer.zero_grad()
            loss(model(inputs[rows]), targets[rows]).backward()
            optimizer.step()


def ours(inputs: torch.Tensor, targets: torch.Tensor) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    stderr, sys.stderr = sys.stderr, Terminal()
    try:
        loss = nn.CrossEntropyLoss()
        for _ in tw.fit(model, (inputs, targets), loss=loss, optimizer=optimizer, epochs=EPOCHS, progress=True):
            pass
    finally:
        sys.stderr = stderr


def main() -> None:
    words = [word for word in sys.argv[1:] if word != "--json"]
    rounds = int(words[0]) if words else 15
    torch.manual_seed(0)
    inputs, targets = torch.randn(ROWS, 784), torch.randint(0, 10, (ROWS,))
    times: dict[str, list[float]] = {"bare loop": [], "tw.fit": []}
    bare(inputs, targets), ours(inputs, targets)  # the first round of each imports and warms up
    for _ in range(rounds):
        for name, run in (("bare loop", bare), ("tw.fit", ours)):
            begun = time.perf_counter()
            run(inputs, targets)
            times[name].append((time.perf_counter() - begun) / (EPOCHS * ROWS / BATCH) * 1e3)
    medians = {name: statistics.median(found) for name, found in times.items()}
    if "--json" in sys.argv:
        print(json.dumps({"milliseconds": medians, "ratio": medians["tw.fit"] / medians["bare loop"]}))
        return
    for name, found in times.items():
        print(f"{name:<10} {medians[name]:.3f} ms a step  (from {min(found):.3f} to {max(found):.3f})")
    print(f"ratio      {medians['tw.fit'] / medians['bare loop']:.3f}")


if __name__ == "__main__":
    main()
