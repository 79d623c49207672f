"""No word out of data, of a name or of a setting is a command: not to a terminal, not in the page of a model."""

from __future__ import annotations

import io
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from samples import news_rows, write_csv

import trainwright as tw
from trainwright import cli
from trainwright.watch import words

EVIL = "\x1b]0;bad\x07\x9b31m<script>alert(1)</script>\u202e"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run whose labels, columns, texts, source and name hold commands."""
    folder = tmp_path_factory.mktemp("evil")
    rows = [(f"{label}{EVIL}", f"{EVIL} {text}") for label, text in news_rows(60)]
    source = write_csv(folder / f"a{EVIL.replace('/', '')}.csv", rows, (f"label{EVIL}", "text"))
    tw.train(source, label=f"label{EVIL}", epochs=1, device="cpu", out=folder / "run", listen=lambda event: None)
    (folder / "run").rename(folder / f"run{EVIL.replace('/', '')}")
    return folder


RUN, SOURCE = "RUN", "SOURCE"
COMMANDS = [
    ("report", RUN), ("report", RUN, "--json"), ("runs", "."), ("runs", ".", "--json"), ("evaluate", RUN), ("verify", RUN),
    ("predict", RUN, "moon"), ("predict", RUN, "moon", "--top", "3"), ("predict", RUN, "moon", "--json"),
    ("predict", RUN, SOURCE), ("mistakes", RUN), ("mistakes", RUN, "--csv"), ("explain", RUN, f"moon {EVIL}"),
    ("resume", RUN), ("evaluate", RUN, "other.csv"), ("train", SOURCE, f"label={EVIL}"), ("train", f"{EVIL}.csv"),
    ("train", SOURCE, f"{EVIL}=1"), ("train", SOURCE, "--out", RUN), (EVIL,), ("report", EVIL),
    ("train", SOURCE, f"model={EVIL}"),
    ("story", RUN, "--out", f"{EVIL}/story.html"), ("settings", EVIL), ("train", SOURCE, f"--{EVIL}"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command)[:30].encode("ascii", "ignore").decode())
def test_nothing_out_of_data_commands_a_terminal(command: tuple[str, ...], evil: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {RUN: next(evil.glob("run*")).name, SOURCE: next(evil.glob("a*.csv")).name}
    write_csv(evil / "other.csv", [("none", "none")])
    said = Terminal()
    monkeypatch.chdir(evil)
    monkeypatch.setattr(sys, "argv", ["trainwright", *(names.get(word, word) for word in command)])
    monkeypatch.setattr(sys, "stdout", said)
    monkeypatch.setattr(sys, "stderr", said)

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr("os._exit", leave)
    with pytest.raises(SystemExit):
        cli.main()
    assert said.getvalue() and "Traceback" not in said.getvalue()
    styled = re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue())  # colours of our own
    assert not [each for each in styled if each not in "\n\t" and unicodedata.category(each).startswith("C")], said.getvalue()


def test_the_page_of_a_model_holds_no_html(evil: Path) -> None:
    page = (next(evil.glob("run*")) / "model" / "README.md").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page and not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", page)
    assert words.markdown("*a* [b](c) `d` <e>\n# f_g & h") == r"\*a\* \[b\]\(c\) \`d\` &lt;e&gt; \# f\_g &amp; h"


def test_a_run_is_named_so_that_it_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "news.csv", news_rows(60))
    run = tw.train("news.csv", epochs=1, device="cpu", out="-dash it", listen=lambda event: None)
    assert "trainwright predict './-dash it'" in (run.path / "model" / "README.md").read_text()
    (run.path / "report.json").unlink()
    with pytest.raises(tw.TrainwrightError, match=re.escape("trainwright resume './-dash it'")):
        _ = tw.load("-dash it").report
