"""How rows are cut into train, valid and test: as asked, by what a column says, else by their content."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.tables.column_choice import refuse_left_out, refuse_unfit
from trainwright.data.tables.column_names import LABEL_NAMES, SPLIT_NAMES, SPLIT_WORDS
from trainwright.data.tables.spelling import tidy
from trainwright.data.tables.split import NAMES, Fractions, split, stated, time_key
from trainwright.data.tables.table import Rejected, Table
from trainwright.errors import error, nearest
from trainwright.tasks.defaults import fill
from trainwright.watch.events import Note

SHOWN = 5  # rows that are named


def choose_split(
    settings: Settings, train: Table | None, named: Collection[str], files: Collection[str]
) -> tuple[Settings, list[Note]]:
    """Return how the rows are split: as given, by the one column that says it, else by content.

    ``named`` are columns that are something else, ``files`` the splits that have a file of their own. Raise E213, E243
    and E282.
    """
    column = split_column(settings)
    if column and train is not None:
        if column not in train.columns:
            refuse_left_out(train, column)
            raise error("E213", column=column, file=train.file, hint=nearest(column, train.columns))
        refuse_unfit(train, column, "what rows are split by", f"split={str(settings.split).partition(':')[0]}:NAME")
    if settings.split is not None:
        return settings, []
    found = [each for each in train.profiles.values() if each.states_split and each.name not in named] if train else []
    found = [each for each in found if each.plain not in LABEL_NAMES[0]]
    usual = [each for each in found if each.plain in SPLIT_NAMES]
    chosen = found if len(found) == 1 else usual if len(usual) == 1 else []
    notes = []
    if chosen and set(files) & {NAMES[number] for number in stated(chosen[0].values).unique()} - {"train"}:
        why = "it says the split too, but there are files for it"
        notes.append(Note("not used", chosen[0].name, f"{why}; without them split=column:{chosen[0].name} goes by it"))
        chosen = []
    elif found and not chosen:
        names = ", ".join(each.name for each in found)
        notes.append(Note("not used", names, "each says which split a row belongs to; name one: split=column:NAME"))
    how = f"column:{chosen[0].name}" if chosen else "content"
    return fill(settings, {"split": (how, "")})[0], notes


def split_column(settings: Settings) -> str:
    """Return the column that decides the split, if one does."""
    return (settings.split or "").partition(":")[2]


def by_column(frame: pl.DataFrame, file: str, settings: Settings, rejected: list[Rejected]) -> pl.DataFrame:
    """Return the rows of the training file with the splits that their ``key`` says, where that decides. Raise E224.

    A row with another word, or none, is ``rejected``.
    """
    if not (settings.split or "").startswith("column:"):
        return frame
    name = split_column(settings)
    numbers = stated(frame["key"])
    strange = numbers.is_null()
    known = f"no split ({', '.join(SPLIT_WORDS)})"
    for row, value in frame.filter(strange).select("row", pl.col("key").cast(pl.String)).iter_rows():
        said = f"'{value}' is {known}" if value is not None else "says no split"
        rejected.append(Rejected(file, row, f"column '{name}': {said}" if value is not None else f"column '{name}' {said}"))
    if not (numbers == 0).any():
        values = ", ".join(repr(each) for each in frame["key"].cast(pl.String).unique().sort().to_list()[:SHOWN])
        raise error("E224", column=name, file=file, values=values, words=", ".join(SPLIT_WORDS))
    return frame.with_columns(split=numbers).filter(~strange)


def cut(
    frame: pl.DataFrame, files: Mapping[str, str], settings: Settings, classes: bool
) -> tuple[pl.DataFrame, str, list[Note]]:
    """Cut what is not given out of the training rows. Return all rows, how it was done, and what is to be said of it.

    ``files`` is that of each split that has one. Raise E220 to E223, E225, and E302.
    """
    how = settings.split or "content"
    column, file = split_column(settings), files["train"]
    own = frame.filter((frame["given"] == 0) & (frame["split"] > 0))["split"].unique().sort()
    says = [NAMES[number] for number in own]  # by the column
    if both := [name for name in says if name in files]:
        raise error("E225", column=column, part=both[0], file=files[both[0]])
    train = frame.filter(pl.col("split") == 0)
    fractions = _fractions(settings, len(train), {**files, **dict.fromkeys(says, f"column '{column}' of {file}")})
    if how == "stratified" and not classes:
        raise error("E302", key="split", value=how, problem="numbers have no classes to keep in proportion")
    labels = train["label"] if classes else pl.repeat("", len(train), dtype=pl.String, eager=True)
    key = train["key"] if "key" in train.columns and not how.startswith("column:") else None
    notes = []
    if key is not None:
        key = time_key(key, column, settings.dates or "") if how.startswith("time:") else tidy(key)
        notes = _without(key, train["row"], column, how.partition(":")[0])
    parts = split(how, train["position"].to_numpy(), labels, fractions, key)
    for number, wished in ((0, True), (1, fractions.valid), (2, fractions.test)):
        if wished and (len(train) >= 30 or number == 0) and not (parts == number).any():
            different = (train["position"] if key is None else key).n_unique()
            raise error("E221", rows=f"{len(train):,}", different=f"{different:,}", how=how, part=NAMES[number], where=file)
    whole = pl.concat([train.with_columns(split=pl.Series(parts, dtype=pl.UInt8)), frame.filter(pl.col("split") > 0)])
    return whole, _why(how, fractions, files, says), notes


def _fractions(settings: Settings, rows: int, given: Mapping[str, str]) -> Fractions:
    """Return what is cut of so many rows for the splits that are not ``given``. Raise E222, E302, E570 and E571."""
    most = 10_000 / max(rows, 1)
    # With a test split of its own, validation only has to choose the epoch; every other row had better train.
    wanted = Fractions(valid=min(0.05 if "test" in given else 0.1, most), test=min(0.1, most))
    found = Fractions(
        valid=0.0 if settings.folds or "valid" in given else _or(settings.valid_fraction, wanted.valid),
        test=0.0 if "test" in given else _or(settings.test_fraction, wanted.test),
    )
    if settings.folds:
        _check_folds(settings, given)
    if "test" in given and settings.test_fraction:
        raise error("E222", file=given["test"])
    if found.valid + found.test >= 1:
        raise error("E302", key="valid_fraction", value=found.valid, problem="nothing is left for training")
    return found


def _or(given: float | None, derived: float) -> float:
    return derived if given is None else given


def _check_folds(settings: Settings, given: Mapping[str, str]) -> None:
    """Raise E570 where there are validation rows too, and E571 where rows are split by time, which folds would mix."""
    if "valid" in given or settings.valid_fraction:
        raise error("E570", folds=settings.folds, where=given.get("valid", f"valid_fraction={settings.valid_fraction}"))
    if (settings.split or "").startswith("time:"):
        raise error("E571", folds=settings.folds, split=settings.split)


def _without(key: pl.Series, rows: pl.Series, column: str, kind: str) -> list[Note]:
    """Return a note on the rows of which the column does not say to which group they belong, or when they were."""
    lacking = rows.filter(key.is_null()).to_list()
    if not lacking:
        return []
    shown = ", ".join(map(str, lacking[:SHOWN])) + (", ..." if len(lacking) > SHOWN else "")
    where = "they are trained on" if kind == "time" else "each is a group of its own"
    return [Note(f"no {kind}", f"{len(lacking):,} rows", f"column '{column}' says none in rows {shown}: {where}")]


def _why(how: str, fractions: Fractions, files: Mapping[str, str], says: list[str]) -> str:
    given = ", ".join(name for name in files if name != "train")
    shares = [f"{value:.3g} for {name}" for name, value in (("valid", fractions.valid), ("test", fractions.test)) if value]
    by = "content" if how.startswith("column:") else how
    why = f"{', '.join(shares)}, by {by}" if shares else "nothing was cut"
    if says:
        column = how.partition(":")[2]
        beside = f", and {why}" if shares else ""
        why = f"column '{column}' says so{beside}; split=content cuts by content instead"
    return (f"{given} given; " if given else "") + why
