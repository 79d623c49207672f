"""The small network of the step cases, and its data: 784-96-256-10, batch 64, SGD, rows of noise in memory."""

import sys

import torch
from torch import nn

BATCH, RATE = 64, 0.01


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 256), nn.ReLU(), nn.Linear(256, 10))


def data():
    """(inputs, targets, epochs): ROWS and EPOCHS are the program's words; the first epoch warms up and is not counted."""
    rows, epochs = map(int, sys.argv[1:3])
    torch.manual_seed(0)
    return torch.randn(rows, 784), torch.randint(0, 10, (rows,)), epochs + 1
