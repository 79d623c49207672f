"""The tutorial's model with Ignite: an Engine around an update function, an evaluator, handlers on events.

Fairness: gradients are clipped, so the update function is written out, as its documentation tells.

python ignite_tutorial.py TRAIN TEST OUT
"""

import sys

import torch
from common import Clock, say
from ignite.engine import Engine, Events, create_supervised_evaluator
from ignite.metrics import Accuracy
from torch import nn
from torch.utils.data import DataLoader
from tutorial import BATCH, CLIP, EPOCHS, GAMMA, RATE, News, TextModel, device


def main(train, test, out):
    clock = Clock()
    torch.manual_seed(0)
    place, news = device(), News(train, test)
    clock.phase("read")
    loader, valid, rest = (
        DataLoader(part, BATCH, shuffle=part is news.train, collate_fn=news.collate)
        for part in (news.train, news.valid, news.test)
    )
    model, criterion = TextModel(len(news.words), len(news.labels)).to(place), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=GAMMA)

    def update(engine, batch):
        (text, offsets), labels = batch
        model.train()
        optimizer.zero_grad()
        loss = criterion(model(text.to(place), offsets.to(place)), labels.to(place))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        return loss.item()

    trainer = Engine(update)
    evaluator = create_supervised_evaluator(
        model, {"accuracy": Accuracy()}, device=place, model_fn=lambda model, inputs: model(*inputs)
    )

    @trainer.on(Events.EPOCH_COMPLETED)
    def measured(engine):
        evaluator.run(valid)
        scheduler.step()

    trainer.run(loader, max_epochs=EPOCHS)
    clock.phase("train")
    found = evaluator.run(rest).metrics["accuracy"]
    clock.phase("evaluate")
    torch.save(model.state_dict(), f"{out}/model.pt")
    clock.phase("save")
    say(clock, accuracy=found)


main(*sys.argv[1:])
