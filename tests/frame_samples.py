"""What frames of other libraries offer, without these."""

from __future__ import annotations

from typing import Any

import numpy as np


class PandasColumn:
    """As much of a column of pandas as is asked for."""

    def __init__(self, values: list[Any], dtype: Any) -> None:
        self.values, self.dtype = values, dtype

    def isna(self) -> np.ndarray:
        return np.array([value is None or value != value for value in self.values])

    def tolist(self) -> list[Any]:
        return list(self.values)

    def to_numpy(self) -> np.ndarray:
        return np.array(self.values, self.dtype)


class PandasFrame:
    """As much of a frame of pandas as is asked for."""

    def __init__(self, columns: dict[Any, PandasColumn]) -> None:
        self.columns, self._columns = list(columns), list(columns.values())

    @property
    def iloc(self) -> PandasFrame:
        return self

    def __getitem__(self, place: tuple[slice, int]) -> PandasColumn:
        return self._columns[place[1]]

    def __len__(self) -> int:
        return len(self._columns[0].values)
