"""Lines of a file that grows, is torn, cut back or replaced; and curves that stay small."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from trainwright.live import tail
from trainwright.live.tail import Curve, Lines
from trainwright.plain_files import content


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_torn_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = Lines(path)
    assert lines.read() == (False, [])
    append(path, "one\ntw")
    assert lines.read() == (False, [b"one"])
    assert lines.read() == (False, [])
    append(path, "o\nthree\n")
    assert lines.read() == (False, [b"two", b"three"])


def test_a_file_that_was_cut_back_begins_anew_even_where_it_has_grown_beyond(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("one\ntwo\nthree\n")
    lines = Lines(path)
    assert lines.read().lines == [b"one", b"two", b"three"]
    os.truncate(path, 4)
    append(path, "resumed\ntwo\nthree\nfour\n")
    assert lines.read() == (True, [b"one", b"resumed", b"two", b"three", b"four"])
    os.truncate(path, 4)
    assert lines.read() == (True, [b"one"])
    path.unlink()
    assert lines.read() == (True, [])
    path.write_text("new\n")
    assert lines.read() == (False, [b"new"])


def test_much_is_read_in_parts_and_a_line_too_long_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "PART", 100)
    path = tmp_path / "events.jsonl"
    wanted = [f"line {number}".encode() for number in range(60)]
    path.write_bytes(b"\n".join([*wanted[:30], b"x" * 350, *wanted[30:]]) + b"\n")
    lines, found = Lines(path), []
    for _ in range(20):
        found += lines.read().lines
    assert found == wanted


def test_a_link_and_a_pipe_are_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    (tmp_path / "link").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        assert Lines(tmp_path / name).read() == (False, [])
        with pytest.raises(OSError):
            content(tmp_path / name, 100)
    with pytest.raises(OSError, match="3 are the most"):
        content(secret, 3)
    assert content(secret, 7) == b"secret\n"


def test_a_curve_of_a_million_points_keeps_few_and_the_last() -> None:
    curve = Curve(400)
    for place in range(1_000_000):
        curve.add(place, 2 * place)
    points = curve.points
    assert 200 <= len(points) <= 401 and points[0] == (0, 0) and points[-1] == (999_999, 1_999_998)
    gaps = [after[0] - before[0] for before, after in itertools.pairwise(points[:-1])]
    assert max(gaps) <= 2 * min(gaps), "evenly spread"


def test_a_place_that_comes_again_takes_back_what_followed() -> None:
    curve = Curve(100)
    for place in (1, 2, 3, 4, 5, 3, 4):
        curve.add(place, f"{place} of {len(curve.points)}")
    assert curve.points == [(1, "1 of 0"), (2, "2 of 1"), (3, "3 of 5"), (4, "4 of 3")]
