"""What a look at a model and its data before training came to: what was looked at, and what is likely wrong, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from trainwright.watch.events import Note


class Finding(NamedTuple):
    """Something that is likely wrong: its name, what was seen, what it likely comes from, and what to do."""

    name: str
    found: str
    cause: str
    mend: str

    def note(self) -> Note:
        """Return it as a line of the console."""
        return Note(f"check: {self.name}", self.found, f"{self.cause}. {self.mend}")


@dataclass
class Checkup:
    """What was looked at, as (what, value, why), and what was found to be wrong; nothing where ``findings`` is empty."""

    checked: list[Note] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    updates_seconds: float = 0.0  # of an update

    def saw(self, what: str, value: str, why: str = "") -> None:
        """Add one thing that was looked at."""
        self.checked.append(Note(what, value, why))

    def found(self, name: str, found: str, cause: str, mend: str) -> None:
        """Add something that is likely wrong."""
        self.findings.append(Finding(name, found, cause, mend))

    @property
    def passed(self) -> bool:
        """Return whether nothing was found."""
        return not self.findings
