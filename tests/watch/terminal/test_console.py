"""What a run looks like in a pipe, on a terminal, and to somebody whose labels mean harm."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import unicodedata
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watch_samples import ODD_LABELS, make_report, python_environment

from trainwright.watch import scores, summary, words
from trainwright.watch.events import Epoch, Event, Finished, Note, Progress, Scores, Started, Step
from trainwright.watch.terminal import console as console_module
from trainwright.watch.terminal.console import Console, open_screen
from trainwright.watch.terminal.screen import Plain

ESCAPE = "\x1b"


def run_of(epochs: int = 3, accuracy: float | None = 0.9, valid: bool = True) -> list[Event]:
    events: list[Event] = [Note("model", "bag.v1", "8,100 short texts"), Started(epochs, epochs * 10, 10, 320)]
    for epoch in range(1, epochs + 1):
        events += [Step(10 * (epoch - 1) + k, epoch, 0.5 / k, 32, 0.1) for k in range(1, 11)]
        scores = Scores(0.5 / epoch, accuracy, 320)
        events.append(Epoch(epoch, 10 * epoch, scores, scores if valid else None, 0.1, 0.25, best=epoch == 2))
    return [*events, Finished("epochs", 10 * epochs, epochs, 2, 1.5)]


def shown(events: list[Event], stream: io.TextIOBase | None = None, quiet: bool = False) -> str:
    stream = stream or io.StringIO()
    console = Console(stream, quiet)  # type: ignore[arg-type]
    for event in events:
        console.handle(event)
    console.close()
    return stream.getvalue() if isinstance(stream, io.StringIO) else ""


def test_piped_lines_are_plain_and_aligned() -> None:
    text = shown(run_of())
    assert ESCAPE not in text and "\r" not in text
    head, *rows = [line for line in text.splitlines() if re.match(r"\s+(epoch|\d+)  ", line)]
    assert len(rows) == 3
    for name in ("epoch", "train loss", "train acc", "valid loss", "valid acc", "seconds"):
        end = head.index(name) + len(name)
        assert all(row[end - 1].strip() and row[end : end + 1].strip() == "" for row in rows), name
    assert [words.STAR in row for row in rows] == [False, True, False]
    assert "0.2500" in rows[1] and "90.00 %" in rows[1]
    assert "  model            bag.v1            8,100 short texts" in text
    assert "30 steps in 1.5 s" in text and "kept: epoch 2" in text


def test_scores_without_meaning_have_no_column() -> None:
    text = shown(run_of(accuracy=None))
    assert "acc" not in text and "valid loss" in text
    assert "valid" not in shown(run_of(valid=False))


def test_a_column_that_comes_later_gets_a_new_heading() -> None:
    scores = Scores(0.5, None, 10)
    epochs = [
        Epoch(1, 1, scores, None, 0.1, 1.0, False),
        Epoch(2, 2, scores, scores, 0.1, 1.0, True),
        Epoch(3, 3, scores, None, 0.1, 1.0, False),
    ]
    text = shown([*epochs])
    assert text.count("train loss") == 2 and text.count("valid loss") == 1
    assert text.splitlines()[-1].split() == ["3", "0.5000", "-", "1.00"]


def test_quiet_shows_nothing() -> None:
    stream = io.StringIO()
    shown(run_of(), stream, quiet=True)
    console = Console(stream, quiet=True)
    console.line("x")
    console.report(make_report())
    console.handle(Progress("reading", 10, 10))
    console.close()
    assert stream.getvalue() == ""


def test_long_notes_wrap_within_their_column() -> None:
    text = shown([Note("model", "bag.v1", "reason " * 40), Note("source", "/long/path" * 30, "given")])
    lines = text.splitlines()
    assert all(len(line) <= 100 for line in lines)
    assert len(lines) > 4 and lines[1].startswith(" " * 37 + "reason")
    assert "".join(lines).replace(" ", "").endswith("(given)")


def test_long_jobs_leave_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, *[float(k) for k in range(200)]])
    monkeypatch.setattr(console_module, "perf_counter", lambda: next(now))
    text = shown([*(Progress("download", k * 10**6, 12 * 10**6, "bytes") for k in range(13)), Note("a", "b", "c")])
    assert re.search(r"^  download +12\.0 MB", text, re.M)
    assert "% " in text and "of 12.0 MB" in text  # after five seconds there is a sign of life
    assert len(text.splitlines()) == 3


def test_a_slow_epoch_leaves_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(console_module, "perf_counter", lambda: clock[0])
    stream = io.StringIO()
    console = Console(stream)
    console.handle(Started(1, 100, 100, 3200))
    for step in range(1, 101):
        clock[0] += 1
        console.handle(Step(step, 1, 0.5, 32, 0.1))
    text = stream.getvalue()
    assert len(text.splitlines()) == 3, "one line in thirty seconds"
    assert "epoch 1/1" in text and "steps/s" in text and "left" in text


def test_rate_counts_only_the_steps_of_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(console_module, "perf_counter", lambda: clock[0])
    stream = io.StringIO()
    console = Console(stream)
    console.handle(Started(2, 2000, 1000, 64000))
    for step in range(1001, 1101):  # resumed after step 1,000; one step a second
        clock[0] += 1
        console.handle(Step(step, 2, 0.5, 32, 0.1))
    line = stream.getvalue().splitlines()[0]
    assert "1 steps/s" in line and "32 rows/s" in line and "16:09 left" in line, line


def test_lines_are_printed_as_they_are_but_for_control_characters() -> None:
    stream = io.StringIO()
    Console(stream).line("  two [red]words[/red]\n\x1b[31m\x07  end")
    assert stream.getvalue() == "  two [red]words[/red]\n\ufffd[31m\ufffd  end\n"


def test_ascii_streams_get_plain_marks() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    console = Console(stream)
    for event in run_of():
        console.handle(event)
    console.line("caf\u00e9 " + words.ELLIPSIS)
    console.close()
    text = raw.getvalue().decode("ascii")
    assert re.search(r"^ +2 .* \*$", text, re.M) and "caf? ~" in text


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_closed_pipe_does_not_end_the_run() -> None:
    shown(run_of(), Broken())
    closed = io.StringIO()
    closed.close()
    console = Console(closed)
    console.line("nobody is there")


def test_rich_and_torch_stay_out_of_a_pipe() -> None:
    code = (
        "import sys; from trainwright.watch.terminal.console import Console; from trainwright.watch.events import *\n"
        "c = Console(sys.stdout); c.handle(Note('a', 'b', 'c')); c.handle(Started(1, 1, 1, 1))\n"
        "c.handle(Epoch(1, 1, Scores(1.0, 0.5, 1), None, 0.1, 1.0, True)); c.close()\n"
        "heavy = {'rich', 'torch', 'polars', 'pydantic', 'matplotlib', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=python_environment())
    assert done.returncode == 0, done.stderr
    assert "train loss" in done.stdout and ESCAPE not in done.stdout


def slowly(console: Console, events: list[Event]) -> None:
    """By the console's clock each event comes a thirtieth of a second after the one before it."""
    with pytest.MonkeyPatch.context() as patch:
        for number, event in enumerate(events):
            patch.setattr(console_module, "perf_counter", partial(float, 1000 + number / 30))
            console.handle(event)


def test_terminal_has_a_bar_below_the_table(terminal) -> None:  # type: ignore[no-untyped-def]
    screen = terminal()
    console = Console(screen.stream)
    slowly(console, run_of(epochs=4))
    console.close()
    text = screen.text()
    assert "\u2501" in text and "steps/s" in text and "rows/s" in text and "left" in text and "epoch 2/4" in text
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    rows = re.findall(r"^ +(\d) +0\.\d{4}", plain.replace("\r", "\n"), re.M)
    assert rows == ["1", "2", "3", "4"]
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") > 0, "the cursor must be given back"
    assert text.count("steps/s") <= 7 + 4, "more than five redraws a second and one an epoch"


def test_many_quick_epochs_all_get_their_row(terminal) -> None:  # type: ignore[no-untyped-def]
    screen = terminal()
    console = Console(screen.stream)
    for event in run_of(epochs=300):
        console.handle(event)
    console.close()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.text())
    assert [int(row) for row in re.findall(r"^ *(\d+) +0\.\d+ ", plain, re.M)] == list(range(1, 301))


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_the_bar_never_wraps(terminal, columns: int) -> None:  # type: ignore[no-untyped-def]
    screen = terminal(columns)
    console = Console(screen.stream)
    slowly(console, run_of()[1:-1][:30])
    console.close()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.text())
    bars = [line for line in re.split(r"[\r\n]+", plain) if re.search(r"epoch \d/", line)]
    assert columns < 40 or words.ELLIPSIS not in plain, "facts are shown whole or not at all"
    assert len(bars) > 1 and all(len(line) <= columns for line in bars)


def test_no_color_and_dumb_terminals(terminal, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("NO_COLOR", "1")
    screen = terminal()
    console = Console(screen.stream)
    slowly(console, run_of())
    console.close()
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", screen.text())
    monkeypatch.setenv("TERM", "dumb")
    screen = terminal()
    assert isinstance(open_screen(screen.stream, quiet=False), Plain)
    console = Console(screen.stream)
    slowly(console, run_of())
    console.close()
    text = screen.text()
    assert ESCAPE not in text and "train loss" in text and "under way" not in text


def test_steps_between_two_redraws_are_only_counted(terminal, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    looked: list[float] = []
    monkeypatch.setattr(console_module, "perf_counter", lambda: looked.append(0.0) or 1000.0)
    screen = terminal()
    console = Console(screen.stream)
    console.handle(Started(1, 400_000, 400_000, 10**7))
    console.handle(Step(1, 1, 0.5, 32, 0.1))
    looked.clear()
    for step in range(2, 1000):
        console.handle(Step(step, 1, 0.5, 32, 0.1))
    assert len(looked) == 998, "a step looks at the clock once"
    console.close()
    assert "steps/s" not in screen.text()


def test_report_says_the_score_and_what_it_had_to_beat() -> None:
    stream = io.StringIO()
    Console(stream).report(make_report())
    text = stream.getvalue()
    assert re.search(r"test accuracy +\d\d\.\d\d %   95 % interval \d\d\.\d\d to \d\d\.\d\d % +n = \d+", text)
    assert re.search(r"macro F1 +85\.00 %", text)
    assert re.search(r"baseline +25\.00 %   95 % interval 24\.00 to 26\.00 % +majority class, class 0", text)
    assert "points above the baseline" in text
    assert "train 1:15" in text and "1,234,567" in text and "123,457 rows/s" in text and "3 rejected" in text


def test_report_is_honest_about_a_model_that_learned_nothing() -> None:
    report = make_report()
    report["baseline"]["accuracy"] = 0.999
    assert scores.verdict(report) == "the model does not beat the baseline"
    report["baseline"].update(accuracy=report["test"]["accuracy"] - 0.005, interval=[0.0, 0.99])
    assert "not clearly better" in scores.verdict(report)


def test_report_without_test_or_accuracy() -> None:
    report = make_report()
    report["test"] = None
    assert "no test rows" in "\n".join(summary.lines(report))
    report["test"] = {"loss": 1.5, "accuracy": None, "n": 10, "interval": None}
    report["baseline"] = None
    report["valid"] = None
    text = "\n".join(summary.lines(report))
    assert re.search(r"test loss +1\.5000 +n = 10", text) and "accuracy" not in text


def test_report_shows_the_worst_of_many_classes() -> None:
    lines = summary.lines(make_report(40))
    start = next(k for k, line in enumerate(lines) if line.startswith("Test rows by class"))
    assert "the 12 of 40 classes with the lowest F1" in lines[start]
    names = [line.split("   ")[0].strip() for line in lines[start + 2 : start + 14]]
    assert names == [f"class {k}" for k in range(12)]
    assert lines[start + 14] == ""


def test_confusions_are_counted_against_the_right_class() -> None:
    found = summary.confusions(["a", "b", "c"], [[8, 2, 0], [5, 5, 0], [0, 0, 0]], 5)
    assert found == [("b", "a", 5, 0.5), ("a", "b", 2, 0.2)]


@pytest.mark.parametrize("on_terminal", [False, True])
def test_labels_cannot_write_to_the_screen(terminal, on_terminal: bool) -> None:  # type: ignore[no-untyped-def]
    report = make_report(len(ODD_LABELS), ODD_LABELS)
    report["source"] = "\x1b]0;title\x07.csv"
    if on_terminal:
        screen = terminal()
        Console(screen.stream).report(report)
        text = screen.text()
        codes = re.findall(r"\x1b[^m]*m", text)
        assert set(codes) <= {"\x1b[1m", "\x1b[0m"}, "only our own codes"
        text = re.sub(r"\x1b\[[01]m", "", text)
    else:
        stream = io.StringIO()
        Console(stream).report(report)
        text = stream.getvalue()
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c not in "\r\n"]
    assert "[red]x[/red]" in text, "brackets are text, not markup"
    assert "a" * 40 not in text and "a" * 20 + words.ELLIPSIS in text


@given(st.text(max_size=40), st.integers(2, 30))
def test_foreign_text_is_one_harmless_line_that_fits(text: str, cells: int) -> None:
    line = words.clip(text, cells)
    assert line.isprintable() and words.width(line) <= cells
    assert words.clean(words.clean(text)) == words.clean(text)
    assert all(words.width(part) <= cells for part in words.wrap(text, cells))
    words.encodable(line, "utf-8").encode()
    words.encodable(text, "latin-1").encode("latin-1")


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.30259, "2.3026"), (0.5, "0.5000"), (0.012346, "0.01235"), (1.2346e-7, "1.235e-07"), (12345.678, "1.235e+04"),
     (0.0, "0.0000"), (float("nan"), "nan"), (float("inf"), "inf"), (-0.25, "-0.2500")],
)  # fmt: skip
def test_losses_are_written_one_way(value: float, text: str) -> None:
    assert words.loss(value) == text


def test_numbers_are_written_one_way() -> None:
    assert words.percent(0.91234) == "91.23 %" and words.count(1234567) == "1,234,567"
    assert words.interval([0.9, 0.95]) == "95 % interval 90.00 to 95.00 %" and words.interval(None) == ""
    assert words.clock(3725) == "1:02:05" and words.clock(59.6) == "1:00" and words.seconds(0.0123) == "0.012 s"
    assert words.rate(0.0213) == "0.0213" and words.rate(1234.5) == "1,234"
