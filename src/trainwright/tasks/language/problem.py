"""Language models: from running text to token streams, and a model that goes on where a text ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.config.settings import Settings
from trainwright.data.files import cache
from trainwright.data.files.folders import is_path
from trainwright.data.read import running_text
from trainwright.data.read.catalog_entries import ArchiveLayout, TextLayout
from trainwright.data.read.source import Source
from trainwright.data.text.token_encoder import TokenEncoder
from trainwright.errors import error
from trainwright.models.catalog import MODELS
from trainwright.models.shapes import TokenShape
from trainwright.tasks import defaults
from trainwright.tasks.base import FilePredictions, Predictor
from trainwright.tasks.language import reading
from trainwright.training.problem import Clock, Note, Problem
from trainwright.watch import metrics

if TYPE_CHECKING:
    import torch
    from torch import nn

    from trainwright.data.batches.base import Batches
    from trainwright.evaluation.perplexity import Sums
    from trainwright.models.forward import Forward
    from trainwright.models.objective import Objective
    from trainwright.store.bundle import Bundle
    from trainwright.watch.events import Scores

SHAPING = ("tokenizer", "min_count", "max_vocabulary", "valid_fraction", "test_fraction")
BITS = {"characters": "character", "bytes": "byte"}  # tokenizers whose tokens are worth counting in bits
BATCH = 32  # windows measured at a time
# Of an LSTM, which could read without end: the window it is measured on, and how much of it only warms up its state.
LSTM_WINDOW, LSTM_WARM = 640, 128


@dataclass(frozen=True)
class TokenSplit:
    """The tokens of a split behind one line end, which is the context of the first: len() counts its targets."""

    ids: np.ndarray

    def __len__(self) -> int:
        return len(self.ids) - 1


@dataclass
class LanguageProblem(Problem):
    """Running text and its tokens."""

    task = "language"
    unit = "tokens"
    settings: Settings
    encoder: TokenEncoder
    splits: dict[str, TokenSplit]
    data: dict[str, Any]
    notes: list[Note] = field(default_factory=list)
    parent: Predictor | None = None

    @property
    def shape(self) -> TokenShape:
        """The vocabulary."""
        return TokenShape(self.encoder.size)

    @property
    def predicts(self) -> tuple[str, ...]:
        """Return that tokens are predicted, and what one is."""
        return "token", BITS.get(self.encoder.tokenizer, "")

    def derive(self) -> list[Note]:
        """From the number of tokens and the size of the vocabulary."""
        self.settings, notes = defaults.language_training(
            self.settings, len(self.splits["train"]), self.encoder.size, self.parent is not None
        )
        return notes

    def batches(self, device: torch.device) -> Batches:
        """Lanes for a model that carries its state, windows in random order for one that does not."""
        from trainwright.data.batches.tokens import Lanes, Windows

        settings, ids = self.settings, self.splits["train"].ids
        assert settings.batch_size and settings.context and settings.model is not None
        if settings.model.name == "lstm":
            lanes = min(settings.batch_size, len(ids) - 1)
            return Lanes(ids, batch_size=lanes, context=settings.context, device=device)
        return Windows(ids, batch_size=settings.batch_size, context=settings.context, seed=settings.seed, device=device)

    def objective(self, model: nn.Module, device: torch.device) -> Objective:
        """The cross-entropy of the next token. Raises E313 for another loss."""
        from trainwright.training.token_loss import TokenObjective

        loss = self.settings.loss
        if loss is not None and (loss.name != "CrossEntropyLoss" or loss.arguments):
            raise error("E313", name=loss.name, problem="a language model is trained by CrossEntropyLoss as it is")
        return TokenObjective(model.output, self.predicts)  # type: ignore[arg-type]

    def forward(self, model: nn.Module) -> Forward:
        """With the state handed on from batch to batch, where the model carries one."""
        from trainwright.models.forward import Forward

        start: Any = model.start
        return Forward(model, (lambda ids: start(len(ids), ids.device)) if model.is_stateful else (lambda ids: None))

    def validate(self, model: nn.Module, objective: Objective, device: torch.device) -> Scores:
        """Loss, perplexity and next-token accuracy of the validation split."""
        from trainwright.watch.events import Scores

        sums = _measure(model, self.splits["valid"].ids, self.settings.context or 1, device)
        n = int(sums.counts.sum())
        return Scores(sums.loss, float(sums.correct.sum() / n), n, objective.metrics(sums.loss))

    def measure(self, model: nn.Module, objective: Objective, device: torch.device) -> dict[str, Any]:
        """Scores of validation and test, and the perplexity of counting words and pairs of words."""
        from trainwright.evaluation.measure import evaluation_mode
        from trainwright.tasks.language.generate import Sampling, TextGenerator

        found: dict[str, Any] = {"labels": [], "valid": None, "test": None}
        for name in ("valid", "test"):
            if name in self.splits:
                sums = _measure(model, self.splits[name].ids, self.settings.context or 1, device)
                found[name] = sums.report() | objective.metrics(sums.loss)
        measured = self.splits[next((name for name in ("test", "valid") if name in self.splits), "train")].ids
        baselines = _baselines(self.splits["train"].ids, measured, self.encoder.size)
        with evaluation_mode(model):
            generator = TextGenerator(model, self.encoder, self.settings.context or 1, device)
            sample = "".join(generator.generate("", 200, Sampling(temperature=0.8)))
        best = min(baselines, key=lambda each: float(each["loss"]))
        return found | {"baselines": baselines, "baseline": best, "samples": [sample]}

    def bundle(self) -> tuple[dict[str, Any], dict[str, np.ndarray], list[str]]:
        """The tokeniser, and the length of context that it was trained with."""
        values, arrays = self.encoder.to_parts()
        tokens = values.pop("tokens")
        return {"encoder": values, "context": self.settings.context}, arrays, tokens


def _measure(model: nn.Module, ids: np.ndarray, context: int, device: torch.device) -> Sums:
    """Every token once, by windows that do not depend on how they are batched.

    A transformer sees windows of the length that it was trained with, half of it before the first token that counts.
    """
    from trainwright.data.batches.tokens import EvaluationWindows
    from trainwright.evaluation import perplexity

    width, warm = (LSTM_WINDOW, LSTM_WARM) if model.is_stateful else (context, context // 2)
    windows = EvaluationWindows(ids, batch_size=BATCH, width=width, warm=warm, device=device)
    return perplexity.measure(model, model.output, windows)  # type: ignore[arg-type]


def _baselines(train: np.ndarray, measured: np.ndarray, size: int) -> list[dict[str, Any]]:
    from trainwright.evaluation import ngram

    losses = {"unigram": ngram.unigram(train, measured, size), "bigram": ngram.bigram(train, measured, size)}
    return [{"name": name, "loss": loss, "perplexity": math.exp(loss)} for name, loss in losses.items()]


def prepare(
    source: Source, settings: Settings, parent: Predictor | None, clock: Clock
) -> tuple[LanguageProblem, Callable[[], None]]:
    """Read, cut and encode, or take it from the cache; also gives what must be called to fill the cache.

    With ``parent`` its tokens are used. Raises SourceError and SettingError.
    """
    settings = _by_catalogue(source, settings)
    key = source.fingerprint({name: getattr(settings, name) for name in SHAPING}) if parent is None else ""
    if key and (cached := _from_cache(key, settings)):
        clock.mark("read")
        return cached, lambda: None
    texts, files, notes = reading.read(source, settings)
    clock.mark("read")
    where = ", ".join(files.get("train", []))
    encoder, ids, settings, more = _encoder(texts["train"], settings, parent, where)
    streams = {name: encoder.behind_line_end(text, ids if name == "train" else None) for name, text in texts.items()}
    splits = {name: TokenSplit(each) for name, each in streams.items()}
    for name, split in splits.items():
        if not len(split):
            raise error("E168", part=name, where=", ".join(files.get(name, [])) or where)
    data = _describe(source, files, texts, splits, encoder)
    clock.mark("encode")
    problem = LanguageProblem(settings, encoder, splits, data, notes + more + _findings(data), parent)
    return problem, lambda: _to_cache(key, problem) if key else None


def _by_catalogue(source: Source, settings: Settings) -> Settings:
    """What is known of a named data set decides how it is read, unless the person does."""
    layout = source.dataset.layout if source.dataset else None
    if settings.tokenizer is None and isinstance(layout, TextLayout):
        return settings.model_copy(update={"tokenizer": "words" if layout.unit == "word" else "characters"})
    if settings.tokenizer is None and isinstance(layout, ArchiveLayout):
        return settings.model_copy(update={"tokenizer": "words"})
    return settings


def _encoder(
    text: str, settings: Settings, parent: Predictor | None, where: str
) -> tuple[TokenEncoder, np.ndarray, Settings, list[Note]]:
    """The tokens: learned from the training text, or those of the earlier run, with the new ones where that is wanted.

    Gives the ids of the training text, which is ``where``, as well. Raises E218 where there is nothing to tell apart.
    """
    if isinstance(parent, LanguagePredictor):
        encoder = parent.encoder
        before = encoder.size
        if settings.vocabulary == "extend":
            encoder = replace(encoder, min_count=settings.min_count or 1)
            why = f"{before:,} kept, {encoder.extend(text):,} new ones added"
            ids = encoder.transform(text)
        else:
            ids = encoder.transform(text)
            share = encoder.unknown(ids, text) / max(len(ids), 1)
            why = f"kept; {share:.1%} of the new tokens are not among them"
        return encoder, ids, settings, [("vocabulary", f"{encoder.size:,} tokens", why)]
    settings, notes = defaults.language_encoding(settings, text)
    encoder = TokenEncoder(settings.tokenizer or "words", settings.min_count or 1, settings.max_vocabulary or 0)
    ids = encoder.fit(text)
    if encoder.size - encoder.tokens.count("<unk>") - encoder.tokens.count("<eos>") < 1:
        raise error("E218", where=where)
    notes.append(("vocabulary", f"{encoder.size:,} tokens", f"{encoder.tokenizer} of the training split"))
    return encoder, ids, settings, notes


def _describe(
    source: Source, files: dict[str, list[str]], texts: dict[str, str], splits: dict[str, TokenSplit], encoder: TokenEncoder
) -> dict[str, Any]:
    return {
        "source": source.name,
        "files": files,
        "rows": {name: len(stream) for name, stream in splits.items()},
        "characters": {name: len(text) for name, text in texts.items()},
        "unknown": {name: encoder.unknown(splits[name].ids[1:], text) for name, text in texts.items()},
        "repeated_lines": reading.repeated_lines(texts),
        "rejected": 0,
        "rejected_rows": [],
    }


def _findings(data: dict[str, Any]) -> list[Note]:
    rows = data["rows"]
    found = [("tokens", ", ".join(f"{name} {count:,}" for name, count in rows.items()), "every one of them is predicted once")]
    for name, count in data["unknown"].items():
        if count:
            found.append(("unknown", f"{count:,}", f"tokens of {name} ({count / rows[name]:.2%}) are not in the vocabulary"))
    for name, count in data["repeated_lines"].items():
        if count:
            found.append(("leak", f"{count:,}", f"lines of {name} of {reading.LONG_LINE} characters or more are also in train"))
    return found


def _to_cache(key: str, problem: LanguageProblem) -> None:
    values, arrays = problem.encoder.to_parts()
    filled = {name: getattr(problem.settings, name) for name in SHAPING}
    kept = {"encoder": values, "settings": filled, "data": problem.data, "notes": problem.notes}
    streams = {name: stream.ids for name, stream in problem.splits.items()}
    cache.save(key, kept | {"splits": list(streams)}, arrays, streams)


def _from_cache(key: str, settings: Settings) -> LanguageProblem | None:
    found = cache.load(key)
    streams = {name: cache.stream(key, name) for name in found[0]["splits"]} if found else {}
    if not found or any(ids is None for ids in streams.values()):
        return None
    values, arrays = found
    return LanguageProblem(
        settings=settings.model_copy(update=values["settings"]),
        encoder=TokenEncoder.from_parts(values["encoder"], arrays),
        splits={name: TokenSplit(ids) for name, ids in streams.items() if ids is not None},
        data=values["data"],
        notes=[tuple(note) for note in values["notes"]],
    )


class LanguagePredictor(Predictor):
    """A language model: it says what comes next, and goes on with a text."""

    task = "language"
    item = "text"

    def __init__(self, kept: Bundle) -> None:
        import torch

        from trainwright.models import registry
        from trainwright.tasks.language.generate import TextGenerator

        self.encoder = TokenEncoder.from_parts(kept.meta["encoder"] | {"tokens": kept.tokens}, kept.arrays)
        self.settings = MODELS[kept.meta["model_settings"]["name"]].model_validate(kept.meta["model_settings"])
        self.name, self.context = kept.meta["model"], int(kept.meta["context"])
        self.shape = TokenShape(self.encoder.size)
        self.device = torch.device("cpu")
        self.model = registry.restore(self.task, self.name, self.settings, self.shape, kept.weights)
        self._generator = TextGenerator(self.model, self.encoder, self.context, self.device)

    @classmethod
    def from_bundle(cls, kept: Bundle) -> LanguagePredictor:
        """From what the bundle holds."""
        return cls(kept)

    def smoke_test(self) -> None:
        """What comes after nothing."""
        self.predict([""])

    def base(self) -> dict[str, Any]:
        """The network, and how texts become tokens."""
        return {
            "tokenizer": self.encoder.tokenizer,
            "context": self.context,
            "model": self.settings.model_dump(exclude_none=True),
        }

    @staticmethod
    def takes_file(word: str) -> bool:
        """A path that exists."""
        return is_path(word)

    def predict(self, items: Sequence[Any], top: int = 1) -> list[Any]:
        """The ``top`` most probable next tokens of each text, with their probabilities."""
        found = []
        for text in items:
            if not isinstance(text, str):
                raise error("E320", name="texts", value=text, problem="a text is a str")
            clean = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            ids = self.encoder.behind_line_end(clean)[-self._longest :].astype(np.int64).tolist()
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
        stream = TokenSplit(self.encoder.behind_line_end(text))
        sums = _measure(self.model, stream.ids, self.context, self.device)
        names = metrics.computed("token", BITS.get(self.encoder.tokenizer, ""))
        named = {
            "rejected": 0,
            "unknown": self.encoder.unknown(stream.ids[1:], text),
            "files": [str(each) for each in files[part]],
        }
        return sums.report() | metrics.compute(names, sums.loss) | named

    def generate(self, prompt: str, tokens: int, temperature: float, top_k: int, top_p: float, seed: int) -> Iterator[str]:
        """The text that goes on after ``prompt``, piece by piece; the same for the same arguments."""
        from trainwright.tasks.language.generate import Sampling

        return self._generator.generate(prompt, tokens, Sampling(temperature, top_k, top_p, seed))
