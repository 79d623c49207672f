"""What the cache keeps comes back as it was, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from trainwright.data.files import cache
from trainwright.data.files.spool import cache_folder


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
@pytest.mark.parametrize("count", [0, 1, 1000])
def test_ids_come_back_from_the_cache(dtype: type, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "IN_MEMORY", 100)
    ids = np.arange(count, dtype=dtype)
    cache.save("ids", {"size": count}, {"train": ids[::-1]})
    found = cache.load("ids")
    assert found is not None and found[0] == {"size": count}
    assert found[1]["train"].dtype == dtype and found[1]["train"].tolist() == ids[::-1].tolist()
    assert found[1]["train"].flags.writeable is (count < 1000), "what is large is left on the disk"


def test_an_entry_that_is_damaged_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "IN_MEMORY", 100)
    for name in ("values.json", "arrays.safetensors", f"{cache.LARGE}train.npy"):
        cache.save("ids", {}, {"train": np.arange(1000, dtype=np.uint16), "test": np.arange(9)})
        place = cache_folder() / "encoded" / "ids" / name
        whole = place.read_bytes()
        assert cache.load("ids")
        for content in (None, b"", b"text", whole[: len(whole) // 2], whole[:20]):
            place.unlink()
            if content is not None:
                place.write_bytes(content)
            assert cache.load("ids") is None, name
            place.write_bytes(whole)


def test_an_entry_of_the_cache_that_lacks_a_file_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "IN_MEMORY", 100)
    arrays = {"small": np.arange(3), "train/large": np.arange(100)}
    cache.save("key", {"a": 1}, arrays)
    values, found = cache.load("key")
    assert values == {"a": 1} and all(np.array_equal(found[name], each) for name, each in arrays.items())
    next((tmp_path / "encoded" / "key").glob("large-*")).unlink()
    assert cache.load("key") is None


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


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
