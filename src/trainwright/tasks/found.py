"""What every look at labelled rows finds, at little cost: copies, leaks, labels, texts that nobody wrote so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from trainwright.data.tables.spelling import slips
from trainwright.data.tables.split import NAMES
from trainwright.data.tables.table import Rejected, spot
from trainwright.data.text.oddities import PATTERNS, odd_texts
from trainwright.evaluation import drift
from trainwright.watch.events import Note
from trainwright.watch.inspected.finding import MOST_ROWS, Finding, Severity

MUCH = 0.01  # of the test rows
FEW, UNEVEN = 10, 10  # rows of a class in train that is called rare; times more of the largest class than of the smallest
ODD = ("one-character", *PATTERNS)  # in the order of the bits of the column ``odd``
SAYS = {
    "one-character": "are one character, again and again",
    "mojibake": "have letters such as \u00c3\u00a9, which are another encoding's",
    "markup": "have tags or entities of HTML",
    "odd-characters": "have control characters, or marks of lost ones",
}
SAID = ("similar-labels", "drift", *ODD, "sentinel", "outliers")  # before a training, beside what ``findings`` says
EVERYWHERE = ("left-out", "empty", "duplicates", "leak", "conflicts", "similar-labels", "few-rows", "imbalance", "drift")


def found(
    frame: pl.DataFrame, files: Mapping[str, str], rejected: Sequence[Rejected], checks: Mapping[str, Any], noun: str
) -> list[Finding]:
    """Return the findings on the rows of all splits.

    ``checks`` are what ``evaluation.audit`` counted, ``noun`` names a content. ``frame`` is that of ``splitting.Rows``, with
    the column ``leaked``, and perhaps ``odd``, bits of ``ODD``.
    """
    telling = Named(frame, files)
    return [
        *_left_out(rejected),
        *telling.copies(checks, noun),
        *telling.leaks(checks, noun),
        *(telling.labels(noun) if frame["label"].dtype in (pl.String, pl.List) else ()),
        *telling.odd(noun),
    ]


def _left_out(rejected: Sequence[Rejected]) -> list[Finding]:
    if not rejected:
        return []
    rows = [{"file": each.file, "row": each.row or None, "input": each.reason} for each in rejected[:MOST_ROWS]]
    return [Finding("left-out", len(rejected), "rows cannot be used, and are left out", rows=rows)]


def oddities(texts: pl.Series) -> pl.Series:
    """Return how texts are odd, as bits of ``ODD``: UInt8 (texts,)."""
    found = odd_texts(texts)
    bits = {name: each.cast(pl.UInt8) * (1 << ODD.index(name)) for name, each in found.items()}
    return pl.DataFrame(bits).sum_horizontal()


def notes(found: Sequence[Finding]) -> list[Note]:
    """Return what is said of findings before a training."""
    return [
        Note(each.name.replace("-", " "), f"{each.count:,}", ": ".join(filter(None, [each.where, each.what])))
        for each in found
        if each.name in SAID
    ]


class Named:
    """All rows, which can be named."""

    def __init__(self, frame: pl.DataFrame, files: Mapping[str, str]) -> None:
        self.frame, self.files = frame, files
        self.key = "near" if "near" in frame.columns else "digest"

    def named(self, rows: pl.DataFrame, most: int = MOST_ROWS) -> list[dict[str, Any]]:
        """Return the places of the first rows, their labels, and to which of the groups they belong (``key``)."""
        told = []
        groups: dict[Any, int] = {}
        for row in rows.head(most).to_dicts():
            split = NAMES[row["split"]]
            file, number = spot(self.files[split], row["row"])
            where = {"file": f"{file}/{row['name']}", "row": None} if row.get("name") else {"file": file, "row": number}
            each = {**where, "split": split, "label": row["label"]}
            if "key" in row:
                each["group"] = groups.setdefault(row["key"], len(groups) + 1)
            told.append(each)
        return told

    def finding(self, name: str, there: np.ndarray, what: str, where: str = "") -> Finding:
        """Return a finding on the rows that are ``there``, bool (rows,)."""
        return Finding(name, int(there.sum()), what, where, rows=self.named(self.frame.filter(pl.Series(there))))

    def pairs(self, rows: pl.DataFrame, key: str) -> list[dict[str, Any]]:
        """Return the first and the last row of each content by ``key``, those in two splits first."""
        rows = rows.with_columns(key=pl.col(key)).sort("split", "row", maintain_order=True)
        rows = rows.with_columns(within=(pl.col("split").first() == pl.col("split").last()).over("key"))
        ends = [rows.unique("key", keep=keep, maintain_order=True) for keep in ("first", "last")]
        keys = ends[0].sort("within", maintain_order=True).select("key").head(MOST_ROWS // 2).with_row_index("nth")
        by = ["split", "row", *(["name"] if "name" in rows.columns else [])]
        found = pl.concat(ends).join(keys, on="key").unique(by, keep="first")
        return self.named(found.sort("nth", "split", "row", maintain_order=True))

    def copies(self, checks: Mapping[str, Any], noun: str) -> list[Finding]:
        """Return findings on contents that come again."""
        frame, found = self.frame, list[Finding]()
        if checks["empty"]:
            rows = frame.filter(pl.col("blank") > 0)
            found.append(Finding("empty", checks["empty"], f"rows have no {noun}", rows=self.named(rows)))
        filled = frame.filter(pl.col("blank") < 2)
        again = filled.filter(filled["digest"].is_duplicated())
        if count := checks["duplicate_rows"]:
            what = f"rows repeat an earlier {noun}"
            found.append(Finding("duplicates", count, what, rows=self.pairs(again, "digest")))
        if checks["conflicts"]:
            label = pl.col("label").list.join("\0") if frame["label"].dtype == pl.List else pl.col("label")
            mixed = again.filter(label.n_unique().over("digest") > 1)
            mixed = mixed.unique(["digest", "label"], keep="first", maintain_order=True)
            numbers = frame["label"].dtype.is_numeric()
            what = f"{noun}s stand beside several {'numbers' if numbers else 'labels'}"
            named, unit = self.pairs(mixed, "digest"), f"{noun}s"
            grade: Severity = "note" if numbers else "look"
            found.append(Finding("conflicts", checks["conflicts"], what, unit=unit, rows=named, severity=grade))
        more = sum(checks.get(key, {}).get("rows", 0) for key in ("alike", "near"))
        if more:
            near = frame.filter((pl.col("same") != 0) & frame["near"].is_duplicated())
            near = near.unique(["near", "digest"], keep="first", maintain_order=True)
            near = near.filter(near["near"].is_duplicated())
            what = f"{noun}s repeat an earlier one but for case, marks, blanks or a word, or nearly"
            found.append(Finding("near-duplicates", more, what, unit=f"{noun}s", rows=self.pairs(near, "near")))
        return found

    def leaks(self, checks: Mapping[str, Any], noun: str) -> list[Finding]:
        """Return a finding for each two splits that share contents, or nearly."""
        found = []
        for first, second in ((0, 1), (0, 2), (1, 2)):
            pair = f"{NAMES[first]}-{NAMES[second]}"
            counts = {how: checks.get(how, {}).get("across", {}).get(pair, 0) for how in ("alike", "near")}
            exact = checks["across"].get(pair, 0)
            if not (count := exact + sum(counts.values())):
                continue
            rows = self.frame.filter(pl.col("split").is_in([first, second]))
            keys = [rows.filter(pl.col("split") == part)[self.key].unique() for part in (first, second)]
            both = keys[0].filter(keys[0].is_in(keys[1].implode()))
            how = (
                f"{exact:,} the same {noun}",
                f"{counts['alike']:,} but for case, marks or blanks",
                f"{counts['near']:,} nearly",
            )
            shown = ", ".join(each for each in how if not each.startswith("0 "))
            what = f"rows of {NAMES[second]} are also in {NAMES[first]}: {shown}"
            named = self.pairs(rows.filter(pl.col(self.key).is_in(both.implode())), self.key)
            grave = (first, second) == (0, 2) and count >= MUCH * int((self.frame["split"] == second).sum())
            found.append(Finding("leak", count, what, pair, rows=named, severity="grave" if grave else "look"))
        return found

    def labels(self, noun: str) -> list[Finding]:
        """Return findings on names of classes, their numbers of rows, and whether the splits have them alike."""
        pairs = self.frame.select("split", "label", "row", "digest", *(["name"] if "name" in self.frame.columns else []))
        pairs = pairs.explode("label").drop_nulls("label") if pairs["label"].dtype == pl.List else pairs
        counts = dict(pairs["label"].value_counts().sort("label").iter_rows())
        train = dict(pairs.filter(pl.col("split") == 0)["label"].value_counts().iter_rows())
        found = []
        for rare, common in slips(counts):
            what = f"rows say '{rare}', which may be '{common}' ({counts[common]:,} rows)"
            rows = self.named(pairs.filter(pl.col("label") == rare))
            found.append(Finding("similar-labels", counts[rare], what, rare, rows=rows))
        few = {name: train.get(name, 0) for name in counts if train.get(name, 0) < FEW}
        if few and len(self.frame) >= FEW * len(counts):
            shown = ", ".join(f"'{name}' {count}" for name, count in sorted(few.items(), key=lambda each: each[1])[:5])
            what = f"classes have fewer than {FEW} training rows: {shown}" + (", ..." if len(few) > 5 else "")
            found.append(Finding("few-rows", len(few), what, unit="classes"))
        if len(counts) > 1 and max(counts.values()) >= UNEVEN * min(counts.values()):
            least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
            what = f"times as many rows of '{most}' ({counts[most]:,}) as of '{least}' ({counts[least]:,})"
            found.append(Finding("imbalance", counts[most] // counts[least], what, unit="times"))
        return found + label_drift(self.frame)

    def odd(self, noun: str) -> list[Finding]:
        """Return findings on texts that nobody wrote so."""
        if "odd" not in self.frame.columns:
            return []
        found, codes = [], self.frame["odd"].fill_null(0)
        for bit, name in enumerate(ODD):
            rows = self.frame.filter((codes & (1 << bit)) != 0) if codes.max() else self.frame.head(0)
            if len(rows):
                found.append(Finding(name, len(rows), f"{noun}s {SAYS[name]}", unit=f"{noun}s", rows=self.named(rows)))
        return found


def label_drift(frame: pl.DataFrame) -> list[Finding]:
    """Return a finding for each split whose classes have other shares than in train, by more than chance."""
    unit = [pl.coalesce(pl.col("group").hash(), pl.col("digest")).alias("unit")] if "group" in frame.columns else []
    alone = frame.select("split", "label", *(unit or [pl.col("digest").alias("unit")])).unique("unit", keep="first")
    alone = alone.explode("label").drop_nulls("label") if alone["label"].dtype == pl.List else alone
    names = alone["label"].unique().sort()
    counts = {part: _counts(alone.filter(pl.col("split") == part)["label"], names) for part in (0, 1, 2)}
    tests = [drift.of_classes(NAMES[part], counts[0], counts[part]) for part in (1, 2)]
    found = []
    for each in drift.alarms([test for test in tests if test]):
        other = counts[NAMES.index(each.what)]
        shares = [count / count.sum() for count in (counts[0], other)]
        most = int(np.abs(shares[0] - shares[1]).argmax())
        what = f"classes have other shares in {each.what} than in train: '{names[most]}' {shares[1][most]:.1%} and"
        what += f" {shares[0][most]:.1%} (chi-squared test, p {each.p:.1g})"
        found.append(Finding("drift", len(names), what, f"labels, {each.what}", unit="classes"))
    return found


def _counts(labels: pl.Series, names: pl.Series) -> np.ndarray:
    counts = dict(labels.value_counts().iter_rows())
    return np.array([counts.get(name, 0) for name in names], np.int64)
