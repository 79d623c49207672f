"""How labels are spelled: which are the same, and which differ only as people type.

Blanks around a label do not count, and a whole number is the same with and without ``.0``. Where a column holds just two words
for yes and no, or 1 and 0 for them, letter case and the choice of words make no difference. Labels that differ only in letter
case, in blanks, hyphens, dots or lines between words, or in their Unicode form are different classes, unless they are merged;
``fold`` tells them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what predicts a bag of words needs no data frames
    import polars as pl

STRONG = ("|", ";", "\n", "\t")  # marks between labels: those that class names hardly hold,
WEAK = (",", "/", "&", "+", " and ", " - ", " > ", " ", "_", "-")  # and those that they may
TRUTHS = (("true", "false", "t", "f"), ("yes", "no", "y", "n"))  # words for yes and no, and short ones that mean the same
PAIRS = tuple(words[place : place + 2] for place in (0, 2) for words in TRUTHS)
RARELY, LIKE, SHORT = 20, 0.8, 4  # times more rows of the right label; how alike (difflib); letters of a label
_BETWEEN = re.compile(r"(?<=[^\W\d_])[\s._\u2010-\u2015-]+(?=[^\W\d_])|\.+$")  # letters; before a digit it may be a sign
_WHOLE = r"^([+-]?[0-9]+)\.(?:0{0,2}|0{4,})$"  # 1.000 may be a thousand


def as_text(column: pl.Series) -> pl.Series:
    """Return values as text; a list of words as a person would write it, a|b."""
    import polars as pl

    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String)).list.join("|", ignore_nulls=True)
    return column.cast(pl.String)


def tidy(labels: pl.Series) -> pl.Series:
    """Return labels as text, without blanks around them, whole numbers without ``.0``; null where nothing is left."""
    labels = labels.alias("labels")  # its own name might be a pattern to polars
    text = as_text(labels.fill_nan(None) if labels.dtype.is_float() else labels).str.strip_chars()
    return text.set(text == "", None).str.replace(_WHOLE, "$1")


def fold(label: str) -> str:
    """Return what a label has in common with those that differ from it only as people type."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
    shown = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")  # of no width, or a soft hyphen
    return _BETWEEN.sub("", " ".join(shown.split()))


def truths(labels: Collection[str]) -> dict[str, bool]:
    """Return which words mean yes and which no, where the labels are just such words and say both; else nothing.

    The words are those of ``TRUTHS`` that fit, in lower case, with 1 and 0.
    """
    found = {label.casefold() for label in labels}
    meant: dict[str, bool] = {}
    for yes, no, y, n in TRUTHS:
        words = {yes: True, no: False, y: True, n: False, "1": True, "0": False}
        if found <= words.keys() and len({words[word] for word in found}) == 2:
            meant |= words
    return meant


def unify(counts: Mapping[str, int], merge: bool) -> tuple[dict[str, str], list[list[str]]]:
    """Return what each label that changes becomes, and the groups of labels that differ only as people type.

    ``counts`` is how often each tidy label occurs; of those that are merged the most frequent gives the name.
    """
    meant = truths(counts)
    if meant:
        if len(counts) == 2:
            return {}, []
        known = {label.casefold() for label in counts}
        word = next((pair for pair in PAIRS if not known.isdisjoint(pair)), PAIRS[0])
        return {label: word[0] if meant[label.casefold()] else word[1] for label in counts}, []
    alike: dict[str, list[str]] = {}
    for label in sorted(counts, key=lambda label: (-counts[label], label)):
        alike.setdefault(fold(label), []).append(label)
    groups = [group for group in alike.values() if len(group) > 1]
    return {label: group[0] for group in groups for label in group} if merge else {}, groups


def spellings(names: Collection[str], merged: bool) -> dict[str, str]:
    """Return, by what ``fold`` makes of a label, the one of ``names`` that it stands for."""
    meant = truths(names)
    of_truth = {meant[name.casefold()]: name for name in names} if meant else {}
    return {word: of_truth[truth] for word, truth in meant.items()} | ({fold(name): name for name in names} if merged else {})


def slips(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return labels of few rows that are hardly spelled otherwise than one of many: pairs of it and that one.

    ``counts`` is how often each tidy label occurs. Labels with digits are names of their own, and short ones differ by a
    letter.
    """
    import difflib

    most = max(counts.values(), default=0)
    common = [name for name in counts if RARELY * counts[name] >= most and len(name) >= SHORT]
    found = []
    for name, count in counts.items():
        if len(name) < SHORT or any(letter.isdigit() for letter in name):
            continue
        often = [each for each in common if counts[each] >= RARELY * count and fold(each) != fold(name)]
        if often and (near := difflib.get_close_matches(name, often, n=1, cutoff=LIKE)):
            found.append((name, near[0]))
    return found
