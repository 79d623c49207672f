"""MNIST with Lightning until an epoch's test accuracy reaches the target: EarlyStopping with its stopping threshold.

Fairness: all defaults of its Trainer (progress bar, logger, checkpoints).

python lightning_mnist.py NETWORK TARGET FOLDER OUT
"""

import lightning
import torch
from common import Clock, say
from lightning.pytorch.callbacks import EarlyStopping
from mnist import BATCH, MOST_EPOCHS, RATE, network, parts, words
from torch.nn import functional
from torch.utils.data import DataLoader


class Module(lightning.LightningModule):
    def __init__(self, name):
        super().__init__()
        self.network = network(name)

    def training_step(self, batch, number):
        images, labels = batch
        return functional.cross_entropy(self.network(images), labels)

    def validation_step(self, batch, number):
        images, labels = batch
        self.log("accuracy", (self.network(images).argmax(1) == labels).float().mean(), batch_size=len(labels))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=RATE)


def main():
    clock = Clock()
    name, target, folder, out = words()
    lightning.seed_everything(0)
    train, test = parts(folder)
    clock.phase("read")
    # Its threshold has to be passed, not met.
    stop = EarlyStopping("accuracy", mode="max", stopping_threshold=target - 1e-6, patience=MOST_EPOCHS)
    trainer = lightning.Trainer(max_epochs=MOST_EPOCHS, callbacks=[stop], default_root_dir=out)
    trainer.fit(Module(name), DataLoader(train, BATCH[name], shuffle=True), DataLoader(test, BATCH[name]))
    clock.phase("train")
    say(clock, accuracy=trainer.callback_metrics["accuracy"].item(), epochs=trainer.current_epoch)


main()
