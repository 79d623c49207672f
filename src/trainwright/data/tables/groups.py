"""A column whose values are groups: one of people, things or places that have several rows each, which are much alike."""

from __future__ import annotations

import re
from collections.abc import Collection

import polars as pl

from trainwright.data.tables.profile import ColumnProfile, snake
from trainwright.data.tables.spelling import tidy
from trainwright.data.tables.table import Table

OWNERS = frozenset((
    "patient", "subject", "user", "customer", "client", "person", "participant", "individual", "respondent", "session",
    "visitor", "store", "shop", "speaker", "author", "writer", "account", "household", "family", "device", "machine", "sensor",
    "site", "hospital", "clinic", "doctor", "student", "player", "animal", "donor", "member", "employee", "worker", "company",
    "vehicle", "case", "specimen", "plot", "farm", "panelist",
))  # fmt: skip
_NUMBERED = frozenset(("id", "ids", "uid", "uuid", "guid", "no", "nr", "num", "number", "code", "key", "name"))
_ID = re.compile(r"(?:^|_)(id|uid|uuid|guid|userid|customerid)$")
FEWEST, MANY = 3, 20  # groups of a column whose name says what has them, and of any other
SEVERAL = 0.8  # of the rows, that are not the only one of their value
ALIKE = 0.9  # how far rows of one value are alike, from 0 (as any rows) to 1 (equal), to tell a group by it alone
EVEN = 0.5  # deviation of the sizes of groups over their mean, to tell them by what they hold alone


def find_group(table: Table, used: Collection[str], label: str | None, learned: Collection[str]) -> str:
    """Return the column whose values look like groups of rows, or an empty string.

    Columns that are ``used`` are something else. It is called like one (``patient_id``, ``store``) and its values recur; or it
    has many values, whose rows have the same label or nearly the same numbers. One that is ``learned`` from has about as many
    rows of each, too: it may be a feature that tells much.
    """
    told = tidy(table.frame[label]) if label in table.frame.columns else None
    found = []
    for column in table.profiles.values():
        if column.name in used or column.name == label or not _recurs(column):
            continue
        words = re.split(r"[_\W]+", snake(column.name).strip("_"))
        owner = words[-1] in OWNERS or (bool(OWNERS & set(words)) and words[-1] in _NUMBERED)
        many = column.raw.n_unique()
        named = many >= (FEWEST if owner else MANY) and (owner or _ID.search(snake(column.name)) is not None)
        sized = many >= MANY and _sized(column, even=column.name in learned)
        alike = _agreement(column.raw, told) if told is not None and (named or sized) else 0.0
        if named or (sized and (alike >= ALIKE or _near(table, column, {*used, label}))):
            found.append((named, alike, column.name))
    return max(found)[2] if found else ""


def _recurs(column: ColumnProfile) -> bool:
    """Return whether most rows share their value with others, and the values are words or whole numbers."""
    number = column.reading.kind == "number"
    if column.is_binary or column.how.dated or not (number or column.reading.kind == "category" or column.declared == "ignore"):
        return False
    if (number and column.measured) or not FEWEST <= column.raw.n_unique() <= column.count / 2:
        return False
    recurring = float(column.values.is_duplicated().mean() or 0)  # type: ignore[arg-type]
    return recurring >= SEVERAL and not column.is_split and not column.free_text and (not number or column.whole)


def _sized(column: ColumnProfile, even: bool) -> bool:
    """Return whether a value has several rows on average and, if wanted, each about as many."""
    sizes = column.values.value_counts()["count"].to_numpy()
    return bool(sizes.mean() >= FEWEST and (not even or sizes.std() <= EVEN * sizes.mean()))


def _agreement(groups: pl.Series, labels: pl.Series) -> float:
    """Return how much more often two rows of one group have the same label than any two rows do: 0 as often, 1 always."""
    frame = pl.DataFrame({"group": groups, "label": labels}).drop_nulls()
    pairs = (
        frame.group_by("group", "label")
        .len()
        .group_by("group")
        .agg((pl.col("len") * (pl.col("len") - 1)).sum(), pl.col("len").sum().alias("n"))
    )
    possible = float((pairs["n"] * (pairs["n"] - 1)).sum())
    share = frame["label"].value_counts(normalize=True)["proportion"]
    chance = float((share * share).sum())
    return (float(pairs["len"].sum()) / possible - chance) / (1 - chance) if possible and chance < 1 else 0.0


def _near(table: Table, column: ColumnProfile, used: Collection[str | None]) -> bool:
    """Return whether most numbers of a row, of two at least, are nearly those of the other rows of its value."""
    others = [each for each in table.profiles.values() if each.name not in used and each.name != column.name]
    measured = [each.numbers_or_null for each in others if each.reading.kind == "number" and not each.may_be_code]
    if len(measured) < 2:
        return False
    names = [str(place) for place in range(len(measured))]
    frame = pl.DataFrame([column.raw.alias("group"), *(each.alias(name) for each, name in zip(measured, names, strict=True))])
    within = frame.select((pl.col(names) - pl.col(names).mean().over("group")).pow(2).mean()).row(0)
    total = frame.select(pl.col(names).var(ddof=0)).row(0)
    alike = [
        small is not None and spread and small <= (1 - ALIKE) ** 2 * spread for small, spread in zip(within, total, strict=True)
    ]
    return sum(map(bool, alike)) > len(alike) / 2
