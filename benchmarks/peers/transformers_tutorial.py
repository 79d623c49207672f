"""The tutorial's model with the Trainer of Transformers (and Accelerate): a model that gives its loss, a data collator.

Fairness: the optimiser and schedule are handed in as its documentation tells; its schedule moves each step, so StepLR's step is
an epoch of steps. Checkpoints on the way are off, which is faster; it saves the model at the end.

python transformers_tutorial.py TRAIN TEST OUT
"""

import sys

import torch
from common import Clock, say
from torch import nn
from transformers import Trainer, TrainingArguments
from tutorial import BATCH, CLIP, EPOCHS, GAMMA, RATE, News, TextModel


class Model(nn.Module):
    def __init__(self, words, classes):
        super().__init__()
        self.model = TextModel(words, classes)

    def forward(self, text, offsets, labels=None):
        logits = self.model(text, offsets)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


def main(train, test, out):
    clock = Clock()
    news = News(train, test)
    clock.phase("read")

    def collate(batch):
        (text, offsets), labels = news.collate(batch)
        return {"text": text, "offsets": offsets, "labels": labels}

    arguments = TrainingArguments(
        out, num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH, per_device_eval_batch_size=BATCH, max_grad_norm=CLIP,
        eval_strategy="epoch", save_strategy="no", report_to="none", seed=0, label_names=["labels"],
        remove_unused_columns=False,
    )  # fmt: skip
    model = Model(len(news.words), len(news.labels))
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    steps = -(-len(news.train) // BATCH)
    trainer = Trainer(
        model, arguments, data_collator=collate, train_dataset=news.train, eval_dataset=news.valid,
        compute_metrics=lambda found: {"accuracy": (found.predictions.argmax(1) == found.label_ids).mean()},
        optimizers=(optimizer, torch.optim.lr_scheduler.StepLR(optimizer, steps, gamma=GAMMA)),
    )  # fmt: skip
    trainer.train()
    clock.phase("train")
    found = trainer.evaluate(news.test)["eval_accuracy"]
    clock.phase("evaluate")
    trainer.save_model(f"{out}/model")
    clock.phase("save")
    say(clock, accuracy=found)


main(*sys.argv[1:])
