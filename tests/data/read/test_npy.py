"""NumPy's files as data sets of pictures: usual names are found, nothing is unpickled, damage is named."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from array_samples import COLOUR, GREY, LABELS, saved

from trainwright.data.read.images import holds_images, read_pictures
from trainwright.errors import SourceError


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
