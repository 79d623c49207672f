"""Which letters a file's bytes stand for: told from the whole content, never from the platform's locale.

In order: a byte-order mark; UTF-16 without one, by how its commas, spaces and line ends lie; valid UTF-8 over the whole
file; UTF-8 with a few damaged bytes (the rows that hold them are rejected); else what ``legacy`` tells by the letters, and of
the usual ones of the West Windows-1252 where a byte of 0x80-0x9f is used (Latin-1 has only control codes there), and Latin-1
where none is or where Windows-1252 does not define it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from trainwright.errors import TrainwrightError, error

LOOKED_AT_BYTES = 1 << 16
_MARKS = [ord(mark) for mark in '\t\n\r ,;"']
_C1 = re.compile(rb"[\x80-\x9f]")
_NOT_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
DAMAGED = re.compile("[\udc80-\udcff]")  # the bytes that ``decode`` could not, each as a surrogate
_JAPANESE = re.compile(rb"\x1b\$[@B]")
_FOUR_BYTES = re.compile(rb"[\x81-\x84][0-9][\x81-\xfe][0-9]")  # of one character in GB18030; hardly anything elsewhere
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")


def encoding_of(content: Iterable[bytes], path: Path, named: str = "", binding: bool = True) -> tuple[str, str]:
    """Return the name of the encoding of ``content``, whose parts are gone through several times, and the reason.

    One that is ``named`` is taken as it is where it is ``binding``, else where the content does not prove another.
    Raise E117 for UTF-32, E191 where the content is not in the encoding named.
    """
    if named and binding:
        return _given(content, path, named)
    head = next(iter(content))[:LOOKED_AT_BYTES]
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise error("E117", path=path, encoding="UTF-32", why="this is not supported")
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", "it starts with the UTF-8 byte-order mark"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "it starts with a UTF-16 byte-order mark"
    found = _utf16(head, content) or _utf8(content)
    if not found and named and not _damage(content, named)[0]:
        found = named, "as in training, and no byte contradicts"
    return found or _older(content)


def _given(content: Iterable[bytes], path: Path, named: str) -> tuple[str, str]:
    """Return the encoding that a person named. Raise E191 where more than a few characters are not in it."""
    bad, beyond = _damage(content, named)
    if bad * 10 > beyond:
        byte, why = _first_damage(content, named)
        row = 1 + sum(part.count(b"\n") for part in _upto(content, byte))
        raise error("E191", path=path, encoding=named, why=why, where=f"{path}, row {row:,}, byte {byte:,}")
    if not named.startswith("utf") and not all(map(bytes.isascii, content)) and _decodes(content, "utf-8"):
        return named, "as given, although every byte of the file is valid UTF-8"
    return named, "as given"


def _damage(content: Iterable[bytes], encoding: str) -> tuple[int, int]:
    """Return how many bytes are damaged, and how many characters are beyond ASCII; of what is cut or wide, all or none."""
    bad = beyond = 0
    try:
        for text in texts_of(content, encoding, errors_of(encoding)):
            bad += bad_bytes(text)
            beyond += len(_BEYOND_ASCII.findall(text))
    except UnicodeError:
        return 1, 0
    return bad, beyond


def _first_damage(content: Iterable[bytes], encoding: str) -> tuple[int, str]:
    """Return the byte at which the content stops to be in an encoding, and why."""
    try:
        for _ in texts_of(content, encoding):
            pass
    except UnicodeDecodeError as problem:
        return problem.start, problem.reason
    except UnicodeError as problem:
        return 0, str(problem)
    return 0, "no byte of it"


def _upto(content: Iterable[bytes], end: int) -> Iterator[bytes]:
    for part in content:
        yield part[:end]
        end = max(end - len(part), 0)


def errors_of(encoding: str) -> str:
    """Return how damaged bytes are met: they become surrogates, but for encodings whose letters have several bytes each."""
    return "strict" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"


def decode(data: bytes, encoding: str, path: Path) -> str:
    """Return ``data`` as text, damaged bytes as surrogates. Raise E117 for UTF-16 that is cut or damaged."""
    try:
        return data.decode(encoding, errors_of(encoding))
    except UnicodeDecodeError as problem:
        raise not_decoded(problem, encoding, path) from problem


def not_decoded(problem: UnicodeDecodeError, encoding: str, path: Path) -> TrainwrightError:
    """Return E117, with the place in the file."""
    return error("E117", path=path, encoding=encoding, why=problem.reason, where=f"{path}, byte {problem.start:,}")


def bad_bytes(text: str) -> int:
    """Return how many damaged bytes ``decode`` met in this text."""
    return 0 if text.isascii() else len(DAMAGED.findall(text))


def text_fault(text: str) -> str:
    """Return what keeps a decoded record from being used as text, or an empty string."""
    if "\0" in text:
        return "a NUL byte where text is expected"
    if bad := bad_bytes(text):
        return f"{bad} byte{'s' * (bad != 1)} that {'are' if bad != 1 else 'is'} not valid UTF-8"
    return ""


def utf16_side(head: bytes) -> str:
    """Return ``utf-16-le``, ``utf-16-be`` or an empty string, as spaces, commas, quotes and line ends lie in the bytes.

    The same bytes in the other order would be letters of scripts that hardly occur.
    """
    even = head[: len(head) // 2 * 2]
    little, big = (int(np.isin(np.frombuffer(even, kind), _MARKS).sum()) for kind in ("<u2", ">u2"))
    if max(little, big) <= 4 * min(little, big):
        return ""
    return "utf-16-le" if little > big else "utf-16-be"


def _utf16(head: bytes, content: Iterable[bytes]) -> tuple[str, str] | None:
    name = utf16_side(head)
    if not name or sum(map(len, content)) % 2:
        return None
    nuls = head[1::2].count(0) if name == "utf-16-le" else head[0::2].count(0)
    likely = nuls * 10 >= len(head) or not _decodes(content, "utf-8")
    return (name, "its commas, spaces and line ends are two bytes wide") if likely and _decodes(content, name) else None


def _utf8(content: Iterable[bytes]) -> tuple[str, str] | None:
    if all(map(bytes.isascii, content)):
        if any(map(_JAPANESE.search, content)) and _decodes(content, "iso2022_jp"):
            return "iso2022_jp", "every byte is ASCII, and some switch to Japanese"
        return "utf-8", "every byte is ASCII"
    if _decodes(content, "utf-8"):
        return "utf-8", "every byte of the file is valid UTF-8"
    bad, beyond = _damage(content, "utf-8")
    if beyond >= 10 * bad:
        return "utf-8", f"valid UTF-8 but for {bad} damaged byte{'s' if bad > 1 else ''}"
    return None


def _older(content: Iterable[bytes]) -> tuple[str, str]:
    """Return one of the encodings that are older than UTF-8; Latin-1 or Windows-1252 where nothing speaks for another."""
    from trainwright.data.files.legacy import tell  # most files have no use for it

    if any(map(_FOUR_BYTES.search, content)) and _decodes(content, "gb18030"):
        return "gb18030", "not valid UTF-8, and characters of four bytes, as only GB18030 has them"
    usual, usual_why = _western(content)
    name, why = tell(content, usual)
    if name and _damage(content, name)[0] * 1000 <= _damage(content, name)[1]:
        return name, why
    return usual, usual_why + ("" if name else why)


def _western(content: Iterable[bytes]) -> tuple[str, str]:
    if not any(map(_C1.search, content)):
        return "latin-1", "not valid UTF-8, and no byte that Latin-1 lacks"
    if any(map(_NOT_IN_CP1252.search, content)):
        return "latin-1", "not valid UTF-8, and bytes that Windows-1252 lacks"
    return "cp1252", "not valid UTF-8, and bytes that only Windows-1252 has"


def _decodes(content: Iterable[bytes], encoding: str) -> bool:
    try:
        for _ in texts_of(content, encoding):
            pass
    except UnicodeDecodeError:
        return False
    return True


def texts_of(content: Iterable[bytes], encoding: str, errors: str = "strict") -> Iterator[str]:
    """Yield the text of parts that may be cut anywhere. Raise UnicodeDecodeError with the place in all of it."""
    decoder, done = codecs.getincrementaldecoder(encoding)(errors), 0
    for part in chain(content, [b""]):
        waiting = len(decoder.getstate()[0])
        try:
            yield decoder.decode(part, final=not part)
        except UnicodeDecodeError as problem:
            problem.start += done - waiting
            raise
        done += len(part)
