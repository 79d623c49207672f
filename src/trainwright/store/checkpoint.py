"""The checkpoints of a run: sealed folders ``step-000500`` with everything that is needed to go on.

state.safetensors   every tensor
state.json          all else: where the run stands, settings, history, versions
SEAL                size and SHA-256 of both, and whose they are

A folder gets its name when all of it is on the disk and what is there equals what is in memory; only then may an older one
go. Damaged ones are put aside, never deleted.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from trainwright.errors import RunError, error, in_short
from trainwright.store import seal
from trainwright.store.atomic import new_folder, remove_leftovers, sync, write_synced
from trainwright.store.seal import check_header, parse

FORMAT = 1
KEEP = 2
TENSORS, VALUES = "state.safetensors", "state.json"
PLAIN = (str, bool, int, float, type(None))


@dataclass(frozen=True)
class Checkpoint:
    """One that was read and found whole: ``facts`` are JSON, ``state`` is what was saved with its tensors."""

    path: Path
    facts: Mapping[str, Any]
    state: Any


class Checkpoints:
    """Those of one run. ``run`` is its identity: folders of another run are never deleted."""

    def __init__(self, folder: Path, quarantine: Path, run: str) -> None:
        self.folder, self.quarantine, self.run = folder, quarantine, run

    def save(self, step: int, state: Any, facts: Mapping[str, Any], *, regular: bool) -> int:
        """Write a checkpoint and remove older ones. Return its size in bytes. Raise E402, and E412 for what cannot be held.

        ``regular`` ones lie at steps that do not depend on the clock; the newest of them stays.
        """
        packer = Packer()
        packed = packer.pack(state)
        tensors = to_contiguous(packer.tensors)
        values = json.dumps({"format": FORMAT, **facts, "state": packed}).encode()
        path = self._free(step)
        with new_folder(path) as place:
            _write_tensors(place / TENSORS, tensors)
            write_synced(place / VALUES, values)
            with ThreadPoolExecutor(2) as others:  # the digests are made while the disk writes and the content is compared
                written = others.submit(sync, place / TENSORS)
                same = others.submit(_equal, place / TENSORS, tensors)
                seal.close(place, {"run": self.run, "step": step, "regular": regular})
                written.result()
                if not same.result():
                    raise OSError(f"what was written to {TENSORS} is not what was to be written")
        size = sum(each for each, _ in seal.read(path).files.values())
        self._let_go()
        return size

    def _free(self, step: int) -> Path:
        """Return a free path. The end of an epoch has the number of its last step, which may be saved already."""
        taken = [int(path.suffix[1:] or 0) for path in self.paths() if path.stem == f"step-{step:06d}"]
        return self.folder / (f"step-{step:06d}.{max(taken) + 1}" if taken else f"step-{step:06d}")

    def regular(self) -> Path | None:
        """Return the newest regular checkpoint of this run."""
        return next((path for path, facts in self._own() if facts.get("regular")), None)

    def _own(self) -> list[tuple[Path, Mapping[str, Any]]]:
        found = []
        for path in self.paths():
            with suppress(RunError):  # whose it is, nobody can tell
                found.append((path, seal.read(path).facts))
        return [(path, facts) for path, facts in found if facts.get("run") == self.run]

    def _let_go(self) -> None:
        """Remove our own sealed folders but the newest of ``KEEP`` steps and the newest regular one; the name goes first."""
        own = self._own()
        newest = {facts["step"]: path for path, facts in reversed(own)}
        kept = {self.regular(), *(newest[step] for step in sorted(newest)[-KEEP:])}
        for path, _ in own:
            if path not in kept:
                gone = path.with_name(f".{path.name}.0.old")
                with suppress(OSError):  # it takes room, and goes with the next one
                    path.rename(gone)
                shutil.rmtree(gone, ignore_errors=True)

    def paths(self) -> list[Path]:
        """Return all checkpoints, newest first, whether whole or not."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        numbered = [(m, path) for path in found if (m := re.fullmatch(r"step-(\d+)(?:\.(\d+))?", path.name))]
        return [path for _, path in sorted(numbered, key=lambda each: (-int(each[0][1]), -int(each[0][2] or 0)))]

    def newest(self, say: Callable[[str, str, str], None]) -> Checkpoint | None:
        """Return the newest whole checkpoint, None where there are none. Damaged ones after it go into quarantine.

        ``say`` is called with what was put there. Raise E402, and E413 where none is whole; then nothing is touched.
        """
        bad: list[tuple[Path, RunError]] = []
        found = None
        for path in self.paths():
            try:
                found = read(path)
                break
            except RunError as problem:
                if problem.code == "E424":
                    raise  # it may be whole
                bad.append((path, problem))
        if bad and found is None:
            raise error("E413", count=len(bad), path=self.folder, problem=bad[0][1].what)
        for path, why in bad:
            say("damaged", f"checkpoint {path.name}", f"{why.what}; moved to {self._put_aside(path)}")
        remove_leftovers(self.folder)
        return found

    def _put_aside(self, path: Path) -> Path:
        target, number = self.quarantine / path.name, 1
        while target.exists():
            target, number = self.quarantine / f"{path.name}.{number}", number + 1
        try:
            self.quarantine.mkdir(exist_ok=True)
            path.rename(target)
            sync(self.folder)
        except OSError as problem:
            raise error("E402", path=target, problem=problem.strerror or problem) from None
        return target


def read(path: Path) -> Checkpoint:
    """Return a checkpoint, once every byte is proved. Raise E411 where one is not as it was written."""
    files = seal.contents(path, (TENSORS, VALUES))
    try:
        values = parse(files[VALUES])
        if values["format"] != FORMAT:
            raise ValueError(f"it has format {values['format']}, this version reads {FORMAT}")
        tensors = safetensors.torch.load(check_header(files[TENSORS]))
        return Checkpoint(path, values, unpack(values.pop("state"), tensors))
    except MemoryError:
        raise error("E424", path=path, problem="there is too little memory") from None
    except Exception as problem:  # somebody else may have written and sealed it
        raise error("E411", path=path, problem=in_short(problem)) from None


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    try:
        safetensors.torch.save_file(dict(tensors), path)
    except safetensors.SafetensorError as problem:  # it words what the system said
        number = re.search(r"os error (\d+)", str(problem))
        raise (OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(str(problem))) from None
    except KeyError as problem:
        raise error("E412", name="a tensor", found=problem) from None
    path.chmod(path.parent.stat().st_mode & 0o666)  # the library makes it for one person only


def _equal(path: Path, tensors: Mapping[str, Tensor]) -> bool:
    """Return whether a file holds these tensors, bit by bit."""
    try:
        with safetensors.safe_open(path, framework="pt") as held:
            return set(held.keys()) == set(tensors) and all(
                _same(held.get_tensor(name), each) for name, each in tensors.items()
            )
    except safetensors.SafetensorError:
        return False


def _same(a: Tensor, b: Tensor) -> bool:
    """Return whether two tensors have the same bits: NaN equals itself here."""
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(_whole_numbers(a), _whole_numbers(b))


def _whole_numbers(value: Tensor) -> Tensor:
    """Return the bits as integers of the same width, which compare four times as fast as bytes."""
    widths = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    return value.reshape(-1).view(widths.get(value.element_size(), torch.uint8)) if value.numel() else value


class Packer:
    """``pack`` gives values as JSON; their tensors are in ``tensors`` under the names of their places, each once."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[tuple[Any, ...], str] = {}

    def pack(self, value: Any, name: str = "") -> Any:
        """Raise E412 for anything but numbers, words, None, tensors, and lists, tuples, dicts and counters of these."""
        if isinstance(value, np.generic):
            value = value.item()
        if type(value) in PLAIN:
            return value
        if isinstance(value, Tensor):
            return {"tensor": self._keep(value.detach(), name)}
        inner = f"{name}." if name else ""
        if type(value) in (list, tuple):
            return {type(value).__name__: [self.pack(each, f"{inner}{place}") for place, each in enumerate(value)]}
        if isinstance(value, Mapping):
            kind = "counter" if isinstance(value, Counter) else "dict"
            return {kind: [[self.pack(key), self.pack(each, f"{inner}{key}")] for key, each in value.items()]}
        raise error("E412", name=name, found=type(value).__name__)

    def _keep(self, value: Tensor, name: str) -> str:
        """Return the name under which a tensor is kept. Weights that are tied have two places and are kept under one name."""
        place = (value.data_ptr(), value.shape, value.stride(), value.dtype, value.device)
        if value.numel() and place in self._names:
            return self._names[place]
        while name in self.tensors:
            name += "_"
        self.tensors[name] = value
        self._names[place] = name
        return name


def unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return what ``Packer.pack`` was given. Raise KeyError, TypeError or ValueError for what it did not make."""
    if type(value) in PLAIN:
        return value
    ((kind, inner),) = value.items()
    if kind == "tensor":
        return tensors[inner]
    if kind in ("list", "tuple"):
        made = [unpack(each, tensors) for each in inner]
        return made if kind == "list" else tuple(made)
    if kind not in ("dict", "counter"):
        raise ValueError(kind)
    pairs = {unpack(key, tensors): unpack(each, tensors) for key, each in inner}
    return Counter(pairs) if kind == "counter" else pairs


def to_contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors as they can be written: on the CPU, dense, none a part of another's memory."""
    seen: set[int] = set()
    found = {}
    for name, value in tensors.items():
        dense = value.cpu().contiguous()
        storage = dense.untyped_storage()
        whole = storage.nbytes() == dense.nbytes and storage.data_ptr() not in seen
        found[name] = dense if whole else dense.clone()
        seen.add(storage.data_ptr())
    return found
