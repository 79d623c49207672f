"""What each class, or each label, counts in the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from trainwright.errors import error, nearest


def class_weights(wanted: str | Mapping[str, float], names: Sequence[str], balanced: np.ndarray) -> list[float] | None:
    """Return the weight of each class from ``class_weights`` of the settings; None where all count as they are.

    ``balanced`` are those with which classes of any size count the same. Raise E553 for a class that is not there.
    """
    if isinstance(wanted, Mapping):
        for name in wanted:
            if name not in names:
                raise error("E553", name=name, known=list(names), hint=nearest(name, names))
        return [wanted.get(name, 1.0) for name in names] if wanted else None
    if wanted == "none":
        return None
    power = wanted.removeprefix("power:")
    return (balanced if wanted == power else balanced ** float(power)).tolist()  # type: ignore[no-any-return]
