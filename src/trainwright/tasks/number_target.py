"""What is predicted of a row: a number. Trained on the standardised target, measured and answered in the target's own unit."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import polars as pl

from trainwright.config.settings import Named, Settings
from trainwright.data.tables.encoder import TargetScaler
from trainwright.errors import error
from trainwright.evaluation import conformal, paired, regression
from trainwright.evaluation.conformal import Reach
from trainwright.evaluation.intervals import proportion
from trainwright.watch import metrics
from trainwright.watch.events import in_short

if TYPE_CHECKING:
    import torch

    from trainwright.evaluation.intervals import Units
    from trainwright.evaluation.measure import Outputs
    from trainwright.models.objective import Objective


@dataclass
class NumberTarget:
    """A number, in column ``name``. ``loss`` is its description as a bundle keeps it, once the settings are complete."""

    name: str
    scaler: TargetScaler
    loss: dict[str, Any]
    kind: ClassVar[Literal["number"]] = "number"
    dtype = np.float32
    labels: tuple[str, ...] = ()
    outputs = 1
    reaches: list[Reach] = field(default_factory=list)

    def encode(self, labels: pl.Series) -> np.ndarray:
        """Return standardised numbers, float32; not finite where there is none."""
        return self.scaler.encode(labels.cast(pl.Float64, strict=False).to_numpy())

    def decode(self, targets: np.ndarray) -> pl.Series:
        """Return numbers in the target's unit, to the digits that its float32 scale can hold."""
        return pl.Series(self.scaler.decode(targets).round(6 - math.ceil(math.log10(self.scaler.std))))

    @staticmethod
    def known(targets: np.ndarray) -> np.ndarray:
        """Return which of the encoded targets can be measured."""
        return np.isfinite(targets)  # type: ignore[no-any-return]

    def blank(self, rows: int) -> np.ndarray:
        """Return targets of which nothing is known, for a network that is only asked."""
        return np.zeros(rows, self.dtype)

    def settle(self, settings: Settings, targets: np.ndarray) -> None:
        """Fix the loss. Raises E263 for settings that only classes have a use for, E288 for a threshold."""
        assert settings.loss is not None
        if settings.threshold is not None:
            raise error("E288", value=settings.threshold, found=f"'{self.name}' is predicted as a number")
        for key in ("class_weights", "label_smoothing", "calibrate"):
            if (value := getattr(settings, key)) not in (Settings.model_fields[key].default, "none"):
                raise error("E263", key=key, value=value, name=self.name)
        self.loss = {"loss": settings.loss.model_dump()}

    def objective(self, device: torch.device) -> Objective:
        """Return the loss. Raise SettingError for one that torch does not know or that has no use for numbers."""
        from trainwright.training.losses import number_objective

        return number_objective(Named.model_validate(self.loss["loss"]), device)

    def monitored(self, monitor: str) -> list[str]:
        """Return the metrics to be computed after each epoch: all."""
        return metrics.computed(self.kind)

    def metrics(self, names: list[str], outputs: Outputs) -> dict[str, float]:
        """Return metrics of all rows by name."""
        return metrics.compute(names, *self._of_all_rows(outputs))

    def decide(self, settings: Settings, outputs: Outputs) -> None:
        """Find how far from an answer the truth lies on these rows."""
        actual, predicted = self._of_all_rows(outputs)
        self.reaches = conformal.reaches(np.abs(actual - predicted), outputs.units)

    def certainty(self, measured: Outputs) -> dict[str, Any]:
        """Return nothing: a number has no probability."""
        return {}

    def checked(self, outputs: Outputs) -> dict[str, Any]:
        """Return how often the usual interval around each answer holds the truth on these rows; nothing where there is none."""
        half = conformal.half_width(self.reaches, conformal.USUAL)
        if half is None or not len(outputs.targets):
            return {}
        actual, predicted = self._of_all_rows(outputs)
        held = np.abs(actual - predicted) <= half
        found = {"share": conformal.USUAL, "half_width": half, "coverage": float(held.mean())}
        return {"prediction_interval": found | {"interval": proportion(held, outputs.units)}}

    def _of_all_rows(self, outputs: Outputs) -> tuple[np.ndarray, np.ndarray]:
        """Return actual and predicted values in the target's unit, as the metrics take them: float64, shape (rows,) each."""
        return self.scaler.decode(outputs.targets.numpy()), self.scaler.decode(outputs.outputs[:, 0].numpy())

    def scores(self, outputs: Outputs) -> dict[str, Any]:
        """Return loss on the standardised target, rows, and all metrics of one split with their intervals."""
        return {"loss": outputs.mean, "accuracy": None, **regression.scores(*self._of_all_rows(outputs), outputs.units)}

    def detailed(self, outputs: Outputs) -> dict[str, Any]:
        """Return the scores with the target's name, and actual and predicted values to be drawn."""
        found = self.scores(outputs) | self.checked(outputs)
        return found | {"target": self.name, "points": regression.points(*self._of_all_rows(outputs))}

    def of_each_row(self, outputs: Outputs) -> dict[str, Any]:
        """Return the columns ``truth`` and ``answer``, in the target's unit."""
        return {"truth": self.decode(outputs.targets.numpy()), "answer": self.decode(outputs.outputs[:, 0].numpy())}

    def errors(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return what is wrong with the answer to each row, float64 (rows,): its squared error on the scale of training."""
        found: np.ndarray = (outputs[:, 0].astype(np.float64) - targets) ** 2
        return found

    def baseline(self, train: np.ndarray, measured: np.ndarray, units: Units | None) -> dict[str, Any]:
        """Return the scores of always answering the mean of the training targets."""
        mean = float(self.scaler.decode(train.mean(dtype=np.float64)))
        return regression.mean_baseline(mean, self.scaler.decode(measured), units)

    def constant(self, train: np.ndarray) -> dict[str, Any]:
        """Return ``answer``, the mean of the training targets on their scale, with what it is called."""
        mean = train.mean(dtype=np.float64)
        return {"name": regression.MEAN, "value": float(self.scaler.decode(mean)), "answer": mean}

    def against(self, outputs: Outputs, answers: np.ndarray) -> dict[str, Any]:
        """Return the scores of other ``answers``, scaled as targets are, and by what share the model's RMSE is smaller."""
        actual, predicted = self._of_all_rows(outputs)
        others = self.scaler.decode(answers)
        found = regression.brief_scores(actual, others, outputs.units)
        return found | paired.of_errors(predicted - actual, others - actual, outputs.units)

    def depends(self, outputs: Outputs, quantile: float) -> bool | None:
        """Return whether the answers are nearer to the truth than the mean of these rows, beyond noise; None for few rows."""
        actual, predicted = self._of_all_rows(outputs)
        ends = paired.of_errors(predicted - actual, actual.mean() - actual, outputs.units, quantile)["difference_interval"]
        return None if ends is None else ends[0] > 0

    def brief(self, outputs: np.ndarray, targets: np.ndarray) -> list[Any]:
        """Return the answer to each row, in the target's unit."""
        return [in_short(each) for each in self.scaler.decode(outputs[:, 0])]

    def answers(self, outputs: np.ndarray, top: int) -> list[float]:
        """Return the number of each row, in the target's unit."""
        return self.scaler.decode(outputs[:, 0]).tolist()  # type: ignore[no-any-return]

    def to_json(self) -> dict[str, Any]:
        """Return what a bundle keeps."""
        kept = {"kind": self.kind, "target": self.name, "scale": asdict(self.scaler), "objective": self.loss}
        return kept | ({"reaches": [list(each) for each in self.reaches]} if self.reaches else {})

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> NumberTarget:
        """Return the target that ``to_json`` described."""
        reaches = [Reach(*each) for each in values.get("reaches", [])]
        return cls(values["target"], TargetScaler(**values["scale"]), values["objective"], reaches=reaches)
