"""Text classification: from the rows of tables to encoded splits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.files import cache
from trainwright.data.read.source import Source
from trainwright.data.tables.split import NAMES
from trainwright.data.text.bag_encoder import LabelEncoder, TextEncoder
from trainwright.data.text.ragged import Ragged
from trainwright.data.text.tokenize import Tokens
from trainwright.errors import error
from trainwright.models.catalog import models
from trainwright.tasks.base import Predictor, Split
from trainwright.tasks.class_target import ClassTarget
from trainwright.tasks.splitting import Rows
from trainwright.tasks.supervised import SupervisedProblem
from trainwright.tasks.text import defaults
from trainwright.tasks.text.predictor import TextPredictor
from trainwright.tasks.text.reading import read
from trainwright.watch.events import Listener, Note, PhaseEnded

if TYPE_CHECKING:
    import torch

    from trainwright.data.batches.base import Batches

SHAPING: tuple[str, ...] = (
    "text",
    "label",
    "split",
    "valid_fraction",
    "test_fraction",
    "tokenizer",
    "lowercase",
    "min_count",
    "max_vocabulary",
    "max_tokens",
)
# What reading and encoding hold in memory at most, in bytes: the parts at hand; of a row its numbers, several times while they
# are put in order; of a distinct token its letters and counts; of an id its key and the tables that find it.
FIXED, A_ROW, A_TOKEN, AN_ID = 1 << 30, 240, 200, 60


@dataclass
class TextProblem(SupervisedProblem):
    """Texts and their classes; inputs are token rows."""

    task = "text"

    @property
    def tunable(self) -> set[str]:
        """Each batch has another shape, for which nothing could be compiled; a linear model has nothing to choose."""
        assert self.settings.model is not None
        return set() if self.settings.model.is_linear else {"precision", "threads"}

    def derive(self) -> list[Note]:
        """From the size of the training split, its texts, and the number of classes."""
        texts: Ragged = self.splits["train"].inputs
        self.settings, notes = defaults.text_training(
            self.settings, texts, self.encoder.size, self.target.outputs, self.parent is not None
        )
        return notes

    def batches_of(self, part: Split, batch_size: int, seed: int | None, device: torch.device, **how: Any) -> Batches:
        """Return token rows in batches; for a bag that learns on a processor, by id as well."""
        learns = seed is not None and self.encoder.kind == "bag" and device.type == "cpu"
        return super().batches_of(part, batch_size, seed, device, transposed=learns)


def prepare(
    source: Source, settings: Settings, parent: Predictor | None, listen: Listener
) -> tuple[TextProblem, Callable[[], None]]:
    """Read, split and encode, or take it from the cache; also gives what must be called to fill the cache.

    ``listen`` is called when a phase ends. With ``parent`` its vocabulary is used.
    Raises SourceError and DataError.
    """
    assert settings.model is not None
    shaping = {name: getattr(settings, name) for name in SHAPING} | {"model": settings.model.model_dump()}
    key = source.fingerprint(shaping) if parent is None else ""
    if key and (found := cache.load(key)):
        prepared = _from_cache(settings, *found)
        listen(PhaseEnded("read"))
        return prepared, lambda: None
    columns, rows, tokens = read(source, settings, parent)
    listen(PhaseEnded("read"))
    prepared = _encode(rows, tokens, settings, parent)
    prepared.data["columns"] = {"text": list(columns.text), "label": columns.label}
    if len(tokens.offsets) - 1 > sum(len(stream.head.frame) for stream in source.streams.values()):
        prepared.notes.append(_in_parts(prepared, tokens))
    listen(PhaseEnded("encode"))
    return prepared, lambda: cache.save(key, *_to_cache(prepared)) if key else None


def _encode(rows: Rows, tokens: Tokens, settings: Settings, parent: Predictor | None) -> TextProblem:
    """Fit labels and vocabulary on the training split, and encode every split."""
    parts = {name: rows.part(name) for name in NAMES}
    train = parts["train"]
    labels = LabelEncoder.fit(train["label"])
    if isinstance(parent, TextPredictor):
        tokens = replace(tokens, most=parent.encoder.max_tokens)
        encoder, notes = _vocabulary_of(parent, settings, _of(tokens, train))
        encoded = encoder.transform(_of(tokens, train))
    else:
        settings, notes = defaults.text_encoding(settings, len(train), int(train["size"].sum()) / max(len(train), 1))
        encoder = _new_encoder(settings)
        tokens = replace(tokens, most=encoder.max_tokens)
        encoded = encoder.fit(_of(tokens, train))
        words = f"{len(encoder.tokens) - 2:,} tokens" + (
            f" and {encoder.size - len(encoder.tokens):,} n-grams" if encoder.grams or encoder.chars else ""
        )
        notes.append(Note("vocabulary", words, f"seen at least {encoder.min_count} time(s) in the training split"))
    if encoder.size <= 2:
        raise error("E218", where=rows.file("train"))
    splits = {}
    for name, frame in parts.items():
        if len(frame):
            inputs = encoded if name == "train" else encoder.transform(_of(tokens, frame))
            splits[name] = Split(inputs, labels.encode(frame["label"]), frame["row"].to_numpy(), rows.file(name))
    return TextProblem(settings, ClassTarget(labels, {}), encoder, splits, rows.data, rows.notes + notes, parent)


def _in_parts(prepared: TextProblem, tokens: Tokens) -> Note:
    """What a source costs that is too large to be read at once."""
    texts = len(tokens.offsets) - 1
    memory = FIXED + A_ROW * texts + A_TOKEN * len(tokens.distinct) + AN_ID * prepared.encoder.size
    held = [array.nbytes for part in prepared.splits.values() for array in part.inputs.arrays().values()]
    disk = tokens.codes.nbytes + sum(held)
    why = f"at most {memory / 2**30:.1f} GiB of memory before training, {disk / 2**30:.1f} GiB on the disk until it has ended"
    return Note("in parts", f"{texts:,} rows", why)


def _of(tokens: Tokens, frame: pl.DataFrame) -> Tokens:
    """Those of the rows of a split."""
    return replace(tokens, rows=frame["place"].to_numpy().astype(np.int64))


def _new_encoder(settings: Settings) -> TextEncoder:
    model: Any = settings.model
    kind: Any = models("text")[model.name].inputs
    of_a_bag = {key: getattr(model, key) for key in ("ngrams", "chars", "weighting")} if kind == "bag" else {}
    return TextEncoder(
        tokenizer=settings.tokenizer or "words",
        lowercase=settings.lowercase,
        kind=kind,
        **of_a_bag,
        min_count=settings.min_count or 1,
        max_vocabulary=settings.max_vocabulary or 0,
        max_tokens=settings.max_tokens or 0,
    )


def _vocabulary_of(parent: TextPredictor, settings: Settings, tokens: Tokens) -> tuple[TextEncoder, list[Note]]:
    """The encoder of the earlier run, with the new corpus's tokens behind its own where that is wanted.

    Raises E323 where n-grams are numbered behind the tokens, so that there is no room.
    """
    encoder: TextEncoder = parent.encoder
    before = len(encoder.tokens) - 2
    if settings.vocabulary == "keep":
        unknown = encoder.share_unknown(tokens)
        return encoder, [Note("vocabulary", f"{before:,} tokens", f"kept; {unknown:.1%} of the new tokens are not among them")]
    if encoder.grams or encoder.chars:
        raise error("E323")
    encoder = replace(encoder)
    added = encoder.extend(tokens, settings.min_count or 1)
    return encoder, [Note("vocabulary", f"{before + added:,} tokens", f"{before:,} kept, {added:,} new ones added")]


def _to_cache(prepared: TextProblem) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    values, arrays = prepared.encoder.to_parts()
    arrays = {f"encoder/{name}": array for name, array in arrays.items()}
    for name, part in prepared.splits.items():
        columns = part.inputs.arrays() | {"targets": part.targets, "rows": part.rows}
        arrays |= {f"{name}/{key}": array for key, array in columns.items()}
    model: Any = prepared.settings.model
    filled = {key: getattr(prepared.settings, key) for key in SHAPING} | {"model": model.model_dump()}
    files = {name: part.file for name, part in prepared.splits.items()}
    kept = {"encoder": values, "labels": list(prepared.target.labels), "settings": filled, "files": files}
    return kept | {"data": prepared.data, "notes": prepared.notes}, arrays


def _from_cache(settings: Settings, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> TextProblem:
    groups: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        group, _, key = name.partition("/")
        groups.setdefault(group, {})[key] = array
    splits = {}
    for name, file in values["files"].items():
        part = groups[name]
        texts = Ragged(part["values"], part["offsets"], part.get("weights"))
        splits[name] = Split(texts, part["targets"], part["rows"], file)
    return TextProblem(
        settings=Settings.model_validate(settings.model_dump() | values["settings"]),
        target=ClassTarget(LabelEncoder(tuple(values["labels"])), {}),
        encoder=TextEncoder.from_parts(values["encoder"], groups["encoder"]),
        splits=splits,
        data=values["data"],
        notes=[Note(*note) for note in values["notes"]],
    )
