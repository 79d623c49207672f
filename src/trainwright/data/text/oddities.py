"""Texts that nobody wrote so: placeholders, letters that were decoded wrongly, left over HTML, characters that nobody types."""

from __future__ import annotations

import polars as pl

_TAGS = "a|b|i|p|br|hr|div|span|li|ul|ol|table|tr|td|th|img|h[1-6]|strong|em|font|script|style|html|body|head|center|pre|code"
# What UTF-8 becomes where it is read as Windows-1252 or Latin-1: a lead byte of two or three as a letter, then a mark.
_WINDOWS = "\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d\u2018\u2019\u201c\u201d\u2022"
_TRAIL = f"[\u0080-\u00bf{_WINDOWS}\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178]"
PATTERNS = {
    "mojibake": rf"[\u00c3\u00d0\u00d1]{_TRAIL}|\u00c2[\u0080-\u00bf]|\u00e2{_TRAIL}{{2}}|\u00ef\u00bb\u00bf",
    "markup": rf"(?i)</?(?:{_TAGS})(?:\s[^<>]*)?/?>|&(?:amp|lt|gt|quot|nbsp|apos|#x?[0-9a-f]{{1,5}});|#[0-9]{{2,4}};",
    "odd-characters": "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0080-\u0084\u0086-\u009f\ufffd\ue000-\uf8ff]",
}
SHORTEST = 4  # characters of a text that one repeated character makes up
LONG, OFTEN = 1000, 3  # characters of a text that is called long; times what all but one in a hundred have


def odd_texts(texts: pl.Series) -> dict[str, pl.Series]:
    """Return which texts are odd, and how: bool (texts,) by the name of a finding."""
    texts = texts.alias("texts").fill_null("")
    found = {name: texts.str.contains(pattern) for name, pattern in PATTERNS.items()}
    long = texts.str.len_bytes() >= SHORTEST
    bare = pl.select(texts.str.strip_chars().str.strip_chars(texts.str.strip_chars().str.head(1))).to_series() == ""
    filled = texts.str.contains(r"\S")
    return {"one-character": long & bare & filled, **found}


def very_long(lengths: pl.Series) -> pl.Series:
    """Return which texts of these lengths, in characters, are far longer than nearly all others: bool (texts,)."""
    if not len(lengths):
        return lengths > 0
    return lengths > max(LONG, OFTEN * float(lengths.quantile(0.99) or 0))


def scripts(texts: pl.Series) -> pl.DataFrame:
    """Return how many letters of each script the texts have: a column each."""
    texts = texts.alias("texts").fill_null("")
    names = ("Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Han", "Hangul", "Devanagari", "Thai")
    counts = {name: texts.str.count_matches(rf"\p{{{name}}}") for name in names}
    counts["Kana"] = texts.str.count_matches(r"[\p{Hiragana}\p{Katakana}]")
    return pl.DataFrame(counts)


def other_script(texts: pl.Series) -> tuple[str, pl.Series]:
    """Return the script of most letters, and which texts have most of their letters in another one: bool (texts,)."""
    counts = scripts(texts)
    total = counts.sum_horizontal()
    if not len(counts) or not total.sum():
        return "", pl.repeat(False, len(texts), eager=True)
    most = max(counts.columns, key=lambda name: int(counts[name].sum()))
    own = counts["Han"] + counts["Kana"] if most in ("Han", "Kana") else counts[most]
    return most, (total > 0) & (2 * own < total)
