"""What a person should know about labelled rows: counts, duplicates, leaks, groups, classes that cannot be measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from trainwright.data.read.source import Source
from trainwright.data.tables.dtypes import MISSING
from trainwright.data.tables.split import NAMES
from trainwright.data.tables.table import Rejected, spot
from trainwright.data.text.alike import SHARED
from trainwright.evaluation.audit import audit, groups
from trainwright.tasks.found import found as findings_of
from trainwright.tasks.found import notes
from trainwright.tasks.grouping import Grouping
from trainwright.watch.events import Note
from trainwright.watch.inspected.finding import Finding

MANY_WIDE = 0.05  # of the rows, with another number of fields than the first: they can hardly be slips
NAMED_ROWS = 1000  # rejected rows named one by one in data.json; beyond that they are counted
EXAMPLES, SHOWN = 5, 5  # of rows that are nearly the same; of classes
MANY = 20  # rows of a class that has none to be measured on
BUT_FOR = "but for letter case, marks or blanks"
NEARLY = f"all but a word, or {SHARED:.0%} of their runs of three tokens, are the same"
_LEAKS = {"across": "also in {}", "alike": f"also in {{}}, {BUT_FOR}", "near": "nearly in {}"}


def describe(
    source: Source, frame: pl.DataFrame, files: Mapping[str, str], rejected: list[Rejected], classes: bool, noun: str
) -> tuple[dict[str, Any], pl.Series]:
    """Return what ``data.json`` says of the rows: how many each split and each class has, what was left out, what is odd; and
    which rows of valid and test are in train too."""
    rejected = [*source.closed, *rejected]
    sizes = {NAMES[number]: count for number, count in frame["split"].value_counts().sort("split").iter_rows()}
    counted: dict[str, dict[str, int]] = {}
    if classes:
        single = frame.select("split", "label")
        single = single.explode("label").drop_nulls() if frame["label"].dtype == pl.List else single
        counts = single.group_by("split", "label").len().sort("split", "label")
        for number, label, count in counts.iter_rows():
            counted.setdefault(label, {})[NAMES[number]] = count
    checks, leaked = audit(frame)
    if checks.get("near", {}).get("rows"):
        checks["near"]["examples"] = _examples(frame, files)
    described = {
        "source": source.name,
        "files": {name: str(path) for name, path in source.files.items()},
        "rows": sizes,
        "classes": counted,
        "rejected": len(rejected),
        "rejected_rows": [{"file": r.file, "row": r.row, "reason": r.reason} for r in rejected[:NAMED_ROWS]],
        "audit": checks,
        "findings": [asdict(each) for each in findings_of(frame, files, rejected, checks, noun)],
    }
    return described, leaked


def _examples(frame: pl.DataFrame, files: Mapping[str, str]) -> list[list[dict[str, Any]]]:
    """Return a few pairs of places whose texts are nearly the same, those in two splits first."""
    near = frame.filter((pl.col("same") != 0) & frame["near"].is_duplicated()).sort("split", "row")
    ends = near.unique(["near", "same"], keep="first", maintain_order=True).group_by("near", maintain_order=True)
    pairs = ends.agg(pl.col("split", "row").first().name.suffix("_1"), pl.col("split", "row").last(), pl.len())
    pairs = pairs.filter(pl.col("len") > 1).sort(pl.col("split") == pl.col("split_1"), maintain_order=True).head(EXAMPLES)
    found = []
    for *one, split, row in pairs.select("split_1", "row_1", "split", "row").iter_rows():
        spots = [spot(files[NAMES[number]], each) for number, each in (one, (split, row))]
        found.append([{"file": file, "row": each} for file, each in spots])
    return found


def findings(data: Mapping[str, Any], noun: str, called: str) -> list[Note]:
    """Return what a person should know about the rows, as notes."""
    found = []
    totals = {label: sum(counts.values()) for label, counts in data["classes"].items()}
    if totals:
        fewest, most = min(totals, key=totals.__getitem__), max(totals, key=totals.__getitem__)
        spread = f"from {totals[fewest]:,} rows ({fewest}) to {totals[most]:,} ({most})"
        spread = f"{totals[most]:,} rows each" if totals[fewest] == totals[most] else spread
        found.append(Note(called, str(len(totals)), spread))
    if data["rejected"]:
        first = [(f"row {each['row']}" if each["row"] else each["file"], each["reason"]) for each in data["rejected_rows"][:3]]
        rows = "; ".join(map(": ".join, first))
        found.append(Note("left out", f"{data['rejected']:,} rows", rows + (" ..." if data["rejected"] > 3 else "")))
        wide = sum(" fields where " in each["reason"] for each in data["rejected_rows"])
        if wide >= MANY_WIDE * min(sum(data["rows"].values()) + data["rejected"], NAMED_ROWS):
            why = "more or fewer fields than the first; where the last column and what is behind it are labels: target=labels"
            found.append(Note("several labels?", f"{wide:,} rows", why))
    checks = data["audit"]
    counted = [
        (f"empty {noun}s", checks["empty"], f"rows have no {noun}; kept"),
        ("duplicate rows", checks["duplicate_rows"], f"rows repeat an earlier {noun}; kept"),
        ("conflicts", checks["conflicts"] if totals else 0, f"{noun}s stand under more than one label; kept"),
        ("duplicates", checks.get("alike", {}).get("rows"), f"{noun}s repeat an earlier one {BUT_FOR}; kept"),
    ]
    near = checks.get("near", {})
    counted.append(("nearly the same", near.get("rows"), f"{noun}s nearly repeat an earlier one ({NEARLY}{_such(near)}); kept"))
    for name, how in _LEAKS.items():
        for pair, count in (checks if name == "across" else checks.get(name, {})).get("across", {}).items():
            first, second = pair.split("-")
            such = NEARLY if name == "near" else f"the same {noun}"
            counted.append(("leak", count, f"rows of {second} are {how.format(first)}: {such}"))
    told = [Note(what, f"{count:,}", why) for what, count, why in counted if count]
    return [*found, *told, *notes([Finding(**each) for each in data["findings"]]), *_unmeasured(data, called)]


def _such(near: Mapping[str, Any]) -> str:
    """Name the first example."""
    if not near.get("examples"):
        return ""
    one, other = near["examples"][0]
    if one["file"] == other["file"]:
        return f", such as rows {one['row']} and {other['row']}"
    return f", such as {one['file']}, row {one['row']}, and {other['file']}, row {other['row']}"


def _unmeasured(data: Mapping[str, Any], called: str) -> list[Note]:
    """Return notes on classes without rows in a split, which cannot be measured, and on such as may stand for no label."""
    notes = []
    measured = [name for name in NAMES[1:] if name in data["rows"]]
    for name in measured:
        lacking = [label for label, counts in data["classes"].items() if "train" in counts and name not in counts]
        if lacking:
            shown = ", ".join(f"'{label}'" for label in lacking[:SHOWN]) + (", ..." if len(lacking) > SHOWN else "")
            notes.append(Note("not measured", f"{len(lacking)} {called}", f"{shown}: no rows in {name}"))
    last = measured[-1] if measured else ""
    there = [counts["train"] for counts in data["classes"].values() if last in counts and "train" in counts]
    for label, counts in data["classes"].items():
        if label.casefold() in MISSING:
            why = "a usual word for a missing value: if it stands for rows without a label, leave them out"
            notes.append(Note("a label?", f"'{label}' ({sum(counts.values()):,} rows)", why))
        if last not in counts and there and (many := counts.get("train", 0)) >= max(MANY, min(there) / 2):
            why = f"{many:,} rows in train, none in {last}: if it stands for rows without a label, leave them out"
            notes.append(Note("a label?", f"'{label}'", why))
    return notes


def group_findings(frame: pl.DataFrame, data: dict[str, Any], group: Grouping) -> list[Note]:
    """Count groups that stand in several splits, into the ``data`` and as a note that says what is known of a row by them."""
    if not group.column or "group" not in frame.columns:
        return []
    found = data["audit"]["groups"] = {"column": group.column, **groups(frame)}
    if not found["several"]:
        return []
    value = f"{group.column}: {found['groups']:,} values with {found['rows'] / found['groups']:,.0f} rows each"
    why = f"{found['several']:,} stand in several splits"
    why += "" if group.given else f": split=group:{group.column} keeps each in one"
    if found["right"] is not None:
        why += f"; of {found['measured']:,} rows of {found['of']} whose {group.column} is also in train, "
        if found["kind"] == "class":
            why += f"{found['right']:.0%} have the label most frequent in its rows there, {found['chance']:.0%} that of all"
        else:
            why += f"the mean of its rows there explains {max(found['right'], 0):.0%} of the variance, the mean of all 0%"
    if group.learned:
        why += f"; nothing is learned from it about new ones, columns.{group.column}=ignore leaves it out"
    return [Note("groups", value, why)]
