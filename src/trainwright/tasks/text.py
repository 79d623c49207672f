"""Text classification: from tables to encoded splits, a network, and predictions for new text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from trainwright.config import Settings
from trainwright.data import cache
from trainwright.data.columns import Columns, choose_columns
from trainwright.data.encode import Labels, TextEncoder
from trainwright.data.ragged import Ragged
from trainwright.data.source import Source, join_text
from trainwright.data.split import NAMES, Fractions, split
from trainwright.data.table import ROW, Rejected, Table
from trainwright.errors import error, nearest
from trainwright.evaluation.audit import audit
from trainwright.tasks.base import Split
from trainwright.tasks.derive import derive_encoding

TASK = "text classification"
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
NAMED_ROWS = 1000  # rejected rows named one by one in data.json; beyond that they are counted


@dataclass
class Prepared:
    """Encoded splits and what was found out on the way.

    Attributes:
        settings: with everything filled in that the data decide before training.
        splits: train, valid, test; those that exist.
        data: the content of ``data.json``.
        notes: (what, value, why) of everything derived or found.
    """

    settings: Settings
    labels: Labels
    encoder: TextEncoder
    splits: dict[str, Split]
    data: dict[str, Any]
    notes: list[tuple[str, str, str]] = field(default_factory=list)


def prepare(source: Source, settings: Settings, clock: Callable[[str], None]) -> tuple[Prepared, Callable[[], None]]:
    """Read, split and encode, or take it from the cache; also gives what must be called to fill the cache.

    ``clock(phase)`` is called when a phase ends. Raises SourceError and DataError.
    """
    shaping = {name: getattr(settings, name) for name in SHAPING} | {"model": settings.model.model_dump()}
    key = cache.fingerprint(source.digest(), shaping | {"source": source.name, "files": sorted(source.files.items())})
    if found := cache.load(key):
        prepared = _from_cache(settings, *found)
        clock("read")
        return prepared, lambda: None
    rows, columns, data, notes = read(source, settings)
    clock("read")
    prepared = encode(rows, settings, data, notes)
    prepared.data["columns"] = {"text": list(columns.text), "label": columns.label}
    clock("encode")
    return prepared, lambda: cache.save(key, *_to_cache(prepared))


@dataclass
class Rows:
    """All usable rows of a source: text, label, record number, split (a number into ``NAMES``), and each split's file."""

    frame: pl.DataFrame
    files: dict[str, str]


def read(source: Source, settings: Settings) -> tuple[Rows, Columns, dict[str, Any], list[tuple[str, str, str]]]:
    """The rows of every split, the columns chosen, what ``data.json`` will say, and notes."""
    tables = source.tables()
    layout = source.layout
    text = settings.text or (layout.text if layout else ())
    columns = choose_columns(tables["train"], text, settings.label or (layout.label if layout else ""))
    notes = list(tables["train"].notes) + list(columns.notes)
    rejected: list[Rejected] = []
    frames = []
    for name, table in tables.items():
        frames.append(
            _usable(table, tables["train"], columns, settings, rejected).with_columns(split=pl.lit(NAMES.index(name), pl.UInt8))
        )
    frame = pl.concat(frames, how="diagonal")
    if not len(frames[0]):
        raise error("E212", file=tables["train"].file, where=_first(rejected))
    _refuse_when_most_are_bad(len(frame), rejected)
    frame, parts_note = _split(frame, tables, settings)
    _check_classes(frame, tables["train"].file)
    frame = _known_classes(frame, tables, rejected)
    data = _describe(source, frame, rejected)
    files = {name: table.file for name, table in tables.items()}
    return Rows(frame, files), columns, data, notes + [parts_note] + _findings(data)


def _usable(table: Table, first: Table, columns: Columns, settings: Settings, rejected: list[Rejected]) -> pl.DataFrame:
    """text, label, row, and the key of a split by group or time, of the rows that have a label; the others are rejected.

    Raises E213 where ``table`` lacks a column; the key is asked of the ``first`` table only, which is the one that is cut.
    """
    rejected.extend(table.rejected)
    column = settings.split.partition(":")[2] if table is first else ""
    for name in filter(None, (*columns.text, columns.label, column)):
        if name not in table.columns:
            raise error("E213", column=name, file=table.file, hint=nearest(name, table.columns))
    parts = {
        "text": join_text(table.frame, columns.text),
        "label": table.frame[str(columns.label)].cast(pl.String).str.strip_chars(),
        "row": table.frame[ROW],
    }
    frame = pl.DataFrame(parts | ({"key": table.frame[column]} if column else {}))
    bare = frame["label"].fill_null("") == ""
    rejected.extend(Rejected(table.file, row, "no label") for row in frame.filter(bare)["row"].to_list())
    return frame.filter(~bare)


def _refuse_when_most_are_bad(usable: int, rejected: list[Rejected]) -> None:
    if len(rejected) > usable:
        raise error("E214", rejected=len(rejected), usable=usable, where=_first(rejected), reason=rejected[0].reason)


def _first(rejected: list[Rejected]) -> str:
    return f"{rejected[0].file}, row {rejected[0].row}: {rejected[0].reason}" if rejected else ""


def _split(frame: pl.DataFrame, tables: dict[str, Table], settings: Settings) -> tuple[pl.DataFrame, tuple[str, str, str]]:
    """Cut what is not given out of the training table."""
    whole = int((frame["split"] == 0).sum())
    most = 10_000 / max(whole, 1)
    # With a test split of its own, validation only has to choose the epoch; every other row had better train.
    wanted = Fractions(valid=min(0.05 if "test" in tables else 0.1, most), test=min(0.1, most))
    fractions = Fractions(
        valid=0.0 if "valid" in tables else wanted.valid if settings.valid_fraction is None else settings.valid_fraction,
        test=0.0 if "test" in tables else wanted.test if settings.test_fraction is None else settings.test_fraction,
    )
    if "test" in tables and settings.test_fraction:
        raise error("E222", file=tables["test"].file)
    if fractions.valid + fractions.test >= 1:
        raise error("E302", key="valid_fraction", value=fractions.valid, problem="nothing is left for training")
    train = frame.filter(pl.col("split") == 0)
    parts = split(settings.split, train["text"], train["label"], fractions, train["key"] if "key" in train.columns else None)
    for part, wished in ((0, True), (1, fractions.valid), (2, fractions.test)):
        if wished and len(train) >= 30 and not (parts == part).any():
            raise error("E221", how=settings.split, part=NAMES[part])
    frame = pl.concat([train.with_columns(split=pl.Series(parts, dtype=pl.UInt8)), frame.filter(pl.col("split") > 0)])
    sizes = [f"{NAMES[part]} {count:,}" for part, count in frame["split"].value_counts(sort=False).sort("split").iter_rows()]
    given = ", ".join(name for name in tables if name != "train")
    why = f"{given} given; " if given else ""
    cut = [f"{value:.3g} for {name}" for name, value in (("valid", fractions.valid), ("test", fractions.test)) if value]
    return frame, (
        "split",
        ", ".join(sizes),
        why + (f"{', '.join(cut)}, by {settings.split}" if cut else "nothing was cut"),
    )


def _known_classes(frame: pl.DataFrame, tables: dict[str, Table], rejected: list[Rejected]) -> pl.DataFrame:
    """Leave out rows whose class the training split does not have: nothing could have learned it."""
    known = frame.filter(pl.col("split") == 0)["label"].unique()
    strange = frame.filter(~pl.col("label").is_in(known.implode()))
    for part, label, row in strange.select("split", "label", "row").iter_rows():
        table = tables.get(NAMES[part], tables["train"])
        rejected.append(Rejected(table.file, row, f"label {label!r} is not in the training split"))
    kept = frame.filter(pl.col("label").is_in(known.implode()))
    for part in strange["split"].unique().sort().to_list():
        if not (kept["split"] == part).any():
            found = strange.filter(pl.col("split") == part)["label"][0]
            file = tables.get(NAMES[part], tables["train"]).file
            raise error("E215", file=file, found=found, known=", ".join(known.sort().head(5)))
    return kept


def _check_classes(frame: pl.DataFrame, file: str) -> None:
    counts = frame["label"].value_counts(sort=True)
    if len(counts) < 2:
        raise error("E216", label=counts["label"][0], file=file)
    common = [name for name, count in counts.iter_rows() if count >= 10]
    for name, count in counts.iter_rows():
        if count == 1 and (hint := nearest(name, common)):
            row = frame.filter(pl.col("label") == name)["row"][0]
            raise error("E217", label=name, where=f"{file}, row {row}", hint=hint)


def _describe(source: Source, frame: pl.DataFrame, rejected: list[Rejected]) -> dict[str, Any]:
    sizes = {NAMES[part]: count for part, count in frame["split"].value_counts().sort("split").iter_rows()}
    counts = frame.group_by("split", "label").len().sort("split", "label")
    classes: dict[str, dict[str, int]] = {}
    for part, label, count in counts.iter_rows():
        classes.setdefault(label, {})[NAMES[part]] = count
    return {
        "source": source.name,
        "files": {name: str(path) for name, path in source.files.items()},
        "rows": sizes,
        "classes": classes,
        "rejected": len(rejected),
        "rejected_rows": [{"file": r.file, "row": r.row, "reason": r.reason} for r in rejected[:NAMED_ROWS]],
        "audit": audit(frame["text"], frame["label"], frame["split"].to_numpy()),
    }


def _findings(data: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What a person should know about the rows, as notes."""
    totals = {label: sum(counts.values()) for label, counts in data["classes"].items()}
    fewest, most = min(totals, key=totals.__getitem__), max(totals, key=totals.__getitem__)
    found = [("classes", str(len(totals)), f"from {totals[fewest]:,} rows ({fewest}) to {totals[most]:,} ({most})")]
    if data["rejected"]:
        rows = "; ".join(f"row {r['row']}: {r['reason']}" for r in data["rejected_rows"][:3])
        found.append(("left out", f"{data['rejected']:,} rows", rows + (" ..." if data["rejected"] > 3 else "")))
    checks = data["audit"]
    for key, meaning in (("empty_texts", "have no text"), ("duplicate_rows", "repeat an earlier text")):
        if checks[key]:
            found.append((key.replace("_", " "), f"{checks[key]:,}", f"rows {meaning}; kept"))
    if checks["conflicting_texts"]:
        found.append(("conflicts", f"{checks['conflicting_texts']:,}", "texts stand under more than one label; kept"))
    for pair, count in checks["across"].items():
        if count:
            found.append(
                ("leak", f"{count:,}", f"rows of {pair.split('-')[1]} are also in {pair.split('-')[0]}, word for word")
            )
    return found


def encode(rows: Rows, settings: Settings, data: dict[str, Any], notes: list[tuple[str, str, str]]) -> Prepared:
    """Fit labels and vocabulary on the training split, and encode every split."""
    parts = {name: rows.frame.filter(pl.col("split") == number) for number, name in enumerate(NAMES)}
    train = parts["train"]
    settings, derived = derive_encoding(settings, train["text"])
    labels = Labels.fit(train["label"])
    model: Any = settings.model
    encoder = TextEncoder(
        tokenizer=settings.tokenizer,
        lowercase=settings.lowercase,
        kind="bag" if model.name == "bag" else "sequence",
        ngrams=model.ngrams if model.name == "bag" else 1,
        weighting=model.weighting if model.name == "bag" else "none",
        min_count=settings.min_count or 1,
        max_vocabulary=settings.max_vocabulary,
        max_tokens=settings.max_tokens or 0,
    )
    splits = {}
    for name, frame in parts.items():
        if len(frame):
            texts = encoder.fit(frame["text"]) if name == "train" else encoder.transform(frame["text"])
            file = rows.files.get(name, rows.files["train"])
            splits[name] = Split(texts, labels.encode(frame["label"]), frame["row"].to_numpy(), file)
    if encoder.size <= 2:
        raise error("E218")
    words = f"{len(encoder.tokens) - 2:,} tokens" + (f" and {sum(map(len, encoder.grams)):,} n-grams" if encoder.grams else "")
    derived.append(("vocabulary", words, f"seen at least {encoder.min_count} time(s) in the training split"))
    return Prepared(settings, labels, encoder, splits, data, notes + derived)


def _to_cache(prepared: Prepared) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    values, arrays = prepared.encoder.to_parts()
    arrays = {f"encoder/{name}": array for name, array in arrays.items()}
    for name, part in prepared.splits.items():
        columns = part.texts.arrays() | {"targets": part.targets, "rows": part.rows}
        arrays |= {f"{name}/{key}": array for key, array in columns.items()}
    filled = {key: getattr(prepared.settings, key) for key in SHAPING} | {"model": prepared.settings.model.model_dump()}
    files = {name: part.file for name, part in prepared.splits.items()}
    kept = {"encoder": values, "labels": prepared.labels.names, "settings": filled, "files": files}
    return kept | {"data": prepared.data, "notes": prepared.notes}, arrays


def _from_cache(settings: Settings, values: dict[str, Any], arrays: dict[str, np.ndarray]) -> Prepared:
    groups: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        group, _, key = name.partition("/")
        groups.setdefault(group, {})[key] = array
    splits = {}
    for name, file in values["files"].items():
        part = groups[name]
        texts = Ragged(part["values"], part["offsets"], part.get("weights"))
        splits[name] = Split(texts, part["targets"], part["rows"], file)
    return Prepared(
        settings=Settings.model_validate(settings.model_dump() | values["settings"]),
        labels=Labels(tuple(values["labels"])),
        encoder=TextEncoder.from_parts(values["encoder"], groups["encoder"]),
        splits=splits,
        data=values["data"],
        notes=[tuple(note) for note in values["notes"]],
    )
