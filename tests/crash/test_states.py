"""One save of a checkpoint is cut off after every operation on files, and what was not yet on the disk may be lost."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from bench import FULL

from trainwright.store import atomic, checkpoint
from trainwright.store.checkpoint import Checkpoints

CUTS = 180 if FULL else 10  # places at which the last write is torn


def saved(step: int) -> dict[str, Any]:
    """A state that says of which step it is."""
    return {"step": step, "weights": torch.full((50,), float(step)), "words": ["a", None, 0.5]}


@dataclass
class Recorder:
    """Operations on files as (kind, path, more), in order. Those that remove a tree are taken apart."""

    operations: list[tuple[str, Path, Any]] = field(default_factory=list)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        write, write_tensors, sync = atomic.write_synced, checkpoint._write_tensors, atomic.sync
        mkdir, rename, rmtree = Path.mkdir, Path.rename, shutil.rmtree

        def add(kind: str, path: Path, more: Any = None) -> None:
            self.operations.append((kind, path, more))

        def write_synced(path: Path, data: bytes) -> None:
            write(path, data)
            add("write", path, data)
            add("sync", path)

        def tensors(path: Path, values: Any) -> None:
            write_tensors(path, values)
            add("write", path, path.read_bytes())

        def make(path: Path, *args: Any, **named: Any) -> None:
            if not path.exists():
                add("mkdir", path)
            mkdir(path, *args, **named)

        def name(path: Path, target: Path) -> Path:
            add("rename", path, target)
            return rename(path, target)

        def remove(path: Path, *args: Any, **named: Any) -> None:
            if path.exists():
                for each in sorted(path.rglob("*"), reverse=True):
                    add("unlink", each)
                add("rmdir", path)
            rmtree(path, *args, **named)

        def synced(path: Path) -> None:
            add("sync", path)
            sync(path)

        for place, attribute, new in (
            (Path, "mkdir", make), (Path, "rename", name), (shutil, "rmtree", remove), (checkpoint, "_write_tensors", tensors),
            (checkpoint, "sync", synced), (atomic, "sync", synced), (checkpoint, "write_synced", write_synced),
            (checkpoint.seal, "write_synced", write_synced),
        ):  # fmt: skip
            patch.setattr(place, attribute, new)


def replay(operations: list[tuple[str, Path, Any]]) -> dict[Path, Path]:
    """Carry them out; gives where each written file is now that was not synced."""
    loose: dict[Path, Path] = {}
    for kind, path, more in operations:
        if kind == "mkdir":
            path.mkdir(parents=True)
        elif kind == "write":
            path.write_bytes(more)
            loose[path] = path
        elif kind == "sync":
            loose.pop(path, None)
        elif kind == "rename":
            path.rename(more)
            loose = {
                key: more / place.relative_to(path) if place.is_relative_to(path) else place for key, place in loose.items()
            }
        elif kind == "unlink":
            path.unlink()
        else:
            path.rmdir()
    return loose


def states(operations: list[tuple[str, Path, Any]], restore: Any) -> Iterator[tuple[str, bool]]:
    """Every state of the folder; with each its name, and whether the new checkpoint was promised by then."""
    published = next(i for i, (kind, _, _) in enumerate(operations) if kind == "rename")
    for count in range(len(operations) + 1):
        restore()
        loose = replay(operations[:count])
        promised = count > published + 1  # the folder's entries are on the disk too
        yield f"{count} operations", promised
        for place in loose.values():
            whole = place.read_bytes()
            for cut in range(CUTS):
                place.write_bytes(whole[: len(whole) * cut // CUTS])
                yield f"{count} operations, {place.name} has {cut}/{CUTS}", promised
            place.write_bytes(bytes(len(whole)))
            yield f"{count} operations, {place.name} holds nothing but zeros", promised
            place.write_bytes(whole)


def test_every_state_of_a_save_has_a_whole_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Any) -> None:
    folder, kept, quarantine = tmp_path / "run" / "checkpoints", tmp_path / "kept", tmp_path / "run" / "quarantine"
    ours, recorder = Checkpoints(folder, quarantine, "id"), Recorder()
    for step in (1, 2):
        ours.save(step, saved(step), {}, regular=True)
    shutil.copytree(folder.parent, kept)
    with monkeypatch.context() as patch:
        recorder.install(patch)
        ours.save(3, saved(3), {}, regular=True)
    kinds = [kind for kind, _, _ in recorder.operations]
    assert {"mkdir", "write", "sync", "rename", "unlink", "rmdir"} == set(kinds)

    def restore() -> None:
        shutil.rmtree(folder.parent)
        shutil.copytree(kept, folder.parent)

    number = 0
    for name, promised in states(recorder.operations, restore):
        number += 1
        before = tmp_path / "before"
        shutil.copytree(folder.parent, before)
        found = ours.newest(lambda *said: None)
        assert found is not None, name
        assert found.state["step"] in ((3,) if promised else (2, 3)), name
        assert bool((found.state["weights"] == found.state["step"]).all()), name
        assert not [each for each in folder.iterdir() if each.name.startswith(".")], name
        shutil.rmtree(folder.parent)
        before.rename(folder.parent)
    count(number)
    assert number >= 3 * CUTS, number


def test_the_order_of_a_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file, then their folder is synced before the name is given; the name is synced before an older one goes."""
    ours, recorder = Checkpoints(tmp_path / "checkpoints", tmp_path / "quarantine", "id"), Recorder()
    for step in (1, 2):
        ours.save(step, saved(step), {}, regular=True)
    with monkeypatch.context() as patch:
        recorder.install(patch)
        ours.save(3, saved(3), {}, regular=True)
    order = [(kind, path.name) for kind, path, _ in recorder.operations]
    named = order.index(("rename", f".step-000003.{os.getpid()}.tmp"))
    for each in ("state.safetensors", "state.json", "SEAL"):
        assert order.index(("write", each)) < order.index(("sync", each)) < order.index(("sync", order[named][1])) < named
    assert order[named + 1] == ("sync", "checkpoints")
    assert order[named + 2] == ("rename", "step-000001")
