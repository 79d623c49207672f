"""Step overhead: `tw.fit` with its bar on against a bare loop over the same tensors, alternated A B A B.

    python benchmarks/step.py [rounds] [rows] [--json]

A 784-96-256-10 network, batch 64, SGD, 12,800 rows in memory, two epochs a round. Prints milliseconds a step (median and
spread over the rounds) and the ratio of the medians. Where there is a CUDA device, network and rows are on it.
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
PLACE = "cuda" if torch.cuda.is_available() else "cpu"


class Terminal(io.StringIO):
    """Swallows the bar, but says that it is a terminal, so that the bar is drawn."""

    def isatty(self) -> bool:
        return True


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 256), nn.ReLU(), nn.Linear(256, 10)).to(PLACE)


def bare(inputs: torch.Tensor, targets: torch.Tensor) -> None:
    model, loss = network(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(EPOCHS):
        order = torch.randperm(len(inputs), device=PLACE)
        for start in range(0, len(inputs), BATCH):
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


def settle() -> None:
    """Wait for what the device has yet to do."""
    if PLACE == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    words = [int(word) for word in sys.argv[1:] if word != "--json"]
    rounds, rows = [*words, *(15, ROWS)[len(words) :]]
    torch.manual_seed(0)
    inputs, targets = torch.randn(rows, 784).to(PLACE), torch.randint(0, 10, (rows,)).to(PLACE)
    times: dict[str, list[float]] = {"bare loop": [], "tw.fit": []}
    bare(inputs, targets), ours(inputs, targets)  # the first round of each imports and warms up
    for _ in range(rounds):
        for name, run in (("bare loop", bare), ("tw.fit", ours)):
            settle()
            begun = time.perf_counter()
            run(inputs, targets)
            settle()
            times[name].append((time.perf_counter() - begun) / (EPOCHS * -(-rows // BATCH)))
    medians = {name: statistics.median(found) for name, found in times.items()}
    ratio = medians["tw.fit"] / medians["bare loop"]
    if "--json" in sys.argv:
        print(
            json.dumps({"ratio": ratio, "seconds": {"step": medians["tw.fit"], "step of the bare loop": medians["bare loop"]}})
        )
        return
    for name, found in times.items():
        milliseconds = [1e3 * each for each in (medians[name], min(found), max(found))]
        print("{:<10} {:.3f} ms a step  (from {:.3f} to {:.3f})".format(name, *milliseconds))
    print(f"ratio      {ratio:.3f}")


if __name__ == "__main__":
    main()
