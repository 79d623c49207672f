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
from trainwright.data.tables.spelling import fold, tidy, unify
from trainwright.data.tables.split import NAMES
from trainwright.data.tables.table import Rejected, spot
from trainwright.errors import error, nearest
from trainwright.tasks.base import Split
from trainwright.tasks.cutting import by_column, cut
from trainwright.tasks.findings import describe, findings, group_findings
from trainwright.tasks.fixing import Lines, fixed, told
from trainwright.tasks.grouping import NO_GROUPS, Grouping, units_of
from trainwright.tasks.subset import subset
from trainwright.watch.events import Note


@dataclass
class Part:
    """The rows of one file or folder: ``label``, ``row``, ``content_keys``, ``fingerprint`` (64 bits of the content, the same
    everywhere), ``key`` where a column decides the split, ``weight`` (Float64, null for none) where rows count differently in
    training, and ``group`` where a column says groups."""

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
    group: Grouping

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
                units = units_of(part["digest"], part["group"] if self.group.given else None, self.group.column)
                contents = part["fingerprint"].to_numpy() if "fingerprint" in part.columns else None
                leaked = part["leaked"].to_numpy() if part["leaked"].any() else None
                known: dict[str, Any] = {"weights": weights, "units": units, "contents": contents, "leaked": leaked}
                found[name] = Split(inputs(name, part), targets, part["row"].to_numpy(), self.files[name], names, **known)
        return found


def assign_splits(
    source: Source,
    parts: dict[str, Part],
    settings: Settings,
    *,
    classes: bool = True,
    typed: bool = True,
    noun: str = "text",
    group: Grouping = NO_GROUPS,
) -> Rows:
    """Assign a split to every row.

    ``classes``: labels are names, and a class that training lacks cannot be measured; or sets of names, List(String), whose
    rows stay. ``typed``: people may have typed them. Raise DataError: E212, E214 to E217, E289, E290, and as ``cutting``.
    """
    parts = {name: parts[name] for name in NAMES if name in parts}
    if source.fix is not None:
        for name, (rows, out) in fixed(source.fix, {key: Lines(each.frame, each.file) for key, each in parts.items()}).items():
            parts[name] = Part(rows, parts[name].file, [*parts[name].rejected, *out])
    rejected = [each for part in parts.values() for each in part.rejected]
    files = {name: parts.get(name, parts["train"]).file for name in NAMES}
    frames = [
        _with_label(part, rejected).with_columns(split=pl.lit(NAMES.index(name), pl.UInt8), given=pl.lit(place, pl.UInt8))
        for place, (name, part) in enumerate(parts.items())
    ]
    frames[0] = by_column(_together(frames[0]), parts["train"].file, settings, rejected)
    for part, each in zip(parts.values(), frames, strict=True):
        if not len(each):
            raise error("E212", file=part.file, where=_first([bad for bad in rejected if bad.file == part.file]))
    frame = pl.concat(frames, how="diagonal")
    if len(rejected) > len(frame):
        raise error("E214", rejected=len(rejected), usable=len(frame), where=_first(rejected), reason=rejected[0].reason)
    spelled: list[Note] = []
    if classes:
        frame, spelled = _spelled(frame, settings.labels == "merge")
    frame, why, notes = cut(frame, {name: part.file for name, part in parts.items()}, settings, classes)
    sets = frame["label"].dtype == pl.List
    if sets:
        notes += _unknown_labels(frame, parts["train"].file)
    elif classes:
        _check_classes(frame, parts["train"].file, spelling=typed and source.strict and not source.held)
        frame, strange = _known_classes(frame, files, rejected)
        notes += strange
    frame, taken = subset(frame, settings)
    corrected, said = told(source.fix, frame, rejected)
    data, leaked = describe(source, frame, files, rejected, classes, noun)
    frame, data = frame.with_columns(leaked=leaked), data | corrected
    note = Note("split", ", ".join(f"{name} {count:,}" for name, count in data["rows"].items()), why)
    notes += _weights(frame, settings.sample_weight, parts["train"].file)
    found = [*group_findings(frame, data, group), *findings(data, noun, "labels" if sets else "classes")]
    return Rows(frame, files, data, [note, *taken, *said, *notes, *spelled, *found], group)


def _together(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows, those whose texts have the ``same`` tokens at one position: that of the first by position."""
    if "same" not in frame.columns or not frame["same"].is_duplicated().any():
        return frame
    first = pl.col("position").min().over("same")
    return frame.with_columns(position=pl.when(pl.col("same") == 0).then(pl.col("position")).otherwise(first))


def _weights(frame: pl.DataFrame, column: str, file: str) -> list[Note]:
    """Return a note on what rows of training count. Raise E290 where that is nothing."""
    if not column:
        return []
    given = frame.filter(pl.col("split") == 0)["weight"]
    if not given.sum():
        raise error("E290", column=column, file=file)
    least, most = float(given.min()), float(given.max())  # type: ignore[arg-type]
    why = f"from {least:.4g} to {most:.4g} in the loss of training; scores count every row once"
    return [Note("weights", column, why)]


def _with_label(part: Part, rejected: list[Rejected]) -> pl.DataFrame:
    """Return the rows that have a label; the others are ``rejected``."""
    frame = part.frame
    if frame["label"].dtype == pl.String:
        frame = frame.with_columns(tidy(frame["label"]).alias("label"))
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


def _spelled(frame: pl.DataFrame, merge: bool) -> tuple[pl.DataFrame, list[Note]]:
    """Return the rows with labels that are the same spelled the same, and notes on those that differ only as people type."""
    sets = frame["label"].dtype == pl.List
    counts = dict((frame["label"].explode().drop_nulls() if sets else frame["label"]).value_counts().iter_rows())
    names, groups = unify(counts, merge)
    notes = []
    if names and not groups:
        words = {name: sorted(each for each in names if names[each] == name) for name in sorted(set(names.values()))}
        spelled = "; ".join(f"{name} = {', '.join(each)}" for name, each in words.items())
        notes.append(Note("labels", spelled, "the same in several words"))
    if groups:
        shown = "; ".join(f"{' = '.join(map(repr, group))}" for group in groups[:5]) + ("; ..." if len(groups) > 5 else "")
        differ = "differ only in letter case, blanks, hyphens, dots or Unicode form"
        why = f"{differ}, and are taken as one" if merge else f"{differ}, and are classes of their own; as one: labels=merge"
        notes.append(Note("labels", shown if merge else shown.replace(" = ", ", "), why))
    renamed = pl.col("label").list.eval(pl.element().replace(names).unique().sort()) if sets else pl.col("label").replace(names)
    return (frame.with_columns(renamed) if names else frame), notes


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
            where, row = spot(file, frame.filter(pl.col("label") == name)["row"][0])
            if any(fold(name) == fold(other) for other in common):
                hint += " With labels=merge both are one class."
            raise error("E217", label=name, where=f"{where}, row {row}", hint=hint)


def _unknown_labels(frame: pl.DataFrame, file: str) -> list[Note]:
    """Return a note on labels that training lacks, which nothing could have learned. Raise E289 where it has none."""
    pairs = frame.select("split", "label").explode("label").drop_nulls()
    known = pairs.filter(pl.col("split") == 0)["label"].unique()
    if not len(known):
        raise error("E289", file=file)
    return _not_measured(pairs.filter(~pl.col("label").is_in(known.implode())), "labels", "not in the training split")


def _not_measured(strange: pl.DataFrame, noun: str, why: str) -> list[Note]:
    """Return a note on the labels of these rows; none where there is no row."""
    many = strange["label"].n_unique()
    return [Note("not measured", f"{many} {noun}", f"{_counted(strange['label'])}: {why}")] if many else []


def _counted(labels: pl.Series) -> str:
    """Return the most frequent labels with the number of their rows, in words."""
    counts = labels.alias("label").value_counts().sort("count", "label", descending=[True, False])
    shown = ", ".join(f"'{name}' ({count:,} rows)" for name, count in counts.head(5).iter_rows())
    return shown + (", ..." if len(counts) > 5 else "")


def _known_classes(frame: pl.DataFrame, files: dict[str, str], rejected: list[Rejected]) -> tuple[pl.DataFrame, list[Note]]:
    """Leave out rows whose class the training split does not have: nothing could have learned it. Raise E215."""
    known = frame.filter(pl.col("split") == 0)["label"].unique()
    learned = pl.col("label").is_in(known.implode())
    kept, strange = frame.filter(learned), frame.filter(~learned)
    folded = {fold(name): name for name in known} if len(strange) else {}
    named = strange["name"] if "name" in strange.columns else pl.repeat("", len(strange), eager=True)
    for (number, label, row), name in zip(strange.select("split", "label", "row").iter_rows(), named, strict=True):
        file = files[NAMES[number]] + (f"/{name}" if name else "")
        like = f", but {folded[fold(label)]!r} is: labels=merge takes both as one" if fold(label) in folded else ""
        rejected.append(Rejected(file, 0 if name else row, f"label {label!r} is not in the training split{like}"))
    there = sorted({*strange["split"]} - {*kept["split"]})
    if there:
        found = "; ".join(f"{NAMES[part]}: {_counted(strange.filter(pl.col('split') == part)['label'])}" for part in there)
        facts = {"part": " and ".join(NAMES[part] for part in there), "file": files[NAMES[there[0]]], "found": found}
        raise error("E215", **facts, known=_counted(kept["label"]))
    return kept, _not_measured(strange, "classes", "not in the training split, so every answer would be wrong; left out")
