"""Runs compared on the rows that they were all measured on: which is better, by how much, what differs, which rows changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainwright.config.resolve import belongs
from trainwright.config.settings import Settings
from trainwright.data.tables.fingerprint import without_label
from trainwright.errors import TrainwrightError, error
from trainwright.evaluation import paired
from trainwright.evaluation.intervals import Units
from trainwright.evaluation.selection import same_labels
from trainwright.plain_files import damaged, made_sense_of, read_toml
from trainwright.run import mistakes
from trainwright.store import fingerprints, predictions, run_folder
from trainwright.tasks import example_rows
from trainwright.watch import compared, metrics
from trainwright.watch.scores import interval_of

if TYPE_CHECKING:
    import polars as pl

    from trainwright.store.fingerprints import Fingerprints
    from trainwright.store.run_folder import RunFolder


@dataclass
class Side:
    """One of the runs."""

    run: RunFolder
    report: dict[str, Any]
    rows: pl.DataFrame  # of all splits
    seen: Fingerprints | None

    @classmethod
    def open(cls, path: Path) -> Side:
        """Open a run that has ended. Raise E403, E405, E408 and E430."""
        run = run_folder.open_run(path, fit_too=True)
        report = run.read_report()
        return cls(run, report, predictions.read(run.predictions), fingerprints.read(run.fingerprints))

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Return the settings by their full keys, and the source; of a run of ``fit``, which has none, nothing. Raise E408."""
        if not self.run.settings.is_file():
            return {}
        try:
            told = read_toml(self.run.settings)
        except (OSError, ValueError) as problem:
            raise damaged(self.run.settings, problem) from None
        origin = told.pop("run")
        flat: dict[str, Any] = {"source": origin["source"]}
        for key, value in told.items():
            flat |= {f"{key}.{inner}": each for inner, each in value.items()} if isinstance(value, dict) else {key: value}
        return flat

    def part(self, split: str) -> pl.DataFrame:
        """Return the rows of a split, each with its place among them."""
        import polars as pl

        return self.rows.filter(pl.col("split") == split).with_row_index("place")

    def keys(self, split: str) -> np.ndarray | None:
        """Return by what the rows of a split are known, whatever their label; None where they are not."""
        found = None if self.seen is None else self.seen.arrays.get(split)
        return without_label(found) if found is not None and len(found) == len(self.part(split)) else None


def compare(paths: Sequence[Path], source: Any, top: int) -> dict[str, Any]:
    """Return each run but the first against the first. Raise E438 for runs that cannot be compared, and as ``mistakes``."""
    if len(paths) < 2:
        raise error("E439", found=len(paths))
    sides = [Side.open(path) for path in paths]
    first = sides[0]
    with made_sense_of(first.run.path):
        split = "test" if all(side.report.get("test") for side in sides) else "valid"
        scores = [side.report.get(split) or {} for side in sides]
        metric = metrics.lead(scores[0]) or paired.LOSS
        for side, each in zip(sides, scores, strict=True):
            labels = [set(one.report.get("labels") or []) for one in (first, side)]
            if labels[0] and labels[1] and not labels[0] & labels[1]:
                raise error("E438", first=first.run.path, second=side.run.path, why="they have no label in common")
            if not each or (metrics.lead(each) or paired.LOSS) != metric:
                raise error("E438", first=first.run.path, second=side.run.path, why=f"they share no {split} score")
        found = [_against(first, side, split, metric, source, top) for side in sides[1:]]
        told = [each["p"] for each in found if each["p"] is not None]
        for each, p in zip([each for each in found if each["p"] is not None], paired.holm(told), strict=True):
            each["p_holm"] = p
        for each in found:
            each["sentence"] = compared.sentence(each, metric, split, len(found))
        runs = [
            {"run": str(side.run.path), "score": each[metric], "interval": interval_of(metric, each), "n": each["n"]}
            for side, each in zip(sides, scores, strict=True)
        ]
        return {"metric": metric, "split": split, "runs": runs, "compared": found}


def _against(first: Side, second: Side, split: str, metric: str, source: Any, top: int) -> dict[str, Any]:
    """Return what there is to say of a run, compared with the first."""
    parts = [side.part(split) for side in (first, second)]
    here, there = _pairs(first, second, split)
    one, other = (side.report[split] for side in (first, second))
    found: dict[str, Any] = {
        "run": str(second.run.path), "against": str(first.run.path), "n": len(here), "of": [len(each) for each in parts],
    }  # fmt: skip
    if len(here):
        common = [parts[0][here], parts[1][there]]
        values = [paired.row_values(metric, each) for each in common]
        told = paired.difference(metric, values[0], values[1], _units(first, split, metric, here))
        found |= {"paired": True, "scores": [float(each.mean()) for each in values]}
        found |= _changed(
            first, common, values if metrics.find(metric).higher_is_better else [-each for each in values], source, top
        )
    else:
        ends = [interval_of(metric, each) for each in (one, other)]
        told = paired.Difference(other[metric] - one[metric], None, None)
        if metric == "perplexity":
            why = "they predict other tokens, whose perplexities cannot be compared"
            raise error("E438", first=first.run.path, second=second.run.path, why=why)
        if ends[0] and ends[1]:
            told = paired.unpaired(one[metric], ends[0], other[metric], ends[1])
        found |= {"paired": False, "scores": [one[metric], other[metric]], "better": None, "worse": None, "changed": []}
    found |= {"difference": told.value, "interval": told.interval, "p": told.p, "p_holm": told.p}
    return found | {"settings": _differing(first.settings, second.settings)}


def _pairs(first: Side, second: Side, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the rows that both runs were measured on, int64: by content and label, else by file and number.

    Rows whose labels were dealt out anew are other rows, also those that got the same label again.
    """
    import polars as pl

    parts, keys = [side.part(split) for side in (first, second)], [side.keys(split) for side in (first, second)]
    sets = parts[0]["truth"].dtype == pl.List
    truth = pl.col("truth").list.join("\0") if sets else pl.col("truth").cast(pl.String)
    if keys[0] is not None and keys[1] is not None:
        known = [part.select("place", truth, key=pl.Series(key)) for part, key in zip(parts, keys, strict=True)]
        known = [each.with_columns(turn=pl.int_range(pl.len()).over("key", "truth")) for each in known]
        joined = known[0].join(known[1], on=["key", "truth", "turn"], maintain_order="left")
        labels = known[0].group_by("key").agg(pl.min("truth")).join(known[1].group_by("key").agg(pl.min("truth")), on="key")
        if len(joined) and same_labels(labels["truth"].to_list(), labels["truth_right"].to_list()):
            return joined["place"].to_numpy(), joined["place_right"].to_numpy()
    name = pl.col("file").cast(pl.String).str.split("/").list.last().fill_null("")
    known = [part.select("place", truth, "row", file=name) for part in parts]
    if known[0].select("truth", "row", "file").equals(known[1].select("truth", "row", "file")):
        return parts[0]["place"].to_numpy(), parts[1]["place"].to_numpy()
    return np.zeros(0, np.int64), np.zeros(0, np.int64)


def _units(side: Side, split: str, metric: str, places: np.ndarray) -> Units | None:
    """Return what the rows are parts of, where they are no units by themselves."""
    if metric == "perplexity":
        return paired.blocks(len(places))
    codes = None if side.seen is None else side.seen.arrays.get("units")
    if codes is None or len(codes) != len(side.part(split)):
        return None
    return Units(np.unique(codes[places], return_inverse=True)[1].astype(np.int64))


def _changed(first: Side, common: list[pl.DataFrame], gain: list[np.ndarray], source: Any, top: int) -> dict[str, Any]:
    """Return how many rows got better and worse, and the ``top`` of each, the greatest change first, with their inputs."""
    import polars as pl

    before, after = common
    rise = gain[1] - gain[0]
    found: dict[str, Any] = {"better": int((rise > 0).sum()), "worse": int((rise < 0).sum()), "changed": []}
    keys = rise if len(np.unique(np.abs(rise))) > 3 else np.sign(rise) * np.abs((after["loss"] - before["loss"]).to_numpy())
    for change, order in (("worse", np.argsort(keys, kind="stable")), ("better", np.argsort(-keys, kind="stable"))):
        places = order[(rise[order] < 0) if change == "worse" else (rise[order] > 0)][:top]
        shown = before[places].select("file", "row", "truth", answer_before="answer").with_columns(
            answer=after["answer"][places], change=pl.lit(change)
        )  # fmt: skip
        inputs: list[Any] = [None] * len(shown)
        with suppress(TrainwrightError, OSError):  # without its data a run can be compared all the same
            inputs = mistakes.inputs(first.run, source, before, before[places])
        rows = zip(shown.to_dicts(), inputs, strict=True)
        found["changed"] += [example_rows.as_json(row | {"input": each}) for row, each in rows]
    return found


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the settings that differ, each with both values, None where one has none."""
    keys = [key for key in {**first, **second} if first.get(key) != second.get(key)]
    unknown = _unknown(first, second) | _unknown(second, first)
    return {key: [first.get(key), second.get(key)] for key in keys if key not in unknown}


def _unknown(run: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    """Return the settings of another run that a run of an earlier version could not know.

    A run writes each setting that has a default; where one is missing, those that are derived may be unknown too.
    """
    task, fields = str(run.get("task")), Settings.model_fields
    written = {name for name, field in fields.items() if isinstance(field.default, str | int | float) and belongs(field, task)}
    if "task" not in run or written <= run.keys():
        return set()
    own = "model." if run.get("model.name") == other.get("model.name") else "\0"
    return {key for key in other.keys() - run.keys() if "." not in key or key.startswith(own)}
