"""What is predicted of a row: its class. Loss, scores, baseline and answers follow from that, whatever the inputs are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from trainwright.data.labels import LabelEncoder
from trainwright.errors import error
from trainwright.evaluation import classification, paired, ranking
from trainwright.evaluation.calibration import temperature
from trainwright.evaluation.promises import Rung, ladder
from trainwright.evaluation.threshold import MEASURES, USUAL, best_threshold
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

AGAINST_REST = ("BCEWithLogitsLoss", "MultiLabelSoftMarginLoss", "SigmoidFocalLoss")
SHOWN = 8  # classes of a row that is watched
MARGIN = "SquaredHingeLoss"
MARGIN_SCALE = 5.0  # of margins to logits: least log loss of texts that were not trained on, where no temperature is fitted
SQUARED = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")


@dataclass
class ClassTarget:
    """One of several classes. ``loss`` is its description as a bundle keeps it, once the settings are complete."""

    names: LabelEncoder
    loss: dict[str, Any]
    threshold: float = USUAL  # of two classes, the probability of the second from which on it is the answer
    temperature: float = 1.0  # by which logarithms of probabilities are divided
    why: str = ""  # the temperature is what it is
    promises: list[Rung] = field(default_factory=list)
    kind: ClassVar[Literal["class"]] = "class"
    dtype = np.int64

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of the classes, by number."""
        return self.names.names

    @property
    def outputs(self) -> int:
        """Return how many numbers the network gives for a row."""
        return len(self.labels)

    def encode(self, labels: pl.Series) -> np.ndarray:
        """Return class numbers, int64; -1 for a class that training did not have."""
        return self.names.encode(labels)

    def decode(self, targets: np.ndarray) -> pl.Series:
        """Return the labels of class numbers."""
        import polars as pl

        return pl.Series(self.labels, dtype=pl.String).gather(targets)

    @staticmethod
    def known(targets: np.ndarray) -> np.ndarray:
        """Return which of the encoded targets can be measured."""
        return targets >= 0

    def blank(self, rows: int) -> np.ndarray:
        """Return targets of which nothing is known, for a network that is only asked."""
        return np.zeros(rows, self.dtype)

    def settle(self, settings: Settings, targets: np.ndarray) -> None:
        """Fix the loss: name, arguments, smoothing, and the weight of each class. Raise E288 for a threshold of many."""
        assert settings.loss is not None
        if settings.threshold is not None and self.outputs != 2:
            raise error("E288", value=settings.threshold, found=f"{self.outputs:,} classes are told apart")
        if isinstance(settings.threshold, float):
            self.threshold = settings.threshold
        counts = np.bincount(targets, minlength=self.outputs)
        balanced = counts.sum() / (self.outputs * np.maximum(counts, 1))
        weights = class_weights(settings.class_weights or "none", self.labels, balanced)
        self.loss = {"loss": settings.loss.model_dump(), "smoothing": settings.label_smoothing, "weights": weights}

    def objective(self, device: torch.device) -> Objective:
        """Return the loss. Raise SettingError for one that torch does not know or that has no use for classes."""
        import torch

        from trainwright.config.settings import Named
        from trainwright.training.losses import make_objective

        weights = self.loss["weights"]
        weights = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=device)
        return make_objective(Named.model_validate(self.loss["loss"]), self.loss["smoothing"], weights, self.outputs, device)

    def monitored(self, monitor: str) -> list[str]:
        """Return the metrics to be computed after each epoch: the monitored one, as they need the outputs of all rows."""
        return [name for name in metrics.monitorable(self.kind) if name == monitor]

    def decided(self, logits: np.ndarray) -> np.ndarray:
        """Return numbers of which the largest of each row is its answer: the logits, unless another threshold decides."""
        if self.threshold == USUAL:
            return logits
        second = self.probabilities(logits)[:, 1].astype(np.float64) >= self.threshold
        return np.stack([~second, second], axis=1).astype(np.float32)

    def metrics(self, names: list[str], outputs: Outputs) -> dict[str, float]:
        """Return metrics of all rows by name, with the threshold as it is."""
        targets, logits = outputs.targets.numpy(), outputs.outputs.numpy()
        sure = [name for name in names if metrics.METRICS[name].shares]
        found = metrics.compute([name for name in names if name not in sure], targets, self.decided(logits))
        return found | (metrics.compute(sure, targets, self.probabilities(logits)) if sure else {})

    def decide(self, settings: Settings, outputs: Outputs) -> None:
        """Fit the temperature on these rows, choose the threshold, where that is wanted, by the monitored metric if it depends
        on it, else by F1, and find what can be promised."""
        self.temperature, logits = 1.0, outputs.outputs.numpy()
        if settings.calibrate != "off":
            of = self._scores(logits), outputs.targets.numpy(), outputs.units
            self.temperature, self.why = temperature(*of, always=settings.calibrate == "on")
        if settings.threshold == "auto":
            measure = settings.monitor if settings.monitor in MEASURES else "f1"
            shares = self.probabilities(outputs.outputs.numpy())
            self.threshold = best_threshold(outputs.targets.numpy() == 1, shares[:, 1], measure)
        self.promises = ladder(*self._sure(outputs), outputs.units)

    def certainty(self, measured: Outputs) -> dict[str, Any]:
        """Return what a report says of the temperature; ``measured`` are rows of the test, or else of validation."""
        plain = replace(self, temperature=1.0, promises=[]).checked(measured)
        return {"calibration": {"temperature": self.temperature, "why": self.why, "ece_before": plain["ece"]}}

    def checked(self, outputs: Outputs) -> dict[str, Any]:
        """Return how well probabilities and promises are kept on these rows."""
        sure = self._sure(outputs)
        return certainty.checked(sure, *sure, outputs.units, self.promises)

    def _sure(self, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
        """Return the probability of each row's answer, and whether it is right."""
        logits = outputs.outputs.numpy()
        answers = self.decided(logits).argmax(axis=1)
        return self.probabilities(logits)[np.arange(len(answers)), answers], answers == outputs.targets.numpy()

    def scores(self, outputs: Outputs) -> dict[str, Any]:
        """Return loss, accuracy with its interval, rows of one split, and the threshold where it is not 0.5."""
        decided = self.decided(outputs.outputs.numpy())
        said = {} if self.threshold == USUAL else {"threshold": self.threshold}
        return {"loss": outputs.mean, **classification.scores(outputs.targets.numpy(), decided, outputs.units), **said}

    def detailed(self, outputs: Outputs) -> dict[str, Any]:
        """Return the scores with all metrics, every class, and the confusion matrix."""
        decided = self.decided(outputs.outputs.numpy())
        found = self.scores(outputs) | self.metrics(metrics.computed(self.kind), outputs)
        targets, shares = outputs.targets.numpy(), self.probabilities(outputs.outputs.numpy())
        found |= classification.intervals(targets, decided, outputs.units) | ranking.intervals(targets, shares, outputs.units)
        return found | classification.by_class(outputs.targets.numpy(), decided, self.labels) | self.checked(outputs)

    def of_each_row(self, outputs: Outputs) -> dict[str, Any]:
        """Return the columns ``truth``, ``answer``, ``probability`` (of the answer) and ``probabilities`` (of every class)."""
        targets, logits = outputs.targets.numpy(), outputs.outputs.numpy()
        shares, answers = self.probabilities(logits), self.decided(logits).argmax(axis=1)
        columns = {"truth": self.decode(targets), "answer": self.decode(answers)}
        return columns | {"probability": shares[np.arange(len(shares)), answers], "probabilities": shares}

    def errors(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return what is wrong with the answer to each row, float64 (rows,): 1 where it is another class, else 0."""
        found: np.ndarray = (outputs.argmax(axis=1) != targets).astype(np.float64)
        return found

    def baseline(self, train: np.ndarray, measured: np.ndarray, units: Units | None) -> dict[str, Any]:
        """Return the scores of always answering the most frequent class."""
        return classification.majority(train, measured, self.labels, units)

    def constant(self, train: np.ndarray) -> dict[str, Any]:
        """Return ``answer``, the most frequent class of the training rows, with what it is called."""
        best = np.bincount(train, minlength=self.outputs).argmax()
        return {"name": classification.MAJORITY, "label": self.labels[best], "answer": best}

    def against(self, outputs: Outputs, answers: np.ndarray) -> dict[str, Any]:
        """Return the scores of other ``answers`` to the same rows, and how much better those of the model are."""
        targets = outputs.targets.numpy()
        right = self.decided(outputs.outputs.numpy()).argmax(axis=1) == targets
        others = answers == targets
        return classification.share_right(others, outputs.units) | paired.of_shares(right, others, outputs.units)

    def depends(self, outputs: Outputs, quantile: float) -> bool | None:
        """Return whether the answers go with the truth beyond noise; None for too few rows."""
        shares = self.probabilities(outputs.outputs.numpy()).astype(np.float64)
        return paired.depends(shares, np.eye(self.outputs)[outputs.targets.numpy()], quantile, outputs.units)

    @np.errstate(over="ignore", invalid="ignore")  # outputs that are not finite give probabilities that are none
    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Return the probability of each class: float32, shape (rows, classes).

        It is the softmax of the logits; of classes that were trained against the rest, their own, scaled to sum to 1; and the
        logarithm of either is divided by the temperature.
        """
        scores = self._scores(logits)
        scores = scores if self.temperature == 1.0 else scores / self.temperature
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        found: np.ndarray = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
        return found

    def _scores(self, logits: np.ndarray) -> np.ndarray:
        """Return numbers whose softmax are the probabilities, at a temperature of 1."""
        name = self.loss["loss"]["name"]
        if name in SQUARED:  # trained towards 0 and 1: what lies outside is cut off
            return np.log(np.clip(logits, 1e-6, 1))  # type: ignore[no-any-return]
        if name == MARGIN:
            return MARGIN_SCALE * logits
        return -np.logaddexp(0, -logits) if name in AGAINST_REST else logits

    def brief(self, logits: np.ndarray, targets: np.ndarray) -> list[Any]:
        """Return (class, probability) of the ``SHOWN`` likeliest classes of each row, best first, and of the right one."""
        found = []
        for shares, target in zip(self.probabilities(logits), targets.tolist(), strict=True):
            places = (-shares).argsort(kind="stable")[:SHOWN].tolist()
            places += [target] if target not in places else []
            found.append([(place, in_short(shares[place])) for place in places])
        return found

    def answers(self, logits: np.ndarray, top: int) -> list[list[tuple[str, float]]]:
        """Return the ``top`` most probable (label, probability) of each row, best first."""
        probabilities = self.probabilities(logits)
        # By the outputs, as the scores are: probabilities that round to the same number would hide which is larger.
        order = (-self.decided(logits)).argsort(axis=1, kind="stable")[:, :top]
        shares = np.take_along_axis(probabilities, order, axis=1)
        names = np.array(self.labels, object)[order]
        return [list(zip(*row, strict=True)) for row in zip(names.tolist(), shares.tolist(), strict=True)]

    def to_json(self) -> dict[str, Any]:
        """Return what a bundle keeps."""
        kept = {"kind": self.kind, "labels": list(self.labels), "thresholds": [self.threshold], "objective": self.loss}
        return certainty.kept(kept, self) | ({"merged": True} if self.names.merged else {})

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ClassTarget:
        """Return the target that ``to_json`` described."""
        names = LabelEncoder(tuple(values["labels"]), values.get("merged", False))
        return cls(names, values["objective"], values.get("thresholds", [USUAL])[0], **certainty.of(values))
