"""The bytes of a file, decompressed and bounded: what is missing, unreadable, binary or too large is refused here.

Promises: a line of a table longer than ``MAX_RECORD_BYTES`` and an archive that grows beyond reason are refused before they
fill the memory; whether a file is compressed is told by its first bytes, not by its name.
"""

from __future__ import annotations

import gzip
import importlib
import os
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import IO, BinaryIO

from trainwright.data.files.encoding import decode, errors_of, not_decoded, texts_of, utf16_side
from trainwright.data.files.spool import scratch_errors, scratch_file
from trainwright.data.files.virtual import InArchive
from trainwright.errors import TrainwrightError, error, nearest

MAX_RECORD_BYTES = 64 << 20  # no line of data is this long; a file without line ends is not data for training
MAX_EXPANSION = 200  # text shrinks 3 to 20 times; a bomb 1,000 times and more
SMALL_EXPANSION = 256 << 20  # of arrays: below this size any ratio is harmless
SMALL_TEXT = 8 << 20  # of text, whose records take many times its size in memory
READ_BYTES = 1 << 20
HEAD_BYTES = 64 << 20  # bytes of records that are read at first, and all of a file that is not larger
PART_BYTES = 16 << 20  # bytes of those behind that are read at a time
COMPRESSIONS = {
    "gz": b"\x1f\x8b",
    "zst": b"\x28\xb5\x2f\xfd",
    "bz2": b"BZh",
    "xz": b"\xfd7zXZ",
}  # the first bytes of each; also how its files end
ZST_CHUNK = 2 << 10  # a zstd block of 4 bytes may hold 128 KiB: small bites keep one call below 64 MiB

_MAGIC: list[tuple[bytes, str]] = [
    (b"PK\x03\x04", "a zip archive (an .xlsx workbook is one)"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"ARROW1", "an Arrow file"),
    (b"PAR1", "a Parquet file"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (.xls)"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"version https://git-lfs", "a Git LFS pointer, not the data itself"),
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml", "an XML document"),
]
_CONVERT = {
    "an SQLite database": 'Export a table: sqlite3 -csv -header FILE "SELECT * FROM NAME" > data.csv.',
    "an HDF5 file": "Export it, with pandas: pandas.read_hdf(FILE).to_parquet('data.parquet').",
    "a Git LFS pointer, not the data itself": "Fetch the data: git lfs pull.",
    "an HTML page": "Was a page downloaded in place of the file? Look at it in a browser.",
    "a tar archive (a webdataset is one)": "Unpack it: tar -xf FILE.",
}
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in (2, 3, 4, 5))
_TEXT_CONTROLS = frozenset(b"\t\n\x0b\x0c\r\x1b\x00")  # NUL is judged later: UTF-16 is full of it


class SpilledContent:
    """A file that is open as long as something holds this."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def part(self, start: int, size: int) -> bytes:
        """Return at most ``size`` bytes from ``start`` on. Raise OSError."""
        self._file.seek(start)
        return self._file.read(size)

    def __del__(self) -> None:
        with suppress(OSError):  # a full disk, which was told of when it was written
            self._file.close()


@dataclass(frozen=True)
class FileContent:
    """A file's content. ``data`` is empty for a binary file that lies uncompressed: its own reader opens it."""

    path: Path
    data: bytes  # all of it, or of a large file that was asked for by ``streamed`` the first ``HEAD_BYTES``
    suffix: str  # the extension in lower case, without the one of the compression (.csv of a.csv.gz)
    compression: str  # "" or one of ``COMPRESSIONS``, as the first bytes say
    size: int  # bytes of all of it
    magic: bytes = b""  # the first bytes of a binary format; empty for text
    file: SpilledContent | None = None  # where all of it is, if it is not in ``data``

    def part(self, start: int, size: int) -> bytes:
        """Return at most ``size`` bytes from ``start`` on. Raise E102."""
        if self.file is None or start + size <= len(self.data):
            return self.data[start : start + size]
        try:
            return self.file.part(start, size)
        except OSError as problem:
            raise error("E102", path=self.path, why=problem.strerror or problem) from problem

    def __iter__(self) -> Iterator[bytes]:
        """Yield all of it, in parts. Raise E102."""
        size = PART_BYTES if self.file else self.size
        for start in range(0, self.size, size):
            yield self.part(start, size)

    def whole_lines(self, start: int = 0, wanted: int = 0) -> Iterator[bytes]:
        """Yield all of it from ``start`` on in parts that end where a line does, of about ``wanted`` bytes. Raise E102."""
        size = wanted or HEAD_BYTES
        while start < self.size:
            data = self.part(start, size)
            if start + len(data) < self.size:
                end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
                if not end:  # a line is longer than a part
                    size *= 2
                    continue
                data = data[:end]
            start, size = start + len(data), wanted or PART_BYTES
            yield data

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the lines of each part of UTF-8, as an editor shows them, and how many there are before it.

        ``str.splitlines`` would also split at form feeds and other rare characters.
        """
        before = 0
        for data in self.whole_lines():
            text = decode(data, "utf-8", self.path)
            text = text if before else text.removeprefix("\ufeff")
            lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
            yield before, lines
            before += len(lines)

    def in_utf8(self, encoding: str) -> FileContent:
        """Return the same in UTF-8, damaged bytes as they are. Raise E117 for UTF-16 that is cut or damaged, and E172."""
        if encoding.startswith("utf-8"):
            return self
        if self.file is None:
            data = decode(self.data, encoding, self.path).encode("utf-8", "surrogateescape")
            return replace(self, data=data, size=len(data))
        try:
            texts = texts_of(self, encoding, errors_of(encoding))
            kept, size = _spilled(text.encode("utf-8", "surrogateescape") for text in texts)
        except UnicodeDecodeError as problem:
            raise not_decoded(problem, encoding, self.path) from problem
        return replace(self, data=kept.part(0, HEAD_BYTES), size=size, file=kept)


def load(
    path: Path, *, records: bool = True, at_least: int = 0, streamed: bool = False, magics: Sequence[bytes] = ()
) -> FileContent:
    """Read the file at ``path``.

    With ``records`` no line may be longer than ``MAX_RECORD_BYTES``; with ``at_least`` reading stops soon after so many bytes;
    with ``streamed`` no more than ``HEAD_BYTES`` are kept in memory; ``magics`` are the first bytes of binary formats taken.

    Raise E101 for a file that is missing, E102 unreadable, E103 empty, E104 binary, E105 damaged when decompressed, E106
    growing without bound, E107 with a line that is too long; E172 without room for what is decompressed.
    """
    require(path)
    try:
        with path.open("rb") as file:
            return _load(path, file, records, at_least, streamed, magics)
    except OSError as problem:
        raise error("E102", path=path, why=problem.strerror or problem) from problem


def require(path: Path) -> None:
    """Raise E101 (missing) or E102 (no file and no folder, or one that cannot be listed) unless ``path`` can be looked at."""
    try:
        if path.is_dir() and type(path) is type(Path()):  # what is in an archive or matches a pattern is listed otherwise
            os.scandir(path).close()
        if path.is_file() or path.is_dir():
            return
        odd = path.exists()
        names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() and not odd else []
    except TrainwrightError:  # of an archive
        raise
    except (OSError, ValueError) as problem:
        raise error("E102", path=path, why=getattr(problem, "strerror", None) or problem) from problem
    if odd:
        raise error("E102", path=path, why="neither a file nor a folder")
    raise error("E101", path=path, where=str(path.parent), hint=nearest(path.name, names))


def plain_suffix(path: Path) -> str:
    """Return the extension in lower case, without the one of a compression."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1][1:] in COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _load(path: Path, file: BinaryIO, records: bool, at_least: int, streamed: bool, magics: Sequence[bytes]) -> FileContent:
    head = file.read(64)
    file.seek(0)
    compression = next((name for name, magic in COMPRESSIONS.items() if head.startswith(magic)), "")
    suffix = plain_suffix(path)
    if not compression and not isinstance(path, InArchive) and (magic := _magic(head, magics)):
        return FileContent(path, b"", suffix, "", path.stat().st_size, magic)
    chunks = _UNPACKERS.get(compression, _plain_chunks)(file)
    checked = _checked(chunks, path, file if compression else None, MAX_RECORD_BYTES if records else None, magics)
    parts, size = [], 0
    for chunk in checked:
        parts.append(chunk)
        size += len(chunk)
        if at_least and size >= at_least:
            break
        if streamed and size > HEAD_BYTES and not _magic(parts[0], magics):
            data = b"".join(parts)
            if compression:
                kept, size = _spilled(chain([data], checked))
            else:
                kept, size = SpilledContent(path.open("rb")), size + sum(map(len, checked))
            return FileContent(path, data[:HEAD_BYTES], suffix, compression, size, file=kept)
    if not size:
        raise error("E103", path=path)
    data = b"".join(parts)
    return FileContent(path, data, suffix, compression, size, _magic(data, magics))


def _magic(head: bytes, magics: Sequence[bytes]) -> bytes:
    return next((magic for magic in magics if head.startswith(magic)), b"")


def _spilled(chunks: Iterable[bytes]) -> tuple[SpilledContent, int]:
    """Write chunks to a file that no one else sees. Return it and its size. Raise E172."""
    file, size = scratch_file(), 0
    kept = SpilledContent(file)
    for chunk in chunks:
        with scratch_errors():
            file.write(chunk)
        size += len(chunk)
    with scratch_errors():
        file.flush()
    return kept, size


def _plain_chunks(file: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    return iter(lambda: file.read(READ_BYTES), b"")


def _gz_chunks(file: BinaryIO) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield from _plain_chunks(unpacked)
    except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise error("E105", path=file.name, why=str(problem)) from problem


def _zst_chunks(file: BinaryIO) -> Iterator[bytes]:
    import zstandard

    frame = None
    try:
        while packed := file.read(ZST_CHUNK):
            while packed:
                frame = frame or zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
                if chunk := frame.decompress(packed):
                    yield chunk
                packed = frame.unused_data
                frame = None if frame.eof else frame
    except zstandard.ZstdError as problem:
        raise error("E105", path=file.name, why=str(problem)) from problem
    if frame:
        raise error("E105", path=file.name, why="it ends in the middle of its data")


def _chunks_of(module: str, opener: str) -> Callable[[BinaryIO], Iterator[bytes]]:
    """Return what unpacks a file by a module of the standard library, which is imported for it."""

    def chunks(file: BinaryIO) -> Iterator[bytes]:
        library = importlib.import_module(module)
        try:
            with getattr(library, opener)(file) as unpacked:
                yield from _plain_chunks(unpacked)
        except (EOFError, ValueError, OSError, MemoryError, getattr(library, "LZMAError", EOFError)) as problem:
            raise error("E105", path=file.name, why=str(problem)) from problem

    return chunks


_UNPACKERS = {
    "gz": _gz_chunks,
    "zst": _zst_chunks,
    "bz2": _chunks_of("bz2", "BZ2File"),
    "xz": _chunks_of("lzma", "LZMAFile"),
}


def _checked(
    chunks: Iterator[bytes], path: Path, packed: BinaryIO | None, longest: int | None, magics: Sequence[bytes]
) -> Iterator[bytes]:
    """Yield the chunks. Raise E104 for what is not text, E107 for a line beyond ``longest``, E106 for a bomb.

    ``packed`` is the file that is decompressed: the content may not outgrow what has been read of it.
    """
    total = open_line = 0
    for chunk in chunks:
        if not total and _magic(chunk, magics):
            longest = None
        elif not total and (kind := binary_kind(chunk)):
            raise not_text(path, kind)
        total += len(chunk)
        if packed is not None and total > (budget := max(SMALL_TEXT, MAX_EXPANSION * packed.tell())):
            raise error("E106", path=path, limit=f"{budget >> 20} MiB")
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        open_line = open_line + len(chunk) if end < 0 else len(chunk) - end - 1
        if longest is not None and open_line > longest:
            raise error("E107", path=path, limit=f"{longest >> 20} MiB", where=f"{path}, near byte {total:,}")
        yield chunk


def not_text(path: Path, kind: str) -> TrainwrightError:
    """Return E104, with what can be done about files of this kind."""
    return error("E104", path=path, kind=kind, hint=_CONVERT.get(kind, "").replace("FILE", str(path)))


def binary_kind(head: bytes) -> str:
    """Return what the first bytes of a file that is not text say it is, or an empty string for text."""
    start = head[:64].lstrip().lower()
    for magic, kind in _MAGIC:
        if head.startswith(magic) or (magic.startswith(b"<") and start.startswith(magic)):
            return kind
    if head[257:262] == b"ustar":
        return "a tar archive (a webdataset is one)"
    if head.startswith(_PICKLES) and head[2:3] in b"\x95}](ccX\x8a":
        return "a Python pickle, which is never opened"
    sample = head[:4096]
    odd = sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in sample)
    # UTF-16 text of another script has bytes below 32 everywhere
    is_utf16 = sample.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or utf16_side(sample)
    return "binary data" if odd > max(4, len(sample) // 20) and not is_utf16 else ""
