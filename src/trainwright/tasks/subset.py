"""A part of the training rows, as a smaller data set would have them: every smaller part lies in every larger one."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.tables.spelling import tidy
from trainwright.data.tables.split import mixed, uniform
from trainwright.watch.events import Note


def subset(frame: pl.DataFrame, settings: Settings) -> tuple[pl.DataFrame, list[Note]]:
    """Leave out training rows beyond ``train_fraction``, and return a note on it. Those of valid and test stay.

    Which stay follows from the content of a row, or from its group where rows have one, and from the seed. Of each class the
    same part stays, and at least one row, so that the classes are those of all rows; of sets, a row of each label.
    """
    if settings.train_fraction is None:
        return frame, []
    kept = frame["position"].to_numpy()
    if "group" in frame.columns:
        groups = tidy(frame["group"])
        kept = np.where(groups.is_null().to_numpy(), kept, uniform(groups))
    order = pl.Series("order", mixed((kept * 2.0**53).astype(np.uint64) + np.uint64(settings.seed)))
    rows = frame.with_columns(order, number=pl.int_range(len(frame), dtype=pl.Int64), train=pl.col("split") == 0)
    learned, share = rows.filter("train"), settings.train_fraction
    several, names = frame["label"].dtype == pl.List, frame["label"].dtype == pl.String

    def first(part: pl.DataFrame, *by: str) -> pl.Series:
        rank = pl.struct("order", "number").rank("ordinal")
        many = (pl.len() * share).ceil().clip(1)
        return part.filter(rank.over(*by) <= many.over(*by) if by else rank <= many)["number"]

    chosen = first(learned, "label") if names else first(learned)
    if several:
        each = learned.explode("label").drop_nulls("label").sort("order", "number").unique("label", keep="first")
        chosen = pl.concat([chosen, each["number"]])
    found = rows.filter(~pl.col("train") | pl.col("number").is_in(chosen.implode()))
    count = int(found["train"].sum())
    why = f"of {len(learned):,} training rows (train_fraction={share:g})"
    return found.drop("order", "number", "train"), [Note("part", f"{count:,} rows", why)]


def window(ids: np.ndarray, settings: Settings) -> np.ndarray:
    """Return a part of a text's tokens, which begin with one that is context only: from a place that follows from the seed on,
    and from the beginning again behind the end."""
    if settings.train_fraction is None:
        return ids
    tokens = ids[1:]
    count = math.ceil(len(tokens) * settings.train_fraction)
    start = int(mixed(np.array([settings.seed], np.uint64))[0] * len(tokens)) if settings.seed else 0
    return np.concatenate([ids[:1], np.roll(tokens, -start)[:count]])
