"""NumPy's files: every usual shape and type gives the same pictures; the rest is refused, and nothing is unpickled."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_samples import noise

from trainwright.data.images.arrays import convert, to_labels
from trainwright.data.images.normalize import ImageNormalizer
from trainwright.data.read.embedded import digits
from trainwright.data.read.images import holds_images, read_pictures
from trainwright.errors import SourceError

GREY, COLOUR = noise(4, 6, 5), noise(4, 6, 5, 3)
LABELS = np.array([3, 1, 3, 0])


def saved(path: Path, **arrays: Any) -> Path:
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return path


def pixels_of(images: Any, tmp_path: Path) -> np.ndarray:
    pixels = read_pictures(saved(tmp_path / "a.npz", x=images, y=np.arange(len(images))))["train"].pixels
    assert pixels is not None
    return pixels


# ---- .npz and .npy


def test_a_file_as_keras_writes_it(tmp_path: Path) -> None:
    path = saved(tmp_path / "mnist.npz", x_train=GREY, y_train=LABELS, x_test=GREY[:2] // 2, y_test=LABELS[:2])
    assert holds_images(path)
    parts = read_pictures(path)
    assert list(parts) == ["train", "test"] and parts["train"].paths is None
    assert (parts["train"].pixels == GREY[:, None]).all() and (parts["test"].pixels == GREY[:2, None] // 2).all()
    assert parts["train"].labels.to_list() == ["3", "1", "3", "0"]
    assert parts["train"].file == str(path) and parts["train"].rows.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (("x", "y"), ["train"]),
        (("X", "y"), ["train"]),
        (("images", "labels"), ["train"]),
        (("data", "target"), ["train"]),
        (
            ("train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels"),
            ["train", "valid", "test"],
        ),
        (("X_train", "y_train", "X_valid", "y_valid"), ["train", "valid"]),
        (("x_train", "y_train", "x_test"), ["train"]),
    ],
)
def test_usual_names(tmp_path: Path, names: tuple[str, ...], parts: list[str]) -> None:
    path = saved(
        tmp_path / "a.npz",
        **{name: GREY if name[0] in "xXd" or "images" in name else LABELS for name in names},
    )
    found = read_pictures(path)
    assert sorted(found) == sorted(parts) and all(len(part) == 4 for part in found.values())


@pytest.mark.parametrize("beside", ["a_labels.npy", "labels.npy", "y.npy"])
def test_an_npy_file_and_its_labels(tmp_path: Path, beside: str) -> None:
    np.save(tmp_path / "a.npy", np.asfortranarray(COLOUR))
    np.save(tmp_path / beside, LABELS.astype(str))
    assert holds_images(tmp_path / "a.npy")
    found = read_pictures(tmp_path / "a.npy")["train"]
    assert (found.pixels == COLOUR.transpose(0, 3, 1, 2)).all() and found.labels.to_list() == ["3", "1", "3", "0"]


def test_rows_without_a_label_are_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", x=GREY, y=np.array(["cat", "", "dog", " "]))
    found = read_pictures(path)["train"]
    assert found.labels.to_list() == ["cat", "dog"] and found.rows.tolist() == [1, 3] and len(found.keys) == 2
    assert [(each.file, each.row, each.reason) for each in found.rejected] == [
        (str(path), 2, "no label"),
        (str(path), 4, "no label"),
    ]
    with pytest.raises(SourceError, match="E142"):
        read_pictures(saved(tmp_path / "b.npz", x=GREY, y=np.array(["", "", "", ""])))


def test_equal_rows_have_equal_keys(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", x=GREY[[0, 1, 0, 2]], y=LABELS, x_test=GREY[[2]].astype(np.float32), y_test=LABELS[:1])
    parts = read_pictures(path)
    keys = parts["train"].keys
    assert keys[0] == keys[2] and keys.n_unique() == 3 and parts["test"].keys[0] == keys[3]


# ---- shapes and types


@pytest.mark.parametrize(
    "images",
    [
        COLOUR,
        COLOUR.transpose(0, 3, 1, 2),
        np.concatenate([COLOUR, np.full((4, 6, 5, 1), 255, np.uint8)], 3),
        COLOUR.astype(np.int64),
        COLOUR.astype(np.float32),
        COLOUR.astype(np.float64) / 255,
        (COLOUR / 255).astype(np.float32),
        COLOUR.astype(np.uint16) * 257,
        COLOUR.astype(np.int16).astype(">i2"),
    ],
)
def test_shapes_and_types_agree(images: np.ndarray, tmp_path: Path) -> None:
    assert (pixels_of(images, tmp_path) == COLOUR.transpose(0, 3, 1, 2)).all()


@pytest.mark.parametrize("images", [GREY, GREY[..., None], GREY[:, None]])
def test_grey_shapes_agree(images: np.ndarray, tmp_path: Path) -> None:
    assert (pixels_of(images, tmp_path) == GREY[:, None]).all()


def test_rows_of_pixels(tmp_path: Path) -> None:
    square, planes = noise(3, 7, 7), noise(3, 3, 8, 8)
    assert (pixels_of(square.reshape(3, 49), tmp_path) == square[:, None]).all()
    assert (pixels_of(planes.reshape(3, 192), tmp_path) == planes).all()


def test_tiny_pictures_are_read_as_the_squarer_shape() -> None:
    assert convert({"a": noise(2, 3, 4, 4)})[0]["a"].shape == (2, 3, 4, 4)  # channels first: 4 x 4
    assert convert({"a": noise(2, 4, 4, 3)})[0]["a"].shape == (2, 3, 4, 4)


def test_transparency_lies_over_white() -> None:
    images = noise(5, 6, 7, 4)
    part = images[..., 3:] / 255
    expected = np.round(images[..., :3] * part + 255 * (1 - part))
    assert (convert({"a": images})[0]["a"] == expected.transpose(0, 3, 1, 2)).all()


def test_what_values_mean_is_decided_for_all_parts_together() -> None:
    dark, bright = np.full((1, 4, 4), 1.0), np.full((1, 4, 4), 200.0)
    found, notes = convert({"train": bright, "test": dark})
    assert found["test"].max() == 1 and notes[0][:2] == ("values", "rounded")
    found, notes = convert({"train": dark, "test": dark / 2})
    assert found["train"].max() == 255 and found["test"].max() == 128 and "fractions" in notes[0][2]
    assert convert({"a": np.ones((1, 4, 4), bool)})[0]["a"].min() == 255
    assert convert({"a": np.full((1, 4, 4), 9, np.uint16)})[0]["a"].max() == 9


def test_large_arrays_are_converted_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    images = noise(50, 6, 5) / 255
    whole = convert({"a": images})[0]["a"]
    monkeypatch.setattr("trainwright.data.images.arrays.CHUNK_VALUES", 70)
    assert (convert({"a": images})[0]["a"] == whole).all()


@pytest.mark.parametrize(
    ("images", "why"),
    [
        (noise(4), "its shape is (4,)"),
        (noise(4, 50), "its shape is (4, 50)"),
        (noise(4, 6, 5, 2), "its shape is (4, 6, 5, 2)"),
        (noise(4, 0, 5), "it is empty"),
        (GREY.astype(complex), "its type is complex128"),
        (GREY.astype(str), "its type is <U3"),
        (GREY.astype(np.float32) * np.nan, "not finite"),
        (GREY.astype(np.float32) - 128, "its values run from"),
        (GREY.astype(np.int32) * 100, "its values reach"),
    ],
)
def test_what_is_no_pictures(images: np.ndarray, why: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        read_pictures(saved(tmp_path / "a.npz", x=images, y=LABELS))
    assert caught.value.code == "E147" and why in caught.value.what and "a.npz, train" in caught.value.what


def test_labels() -> None:
    for same in (
        LABELS,
        LABELS[:, None],
        LABELS.astype(float),
        LABELS.astype(str),
        LABELS.astype("S"),
        LABELS.astype(np.uint8),
    ):
        assert to_labels(same, "y").to_list() == ["3", "1", "3", "0"]
    assert to_labels(np.array([True, False]), "y").to_list() == ["true", "false"]
    for odd in (np.eye(4), np.array([0.5, 1]), np.array([np.nan]), np.array([1j])):
        with pytest.raises(SourceError, match="E147: y does not fit"):
            to_labels(odd, "y")


# ---- refusals of files


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('unpickled')",))


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    objects = np.array([Payload()], object)
    np.savez(tmp_path / "a.npz", x=objects, y=np.zeros(1))
    np.save(tmp_path / "b.npy", objects)
    np.save(tmp_path / "labels.npy", np.zeros(1))
    for name in ("a.npz", "b.npy"):
        with pytest.raises(SourceError, match=r"E148.*pickle\), which are never opened"):
            read_pictures(tmp_path / name)


def npy(shape: tuple[int, ...], kind: Any = np.uint8, data: bytes = b"") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.lib.format.dtype_to_descr(np.dtype(kind)), "fortran_order": False, "shape": shape}
    )
    return file.getvalue() + data


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (npy((100_000, 1000, 1000)), "declares 100,000,000,000 bytes"),
        (npy((4, 3, 3), data=b"x" * 35), "declares 36 bytes and has 35"),
        (npy((4,), [("a", "u1")], b"x" * 4), "is of type"),
        (b"\x93NUMPY\x01\0\x10\0{'descr': oops, }", "it is damaged"),
        (b"\x93NUMPY\x09\0", "it is damaged"),
        (b"\x93NUMPY", "it is damaged"),
    ],
)
def test_damaged_npy_files(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    np.save(tmp_path / "labels.npy", LABELS)
    tracemalloc.start()
    with pytest.raises(SourceError) as caught:
        read_pictures(tmp_path / "a.npy")
    assert caught.value.code == "E148" and why in caught.value.what and tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_damaged_npz_files(tmp_path: Path) -> None:
    whole = saved(tmp_path / "a.npz", x=GREY, y=LABELS).read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"E148.*it is damaged"):
        read_pictures(tmp_path / "a.npz")
    draw = np.random.default_rng(0)
    for _ in range(60):
        data = np.frombuffer(whole, np.uint8).copy()
        data[draw.integers(0, len(data), 3)] = draw.integers(0, 256, 3)
        (tmp_path / "a.npz").write_bytes(data.tobytes())
        try:
            read_pictures(tmp_path / "a.npz")
        except SourceError as problem:
            assert problem.code in ("E146", "E147", "E148", "E102", "E108", "E104"), problem


def test_an_npz_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwright.data.read.npy.SMALL_EXPANSION", 1 << 20)
    path = saved(tmp_path / "a.npz", x=np.zeros((8, 1000, 1000), np.uint8), y=np.zeros(8, int))
    tracemalloc.start()
    with pytest.raises(SourceError, match=r"E148.*grows to 8,000,128 bytes"):
        read_pictures(path)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_missing_arrays_and_labels(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"E148.*its arrays are called weights, bias"):
        read_pictures(saved(tmp_path / "a.npz", weights=GREY, bias=LABELS))
    with pytest.raises(SourceError, match=r"E148.*its arrays are called x_test, y_test"):
        read_pictures(saved(tmp_path / "a.npz", x_test=GREY, y_test=LABELS))
    np.save(tmp_path / "a.npy", GREY)
    with pytest.raises(SourceError, match=r"E148.*no file of labels is beside it \(a_labels\.npy"):
        read_pictures(tmp_path / "a.npy")
    with pytest.raises(SourceError, match=r"E146: there are 4 pictures in x but 3 labels in y"):
        read_pictures(saved(tmp_path / "a.npz", x=GREY, y=LABELS[:3]))


# ---- the digits, and the encoder


def test_the_digits_are_those_of_scikit_learn() -> None:
    found = digits()["train"]
    assert found.pixels is not None and found.pixels.shape == (1797, 1, 8, 8)
    assert found.labels.value_counts().sort("label")["count"].to_list() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    shades = [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]  # the first rows of the first picture
    assert found.pixels[0, 0, :2].tolist() == [[round(shade * 255 / 16) for shade in row] for row in shades]
    assert set(np.unique(found.pixels)) == {int(shade * 255 / 16 + 0.5) for shade in range(17)}


def test_the_digits_are_read_without_scikit_learn() -> None:
    code = (
        "import sys\nfrom trainwright.data.read.embedded import digits\ndigits()\n"
        "assert not {'sklearn', 'torch', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_file_of_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SourceError, match="E150"):
        digits()


@given(st.integers(1, 9), st.sampled_from([1, 3]), st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_pixels_learns_mean_and_deviation(rows: int, channels: int, height: int, width: int, seed: int) -> None:
    pixels = noise(rows, channels, height, width, seed=seed)
    encoder = ImageNormalizer.fit(pixels, (height, width), channels)
    values = pixels / 255
    assert np.allclose(encoder.mean, values.mean((0, 2, 3)), rtol=1e-12)
    if rows * height * width > 1:
        assert np.allclose(encoder.std, values.std((0, 2, 3)), rtol=1e-9)
    shuffled = np.random.default_rng(seed).permutation(pixels)
    assert ImageNormalizer.fit(shuffled, (height, width), channels) == encoder
    values_, arrays = encoder.to_parts()
    assert arrays == {} and ImageNormalizer.from_parts(json.loads(json.dumps(values_)), arrays) == encoder


def test_pixels_of_one_shade_are_not_divided_by_zero() -> None:
    assert ImageNormalizer.fit(np.full((3, 1, 2, 2), 51, np.uint8), (2, 2), 1) == ImageNormalizer((2, 2), 1, (0.2,), (1.0,))


def test_pixels_sums_are_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = noise(50, 3, 4, 4)
    whole = ImageNormalizer.fit(pixels, (4, 4), 3)
    monkeypatch.setattr("trainwright.data.images.normalize.CHUNK_VALUES", 40)
    assert ImageNormalizer.fit(pixels, (4, 4), 3) == whole
