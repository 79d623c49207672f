"""A step with Lightning: its Trainer with all defaults but checkpoints, which would be counted with the epoch.

Fairness: its progress bar is on, as ours is; a DataLoader over a TensorDataset gives the batches.

python lightning_step.py ROWS EPOCHS
"""

import tempfile

import lightning
import torch
from common import Clock, Epochs, say
from steps import BATCH, RATE, data, network
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.network, self.epochs = network(), Epochs()

    def training_step(self, batch, number):
        inputs, targets = batch
        return functional.cross_entropy(self.network(inputs), targets)

    def on_train_epoch_start(self):
        self.epochs.begin()

    def on_train_epoch_end(self):
        self.epochs.end()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=RATE)


def main():
    clock = Clock()
    inputs, targets, number = data()
    loader, module = DataLoader(TensorDataset(inputs, targets), BATCH, shuffle=True), Module()
    with tempfile.TemporaryDirectory() as folder:
        trainer = lightning.Trainer(max_epochs=number, enable_checkpointing=False, default_root_dir=folder)
        trainer.fit(module, loader)
    clock.seconds["step"] = module.epochs.step(len(loader))
    say(clock)


main()
