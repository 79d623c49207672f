"""A step with the Trainer of Transformers: SGD with a constant rate handed in, no checkpoints, no evaluation.

Fairness: its default clipping (norm 1) and its progress bar are left on.

python transformers_step.py ROWS EPOCHS
"""

import tempfile

import torch
from common import Clock, Epochs, say
from steps import BATCH, RATE, data, network
from torch import nn
from transformers import Trainer, TrainerCallback, TrainingArguments


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.network = network()

    def forward(self, inputs, labels):
        logits = self.network(inputs)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


class Timed(TrainerCallback, Epochs):
    def __init__(self):
        Epochs.__init__(self)

    def on_epoch_begin(self, args, state, control, **rest):
        self.begin()

    def on_epoch_end(self, args, state, control, **rest):
        self.end()


def collate(batch):
    inputs, labels = zip(*batch, strict=True)
    return {"inputs": torch.stack(inputs), "labels": torch.stack(labels)}


def main():
    clock = Clock()
    inputs, targets, number = data()
    model, timed = Model(), Timed()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, num_train_epochs=number, per_device_train_batch_size=BATCH, save_strategy="no", report_to="none",
            remove_unused_columns=False,
        )  # fmt: skip
        rows = torch.utils.data.TensorDataset(inputs, targets)
        schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
        Trainer(
            model, arguments, data_collator=collate, train_dataset=rows, optimizers=(optimizer, schedule), callbacks=[timed]
        ).train()
    clock.seconds["step"] = timed.step(-(-len(inputs) // BATCH))
    say(clock)


main()
