"""MNIST with the Trainer of Transformers until an epoch's test accuracy reaches the target: a callback that stops it.

Fairness: Adam is handed in with a constant rate, since its default is AdamW with a falling one; no checkpoints on the way.

python transformers_mnist.py NETWORK TARGET FOLDER OUT
"""

import torch
from common import Clock, say
from mnist import BATCH, MOST_EPOCHS, RATE, network, parts, words
from torch import nn
from transformers import Trainer, TrainerCallback, TrainingArguments


class Model(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.network = network(name)

    def forward(self, images, labels=None):
        logits = self.network(images)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


class Stop(TrainerCallback):
    def __init__(self, target):
        self.target = target

    def on_evaluate(self, args, state, control, metrics, **rest):
        self.accuracy, self.epochs = metrics["eval_accuracy"], round(state.epoch)
        control.should_training_stop = self.accuracy >= self.target


def collate(batch):
    images, labels = zip(*batch, strict=True)
    return {"images": torch.stack(images), "labels": torch.stack(labels)}


def main():
    clock = Clock()
    name, target, folder, out = words()
    train, test = parts(folder)
    clock.phase("read")
    arguments = TrainingArguments(
        out, num_train_epochs=MOST_EPOCHS, per_device_train_batch_size=BATCH[name], per_device_eval_batch_size=BATCH[name],
        eval_strategy="epoch", save_strategy="no", report_to="none", seed=0, label_names=["labels"],
        remove_unused_columns=False,
    )  # fmt: skip
    torch.manual_seed(0)
    model, stop = Model(name), Stop(target)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    trainer = Trainer(
        model, arguments, data_collator=collate, train_dataset=train, eval_dataset=test, callbacks=[stop],
        compute_metrics=lambda found: {"accuracy": (found.predictions.argmax(1) == found.label_ids).mean()},
        optimizers=(optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)),
    )  # fmt: skip
    trainer.train()
    clock.phase("train")
    trainer.save_model(f"{out}/model")
    clock.phase("save")
    say(clock, accuracy=stop.accuracy, epochs=stop.epochs)


main()
