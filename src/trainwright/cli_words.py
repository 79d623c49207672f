"""Words of the command line that cannot be what they are written as, each with the words that were meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from trainwright.cli_completion import TRAINING, settable
from trainwright.data.files.folders import is_path
from trainwright.data.read.options import READING
from trainwright.errors import TrainwrightError, error, nearest, shell_word

# What ``train`` takes beside settings, by the flag that says it; "" where the command line has none.
FLAGS = {name: name for name in ("test", "valid", "recipe", "out", "offline", "resume", "seeds", "track", "fix")} | {
    "from_run": "from",
    "from": "from",
}


def refusal(problem: Any, words: list[str]) -> TrainwrightError:
    """Return the message for words that typer refused; ``problem`` is its exception."""
    context, message = getattr(problem, "ctx", None), problem.format_message()
    if context is None:
        return error("E318", problem=message)
    command, verb = context.command, context.info_name
    inside = list(getattr(command, "commands", ()))
    flags = [flag.lstrip("-") for each in command.params for flag in each.opts if flag.startswith("--")]
    words = words[words.index(verb) + 1 :] if verb in words else words
    if inside and words and not words[0].startswith("-"):
        return _no_command(words[0], inside)
    for word, after in zip(words, [*words, ""][1:], strict=True):
        name, equals, value = word.lstrip("-").partition("=")
        if word.startswith("-") and name and name not in flags:
            return _no_flag(verb, word.partition("=")[0], flags, value if equals else after)
    for word in words:
        if not word.startswith("-") and (found := misplaced(verb, word, flags)):
            return found
    return error("E318", problem=message, hint=_example(verb))


def _no_command(name: str, known: list[str]) -> TrainwrightError:
    hint = nearest(name, known)
    if not hint and is_path(name):
        hint = f"To train on it: `trainwright train {shell_word(name)}`."
    return error("E352", name=name, known=known, hint=hint)


def _no_flag(verb: str, flag: str, flags: list[str], value: str) -> TrainwrightError:
    """Return the message for a flag that the verb has not: E350 or E353 for the name of a setting."""
    known, key = _settings(), flag.lstrip("-").replace("-", "_")
    if key in known:
        value = value if value and not value.startswith("-") else "VALUE"
        if key in settable(verb):
            return error("E350", flag=flag, key=key, value=value)
        return error("E353", word=f"{key}={value}", verb=verb)
    near = nearest(key, flags) or nearest(key, known)
    if near:
        word = near.split("'")[1]
        near = f"Did you mean {f'--{word}' if word in flags else f'{word}=VALUE'}?"
    return error("E318", problem=f"there is no flag {flag} here", hint=near or _example(verb))


def misplaced(verb: str, word: str, flags: Iterable[str] = ()) -> TrainwrightError | None:
    """Return the message for ``key=value`` where the verb has a flag of that name, or takes no settings; else None."""
    if not (found := re.fullmatch(r"([a-z_][a-z_.0-9]*)=(\S*)", word)) or is_path(word):
        return None
    key = found[1]
    if key in flags:
        return error("E330", key=key, flag=key)
    if verb in TRAINING or key not in _settings():
        return None
    return error("E354" if key in settable(verb) else "E353", word=word, verb=verb)


def how_written(words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the words, and those among them that say how a file is written: ``delimiter=tab``, ``decimal=comma``."""
    said = [word for word in words if word.partition("=")[0] in READING and "=" in word and not is_path(word)]
    return [word for word in words if word not in said], said


def refuse_settings(verb: str, words: Iterable[str], flags: Iterable[str] = ()) -> None:
    """Raise the message of ``misplaced`` for the first of the words that has one."""
    for word in words:
        if problem := misplaced(verb, word, flags):
            raise problem


def refuse_missing(run: object, files: list[str], words: list[str]) -> None:
    """Raise E435 for the first of the ``words`` for a model of texts that is one of the ``files`` and not there, or nearly the
    name of a file that is; E318 where others are beside files."""
    from trainwright.data.read.formats import meant_file, nearest_file

    for word in words:
        hint = "" if is_path(word) else nearest_file(word) if word in files else meant_file(word)
        if hint or (word in files and not is_path(word)):
            raise error("E435", word=word, run=run, hint=hint)
    if files and len(words) > 1:
        problem = f"'{files[0]}' is a file, and one file is predicted at a time, without texts beside it"
        raise error("E318", problem=problem, hint="With --text the words are texts, whatever they look like.")


def in_pieces(words: list[str]) -> TrainwrightError | None:
    """Return E351 where a setting is written in several words (``lr 0.1``, ``lr = 0.1``, ``lr= 0.1``), else None."""
    known = _settings()
    for place, word in enumerate(words):
        after = words[place + 1 :]
        key = word.removesuffix("=")
        if key in known and not is_path(word) and (key == word or (after and "=" not in after[0])):
            value = next((each.lstrip("=") for each in after[:2] if each != "="), "") or "VALUE"
            return error("E351", key=key, value=value)
    return None


def _settings() -> list[str]:
    from trainwright.config.resolve import keys

    return keys()


def _example(verb: str) -> str:
    from trainwright.cli_help import EXAMPLES

    return f"Such as: `{EXAMPLES[verb][0]}`." if verb in EXAMPLES else ""


def source_of(words: list[str]) -> tuple[str, list[str]]:
    """Return the one word that is no setting, wherever it stands, and the settings. Raise E316 for none, E317 for several."""
    settings = [word for word in words if "=" in word and not is_path(word)]
    sources = [word for word in words if word not in settings]
    if not sources:
        raise error("E316", hint=f"Is '{words[0]}' meant as a file? There is none of that name." if settings else "")
    if len(sources) > 1:
        raise in_pieces(words) or error("E317", found=sources)
    return sources[0], settings


def asked(words: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the source and the settings, nested, among the words of a training. Raise E316, E317 and E330."""
    from trainwright.config.resolve import nest

    source, settings = source_of(words)
    given = nest(settings)
    for key, flag in FLAGS.items():
        if key in given:
            raise error("E330", key=key, flag=flag)
    return source, given
