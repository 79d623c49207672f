"""Texts that nobody wrote so are told from those that somebody did."""

from __future__ import annotations

import polars as pl
import pytest

from trainwright.data.text.oddities import odd_texts, other_script, very_long

FINE = [
    "A fine film, 5 < 6 & 7 > 2.", "na\u00efve caf\u00e9 \u2014 \u201cquoted\u201d, \u20ac5", "\u00c3 la carte",
    "x = List<String>",
    "#1 of 10", "no",
    "\u00d0\u00d1 \u043f\u0440\u0438\u0432\u0435\u0442", "a\tb\nc", "aaab", "\u00c2ne", "", "   ", "!",
]  # fmt: skip
ODD = {
    "one-character": ["aaaa", "........", " ---- ", "\u4e2d\u4e2d\u4e2d"],
    "markup": ["<p>Hello</p>", "a<br />b", "Tom &amp; Ann", "it&#39;s", "it #39;s", '<a href="x">y</a>'],
    "odd-characters": ["a\x00b", "bell\x07", "lost \ufffd mark", "\ue000"],
}


@pytest.mark.parametrize("text", FINE)
def test_what_people_write_is_fine(text: str) -> None:
    found = odd_texts(pl.Series([text]))
    assert not [name for name, each in found.items() if each.any()]


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in ODD.items() for text in texts])
def test_what_nobody_writes_is_found(name: str, text: str) -> None:
    assert [kind for kind, each in odd_texts(pl.Series([text, "fine"])).items() if each.any()] == [name]


@pytest.mark.parametrize(
    "text", ["caf\u00e9", "don\u2019t", "\u201cwell\u201d \u2014 no", "\u00fcber", "\u20ac5", "gar\u00e7on"]
)
@pytest.mark.parametrize("wrong", ["cp1252", "latin-1"])
def test_utf_8_read_as_something_else_is_found(text: str, wrong: str) -> None:
    spoilt = text.encode().decode(wrong, "replace").replace("\ufffd", "")
    assert odd_texts(pl.Series([spoilt]))["mojibake"].to_list() == [True]
    assert odd_texts(pl.Series([text]))["mojibake"].to_list() == [False]


def test_long_texts_and_other_scripts() -> None:
    lengths = pl.Series([100] * 300 + [50_000])
    assert very_long(lengths).arg_true().to_list() == [300]
    assert not very_long(pl.Series([10, 900] * 50)).any() and not very_long(pl.Series([], dtype=pl.UInt32)).any()
    texts = pl.Series(
        ["a film", "noch ein Film", "\u043f\u0440\u0438\u0432\u0435\u0442", "ok \u4e2d\u6587\u4e2d\u6587", "123", "with \u03b1"]
    )
    script, other = other_script(texts)
    assert script == "Latin" and other.arg_true().to_list() == [2, 3]
    assert not other_script(pl.Series(["\u4e2d\u6587", "\u3053\u308c\u306f\u4e2d\u6587", "\u30c6\u30b9\u30c8"]))[1].any()
