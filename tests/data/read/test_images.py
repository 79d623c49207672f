"""Labelled pictures from folders and tables: what is taken, in which order, and what is left out with which reason."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from picture_samples import noise, packed, picture, small_set
from PIL import Image

from trainwright.data.images.pictures import Pictures
from trainwright.data.images.storage import decode
from trainwright.data.read.image_folders import image_column
from trainwright.data.read.images import holds_images, read_pictures
from trainwright.data.read.tables import read_table
from trainwright.errors import DataError, SourceError

# ---- folders


def test_a_folder_of_classes(tmp_path: Path) -> None:
    small_set(tmp_path)
    picture(tmp_path / ".hidden" / "a.png")
    picture(tmp_path / "cat" / ".a.png")
    picture(tmp_path / "cat" / ".cache" / "a.png")
    (tmp_path / "cat" / "notes.txt").write_text("none")
    (tmp_path / "cat" / "moving.mp4").write_text("none")
    picture(tmp_path / "beside.png")
    (tmp_path / "empty").mkdir()
    assert holds_images(tmp_path)
    parts = read_pictures(tmp_path)
    found = parts["train"]
    assert list(parts) == ["train"] and found.file == str(tmp_path) and not found.by_row
    assert found.names == ["cat/10.png", "cat/2.png", "cat/deep/er/a.png", "dog/b.png"]
    assert found.labels.to_list() == ["cat", "cat", "cat", "dog"] and found.rows.tolist() == [1, 2, 3, 4]
    assert found.paths == [tmp_path / name for name in found.names] and found.pixels is None and found.rejected == []
    assert found.notes[1] == ("passed over", "2 files are no images", "cat/moving.mp4, cat/notes.txt")
    assert found.notes[2] == ("passed over", "1 file lies in no folder of a class", "beside.png")
    assert found.passed_over == ["beside.png", "cat/moving.mp4", "cat/notes.txt"]


def test_many_files_that_are_no_images_are_named_and_counted(tmp_path: Path) -> None:
    small_set(tmp_path)
    for number in range(23):
        (tmp_path / "dog" / f"{number:02}.xml").touch()
    found = read_pictures(tmp_path)["train"]
    assert found.notes[1].value == "23 files are no images" and found.notes[1].why.endswith("dog/09.xml and 13 more")
    assert len(found.passed_over) == 23


@pytest.mark.parametrize("name", ["a.PNG", "a.jpg", "a.JPEG", "a.webp", "a.bmp", "a.gif", "a.tif", "a.tiff", "a.avif"])
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
        listed(tmp_path, "image,size,age\na.png,1.5,3.5\nb.png,2.5,4.5\n")


def test_reading_does_not_import_pillow_or_torch(tmp_path: Path) -> None:
    small_set(tmp_path)
    code = (
        "import sys\nfrom pathlib import Path\nfrom trainwright.data.read.images import holds_images, read_pictures\n"
        "assert holds_images(Path(sys.argv[1])) and len(read_pictures(Path(sys.argv[1]))['train']) == 4\n"
        "assert not {'PIL', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
