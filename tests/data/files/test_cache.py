"""The cache: what it keeps comes back as it was or not at all, what killed processes left goes, what others put there stays."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainwright.data.files import cache, cache_folder
from trainwright.watch.events import Note

KEYS = {name: cache.fingerprint(name, {}) for name in "abcde"}
KEY = KEYS["a"]


@pytest.fixture(autouse=True)
def encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of encoded data, in a cache that is empty."""
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "encoded"


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
@pytest.mark.parametrize("count", [0, 1, 1000])
def test_ids_come_back_from_the_cache(dtype: type, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "IN_MEMORY", 100)
    ids = np.arange(count, dtype=dtype)
    cache.save(KEY, "a.csv", {"size": count}, {"train": ids[::-1]})
    found = cache.load(KEY)
    assert found is not None and found[0] == {"size": count}
    assert found[1]["train"].dtype == dtype and found[1]["train"].tolist() == ids[::-1].tolist()
    assert found[1]["train"].flags.writeable is (count < 1000), "what is large is left on the disk"


def test_an_entry_that_is_damaged_is_said_and_made_anew(encoded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "IN_MEMORY", 100)
    arrays = {"train/ids": np.arange(1000, dtype=np.uint16), "test": np.arange(9)}
    for name in ("SEAL", "values.json", "arrays.safetensors", f"{cache.LARGE}train%2Fids.npy"):
        for damage in (None, b"", b"text", slice(-1), slice(20), "folder", "fifo", "link"):
            assert cache.save(KEY, "a.csv", {}, arrays) is None and cache.load(KEY)
            place = encoded / KEY / name
            whole = place.read_bytes()
            place.unlink()
            if isinstance(damage, bytes | slice):
                place.write_bytes(damage if isinstance(damage, bytes) else whole[damage])
            elif damage == "folder":
                place.mkdir()
            elif damage == "fifo":
                os.mkfifo(place)
            elif damage == "link":
                place.symlink_to("/dev/zero")
            said: list[Any] = []
            assert cache.load(KEY, said.append) is None, (name, damage)
            assert [each[:2] for each in said] == [("cache", "damaged")], (name, damage)
            assert visible(encoded) == []
            assert cache.load(KEY, said.append) is None and len(said) == 1


def test_a_file_in_place_of_an_entry_is_damage(encoded: Path) -> None:
    encoded.mkdir(parents=True)
    for make in (lambda place: place.write_bytes(b""), lambda place: place.symlink_to("nowhere")):
        make(encoded / KEY)
        said: list[Note] = []
        assert cache.load(KEY, said.append) is None and len(said) == 1
        assert cache.save(KEY, "a.csv", {"x": 1}, {}) is None and cache.load(KEY) == ({"x": 1}, {})
        shutil.rmtree(encoded / KEY)


def test_the_cache_keeps_what_was_used_last(encoded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_folder, "LIMIT", 12_000)
    for age, name in enumerate("abc"):
        cache.save(KEYS[name], name, {"key": name}, {"x": np.zeros(400)})
        os.utime(encoded / KEYS[name], (age + 1, age + 1))
    assert cache.load(KEYS["a"]) is not None  # used now, so it stays
    cache.save(KEYS["d"], "d", {}, {"x": np.zeros(400)})
    assert {each.source for each in cache_folder.encoded()} == {"a", "c", "d"}
    cache.save(KEYS["e"], "e", {}, {"x": np.zeros(4000)})
    assert cache.load(KEYS["e"]) is None  # larger than the cache may be


def test_what_others_put_there_neither_stops_the_cache_nor_goes(encoded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (encoded / "notes").mkdir(parents=True)
    (encoded / "notes" / "mine.txt").write_text("mine")
    (encoded / ".DS_Store").write_bytes(b"x" * 20_000)
    (encoded / "stray").write_bytes(b"x" * 20_000)
    monkeypatch.setattr(cache_folder, "LIMIT", 6_500)
    for name in "ab":
        assert cache.save(KEYS[name], name, {}, {"x": np.zeros(400)}) is None and cache.load(KEYS[name])
    assert visible(encoded) == sorted([KEYS["b"], "notes", ".DS_Store", "stray"])


def test_a_cache_that_cannot_be_written_says_so(encoded: Path) -> None:
    encoded.parent.mkdir()
    encoded.write_text("a file")
    assert str(encoded) in str(cache.save(KEY, "a.csv", {}, {}))


def test_what_a_killed_process_left_goes(encoded: Path) -> None:
    code = (
        "import os, signal, sys\nfrom trainwright.data.files import cache\n"
        "cache.seal.close = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\ncache.save(sys.argv[1], 'a', {}, {})"
    )
    killed = subprocess.run([sys.executable, "-c", code, KEY], check=False)
    assert killed.returncode == -signal.SIGKILL and len(visible(encoded)) == 1
    assert cache.load(KEY) is None
    cache.save(KEYS["b"], "b", {}, {})
    assert visible(encoded) == [KEYS["b"]]


def test_one_process_at_a_time_writes(encoded: Path) -> None:
    with cache_folder.writing() as mine:
        (encoded / f".{KEY}.1.tmp").mkdir()  # being written
        assert mine and cache.save(KEY, "a", {}, {}) is None and cache.load(KEY) is None
        assert visible(encoded) == [f".{KEY}.1.tmp"]


def test_every_shaping_thing_is_in_the_fingerprint() -> None:
    base = cache.fingerprint("content", {"ngrams": 2})
    assert base == cache.fingerprint("content", {"ngrams": 2})
    assert base != cache.fingerprint("other", {"ngrams": 2}) and base != cache.fingerprint("content", {"ngrams": 1})
