"""Language models: from running text to token streams."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.config.settings import Settings
from trainwright.data.files import cache
from trainwright.data.read.catalog_entries import ArchiveLayout, TextLayout
from trainwright.data.read.source import Source
from trainwright.data.shapes import TokenShape
from trainwright.data.text.token_encoder import TokenEncoder
from trainwright.errors import error
from trainwright.tasks.base import Predictor
from trainwright.tasks.language import defaults, reading
from trainwright.tasks.language.predictor import BITS, LanguagePredictor, measure
from trainwright.training.problem import Problem
from trainwright.watch.events import Listener, Note, PhaseEnded, Scores

if TYPE_CHECKING:
    import torch
    from torch import nn

    from trainwright.data.batches.base import Batches
    from trainwright.models.forward import Forward
    from trainwright.models.objective import Objective
    from trainwright.watch.events import Scores

SHAPING = ("tokenizer", "min_count", "max_vocabulary", "valid_fraction", "test_fraction")


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
        """Return what the network has to know of the tokens."""
        return self.encoder.shape()

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

    def batches(self, model: nn.Module, device: torch.device) -> Batches:
        """Return lanes for a model that carries its state, windows in random order for one that does not."""
        from trainwright.data.batches.tokens import Lanes, Windows

        settings, ids = self.settings, self.splits["train"].ids
        assert settings.batch_size and settings.context
        if model.is_stateful:
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
        sums = measure(model, self.splits["valid"].ids, self.settings.context or 1, device)
        n = int(sums.counts.sum())
        return Scores(sums.loss, float(sums.correct.sum() / n), n, objective.metrics(sums.loss))

    def measure(self, model: nn.Module, objective: Objective, device: torch.device) -> dict[str, Any]:
        """Scores of validation and test, and the perplexity of counting words and pairs of words."""
        from trainwright.evaluation.measure import evaluation_mode
        from trainwright.tasks.language.generate import Sampling, TextGenerator

        found: dict[str, Any] = {"labels": [], "valid": None, "test": None}
        for name in ("valid", "test"):
            if name in self.splits:
                sums = measure(model, self.splits[name].ids, self.settings.context or 1, device)
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


def _baselines(train: np.ndarray, measured: np.ndarray, size: int) -> list[dict[str, Any]]:
    from trainwright.evaluation import ngram

    losses = {"unigram": ngram.unigram(train, measured, size), "bigram": ngram.bigram(train, measured, size)}
    return [{"name": name, "loss": loss, "perplexity": math.exp(loss)} for name, loss in losses.items()]


def prepare(
    source: Source, settings: Settings, parent: Predictor | None, listen: Listener
) -> tuple[LanguageProblem, Callable[[], None]]:
    """Read, cut and encode, or take it from the cache; also gives what must be called to fill the cache.

    With ``parent`` its tokens are used. Raises SourceError and SettingError.
    """
    settings = _by_catalogue(source, settings)
    key = source.fingerprint({name: getattr(settings, name) for name in SHAPING}) if parent is None else ""
    if key and (cached := _from_cache(key, settings)):
        listen(PhaseEnded("read"))
        return cached, lambda: None
    texts, files, notes = reading.read(source, settings)
    listen(PhaseEnded("read"))
    where = ", ".join(files.get("train", []))
    encoder, ids, settings, more = _encoder(texts["train"], settings, parent, where)
    streams = {name: encoder.behind_line_end(text, ids if name == "train" else None) for name, text in texts.items()}
    splits = {name: TokenSplit(each) for name, each in streams.items()}
    for name, split in splits.items():
        if not len(split):
            raise error("E168", part=name, where=", ".join(files.get(name, [])) or where)
    data = _describe(source, files, texts, splits, encoder)
    listen(PhaseEnded("encode"))
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
        return encoder, ids, settings, [Note("vocabulary", f"{encoder.size:,} tokens", why)]
    settings, notes = defaults.language_encoding(settings, text)
    encoder = TokenEncoder(settings.tokenizer or "words", settings.min_count or 1, settings.max_vocabulary or 0)
    ids = encoder.fit(text)
    if encoder.size - encoder.tokens.count("<unk>") - encoder.tokens.count("<eos>") < 1:
        raise error("E218", where=where)
    notes.append(Note("vocabulary", f"{encoder.size:,} tokens", f"{encoder.tokenizer} of the training split"))
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
    counts = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    found = [Note("tokens", counts, "every one of them is predicted once")]
    for name, count in data["unknown"].items():
        if count:
            why = f"tokens of {name} ({count / rows[name]:.2%}) are not in the vocabulary"
            found.append(Note("unknown", f"{count:,}", why))
    for name, count in data["repeated_lines"].items():
        if count:
            why = f"lines of {name} of {reading.LONG_LINE} characters or more are also in train"
            found.append(Note("leak", f"{count:,}", why))
    return found


def _to_cache(key: str, problem: LanguageProblem) -> None:
    values, _ = problem.encoder.to_parts()
    filled = {name: getattr(problem.settings, name) for name in SHAPING}
    kept = {"encoder": values, "settings": filled, "data": problem.data, "notes": problem.notes}
    cache.save(key, kept | {"splits": list(problem.splits)}, {name: part.ids for name, part in problem.splits.items()})


def _from_cache(key: str, settings: Settings) -> LanguageProblem | None:
    if not (found := cache.load(key)):
        return None
    values, streams = found
    return LanguageProblem(
        settings=settings.model_copy(update=values["settings"]),
        encoder=TokenEncoder.from_parts(values["encoder"], {}),
        splits={name: TokenSplit(streams[name]) for name in values["splits"]},
        data=values["data"],
        notes=[Note(*note) for note in values["notes"]],
    )
