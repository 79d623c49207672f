"""The text classification tutorial's data and network, shared by the PyTorch peers: vocabulary, collate function, EmbeddingBag.

Each row is cut into tokens and looked up again whenever it is in a batch, as the tutorial does.
"""

import re

import torch
from common import rows
from torch import nn

BATCH, EPOCHS, RATE, CLIP, GAMMA, WIDTH, VALID = 64, 10, 5.0, 0.1, 0.1, 64, 0.05


def tokens(text):
    return re.findall(r"[^\s.,()!?';:\"]+|[.,()!?']", text.lower())


class News:
    """Training, validation and test rows as lists of (label number, text); ``collate`` makes a batch of some."""

    def __init__(self, train, test):
        texts, labels = rows(train)
        self.labels = {label: number for number, label in enumerate(sorted(set(labels)))}
        self.words = {"<unk>": 0}
        for text in texts:
            for token in tokens(text):
                self.words.setdefault(token, len(self.words))
        pairs = [(self.labels[label], text) for text, label in zip(texts, labels, strict=True)]
        held = int(len(pairs) * VALID)
        parts = torch.utils.data.random_split(pairs, [len(pairs) - held, held], torch.Generator().manual_seed(0))
        self.train, self.valid = map(list, parts)
        self.test = [(self.labels[label], text) for text, label in zip(*rows(test), strict=True)]

    def numbers(self, text):
        return [self.words.get(token, 0) for token in tokens(text)]

    def collate(self, batch):
        """(numbers, offsets), labels"""
        lists = [torch.tensor(self.numbers(text)) for _, text in batch]
        offsets = torch.tensor([0] + [len(each) for each in lists[:-1]]).cumsum(0)
        return (torch.cat(lists), offsets), torch.tensor([label for label, _ in batch])


class TextModel(nn.Module):
    def __init__(self, words, classes):
        super().__init__()
        self.embedding = nn.EmbeddingBag(words, WIDTH)
        self.fc = nn.Linear(WIDTH, classes)
        for weight in (self.embedding.weight, self.fc.weight):
            nn.init.uniform_(weight, -0.5, 0.5)
        nn.init.zeros_(self.fc.bias)

    def forward(self, text, offsets):
        return self.fc(self.embedding(text, offsets))


def device():
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
