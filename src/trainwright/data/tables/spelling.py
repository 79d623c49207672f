"""How labels are spelled: which are the same, and which differ only as people type.

Blanks around a label do not count, and a whole number is the same with and without ``.0``. Where a column holds just two words
for yes and no, or 1 and 0 for them, letter case and the choice of words make no difference. Labels that differ only in letter
case, in blanks, hyphens, dots or lines between words, or in their Unicode form are different classes, unless they are merged;
``fold`` tells them.
"""

from __future__ import annotations

import re
import statistics
import unicodedata
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what predicts a bag of words needs no data frames
    import polars as pl

STRONG = ("|", ";", "\n", "\t")  # marks between labels: those that class names hardly hold,
WEAK = (",", "/", "&", "+", " and ", " - ", " > ", " ", "_", "-")  # and those that they may
TRUTHS = (("true", "false", "t", "f"), ("yes", "no", "y", "n"))  # words for yes and no, and short ones that mean the same
PAIRS = tuple(words[place : place + 2] for place in (0, 2) for words in TRUTHS)
RARELY, LIKE = 20, 0.8  # times more rows of the right label; how alike (difflib)
TYPED = 5  # times more rows of the right label, where one letter was typed wrongly
SHORT = 4  # letters of a word; shorter ones, such as those of "type I" and "class b", are names of their own
_BETWEEN = re.compile(r"(?<=[^\W\d_])[\s._\u2010-\u2015-]+(?=[^\W\d_])|\.+$")  # letters; before a digit it may be a sign
_WORD = re.compile(r"[^\W\d_]+")
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

    ``counts`` is how often each tidy label occurs. Where a letter behind the first of a word is missing, too many, another or
    in another place, as in most of what is mistyped (Damerau 1964, CACM 7:171; Pollock and Zamora 1984, CACM 27:358), the right
    one has ``TYPED`` times the rows, and so has the middle class; otherwise ``RARELY`` times. Labels with digits, and those
    that differ in a short word or in the first letter, are names of their own.
    """
    import difflib

    lettered = {name: each for name, each in counts.items() if not any(letter.isdigit() for letter in name)}
    most = max(counts.values(), default=0)
    middle = statistics.median([each for each in counts.values() if each > 1] or [0])
    known: dict[str, str] = {}  # by what is left of names without a letter: the most frequent
    for name in sorted(lettered, key=lambda name: (-lettered[name], name)):
        known.update({key: name for key in _less_a_letter(name) if key not in known})
    common = [name for name in counts if RARELY * counts[name] >= most and len(name) >= SHORT]
    found = []
    for name, count in lettered.items():
        typed = [known[key] for key in _less_a_letter(name)] if TYPED * count <= middle else []
        often = [each for each in common if counts[each] >= RARELY * count and each[0].casefold() == name[0].casefold()]
        near = [each for each in typed if counts[each] >= TYPED * count]
        near += difflib.get_close_matches(name, often, n=1, cutoff=LIKE)
        if near := [each for each in near if fold(each) != fold(name) and not _differ_in_short_words(name, each)]:
            found.append((name, max(near, key=lambda each: (counts[each], each))))
    return found


def _less_a_letter(name: str) -> set[str]:
    """Return a name as it is and without each of its letters but the first of a word."""
    found = {name}
    for word in _WORD.finditer(name):
        found |= {name[:place] + name[place + 1 :] for place in range(word.start() + 1, word.end())}
    return found


def _differ_in_short_words(name: str, other: str) -> bool:
    """Return whether a word that only one of two names has is short."""
    words = ({*_WORD.findall(each)} for each in (name, other))
    return any(len(word) < SHORT for word in set.symmetric_difference(*words))
