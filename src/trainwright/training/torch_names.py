"""Names and arguments of torch's own classes as settings give them, checked before a run begins."""

from __future__ import annotations

import inspect
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import TypeVar

from trainwright.config.settings import Named
from trainwright.errors import TrainwrightError, error, nearest
from trainwright.training.memory import ran_out

Kind = TypeVar("Kind")


def classes(module: ModuleType, base: type[Kind], without: Container[str] = ()) -> dict[str, type[Kind]]:
    """Return the classes of a module that derive from ``base``, by name."""
    found = {name: each for name, each in vars(module).items() if inspect.isclass(each) and issubclass(each, base)}
    return {name: each for name, each in found.items() if name not in without}


def check(setting: str, named: Named, choices: Mapping[str, type[Kind]], reserved: Iterable[str] = ()) -> type[Kind]:
    """Return the class of a name. Raise E310 for an unknown one, E311 for an argument that the class does not take."""
    if named.name not in choices:
        hint = nearest(named.name, choices)
        raise error("E310", setting=setting, name=named.name, choices=sorted(choices), hint=hint)
    parameters = inspect.signature(choices[named.name]).parameters
    known = [name for name in parameters if name not in (*reserved, "optimizer", "params")]
    for argument in named.arguments:
        if argument not in known:
            hint = nearest(argument, known)
            raise error("E311", setting=setting, argument=argument, name=named.name, known=known, hint=hint)
    return choices[named.name]


@contextmanager
def checking(setting: str, named: Named) -> Iterator[None]:
    """Raise E312 where torch refuses a value on the way."""
    try:
        yield
    except Exception as problem:
        raise refused(setting, named.name, problem) from None


def refused(setting: str, name: str, problem: Exception) -> Exception:
    """Return E312 for whatever torch raises: there is no end to what it does with values that make no sense.

    What has a code already, and that memory ran out, stay as they are.
    """
    if isinstance(problem, TrainwrightError) or ran_out(problem):
        return problem
    return error("E312", setting=setting, name=name, problem=str(problem) or type(problem).__name__)
