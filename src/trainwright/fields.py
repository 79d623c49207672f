"""How a setting is declared: its type, default, unit and meaning, and the tasks it is for."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

LARGEST = 2**63 - 1  # whole number
MOST = 2.0**126  # in the arithmetic of weights, where twice that is finite
MOST_LAYERS = 1000  # more is a typing error, or an attempt to exhaust memory
MOST_CHARACTERS = 8  # of a character n-gram
Declared = Literal["category", "number", "date", "boolean", "text", "image", "ignore"]  # what a person may say of a column
DECLARED: tuple[str, ...] = get_args(Declared)
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(value: object) -> object:
    """Convert ``90``, ``"90s"``, ``"1.5h"`` to seconds; leave anything else for the type check to refuse."""
    if isinstance(value, str) and (found := re.fullmatch(r"\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*([smhd])\s*", value)):
        return float(found[1]) * UNITS[found[2]]
    return value


def _words(value: object) -> object:
    """Split a comma-separated string into a list, for settings that take several values."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if isinstance(value, int | float) else value


def names(value: object) -> object:
    """Return several names as the one word that the command line takes: commas between, quotes around one with a comma."""
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        return value
    return ",".join(f'"{each}"' if "," in each and len(value) > 1 else each for each in value)


def _lengths(value: object) -> object:
    """Convert ``none`` to an empty list; anything else as ``_words``."""
    return [] if value == "none" else _words(value)


def _period(value: str) -> str:
    """Check a period (``60s``, ``500steps``, ``2epochs`` or ``0``) and return it without spaces."""
    period(value)
    return value.replace(" ", "")


def period(value: str) -> tuple[float, str]:
    """Parse ``"5m"`` as (300.0, "seconds"), ``"500 steps"`` as (500.0, "steps"); (0, "") = never. Raise ValueError."""
    if value.strip() == "0":
        return 0.0, ""
    if found := re.fullmatch(r"\s*(\d+)\s*(step|epoch)s?\s*", value):
        number, unit = float(found[1]), f"{found[2]}s"
    else:
        seconds = _seconds(value)
        number, unit = (seconds, "seconds") if isinstance(seconds, float) else (0.0, "")
    if not number > 0:
        raise ValueError("give a time, steps or epochs, such as 60s, 5m, 2h, 500steps, 1epoch; 0 = only at the end")
    return number, unit


Seconds = Annotated[float, BeforeValidator(_seconds)]
Words = Annotated[list[str], BeforeValidator(_words)]
Names = Annotated[str, BeforeValidator(names)]
Sizes = Annotated[list[Annotated[int, Field(gt=0)]], BeforeValidator(_words), Field(max_length=MOST_LAYERS)]
Length = Annotated[int, Field(ge=1, le=MOST_CHARACTERS)]
Lengths = Annotated[
    list[Length],
    BeforeValidator(_lengths),
    AfterValidator(lambda values: sorted(set(values))),
    Field(max_length=MOST_CHARACTERS),
]
Period = Annotated[str, AfterValidator(_period)]
Fraction = Annotated[float, Field(ge=0, lt=1)]


def setting(default: Any, help: str, unit: str = "", only: str = "", **limits: Any) -> Any:
    """Declare a field with its meaning and unit; ``None`` as the default means derived. ``only``: the tasks it is for."""
    return Field(default, description=help, json_schema_extra={"unit": unit, "only": only}, **limits)


class Strict(BaseModel):
    """Settings that refuse unknown names and non-finite numbers."""

    # The validators are built at first use: a command needs the settings of one model, or none.
    model_config = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False, defer_build=True)

    @field_validator("*")
    @classmethod
    def _holds(cls, value: object) -> object:
        """Check that whole numbers are no larger than what they are counted with."""
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, int) and each > LARGEST:
                raise ValueError(f"no number is larger than {LARGEST:,}")
        return value
