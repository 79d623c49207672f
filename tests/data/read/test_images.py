"""Labelled pictures from folders and tables: what is taken, in which order, and what is left out with which reason."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_samples import HOSTILE_REASONS, hostile, noise, packed, write_png
from PIL import Image, ImageFile

from trainwright.data.images.decode import decode_one
from trainwright.data.images.pictures import Pictures, from_pixels, in_pieces
from trainwright.data.images.sizes import LARGEST, SIDES, _size, bytes_needed, decode, measure_sizes
from trainwright.data.read.image_folders import image_column
from trainwright.data.read.images import holds_images, read_pictures
from trainwright.data.read.tables import read_table
from trainwright.errors import DataError, SourceError


def picture(path: Path, seed: int = 0, height: int = 6, width: int = 6) -> Path:
    return write_png(path, noise(height, width, seed=seed))


def small_set(folder: Path) -> Path:
    for number, name in enumerate(("dog/b.png", "cat/2.png", "cat/10.png", "cat/deep/er/a.png")):
        picture(folder / name, number)
    return folder


# ---- folders


def test_a_folder_of_classes(tmp_path: Path) -> None:
    small_set(tmp_path)
    picture(tmp_path / ".hidden" / "a.png")
    picture(tmp_path / "cat" / ".a.png")
    picture(tmp_path / "cat" / ".cache" / "a.png")
    (tmp_path / "cat" / "notes.txt").write_text("none")
    (tmp_path / "cat" / "moving.heic").write_text("none")
    (tmp_path / "empty").mkdir()
    assert holds_images(tmp_path)
    parts = read_pictures(tmp_path)
    found = parts["train"]
    assert list(parts) == ["train"] and found.file == str(tmp_path) and not found.by_row
    assert found.names == ["cat/10.png", "cat/2.png", "cat/deep/er/a.png", "dog/b.png"]
    assert found.labels.to_list() == ["cat", "cat", "cat", "dog"] and found.rows.tolist() == [1, 2, 3, 4]
    assert found.paths == [tmp_path / name for name in found.names] and found.pixels is None and found.rejected == []
    assert found.notes[1] == ("passed over", "2 files", "no image in the folder of a class: .heic, .txt")


@pytest.mark.parametrize("name", ["a.PNG", "a.jpg", "a.JPEG", "a.webp", "a.bmp", "a.gif", "a.tif", "a.tiff"])
def test_every_suffix_is_known(tmp_path: Path, name: str) -> None:
    (tmp_path / "cat").mkdir()
    Image.fromarray(noise(6, 6)).save(tmp_path / "cat" / name)
    found = decode(read_pictures(tmp_path)["train"], (6, 6), 1)
    assert found.names == [f"cat/{name}"] and found.pixels is not None and found.pixels.shape == (1, 1, 6, 6)


@pytest.mark.parametrize(
    "names", [("train", "valid", "test"), ("Training", "val", "testing"), ("train", "dev"), ("train", "validation")]
)
def test_folders_of_splits(tmp_path: Path, names: tuple[str, ...]) -> None:
    for number, name in enumerate(names):
        small_set(tmp_path / name)
        picture(tmp_path / name / "cat" / "own.png", 100 + number)
    assert holds_images(tmp_path)
    parts = read_pictures(tmp_path)
    assert list(parts) == ["train", "valid", "test"][: len(names)]
    assert all(len(part) == 5 and part.file == str(tmp_path / name) for part, name in zip(parts.values(), names, strict=True))
    assert parts["train"].keys[0] == parts["valid"].keys[0] and parts["train"].keys[2] != parts["valid"].keys[2]


def test_a_split_folder_without_classes_is_no_class(tmp_path: Path) -> None:
    small_set(tmp_path / "train")
    picture(tmp_path / "test" / "1.png")
    assert read_pictures(tmp_path)["train"].labels.to_list() == ["cat", "cat", "cat", "dog"]
    assert list(read_pictures(tmp_path)) == ["train"]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train/a.png", "bus/b.png", "test/c.png"):
        picture(tmp_path / name)
    assert read_pictures(tmp_path)["train"].labels.to_list() == ["bus", "test", "train"]
    picture(tmp_path / "train" / "steam" / "d.png")
    assert read_pictures(tmp_path)["train"].labels.to_list() == ["bus", "test", "train", "train"]


def test_links_do_not_lead_into_a_loop(tmp_path: Path) -> None:
    small_set(tmp_path / "set")
    (tmp_path / "set" / "cat" / "again").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "cow").symlink_to(tmp_path / "set" / "dog")
    assert read_pictures(tmp_path / "set")["train"].labels.to_list() == ["cat", "cat", "cat", "cow", "dog"]


def test_what_holds_no_images(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.txt").write_text("text")
    (tmp_path / "a.csv").write_text("label,text\na,b\n")
    picture(tmp_path / "loose.png")
    for path in (tmp_path, tmp_path / "a.csv", tmp_path / "loose.png"):
        assert not holds_images(path)
    with pytest.raises(SourceError, match="E141"):
        read_pictures(tmp_path)
    for verb in (holds_images, read_pictures):
        with pytest.raises(SourceError, match="E101"):
            verb(tmp_path / "none")


def test_holds_images_opens_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_set(tmp_path)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("opened"))
    assert holds_images(tmp_path)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    try:
        os.mkdir(folder)  # noqa: PTH102
    except OSError:
        pytest.skip("the file system takes only UTF-8")
    Path(os.fsdecode(folder), "a.png").write_bytes(packed(Image.fromarray(noise(6, 6))))
    Path(os.fsdecode(folder), "b.png").write_bytes(b"")
    found = decode(read_pictures(tmp_path)["train"], (6, 6), 1)
    assert found.labels.to_list() == ["caf?"] and "caf?" in found.rejected[0].file and len(found) == 1


# ---- tables


def listed(folder: Path, text: str, name: str = "list.csv") -> Pictures:
    (folder / name).write_text(text)
    return read_pictures(folder / name)["train"]


def test_a_table_of_file_names(tmp_path: Path) -> None:
    small_set(tmp_path)
    path = tmp_path / "dog" / "b.png"
    text = (
        f"id,image,label\n1,cat/2.png,cat\n2,{path},dog\n3,none.png,dog\n4,,dog\n5,cat/10.png,\n6,cat,cat\n7,cat/10.png,cat\n"
    )
    found = listed(tmp_path, text)
    assert found.names == ["cat/2.png", str(path), "cat/10.png"] and found.rows.tolist() == [2, 3, 8] and found.by_row
    assert found.labels.to_list() == ["cat", "dog", "cat"] and found.paths is not None and found.paths[1] == path
    assert [(each.row, each.reason) for each in found.rejected] == [
        (4, "'none.png': there is no such file"),
        (5, "no name of an image"),
        (6, "no label"),
        (7, "'cat': it is a folder"),
    ]
    assert {each.file for each in found.rejected} == {str(tmp_path / "list.csv")}
    assert ("image", "image", "a usual name for it, above names of image files") in found.notes
    assert (decode(found, (6, 6), 1).pixels == np.stack([noise(1, 6, 6, seed=seed) for seed in (1, 0, 2)])).all()


def test_other_formats_of_tables(tmp_path: Path) -> None:
    small_set(tmp_path)
    frame = pl.DataFrame({"picture of": ["cat/2.png", "cat/10.png", "dog/b.png"] * 4, "y": [1, 1, 0] * 4})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ndjson(tmp_path / "a.jsonl")
    frame.write_csv(tmp_path / "a.tsv", separator="\t")
    for name in ("a.parquet", "a.jsonl", "a.tsv"):
        found = read_pictures(tmp_path / name)["train"]
        assert found.labels.to_list() == ["1", "1", "0"] * 4 and found.keys.n_unique() == 3
        assert ("image", "picture of", "its values are names of image files") in found.notes


def test_the_image_column(tmp_path: Path) -> None:
    def column(text: str, image: str = "") -> str:
        (tmp_path / "a.csv").write_text(text)
        return image_column(read_table(tmp_path / "a.csv"), image)[0]

    assert column("path,filename,label\na.png,b.png,x\n") == "path"
    assert column("path,File Name,label\nhttp://a/b.png,b.JPG,x\n") == "File Name"
    assert column("thing,label\na/b.webp,x\nc.webp,y\n") == "thing"
    assert column("text,label\na.png is here,x\nb,y\n") == ""
    assert column("a.png,x\nb.png,y\n", "1") == "column_1"
    assert column("left,right,label\na.png,b.png,x\n", "right") == "right"
    with pytest.raises(SourceError, match=r"E149.*'left', 'right' fit equally well"):
        column("left,right,label\na.png,b.png,x\n")
    with pytest.raises(DataError, match=r"E201(.|\n)*Did you mean 'image'"):
        column("image,label\na.png,x\n", "imag")


def test_tables_that_name_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"E149.*no column"):
        listed(tmp_path, "text,label\ngood film,x\nbad film,y\n")
    with pytest.raises(SourceError, match=r"E142: none of the 2 pictures(.|\n)*list\.csv, row 2"):
        listed(tmp_path, "image,label\na.png,x\nb.png,y\n")
    with pytest.raises(DataError, match="E202"):
        listed(tmp_path, "image,size\na.png,1.5\nb.png,2.5\n")


# ---- survey


@given(st.lists(st.tuples(st.integers(1, 900), st.integers(1, 900)), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None)
def test_the_size_rule(sizes: list[tuple[int, int]]) -> None:
    (height, width), note = _size(np.array([(w, h) for h, w in sizes]))
    assert note[:2] == ("size", f"{height} x {width}")
    if len(set(sizes)) == 1 and sizes[0][0] * sizes[0][1] <= LARGEST**2:
        assert (height, width) == sizes[0]
    else:
        median = int(np.median([min(size) for size in sizes]))
        assert height == width and height in SIDES
        assert height <= max(median, 8) and (height == SIDES[-1] or SIDES[SIDES.index(height) + 1] > median)


def test_survey_reads_headers_of_the_training_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, side in enumerate((40, 50, 70)):
        picture(tmp_path / "train" / "a" / f"{number}.png", number, side, 2 * side)
        write_png(tmp_path / "test" / "a" / f"{number}.png", noise(99, 99, 3, seed=number))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    found = measure_sizes(read_pictures(tmp_path).values())
    assert found.size == (48, 48) and found.channels == 1
    assert (
        found.notes[0][2]
        == "half of the pictures are 50 or more on their shorter side; 48 is the next side below that is usual"
    )
    write_png(tmp_path / "train" / "a" / "3.png", noise(99, 99, 3))
    found = measure_sizes(read_pictures(tmp_path).values())
    assert found.channels == 3 and found.notes[1] == ("channels", "3", "1 of 4 pictures are in colour")


def test_a_large_common_size_is_reduced(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png", 0, 600, 800)
    found = measure_sizes(read_pictures(tmp_path).values())
    assert found.size == (224, 224) and found.notes[0][2].startswith("every picture has 600 x 800")


def test_arrays_are_surveyed_and_resized() -> None:
    pictures = from_pixels("a.npz", pl.Series(["a", "b"]), noise(2, 3, 4, 4))
    found = measure_sizes([pictures])
    assert found.size == (4, 4) and found.channels == 3
    assert decode(pictures, (4, 4), 3) is pictures
    smaller = decode(pictures, (2, 3), 1).pixels
    assert smaller is not None and smaller.shape == (2, 1, 2, 3)
    assert (smaller[0] == decode_one(noise(2, 3, 4, 4)[0].transpose(1, 2, 0), (2, 3), 1)).all()
    assert pictures.pixels is not None and pictures.pixels.shape == (2, 3, 4, 4)


# ---- a thousand pictures, and bad ones among them


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,000 good pictures of 28 x 28 in two classes, the hostile ones among them, and an animation, CMYK and 16 bits."""
    folder = tmp_path_factory.mktemp("thousand")
    pixels = noise(997, 28, 28)
    for number, each in enumerate(pixels):
        write_png(folder / "ab"[number % 2] / f"{number:04}.png", each)
    frames = [Image.fromarray(each) for each in pixels[:3]]
    frames[0].save(folder / "a" / "moving.png", save_all=True, append_images=frames[1:])
    frames[0].convert("CMYK").save(folder / "a" / "press.jpg")
    Image.fromarray(noise(28, 28).astype(np.uint16) * 257).save(folder / "b" / "deep.png")
    hostile(folder / "a")
    return folder


def test_bad_pictures_are_named_and_the_others_used(thousand: Path) -> None:
    pictures = read_pictures(thousand)["train"]
    found = measure_sizes([pictures])
    assert found.size == (28, 28) and found.channels == 3  # CMYK is colour
    decoded = decode(pictures, found.size, 1)
    reasons = {Path(each.file).name: each.reason for each in decoded.rejected}
    assert reasons.keys() == HOSTILE_REASONS.keys()
    assert all(HOSTILE_REASONS[name] in reason for name, reason in reasons.items())
    assert all(Path(each.file).parent == thousand / "a" and each.row == 0 for each in decoded.rejected)
    assert len(decoded) == len(decoded.names) == len(decoded.labels) == len(decoded.keys) == 1000
    assert decoded.pixels is not None and decoded.pixels.shape == (1000, 1, 28, 28)
    assert [name[0] for name in decoded.names] == decoded.labels.to_list()
    written = noise(997, 28, 28)
    for index, name in enumerate(decoded.names):
        if name[2:6].isdigit():
            assert (decoded.pixels[index, 0] == written[int(name[2:6])]).all()
    by_name = dict(zip(decoded.names, decoded.pixels[:, 0], strict=True))
    assert (by_name["a/moving.png"] == written[0]).all() and (by_name["b/deep.png"] == noise(28, 28)).all()


def test_all_bad_pictures_but_a_cut_jpeg_are_found_before_decoding(thousand: Path) -> None:
    pictures = read_pictures(thousand)["train"]
    measure_sizes([pictures])
    assert {Path(each.file).name for each in pictures.rejected} == HOSTILE_REASONS.keys() - {"cut.jpg"}


def test_nothing_is_warned_about_and_nothing_stays_changed(thousand: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pictures = read_pictures(thousand)["train"]
        measure_sizes([pictures])
        decode(pictures, (8, 8), 3)
    assert not caught and before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))


def test_decoding_says_how_far_it_is(thousand: Path) -> None:
    seen: list[tuple[int, int]] = []
    pictures = read_pictures(thousand)["train"]
    total = len(pictures)
    decoded = decode(pictures, (7, 9), 3, lambda done, rows: seen.append((done, rows)))
    assert seen == sorted(seen) and seen[-1] == (total, total) and len(seen) > 5
    assert len(pictures) == total and pictures.pixels is None and len(decoded) == 1000
    assert decoded.pixels is not None and decoded.pixels.nbytes == bytes_needed(decoded, (7, 9), 3)


def test_some_rows_are_decoded_on_the_way(thousand: Path) -> None:
    pictures = read_pictures(thousand)["train"]
    some = np.array([800, 700, 900])
    part = decode(pictures.take(some), (28, 28), 1)
    assert part.pixels is not None and part.names == [pictures.names[row] for row in some]
    for row, pixels in zip(some, part.pixels, strict=True):
        assert pictures.paths is not None and (decode_one(pictures.paths[row], (28, 28), 1) == pixels).all()


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    hostile(tmp_path / "a")
    pictures = read_pictures(tmp_path)["train"]
    measure_sizes([pictures])
    assert pictures.names == ["a/cut.jpg"]
    with pytest.raises(SourceError, match="E142: none of the 15 pictures"):
        decode(pictures, (28, 28), 1)
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "x.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"E142: none of the 1 pictures(.|\n)*the file is empty(.|\n)*x\.png"):
        read_pictures(tmp_path / "b")


def test_a_picture_that_vanishes_is_named(tmp_path: Path) -> None:
    small_set(tmp_path)
    pictures = read_pictures(tmp_path)["train"]
    (tmp_path / "dog" / "b.png").unlink()
    decoded = decode(pictures, (6, 6), 1)
    assert decoded.rejected[0].file.endswith("b.png") and "No such file" in decoded.rejected[0].reason


def test_an_interruption_stops_the_threads() -> None:
    done: list[int] = []

    def work(start: int, stop: int) -> int:
        done.append(start)
        return stop - start

    def progress(count: int, rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_pieces(work, 64 * 20_000, 1, progress)
    assert len(done) < 20_000


def test_reading_does_not_import_pillow_or_torch(tmp_path: Path) -> None:
    small_set(tmp_path)
    code = (
        "import sys\nfrom pathlib import Path\nfrom trainwright.data.read.images import holds_images, read_pictures\n"
        "assert holds_images(Path(sys.argv[1])) and len(read_pictures(Path(sys.argv[1]))['train']) == 4\n"
        "assert not {'PIL', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
