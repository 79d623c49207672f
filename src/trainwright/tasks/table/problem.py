"""Tables: rows of numbers, categories, dates, yes or no, and texts, from which a class, a number or labels are predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.read.source import Source
from trainwright.data.tables.cast import cast_columns
from trainwright.data.tables.column_choice import declare
from trainwright.data.tables.dtypes import Feature, convert, number_feature
from trainwright.data.tables.encoder import TableEncoder
from trainwright.data.tables.feature_columns import TableSchema, choose_features
from trainwright.data.tables.fingerprint import of_keys
from trainwright.data.tables.label_form import several
from trainwright.data.tables.split import content_keys, row_keys
from trainwright.data.tables.table import ROW, Rejected, Table
from trainwright.data.text.alike import alike
from trainwright.data.text.text_encoder import SPECIAL, TextEncoder
from trainwright.data.text.tokenize import TokenizedTexts
from trainwright.errors import error, nearest
from trainwright.models.catalog import BoostedSettings
from trainwright.startup import import_in_thread
from trainwright.tasks import targets
from trainwright.tasks.base import FillCache, Predictor
from trainwright.tasks.cutting import choose_split, split_column
from trainwright.tasks.found import notes as said_of
from trainwright.tasks.grouping import grouping
from trainwright.tasks.splitting import Part, Rows, assign_splits
from trainwright.tasks.supervised import SupervisedProblem
from trainwright.tasks.table import boosted, defaults
from trainwright.tasks.table.odd_values import odd_values
from trainwright.tasks.table.predictor import TablePredictor
from trainwright.tasks.written import CHANGED, useful
from trainwright.watch.events import Listener, Note, PhaseEnded

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.utils.data import Dataset

    from trainwright.data.batches.base import Batches
    from trainwright.models.objective import Objective
    from trainwright.tasks.base import Split
    from trainwright.tasks.baselines import View

WHY_LEFT_OUT = {"group": "the split is by its groups", "column": "it says which split a row belongs to"}
TITLES = {"class": "table classification", "number": "table regression", "labels": "multi-label table classification"}


@dataclass
class TableProblem(SupervisedProblem):
    """Rows of a table; inputs are as ``TableEncoder`` gives them."""

    task = "table"

    @property
    def title(self) -> str:
        return TITLES[self.target.kind]

    @property
    def tunable(self) -> set[str]:
        if isinstance(self.settings.model, BoostedSettings):
            return set()
        # Each batch has texts of another length, for which nothing could be compiled.
        return super().tunable - ({"compile"} if self.encoder.texts else set())

    def derive(self) -> list[Note]:
        tuned, rows = self.parent is not None, len(self.splits["train"])
        if isinstance(self.settings.model, BoostedSettings):
            boosted.check(self.settings, self.target.kind, tuned)
        self.settings, notes = defaults.table_training(self.settings, rows, self.shape, self.target.kind, tuned)
        return notes

    def batches(self, model: nn.Module, device: torch.device) -> Batches:
        from trainwright.models.protocols import Grown

        if not isinstance(model, Grown):
            return super().batches(model, device)
        from trainwright.training.growing import WholeBatches

        part = self.splits["train"]
        return WholeBatches(self.batches_of(part, len(part), None, device), part.weights, model)

    def objective(self, model: nn.Module, device: torch.device) -> Objective:
        from trainwright.models.objective import MemberObjective

        found = super().objective(model, device)
        return MemberObjective(found.loss, found.adapt)

    def view(self, part: Split) -> View:
        from trainwright.tasks.baselines import of_rows

        return of_rows(part.inputs, self.encoder.category_sizes)

    def dataset(self, name: str) -> Dataset[Any]:
        if not self.encoder.texts:
            return super().dataset(name)
        from trainwright.data.text.batches import MixedDataset

        part = self.splits[name]
        return MixedDataset(part.inputs[:2], part.inputs[2:], part.targets)


def prepare(source: Source, settings: Settings, parent: Predictor | None, listen: Listener) -> tuple[TableProblem, FillCache]:
    """Read, choose columns, split and encode. Nothing is cached, as reading is what takes the time.

    With ``parent`` its columns, encoder and scale are used. Raise SourceError and DataError.
    """
    if isinstance(settings.model, BoostedSettings):
        import_in_thread("sklearn.ensemble").start()
    train = declare(source.tables["train"], settings.columns, settings.decimal, settings.dates)
    earlier = parent if isinstance(parent, TablePredictor) else None
    named = {settings.label, *settings.features}
    settings, notes = choose_split(settings, train, named, source.tables.keys() - {"train"})
    chosen = _keep(earlier, train, settings) if earlier else _choose(source, train, settings)
    weight = settings.sample_weight
    if weight and weight not in train.columns:
        raise error("E213", column=weight, file=train.file, hint=nearest(weight, train.columns))
    learned = [feature.name for feature in chosen.features]
    group = grouping(settings, train, chosen.labels.columns if chosen.labels else (), chosen.label, learned)
    parts: dict[str, Part] = {}
    parsed: list[pl.DataFrame] = []
    for name, table in source.tables.items():
        frame, rejected = cast_columns(table.frame, chosen, table.file)
        more = _more(table, frame, split_column(settings), weight, settings.decimal or "") if name == "train" else {}
        more |= {key: each.filter(_kept(table, frame)) for key, each in group.of(table.frame).items()}
        parts[name] = _part_of(table, chosen, frame, rejected, sum(map(len, parsed)), more)
        parsed.append(frame)
    _as_the_model_sees(parts, parsed, chosen, earlier.encoder.texts if earlier else settings)
    rows = assign_splits(source, parts, settings, classes=chosen.target != "number", noun="row", group=group)
    listen(PhaseEnded("read"))
    problem = _encode(rows, pl.concat(parsed), chosen, settings, earlier)
    problem.data["columns"] = chosen.to_values() | source.reading | group.kept()
    problem.notes = [*train.notes, *notes, *chosen.notes, *problem.notes]
    listen(PhaseEnded("encode"))
    return problem, lambda: None


def _as_the_model_sees(
    parts: dict[str, Part], parsed: list[pl.DataFrame], chosen: TableSchema, kept: Mapping[str, TextEncoder] | Settings
) -> None:
    """Give rows that differ only in what is no token of a text the same number ``same``, and nearly the same ones ``near``."""
    texts = [feature.name for feature in chosen.features if feature.kind == "text"]
    if not texts:
        return
    rest = [feature.name for feature in chosen.features if feature.kind != "text"]
    keys = {"same": list[pl.Series](), "near": list[pl.Series]()}
    for name in texts:
        how = kept if isinstance(kept, Settings) else kept[name]
        tokenized = TokenizedTexts(how.tokenizer or "words", how.lowercase)
        for frame in parsed:
            tokenized.add(frame[name].fill_null(""))
        for key, found in zip(keys.values(), alike(tokenized.tokens()), strict=True):
            key.append(pl.Series(f"{len(key)}", found))
    whole = pl.concat(parsed)
    others = [row_keys([whole[name] for name in rest]).alias("rest")] if rest else []
    hashed = {key: pl.DataFrame([*others, *each]).hash_rows() for key, each in keys.items()}
    first = 0
    for part in parts.values():
        empty = part.frame["blank"] == 2
        there = {key: each[first : first + len(empty)].set(empty, 0).alias(key) for key, each in hashed.items()}
        part.frame = part.frame.with_columns(**there)
        first += len(empty)


def _encode(
    rows: Rows, frame: pl.DataFrame, chosen: TableSchema, settings: Settings, parent: TablePredictor | None
) -> TableProblem:
    """Fit encoder and target on the training split, and encode every split."""
    learned = rows.part("train")
    train = frame[learned["place"]]
    target_column = [chosen.written] if chosen.written and chosen.target == "number" else []
    odd = odd_values(rows, frame, [*chosen.features, *target_column])
    rows.data["findings"] += map(asdict, odd)
    notes = said_of(odd)
    if parent:
        encoder = replace(parent.encoder, features=chosen.features)  # which may be written otherwise now
        arrays = encoder.transform(train)
    else:
        _check_text(settings, chosen)
        settings, told = defaults.table_encoding(settings, len(train), chosen)
        encoder = TableEncoder(chosen.features, settings.min_count or 1, texts=_texts(settings, chosen))
        arrays = encoder.fit(train)
        notes += [*told, *_found(encoder)]
    known = parent.target if parent else None
    target = targets.fit(chosen.target, str(chosen.label), learned["label"], settings.labels == "merge", known)
    splits = rows.splits(
        lambda name, part: arrays if name == "train" else encoder.transform(frame[part["place"]]), target.encode
    )
    return TableProblem(settings, target, encoder, splits, rows.data, rows.notes + notes, parent)


def _check_text(settings: Settings, chosen: TableSchema) -> None:
    """Raise E249 for a setting of texts where there are none."""
    if any(feature.kind == "text" for feature in chosen.features):
        return
    model = settings.network
    given = {
        "tokenizer": settings.tokenizer,
        "lowercase": not settings.lowercase,
        "max_vocabulary": settings.max_vocabulary,
        "model.ngrams": model.ngrams,
        "model.embedding": getattr(model, "embedding", None),
    }
    for key in (key for key, value in given.items() if value):
        raise error("E249", key=key, features=", ".join(f"{each.name} ({each.kind})" for each in chosen.features))


def _texts(settings: Settings, chosen: TableSchema) -> dict[str, TextEncoder]:
    """Return an encoder for each column of text, which has learned nothing yet."""
    return {
        feature.name: TextEncoder(
            tokenizer=settings.tokenizer or "words",
            lowercase=settings.lowercase,
            kind="bag",
            ngrams=settings.network.ngrams or 1,
            weighting="tf-idf",
            min_count=settings.min_count or 1,
            max_vocabulary=settings.max_vocabulary or 0,
        )
        for feature in chosen.features
        if feature.kind == "text"
    }


def _found(encoder: TableEncoder) -> list[Note]:
    """Return notes on what the encoder learned that a person should know."""
    notes = []
    if encoder.categories:
        sizes = ", ".join(f"{name} {len(words):,}" for name, words in encoder.categories.items())
        notes.append(Note("values", sizes, f"categories seen at least {encoder.min_count} time(s) in the training split"))
    for name, text in encoder.texts.items():
        grams = f" and {text.size - len(text.tokens):,} n-grams" if text.grams else ""
        why = f"seen at least {text.min_count} time(s) in the training split"
        notes.append(Note("vocabulary", f"{name}: {len(text.tokens) - len(SPECIAL):,} words{grams}", why))
    if encoder.missing:
        notes.append(Note("missing", ", ".join(encoder.missing), "taken for the mean, with a column that says so"))
    return notes


def _choose(source: Source, table: Table, settings: Settings) -> TableSchema:
    """Choose the columns as named, else by what is in them. One that says the split, or by whose groups it is cut, is not
    learned from unless named: the groups to be measured are ones that training has never seen."""
    label = settings.label or (source.layout.label if source.layout else "")
    table = table.without(settings.sample_weight)
    how, _, column = str(settings.split).partition(":")
    if how not in WHY_LEFT_OUT or settings.features:
        return choose_features(table, settings.features, label, settings.target)
    chosen = choose_features(table.without(column), (), label, settings.target)
    return replace(chosen, notes=[*chosen.notes, Note("left out", column, WHY_LEFT_OUT[how])])


def _keep(parent: TablePredictor, table: Table, settings: Settings) -> TableSchema:
    """Return the columns of the earlier run. Raise E247 where the label is missing, and E260 where it is of the other kind."""
    said = {key: getattr(settings, key) for key in CHANGED if getattr(settings, key)}
    chosen = _as_said(table, parent.chosen, parent.reading(useful(parent.columns, said)).chosen)
    for feature in chosen.features:
        if (kind := settings.columns.get(feature.name, feature.kind)) != feature.kind:
            raise error("E328", key=f"columns.{feature.name}", value=kind, found=feature.kind)
    if settings.target not in (None, chosen.target):
        raise error("E260", found=targets.WORDS[chosen.target], wanted=f"it is to go on with target={settings.target}")
    if chosen.labels is not None:
        label = settings.label
        form = replace(chosen.labels, columns=several(table, label) or (label,)) if label else chosen.labels
        if lacking := [name for name in form.columns if name not in table.columns]:
            hint = nearest(lacking[0], table.columns)
            raise error("E247", column=lacking[0], file=table.file, columns=table.columns, hint=hint)
        kept = Note("columns", str(len(chosen.features)), "those of the earlier run")
        return replace(chosen, label=form.name, labels=form, notes=[kept])
    label = settings.label or str(chosen.label)
    if label not in table.columns:
        hint = nearest(label, table.columns)
        raise error("E247", column=label, file=table.file, columns=table.columns, hint=hint)
    column = table.profiles[label]
    numeric = column.reading.kind == "number"
    wanted = ""
    if chosen.target == "number" and not numeric:
        wanted = f"column '{label}' of {table.file} holds none"
    elif chosen.target == "class" and numeric and not column.whole:
        wanted = f"column '{label}' of {table.file} holds numbers with a fraction"
    if wanted:
        raise error("E260", found=targets.WORDS[chosen.target], wanted=wanted)
    return replace(chosen, label=label, notes=[Note("columns", str(len(chosen.features)), "those of the earlier run")])


def _as_said(table: Table, before: TableSchema, said: TableSchema) -> TableSchema:
    """Return columns as they are said to be written, but for those that the table plainly has as they were before."""

    def either(old: Feature, new: Feature) -> Feature:
        column = table.profiles.get(old.name)
        return old if column is not None and column.feature.format == old.format else new

    features = tuple(either(*each) for each in zip(before.features, said.features, strict=True))
    written = either(before.written, said.written) if before.written and said.written else said.written
    return replace(said, features=features, written=written)


def _more(table: Table, frame: pl.DataFrame, by: str, weight: str, decimal: str) -> dict[str, pl.Series]:
    """Return of the rows in ``frame`` what decides their split and what they count in training, where columns say so."""
    kept = _kept(table, frame)
    found = {"key": table.frame[by]} if by else {}
    if weight:
        column = table.frame[weight]
        found["weight"] = convert(column, number_feature(column, decimal))[0]
    return {name: column.filter(kept) for name, column in found.items()}


def _kept(table: Table, frame: pl.DataFrame) -> pl.Series:
    """Return which rows of the table are in ``frame``."""
    return table.frame[ROW].is_in(frame[ROW].implode())


def _part_of(
    table: Table, chosen: TableSchema, frame: pl.DataFrame, rejected: list[Rejected], first: int, more: dict[str, pl.Series]
) -> Part:
    """Return the rows of one table as ``assign_splits`` takes them, with ``more`` columns: ``place`` is where they stand in the
    frame of all tables."""
    keys = row_keys([frame[feature.name] for feature in chosen.features])
    columns = {
        **content_keys(keys),
        "fingerprint": of_keys(keys),
        "label": frame[str(chosen.label)],
        "row": frame[ROW],
        "place": pl.int_range(first, first + frame.height, eager=True),
        **more,
    }
    return Part(pl.DataFrame(columns), table.file, [*table.rejected, *rejected])
