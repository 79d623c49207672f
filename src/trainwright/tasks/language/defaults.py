"""Settings of language models that a person did not give: derived from the text and its vocabulary.

The rules were found by validation: ``benchmarks/language.py`` repeats that.
"""

from __future__ import annotations

from trainwright.config.settings import Settings
from trainwright.data.shapes import TokenShape
from trainwright.errors import error
from trainwright.models.catalog import Values, models
from trainwright.tasks.defaults import FALLING, Notes, fill, fill_training

UPDATES = 12_000  # about
RATE = 0.002  # of a model that does not say what suits it


def language_encoding(settings: Settings, text: str) -> tuple[Settings, Notes]:
    """Derive how running text becomes tokens."""
    size = len(text)
    for key, nothing in (("max_vocabulary", 0), ("min_count", 1)):
        if settings.tokenizer == "bytes" and (getattr(settings, key) or nothing) != nothing:
            raise error("E329", key=key, why="there are 256 bytes, whatever the text")
    if settings.tokenizer:
        kind = (settings.tokenizer, "")
    elif "<unk>" in text[: 1 << 20]:
        kind = ("words", "the text is in words already: it says <unk>")
    elif size < 4_000_000:
        kind = ("characters", f"{size:,} characters are few to learn words from")
    else:
        kind = ("bpe", f"{size:,} characters: pieces of words, which can spell every word")
    largest = {"bpe": (8192, "pieces"), "words": (50_000, "the most frequent words")}.get(kind[0], (0, ""))
    values: Values = {"tokenizer": kind, "max_vocabulary": largest, "min_count": (2 if kind[0] == "bpe" else 1, "")}
    return fill(settings, values)


def language_training(settings: Settings, tokens: int, vocabulary: int, tuned: bool) -> tuple[Settings, Notes]:
    """Derive how a language model is trained on ``tokens`` tokens."""
    model = models("language")[settings.network.name]
    own, suited = model.derive(TokenShape(vocabulary), tokens)
    usual: Values = {"context": (128, "tokens"), "batch_size": (16, "rows side by side"), "lr": (RATE, "a usual rate")}
    values = own | usual | suited
    if settings.optimizer and settings.optimizer.name == "Muon" and model.muon != 1:
        values["lr"] = (
            model.muon * values["lr"][0],
            f"{model.muon:g} times what suits AdamW, as Muon's first steps are smaller",
        )
    per_epoch = max(tokens // (int(values["batch_size"][0]) * int(values["context"][0])), 1)
    values |= {
        "optimizer": ({"name": "AdamW", "weight_decay": 0.01}, "a rate for each weight"),
        "epochs": (min(max(round(UPDATES / per_epoch), 3), 20), f"{tokens:,} tokens"),
        "threads": (0, ""),
        "schedule": FALLING,
        "loss": ({"name": "CrossEntropyLoss"}, ""),
    }
    lanes = settings.batch_size or int(values["batch_size"][0])
    rows = -(-tokens // (lanes * (settings.context or values["context"][0]))) * lanes
    return fill_training(settings, values, rows, tuned)
