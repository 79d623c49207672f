"""The worst answers of a run, with their inputs, read again from its source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.config.kinds import KINDS
from trainwright.data.files.folders import absolute
from trainwright.plain_files import made_sense_of
from trainwright.run.resume import SavedRun
from trainwright.store import predictions, run_folder
from trainwright.tasks import example_rows
from trainwright.watch import record

if TYPE_CHECKING:
    import polars as pl

    from trainwright.store.run_folder import RunFolder

BEFORE = 12  # tokens of running text that are shown before one


def mistakes(path: Path, source: Any, top: int) -> list[dict[str, Any]]:
    """Return the ``top`` rows of test (or valid) with the greatest loss: of classes and labels those answered wrong.

    Each has the columns of ``predictions.parquet``, but for the probabilities of all classes, and its ``input``. Raise E403 for
    no run, E405 for one that has not ended, E430 for one that held back no rows, and as ``data.read.source.find``.
    """
    import polars as pl

    run = run_folder.open_run(path, fit_too=True)
    rows = predictions.read(run.predictions)
    with made_sense_of(path):
        split = "test" if (rows["split"] == "test").any() else "valid"
        whole = rows.filter(pl.col("split") == split)
        own = not run.settings.is_file()
        worst = example_rows.worst(example_rows.with_targets(whole) if own else whole).head(top)
        given = inputs(run, source, whole, worst)
        shown = worst.select(pl.all().exclude("probabilities")).to_dicts()
        return [example_rows.as_json(row | {"input": each}) for row, each in zip(shown, given, strict=True)]


def inputs(run: RunFolder, source: Any, whole: pl.DataFrame, rows: pl.DataFrame) -> list[Any]:
    """Return the inputs of ``rows`` among the ``whole`` of a split; ``source`` is where the data are now. Raise SourceError."""
    return _inputs(SavedRun.open(run.path, source), whole, rows) if run.settings.is_file() else _kept(run, rows)


def _kept(run: RunFolder, rows: pl.DataFrame) -> list[Any]:
    """Return the inputs of rows of a run of ``fit``, whose data cannot be read again: as far as they were kept at its end."""
    kept = {each["row"]: each["input"] for each in record.read(run.path).examples}
    return [kept.get(row) for row in rows["row"]]


def _inputs(earlier: SavedRun, whole: pl.DataFrame, rows: pl.DataFrame) -> list[Any]:
    """Return the inputs of rows, from where the data are now; of running text the tokens before each in ``whole``."""
    import polars as pl

    from trainwright.config.resolve import resolve
    from trainwright.data.read import source as sources
    from trainwright.data.read.options import ReadOptions
    from trainwright.models.registry import load

    folder, request = Path(earlier.origin["folder"]), earlier.request(earlier.run.path, offline=True)
    if not KINDS[str(earlier.settings["task"])].labelled:
        return _contexts(earlier, whole, rows)
    data, task = earlier.run.read_data(), str(earlier.settings["task"])
    options = ReadOptions.of(resolve({}, earlier.settings))
    found = sources.find(request.source, request.valid, request.test, offline=True, held=request.held, options=options)
    now = {absolute(str(folder / data["files"][name])): absolute(str(path)) for name, path in found.files.items()}

    def place(file: str) -> str:
        """Return where a file is that may have moved with the data."""
        there = absolute(str(folder / file))
        old = next((old for old in now if there == old or there.startswith(f"{old}/")), None)
        return file if old is None else now[old] + there.removeprefix(old)

    predictor: Any = load(KINDS[task].predictor)
    places = rows.with_columns(pl.col("file").map_elements(place, pl.String))
    return list(predictor.originals(found, data["columns"], places))


def _contexts(earlier: SavedRun, whole: pl.DataFrame, worst: pl.DataFrame) -> list[str]:
    """Return the tokens before each of these, up to it."""
    between = " " if earlier.settings.get("tokenizer") == "words" else ""
    tokens, first = whole["truth"], int(whole["row"][0])
    ends = [row - first for row in worst["row"].to_list()]
    return [between.join(tokens[max(end - BEFORE, 0) : end + 1].to_list()) for end in ends]
