"""Files that something went wrong with: good ones of every format, mutated by a seeded generator.

The same number always gives the same file, so a number is all that a report has to say.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import sys
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import polars as pl
import zstandard

Change = Callable[[bytes, random.Random], bytes]

TEXTS = [
    "the team won the match",
    'a "good" price, really',
    "caf\u00e9 \u4e16\u754c on the moon",
    "rates; loans\tand tax",
    "it's new",
]
ODD = [
    *(b'"', b'""', b",", b";", b"\t", b"\n", b"\r", b"\r\n", b"\0", b"\x0c", b"\x1a", b"\xe2\x80\xa8", b"\xff", b"\xc3"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\x1f\x8b", b"PAR1", b"{", b"}", b"[", b"]", b":", b"\\", b"\\ud800"),
    *(b"__label__", b"__row__", b"^.*$", b"*", b"'", b"#", b"null", b"true"),
]
NUMBERS = [
    *(b"1e999", b"-1e999", b"NaN", b"Infinity", b"-Infinity", b"inf", b"9" * 400, b"9" * 5000, b"1" + b"0" * 310, b"1e-400"),
    *(b"-0", b"0x1F", b"1_000", b"1.234,5", b"9223372036854775808", b"18446744073709551616", b"\xd9\xa1\xd9\xa2", b"", b" "),
    *(b"0000-00-00", b"99999-12-31", b"2026-02-30", b"0001-01-01", b"31/12/9999 24:61"),
]
NAMES = [
    *("a.csv", "a.tsv", "a.jsonl", "a.json", "a.txt", "a.parquet", "a.md", "a", "a.csv.gz", "a.zst", "a.CSV", "a.png"),
    *("a [1]*.csv", "\u00e9.csv"),
]
DEEP = sys.getrecursionlimit()


class Mutant(NamedTuple):
    """A file to be read: what it was before, its name and its content."""

    format: str
    name: str
    content: bytes


# ---- good files


def _labelled() -> list[tuple[str, str]]:
    return [(("sport", "money", "space")[n % 3], f"{TEXTS[n % len(TEXTS)]} {n}") for n in range(45)]


def _measured() -> list[tuple[str, ...]]:
    return [(f"{n / 7:.3f}", f"{n * 13 % 50}", ("red", "green", "blue")[n % 3], f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}",
             ("yes", "no")[n % 5 > 2], f"{n * 1.7 - 3:.2f}") for n in range(60)]  # fmt: skip


def _delimited(rows: list[tuple[str, ...]], delimiter: str, names: str) -> bytes:
    def written(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if delimiter in cell or '"' in cell else cell

    lines = [names.replace(" ", delimiter), *(delimiter.join(map(written, row)) for row in rows)]
    return "".join(f"{line}\n" for line in lines if line).encode()


def _parquet() -> bytes:
    stream = io.BytesIO()
    texts = pl.DataFrame(_labelled(), schema=["label", "text"], orient="row")
    texts.with_columns(n=pl.int_range(45), e=pl.lit([[1, 2]]), c=pl.col("label").cast(pl.Categorical)).write_parquet(stream)
    return stream.getvalue()


@cache
def seeds() -> dict[str, tuple[str, bytes]]:
    """Name and content of a good file of every format."""
    texts, table = _labelled(), _measured()
    objects = [
        json.dumps({"label": label, "text": text, "n": n, "more": [n, {"k": None}]}) for n, (label, text) in enumerate(texts)
    ]
    prose = "".join(f"{text.capitalize()}, said the {label} of old.\n" for label, text in texts)
    measured = _delimited(table, ",", "width age colour day member price")
    return {
        "csv": ("a.csv", _delimited(texts, ",", "label text")),
        "no header": ("a.csv", _delimited(texts, ",", "")),
        "semicolon": ("a.csv", _delimited([tuple(c.replace(".", ",") for c in row) for row in table], ";", "a b c d e y")),
        "tsv": ("a.tsv", _delimited(texts, "\t", "label text")),
        "utf-16": ("a.csv", _delimited(texts, ",", "label text").decode().encode("utf-16")),
        "table": ("a.csv", measured),
        "jsonl": ("a.jsonl", "\n".join(objects).encode()),
        "json": ("a.json", f"[{', '.join(objects)}]".encode()),
        "fasttext": ("a.txt", "".join(f"__label__{label} {text}\n" for label, text in texts).encode()),
        "text": ("a.txt", prose.encode()),
        "parquet": ("a.parquet", _parquet()),
        "csv.gz": ("a.csv.gz", gzip.compress(measured, mtime=0)),
        "jsonl.zst": ("a.jsonl.zst", zstandard.compress("\n".join(objects).encode())),
        "text.gz": ("a.txt.gz", gzip.compress(prose.encode(), mtime=0)),
    }


PACKERS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "gz": (lambda data: gzip.compress(data, 1, mtime=0), gzip.decompress),
    "zst": (zstandard.ZstdCompressor(level=1).compress, zstandard.decompress),
}


# ---- what goes wrong with a few bytes


def _span(data: bytes, rng: random.Random) -> slice:
    start = rng.randrange(len(data) + 1)
    return slice(start, start + rng.choice([1, 3, 30, 300]))


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8) if data else 0):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _put(data: bytes, rng: random.Random, piece: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + piece + data[at + rng.randint(0, 2) :]


def _odd(data: bytes, rng: random.Random) -> bytes:
    return _put(data, rng, rng.choice(ODD) * rng.choice([1, 1, 1, 2, 50]))


def _delete(data: bytes, rng: random.Random) -> bytes:
    gone = _span(data, rng)
    return data[: gone.start] + data[gone.stop :]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    again = _span(data, rng)
    return data[: again.stop] + data[again] * rng.choice([1, 2, 20]) + data[again.stop :]


def _splice(data: bytes, rng: random.Random) -> bytes:
    _, other = rng.choice(list(seeds().values()))
    return _put(data, rng, other[_span(other, rng)])


def _number(data: bytes, rng: random.Random) -> bytes:
    """Another number, or none, in the place of one or of all those that begin with one digit."""
    first = b"%d" % rng.randrange(10)
    return re.sub(rb"\b%s[\d.]*" % first, lambda _: rng.choice(NUMBERS), data, count=rng.choice([0, 1, 3]))


def _line_ends(data: bytes, rng: random.Random) -> bytes:
    ends = rng.choice([[b"\r"], [b"\r\n"], [b"\n", b"\r\n", b"\r"], [b"\n\n", b"\n"], [b"\x0b"], [b"\xc2\x85"], [b"\n\r"]])
    return b"".join(line + rng.choice(ends) for line in data.split(b"\n"))


def _shuffle(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines[: rng.randint(1, len(lines))])


def _encode(data: bytes, rng: random.Random) -> bytes:
    encoding = rng.choice(
        ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "cp1252", "utf-7", "shift-jis"]
    )
    return data.decode("utf-8", "replace").encode(encoding, "replace")


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


SMALL: list[Change] = [_flip, _odd, _odd, _delete, _repeat, _splice, _number, _line_ends, _shuffle, _encode, _cut]


# ---- what goes wrong as a whole


def _tiny(data: bytes, rng: random.Random) -> bytes:
    marks = (b"\xef\xbb\xbf", b"\xff\xfe", b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
    return rng.choice([b"", rng.randbytes(1), b"\n", *marks, b"{}", b"[]", b'"', b"a\n"])


def _noise(data: bytes, rng: random.Random) -> bytes:
    marks = bytes(rng.choices(b'ab,;\t"\n\r{}[]:1. \0\xff', k=2000))
    return rng.choice([rng.randbytes(2000), marks, data[:4] + rng.randbytes(2000)])


def _deep(data: bytes, rng: random.Random) -> bytes:
    """JSON whose depth is about what Python takes, or far beyond."""
    depth = rng.choice([DEEP - rng.randrange(60), DEEP // 2, 100_000])
    opened, closed = rng.choice([(b"[", b"]"), (b'{"a":', b"}")])
    inner = b'{"label": "a", "text": %s1%s}' % (opened * depth, rng.choice([closed, b""]) * depth)
    return rng.choice([data + b"\n" + inner, inner + b"\n" + data, b"[" + inner + b"]", inner])


def _wide(data: bytes, rng: random.Random) -> bytes:
    """Very many columns."""
    count = rng.choice([300, 1_000, 300_000])
    rows = [b",".join(b"%s%d" % (start, n) for n in range(count)) for start in (b"c", b"")]
    objects = [b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(count)) + b"}"] * 2
    scattered = [b'{"k%d":%d}' % (n, n) for n in range(min(count, 30_000))]
    bare = [b"," * count, b"\t".join([b"x"] * count) + b"\n"]
    return rng.choice([b"\n".join(rows * 2), b"\n".join(objects), b"\n".join(scattered), *bare])


def _huge(data: bytes, rng: random.Random) -> bytes:
    """A field, or a file without line ends, of megabytes; or that many lines."""
    letters = (b"x", b"x y ", b"1", b"\xc3\xa9", b"\xff", b"__label__a ")
    marks = (b'"', b'""', b'"\n', b",", b" ", b"\n", b"\r", b"\0", b"[", b"a,", b"a\n")
    piece = rng.choice([*letters, *marks])
    return _put(data, rng, piece * (rng.choice([200_000, 2_000_000]) // len(piece)))


LARGE: list[Change] = [_tiny, _tiny, _noise, _noise, _deep, _deep, _wide, _huge]


def _bomb(kind: str, rng: random.Random) -> bytes:
    """A compressed file that grows a thousand times."""
    pack = partial(gzip.compress, mtime=0) if kind == "gz" else zstandard.compress
    piece = rng.choice([b"\0", b"a,b\n", b"x", b"\n", b'{"a": 1}\n', b",", b"a b c d\n"])
    return pack(piece * (1 << 17)) * rng.choice([10, 100, 400])


def mutant(number: int) -> Mutant:
    """The file of a number; one in sixteen is of an odd size or shape, the others have a few wrong bytes."""
    rng = random.Random(f"mutant {number}")
    kind = list(seeds())[number % len(seeds())]
    name, content = seeds()[kind]
    packing = name.rpartition(".")[2]
    if packing in PACKERS and rng.random() < 0.02:
        return Mutant(kind, name, _bomb(packing, rng))
    changes = [rng.choice(LARGE)] if rng.random() < 1 / 16 else rng.choices(SMALL, k=rng.choice([1, 1, 2, 4]))
    inside = packing in PACKERS and rng.random() < 0.6
    if inside:
        content = PACKERS[packing][1](content)
    for change in changes:
        content = change(content, rng)
    if inside:
        content = PACKERS[packing][0](content)
    return Mutant(kind, rng.choice(NAMES) if rng.random() < 0.1 else name, content)
