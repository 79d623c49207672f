"""What a person says of a table, in the place of what its values tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Declarations:
    """The kind of each column that was named (``fields.Declared``), the decimal mark and the order of dates ("" = told)."""

    kinds: Mapping[str, str] = field(default_factory=dict)
    decimal: str = ""
    dates: str = ""
