"""A trained language model in use, and how well it says the next token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.data.files.folders import is_path
from trainwright.data.read import running_text
from trainwright.data.text.token_encoder import TokenEncoder
from trainwright.models.catalog import models
from trainwright.tasks.base import FilePredictions, Predictor, whole_texts
from trainwright.watch import metrics

if TYPE_CHECKING:
    import torch
    from torch import nn

    from trainwright.evaluation.perplexity import Sums
    from trainwright.store.bundle import Bundle

BITS = {"characters": "character", "bytes": "byte"}  # tokenizers whose tokens are worth counting in bits
BATCH = 32  # windows measured at a time
# Of an LSTM, which could read without end: the window it is measured on, and how much of it only warms up its state.
LSTM_WINDOW, LSTM_WARM = 640, 128


class LanguagePredictor(Predictor):
    """A language model: it says what comes next, and goes on with a text."""

    task = "language"
    item = "text"

    def __init__(self, kept: Bundle) -> None:
        import torch

        from trainwright.models import registry
        from trainwright.tasks.language.generate import TextGenerator

        self.encoder = TokenEncoder.from_parts(kept.meta["encoder"] | {"tokens": kept.tokens}, kept.arrays)
        self.settings = models(self.task)[kept.meta["model_settings"]["name"]].settings.model_validate(
            kept.meta["model_settings"]
        )
        self.name, self.context = kept.meta["model"], int(kept.meta["context"])
        self.shape = self.encoder.shape()
        self.device = torch.device("cpu")
        self.model = registry.restore(self.task, self.name, self.settings, self.shape, kept.weights)
        self._generator = TextGenerator(self.model, self.encoder, self.context, self.device)

    def smoke_test(self) -> None:
        """What comes after nothing."""
        self.predict([""])

    def base(self) -> dict[str, Any]:
        """Return how texts become tokens, and how many are looked back at."""
        return {"tokenizer": self.encoder.tokenizer, "context": self.context}

    @staticmethod
    def takes_file(word: str) -> bool:
        """A path that exists."""
        return is_path(word)

    def predict(self, items: Sequence[Any], top: int = 1) -> list[Any]:
        """The ``top`` most probable next tokens of each text, with their probabilities."""
        found = []
        for text in whole_texts(items):
            ids = self.encoder.behind_line_end(text)[-self._longest :].astype(np.int64).tolist()
            shares, places = self._generator.logits(ids)[0].softmax(dim=-1).topk(min(top, self.encoder.size))
            found.append([(self.encoder.tokens[i], p) for i, p in zip(places.tolist(), shares.tolist(), strict=True)])
        return found

    @property
    def _longest(self) -> int:
        """Tokens that are looked back at."""
        return LSTM_WINDOW if self.model.is_stateful else self.context

    def predict_file(self, path: Path, top: int = 1) -> FilePredictions:
        """The next token of every line of a text."""
        import polars as pl

        lines = running_text.read_text([path]).removesuffix("\n").split("\n")
        frame = pl.DataFrame({"text": lines})
        return FilePredictions(frame, list(range(1, len(lines) + 1)), self.predict(lines, top), [])

    def score(self, path: Path) -> dict[str, Any]:
        """Perplexity over every token of a text."""
        files = running_text.find_corpus(path).files
        part = next(name for name in ("test", "valid", "train") if name in files)
        text = running_text.read_text(files[part])
        ids = self.encoder.behind_line_end(text)
        sums = measure(self.model, ids, self.context, self.device)
        names = metrics.computed("token", BITS.get(self.encoder.tokenizer, ""))
        named = {
            "rejected": 0,
            "unknown": self.encoder.unknown(ids[1:], text),
            "files": [str(each) for each in files[part]],
        }
        return sums.report() | metrics.compute(names, sums.loss) | named

    def generate(self, prompt: str, tokens: int, temperature: float, top_k: int, top_p: float, seed: int) -> Iterator[str]:
        """The text that goes on after ``prompt``, piece by piece; the same for the same arguments."""
        from trainwright.tasks.language.generate import Sampling

        return self._generator.generate(prompt, tokens, Sampling(temperature, top_k, top_p, seed))


def measure(model: nn.Module, ids: np.ndarray, context: int, device: torch.device) -> Sums:
    """Measure every token once, by windows that do not depend on how they are batched.

    A transformer sees windows of the length that it was trained with, half of it before the first token that counts.
    """
    from trainwright.data.batches.tokens import EvaluationWindows
    from trainwright.evaluation import perplexity

    width, warm = (LSTM_WINDOW, LSTM_WARM) if model.is_stateful else (context, context // 2)
    windows = EvaluationWindows(ids, batch_size=BATCH, width=width, warm=warm, device=device)
    return perplexity.measure(model, model.output, windows)  # type: ignore[arg-type]
