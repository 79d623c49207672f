"""MNIST for the PyTorch peers: the four IDX files as tensors, the two networks, and the settings that everyone has.

An epoch's accuracy on the test images decides when the target is reached.
"""

import gzip
import sys
from pathlib import Path

import numpy as np

RATE, BATCH, MOST_EPOCHS = 1e-3, {"mlp": 64, "convnet": 128}, 20
MEAN, DEVIATION = 0.1307, 0.3081  # of the training pixels


def idx(path):
    data = gzip.decompress(Path(path).read_bytes())
    start = 4 + 4 * data[3]
    return np.frombuffer(data, np.uint8, offset=start).reshape(np.frombuffer(data[4:start], ">u4"))


def arrays(folder):
    """(images, labels) of train and test; images float32 (rows, 1, 28, 28)."""
    found = []
    for name in ("train", "t10k"):
        images = (idx(f"{folder}/{name}-images-idx3-ubyte.gz").astype(np.float32) / 255 - MEAN) / DEVIATION
        found.append((images[:, None], idx(f"{folder}/{name}-labels-idx1-ubyte.gz").astype(np.int64)))
    return found


def parts(folder):
    """The same as TensorDatasets of torch."""
    import torch

    return [torch.utils.data.TensorDataset(*map(torch.from_numpy, part)) for part in arrays(folder)]


def network(name):
    """784-512-512-10, or the convolutional network of trainwright's recipe: 16, 32, 64, 64 channels, batch norm."""
    from torch import nn

    if name == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    layers, before = [], 1
    for channels in (16, 32, 64):
        layers += [nn.Conv2d(before, channels, 3, padding=1, bias=False), nn.MaxPool2d(2, ceil_mode=True)]
        layers += [nn.BatchNorm2d(channels), nn.ReLU()]
        before = channels
    layers += [nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def words():
    """NETWORK TARGET FOLDER OUT"""
    name, target, folder, out = sys.argv[1:]
    return name, float(target), folder, out
