"""Labelled rows of any kind: which are left out, which split each goes to, and what a person should know about them.

A row has a label, its number in its file, and of its content (the text itself, the digest of an image, the values of a
table's row) what ``split.content_keys`` makes of it: equal contents never land in different splits. Other columns of a
frame travel with its rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.read.source import Source
from trainwright.data.tables.split import NAMES, Fractions, split
from trainwright.data.tables.table import Rejected
from trainwright.errors import error, nearest
from trainwright.evaluation.audit import audit
from trainwright.tasks.base import Split
from trainwright.watch.events import Note

MANY_WIDE = 0.05  # of the rows, with another number of fields than the first: they can hardly be slips
NAMED_ROWS = 1000  # rejected rows named one by one in data.json; beyond that they are counted


@dataclass
class Part:
    """The rows of one file or folder: ``label``, ``row``, ``content_keys``, ``key`` where a column decides the split, and
    ``weight`` (Float64, null for none) where rows count differently in training."""

    frame: pl.DataFrame
    file: str
    rejected: list[Rejected] = field(default_factory=list)


@dataclass
class Rows:
    """All usable rows, with the column ``split`` (a number into ``NAMES``), each split's file, and what was found."""

    frame: pl.DataFrame
    files: dict[str, str]
    data: dict[str, Any]
    notes: list[Note]

    def part(self, name: str) -> pl.DataFrame:
        """Return the rows of one split."""
        return self.frame.filter(pl.col("split") == NAMES.index(name))

    def splits(self, inputs: Callable[[str, pl.DataFrame], Any], labels: Callable[[pl.Series], np.ndarray]) -> dict[str, Split]:
        """Return every split that has rows, encoded: ``inputs`` by its name and rows, its targets by ``labels``."""
        found = {}
        for name in NAMES:
            if len(part := self.part(name)):
                names = part["name"].to_list() if "name" in part.columns and (part["name"] != "").all() else ()
                weights = part["weight"].to_numpy().astype(np.float32) if "weight" in part.columns and name == "train" else None
                targets = labels(part["label"])
                found[name] = Split(inputs(name, part), targets, part["row"].to_numpy(), self.files[name], names, weights)
        return found


def assign_splits(
    source: Source,
    parts: dict[str, Part],
    settings: Settings,
    *,
    classes: bool = True,
    typed: bool = True,
    noun: str = "text",
) -> Rows:
    """Assign a split to every row.

    ``classes``: labels are names, and a class that training lacks cannot be measured; or sets of names, List(String), whose
    rows stay. ``typed``: people may have typed them. Raise DataError: E212, E214 to E217, E221, E222, E289.
    """
    rejected = [each for part in parts.values() for each in part.rejected]
    files = {name: parts.get(name, parts["train"]).file for name in NAMES}
    frames = [
        _with_label(part, rejected).with_columns(split=pl.lit(NAMES.index(name), pl.UInt8)) for name, part in parts.items()
    ]
    if not len(frames[0]):
        raise error("E212", file=parts["train"].file, where=_first(rejected))
    frame = pl.concat(frames, how="diagonal")
    if len(rejected) > len(frame):
        raise error("E214", rejected=len(rejected), usable=len(frame), where=_first(rejected), reason=rejected[0].reason)
    frame, why = _split(frame, parts, settings, classes)
    unknown: list[Note] = []
    if frame["label"].dtype == pl.List:
        unknown = _unknown_labels(frame, parts["train"].file)
    elif classes:
        _check_classes(frame, parts["train"].file, spelling=typed and not source.held)
        frame = _known_classes(frame, files, rejected)
    data = _describe(source, frame, rejected, classes)
    note = Note("split", ", ".join(f"{name} {count:,}" for name, count in data["rows"].items()), why)
    if "weight" in frame.columns:
        given = frame.filter(pl.col("split") == 0)["weight"]
        if not given.sum():
            raise error("E290", column=settings.sample_weight, file=parts["train"].file)
        least, most = float(given.min()), float(given.max())  # type: ignore[arg-type]
        why = f"from {least:.4g} to {most:.4g} in the loss of training; scores count every row once"
        unknown.append(Note("weights", settings.sample_weight, why))
    called = "labels" if frame["label"].dtype == pl.List else "classes"
    return Rows(frame, files, data, [note, *unknown, *_findings(data, noun, called)])


def _with_label(part: Part, rejected: list[Rejected]) -> pl.DataFrame:
    """Return the rows that have a label; the others are ``rejected``."""
    frame = part.frame
    if frame["label"].dtype == pl.String:
        frame = frame.with_columns(pl.col("label").str.strip_chars().replace("", None))
    if "weight" in frame.columns:
        bad = frame["weight"].is_null() | (frame["weight"] < 0)
        rejected += [
            Rejected(part.file, row, "its weight is no number of 0 or more") for row in frame.filter(bad)["row"].to_list()
        ]
        frame = frame.filter(~bad)
    bare = frame["label"].is_null()
    rejected += [Rejected(part.file, row, "no label") for row in frame.filter(bare)["row"].to_list()]
    return frame.filter(~bare)


def _first(rejected: list[Rejected]) -> str:
    return f"{rejected[0].file}, row {rejected[0].row}: {rejected[0].reason}" if rejected else ""


def _split(frame: pl.DataFrame, parts: dict[str, Part], settings: Settings, classes: bool) -> tuple[pl.DataFrame, str]:
    """Cut what is not given out of the training rows. Return all rows, and how it was done."""
    train = frame.filter(pl.col("split") == 0)
    most = 10_000 / max(len(train), 1)
    # With a test split of its own, validation only has to choose the epoch; every other row had better train.
    wanted = Fractions(valid=min(0.05 if "test" in parts else 0.1, most), test=min(0.1, most))
    fractions = Fractions(
        valid=0.0 if "valid" in parts else wanted.valid if settings.valid_fraction is None else settings.valid_fraction,
        test=0.0 if "test" in parts else wanted.test if settings.test_fraction is None else settings.test_fraction,
    )
    if "test" in parts and settings.test_fraction:
        raise error("E222", file=parts["test"].file)
    if fractions.valid + fractions.test >= 1:
        raise error("E302", key="valid_fraction", value=fractions.valid, problem="nothing is left for training")
    if settings.split == "stratified" and not classes:
        raise error("E302", key="split", value=settings.split, problem="numbers have no classes to keep in proportion")
    labels = train["label"] if classes else pl.repeat("", len(train), dtype=pl.String, eager=True)
    key = train["key"] if "key" in train.columns else None
    cut = split(settings.split, train["position"].to_numpy(), labels, fractions, key)
    for number, wished in ((0, True), (1, fractions.valid), (2, fractions.test)):
        if wished and (len(train) >= 30 or number == 0) and not (cut == number).any():
            different = (train["position"] if key is None else key).n_unique()
            cut_by = {"how": settings.split, "part": NAMES[number], "where": parts["train"].file}
            raise error("E221", rows=len(train), different=different, **cut_by)
    frame = pl.concat([train.with_columns(split=pl.Series(cut, dtype=pl.UInt8)), frame.filter(pl.col("split") > 0)])
    given = ", ".join(name for name in parts if name != "train")
    shares = [f"{value:.3g} for {name}" for name, value in (("valid", fractions.valid), ("test", fractions.test)) if value]
    why = f"{', '.join(shares)}, by {settings.split}" if shares else "nothing was cut"
    return frame, (f"{given} given; " if given else "") + why


def _check_classes(frame: pl.DataFrame, file: str, spelling: bool) -> None:
    """Raise E216 for a single class and, where people may have typed the labels, E217 for one that looks misspelt."""
    trained = frame.filter(pl.col("split") == 0)["label"].unique()
    if len(trained) < 2:
        raise error("E216", label=trained[0], file=file)
    counts = frame["label"].value_counts(sort=True)
    common = [name for name, count in counts.iter_rows() if count >= 10]
    for name, count in counts.iter_rows():
        numbered = any(letter.isdigit() for letter in name)  # class_10 is no misspelling of class_1
        if spelling and count == 1 and not numbered and (hint := nearest(name, common)):
            row = frame.filter(pl.col("label") == name)["row"][0]
            raise error("E217", label=name, where=f"{file}, row {row}", hint=hint)


def _unknown_labels(frame: pl.DataFrame, file: str) -> list[Note]:
    """Return a note on labels that training lacks, which nothing could have learned. Raise E289 where it has none."""
    pairs = frame.select("split", "label").explode("label").drop_nulls()
    known = pairs.filter(pl.col("split") == 0)["label"].unique()
    if not len(known):
        raise error("E289", file=file)
    strange = pairs.filter(~pl.col("label").is_in(known.implode()))["label"].value_counts(sort=True)
    shown = ", ".join(f"'{name}' ({count:,} rows)" for name, count in strange.head(5).iter_rows())
    more = ", ..." if len(strange) > 5 else ""
    return [Note("not measured", f"{len(strange)} labels", f"{shown}{more}: not in the training split")] if shown else []


def _known_classes(frame: pl.DataFrame, files: dict[str, str], rejected: list[Rejected]) -> pl.DataFrame:
    """Leave out rows whose class the training split does not have: nothing could have learned it."""
    known = frame.filter(pl.col("split") == 0)["label"].unique()
    learned = pl.col("label").is_in(known.implode())
    kept, strange = frame.filter(learned), frame.filter(~learned)
    named = strange["name"] if "name" in strange.columns else pl.repeat("", len(strange), eager=True)
    for (number, label, row), name in zip(strange.select("split", "label", "row").iter_rows(), named, strict=True):
        file = files[NAMES[number]] + (f"/{name}" if name else "")
        rejected.append(Rejected(file, 0 if name else row, f"label {label!r} is not in the training split"))
    for number in strange["split"].unique().sort().to_list():
        if not (kept["split"] == number).any():
            found = strange.filter(pl.col("split") == number)["label"][0]
            raise error("E215", file=files[NAMES[number]], found=found, known=", ".join(known.sort().head(5)))
    return kept


def _describe(source: Source, frame: pl.DataFrame, rejected: list[Rejected], classes: bool) -> dict[str, Any]:
    sizes = {NAMES[number]: count for number, count in frame["split"].value_counts().sort("split").iter_rows()}
    counted: dict[str, dict[str, int]] = {}
    if classes:
        single = frame.select("split", "label")
        single = single.explode("label").drop_nulls() if frame["label"].dtype == pl.List else single
        counts = single.group_by("split", "label").len().sort("split", "label")
        for number, label, count in counts.iter_rows():
            counted.setdefault(label, {})[NAMES[number]] = count
    return {
        "source": source.name,
        "files": {name: str(path) for name, path in source.files.items()},
        "rows": sizes,
        "classes": counted,
        "rejected": len(rejected),
        "rejected_rows": [{"file": r.file, "row": r.row, "reason": r.reason} for r in rejected[:NAMED_ROWS]],
        "audit": audit(frame),
    }


def _findings(data: dict[str, Any], noun: str, called: str) -> list[Note]:
    """Return what a person should know about the rows, as notes."""
    found = []
    totals = {label: sum(counts.values()) for label, counts in data["classes"].items()}
    if totals:
        fewest, most = min(totals, key=totals.__getitem__), max(totals, key=totals.__getitem__)
        found.append(Note(called, str(len(totals)), f"from {totals[fewest]:,} rows ({fewest}) to {totals[most]:,} ({most})"))
    if data["rejected"]:
        first = [(f"row {each['row']}" if each["row"] else each["file"], each["reason"]) for each in data["rejected_rows"][:3]]
        rows = "; ".join(map(": ".join, first))
        found.append(Note("left out", f"{data['rejected']:,} rows", rows + (" ..." if data["rejected"] > 3 else "")))
        wide = sum(" fields where " in each["reason"] for each in data["rejected_rows"])
        if wide >= MANY_WIDE * min(sum(data["rows"].values()) + data["rejected"], NAMED_ROWS):
            why = (
                "more or fewer fields than the first; if these are further labels of a row, write them in one field: sport|food"
            )
            found.append(Note("several labels?", f"{wide:,} rows", why))
    checks = data["audit"]
    counted = [
        (f"empty {noun}s", checks["empty"], f"rows have no {noun}; kept"),
        ("duplicate rows", checks["duplicate_rows"], f"rows repeat an earlier {noun}; kept"),
        ("conflicts", checks["conflicts"] if totals else 0, f"{noun}s stand under more than one label; kept"),
    ]
    for pair, count in checks["across"].items():
        first, second = pair.split("-")
        counted.append(("leak", count, f"rows of {second} are also in {first}, the same {noun}"))
    return found + [Note(what, f"{count:,}", why) for what, count, why in counted if count]
