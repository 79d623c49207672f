"""What may be tried in place of the rules: settings that are measured, each in the words in which a person would give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Candidate:
    """Settings that may be tried, nested; ``name`` says what is special about them."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Return the name of the folder in which is kept what was measured of it."""
        return self.name.replace(" ", "-")

    def fits(self, given: Mapping[str, Any]) -> bool:
        """Return whether nothing in it contradicts the settings that a person has given."""
        return all(_agree(value, given[key]) for key, value in self.settings.items() if key in given)

    def over(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings that a person has given with those of the candidate beside them."""
        found = dict(given)
        for key, value in self.settings.items():
            before = found.get(key)
            both = isinstance(value, Mapping) and isinstance(before, Mapping)
            found[key] = {**value, **before} if both else value  # type: ignore[dict-item]
        return found


def _agree(value: Any, given: Any) -> bool:
    if isinstance(value, Mapping) and isinstance(given, Mapping):
        return all(_agree(each, given[key]) for key, each in value.items() if key in given)
    if isinstance(value, Mapping):
        return str(given) == str(value.get("name"))
    return str(given) == str(value)


RULES = Candidate("the rules")  # what would be taken without measuring
