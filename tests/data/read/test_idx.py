"""IDX files: read as they were written, or refused as a whole with the reason."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from picture_samples import noise

from trainwright.data.images.storage import decode, measure_sizes
from trainwright.data.read.idx import read_array
from trainwright.data.read.images import holds_images, read_pictures
from trainwright.errors import SourceError


def idx_bytes(array: np.ndarray, kind: int = 0x08) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape) + array.tobytes()


def write(path: Path, array: np.ndarray) -> None:
    data = idx_bytes(array)
    path.write_bytes(gzip.compress(data, 1, mtime=0) if path.suffix == ".gz" else data)


def write_set(folder: Path, images: str, labels: str, rows: int = 6, seed: int = 0) -> np.ndarray:
    pixels = noise(rows, 5, 4, seed=seed)
    write(folder / images, pixels)
    write(folder / labels, (np.arange(rows) % 3).astype(np.uint8))
    return pixels


MNIST = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, max_side=5)), st.booleans(), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, zipped: bool, member: int) -> None:
    path = tmp_path_factory.mktemp("idx") / "a-idx"
    data = idx_bytes(array)
    members = b"".join(gzip.compress(data[at : at + member], mtime=0) for at in range(0, len(data), member)) + b"\0" * 5
    path.write_bytes(members if zipped else data)
    assert (read_array(path) == array).all() and read_array(path).shape == array.shape


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("test", ["t10k", "test"])
def test_a_folder_as_mnist_has_it(tmp_path: Path, ending: str, dotted: bool, test: str) -> None:
    def name(text: str) -> str:
        return (text.replace("-idx", ".idx") if dotted else text).replace("t10k", test) + ending

    pixels = {
        part: write_set(tmp_path, name(x), name(y), 6, len(part)) for part, (x, y) in zip(("train", "test"), MNIST, strict=True)
    }
    (tmp_path / "readme.txt").write_text("MNIST")
    assert holds_images(tmp_path)
    parts = read_pictures(tmp_path)
    assert list(parts) == ["train", "test"]
    for part, pictures in parts.items():
        assert pictures.pixels is not None and pictures.paths is None
        assert (pictures.pixels == pixels[part][:, None]).all() and pictures.pixels.flags.writeable
        assert pictures.labels.to_list() == ["0", "1", "2", "0", "1", "2"]
        assert pictures.rows.tolist() == [1, 2, 3, 4, 5, 6] and pictures.keys.n_unique() == 6


def test_a_file_and_its_packed_copy_are_one(tmp_path: Path) -> None:
    pixels = write_set(tmp_path, *MNIST[0])
    for name in MNIST[0]:
        (tmp_path / f"{name}.gz").write_bytes(b"\x1f\x8b never read")
    assert (read_pictures(tmp_path)["train"].pixels == pixels[:, None]).all()


def test_one_images_file_finds_its_labels(tmp_path: Path) -> None:
    pixels = write_set(tmp_path, MNIST[1][0] + ".gz", MNIST[1][1])
    assert holds_images(tmp_path / (MNIST[1][0] + ".gz"))
    parts = read_pictures(tmp_path / (MNIST[1][0] + ".gz"))
    assert list(parts) == ["train"] and (parts["train"].pixels == pixels[:, None]).all()


def test_colour_images_have_four_axes(tmp_path: Path) -> None:
    write(tmp_path / "train-images-idx4-ubyte", noise(3, 3, 6, 5))
    write(tmp_path / "train-labels-idx1-ubyte", np.zeros(3, np.uint8))
    assert (read_pictures(tmp_path)["train"].pixels == noise(3, 3, 6, 5)).all()


# ---- refusals


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "begins with nothing"),
        (b"\0\0\x08", "begins with 00 00 08"),
        (b"\x89PNG....", "begins with 89 50 4e 47"),
        (b"\0\0\x08\x03\0\0", "ends within its header"),
        (idx_bytes(noise(4, 3, 3), 0x0D), "of type float"),
        (idx_bytes(noise(4, 3, 3), 0x0B), "of type short"),
        (idx_bytes(noise(4, 3, 3))[:-1], "declares 4 x 3 x 3 values, 52 bytes; it has 51"),
        (idx_bytes(noise(4, 3, 3)) + b"x", "it has more than 52"),
        (idx_bytes(noise(4, 0, 3)), "it is empty"),
        (gzip.compress(idx_bytes(noise(4, 3, 3))[:-1], mtime=0), "it has 51"),
        (gzip.compress(idx_bytes(noise(4, 3, 3)) + b"xy", mtime=0), "it has more than 52"),
        (gzip.compress(idx_bytes(noise(40, 30, 3)), mtime=0)[:-9], "gzip data is truncated"),
        (gzip.compress(idx_bytes(noise(40, 30, 3)), mtime=0)[:-8] + b"\xff" * 8, "gzip data is damaged"),
        (idx_bytes(noise(4)), "it has 1 axes, so it holds no images"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, why: str) -> None:
    write_set(tmp_path, *MNIST[0])
    (tmp_path / MNIST[0][0]).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_pictures(tmp_path)
    assert caught.value.code == "E143" and why in caught.value.what and MNIST[0][0] in caught.value.what


@pytest.mark.parametrize("zipped", [False, True])
def test_a_header_is_checked_before_memory_is_taken(tmp_path: Path, zipped: bool) -> None:
    head = struct.pack(">HBB3I", 0, 8, 3, 4_000_000_000, 4_000_000_000, 28)
    (tmp_path / "a").write_bytes(gzip.compress(head, mtime=0) if zipped else head)
    tracemalloc.start()
    with pytest.raises(SourceError, match="E143"):
        read_array(tmp_path / "a")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(idx_bytes(np.zeros((10, 2, 2), np.uint8)) + b"\0" * (64 << 20)))
    tracemalloc.start()
    with pytest.raises(SourceError, match="it has more than 56"):
        read_array(tmp_path / "a")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_counts_that_differ(tmp_path: Path) -> None:
    write(tmp_path / MNIST[0][0], noise(4, 3, 3))
    write(tmp_path / MNIST[0][1], np.zeros(5, np.uint8))
    with pytest.raises(SourceError, match=r"E146: there are 4 pictures .* but 5 labels"):
        read_pictures(tmp_path)


def test_labels_that_are_images(tmp_path: Path) -> None:
    write(tmp_path / MNIST[0][0], noise(4, 3, 3))
    write(tmp_path / MNIST[0][1], noise(4, 3, 3))
    with pytest.raises(SourceError, match=r"E143.*labels.*it holds no labels"):
        read_pictures(tmp_path)


def test_missing_labels(tmp_path: Path) -> None:
    write(tmp_path / MNIST[0][0], noise(4, 3, 3))
    with pytest.raises(SourceError, match=r"E144.*a labels file") as caught:
        read_pictures(tmp_path)
    assert "train-labels-idx1-ubyte" in caught.value.mend
    write(tmp_path / "pictures", noise(4, 3, 3))
    with pytest.raises(SourceError, match="E144"):
        read_pictures(tmp_path / "pictures")


def test_two_sets_in_one_folder(tmp_path: Path) -> None:
    for name in ("digits", "letters"):
        write_set(tmp_path, f"emnist-{name}-train-images-idx3-ubyte", f"emnist-{name}-train-labels-idx1-ubyte")
    with pytest.raises(SourceError, match="E145"):
        read_pictures(tmp_path)
    assert len(read_pictures(tmp_path / "emnist-letters-train-images-idx3-ubyte")["train"]) == 6


# ---- real data


def test_mnist_and_its_copy_as_png_files(real_data: Path) -> None:
    arrays, files = read_pictures(real_data / "mnist"), read_pictures(real_data / "mnist_png")
    assert [len(part) for part in arrays.values()] == [60_000, 10_000]
    assert arrays["train"].labels.head(5).to_list() == ["5", "0", "4", "1", "9"]
    found = measure_sizes(files.values())
    assert found.size == (28, 28) and found.channels == 1
    for part, pictures in files.items():
        pixels, known = decode(pictures, found.size, 1).pixels, arrays[part].pixels
        assert pixels is not None and known is not None
        labels = {row.tobytes(): label for row, label in zip(known, arrays[part].labels, strict=True)}
        assert [labels.get(row.tobytes()) for row in pixels] == pictures.labels.to_list()
