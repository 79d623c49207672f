"""From what a person names (a path, a data set, data inside Python) to its files and its tables."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import polars as pl

from trainwright.data.files import cache
from trainwright.data.files.content import require
from trainwright.data.files.folders import is_path, short_name, split_folder
from trainwright.data.read import builtin, catalog, images, running_text
from trainwright.data.read.catalog_entries import CATALOG, CsvLayout, Dataset
from trainwright.data.read.options import DERIVED, KEYS, ReadOptions
from trainwright.data.read.tables import open_table
from trainwright.data.tables.table import Table, TableStream
from trainwright.errors import error, nearest
from trainwright.watch.events import Listener, ignore

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
    options: ReadOptions = DERIVED

    @property
    def layout(self) -> CsvLayout | None:
        """Return what the catalogue knows of the columns, where it knows any."""
        return self.dataset.layout if self.dataset and isinstance(self.dataset.layout, CsvLayout) else None

    @property
    def given(self) -> dict[str, Path]:
        """Return the files that were named for a split of their own."""
        return {name: path for name, path in self.files.items() if name != "train" and path.parent != self.path}

    @property
    def known_task(self) -> tuple[str, str]:
        """Return the kind of problem that a named data set is for, and who says so; empty for a person's own data."""
        if self.dataset:
            return self.dataset.task, "the catalogue says so"
        return ("", "") if self.files else (builtin.TASKS[self.name], "the data set is made for it")

    @cached_property
    def form(self) -> Form:
        """Tell what its files are by names and a few bytes. Raise E101 or E102."""
        path = self.path or self.files["train"]
        if images.holds_images(path):
            return "images"
        if "train" in self.files and running_text.holds_corpus(path, self.options):
            return "running text"
        return "folder" if path.is_dir() else "table"

    @cached_property
    def digests(self) -> dict[str, str]:
        """Return a digest of each split's file or folder, which changes when any byte of any file in it does.

        Of embedded data it is the interpreter that they come with; of data that are held in memory there are none.
        """
        if not self.files:
            return {} if self.held else {self.name: sys.version}
        return {split: _digest(path) for split, path in sorted(self.files.items())}

    def fingerprint(self, shaping: Mapping[str, Any]) -> str:
        """Return the name under which what was encoded from this source is cached; empty for data that are held in memory."""
        if self.held:
            return ""
        return cache.fingerprint(
            json.dumps(self.digests),
            {**shaping, "source": self.name, "files": sorted(self.files.items()), "options": asdict(self.options)},
        )

    @cached_property
    def streams(self) -> dict[str, TableStream]:
        """Open the tables of every split. Raise SourceError (E181 for named data that are no tables)."""
        if self.held:
            return {split: TableStream(table) for split, table in self.held.items()}
        if not self.files:
            self.options.has_no_use_for(self.name, "it is no file")
            return {"train": TableStream(builtin.load(self.name))}
        if self.dataset and not self.layout:
            raise error("E181", name=self.name, task=self.dataset.task)
        return {split: _named(self.layout, open_table(path, self.options)) for split, path in self.files.items()}

    @property
    def reading(self) -> dict[str, dict[str, str]]:
        """Return what a model keeps of how its table was read, for the files that it is used on: what was given, and an
        encoding that a file does not show by itself."""
        kept = dict(self.options.said)
        if self.files and (encoding := self.streams["train"].head.encoding) not in SHOWN:
            kept["encoding"] = encoding
        return {"reading": {key: kept[key] for key in KEYS if key in kept}} if kept else {}

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Return each split as one table. Raise SourceError."""
        return {split: stream.whole() for split, stream in self.streams.items()}


def _digest(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(f"{file.relative_to(path) if path.is_dir() else ''}:{file.stat().st_size};".encode())
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "blake2b").digest())
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
) -> Source:
    """Find what ``source`` names: a file or folder of that name comes before a data set.

    Raise E101 for something that is neither path nor name, E130 to E134 for a download that fails.
    """
    path = Path(source)
    given = {name: each for name, each in (("valid", valid), ("test", test)) if each is not None}
    for each in given.values():
        require(each)
    if is_path(source):
        folders = split_folder(path) if path.is_dir() else None
        return Source(short_name(path), (folders or {"train": path}) | given, path=path, options=options)
    if source in builtin.TASKS:
        if given:
            raise error("E211", source=source)
        return Source(source, options=options)
    if source in CATALOG:
        files = catalog.fetch(source, offline=offline, progress=listen)
        return Source(source, files | given, CATALOG[source], options=options)
    if "/" not in source and "." not in source and (hint := nearest(source, catalog.names())):
        raise error("E130", name=source, known=", ".join(catalog.names()), hint=hint)
    require(path)
    raise error("E101", path=source)  # an empty word, which as a path would be the current folder
