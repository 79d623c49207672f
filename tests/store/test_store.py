"""Files and folders are there whole or not at all; a bundle comes back as it was."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from samples import reseal

from trainwright.data.files import cache
from trainwright.errors import RunError
from trainwright.store import atomic, bundle, checkpoint


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill(folder: Path, files: dict[str, bytes]) -> None:
    with atomic.new_folder(folder) as place:
        for name, content in files.items():
            atomic.write_synced(place / name, content)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    atomic.write_file(tmp_path / "a", "one")
    atomic.write_file(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two" and listing(tmp_path) == ["a"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(broken: str, tmp_path: Path, monkeypatch) -> None:
    atomic.write_file(tmp_path / "a", "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync", fail) if broken == "fsync" else (Path, "replace", fail)))
    with pytest.raises(RunError) as caught:
        atomic.write_file(tmp_path / "a", "new")
    assert caught.value.code == "E402" and "No space left" in str(caught.value)
    assert (tmp_path / "a").read_text() == "old" and listing(tmp_path) == ["a"]


@pytest.mark.parametrize("broken", ["fsync", "rename"])
def test_a_failed_folder_is_not_there(broken: str, tmp_path: Path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync", fail) if broken == "fsync" else (Path, "rename", fail)))
    with pytest.raises(RunError):
        fill(tmp_path / "model", {"a": b"1", "b": b"2"})
    assert listing(tmp_path) == []


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f".model.{os.getpid()}.tmp").mkdir()
    (tmp_path / f".a.{os.getpid()}.tmp").write_text("half")
    fill(tmp_path / "model", {"a": b"1"})
    atomic.write_file(tmp_path / "a", "whole")
    assert listing(tmp_path) == ["a", "model"]


def test_a_bundle_comes_back(tmp_path: Path) -> None:
    kept = bundle.Bundle({"task": "t"}, {"w": torch.randn(3, 2).T.numpy()}, {"idf": np.arange(3.0)}, ["a", "\u00e9"])
    bundle.save(tmp_path / "model", kept, "card")
    found = bundle.load(tmp_path / "model")
    assert found.meta == {"format": 2, "task": "t"} and np.array_equal(found.weights["w"], kept.weights["w"])
    assert found.tokens == kept.tokens and np.array_equal(found.arrays["idf"], kept.arrays["idf"])


def test_the_cache_keeps_what_was_used_last(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "LIMIT", 10_000)
    for age, key in enumerate("abc"):
        cache.save(key, {"key": key}, {"x": np.zeros(400)})
        os.utime(tmp_path / "encoded" / key, (age + 1, age + 1))
    assert cache.load("a") is not None  # used now, so it stays
    cache.save("d", {}, {"x": np.zeros(400)})
    assert "a" in listing(tmp_path / "encoded") and "b" not in listing(tmp_path / "encoded")
    cache.save("e", {}, {"x": np.zeros(4000)})
    assert cache.load("e") is None  # larger than the cache may be
    (tmp_path / "encoded" / "a" / "arrays.safetensors").write_bytes(b"junk")
    assert cache.load("a") is None


def test_every_shaping_thing_is_in_the_fingerprint() -> None:
    base = cache.fingerprint("content", {"ngrams": 2})
    assert base == cache.fingerprint("content", {"ngrams": 2})
    assert base != cache.fingerprint("other", {"ngrams": 2}) and base != cache.fingerprint("content", {"ngrams": 1})


FACTS = {"settings": {}, "data": {}, "machine": {}, "log": {}}


def saved(folder: Path) -> Path:
    found = checkpoint.Checkpoints(folder / "checkpoints", folder / "quarantine", "run")
    found.save(1, {"model": {"w": torch.ones(2)}}, FACTS, regular=True)
    return found.paths()[0]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("state.json", b"[" * 100_000),
        ("state.json", b'{"format": 1, "format": 1, "state": null}'),
        ("state.json", b'{"format": 1, "state": {"__reduce__": ["os.system", "true"]}}'),
        ("state.json", b'{"format": 1, "state": {"tensor": ["w"]}}'),
        ("state.json", b'{"format": 1, "state": {"counter": [[{"list": []}, 1]]}}'),
        ("state.json", b'{"format": 1, "state": 1' + b"0" * 5000 + b"}"),
        ("state.json", b"null"),
        ("state.safetensors", b"\x80\x04\x95cos\nsystem\n"),
        ("state.safetensors", (4 << 30).to_bytes(8, "little") + b"{}"),
        ("state.safetensors", (24).to_bytes(8, "little") + b'{"a": {}, "a": {}}      '),
    ],
)
def test_a_checkpoint_of_a_stranger_is_refused(file: str, content: bytes, tmp_path: Path) -> None:
    path = saved(tmp_path)
    assert torch.equal(checkpoint.read(path).state["model"]["w"], torch.ones(2))
    (path / file).write_bytes(content)
    reseal(path)
    with pytest.raises(RunError) as caught:
        checkpoint.read(path)
    assert caught.value.code == "E411"
