"""A word-level language model as a plain float32 loop, after the description of PyTorch's word language model example.

The text is cut into 20 long rows that are read side by side, 20 steps at a time; the state goes on from batch to batch and
gradients end there; SGD with clipping. Network and settings are those of the recipe ptb-small, one epoch.
Fairness: validation and test are measured as the example does, 10 rows side by side; the epoch's validation is a part of its
"train", as it is of ours.

python loop_ptb.py FOLDER OUT
"""

import math
import sys
from pathlib import Path

import torch
from common import Clock, say
from torch import nn

BATCH, STEPS, WIDTH, LAYERS, RATE, CLIP, RANGE, EVALUATED = 20, 20, 200, 2, 20.0, 0.25, 0.1, 10


class Model(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.embedding = nn.Embedding(words, WIDTH)
        self.lstm = nn.LSTM(WIDTH, WIDTH, LAYERS)
        self.output = nn.Linear(WIDTH, words)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -RANGE, RANGE)

    def forward(self, words, state):
        found, state = self.lstm(self.embedding(words), state)
        return self.output(found).flatten(0, 1), state


def corpus(folder):
    """Token numbers of train, valid and test, and how many words there are; each line ends with <eos>."""
    vocabulary, found = {}, []
    for name in ("train", "valid", "test"):
        lines = Path(folder, f"ptb.{name}.txt").read_text(encoding="utf-8").splitlines()
        words = [word for line in lines for word in [*line.split(), "<eos>"]]
        found.append(torch.tensor([vocabulary.setdefault(word, len(vocabulary)) for word in words]))
    return found, len(vocabulary)


def side_by_side(tokens, rows, place):
    length = len(tokens) // rows
    return tokens[: length * rows].view(rows, length).t().contiguous().to(place)


def fresh(rows, place):
    return tuple(torch.zeros(LAYERS, rows, WIDTH, device=place) for _ in range(2))


def batches(tokens):
    for start in range(0, len(tokens) - 1, STEPS):
        size = min(STEPS, len(tokens) - 1 - start)
        yield tokens[start : start + size], tokens[start + 1 : start + 1 + size].flatten()


def perplexity(model, tokens, criterion, place):
    model.eval()
    state, total = fresh(EVALUATED, place), 0.0
    with torch.no_grad():
        for words, targets in batches(tokens):
            logits, state = model(words, state)
            total += len(targets) * criterion(logits, targets).item()
    return math.exp(total / (len(tokens) - 1) / EVALUATED)


def main(folder, out):
    clock = Clock()
    torch.manual_seed(0)
    place = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    (train, *others), words = corpus(folder)
    train, valid, test = side_by_side(train, BATCH, place), *(side_by_side(part, EVALUATED, place) for part in others)
    clock.phase("read")
    model, criterion, state = Model(words).to(place), nn.CrossEntropyLoss(), fresh(BATCH, place)
    model.train()
    for inputs, targets in batches(train):
        model.zero_grad()
        state = tuple(part.detach() for part in state)
        logits, state = model(inputs, state)
        criterion(logits, targets).backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(parameter.grad, alpha=-RATE)
    perplexity(model, valid, criterion, place)
    clock.phase("train")
    found = perplexity(model, test, criterion, place)
    clock.phase("evaluate")
    torch.save(model.state_dict(), f"{out}/model.pt")
    clock.phase("save")
    say(clock, perplexity=found)


main(*sys.argv[1:])
