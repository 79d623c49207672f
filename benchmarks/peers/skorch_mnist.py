"""MNIST with skorch until an epoch's test accuracy reaches the target: a callback that raises KeyboardInterrupt.

Fairness: an early end by KeyboardInterrupt is what its documentation offers; the network is kept as it is then.

python skorch_mnist.py NETWORK TARGET FOLDER OUT
"""

import torch
from common import Clock, say
from mnist import BATCH, MOST_EPOCHS, RATE, network, parts, words
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback
from skorch.helper import predefined_split
from torch import nn


class Stop(Callback):
    def __init__(self, target):
        self.target = target

    def on_epoch_end(self, net, **rest):
        if net.history[-1, "valid_acc"] >= self.target:
            raise KeyboardInterrupt


def main():
    clock = Clock()
    name, target, folder, out = words()
    train, test = parts(folder)
    clock.phase("read")
    torch.manual_seed(0)
    net = NeuralNetClassifier(
        network(name), criterion=nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=RATE, batch_size=BATCH[name],
        max_epochs=MOST_EPOCHS, iterator_train__shuffle=True, train_split=predefined_split(test), classes=list(range(10)),
        callbacks=[("stop", Stop(target))], device="cuda" if torch.cuda.is_available() else "cpu",
    )  # fmt: skip
    net.fit(train, y=None)
    clock.phase("train")
    net.save_params(f_params=f"{out}/model.pt")
    clock.phase("save")
    say(clock, accuracy=net.history[-1, "valid_acc"], epochs=len(net.history))


main()
