"""The tutorial's model with skorch: a NeuralNetClassifier on data sets, with callbacks that clip and lower the rate.

Fairness: batches come from the tutorial's collate function, given to its iterators, as its documentation tells.

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


def main(train, test, out):
    clock = Clock()
    torch.manual_seed(0)
    news = News(train, test)
    clock.phase("read")

    def collate(batch):
        (text, offsets), labels = news.collate(batch)
        return {"text": text, "offsets": offsets}, labels

    net = NeuralNetClassifier(
        TextModel, module__words=len(news.words), module__classes=len(news.labels), criterion=nn.CrossEntropyLoss,
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
