"""Language models: from running text to token streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.config.settings import Settings
from trainwright.data.files import cache
from trainwright.data.read.catalog_entries import ArchiveLayout, TextLayout
from trainwright.data.read.source import Source
from trainwright.data.shapes import TokenShape
from trainwright.data.text.token_encoder import TokenEncoder
from trainwright.errors import error
from trainwright.models import registry
from trainwright.models.catalog import models
from trainwright.tasks.base import FillCache, Predictor
from trainwright.tasks.language import defaults, leaks, reading, watched
from trainwright.tasks.language.predictor import BITS, LanguagePredictor, evaluation_window, measure, passages_of
from trainwright.tasks.subset import window
from trainwright.training.problem import Measured, Problem
from trainwright.watch.events import Answers, Listener, Note, PhaseEnded, Scores

if TYPE_CHECKING:
    import polars as pl
    import torch
    from torch import nn
    from torch.utils.data import Dataset

    from trainwright.data.batches.base import Batches
    from trainwright.data.batches.loader import Loader
    from trainwright.evaluation.perplexity import Sums
    from trainwright.models.forward import Forward
    from trainwright.models.objective import Objective
    from trainwright.training.loop import Watch

SHAPING = ("text", "tokenizer", "min_count", "max_vocabulary", "valid_fraction", "test_fraction", "train_fraction")
SAMPLE = 60  # tokens that the model writes after each epoch


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
        return self.encoder.shape()

    @property
    def predicts(self) -> tuple[str, ...]:
        """Return that tokens are predicted, and what one is."""
        return "token", BITS.get(self.encoder.tokenizer, "")

    def derive(self) -> list[Note]:
        tokens, tuned = len(self.splits["train"]), self.parent is not None
        self.settings, notes = defaults.language_training(self.settings, tokens, self.encoder.size, tuned)
        return notes

    def batches(self, model: nn.Module, device: torch.device) -> Batches:
        """Return lanes for a model that carries its state, windows in random order for one that does not."""
        return self._batches("train", bool(model.is_stateful), self.settings.batch_size or 1, self.settings.seed, device)

    def _batches(self, name: str, stateful: bool, batch_size: int, seed: int, device: torch.device) -> Batches:
        from trainwright.data.batches.tokens import Lanes, Windows

        ids, context = self.splits[name].ids, self.settings.context or 1
        if stateful:
            return Lanes(ids, batch_size=min(batch_size, len(ids) - 1), context=context, device=device)
        return Windows(ids, batch_size=batch_size, context=context, seed=seed, device=device)

    @property
    def _stateful(self) -> bool:
        """Return whether the network that the settings name carries a state."""
        return bool(registry.load(models(self.task)[self.settings.network.name].network).is_stateful)

    def dataset(self, name: str) -> Dataset[Any]:
        """Return windows: of training next to each other, else those by which a model is measured."""
        from trainwright.data.batches.tokens import WindowDataset

        context = self.settings.context or 1
        width, warm = (context, 0) if name == "train" else evaluation_window(self._stateful, context)
        return WindowDataset(self.splits[name].ids, width, warm)

    def loader(self, name: str, batch_size: int, seed: int | None) -> Loader:
        import torch

        from trainwright.data.batches.loader import epochs_loader, ordered_loader

        if seed is None:
            return ordered_loader(self.dataset(name), batch_size)
        return epochs_loader(self._batches(name, self._stateful, batch_size, seed, torch.device("cpu")))

    def objective(self, model: nn.Module, device: torch.device) -> Objective:
        """Return the cross-entropy of the next token. Raise E313 for another loss."""
        from trainwright.training.losses import TokenObjective

        loss = self.settings.loss
        if loss is not None and (loss.name != "CrossEntropyLoss" or loss.arguments):
            raise error("E313", name=loss.name, problem="a language model is trained by CrossEntropyLoss as it is")
        return TokenObjective(model.output, self.predicts)  # type: ignore[arg-type]

    def forward(self, model: nn.Module) -> Forward:
        """Hand the state on from batch to batch, where the model carries one."""
        from trainwright.models.forward import Forward

        start: Any = model.start
        return Forward(model, (lambda ids: start(len(ids), ids.device)) if model.is_stateful else (lambda ids: None))

    def validate(self, model: nn.Module, objective: Objective, device: torch.device) -> Scores:
        sums = measure(model, self.splits["valid"].ids, self.settings.context or 1, device)
        n = int(sums.counts.sum())
        return Scores(sums.loss, float(sums.correct.sum() / n), n, objective.metrics(sums.loss))

    def valid_loss(self, objective: Objective, device: torch.device, rows: int) -> tuple[int, Callable[[nn.Module], float]]:
        """Return the loss on the first tokens: they are one text."""
        ids, context = self.splits["valid"].ids[: rows + 1], self.settings.context or 1
        return len(ids) - 1, lambda model: measure(model, ids, context, device).loss

    def watched_rows(self) -> pl.DataFrame:
        import polars as pl

        return pl.DataFrame()

    @property
    def passages(self) -> list[dict[str, Any]]:
        if "valid" not in self.splits:
            return []
        files = self.data["files"].get("valid") or self.data["files"].get("train") or [self.data["source"]]
        return watched.passages(self.splits["valid"].ids, self.encoder, ", ".join(files))

    def watch(self, device: torch.device) -> Watch:
        def ask(model: nn.Module, epoch: int) -> Answers:
            found = []
            if "valid" in self.splits:
                ids, context = self.splits["valid"].ids, self.settings.context or 1
                found = watched.answers(model, ids, self.encoder, context, device)
            return Answers(epoch, found, self._sample(model, SAMPLE, device))

        return ask

    def _sample(self, model: nn.Module, tokens: int, device: torch.device) -> str:
        """Return a text that the model writes from nothing, the same for the same parameters."""
        from trainwright.evaluation.measure import evaluation_mode
        from trainwright.tasks.language.generate import TextGenerator

        with evaluation_mode(model):
            generator = TextGenerator(model, self.encoder, self.settings.context or 1, device)
            return "".join(generator.generate("", tokens, temperature=0.8))

    def measure(self, model: nn.Module, objective: Objective, device: torch.device) -> Measured:
        """Return as baselines the perplexity of counting tokens and pairs of tokens."""
        found: dict[str, Any] = {"labels": [], "valid": None, "test": None}
        measured: dict[str, Sums] = {
            name: measure(model, self.splits[name].ids, self.settings.context or 1, device)
            for name in ("valid", "test")
            if name in self.splits
        }
        for name, sums in measured.items():
            found[name] = sums.report() | objective.metrics(sums.loss)
        rows = {name: self._of_each_token(name, sums) for name, sums in measured.items()}
        ids = {name: part.ids for name, part in self.splits.items()}
        price = leaks.price(ids, self.encoder, measured, objective)
        return Measured(found | self._baselines(measured) | price, rows)

    def written(self, model: nn.Module, device: torch.device) -> dict[str, Any]:
        return {"samples": [self._sample(model, 200, device)]}

    def _baselines(self, measured: Mapping[str, Sums]) -> dict[str, Any]:
        """Return ``baseline``, ``baselines`` and ``signal`` of the report: what counting tokens and pairs comes to."""
        from trainwright.evaluation import ngram
        from trainwright.evaluation.perplexity import perplexity

        train, size = self.splits["train"].ids, self.encoder.size
        found = []
        for name, losses in (("unigram", ngram.unigram), ("bigram", ngram.bigram)):
            of = {part: sums.against(losses(train, self.splits[part].ids, size)) for part, sums in measured.items()}
            if not measured:
                loss = float(losses(train, train, size).mean())
                of = {"test": {"loss": loss, "perplexity": perplexity(loss)}}
            found.append({"name": name, **of.get("test", of.get("valid", {})), "valid": of.get("valid")})
        ends = found[0].get("difference_interval")
        best = min(found, key=itemgetter("loss"))
        told = {key: best[key] for key in ("name", "loss", "perplexity")}
        return {"baseline": told, "baselines": found, "signal": None if ends is None else bool(ends[0] > 0)}

    def _of_each_token(self, name: str, sums: Sums) -> pl.DataFrame:
        """Return place (``row``, from 1 on), guess, probabilities and loss of each token of a split."""
        import polars as pl

        tokens, ids = pl.Series(self.encoder.tokens, dtype=pl.String), self.splits[name].ids[1:].astype(np.int64)
        files = ", ".join(self.data["files"].get(name) or self.data["files"].get("train", []))
        places = {"file": pl.repeat(files, len(ids), eager=True), "row": pl.int_range(1, len(ids) + 1, eager=True)}
        answers = {"truth": tokens.gather(ids), "answer": tokens.gather(sums.guesses)}
        shares = {"probability": sums.guess_shares, "truth_probability": np.exp(-sums.token_losses)}
        return pl.DataFrame(places | answers | shares | {"loss": pl.Series(sums.token_losses)})

    def fingerprints(self) -> dict[str, np.ndarray]:
        """Return the digests of the passages of each split."""
        return {name: np.unique(passages_of(part.ids[1:], self.encoder)[1]) for name, part in self.splits.items()}

    def bundle(self) -> tuple[dict[str, Any], dict[str, np.ndarray], list[str]]:
        values, arrays = self.encoder.to_parts()
        tokens = values.pop("tokens")
        return {"encoder": values, "context": self.settings.context, "columns": self.data["columns"]}, arrays, tokens


def prepare(
    source: Source, settings: Settings, parent: Predictor | None, listen: Listener
) -> tuple[LanguageProblem, FillCache]:
    """Read, cut and encode, or take it from the cache; return also what must be called to fill the cache.

    With ``parent`` its tokens are used. Raise SourceError and SettingError.
    """
    settings = _by_catalogue(source, settings)
    shaping = {name: getattr(settings, name) for name in (*SHAPING, *(("seed",) if settings.train_fraction else ()))}
    key = source.fingerprint(shaping) if parent is None else ""
    if key and (found := cache.load(key, listen)):
        listen(PhaseEnded("read"))
        return _from_cache(settings, *found), lambda: None
    read = reading.read(source, settings)
    texts, files = read.texts, read.files
    listen(PhaseEnded("read"))
    where = ", ".join(files.get("train", []))
    encoder, ids, settings, more = _encoder(texts["train"], settings, parent, where)
    streams = {name: encoder.behind_line_end(text, ids if name == "train" else None) for name, text in texts.items()}
    part = ("train",) if settings.train_fraction else ()  # of it the unknown are not counted apart
    streams["train"] = window(streams["train"], settings)  # of the same tokens, so that what is said of them can be compared
    splits = {name: TokenSplit(each) for name, each in streams.items()}
    for name, split in splits.items():
        if not len(split):
            raise error("E168", part=name, where=", ".join(files.get(name, [])) or where)
    data: dict[str, Any] = {
        "source": source.name,
        "files": files,
        "columns": {"text": list(read.columns)},
        "rows": {name: len(stream) for name, stream in splits.items()},
        "characters": {name: len(text) for name, text in texts.items()},
        "vocabulary": encoder.size,
        "unknown": {name: encoder.unknown(splits[name].ids[1:], text) for name, text in texts.items() if name not in part},
        "repeated_lines": leaks.repeated_lines(texts),
        "leaked": {name: int(leaks.leaked(streams, name, encoder).sum()) for name in streams if name != "train"},
        "rejected": len(read.rejected),
        "rejected_rows": [asdict(each) for each in read.rejected],
    }
    listen(PhaseEnded("encode"))
    notes = read.notes + more + _findings(data, encoder.tokenizer)
    problem = LanguageProblem(settings, encoder, splits, data, notes, parent)
    return problem, lambda: cache.save(key, source.shown, *_to_cache(problem)) if key else None


def _by_catalogue(source: Source, settings: Settings) -> Settings:
    """Read a named data set by what is known of it, unless the person says how."""
    layout = source.dataset.layout if source.dataset else None
    if settings.tokenizer is not None or not isinstance(layout, TextLayout | ArchiveLayout):
        return settings
    letters = isinstance(layout, TextLayout) and layout.unit != "word"
    return settings.model_copy(update={"tokenizer": "characters" if letters else "words"})


def _encoder(
    text: str, settings: Settings, parent: Predictor | None, where: str
) -> tuple[TokenEncoder, np.ndarray, Settings, list[Note]]:
    """Learn the tokens of the training text, or take those of the earlier run, with the new ones where that is wanted.

    Return also the ids of the training text, which is ``where``. Raise E218 where there is nothing to tell apart.
    """
    if isinstance(parent, LanguagePredictor):
        encoder = parent.encoder
        before = encoder.size
        if settings.vocabulary == "extend":
            encoder = replace(encoder, min_count=settings.min_count or 1)
            why = f"{before:,} kept, {encoder.extend(text):,} new ones added"
        ids = encoder.transform(text)
        if settings.vocabulary == "keep":
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


def _findings(data: dict[str, Any], tokenizer: str) -> list[Note]:
    rows = data["rows"]
    counts = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    found = [Note("tokens", counts, "every one of them is predicted once")]
    for name, count in data["unknown"].items():
        if count:
            why = f"tokens of {name} ({count / rows[name]:.2%}) are not in the vocabulary"
            found.append(Note("unknown", f"{count:,}", why))
    return found + leaks.notes(data, tokenizer)


def _to_cache(problem: LanguageProblem) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    values, _ = problem.encoder.to_parts()
    filled = {name: getattr(problem.settings, name) for name in SHAPING}
    kept = {"encoder": values, "settings": filled, "data": problem.data, "notes": problem.notes}
    return kept, {name: part.ids for name, part in problem.splits.items()}


def _from_cache(settings: Settings, values: dict[str, Any], streams: dict[str, np.ndarray]) -> LanguageProblem:
    return LanguageProblem(
        settings=settings.model_copy(update=values["settings"]),
        encoder=TokenEncoder.from_parts(values["encoder"], {}),
        splits={name: TokenSplit(streams[name]) for name in values["data"]["rows"]},
        data=values["data"],
        notes=[Note(*note) for note in values["notes"]],
    )
