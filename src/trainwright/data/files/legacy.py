"""Which of the encodings older than UTF-8 a text is in: told by the letters that languages have, and by charset-normalizer.

In words of the Latin script most letters are ASCII, and the others are those of one language: the encoding in which they are
so is the right one (``alphabets.json`` has the languages of each). charset-normalizer, which is weak there, tells all others.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SAMPLE = 1 << 15  # bytes of words that are not ASCII
SURE = 0.97  # of the characters beyond ASCII, to be those of a language
NEAR = 0.1  # what fits so much less well may be right all the same
LATIN = 0.6  # of the letters in words that are not ASCII; beyond it the words are of another script
MIXED = (0.3, 0.95)  # the part of capitals that no text has
FEW = 8  # characters beyond ASCII, of which nothing certain can be told
# What charset-normalizer may tell: other names of the same letters, and what hardly occurs, would only be mistaken.
OTHERS = [
    "gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1251", "koi8_r", "koi8_u", "iso8859_5", "cp866", "cp1253", "iso8859_7",
    "cp1255", "cp1256", "iso8859_6", "cp874",
]  # fmt: skip
_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff](?:[A-Za-z\x80-\xff]|[@-~](?=[\x80-\xff]))*")
_BEFORE_A_LETTER = (  # quotes, Spanish marks, currencies, signs, dashes
    "\u00ab\u00bb\u201c\u201d\u201e\u201a\u2018\u2019\u00bf\u00a1\u00a3\u20ac\u00a7\u00a9\u00ae\u00a0\u00b0\u2022\u2013\u2014\u2026"
)
_IN_A_WORD = "\u2019\u00b4\u00b7\u00ad"


@dataclass(frozen=True)
class Reading:
    """A way to read a sample: as a language in an encoding, and which part of what is beyond ASCII fits."""

    encoding: str
    language: str
    fits: float
    text: str
    letters: float  # the part of the language's own letters that occur


def tell(content: Iterable[bytes], usual: str) -> tuple[str, str]:
    """Return the encoding of a text that is neither ASCII nor UTF-8, and why; empty for the ``usual`` one of the West.

    What else it could be is in the reason: of several that fit, the text itself cannot tell.
    """
    sample = b"\n".join(_words(content))
    latin = sorted(_latin(sample, usual), key=lambda each: (-each.fits, each.encoding != usual, -each.letters))
    western = next(each for each in latin if each.encoding == usual)
    beyond = sum(byte >= 0x80 for byte in sample)
    if beyond < LATIN * (len(sample) - sample.count(b"\n")) or (western.fits >= SURE and (beyond < FEW or not western.letters)):
        return _of_latin(latin, western)
    return _by_detector(sample)


def _of_latin(readings: list[Reading], western: Reading) -> tuple[str, str]:
    best = readings[0]
    clearly = best.fits >= SURE and western.fits < SURE and best.letters >= 0.4  # nothing but a few letters proves little
    chosen = best if clearly or best.fits > western.fits + 2 * NEAR else western
    near = dict[str, Reading]()
    for each in readings:
        if each.fits >= chosen.fits - NEAR and each.text != chosen.text:
            near.setdefault(each.text, each)
    others = list(near.values())[:2] or ([] if chosen is western else [western])
    names = " or ".join(f"{each.encoding} ({each.language})" for each in others)
    doubt = f"; if it is {names}, say encoding=..." if names else ""
    return ("", doubt) if chosen is western else (chosen.encoding, f"its letters are those of {chosen.language}{doubt}")


def _by_detector(sample: bytes) -> tuple[str, str]:
    """Return what charset-normalizer says of a sample that is hardly in the Latin script."""
    from charset_normalizer import from_bytes  # nothing else has a use for it

    found = sorted(from_bytes(sample, cp_isolation=OTHERS), key=lambda each: _mixes_cases(str(each)))
    if not found:
        return "", f"; charset-normalizer cannot tell it (of {len(OTHERS)} encodings); say encoding=..."
    best = found[0]
    others = [f"{each.encoding} ({each.language})" for each in found[1:3] if str(each) != str(best)]
    named = " or ".join([*others, "another"])
    return best.encoding, f"charset-normalizer: {best.language}; if it is {named}, say encoding=..."


def _mixes_cases(text: str) -> bool:
    """Return whether capitals beyond ASCII are neither few nor nearly all, as no one writes."""
    high = [letter for letter in text if not letter.isascii()]
    capitals, small = sum(map(str.isupper, high)), sum(map(str.islower, high))
    return MIXED[0] * (capitals + small) < capitals < MIXED[1] * (capitals + small)


def _words(content: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the words that are not ASCII, of the size of a sample."""
    size = 0
    for part in content:
        for found in _WORD.finditer(part):
            yield found[0][:200]
            size += min(len(found[0]), 200)
            if size > SAMPLE:
                return


def _latin(sample: bytes, usual: str) -> Iterator[Reading]:
    for encoding, languages in _alphabets().items():
        name = usual if encoding == "cp1252" else encoding
        text = sample.decode(encoding, "replace")
        found, total = _letters(text)
        for language, letters in languages.items():
            alphabet = set(letters + letters.upper())
            fits = sum(count for letter, count in found.items() if letter in alphabet or letter == "")
            own = sum(letter in found or letter.upper() in found for letter in letters)
            yield Reading(name, language, fits / max(total, 1), text, own / len(letters))


def _letters(text: str) -> tuple[Counter[str], int]:
    """Count the letters beyond ASCII where a word can have them, marks that stand where marks do as "", and all of these."""
    found, total = Counter[str](), 0
    for place, letter in enumerate(text):
        if letter.isascii():
            continue
        total += 1
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        if letter.isalpha():
            found[letter] += not (letter.isupper() and before.islower())
        elif letter != "\ufffd" and letter.isprintable() | (letter == "\u00a0"):
            inside = before.isalpha() and after.isalpha() and letter not in _IN_A_WORD
            found[""] += not inside and (not after.isalpha() or letter in _BEFORE_A_LETTER)
    return found, total


@cache
def _alphabets() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("alphabets.json").read_text(encoding="utf-8"))
    return found
