"""A step with skorch: `NeuralNetClassifier.fit` on arrays, no validation rows.

Fairness: its table of epochs is on; it has no bar by default.

python skorch_step.py ROWS EPOCHS
"""

import torch
from common import Clock, Epochs, say
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from steps import BATCH, RATE, data, network
from torch import nn


class Timed(Callback, Epochs):
    def __init__(self):
        Epochs.__init__(self)

    def on_epoch_begin(self, net, **rest):
        self.begin()

    def on_epoch_end(self, net, **rest):
        self.end()


def main():
    clock, timed = Clock(), Timed()
    inputs, targets, number = data()
    net = NeuralNetClassifier(
        network(), criterion=nn.CrossEntropyLoss, optimizer=torch.optim.SGD, lr=RATE, batch_size=BATCH, max_epochs=number,
        train_split=None, iterator_train__shuffle=True, callbacks=[("timed", timed)],
        device="cuda" if torch.cuda.is_available() else "cpu",
    )  # fmt: skip
    net.fit(inputs, targets)
    clock.seconds["step"] = timed.step(-(-len(inputs) // BATCH))
    say(clock)


main()
