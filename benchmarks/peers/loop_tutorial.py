"""PyTorch's text classification tutorial as a plain loop: DataLoader, a collate function a row, SGD, StepLR, clipping.

Fairness: its settings (10 epochs, batch 64, rate 5, times 0.1 after each epoch, gradients clipped to 0.1) are everyone's.

python loop_tutorial.py TRAIN TEST OUT
"""

import sys

import torch
from common import Clock, say
from torch import nn
from torch.utils.data import DataLoader
from tutorial import BATCH, CLIP, EPOCHS, GAMMA, RATE, News, TextModel, device


def accuracy(model, loader, place):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for (text, offsets), labels in loader:
            right += (model(text.to(place), offsets.to(place)).argmax(1) == labels.to(place)).sum().item()
            total += len(labels)
    return right / total


def main(train, test, out):
    clock = Clock()
    torch.manual_seed(0)
    place, news = device(), News(train, test)
    clock.phase("read")
    loader, valid, rest = (
        DataLoader(part, BATCH, shuffle=part is news.train, collate_fn=news.collate)
        for part in (news.train, news.valid, news.test)
    )
    model, criterion = TextModel(len(news.words), len(news.labels)).to(place), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=GAMMA)
    for _ in range(EPOCHS):
        model.train()
        for (text, offsets), labels in loader:
            optimizer.zero_grad()
            criterion(model(text.to(place), offsets.to(place)), labels.to(place)).backward()
            nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
        accuracy(model, valid, place)
        scheduler.step()
    clock.phase("train")
    found = accuracy(model, rest, place)
    clock.phase("evaluate")
    torch.save(model.state_dict(), f"{out}/model.pt")
    clock.phase("save")
    say(clock, accuracy=found)


main(*sys.argv[1:])
