"""A run in a notebook: recognised without importing IPython, shown in one display, and escaped."""

from __future__ import annotations

import io
import sys
from types import ModuleType
from typing import Any

import pytest
from watch_samples import ODD_LABELS, make_language, make_report

from trainwright.watch.events import Epoch, Note, Scores, Started, Step
from trainwright.watch.terminal import notebook
from trainwright.watch.terminal.console import Console, open_screen
from trainwright.watch.terminal.notebook import Notebook, html, in_notebook
from trainwright.watch.terminal.screen import Bar, Line, Plain


class ZMQInteractiveShell:
    """Stands for the shell of ipykernel."""


class ColabShell(ZMQInteractiveShell):
    """Stands for a shell made from it."""


class TerminalInteractiveShell:
    """Stands for IPython on a terminal."""


class OutStream(io.StringIO):
    """Stands for the stream that a kernel puts in the place of stdout."""


class Displays:
    """Stands for IPython.display; keeps what each display showed."""

    def __init__(self) -> None:
        self.shown: list[list[dict[str, str]]] = []
        self.broken = False

    def display(self, content: dict[str, str], raw: bool, display_id: bool) -> Any:
        assert raw and display_id
        shown = [content]
        self.shown.append(shown)
        outer = self

        class Handle:
            def update(self, content: dict[str, str], raw: bool) -> None:
                if outer.broken:
                    raise OSError("the kernel has gone")
                assert raw
                shown.append(content)

        return Handle()

    def last(self) -> str:
        return self.shown[-1][-1]["text/html"]


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Displays:
    """A process that looks like the kernel of a notebook."""
    displays = Displays()
    ipython, display, iostream = ModuleType("IPython"), ModuleType("IPython.display"), ModuleType("ipykernel.iostream")
    ipython.get_ipython = ZMQInteractiveShell  # type: ignore[attr-defined]
    display.display = displays.display  # type: ignore[attr-defined]
    iostream.OutStream = OutStream  # type: ignore[attr-defined]
    for module in (ipython, display, iostream):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return displays


def test_a_notebook_is_told_by_its_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not in_notebook() and "IPython" not in sys.modules, "asking must not import it"
    ipython = ModuleType("IPython")
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert not in_notebook(), "half imported"
    for shell, expected in ((ZMQInteractiveShell, True), (ColabShell, True), (TerminalInteractiveShell, False)):
        ipython.get_ipython = shell  # type: ignore[attr-defined]
        assert in_notebook() == expected
    ipython.get_ipython = lambda: None  # type: ignore[attr-defined]
    assert not in_notebook()


def test_only_the_stream_of_the_kernel_is_a_notebook(kernel: Displays) -> None:
    assert isinstance(open_screen(OutStream(), quiet=False), Notebook)
    assert isinstance(open_screen(io.StringIO(), quiet=False), Plain), "redirected"
    assert not isinstance(open_screen(OutStream(), quiet=True), Notebook)
    sys.modules["IPython"].get_ipython = TerminalInteractiveShell  # type: ignore[attr-defined]
    assert isinstance(open_screen(OutStream(), quiet=False), Plain)
    assert kernel.shown == []


def test_a_run_is_one_display_with_table_and_bar(kernel: Displays) -> None:
    stream = OutStream()
    console = Console(stream)
    console.handle(Note("model", "lstm.v1", "a <b>reason</b>"))
    console.handle(Started(2, 20, 10, 100, "tokens"))
    assert "the first step is under way" in kernel.last()
    for epoch in (1, 2):
        for step in (1, 2):
            console._next = 0.0  # a redraw is due
            console.handle(Step(10 * (epoch - 1) + step, epoch, 0.5, 32, 0.1))
        assert "<progress" in kernel.last() and "tokens/s" in kernel.last() and f"epoch {epoch}/2" in kernel.last()
        scores = Scores(0.5, 0.9, 10, {"<i>mine</i>": 0.25})
        console.handle(Epoch(epoch, 10 * epoch, scores, None, 0.1, 1.0, epoch == 1))
    console.report(make_language(["<script>alert(1)</script>"]))
    console.close()
    assert len(kernel.shown) == 1 and stream.getvalue() == "", "one display, and nothing beside it"
    text = kernel.last()
    assert text.count("<table") == 2 and text.count("<tr>") == 1 + 3 and "<th" in text and "90.00 %</td>" in text
    assert "<progress" not in text, "the bar goes when the run is over"
    assert "a &lt;b&gt;reason&lt;/b&gt;" in text and "<b>" not in text and "<i>" not in text and "<script" not in text
    assert "&lt;i&gt;mine&lt;/i&gt;" in text and "&lt;script&gt;alert(1)" in text
    plain = kernel.shown[0][-1]["text/plain"]
    assert "train loss" in plain and "<table" not in plain, "for a front end without HTML"


def test_labels_cannot_write_to_the_page(kernel: Displays) -> None:
    Console(OutStream()).report(make_report(len(ODD_LABELS) + 1, [*ODD_LABELS, "</pre><img src=x onerror=alert(1)>"]))
    text = kernel.last()
    assert "<img" not in text and text.count("</pre>") == text.count("<pre") and "\x1b" not in text


def test_a_bar_says_how_far_it_is() -> None:
    text = html([], Bar("<b>download", 0.256, ["1 & 2", "3"]))
    assert '<progress max="1" value="0.2560">' in text and " 26 %" in text
    assert "&lt;b&gt;download" in text and "1 &amp; 2 &middot; 3" in text
    assert "<progress" not in html([], Bar("reading", None, []))


def test_a_long_run_goes_on_in_another_display(kernel: Displays) -> None:
    screen = Notebook()
    screen.bar(Bar("epoch", 0.5, []))
    screen.lines([Line("epoch", "bold", ("epoch",))])
    for number in range(500):
        screen.lines([Line(str(number), "", (str(number),))])
    screen.stop()
    assert len(kernel.shown) == 3
    ends = [shown[-1]["text/html"] for shown in kernel.shown]
    assert all(text.count("<th") == 1 and text.count("<tr>") <= notebook._MOST_LINES for text in ends), "each has its heading"
    assert not any("<progress" in text for text in ends)
    numbers = "".join(ends)
    assert all(numbers.count(f">{number}</td>") == 1 for number in range(500))


def test_a_kernel_that_has_gone_does_not_end_the_run(kernel: Displays) -> None:
    screen = Notebook()
    screen.lines([Line("a")])
    kernel.broken = True
    screen.lines([Line("b")])
    screen.bar(Bar("c", None, []))
    screen.stop()
    assert len(kernel.shown[0]) == 1


def test_notes_are_a_table_that_the_browser_breaks_and_only_the_kept_epoch_stands_out(kernel: Displays) -> None:
    console = Console(OutStream())
    console.handle(Note("a <i>name</i>", "value", "because " * 60))
    console.handle(Started(3, 3, 1, 1))
    for epoch, best in ((1, True), (2, True), (3, False)):
        parts = {f"part {k}": 0.1 for k in range(5)}
        console.handle(Epoch(epoch, epoch, Scores(0.5, 0.9, 10, parts), Scores(0.5, 0.9, 10, parts), 0.1, 1.0, best))
    console.close()
    text = kernel.last()
    notes, epochs = text.split("<table")[1:]
    assert notes.count("<tr>") == 1 and "a &lt;i&gt;name" in notes and ("because " * 60).strip() in notes
    rows = epochs.split("<tr>")[2:]
    assert [row.count("font-weight:bold") > 0 for row in rows] == [False, True, False]
    assert epochs.count("<th") == 1 + 2 * (2 + 5) + 2, "no column gives way: what is too wide scrolls"
    assert "color:" not in text, "it reads on light and dark pages alike"
