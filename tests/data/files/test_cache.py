"""What the cache keeps comes back as it was, or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainwright.data.files import cache
from trainwright.data.files.cache import open_stream, stream_bytes
from trainwright.errors import SourceError


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
@pytest.mark.parametrize("count", [0, 1, 1000])
def test_ids_come_back_without_being_read(dtype: type, count: int, tmp_path: Path) -> None:
    ids = np.arange(count, dtype=dtype)
    (tmp_path / "ids.npy").write_bytes(stream_bytes(ids[::-1]))
    found = open_stream(tmp_path / "ids.npy")
    assert isinstance(found, np.memmap) and not found.flags.writeable
    assert found.dtype == dtype and found.tolist() == ids[::-1].tolist()


def test_what_is_no_list_of_ids(tmp_path: Path) -> None:
    place = tmp_path / "ids.npy"
    place.write_bytes(stream_bytes(np.arange(1000, dtype=np.uint16)))
    whole = place.read_bytes()
    for content in (None, b"", b"text", whole[:1000], whole[:20]):
        place.unlink(missing_ok=True)
        if content is not None:
            place.write_bytes(content)
        with pytest.raises(SourceError, match=r"ids\.npy") as caught:
            open_stream(place)
        assert caught.value.code == "E167"
    for array in (np.zeros((2, 2), np.uint16), np.zeros(3), np.zeros(3, np.int64)):
        np.save(place, array)
        with pytest.raises(SourceError):
            open_stream(place)
    np.save(place, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(SourceError):
        open_stream(place)


def test_an_entry_of_the_cache_that_lacks_a_file_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "IN_MEMORY", 100)
    arrays = {"small": np.arange(3), "train/large": np.arange(100)}
    cache.save("key", {"a": 1}, arrays)
    values, found = cache.load("key")
    assert values == {"a": 1} and all(np.array_equal(found[name], each) for name, each in arrays.items())
    next((tmp_path / "encoded" / "key").glob("large-*")).unlink()
    assert cache.load("key") is None
