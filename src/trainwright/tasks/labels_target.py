"""What is predicted of a row: which of several labels it has, each for itself. One may be there, several, or none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np

from trainwright.data.labels import LabelEncoder
from trainwright.evaluation import labels as measured
from trainwright.evaluation import paired, ranking
from trainwright.evaluation.calibration import temperature
from trainwright.evaluation.promises import Rung, ladder
from trainwright.evaluation.threshold import USUAL
from trainwright.tasks import certainty
from trainwright.tasks.class_weights import class_weights
from trainwright.watch import metrics
from trainwright.watch.events import in_short

if TYPE_CHECKING:
    import polars as pl
    import torch

    from trainwright.config.settings import Settings
    from trainwright.evaluation.intervals import Units
    from trainwright.evaluation.measure import Outputs
    from trainwright.models.objective import Objective

UNREAD = 255  # in every place of a row whose labels cannot be read
SHOWN = 8  # labels of a row that is watched


class LabelSet(NamedTuple):
    """The answer to one row: the labels that it has, the surest first, and the probability of every one."""

    labels: tuple[str, ...]
    probabilities: dict[str, float]


@dataclass
class LabelsTarget:
    """Labels, each there or not. A label is said from its threshold on. ``loss`` is its description as a bundle keeps it."""

    names: LabelEncoder
    loss: dict[str, Any]
    thresholds: list[float] = field(default_factory=list)
    temperature: float = 1.0  # by which all logits are divided
    why: str = ""  # the temperature is what it is
    promises: list[Rung] = field(default_factory=list)
    kind: ClassVar[Literal["labels"]] = "labels"
    dtype = np.uint8

    def __post_init__(self) -> None:
        """Say a label from 0.5 on until it is known better."""
        self.thresholds = self.thresholds or [USUAL] * len(self.labels)

    @classmethod
    def fit(cls, sets: pl.Series, merged: bool = False) -> LabelsTarget:
        """Learn the labels of the training split, from List(String)."""
        return cls(LabelEncoder.fit(sets.explode().drop_nulls(), merged), {})

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels, in the order of the outputs."""
        return self.names.names

    @property
    def outputs(self) -> int:
        """Return how many numbers the network gives for a row."""
        return len(self.labels)

    def encode(self, labels: pl.Series) -> np.ndarray:
        """Return 0 or 1 for every label, uint8 (rows, labels), from List(String); those that training lacks are passed over."""
        import polars as pl

        frame = pl.DataFrame({"row": np.arange(len(labels)), "label": labels})
        found = np.zeros((len(labels), self.outputs), np.uint8)
        pairs = frame.explode("label").drop_nulls()
        places = self.names.encode(pairs["label"])
        known = places >= 0
        found[pairs["row"].to_numpy()[known], places[known]] = 1
        found[labels.is_null().to_numpy()] = UNREAD
        return found

    def decode(self, targets: np.ndarray) -> pl.Series:
        """Return sets of labels as List(String)."""
        import polars as pl

        return pl.Series([self._names(row) for row in targets == 1], dtype=pl.List(pl.String))

    @staticmethod
    def known(targets: np.ndarray) -> np.ndarray:
        """Return which of the encoded targets can be measured."""
        found: np.ndarray = (targets != UNREAD).all(axis=1)
        return found

    def blank(self, rows: int) -> np.ndarray:
        """Return targets of which nothing is known, for a network that is only asked."""
        return np.zeros((rows, self.outputs), self.dtype)

    def settle(self, settings: Settings, targets: np.ndarray) -> None:
        """Fix the loss, with the weight of a label's rows against the others. Raise E287 for what only a single class has."""
        from trainwright.errors import error

        assert settings.loss is not None
        if settings.label_smoothing:
            raise error("E287", key="label_smoothing", value=settings.label_smoothing)
        there = targets.sum(axis=0, dtype=np.int64)
        balanced = ((len(targets) - there) / np.maximum(there, 1)).clip(1e-3, 1e3)
        weights = class_weights(settings.class_weights or "none", self.labels, balanced)
        self.loss = {"loss": settings.loss.model_dump(), "weights": weights}
        if isinstance(settings.threshold, float):
            self.thresholds = [settings.threshold] * self.outputs

    def objective(self, device: torch.device) -> Objective:
        """Return the loss, a mean over labels and rows. Raise SettingError for one that is not for several labels."""
        import torch

        from trainwright.config.settings import Named
        from trainwright.training.losses import labels_objective

        weights = self.loss["weights"]
        weights = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=device)
        return labels_objective(Named.model_validate(self.loss["loss"]), weights, self.outputs, device)

    def monitored(self, monitor: str) -> list[str]:
        """Return the metrics to be computed after each epoch: the monitored one, as they need the outputs of all rows."""
        return [name for name in metrics.monitorable(self.kind) if name == monitor]

    def metrics(self, names: list[str], outputs: Outputs) -> dict[str, float]:
        """Return metrics of all rows by name, with the thresholds as they are."""
        targets, shares, answers = self._of_all_rows(outputs)
        asked = [name for name in names if not metrics.METRICS[name].shares]
        sure = [name for name in names if metrics.METRICS[name].shares]
        return metrics.compute(asked, targets, answers) | metrics.compute(sure, targets, shares)

    def decide(self, settings: Settings, outputs: Outputs) -> None:
        """Fit the temperature on these rows, choose the threshold of each label by its F1, where none is given, and find what
        can be promised."""
        self.temperature = 1.0
        if settings.calibrate != "off":
            of = outputs.outputs.numpy(), outputs.targets.numpy(), outputs.units
            self.temperature, self.why = temperature(*of, always=settings.calibrate == "on")
        if settings.threshold in (None, "auto"):
            targets, shares, _ = self._of_all_rows(outputs)
            self.thresholds = measured.thresholds(targets, shares)
        self.promises = ladder(*self._sure(outputs), outputs.units)

    def certainty(self, measured: Outputs) -> dict[str, Any]:
        """Return what a report says of the temperature; ``measured`` are rows of the test, or else of validation."""
        plain = replace(self, temperature=1.0, promises=[]).checked(measured)
        return {"calibration": {"temperature": self.temperature, "why": self.why, "ece_before": plain["ece"]}}

    def checked(self, outputs: Outputs) -> dict[str, Any]:
        """Return how well the probabilities of labels, and promises of whole sets, are kept on these rows."""
        targets, shares, _ = self._of_all_rows(outputs)
        stated = shares.ravel(), targets.ravel() == 1
        return certainty.checked(stated, *self._sure(outputs), outputs.units, self.promises)

    def _sure(self, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
        """Return the confidence in each row's set, and whether it is exactly right."""
        targets, shares, answers = self._of_all_rows(outputs)
        return certainty.of_sets(shares, answers), (answers == (targets == 1)).all(axis=1)

    def scores(self, outputs: Outputs) -> dict[str, Any]:
        """Return loss, rows, and all metrics of one split with the intervals of those that have one."""
        targets, shares, answers = self._of_all_rows(outputs)
        found = self.metrics(metrics.computed(self.kind), outputs)
        ends = measured.intervals(targets, answers, outputs.units) | ranking.intervals(targets, shares, outputs.units)
        return {"loss": outputs.mean, "accuracy": None, "n": len(targets), **found, **ends}

    def detailed(self, outputs: Outputs) -> dict[str, Any]:
        """Return the scores with those of every label."""
        targets, shares, answers = self._of_all_rows(outputs)
        found = self.scores(outputs) | self.checked(outputs)
        return found | {"per_class": measured.by_label(targets, answers, shares, self.labels, self.thresholds)}

    def of_each_row(self, outputs: Outputs) -> dict[str, Any]:
        """Return the columns ``truth``, ``answer`` (both lists of labels) and ``probabilities`` (of every label)."""
        targets, shares, answers = self._of_all_rows(outputs)
        return {"truth": self.decode(targets), "answer": self.decode(answers), "probabilities": shares}

    def errors(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return what is wrong with the answer to each row, float64 (rows,): the share of the labels that are wrong."""
        found: np.ndarray = ((outputs > 0) != (targets > 0)).mean(axis=1)
        return found

    def baseline(self, train: np.ndarray, measured_on: np.ndarray, units: Units | None) -> dict[str, Any]:
        """Return the scores of always answering the same labels."""
        return measured.constant(train, measured_on, self.labels, units)

    def constant(self, train: np.ndarray) -> dict[str, Any]:
        """Return ``answer``, the labels that are best said of every row, with what it is called."""
        best = measured.best_constant(train)
        return {"name": measured.SAME, "label": ", ".join(self._names(best)), "answer": best}

    def against(self, outputs: Outputs, answers: np.ndarray) -> dict[str, Any]:
        """Return the scores of other ``answers`` to the same rows, and how much better the model's micro F1 is."""
        targets, _, said = self._of_all_rows(outputs)
        found = measured.of_answers(targets, answers, outputs.units)
        return found | paired.of_labels(targets, said, answers, outputs.units)

    def depends(self, outputs: Outputs, quantile: float) -> bool | None:
        """Return whether the answers go with the truth beyond noise; None for too few rows."""
        targets, shares, _ = self._of_all_rows(outputs)
        return paired.depends(shares.astype(np.float64), targets, quantile, outputs.units)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the probability of each label, the sigmoid of its logit over the temperature: float32 (rows, labels)."""
        found: np.ndarray = np.exp(-np.logaddexp(0, -logits.astype(np.float64) / self.temperature)).astype(np.float32)
        return found

    def said(self, shares: np.ndarray) -> np.ndarray:
        """Return which labels are said of each row: bool, shape (rows, labels)."""
        found: np.ndarray = shares.astype(np.float64) >= np.array(self.thresholds)
        return found

    def brief(self, logits: np.ndarray, targets: np.ndarray) -> list[Any]:
        """Return (label, probability) of each row: the ``SHOWN`` likeliest, best first, and those that are right."""
        found = []
        for shares, right in zip(self.probabilities(logits), targets == 1, strict=True):
            places = (-shares).argsort(kind="stable")[:SHOWN].tolist()
            places += [place for place in np.flatnonzero(right).tolist() if place not in places]
            found.append([(place, in_short(shares[place])) for place in places])
        return found

    def answers(self, logits: np.ndarray, top: int) -> list[LabelSet]:
        """Return the labels that each row has, with the probabilities of all, the surest first."""
        shares = self.probabilities(logits)
        found = []
        for row, told in zip(shares, self.said(shares), strict=True):
            order = (-row).argsort(kind="stable").tolist()
            names = tuple(self.labels[place] for place in order if told[place])
            found.append(LabelSet(names, {self.labels[place]: float(row[place]) for place in order}))
        return found

    def _of_all_rows(self, outputs: Outputs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return targets uint8, probabilities float32 and answers bool, each of shape (rows, labels)."""
        shares = self.probabilities(outputs.outputs.numpy())
        return outputs.targets.numpy(), shares, self.said(shares)

    def _names(self, there: np.ndarray) -> list[str]:
        return [self.labels[place] for place in np.flatnonzero(there).tolist()]

    def to_json(self) -> dict[str, Any]:
        """Return what a bundle keeps."""
        kept = {"labels": list(self.labels), "thresholds": self.thresholds, "objective": self.loss}
        return certainty.kept({"kind": self.kind, **kept}, self) | ({"merged": True} if self.names.merged else {})

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> LabelsTarget:
        """Return the target that ``to_json`` described."""
        names = LabelEncoder(tuple(values["labels"]), values.get("merged", False))
        return cls(names, values["objective"], list(values["thresholds"]), **certainty.of(values))
