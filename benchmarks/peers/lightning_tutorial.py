"""The tutorial's model with Lightning: a LightningModule, its Trainer with its defaults (progress bar, logger, checkpoints).

Fairness: the checkpoint that Lightning writes by itself is the saved model.

python lightning_tutorial.py TRAIN TEST OUT
"""

import sys

import lightning
import torch
from common import Clock, say
from torch.nn import functional
from torch.utils.data import DataLoader
from tutorial import BATCH, CLIP, EPOCHS, GAMMA, RATE, News, TextModel


class Module(lightning.LightningModule):
    def __init__(self, words, classes):
        super().__init__()
        self.model = TextModel(words, classes)

    def training_step(self, batch, number):
        (text, offsets), labels = batch
        return functional.cross_entropy(self.model(text, offsets), labels)

    def validation_step(self, batch, number, name="valid"):
        (text, offsets), labels = batch
        right = (self.model(text, offsets).argmax(1) == labels).float().mean()
        self.log(f"{name}_accuracy", right, batch_size=len(labels))

    def test_step(self, batch, number):
        self.validation_step(batch, number, "test")

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=RATE)
        return {"optimizer": optimizer, "lr_scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=GAMMA)}


def main(train, test, out):
    clock = Clock()
    lightning.seed_everything(0)
    news = News(train, test)
    clock.phase("read")
    loader, valid, rest = (
        DataLoader(part, BATCH, shuffle=part is news.train, collate_fn=news.collate)
        for part in (news.train, news.valid, news.test)
    )
    module = Module(len(news.words), len(news.labels))
    trainer = lightning.Trainer(max_epochs=EPOCHS, gradient_clip_val=CLIP, default_root_dir=out)
    trainer.fit(module, loader, valid)
    clock.phase("train")
    found = trainer.test(module, rest)[0]["test_accuracy"]
    clock.phase("evaluate")
    say(clock, accuracy=found)


main(*sys.argv[1:])
