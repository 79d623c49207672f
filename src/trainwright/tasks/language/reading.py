"""The text of each split of a source: what stands in files of running text, or in the text columns of tables."""

from __future__ import annotations

from dataclasses import dataclass, field

from trainwright.config.settings import Settings
from trainwright.data.files.folders import printable
from trainwright.data.read import archive_sets, documents, running_text
from trainwright.data.read.catalog_entries import ArchiveLayout
from trainwright.data.read.source import Source
from trainwright.data.tables.split import NAMES
from trainwright.data.tables.table import Rejected, files_of
from trainwright.errors import error
from trainwright.watch.events import Note


@dataclass
class Texts:
    """The text of each split, its files, the columns that it stands in where they are tables, files left out, and notes."""

    texts: dict[str, str]
    files: dict[str, list[str]]
    columns: tuple[str, ...] = ()
    rejected: list[Rejected] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read(source: Source, settings: Settings) -> Texts:
    """Return the text of every split of a source."""
    tables = source.held or (source.path is not None and documents.holds_documents(source.path))
    found = _from_tables(source, settings) if tables else _from_files(source, settings)
    found.texts, note = _cut(found.texts, found.files, source.name, settings)
    found.notes.append(note)
    return found


def _from_tables(source: Source, settings: Settings) -> Texts:
    """Return the documents in the text columns of the tables of each split."""
    columns, notes = documents.text_columns(source.streams["train"].head, settings.text)
    texts, files, counts = dict[str, str](), dict[str, list[str]](), list[str]()
    for name, stream in source.streams.items():
        texts[name], count = documents.text_of(stream.tables(), columns)
        files[name] = list(files_of(stream.head.file))
        counts.append(f"{name} {count:,}")
        if not count:
            raise error("E161", files=", ".join(files[name][:3]))
    notes = [*notes, Note("documents", ", ".join(counts), "one a row, each on a line of its own")]
    return Texts(texts, files, columns, notes=notes)


def _from_files(source: Source, settings: Settings) -> Texts:
    """Return what stands in files of running text, or of a named set. Raise E272 for columns."""
    if settings.text:
        raise error("E272", key="text", value=",".join(settings.text), path=source.name)
    notes, rejected = list[Note](), [*source.closed]
    paths = {name: [path] for name, path in source.files.items()}
    if source.path is not None:
        found = running_text.find_corpus(source.path, source.files.get("valid"), source.files.get("test"))
        paths, notes = found.files, list(found.notes)
    texts = {} if paths else {"train": running_text.embedded()}
    if source.dataset and isinstance(source.dataset.layout, ArchiveLayout):
        texts = archive_sets.wikitext(source.files["archive"])
    for name, each in paths.items():
        if name != "archive":
            texts[name] = running_text.read_text(each, notes, settings.encoding, rejected)
    refused = {each.file for each in rejected}
    files = {name: [str(path) for path in each if printable(str(path)) not in refused] for name, each in paths.items()}
    notes += [Note("left out", each.file, each.reason) for each in rejected]
    return Texts(texts, files, (), rejected, notes)


def _cut(texts: dict[str, str], files: dict[str, list[str]], source: str, settings: Settings) -> tuple[dict[str, str], Note]:
    """Cut valid and test out of the training text where there are none. Return all splits, and how it was done."""
    fractions = {
        name: 0.0 if name in texts else 0.05 if given is None else given
        for name, given in (("valid", settings.valid_fraction), ("test", settings.test_fraction))
    }
    if "test" in texts and settings.test_fraction:
        raise error("E222", file=files.get("test", [source])[0])
    if sum(fractions.values()) >= 1:
        raise error("E302", key="valid_fraction", value=fractions["valid"], problem="nothing is left for training")
    cut = running_text.cut(texts["train"], fractions["valid"], fractions["test"], ", ".join(files.get("train", [])))
    named = ", ".join(name for name in texts if name != "train")
    places = {"valid": "after it", "test": "at the end"}
    shares = [f"the {share:.3g} {places[name]} for {name}" for name, share in fractions.items() if share]
    why = "; ".join(filter(None, [f"{named} given" if named else "", ", ".join(shares)]))
    texts = texts | cut
    sizes = ", ".join(f"{name} {len(texts[name]):,}" for name in NAMES if name in texts)
    return {name: texts[name] for name in NAMES if name in texts}, Note("split", f"{sizes} characters", why)
