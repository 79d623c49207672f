"""The tutorial's model with skorch: a NeuralNetClassifier on data sets, with callbacks that clip and lower the rate.

Fairness: batches come from a collate function given to its iterators, as its documentation tells. All parts of a batch must
have as many rows, so there are no offsets: rows are padded, and EmbeddingBag leaves the padding out of its mean.

python skorch_tutorial.py TRAIN TEST OUT
"""

import sys

import torch
from common import Clock, say
from skorch import NeuralNetClassifier
from skorch.callbacks import GradientNormClipping, LRScheduler
from skorch.helper import predefined_split
from torch import nn
from tutorial import BATCH, CLIP, EPOCHS, GAMMA, RATE, News, TextModel, device


class Rows(torch.utils.data.Dataset):
    def __init__(self, pairs):
        self.pairs = pairs

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, number):
        return self.pairs[number]


class Padded(TextModel):
    def __init__(self, words, classes):
        super().__init__(words, classes)
        self.embedding.padding_idx = 0

    def forward(self, text):
        return self.fc(self.embedding(text))


def main(train, test, out):
    clock = Clock()
    torch.manual_seed(0)
    news = News(train, test)
    clock.phase("read")

    def collate(batch):
        # The padding is number 0, so words are counted from 1.
        lists = [torch.tensor(news.numbers(text)) + 1 for _, text in batch]
        return nn.utils.rnn.pad_sequence(lists, batch_first=True), torch.tensor([label for label, _ in batch])

    net = NeuralNetClassifier(
        Padded, module__words=len(news.words) + 1, module__classes=len(news.labels), criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD, lr=RATE, batch_size=BATCH, max_epochs=EPOCHS, classes=list(range(len(news.labels))),
        iterator_train__shuffle=True, iterator_train__collate_fn=collate, iterator_valid__collate_fn=collate,
        train_split=predefined_split(Rows(news.valid)), device=device(),
        callbacks=[GradientNormClipping(CLIP), LRScheduler("StepLR", step_size=1, gamma=GAMMA)],
    )  # fmt: skip
    net.fit(Rows(news.train), y=None)
    clock.phase("train")
    found = (net.predict(Rows(news.test)) == [label for label, _ in news.test]).mean()
    clock.phase("evaluate")
    net.save_params(f_params=f"{out}/model.pt")
    clock.phase("save")
    say(clock, accuracy=found)


main(*sys.argv[1:])
