"""Every case, in the order in which they are run."""

from case import Case

from cases import commands, networks, texts

CASES: dict[str, Case] = {case.name: case for case in (*texts.CASES, *networks.CASES, *commands.CASES)}
