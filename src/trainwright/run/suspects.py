"""The rows of a run whose labels are probably wrong: each is judged by a model that never saw it.

Rows of valid and test are judged by the run's own model. For those of train, models are trained on the other parts of them by
the run's settings, twice: the second time cut anew, and without the rows that were the most suspect, from which it would learn.

suspects.json          what was asked, and which trainings are done, so that what was stopped goes on
training-01.parquet    what each of them said of the rows that it did not see
suspects.html          the most suspect rows as a page
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from trainwright.config.kinds import KINDS
from trainwright.data.files.folders import absolute
from trainwright.data.read import fixes
from trainwright.errors import TrainwrightError, error
from trainwright.evaluation.folds import cut
from trainwright.models.registry import load
from trainwright.plain_files import damaged, made_sense_of
from trainwright.run.again import prepare_again
from trainwright.run.kept import Kept, kept
from trainwright.run.resume import SavedRun
from trainwright.store import atomic, predictions, run_folder, seal
from trainwright.tasks.example_rows import as_json
from trainwright.tasks.fixing import written
from trainwright.watch import words
from trainwright.watch.events import Epoch, Event, Listener, Note, Progress

if TYPE_CHECKING:
    from trainwright.evaluation.suspects import Suspicion
    from trainwright.run.train import Prepared

KEPT, PAGE = "suspects.json", "suspects.html"
LEFT = 1 / 3  # of the labels that are probably wrong: the most suspect ones, from which the second models do not learn
COLUMNS = ("file", "row", "given", "label", "likely", "probability", "why", "split", "input")  # of a table of corrections
CHANGED = 0.5  # a label of a row is thought to be there, or not, from this probability on


def suspects(path: Path, source: Any, folds: int, top: int, folder: Path | None, listen: Listener) -> dict[str, Any]:
    """Return the ``top`` rows whose labels are the most suspect, and how many are probably wrong; ``top`` 0: as many as that.

    Raise E403, E405 and E408 for no run that has ended, E490 for one without labels, E491 for one with too few rows, E432
    where its data have changed, E525 for other trainings in ``folder``; and as ``train``.
    """
    earlier = SavedRun.open(path, source)
    if not KINDS[str(earlier.settings["task"])].labelled:
        raise error("E490", path=path)
    report = earlier.run.read_report()

    made = prepare_again(earlier, report, listen)
    rows = len(made.training.problem.splits["train"])
    if rows < 2 * folds:
        raise error("E491", path=path, rows=rows, folds=folds)
    folder = folder or Path("suspects") / run_folder.slug(path.resolve().name)
    with kept(folder / KEPT, _asked(made, folds)) as trained, made_sense_of(path):
        _go_on(trained, float(report["seconds"]["train"]), listen)
        judged = _out_of_fold(made, trained, listen)
        judged = _with_held_out(earlier, made, judged)
        doubted = _suspicion(made, judged)
        found = {
            "run": str(path),
            "target": made.training.problem.predicts[0],
            "rows": len(judged),
            "wrong": doubted.wrong,
            "folds": folds,
            **_with_earlier(made, _listed(made, judged, doubted, top)),
        }
        from trainwright.watch.suspects_page import page

        atomic.write_file(folder / PAGE, page(found))
    return found | {"folder": str(folder), "files": [str(folder / KEPT), str(folder / PAGE)]}


def _asked(made: Prepared, folds: int) -> dict[str, Any]:
    """Return what the trainings follow from: of the data the digests, as they may be read from another place."""
    facts = made.facts.content()
    return facts | {"data": {key: facts["data"][key] for key in ("sources", "encoder")}, "folds": folds}


def _go_on(trained: Kept, seconds: float, listen: Listener) -> None:
    """Say what the trainings cost that are not done, and what is not as it was for the others. Raise E525."""
    from trainwright.training.environment import differences

    before, asked = trained.before, trained.asked
    if other := [key for key in ("settings", "data", "folds") if before.get(key) != asked[key]]:
        raise error("E525", path=trained.path.parent, what=" and ".join(other))
    for note in differences(before["machine"], asked["machine"]):
        listen(note)
    first, folds = _first(asked["folds"]), asked["folds"]
    shares = [(count - 1) / count for count in (first, folds) for _ in range(count)]
    done = len(trained.done)
    why = f"{first + folds} trainings, each without one of {first} parts of the training rows, then of {folds}, which it judges"
    why += f"; {done} of them are in {trained.path.parent}" if done else ""
    listen(Note("suspects", f"about {words.seconds(sum(shares[done:]) * seconds)}", why))


def to_fix(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a table to be edited for ``train --fix``: corrections that the run was trained with are among them."""
    rows = []
    for each in found["suspects"]:
        shown = each["input"] if not str(each["input"]).startswith("data:image/") else None
        thought = {"likely": written(each["likely"]), "probability": each["probability"], "why": each["why"]}
        where = {"file": each["file"], "row": each["row"], "given": each["given"], "label": written(each["label"])}
        rows.append({**where, **thought, "split": each["split"], "input": shown})
    nothing = dict.fromkeys(("likely", "probability", "why", "split", "input"))
    return [*rows, *({**each, **nothing, "why": "corrected before"} for each in found["corrected"])]


def _with_earlier(made: Prepared, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Add to each row the label that the source gives it, and return with them the other corrections of the run."""
    earlier: dict[tuple[str, int | None], dict[str, Any]] = {}
    if made.source.fix is not None:
        lines = fixes.read(made.source.fix).filter(pl.col("label").ne_missing(pl.col("given")))
        earlier = {(absolute(line["file"]), line["row"]): line for line in lines.to_dicts()}
    for row in rows:
        before = earlier.pop((absolute(row["file"]), row["row"]), None)
        row["given"] = written(row["label"]) if before is None else before["given"]
    return {"suspects": rows, "corrected": list(earlier.values())}


def _first(folds: int) -> int:
    """Return into how many parts the rows are cut at first, only to know whom the second models need not learn from."""
    return max(2, folds // 2)


def _out_of_fold(made: Prepared, trained: Kept, listen: Listener) -> pl.DataFrame:
    """Return the columns of ``predictions.parquet`` of all training rows, in order, from the second models."""
    problem: Any = made.training.problem
    train, folds = problem.splits["train"], trained.asked["folds"]
    taught, frame = np.ones(len(train), bool), pl.DataFrame()
    done, total = 0, _first(folds) + folds
    for again, count in enumerate((_first(folds), folds)):
        if again:
            found = _suspicion(made, frame)
            taught[found.chosen[: round(LEFT * found.wrong)]] = False
        fold = cut(train.targets, train.units, count, problem.settings.seed + again)
        parts, places = [], []
        for number in range(count):
            out, learned = np.flatnonzero(fold == number), np.flatnonzero((fold != number) & taught)
            done += 1
            progress = Progress("suspects", done - 1, total, "trainings")
            parts.append(_said(trained, done, partial(_judged, made, learned, out, progress, listen), listen))
            places.append(out)
        frame = pl.concat(parts)[np.argsort(np.concatenate(places), kind="stable")]
    listen(Progress("suspects", total, total, "trainings"))
    return frame.select(pl.lit("train").alias("split"), pl.all())


def _said(trained: Kept, number: int, judge: Callable[[], pl.DataFrame], listen: Listener) -> pl.DataFrame:
    """Return what a training said of its rows: what is kept of it, else what ``judge`` returns, which is kept. Raise E402."""
    path = trained.path.with_name(f"training-{number:02}.parquet")
    for each in trained.done:
        if each["file"] == path.name:
            try:
                seal.check_file(path, each["bytes"], each["sha256"])
                return predictions.read(path).drop("split")
            except TrainwrightError as problem:
                listen(Note(path.name, "trained again", problem.what))
                trained.done.remove(each)
                break
    predictions.write(path, {"test": judge()})
    size, digest = seal.of(path.parent, {}, [path]).files[path.name]
    trained.add({"file": path.name, "bytes": size, "sha256": digest})
    return predictions.read(path).drop("split")


def _judged(made: Prepared, learned: np.ndarray, out: np.ndarray, progress: Progress, listen: Listener) -> pl.DataFrame:
    """Train on some of the training rows, and return what is said of others; each epoch tells the ``progress`` so far."""
    from trainwright.training.trainer import Trainer

    whole: Any = made.training.problem
    settings = whole.settings.model_copy(update={"baselines": "off"})
    if settings.on_nonfinite == "rollback":  # no checkpoints are written here
        settings = settings.model_copy(update={"on_nonfinite": "skip"})
    train = whole.splits["train"]
    splits = {**whole.splits, "train": train.take(learned), "test": train.take(out)}
    training = Trainer(replace(whole, settings=settings, target=copy(whole.target), splits=splits))

    def follow(event: Event) -> None:
        if isinstance(event, Epoch):
            listen(progress)

    training.train(follow)
    return training.measure().rows["test"]


def _with_held_out(earlier: SavedRun, made: Prepared, judged: pl.DataFrame) -> pl.DataFrame:
    """Add the rows of valid and test with what the run's own model said of them. Raise E408 where they are others."""
    problem: Any = made.training.problem
    frames = [judged]
    held = [name for name in ("valid", "test") if name in problem.splits]
    kept = predictions.read(earlier.run.predictions) if held else pl.DataFrame()
    for name in held:
        rows, places = kept.filter(pl.col("split").cast(pl.String) == name), problem.splits[name].places()
        if len(rows) != len(problem.splits[name]):
            raise damaged(earlier.run.predictions, ValueError(f"it has {len(rows)} rows of {name}"))
        frames.append(rows.with_columns(pl.lit(name).alias("split"), **places).select(judged.columns))
    return pl.concat(frames, how="vertical_relaxed")


def _suspicion(made: Prepared, rows: pl.DataFrame) -> Suspicion:
    from trainwright.evaluation import suspects as maths

    problem: Any = made.training.problem
    if problem.target.kind == "number":
        return maths.of_numbers(rows["answer"].to_numpy(), rows["truth"].to_numpy())
    given, shares = problem.target.encode(rows["truth"]), rows["probabilities"].to_numpy()
    return maths.of_labels(shares, given) if problem.target.kind == "labels" else maths.of_classes(shares, given)


def _listed(made: Prepared, rows: pl.DataFrame, found: Suspicion, top: int) -> list[dict[str, Any]]:
    """Return the most suspect rows with their inputs and what is thought of them."""
    problem: Any = made.training.problem
    chosen = found.chosen[: top or found.wrong]
    worst = rows[chosen]
    inputs = list(load(KINDS[problem.task].predictor).originals(made.source, problem.data["columns"], worst))
    shown = []
    for row, doubt, given in zip(worst.to_dicts(), found.doubt[chosen].tolist(), inputs, strict=True):
        where = {key: row[key] for key in ("split", "file", "row")}
        thought = {"label": row["truth"], **_thought(problem, row, doubt)}
        shown.append(as_json({**where, **thought, "input": given}))
    return shown


def _thought(problem: Any, row: dict[str, Any], doubt: float) -> dict[str, Any]:
    """Return the likely label of a row, how probable it is, and why its own is doubted."""
    if problem.target.kind == "number":
        why = f"{words.number(abs(row['truth'] - row['answer']))} apart, {words.number(doubt, 3)} robust standard deviations"
        return {"likely": row["answer"], "probability": None, "why": why}
    shares = np.array(row["probabilities"], np.float64)
    if problem.target.kind == "class":
        place = int(np.nan_to_num(shares).argmax())
        why = f"its own label {words.percent(1 - doubt)}"
        return {"likely": problem.labels[place], "probability": float(shares[place]), "why": why}
    there = np.isin(problem.labels, row["truth"])
    changed = np.abs(there - shares) > CHANGED
    sides = [f"{'without' if there[place] else 'with'} {problem.labels[place]}" for place in np.flatnonzero(changed)]
    likely = [label for label, said in zip(problem.labels, there ^ changed, strict=True) if said]
    return {"likely": likely, "probability": doubt, "why": ", ".join(sides)}
