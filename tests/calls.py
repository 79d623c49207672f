"""The command line called as a process, and within this one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import forks
import pytest

from trainwright import cli


def call(*words: object, cwd: Path, stdin: str = "", code: int = 0, forked: bool = True) -> forks.Ended:
    """The command line in a process of its own, which ends with this code.

    One that is not forked is started as a person starts it: it also draws, and has hashes of its own.
    """
    if forked:
        done = forks.command(*words, cwd=cwd, stdin=stdin, COLUMNS="100")
    else:
        command, here = [sys.executable, "-m", "trainwright", *map(str, words)], os.environ | {"COLUMNS": "100"}
        ended = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, text=True, env=here)
        done = forks.Ended(ended.returncode, ended.stdout, ended.stderr)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def talk(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object, stdin: str = ""
) -> tuple[str, str, int]:
    """The command line in this process: standard output, standard error, exit code."""
    code = [0]

    def leave(number: int) -> None:
        code[0] = number
        raise SystemExit(number)

    monkeypatch.setattr(sys, "argv", ["trainwright", *map(str, words)])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8", "surrogateescape"))))
    monkeypatch.setattr("os._exit", leave)
    try:
        cli.main()
    except SystemExit as left:
        code[0] = code[0] or int(left.code or 0)
    out, err = capsys.readouterr()
    return out, err, code[0]
