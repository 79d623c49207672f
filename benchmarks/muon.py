"""Muon against AdamW at equal updates and several rates: a small gpt on two corpora, by validation only.

    TRAINWRIGHT_TEST_DATA=../shared/data python benchmarks/muon.py [--updates 300] [--rates 0.002,0.008]

The tokens are the 1,000 most frequent ones, characters of shakespeare and words of ptb; the last 5 % of the training text
validate. Two layers of width 64 are trained on 16 windows of 32 tokens an update, while the rate falls to zero. Prints a
Markdown table of the validation loss in nats a token.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor, nn

from trainwright.config.settings import Named
from trainwright.data.shapes import TokenShape
from trainwright.models import registry
from trainwright.models.catalog import GPTSettings
from trainwright.training.optim import groups_for, make_optimizer

FOLDER = Path(os.environ.get("TRAINWRIGHT_TEST_DATA", "../shared/data"))
ROWS, WINDOW, TOKENS, MEASURED = 16, 32, 1000, 20_000
OPTIMIZERS = (Named(name="AdamW", weight_decay=0.01), Named(name="Muon"))


def corpus(name: str) -> tuple[Tensor, Tensor, int]:
    """Ids of the training text, of the part that validates, and how many there are."""
    if name == "shakespeare":
        tokens = list((FOLDER / "shakespeare" / "input.txt").read_text())
    else:
        tokens = (FOLDER / "ptb" / "ptb.train.txt").read_text().replace("\n", " <eos> ").split()
    known = {token: place for place, (token, _) in enumerate(Counter(tokens).most_common(TOKENS - 1), start=1)}
    ids = torch.tensor([known.get(token, 0) for token in tokens])
    cut = int(0.95 * len(ids))
    return ids[:cut], ids[cut : cut + MEASURED], len(known) + 1


def loss_of(model: nn.Module, windows: Tensor) -> Tensor:
    """The mean loss of the tokens after the first of each window."""
    features, _ = model(windows[:, :-1])
    logits = features @ model.output()[0].T  # type: ignore[operator]
    return nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


def score(name: str, optimizer: Named, rate: float, updates: int) -> float:
    """The validation loss after so many updates."""
    train, valid, vocabulary = corpus(name)
    torch.manual_seed(0)
    model = registry.build("language", "gpt.v1", GPTSettings(layers=2, width=64), TokenShape(vocabulary))
    made = make_optimizer(optimizer, groups_for(optimizer, model, "matrices", {}), rate)
    falling = torch.optim.lr_scheduler.LinearLR(made, 1.0, 0.0, updates)
    draw, reach = torch.Generator().manual_seed(1), torch.arange(WINDOW + 1)
    for _ in range(updates):
        starts = torch.randint(0, len(train) - WINDOW - 1, (ROWS, 1), generator=draw)
        made.zero_grad()
        loss_of(model, train[starts + reach]).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        made.step()
        falling.step()
    windows = valid[torch.arange((len(valid) - 1) // WINDOW)[:, None] * WINDOW + reach]
    with torch.no_grad():
        parts = [loss_of(model, part).item() * len(part) for part in windows.split(64)]
    return sum(parts) / len(windows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--updates", type=int, default=300)
    parser.add_argument("--rates", default="0.002,0.003,0.006,0.008,0.012")
    given = parser.parse_args()
    rates = [float(each) for each in given.rates.split(",")]
    torch.set_num_threads(1)
    print(
        f"| corpus | optimiser | {' | '.join(f'lr {rate:g}' for rate in rates)} |\n|---|---|{'---|' * len(rates)}", flush=True
    )
    for name in ("shakespeare", "ptb"):
        for optimizer in OPTIMIZERS:
            losses = " | ".join(f"{score(name, optimizer, rate, given.updates):.3f}" for rate in rates)
            print(f"| {name} | {optimizer.name} | {losses} |", flush=True)


if __name__ == "__main__":
    main()
