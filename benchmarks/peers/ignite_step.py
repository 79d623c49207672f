"""A step with Ignite: `create_supervised_trainer` over a DataLoader.

Fairness: no progress bar, since none is its default.

python ignite_step.py ROWS EPOCHS
"""

import torch
from common import Clock, Epochs, say
from ignite.engine import Events, create_supervised_trainer
from steps import BATCH, RATE, data, network
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    clock, epochs = Clock(), Epochs()
    place = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    inputs, targets, number = data()
    model = network().to(place)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    trainer = create_supervised_trainer(model, optimizer, nn.CrossEntropyLoss(), device=place)
    trainer.add_event_handler(Events.EPOCH_STARTED, epochs.begin)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, epochs.end)
    loader = DataLoader(TensorDataset(inputs, targets), BATCH, shuffle=True)
    trainer.run(loader, max_epochs=number)
    clock.seconds["step"] = epochs.step(len(loader))
    say(clock)


main()
