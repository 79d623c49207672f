"""What ``inspect`` returns in Python: it prints as a list, and shows as a table in a notebook."""

from __future__ import annotations

from dataclasses import dataclass

from trainwright.watch.inspected import inspected_page, inspected_text
from trainwright.watch.inspected.finding import Inspected

WIDTH = 100  # cells


@dataclass(frozen=True, repr=False)
class Inspection(Inspected):
    """What was found in a data set, which can show itself."""

    def __repr__(self) -> str:
        return "\n".join(inspected_text.lines(self, WIDTH))

    def _repr_html_(self) -> str:
        return inspected_page.notebook(self)
