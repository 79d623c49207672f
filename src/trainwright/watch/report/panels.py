"""What the curves of a run show, worked out once for the picture in the terminal's folder and for that on the page.

Promises: an axis holds what a model has to beat (chance, the baseline), so that a failure cannot look like a descent; what is
not finite is left out of the lines and counted; the value at the end of a line is that of the epoch that was kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainwright.watch import metrics, scores, words
from trainwright.watch.record import Record
from trainwright.watch.report import svg

VAST = 1e200  # the numbers and margins of an axis that goes further overflow
FEW = 12  # epochs; up to so many, single steps are drawn too
_WIDE = 25  # what spans more than this factor is shown on a logarithmic axis
_LOSSES = {
    "CrossEntropyLoss": "cross-entropy",
    "NLLLoss": "negative log-likelihood",
    "BCEWithLogitsLoss": "binary cross-entropy per class",
    "FocalLoss": "focal loss",
    "SigmoidFocalLoss": "focal loss per class",
    "SquaredHingeLoss": "squared hinge per class",
    "MSELoss": "squared error",
    "L1Loss": "absolute error",
}
_AGAINST_REST = ("BCEWithLogitsLoss", "MultiLabelSoftMarginLoss")
_CROSS_ENTROPY = ("CrossEntropyLoss", "NLLLoss", "cross_entropy", "nll_loss")
_NAME = 0.075  # height of a name in a panel
Points = list[tuple[float, float]]


@dataclass
class Panel:
    """One measure by ``unit``: by epoch, or by step before the first epoch has ended.

    ``lines`` holds of each part (epoch, value), NaN where there is no finite value.

    ``marks`` are lines to compare with, (name, value); ``steps`` the losses of single steps; ``lost`` counts by part the
    epochs whose value is not finite.
    """

    measure: str
    title: str
    lines: dict[str, Points]
    steps: Points
    marks: list[tuple[str, float]]
    kept: int | None
    lost: dict[str, int]
    logarithmic: bool
    low: float
    high: float
    first: float
    last: float
    unit: str = "epoch"

    def ends(self) -> list[tuple[str, float, str]]:
        """Return of each line its part, its value at the kept epoch (else the last finite one), and that in words."""
        found = []
        for part, points in self.lines.items():
            known = {epoch: value for epoch, value in points if math.isfinite(value)}
            if known:
                value = known.get(self.kept or 0, list(known.values())[-1])
                found.append((part, value, self.write(value)))
        return found

    def spots(self) -> list[svg.Spot]:
        """Return where the name of each of ``marks`` is crossed least by lines, other marks, and names before it."""
        room = 0.5 if self.first == self.last else 0.0
        x = svg.Axis(self.first - room, self.last + room, 0, 1)
        y = svg.Axis(self.low, self.high, 0, 1, self.logarithmic)
        drawn = [[(x.at(at), y.at(value)) for at, value in points] for points in (*self.lines.values(), self.steps)]
        found: list[svg.Spot] = []
        for name, value in self.marks:
            others = [[(0.0, y.at(other)), (1.0, y.at(other))] for _, other in self.marks if other != value]
            width = min(0.9, 0.022 * words.width(f"{name}: {self.write(value)}"))
            found.append(svg.spot(y.at(value), width, _NAME, [*drawn, *others]))
            start = 1 - width if found[-1].right else 0.0
            drawn.append([(start, y.at(value) + (_NAME if found[-1].above else -_NAME) / 2)] * 2)
            drawn[-1][1] = (start + width, drawn[-1][0][1])
        return found

    def write(self, value: float) -> str:
        """Write a value of this measure."""
        return metrics.find(self.measure).write(value)


def panels(record: Record) -> list[Panel]:
    """Return the loss, and the score that the run is judged by, where there is one."""
    score = _score(record)
    return [_panel(record, measure) for measure in ("loss", score) if measure]


def parts(record: Record) -> list[Panel]:
    """Return what else was measured in training: the named parts of a loss of the person's own."""
    shown = {"loss", "accuracy", _score(record)}
    names = [name for part, name in _measured(record) if part == "train" and name not in shown and name not in metrics.METRICS]
    return [_panel(record, name) for name in names]


def rates(record: Record) -> Points:
    """Return (epoch, rate) by step, or by epoch where there are no steps; none where it is the same throughout."""
    by_step = [(at, rate) for at, _, rate in _by_epoch(record)]
    found = by_step or [(row["epoch"], row["lr"]) for row in record.history if row.get("lr") is not None]
    found = [(at, rate) for at, rate in found if math.isfinite(rate)]
    return found if len({rate for _, rate in found}) > 1 else []


def far(rates: Sequence[float]) -> bool:
    """Return whether rates are shown on a logarithmic axis: where they fall by many times, and not in a line to zero."""
    return min(rates) > 0 and max(rates) > 2000 * min(rates)


def loss_named(record: Record) -> str:
    """Return what the loss of a run is, in words; empty where that is not known."""
    given = (record.settings.get("loss") or {}).get("name") or next(iter(record.call.get("loss") or []), "")
    return _LOSSES.get(given, words.clip(given, 30))


def chance(record: Record) -> tuple[str, float] | None:
    """Return name and loss of a model that knows nothing: every class the same probability, each of several labels as often as
    in training, or always the mean."""
    report = record.report
    loss, classes = (record.settings.get("loss") or {}).get("name"), len(report.get("labels") or [])
    tokens = record.data.get("vocabulary")
    if loss in _CROSS_ENTROPY and (classes or isinstance(tokens, int)):
        size = classes or int(tokens or 0)
        return (f"chance, ln {words.count(size)}", math.log(size)) if size > 1 else None
    if loss in _AGAINST_REST and "micro_f1" in scores.measured(report)[1]:
        rows, counts = (record.data.get("rows") or {}).get("train"), record.data.get("classes") or {}
        shares = [(each.get("train") or 0) / rows for each in counts.values()] if rows else []
        return ("chance, each label as often as in training", sum(map(_entropy, shares)) / len(shares)) if shares else None
    if loss in _AGAINST_REST and classes > 1 and record.settings.get("class_weights") in (None, "none"):
        return f"chance, each class 1/{words.count(classes)}", _entropy(1 / classes)
    baseline = report.get("baseline") or {}
    if loss in ("MSELoss", "mse_loss") and not classes and "rmse" in baseline:
        return "always the mean", baseline.get("loss", 1.0)  # where it is not told, the target is standardised
    return None


def _entropy(share: float) -> float:
    """Return the mean loss of saying yes with its own probability, in nats."""
    return -sum(part * math.log(part) for part in (share, 1 - share) if part > 0)


def best_epoch(record: Record) -> int | None:
    """Return the epoch whose parameters were kept."""
    if record.report.get("best_epoch"):
        return int(record.report["best_epoch"])
    marked = [int(row["epoch"]) for row in record.history if row.get("best")]
    return marked[-1] if marked else None


def _score(record: Record) -> str | None:
    """Return the metric of the second panel: the leading one, else the first of the person's own."""
    names = [name for _, name in _measured(record)]
    judged = metrics.lead(scores.measured(record.report)[1])
    return judged if judged in names else metrics.leading(names) or next((name for name in names if name != "loss"), None)


def _measured(record: Record) -> list[tuple[str, str]]:
    return metrics.by_epoch(record.history) if record.history else []


def _panel(record: Record, measure: str) -> Panel:
    there, history = _measured(record), record.history
    lines, lost = {}, {}
    for part in ("train", "valid"):
        if (part, measure) in there:
            given = [row.get(f"{part}_{measure}") for row in history]
            lines[part] = [(float(row["epoch"]), _finite(value)) for row, value in zip(history, given, strict=True)]
            lost[part] = sum(value is not None and not abs(value) <= VAST for value in given)
    single = [(at, loss) for at, loss, _ in _by_epoch(record)] if len(history) <= FEW else []
    steps = [(at, loss) for at, loss in single if abs(loss) <= VAST] if measure == "loss" else []
    marks = list(_marks(record, measure))
    values = [value for points in lines.values() for _, value in points if math.isfinite(value)]
    logarithmic = _spans(values + [value for _, value in steps], measure)
    low, high = _range(values + _most(steps, values) + [value for _, value in marks], measure, logarithmic)
    title = "Loss" if measure == "loss" else metrics.find(measure).title
    first = 0.0 if single else float(history[0]["epoch"])
    last = max([float(row["epoch"]) for row in history[-1:]] + [at for at, _ in single[-1:]], default=1.0)
    return Panel(measure, title[:1].upper() + title[1:], lines, steps, marks, best_epoch(record), lost, logarithmic,
                 low, high, first, last, "epoch" if history else "step")  # fmt: skip


def _finite(value: float | None) -> float:
    return float(value) if value is not None and abs(value) <= VAST else math.nan


def _by_epoch(record: Record) -> Iterator[tuple[float, float, float]]:
    """Yield where each step lies on the axis of epochs, its loss, and its rate; before the first epoch, by steps."""
    if not record.history:
        yield from ((step["step"], step["loss"], step["lr"]) for step in record.steps)
        return
    ends = [(0, 0.0), *((int(row["step"]), float(row["epoch"])) for row in record.history if row.get("step") is not None)]
    every = -(-int(record.started.get("steps_per_epoch") or 0) // int(record.settings.get("accumulate") or 1))
    if every and not record.ended:
        ends.append((ends[-1][0] + every, ends[-1][1] + 1))  # the epoch that has begun
    place = 1
    for step in record.steps:
        while place < len(ends) and ends[place][0] < step["step"]:
            place += 1
        if place == len(ends):
            return
        (before, epoch), (after, next_epoch) = ends[place - 1], ends[place]
        yield epoch + (next_epoch - epoch) * (step["step"] - before) / max(after - before, 1), step["loss"], step["lr"]


def _marks(record: Record, measure: str) -> Iterator[tuple[str, float]]:
    """Yield what the model has to beat."""
    report = record.report
    blind = chance(record) if measure == "loss" else None
    if blind:
        yield blind
    if measure == "loss":
        return
    baseline, classes = report.get("baseline") or {}, len(report.get("labels") or [])
    value = baseline.get(measure)
    if isinstance(value, int | float) and abs(value) <= VAST:
        yield words.clip(baseline.get("name") or "baseline", 28), float(value)
    if measure == "accuracy" and classes > 1 and not (isinstance(value, float) and abs(value - 1 / classes) < 0.04):
        yield f"chance, 1/{words.count(classes)}", 1 / classes


def _spans(values: Sequence[float], measure: str) -> bool:
    """Return whether the greatest value is many times the least; only values above zero can say so."""
    if measure not in ("loss", "perplexity") or not values:
        return False
    return 0 < min(values) < max(values) / (5 if measure == "perplexity" else _WIDE)


def _most(steps: Points, values: Sequence[float]) -> list[float]:
    """Return the losses of steps that the axis has to hold: not the few that stand out, unless they are all there is."""
    ordered = sorted(value for _, value in steps)
    return ordered[: max(1, math.ceil(0.98 * len(ordered)))] if values else ordered


def _range(values: Sequence[float], measure: str, logarithmic: bool) -> tuple[float, float]:
    """Return the ends of the axis, with some room around the values."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if logarithmic and low > 0:
        room = (high / low) ** 0.06
        return low / room, high * room
    room = 0.07 * (high - low) or 0.1 * abs(high) or 1.0
    if metrics.is_share(measure):
        return max(low - room, 0.0), min(high + room, 1.0)
    return (0.0 if 0 <= low < 0.4 * high else low - room), high + room


def apart(places: list[float], least: float, low: float, high: float) -> list[float]:
    """Move the places of up to two texts so that they lie ``least`` apart, between ``low`` and ``high``."""
    if len(places) == 2 and abs(places[0] - places[1]) < least:
        middle, half = sum(places) / 2, least / 2 if places[0] >= places[1] else -least / 2
        places = [middle + half, middle - half]
    over = max([0.0, *(place - high for place in places)]) - max([0.0, *(low - place for place in places)])
    return [place - over for place in places]


def history_gaps(panel: Panel) -> list[str]:
    """Say which lines have values that are not finite."""
    return [f"{part}: not finite in {words.count(n)} of {len(panel.lines[part])} epochs" for part, n in panel.lost.items() if n]


def titled(report: Mapping[str, Any], name: str) -> str:
    """Return what was trained on what, or the name of the run where there is no report."""
    if not report:
        return words.clip(name, 50)
    return f"{words.clip(report['model'], 24)} on {words.clip(report['source'], 30)}"
