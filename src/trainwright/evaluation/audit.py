"""What is wrong with the data: duplicates, leaks between splits, equal contents with conflicting labels, empty ones."""

from __future__ import annotations

from typing import Any

import polars as pl

from trainwright.data.tables.split import NAMES


def audit(rows: pl.DataFrame) -> tuple[dict[str, Any], pl.Series]:
    """Count what is wrong, and tell which rows of valid and test are in train too.

    ``rows``: label, split (a number into ``NAMES``) and the columns of ``content_keys``.

    ``across`` counts, for each pair of splits, the rows of the second whose exact content is also in the first. Where there are
    columns ``same`` and ``near``, equal numbers for texts of equal tokens and of nearly equal ones, 0 for one without tokens,
    ``alike`` and ``near`` count the further texts that repeat an earlier one so, and the further rows across splits. A row is
    in train too, bool (rows,), by its content or nearly.
    """
    if rows["label"].dtype == pl.List:  # which cannot be counted; a mark that no label has
        rows = rows.with_columns(pl.col("label").list.join("\0"))
    filled = rows.filter(pl.col("blank") < 2)
    copies = filled.filter(filled["digest"].is_duplicated())  # few as a rule: what follows costs nothing
    repeated = copies.group_by("digest").agg(pl.len(), pl.n_unique("label").alias("labels"))
    crossed = _crossed(rows, filled, "digest")
    found = {
        "empty": int((rows["blank"] > 0).sum()),
        "duplicate_rows": int(repeated["len"].sum()) - len(repeated),
        "conflicts": int((repeated["labels"] > 1).sum()),
        "across": {pair: int(each.sum()) for pair, each in crossed.items()},
    }
    if "same" not in rows.columns:
        return found, crossed["train-valid"] | crossed["train-test"]
    filled = rows.filter(pl.col("same") != 0)
    distinct = [filled[key].n_unique() for key in ("digest", "same", "near")]
    for name, key, more in (("alike", "same", distinct[0] - distinct[1]), ("near", "near", distinct[1] - distinct[2])):
        now = _crossed(rows, filled, key) if more else crossed
        found[name] = {"rows": more, "across": {pair: int((now[pair] & ~crossed[pair]).sum()) for pair in now}}
        crossed = {pair: now[pair] | crossed[pair] for pair in now}
    return found, crossed["train-valid"] | crossed["train-test"]


def _crossed(rows: pl.DataFrame, filled: pl.DataFrame, key: str) -> dict[str, pl.Series]:
    """Return, for each pair of splits, which rows of the second have a ``key`` that ``filled`` ones of the first have."""
    copies = filled.filter(filled[key].is_duplicated()).select("split", key)
    found = {}
    for first, second in ((0, 1), (0, 2), (1, 2)):
        there = copies.filter(pl.col("split") == first)[key].unique()
        candidates = (rows["split"] == second) & bool(len(there))
        found[f"{NAMES[first]}-{NAMES[second]}"] = candidates & rows[key].is_in(there.implode()) if len(there) else candidates
    return found


def groups(rows: pl.DataFrame) -> dict[str, Any]:
    """Count the groups in the splits, and measure what the training rows of a group tell of its other rows.

    ``rows``: label, split, and ``group`` (null where there is none). ``several`` counts groups in more than one split. Of the
    rows of test (else valid) whose group is also in train, ``right`` is how many have the label most frequent in their group's
    training rows, ``chance`` how many that most frequent of all; of numbers, the part of the variance around the mean of train
    that the group's mean explains, and 0. They are None where there is no such row, or labels are sets.
    """
    rows = rows.select("split", "group", "label").drop_nulls("group")
    split_counts = rows.group_by("group").agg(pl.n_unique("split").alias("splits"))
    train = rows.filter(pl.col("split") == 0)
    part = 2 if (rows["split"] == 2).any() else 1
    there = rows.filter(pl.col("split") == part).filter(pl.col("group").is_in(train["group"].unique().implode()))
    found: dict[str, Any] = {"groups": len(split_counts), "rows": len(rows), "several": int((split_counts["splits"] > 1).sum())}
    found |= {"of": NAMES[part], "measured": len(there), "kind": "class", "right": None, "chance": None}
    if not len(there) or rows["label"].dtype == pl.List:
        return found
    if rows["label"].dtype.is_numeric():
        joined = there.join(train.group_by("group").agg(pl.col("label").mean().alias("told")), on="group")
        around = float(((joined["label"] - train["label"].mean()) ** 2).sum())
        missed = float(((joined["label"] - joined["told"]) ** 2).sum())
        return found | {"kind": "number", "right": 1 - missed / around if around else None, "chance": 0.0}
    counts = train.group_by("group", "label").len().sort("len", "label", descending=[True, False])
    joined = there.join(counts.unique("group", keep="first", maintain_order=True).rename({"label": "told"}), on="group")
    usual = train["label"].value_counts().sort("count", "label", descending=[True, False])["label"][0]
    right, chance = (joined["label"] == joined["told"]).mean(), (joined["label"] == usual).mean()
    return found | {"right": right, "chance": chance}
