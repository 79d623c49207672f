"""How files are read where a person says so, or where training found out and a new file leaves a doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from trainwright.errors import TrainwrightError, error

DELIMITERS = {
    "\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe", "^": "caret", "~": "tilde", ":": "colon", " ": "space",
}  # fmt: skip
KEYS = ("delimiter", "encoding", "header")
READING = (*KEYS, "decimal", "dates")  # the settings that say how a file is written, which a new file may be otherwise


@dataclass(frozen=True)
class ReadOptions:
    """The settings ``delimiter``, ``encoding`` and ``header``; what is not said is told from each file.

    ``ragged``: whether fields behind the last column of delimited text are further labels of the row (``data/read/ragged``),
    auto, yes or no; or how many fields a row with one label had in training.

    What a person said is ``binding``, and nothing overrides it. What is ``kept`` is how training read, which decides only where
    a file leaves a doubt.
    """

    delimiter: str = ""
    encoding: str = ""
    header: str = "auto"
    ragged: str = "auto"
    kept: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Any) -> ReadOptions:
        """Return those of a run's settings."""
        ragged = {None: "auto", "labels": "yes"}.get(settings.target, "no")
        return cls(settings.delimiter, settings.encoding, settings.header, ragged)

    @classmethod
    def of_bundle(cls, columns: Mapping[str, Any]) -> ReadOptions:
        """Return those that training kept, from the columns of a bundle, and what was ``said`` since."""
        kept, said = columns.get("reading", {}), columns.get("said", {})
        return cls(**{**kept, **said}, kept=tuple(key for key in kept if key not in said))

    @property
    def said(self) -> dict[str, str]:
        """Return what is said, by its setting."""
        return {
            field.name: getattr(self, field.name) for field in fields(self)[:3] if getattr(self, field.name) != field.default
        }

    @property
    def binding(self) -> dict[str, str]:
        """Return what a person said, by its setting."""
        return {key: value for key, value in self.said.items() if key not in self.kept}

    def has_no_use_for(self, path: object, why: str, *keys: str) -> None:
        """Raise E190 where a person said one of these settings of a source that has no use for it; all without ``keys``."""
        for key, value in self.binding.items():
            if not keys or key in keys:
                raise error("E190", key=key, value=DELIMITERS.get(value, value), path=path, why=why)

    def unfit(self, path: object, why: str, where: str) -> TrainwrightError:
        """Return E191: the file is not in the encoding that a person said."""
        return error("E191", path=path, encoding=self.encoding, why=why, where=where)


DERIVED = ReadOptions()
