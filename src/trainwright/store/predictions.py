"""``predictions.parquet`` of a run: what the model said of each row of valid and test, for any tool that reads Parquet.

| column | what it is |
|---|---|
| `split` | valid or test |
| `file`, `row` | where the row is; null as the row where it is a file of its own; of running text the number of the token |
| `truth`, `answer` | labels or tokens; numbers in the target's own unit |
| `probability` | of the answer, where it is a class or a token |
| `truth_probability` | of running text: that of the truth |
| `probabilities` | of every class, in the order of the labels in `report.json` |
| `loss` | the loss of the row by itself; null for a loss of a person's own |

In a run of `fit` there is no `file`, it is null, and `row` counts the rows of the validation data from 0 on.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trainwright.errors import error
from trainwright.plain_files import content, damaged
from trainwright.store.atomic import write_file
from trainwright.store.parquet_footer import bytes_held
from trainwright.store.run_folder import RunFolder

if TYPE_CHECKING:
    import polars as pl


LARGEST = 4 << 30  # bytes
SMALL, EXPANSION = 192 << 20, 200  # bytes in memory that are never too many; times the size of the file
TEXT = 16  # bytes of each text in memory, beside its characters
MEASURES = ("loss", "probability", "truth_probability")


def write(path: Path, rows: Mapping[str, pl.DataFrame]) -> None:
    """Write the rows of every split; nothing where there are none. Raise E402."""
    if rows:
        file = io.BytesIO()
        table(rows).write_parquet(file)
        write_file(path, file.getvalue())


def table(rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of every split, of one at least, as they are kept."""
    import polars as pl

    kinds = pl.Enum(("valid", "test"))
    return pl.concat(frame.select(pl.lit(split, kinds).alias("split"), pl.all()) for split, frame in rows.items())


def read(path: Path, like: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the rows of a run; ``like`` are those that they should be, where that is known.

    Raise E405 or E433 where it did not end, E430 where it kept none, E408 for a damaged file, and for one of which a few bytes
    stand for rows that no memory holds.
    """
    import polars as pl

    try:
        data = content(path, LARGEST)
        held = bytes_held(io.BytesIO(data), TEXT)
        expected = 0.0 if like is None else like.estimated_size() + TEXT * len(like) * like.width
        if held > max(SMALL, EXPANSION * len(data), expected):
            raise ValueError(f"it has {len(data):,} bytes, and would take {held >> 20:,} MiB or more when it is read")
        rows = pl.read_parquet(data)
        _check(rows.schema)
        return rows
    except FileNotFoundError:
        run = RunFolder(path.parent)
        raise error("E430", path=run.path) if run.report.is_file() else run.not_ended("predictions") from None
    except (OSError, ValueError, pl.exceptions.PolarsError) as problem:
        raise damaged(path, problem) from None


def _check(schema: pl.Schema) -> None:
    """Raise ValueError where a column is missing, or is of another type than any run writes."""
    import polars as pl

    for name in ("split", "file", "row", "truth", "answer", "loss"):
        if name not in schema:
            raise ValueError(f"it has no column {name}")
    for name, kind in schema.items():
        fits = {"file": kind == pl.String, "row": kind.is_integer()} | dict.fromkeys(MEASURES, kind.is_float())
        if kind != pl.Null and not fits.get(name, True):
            raise ValueError(f"its column {name} holds {kind}")
