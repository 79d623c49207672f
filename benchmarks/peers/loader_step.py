"""A step of the loop that PyTorch's tutorials show: a DataLoader over a TensorDataset.

Fairness: nothing is measured but training; no printing.

python loader_step.py ROWS EPOCHS
"""

import torch
from common import Clock, Epochs, say
from steps import BATCH, RATE, data, network
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    clock, epochs = Clock(), Epochs()
    place = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    inputs, targets, number = data()
    model, criterion = network().to(place), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    loader = DataLoader(TensorDataset(inputs, targets), BATCH, shuffle=True)
    for _ in range(number):
        epochs.begin()
        for rows, labels in loader:
            optimizer.zero_grad()
            criterion(model(rows.to(place)), labels.to(place)).backward()
            optimizer.step()
        if place.type == "cuda":
            torch.cuda.synchronize()
        epochs.end()
    clock.seconds["step"] = epochs.step(len(loader))
    say(clock)


main()
