"""Completion in a shell: the script that asks, and the words that may follow those that are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

# Each asks `trainwright completion SHELL -- WORDS` for the words that begin like the last; where there are none, the shell
# completes names of files. A setting ends in = and is not followed by a blank.
SCRIPTS = {
    "bash": """\
_trainwright() {
    local word line="${COMP_LINE:0:COMP_POINT}" IFS=$' \\t\\n'
    local words=($line)
    [[ $line == *" " ]] && words+=("")
    word="${words[-1]}"
    local IFS=$'\\n'
    COMPREPLY=($(trainwright completion bash -- "${words[@]:1}" 2>/dev/null))
    # bash takes what stands before = for a word of its own
    [[ $word == *=* && $COMP_WORDBREAKS == *=* ]] && COMPREPLY=("${COMPREPLY[@]#"${word%%=*}="}")
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}
complete -o default -F _trainwright trainwright""",
    "zsh": """\
_trainwright() {
    local -a found
    found=("${(@f)$(trainwright completion zsh -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -z "${found[*]}" ]]; then
        _files
    else
        compadd -S '' -- ${(M)found:#*=}
        compadd -- ${found:#*=}
    fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _trainwright trainwright""",
    "fish": """\
function __trainwright
    set -l words (commandline -opc)[2..-1]
    set -l found (trainwright completion fish -- $words (commandline -ct) 2>/dev/null)
    if test -n "$found"
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c trainwright -f -a '(__trainwright)'""",
}


def candidates(commands: dict[str, Any], words: list[str]) -> Iterator[str]:
    """Yield what may stand in place of the last word: a verb, a flag of the verb, a setting, or a value of a setting."""
    *before, word = words or [""]
    names = [each for each in before if not each.startswith("-")]
    verb = commands.get(names[0]) if names else None
    if verb is None:
        found = [*commands, "--help", "--version"] if not names else []
    elif word.startswith("-"):
        found = [flag for each in verb.params for flag in (*each.opts, *each.secondary_opts) if flag.startswith("--")]
        found.append("--help")
    else:
        found = list(getattr(verb, "commands", ()))
        if len(names) > 1 and word and (keys := settable(names[0])):
            found += settings(word, keys)
        elif names[0] == "completion":
            found += SCRIPTS
    yield from (each for each in found if each.startswith(word))


TRAINING = ("train", "resume", "inspect")  # the verbs that take every setting


def settable(verb: str) -> list[str]:
    """Return the settings that a verb takes: all, or those that say how a file is written."""
    from trainwright.config.resolve import keys
    from trainwright.data.read.options import READING

    return keys() if verb in TRAINING else list(READING) if verb in ("predict", "evaluate") else []


def settings(word: str, keys: list[str]) -> list[str]:
    """Return ``key=`` for each of the keys; of one that is named, ``key=value`` for the values that it may have."""
    from trainwright.config.settings import Settings
    from trainwright.models.catalog import models

    key, equals, _ = word.partition("=")
    if not equals:
        return [f"{each}=" for each in keys]
    if key == "model":
        return [f"model={each}" for each in models()]
    field = Settings.model_fields.get(key)
    values = _choices(field.annotation) if field else []
    return [f"{key}={each}" for each in values]


def _choices(annotation: Any) -> list[str]:
    """Return the words that a type allows: those of a ``Literal``, or true and false."""
    if annotation is bool:
        return ["true", "false"]
    return [word for each in get_args(annotation) for word in ([str(each)] if isinstance(each, str | int) else _choices(each))]
