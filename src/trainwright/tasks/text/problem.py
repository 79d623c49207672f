"""Text classification: from the rows of tables to encoded splits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.files import cache
from trainwright.data.files.spool import prefetch
from trainwright.data.read.source import Source
from trainwright.data.tables.column_choice import declare, declared_target, refuse_unfit
from trainwright.data.tables.dtypes import convert, number_feature
from trainwright.data.tables.label_form import LabelForm, Target, form_of
from trainwright.data.tables.split import content_keys
from trainwright.data.tables.table import ROW, Table, TableStream, files_of, table_name
from trainwright.data.tables.text_columns import choose_columns, join_text, left_out
from trainwright.data.text.alike import alike
from trainwright.data.text.ragged import Ragged
from trainwright.data.text.text_encoder import TextEncoder
from trainwright.data.text.tokenize import TokenizedTexts, Tokens
from trainwright.errors import error, nearest
from trainwright.evaluation.intervals import Units
from trainwright.models.catalog import models
from trainwright.tasks import targets
from trainwright.tasks.base import FillCache, Predictor, Split
from trainwright.tasks.cutting import choose_split, split_column
from trainwright.tasks.found import oddities
from trainwright.tasks.grouping import Grouping, grouping
from trainwright.tasks.splitting import Part, Rows, assign_splits
from trainwright.tasks.supervised import SupervisedProblem
from trainwright.tasks.text import defaults
from trainwright.tasks.text.predictor import TextPredictor
from trainwright.watch.events import Listener, Note, PhaseEnded

if TYPE_CHECKING:
    import torch
    from torch.utils.data import Dataset

    from trainwright.data.batches.base import Batches
    from trainwright.tasks.baselines import View

TITLES = {"class": "text classification", "number": "text regression", "labels": "multi-label text classification"}
SHAPING: tuple[str, ...] = (
    "text",
    "label",
    "target",
    "columns",
    "decimal",
    "dates",
    "labels",
    "sample_weight",
    "split",
    "valid_fraction",
    "folds",
    "test_fraction",
    "train_fraction",
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
    """Texts and what is predicted of them; inputs are token rows."""

    task = "text"

    @property
    def title(self) -> str:
        return TITLES[self.target.kind]

    @property
    def tunable(self) -> set[str]:
        # Each batch has another shape, for which nothing could be compiled; a linear model has nothing to choose.
        return set() if self.settings.network.is_linear else {"precision", "threads"}

    def derive(self) -> list[Note]:
        texts, tuned = self.splits["train"].inputs, self.parent is not None
        shape = self.encoder.shape(self.target.outputs)
        self.settings, notes = defaults.text_training(self.settings, texts, shape, self.target.kind, tuned)
        return notes

    def view(self, part: Split) -> View:
        from trainwright.tasks.baselines import View

        return View(bags=(part.inputs,))

    def dataset(self, name: str) -> Dataset[Any]:
        from trainwright.data.text.batches import TextDataset

        return TextDataset(self.splits[name].inputs, self.splits[name].targets)

    def batches_of(self, part: Split, batch_size: int, seed: int | None, device: torch.device, **how: Any) -> Batches:
        """Return token rows in batches; for a bag that learns on a processor, by id as well."""
        learns = seed is not None and self.encoder.kind == "bag" and device.type == "cpu"
        return super().batches_of(part, batch_size, seed, device, transposed=learns)


def prepare(source: Source, settings: Settings, parent: Predictor | None, listen: Listener) -> tuple[TextProblem, FillCache]:
    """Read, split and encode, or take it from the cache; return also what must be called to fill the cache.

    With ``parent`` its vocabulary is used. Raise SourceError and DataError.
    """
    key = source.fingerprint(_shaping(settings)) if parent is None else ""
    if key and (found := cache.load(key, listen)):
        prepared = _from_cache(settings, *found)
        listen(PhaseEnded("read"))
        return prepared, lambda: None
    settings, text, form, rows, tokens = read(source, settings, parent)
    listen(PhaseEnded("read"))
    prepared = _encode(rows, tokens, form, settings, parent)
    prepared.data["columns"] = {"text": list(text), **form.to_values(), **source.reading, **rows.group.kept()}
    if len(tokens.offsets) - 1 > sum(len(stream.head.frame) for stream in source.streams.values()):
        prepared.notes.append(_in_parts(prepared, tokens))
    listen(PhaseEnded("encode"))
    return prepared, lambda: cache.save(key, source.shown, *_to_cache(prepared)) if key else None


def _shaping(settings: Settings) -> dict[str, Any]:
    kept = {name: getattr(settings, name) for name in SHAPING} | {"model": settings.network.model_dump()}
    return kept | ({} if settings.train_fraction is None else {"seed": settings.seed})


def _encode(rows: Rows, tokens: Tokens, form: LabelForm, settings: Settings, parent: Predictor | None) -> TextProblem:
    """Fit target and vocabulary on the training split, and encode every split."""
    train = rows.part("train")
    known = parent.target if isinstance(parent, TextPredictor) else None
    target = targets.fit(form.target, form.name, train["label"], settings.labels == "merge", known)
    if isinstance(parent, TextPredictor):
        tokens = replace(tokens, most=parent.encoder.max_tokens)
        encoder, notes = _vocabulary_of(parent, settings, _of(tokens, train))
        encoded = encoder.transform(_of(tokens, train))
    else:
        settings, notes = defaults.text_encoding(settings, len(train), int(train["size"].sum()) / max(len(train), 1))
        encoder = _new_encoder(settings)
        tokens = replace(tokens, most=encoder.max_tokens)
        encoded = encoder.fit(_of(tokens, train))
        words = f"{len(encoder.tokens) - 2:,} tokens"
        if encoder.grams or encoder.chars:
            words += f" and {encoder.size - len(encoder.tokens):,} n-grams"
        notes.append(Note("vocabulary", words, f"seen at least {encoder.min_count} time(s) in the training split"))
    if encoder.size <= 2:
        raise error("E218", where=rows.files["train"])
    splits = rows.splits(lambda name, part: encoded if name == "train" else encoder.transform(_of(tokens, part)), target.encode)
    return TextProblem(settings, target, encoder, splits, rows.data, rows.notes + notes, parent)


def _in_parts(prepared: TextProblem, tokens: Tokens) -> Note:
    """Return a note on what it costs to read a source that is too large to be read at once."""
    texts = len(tokens.offsets) - 1
    memory = FIXED + A_ROW * texts + A_TOKEN * len(tokens.distinct) + AN_ID * prepared.encoder.size
    held = [array.nbytes for part in prepared.splits.values() for array in part.inputs.arrays().values()]
    disk = tokens.codes.nbytes + sum(held)
    why = f"at most {memory / 2**30:.1f} GiB of memory before training, {disk / 2**30:.1f} GiB on the disk until it has ended"
    return Note("in parts", f"{texts:,} rows", why)


def _of(tokens: Tokens, frame: pl.DataFrame) -> Tokens:
    """Return the tokens of the rows of one split."""
    return replace(tokens, rows=frame["place"].to_numpy().astype(np.int64))


def _new_encoder(settings: Settings) -> TextEncoder:
    kind: Any = models("text")[settings.network.name].inputs
    of_a_bag = {key: getattr(settings.network, key) for key in ("ngrams", "chars", "weighting")} if kind == "bag" else {}
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
    """Return the encoder of the earlier run, with the new corpus's tokens behind its own where that is wanted.

    Raise E323 where n-grams are numbered behind the tokens, so that there is no room.
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
    for name, part in prepared.splits.items():
        columns = part.inputs.arrays() | {"targets": part.targets, "rows": part.rows}
        columns |= {} if part.weights is None else {"row_weights": part.weights}
        columns |= {} if part.units is None else {"units": part.units.codes}
        columns |= {} if part.contents is None else {"contents": part.contents}
        columns |= {} if part.leaked is None else {"leaked": part.leaked}
        arrays |= {f"{name}/{key}": array for key, array in columns.items()}
    files = {name: [part.file, *files_of(part.file)] for name, part in prepared.splits.items()}
    kept = {"encoder": values, "target": prepared.target.to_json(), "settings": _shaping(prepared.settings), "files": files}
    return kept | {"data": prepared.data, "notes": prepared.notes}, arrays


def _from_cache(settings: Settings, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> TextProblem:
    splits = {}
    for name, (file, *files) in values["files"].items():
        texts = Ragged(arrays[f"{name}/values"], arrays[f"{name}/offsets"], arrays.get(f"{name}/weights"))
        columns = (arrays[f"{name}/targets"], arrays[f"{name}/rows"])
        codes, group = arrays.get(f"{name}/units"), values["data"]["columns"].get("group", "")
        units = None if codes is None else Units(codes, group)
        of_rows: dict[str, Any] = {key: arrays.get(f"{name}/{key}") for key in ("contents", "leaked")}
        weights = arrays.get(f"{name}/row_weights")
        splits[name] = Split(texts, *columns, table_name(file, files), (), weights, units, **of_rows)
    return TextProblem(
        settings=Settings.model_validate(settings.model_dump() | values["settings"]),
        target=targets.from_json(values["target"]),
        encoder=TextEncoder.from_parts(values["encoder"], arrays),
        splits=splits,
        data=values["data"],
        notes=[Note(*note) for note in values["notes"]],
    )


def read(
    source: Source, settings: Settings, parent: Predictor | None
) -> tuple[Settings, tuple[str, ...], LabelForm, Rows, Tokens]:
    """Return the settings with the split, the columns of the text, how labels are written, the rows of every split, and the
    tokens of all texts: ``place``
    says where a row's are.

    A file is gone through once; of a text its tokens are kept, as numbers, on the disk where they are many.
    """
    first = source.streams["train"].head
    head = declare(first, settings.columns, settings.decimal, settings.dates)
    layout = source.layout
    text = settings.text or head.declared_as("text") or (layout.text if layout else ())
    label = settings.label or (layout.label if layout else "")
    settings, notes = choose_split(settings, head, {label, *text}, source.streams.keys() - {"train"})
    said = settings.split == f"column:{split_column(settings)}"
    rest = head.without(settings.sample_weight, split_column(settings) if said else "")
    columns = choose_columns(rest, text, label, target=settings.target)
    for name in columns.text:
        refuse_unfit(head, name, "text", "text=NAME")
    asked = _target(declared_target(head, str(columns.label), settings.target), parent)
    form, told = form_of(head, columns.labels, asked)
    kept: Any = parent.encoder if isinstance(parent, TextPredictor) else settings
    texts = TokenizedTexts(kept.tokenizer or "words", kept.lowercase)
    label_column = None if form.target == "labels" else form.name
    group = grouping(settings, head, {*columns.text, *columns.labels}, label_column)
    parts = {name: _part(each, first, columns.text, form, settings, texts, group) for name, each in source.streams.items()}
    tokens = texts.tokens()
    same, near = alike(tokens)
    for part in parts.values():
        places = part.frame["place"].to_numpy()
        here = pl.Series(same[places])
        part.frame = part.frame.with_columns(same=here, near=pl.Series(near[places]), fingerprint=here)
    rows = assign_splits(source, parts, settings, classes=form.target != "number", group=group)
    used = (*columns.text, *columns.labels, split_column(settings), settings.sample_weight)
    unused = left_out(head, used, "neither text nor label; text=NAME,NAME joins several columns")
    rows.notes = [*head.notes, *notes, *columns.notes, *told, *unused, *rows.notes]
    return settings, columns.text, form, rows, tokens


def _target(given: Target | None, parent: Predictor | None) -> Target | None:
    """Return what is given, or the earlier run's where there is one. Raise E260 for another one than that."""
    if not isinstance(parent, TextPredictor):
        return given
    kind = parent.target.kind
    if given not in (None, kind):
        raise error("E260", found=targets.WORDS[kind], wanted=f"it is to go on with target={given}")
    return kind


def _part(
    stream: TableStream,
    first: Table,
    text: tuple[str, ...],
    form: LabelForm,
    settings: Settings,
    texts: TokenizedTexts,
    group: Grouping,
) -> Part:
    """Return label and row of each text, what is kept of its content, its size in bytes, and what splits by group or time.

    Only the file of the ``first`` table is cut and has a key. Raise E213 where a column is missing.
    """
    column = split_column(settings) if stream.head is first else ""
    weight = settings.sample_weight if stream.head is first else ""
    for name in filter(None, (*text, *form.columns, column, weight)):
        if name not in stream.head.columns:
            raise error("E213", column=name, file=stream.head.file, hint=nearest(name, stream.head.columns))
    counted = number_feature(first.frame[weight], settings.decimal or "") if weight else None
    frames, rejected = [], []
    for table in prefetch(stream.tables()):
        content = join_text(table.frame, text)
        kept = {
            "label": form.read(table.frame),
            "row": table.frame[ROW],
            "place": pl.Series(np.arange(len(texts), len(texts) + len(content), dtype=np.uint32)),
            "size": content.str.len_bytes(),
            **content_keys(content),
            "odd": oddities(content),
            **({"key": table.frame[column]} if column else {}),
            **group.of(table.frame),
            **({"weight": convert(table.frame[weight], counted)[0]} if counted else {}),
        }
        frames.append(pl.DataFrame(kept))
        rejected += table.rejected
        texts.add(content)
    return Part(pl.concat(frames), stream.head.file, rejected)
