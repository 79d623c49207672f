"""From what a person names (a path, a data set, data inside Python) to its files and its tables."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import polars as pl

from trainwright.data.files import cache
from trainwright.data.files.content import require
from trainwright.data.files.folders import files_below, is_path, passed_over, printable, short_name
from trainwright.data.files.virtual import InArchive, as_path
from trainwright.data.read import builtin, catalog, frames, image_folders, image_places, images, running_text
from trainwright.data.read.catalog_entries import CATALOG, CsvLayout, Dataset
from trainwright.data.read.layout import text_splits, unwrap
from trainwright.data.read.options import DERIVED, KEYS, ReadOptions
from trainwright.data.read.table_files import find_tables
from trainwright.data.read.tables import open_files
from trainwright.data.tables.table import Rejected, Table, TableStream
from trainwright.errors import TrainwrightError, error, nearest
from trainwright.store.run_folder import is_run
from trainwright.watch.events import Listener, Note, ignore

SHOWN_RUNS = 3  # named in a note
SHOWN = ("", "ascii", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252")  # encodings that new files are told to be in anyway
Form = Literal["images", "running text", "folder", "table"]


@dataclass
class Source:
    """Where the data are: files by split (``train`` holds everything where no other split is given), or an embedded set."""

    name: str  # short, for the run folder
    files: dict[str, Path] = field(default_factory=dict)
    dataset: Dataset | None = None  # the catalogue's entry for named data
    path: Path | None = None  # what the person named, before any split was looked for; None for named and embedded data
    held: dict[str, Any] = field(default_factory=dict)  # what is in memory already: the table or the pictures of each split
    given: dict[str, Path] = field(default_factory=dict)  # those of ``files`` that were named for a split of their own
    parts: dict[str, tuple[Path, ...]] = field(default_factory=dict)  # by split, the files in a folder that hold its table
    notes: list[Note] = field(default_factory=list)  # which of the files that are there were taken
    lists_images: bool = False  # whether the tables in a folder name the images that lie beside them
    options: ReadOptions = DERIVED
    strict: bool = True  # whether a label that looks misspelt is refused
    closed: list[Rejected] = field(default_factory=list)  # folders in it that cannot be read
    fix: Path | None = None  # a table of labels that a person corrected

    @property
    def layout(self) -> CsvLayout | None:
        """Return what the catalogue knows of the columns, where it knows any."""
        return self.dataset.layout if self.dataset and isinstance(self.dataset.layout, CsvLayout) else None

    @property
    def shown(self) -> str:
        """Return what the person named: a path, or the name of a data set."""
        return str(self.path or self.name)

    @property
    def known_task(self) -> tuple[str, str]:
        """Return the kind of problem that a named data set is for, and who says so; empty for a person's own data."""
        if self.dataset:
            return self.dataset.task, "the catalogue says so"
        return ("", "") if self.files or self.held else (builtin.TASKS[self.name], "the data set is made for it")

    @cached_property
    def form(self) -> Form:
        """Tell what its files are by names and a few bytes. Raise E101 or E102."""
        if self.parts or "train" in self.held:
            return "table"
        path = self.path or self.files["train"]
        if images.holds_images(path):
            return "images"
        if "train" in self.files and running_text.holds_corpus(path, self.options):
            return "running text"
        return "folder" if path.is_dir() else "table"

    @cached_property
    def digests(self) -> dict[str, str]:
        """Return a digest of each split's file or folder, which changes when any byte of any file in it does.

        Of embedded data it is the interpreter that they come with.
        """
        fix = {} if self.fix is None else {"fix": _digest(self.fix)}
        if not self.files and not self.held:
            return {self.name: sys.version} | fix
        found = {split: _digest(path, self.parts.get(split, ())) for split, path in sorted(self.files.items())}
        return found | {split: frames.digest(table) for split, table in self.held.items()} | fix

    def fingerprint(self, shaping: Mapping[str, Any]) -> str:
        """Return the name under which what was encoded from this source is cached; empty for data that are held in memory."""
        if self.held:
            return ""
        return cache.fingerprint(
            json.dumps(self.digests),
            {**shaping, "source": self.name, "files": sorted(self.files.items()), "options": asdict(self.options)}
            | ({} if self.fix is None else {"fix": self.fix.name}),
        )

    @cached_property
    def streams(self) -> dict[str, TableStream]:
        """Open the tables of every split. Raise SourceError (E181 for named data that are no tables)."""
        held = {split: TableStream(table) for split, table in self.held.items()}
        if not self.files and held:
            return held
        if not self.files:
            self.options.has_no_use_for(self.name, "it is no file")
            return {"train": TableStream(builtin.load(self.name))}
        if self.dataset and not self.layout:
            raise error("E181", name=self.name, task=self.dataset.task)
        return held | {split: self.open(split) for split in self.files}

    def open(self, split: str) -> TableStream:
        """Open the table of one split. Raise SourceError."""
        path = self.files[split]
        return _named(self.layout, open_files(path, self.parts.get(split, (path,)), self.options))

    @property
    def reading(self) -> dict[str, dict[str, str]]:
        """Return what a model keeps of how its table was read, for the files that it is used on: what was given, an encoding
        that a file does not show by itself, and where labels stood behind the last column."""
        kept = dict(self.options.said)
        if self.files and (encoding := self.streams["train"].head.encoding) not in SHOWN:
            kept["encoding"] = encoding
        if self.files and (ragged := self.streams["train"].head.ragged):
            kept["ragged"] = str(ragged)
        return {"reading": {key: kept[key] for key in (*KEYS, "ragged") if key in kept}} if kept else {}

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Return each split as one table. Raise SourceError."""
        return {split: stream.whole() for split, stream in self.streams.items()}


def _at(path: Path, given: dict[str, Path], options: ReadOptions) -> Source:
    """Return the source at a path: a file, a folder of tables, of folders of splits, or any other."""
    require(path)
    if not path.is_dir():
        return Source(short_name(path), {"train": path} | given, path=path, given=given, options=options)
    found = _in_folder(path, given, options)
    if type(path) is type(Path()):
        runs, closed = passed_over(path, 1 if found.parts else None)  # tables lie at the top, or in folders of splits
        names = ", ".join(str(each.relative_to(path)) for each in runs[:SHOWN_RUNS]) + (
            " ..." if len(runs) > SHOWN_RUNS else ""
        )
        found.notes += [Note("passed over", names, "folders of runs, which are no data")] if runs else []
        found.closed = [Rejected(printable(str(each)), 0, why) for each, why in closed.items()]
    return found


def _in_folder(path: Path, given: dict[str, Path], options: ReadOptions) -> Source:
    """Return the source that a folder is."""
    named, path = path, unwrap(path)
    wrapped = [] if path is named else [Note("folder", str(path), "the folder named holds nothing but it")]
    tables = find_tables(path)
    pictures = images.holds_images(path) or bool(image_folders.images_in(path))
    listed = tables is not None and pictures and _lists_images(tables.splits, options)
    if tables is None or (images.holds_images(path) and not listed):
        files = text_splits(path) or {"train": path}
        return Source(short_name(named), files | given, path=path, given=given, options=options, notes=wrapped)
    parts = {part: files for part, files in tables.splits.items() if part not in given}
    files = {part: each[0] if len(each) == 1 else path for part, each in parts.items()}
    found = Source(short_name(named), files | given, path=path, given=given, parts=parts, options=options)
    found.lists_images = listed
    found.notes = [*wrapped, *tables.notes]
    return _without_unlabelled(found)


def _lists_images(splits: Mapping[str, tuple[Path, ...]], options: ReadOptions) -> bool:
    """Return whether the tables that lie beside images name them."""
    with suppress(TrainwrightError):
        table = open_files(next(iter(splits.values()))[0], next(iter(splits.values())), options).head
        column, _ = image_folders.image_column(table)
        return bool(column) and image_places.are_there(table, column)
    return False


def _without_unlabelled(found: Source) -> Source:
    """Pass over the rows for which a label is to be found: those of a test file that has all columns of training but one, or
    one with nothing in it."""
    for split in [split for split in found.parts if split != "train" and "train" in found.parts]:
        there, train = found.streams[split].head.frame, found.streams["train"].head
        empty = [name for name in train.columns if name not in there.columns or there[name].null_count() == there.height]
        if len(empty) == 1 and train.frame[empty[0]].null_count() < train.frame.height:
            del found.files[split], found.streams[split]
            names = ", ".join(file.name for file in found.parts.pop(split)[:3])
            why = f"column '{empty[0]}' has no value there; with --{split} it would be taken"
            found.notes.append(Note("passed over", f"{split}: {names}", why))
    return found


def _digest(path: Path, files: Sequence[Path] = ()) -> str:
    """Return a digest of a file, of files, or of all files in a folder."""
    digest = hashlib.blake2b(digest_size=16)
    path = path.archive if isinstance(path, InArchive) and not files and path.is_dir() else path
    for file in files or (sorted(files_below(path)) if path.is_dir() else [path]):
        name = file.relative_to(path) if not files and path.is_dir() else ""
        with suppress(OSError):  # what may not be read is not trained on
            if file.is_file():
                digest.update(f"{name}:{file.stat().st_size};".encode())
                with file.open("rb") as content:
                    digest.update(hashlib.file_digest(content, "blake2b").digest())
    if type(path) is type(Path()) and path.is_dir() and not files:
        for folder in passed_over(path)[1]:
            digest.update(f"{folder.relative_to(path)}:closed;".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _named(layout: CsvLayout | None, stream: TableStream) -> TableStream:
    """Return a file of the catalogue with the names of its columns and classes; any other as it is."""
    if layout is None:
        return stream

    def named(table: Table) -> Table:
        if len(table.columns) == len(layout.columns) and not table.has_header:
            table.frame = table.frame.rename(dict(zip(table.columns, layout.columns, strict=True)))
            table.frame = table.frame.with_columns(pl.col(layout.label).replace(dict(layout.classes)))
        return table

    return TableStream(named(stream.head), lambda: map(named, stream.rest()))


def find(
    source: str,
    valid: Path | None,
    test: Path | None,
    *,
    offline: bool,
    listen: Listener = ignore,
    options: ReadOptions = DERIVED,
    held: Mapping[str, Any] | None = None,
) -> Source:
    """Find what ``source`` names: a file or folder of that name comes before a data set. ``held`` are data in memory, by split.

    Raise E276 for what is held and no data, E101 for something that is neither path nor name, E130 to E134 for a download that
    fails.
    """
    path = as_path(source)
    given = {name: as_path(each) for name, each in (("valid", valid), ("test", test)) if each is not None}
    for each in (path, *given.values()):
        if is_run(each):
            raise error("E167", path=each)
    for each in given.values():
        require(each)
    if held:
        tables = {part: frames.table_of(each, frames.NAME if part == "train" else part) for part, each in held.items()}
        if "train" in tables:
            found = Source(frames.NAME, given, given=given, options=options)
        else:
            found = find(source, valid, test, offline=offline, listen=listen, options=options)
        return replace(found, held=tables, notes=[*found.notes, frames.describe(tables)])
    if is_path(source):
        return _at(path, given, options)
    if source in builtin.TASKS:
        if given:
            raise error("E211", source=source)
        return Source(source, options=options)
    if source in CATALOG:
        files = catalog.fetch(source, offline=offline, progress=listen)
        return Source(source, files | given, CATALOG[source], given=given, options=options)
    if "/" not in source and "." not in source and (hint := nearest(source, catalog.names())):
        raise error("E130", name=source, known=catalog.names(), hint=hint)
    require(path)
    raise error("E101", path=source)  # an empty word, which as a path would be the current folder
