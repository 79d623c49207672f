"""Encoded data that are cut or have a bit turned are never trained on."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench import FULL

from trainwright.data.files import cache, cache_folder

TRIES = 1000 if FULL else 100


def test_rot_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Any) -> None:
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "IN_MEMORY", 2000)
    key, draw = cache.fingerprint("content", {}), random.Random(0)
    values, arrays = {"notes": ["a", 1.5]}, {"ids": np.arange(300), "train/pixels": np.arange(3000, dtype=np.uint8)}
    cache.save(key, "a.csv", values, arrays)
    entry, whole = cache_folder.encoded_folder() / key, tmp_path / "whole"
    shutil.copytree(entry, whole)
    passed = []
    for number in range(TRIES):
        file = draw.choice(sorted(entry.iterdir()))
        content = bytearray(file.read_bytes())
        if number % 5:
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        else:
            del content[draw.randrange(len(content)) :]
        file.write_bytes(content)
        said: list[Any] = []
        if cache.load(key, said.append) is not None or len(said) != 1 or entry.exists():
            passed.append(f"{file.name}, try {number}")
            shutil.rmtree(entry, ignore_errors=True)
        shutil.copytree(whole, entry)
    found = cache.load(key)
    assert found is not None and found[0] == values and all(np.array_equal(found[1][name], arrays[name]) for name in arrays)
    count(TRIES, len(passed))
    assert not passed
