"""Run folders that somebody edited: one file each holds something else, and the seals are made anew over it.

``damage(run, draw)`` does one thing to one file and returns its name; the same seed does the same.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
import struct
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import safetensors.numpy
import tomli_w

from trainwright.store import seal

BIG = 48 << 20  # bytes of a file that is large, and below the most that is read
DEEP = 100_000
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 7, 2**31, 2**63, -(2**63), 10**18, 10**400, 0.5, -0.0, 1e308, -1e308, 5e-324,
    float("nan"), float("inf"), float("-inf"), "", "x", "nan", "0", "../../outside/victim", "/dev/zero", "\0",
    "\x1b[2J\x1b]0;t\x07", "\ud800", "\u202e", "a\nb", "x" * 100_000, [], {}, [None], [[]], [0] * 3, ["a", "b"], {"": 0},
    {"a": {"b": []}}, [[[[[[]]]]]],
]  # fmt: skip
Damage = Callable[[Path, random.Random], object]


def change_value(root: Any, draw: random.Random) -> Any:
    """A value of JSON in which one, at any place, is another, is gone, is there twice, or has changed places."""
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        for key in keys if len(keys) < 50 else draw.sample(list(keys), 50):
            places.append((value, key))
            walk(value[key])

    walk(root)
    if not places or draw.random() < 0.1:
        return draw.choice(ODD)
    # A place high up is as likely as one of the many deep in a list.
    owner, key = draw.choice(places if draw.random() < 0.5 else places[: 1 + len(places) // 8])
    kind = draw.randrange(8)
    if kind == 0:
        del owner[key]
    elif kind == 1 and isinstance(owner, list):
        owner.insert(key, owner[key])
    elif kind == 2:
        other, there = draw.choice(places)
        with suppress(LookupError):
            owner[key], other[there] = other[there], owner[key]
    elif kind == 3 and isinstance(owner[key], int | float):
        owner[key] = draw.choice((owner[key] + 1, -owner[key], owner[key] * 10**9, owner[key] / 3))
    elif kind == 4 and isinstance(owner[key], list):
        owner[key] = owner[key] * draw.choice((0, 2, 40))
    else:
        owner[key] = draw.choice(ODD)
    return root


def edit_json(path: Path, draw: random.Random) -> None:
    found = change_value(json.loads(path.read_bytes()), draw)
    try:
        path.write_text(json.dumps(found, ensure_ascii=draw.random() < 0.5))
    except (ValueError, RecursionError):  # circles, lone surrogates
        path.write_text("[" * DEEP)


def edit_toml(path: Path, draw: random.Random) -> None:
    found = change_value(tomllib.loads(path.read_text()), draw)
    try:
        path.write_text(tomli_w.dumps(found))
    except (TypeError, ValueError, AttributeError):  # what TOML cannot say
        path.write_text("[" * DEEP)


def edit_lines(path: Path, draw: random.Random) -> None:
    lines = path.read_bytes().split(b"\n")
    place = draw.randrange(max(len(lines) - 1, 1))
    kind = draw.randrange(6)
    if kind == 0:
        del lines[place]
    elif kind == 1:
        lines.insert(place, lines[draw.randrange(len(lines))])
    elif kind == 2:
        draw.shuffle(lines)
    else:
        with suppress(ValueError, RecursionError):
            lines[place] = json.dumps(change_value(json.loads(lines[place]), draw)).encode()
    path.write_bytes(b"\n".join(lines))


def edit_csv(path: Path, draw: random.Random) -> None:
    rows = list(csv.reader(io.StringIO(path.read_text())))
    row = draw.choice(rows)
    if draw.random() < 0.2:
        del row[draw.randrange(len(row)) :]
    elif row:
        row[draw.randrange(len(row))] = str(draw.choice(ODD)).encode("utf-8", "replace").decode()
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue())


def edit_parquet(path: Path, draw: random.Random) -> None:
    table = pl.read_parquet(path)
    name = draw.choice(table.columns)
    column: dict[str, Any] = {
        "gone": table.drop(name),
        "empty": table.head(0),
        "none": table.with_columns(pl.lit(None).alias(name)),
        "word": table.with_columns(pl.lit(draw.choice(("", "x" * 1000, "/dev/zero", "\x1b[2J"))).alias(name)),
        "number": table.with_columns(pl.lit(draw.choice((-1, 2**62, float("nan"), float("inf"), 1e300))).alias(name)),
        "lists": table.with_columns(pl.lit([1, 2]).alias(name)),
        "other": table.rename({name: "other"}),
        "many": pl.concat([table] * 50),
    }
    draw.choice(list(column.values())).write_parquet(path)


def edit_tensors(path: Path, draw: random.Random) -> None:
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    if draw.random() < 0.5:
        head = json.dumps(change_value(json.loads(raw[8 : 8 + length]), draw)).encode()
        path.write_bytes(struct.pack("<Q", draw.choice((len(head), len(head), 0, 2**40))) + head + raw[8 + length :])
        return
    found = {name: each.copy() for name, each in safetensors.numpy.load(raw).items()}
    name = draw.choice(list(found) or ["new"])
    found[name] = draw.choice((
        np.zeros(0, np.float32), np.full(3, np.nan, np.float32), np.zeros((2, 2), np.int64), found.get(name, np.zeros(1))[:1],
        np.full_like(found.get(name, np.zeros(1)), 127), np.zeros((1000, 1000), np.float32),
    ))  # fmt: skip
    if draw.random() < 0.3:
        found[draw.choice(("another", name + "_"))] = found.pop(name)
    path.write_bytes(safetensors.numpy.save(found))


def edit_bytes(path: Path, draw: random.Random) -> None:
    raw = bytearray(path.read_bytes())
    for _ in range(draw.choice((1, 1, 5))):
        if raw:
            raw[draw.randrange(len(raw))] = draw.randrange(256)
    path.write_bytes(raw[: draw.randrange(len(raw) + 1)] if draw.random() < 0.3 else raw)


EDITS: dict[str, Damage] = {
    ".json": edit_json, ".toml": edit_toml, ".jsonl": edit_lines, ".csv": edit_csv, ".parquet": edit_parquet,
    ".safetensors": edit_tensors, "": edit_lines,
}  # fmt: skip


def instead(make: Callable[[Path], object]) -> Damage:
    """Something that is no such file in its place."""

    def change(path: Path, draw: random.Random) -> None:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        make(path)

    return change


def content(data: bytes) -> Damage:
    return instead(lambda path: path.write_bytes(data))


def outside(path: Path) -> Path:
    """The folder beside the run, which nobody may touch."""
    return next(found for parent in path.parents if (found := parent / "outside").is_dir())


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 6 << 30)


KINDS: dict[str, Damage] = {
    "folder": instead(lambda path: path.mkdir()),
    "pipe": instead(os.mkfifo),
    "endless": instead(lambda path: path.symlink_to("/dev/zero")),
    "random": instead(lambda path: path.symlink_to("/dev/urandom")),
    "terminal": instead(lambda path: path.symlink_to("/dev/stdin")),
    "dangling": instead(lambda path: path.symlink_to("../outside/nothing")),
    "circle": instead(lambda path: path.symlink_to(path.name)),
    "link to a file": instead(lambda path: path.symlink_to(outside(path) / "victim")),
    "link to a folder": instead(lambda path: path.symlink_to(outside(path))),
    "gone": instead(lambda path: None),
    "locked": lambda path, draw: path.chmod(0),
    "empty": content(b""),
    "blank": content(b" \n\n"),
    "zeros": content(bytes(100_000)),
    "bytes": content(bytes(range(256)) * 40),
    "null": content(b"null\n"),
    "number": content(b"7\n"),
    "word": content(b'"word"\n'),
    "list": content(b"[1, 2]\n"),
    "object": content(b"{}\n"),
    "huge number": content(b'{"a": ' + b"9" * 100_000 + b"}\n"),
    "deep lists": content(b"[" * DEEP + b"]" * DEEP + b"\n"),
    "deep objects": content(b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"\n"),
    "deep key": content(b"a." * DEEP + b"a = 1\n"),
    "many lists": content(b"[" + b"[]," * (BIG // 3) + b"[]]\n"),
    "long word": content(b'{"a": "' + b"x" * BIG + b'"}\n'),
    "long line": content(b"x" * BIG),
    "many lines": content(b'{"event": "step"}\n' * (BIG // 18)),
    "sparse": instead(_sparse),
}


def files(run: Path) -> list[Path]:
    """What may be damaged: every file that something reads, and the folders."""
    found = [path for path in sorted(run.rglob("*")) if path.suffix not in (".png", ".webp") and path.parent.name != "plots"]
    return [path for path in found if path.name != "README.md"]


def is_small(path: Path) -> bool:
    """Whether a path is a file that can be read here."""
    return path.is_file() and not path.is_symlink() and path.stat().st_size < 4 * BIG


def damage(run: Path, draw: random.Random) -> str:
    """Do something to one file, or to two, and seal the folder again as whoever did it would."""
    said = []
    for _ in range(1 if draw.random() < 0.8 else 2):
        path = draw.choice(files(run))
        edit = EDITS.get(path.suffix if "step-" not in path.name else "/")
        if edit is not None and is_small(path) and draw.random() < 0.65:
            name = "edited" if draw.random() < 0.85 else "bytes"
            with suppress(Exception):  # what was damaged before cannot be edited
                (edit if name == "edited" else edit_bytes)(path, draw)
        else:
            name = draw.choice(list(KINDS))
            KINDS[name](path, draw)
        said.append(f"{path.relative_to(run)}: {name}")
    if draw.random() < 0.85:
        seal_again(run)
        said.append("sealed")
    return ", ".join(said)


def seal_again(run: Path) -> None:
    """Make every seal anew over what is there, as far as it is files: of its facts nothing is lost."""
    for folder in (run / "model", *(run / "checkpoints").glob("step-*"), run):
        place = folder / seal.NAME
        with suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
            if not is_small(place):
                continue
            before = json.loads(place.read_bytes().rpartition(b"}")[0] + b"}")
            named = [folder / name for name in before["files"]]
            facts = {key: value for key, value in before.items() if key not in ("format", "files")}
            place.write_bytes(seal.of(folder, facts, [path for path in named if is_small(path)]).text())
