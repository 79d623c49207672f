"""Names and arguments of torch's own classes as settings give them, checked before a run begins."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping

from trainwright.config.settings import Named
from trainwright.errors import error, nearest


def check(setting: str, named: Named, choices: Mapping[str, type], reserved: Iterable[str] = ()) -> type:
    """The class of a name, once name and arguments are known to torch.

    Raises:
        SettingError: E310 for an unknown name, E311 for an argument that the class does not take.
    """
    if named.name not in choices:
        hint = nearest(named.name, choices)
        raise error("E310", setting=setting, name=named.name, choices=", ".join(sorted(choices)), hint=hint)
    parameters = inspect.signature(choices[named.name]).parameters
    known = [name for name in parameters if name not in (*reserved, "optimizer", "params")]
    for argument in named.arguments:
        if argument not in known:
            hint = nearest(argument, known)
            raise error("E311", setting=setting, argument=argument, name=named.name, known=", ".join(known), hint=hint)
    return choices[named.name]
