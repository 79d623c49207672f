"""Which files of a folder hold its table, and for which split: ``train.csv`` and ``test.csv``, folders of splits, shards.

Promises: files are taken by their names, in sorted order; those of one split must be parts of one table; what was taken and
what was passed over is said.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from trainwright.data.files.content import COMPRESSIONS, plain_suffix
from trainwright.data.files.folders import class_folders, entries, part_of, split_folder
from trainwright.data.read.formats import by_suffix
from trainwright.data.tables.split import NAMES
from trainwright.errors import error
from trainwright.watch.events import Note

STATE = "state.json"  # beside the Arrow files of a data set as the datasets library saves it: their names, in order
DESCRIPTIONS = {STATE, "dataset_info.json", "dataset_infos.json", "dataset_dict.json"}  # of such a data set; no tables
SHOWN = 4  # names in a note
DEEPEST = 3  # folders around the one that holds the files


@dataclass(frozen=True)
class TableFiles:
    """The files of each split, in order, and what a person should know of the choice."""

    splits: dict[str, tuple[Path, ...]]
    notes: list[Note] = field(default_factory=list)


def find_tables(folder: Path) -> TableFiles | None:
    """Return the files of the tables in a folder; None where it holds none.

    Split folders (``train/``) come before files whose names say the split; where none says ``train``, those that say no split
    are training. Raise E102, and E183 where the files of a split cannot be parts of one table.
    """
    if split_folder(folder) or len(class_folders(folder)) > 1:
        return None  # texts, whatever lies beside them
    notes: list[Note] = []
    for _ in range(DEEPEST):
        if found := _of_folders(folder) or _of_names(folder, notes):
            for part, files in found.items():
                _require_parts(folder, part, files)
            return TableFiles(found, [*notes, _taken(found)])
        inner = [entry for entry in entries(folder) if entry.is_dir()]
        if len(inner) != 1:
            return None
        folder = inner[0]
        notes = [Note("folder", str(folder), "the only one in the folder named")]
    return None


def _of_folders(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return tables by split where folders are named after one, train among them."""
    found: dict[str, tuple[Path, ...]] = {}
    for entry in entries(folder):
        part = part_of(entry.name)
        if part and part not in found and entry.is_dir() and (files := _tables(entry)):
            found[part] = files
    return {part: found[part] for part in NAMES if part in found} if "train" in found else {}


def _of_names(folder: Path, notes: list[Note]) -> dict[str, tuple[Path, ...]]:
    """Return the tables right in a folder by the split that their names say; add a note on those that are passed over."""
    files, parts = _tables(folder), dict[str, list[Path]]()
    for file in files:
        parts.setdefault(part_of(file.name) or "", []).append(file)
    rest = parts.pop("", [])
    if "train" not in parts and rest:
        parts["train"], rest = rest, []
    if rest:
        notes.append(Note("passed over", _named(rest), "their names say no split, and others say train"))
    return {part: tuple(parts[part]) for part in NAMES if part in parts}


def _tables(folder: Path) -> tuple[Path, ...]:
    """Return the files of tables right in a folder, by their names; of a saved data set those that its description names."""
    files = [entry for entry in entries(folder) if by_suffix(plain_suffix(entry)) and entry.name not in DESCRIPTIONS]
    files = [file for file in files if file.is_file()]
    with suppress(OSError, ValueError, LookupError, TypeError):
        names = [each["filename"] for each in json.loads((folder / STATE).read_bytes())["_data_files"]]
        places = {file.name: file for file in files}
        return tuple(places[name] for name in names)
    return tuple(files)


def _require_parts(folder: Path, part: str, files: Sequence[Path]) -> None:
    """Raise E183 where files of one split are of several formats, or are one file twice."""
    why = ""
    formats = {file: by_suffix(plain_suffix(file)) for file in files}
    other = next((file for file in files if formats[file] != formats[files[0]]), None)
    stems: dict[str, Path] = {}
    for file in files:
        stem = file.name.removesuffix(f".{next((each for each in COMPRESSIONS if file.suffix == f'.{each}'), '')}")
        first = stems.setdefault(stem, file)
        if first is not file:
            why = f"{first.name} and {file.name} are one, compressed and not"
    if other is not None:
        why = f"{files[0].name} is {formats[files[0]]}, and {other.name} {formats[other]}"
    if why:
        raise error("E183", path=folder, why=why, part=part, file=files[0])


def _taken(found: dict[str, tuple[Path, ...]]) -> Note:
    shown = "; ".join(f"{part}: {_named(files)}" for part, files in found.items())
    if len(found) > 1:
        return Note("files", shown, "the splits by their names")
    several = len(next(iter(found.values()))) > 1
    return Note("files", shown, "one table, in the order of their names" if several else "the only table there")


def _named(files: Sequence[Path]) -> str:
    more = f" ... {files[-1].name} ({len(files):,} files)" if len(files) > SHOWN else ""
    return ", ".join(file.name for file in files[: SHOWN - 1 if more else SHOWN]) + more
