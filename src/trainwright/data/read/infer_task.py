"""What a table is about, when nobody says: text in one of its columns, pictures named in one, or features in many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any, Literal

import polars as pl

from trainwright.data.images.headers import SUFFIX_PATTERN
from trainwright.data.read import image_folders
from trainwright.data.read.source import Source
from trainwright.data.tables.column_choice import declare
from trainwright.data.tables.column_names import BODY_NAMES, LABEL_NAMES, TARGET_NAMES, TITLE_NAMES
from trainwright.data.tables.feature_columns import choose_features, usable_features
from trainwright.data.tables.label_form import several
from trainwright.data.tables.profile import LONGEST_LABEL, MOST, ColumnProfile
from trainwright.data.tables.table import Table
from trainwright.data.tables.text_columns import choose_columns
from trainwright.errors import TrainwrightError
from trainwright.fields import names

PICTURE = rf"(?i)\S({SUFFIX_PATTERN})\s*$"


class Evidence:
    """What tells of which kind a source is: the source itself, the settings that are ``given``, and what its table says."""

    def __init__(self, source: Source, given: Mapping[str, Any]) -> None:
        self.source, self.given = source, given

    @cached_property
    def table(self) -> tuple[str, str]:
        """Return the kind that its table speaks for, and why; empty for a source that is no table. Raise SourceError."""
        if self.source.form != "table":
            return "", ""
        if self.given.get("image"):
            return "image", "its column of images is named"
        words = self.given.get("text") or ()
        if self.source.lists_images:
            return "image", "its table names the images in the folder"
        head = self.source.streams["train"].head
        if kinds := self.given.get("columns"):
            head = declare(head, kinds, self.given.get("decimal"), self.given.get("dates"))
            if pictured := head.declared_as("image"):
                return "image", f"column '{pictured[0]}' was said to hold images"
        if self.given.get("features"):
            return "table", "its features are named"
        head = head.without(self.given.get("sample_weight", ""), str(self.given.get("split") or "").partition(":")[2])
        found = infer_task(head, [words] if isinstance(words, str) else words, str(names(self.given.get("label", ""))))
        if found[0] == "table" and len(usable_features(head)) < 2 and _named_beside(head):
            return "image", "its table names the images beside it"
        return found

    def table_of(self, kind: str) -> str:
        """Return why its table speaks for ``kind``; "" where it does not."""
        found, why = self.table
        return why if found == kind else ""


def _named_beside(table: Table) -> bool:
    """Return whether a table names the images beside it, by their ids if need be."""
    with suppress(TrainwrightError):
        return bool(image_folders.image_column(table)[0])
    return False


def infer_task(table: Table, text: Sequence[str] = (), label: str = "") -> tuple[Literal["text", "image", "table"], str]:
    """Return what is learned from, and the reason. ``text`` and ``label`` are the columns that the person named."""
    if text:
        return "text", "its text is named"
    if not label and (why := _flags_beside_text(table)):
        return "text", why
    if why := _mixed(table, label):
        return "table", why
    if texts := table.declared_as("text"):
        return "text", f"column '{texts[0]}' was said to hold text"
    named = several(table, label) or (label,)
    profiles = {name: profile for name, profile in table.profiles.items() if name not in named}
    for name, profile in profiles.items():
        if profile.plain in BODY_NAMES and profile.prose:
            return "text", f"column '{name}' has a usual name for text, and holds it"
    for name, profile in profiles.items():
        if profile.reading.kind == "number":
            continue
        pictures = float(profile.texts.str.contains(PICTURE).mean() or 0)  # type: ignore[arg-type]
        if pictures >= MOST and not any(other.prose for other in profiles.values() if other is not profile):
            return (
                "image",
                f"column '{name}' holds {'images' if table.frame[name].dtype == pl.Binary else 'names of image files'}",
            )
    return _text_or_table(table, profiles, label)


def _flags_beside_text(table: Table) -> str:
    """Return why a text with columns of 0 and 1 and nothing else beside it is a text, whose labels they may be; else ""."""
    columns = [column for column in table.profiles.values() if not column.identifies(table.has_header)]
    flags = [column.name for column in columns if column.is_flag]
    texts = [column.name for column in columns if column.free_text]
    usual = {name for names in LABEL_NAMES for name in names} | {*TARGET_NAMES}
    if not texts or len(flags) < 2 or len(flags) + len(texts) < len(columns) or any(c.plain in usual for c in columns):
        return ""
    return f"besides {_some(texts)}, the columns {_some(flags)} of 0 and 1 (or no and yes) are all there is"


def _mixed(table: Table, label: str) -> str:
    """Return why a table has texts and more to learn from beside them; "" where it has not, or what is predicted is unclear."""
    if not any(column.free_text for column in table.profiles.values()):
        return ""
    try:
        chosen = choose_features(table, (), label)
    except TrainwrightError:
        return ""
    texts = [feature.name for feature in chosen.features if feature.kind == "text"]
    beside = [feature.name for feature in chosen.features if table.profiles[feature.name].tells]
    if not texts or not beside or not (label or _agreed(table, str(chosen.label))):
        return ""
    return f"besides the text of {_some(texts)}, {_some(beside)} can be learned from; task=text takes the text alone"


def _agreed(table: Table, label: str) -> bool:
    """Return whether a label has a usual name, or is the one that the text alone would be learned for."""
    if table.profiles[label].plain in (*TARGET_NAMES, *(name for names in LABEL_NAMES for name in names)):
        return True
    try:
        return choose_columns(table).label == label
    except TrainwrightError:
        return True


def _text_or_table(table: Table, profiles: dict[str, ColumnProfile], label: str) -> tuple[Literal["text", "table"], str]:
    """Return text, if its columns can be told and nothing beside them speaks for a table."""
    usable = {name: kind for name, kind in usable_features(table).items() if kind != "text"}
    try:
        columns = choose_columns(table, (), label)
    except TrainwrightError:
        prose = any(profile.prose for profile in profiles.values())
        if not usable or (len(usable) == 1 and prose):
            return "text", "no two columns could be features and a label"
        return "table", f"{len(usable)} columns hold numbers, dates or categories"
    taken = {*columns.text, *columns.labels}
    beside = {name: kind for name, kind in usable.items() if name not in taken}
    numbers = [name for name, kind in beside.items() if kind == "number"]
    named = " + ".join(f"'{name}'" for name in columns.text)
    if not beside:
        return "text", f"besides the label, {named} is all there is to learn from"
    if numbers:
        return "table", f"{_some(numbers)} can be learned from, beside {named}"
    chosen = [profiles[name] for name in columns.text]
    if any(profile.plain in (*BODY_NAMES, *TITLE_NAMES) for profile in chosen):
        return "text", f"{named} has a usual name for text"
    if len(chosen) == 1 and not any(other.readable for name, other in profiles.items() if name not in taken):
        return "text", f"{named} is the only column that can be text"
    if max(profile.mean_length for profile in chosen) > LONGEST_LABEL:
        return "text", f"{named} holds long texts, and no column holds numbers"
    return "table", f"{_some(list(beside))} can be learned from, beside {named}"


def _some(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")
