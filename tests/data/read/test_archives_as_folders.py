"""An archive is the folder of what is in it: tables, classes of texts and of images, running text; read in memory alone."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archive_samples import plain_zip, tar_entry, tar_gz, tree
from PIL import Image
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.data.files import archives
from trainwright.data.files.archives import Archive
from trainwright.data.files.virtual import InArchive, as_path
from trainwright.data.read.tables import read_table
from trainwright.errors import TrainwrightError

QUICK: dict[str, Any] = {"epochs": 1, "speed": "off", "listen": lambda event: None}


def tar(content: Mapping[str, bytes], mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, each in content.items():
            archive.addfile(tar_entry(name, each)[0], io.BytesIO(each))
    return out.getvalue()


MAKERS = {
    ".zip": plain_zip,
    ".tar": lambda content: tar(content, "w:"),
    ".tar.gz": lambda content: tar(content, "w:gz"),
    ".tgz": lambda content: tar(content, "w:gz"),
    ".tar.bz2": lambda content: tar(content, "w:bz2"),
    ".tar.xz": lambda content: tar(content, "w:xz"),
}


def pack(path: Path, content: Mapping[str, bytes]) -> Path:
    path.write_bytes(MAKERS["".join(path.suffixes)](content))
    return path


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def table(rows: list[tuple[str, str]], folder: Path) -> bytes:
    return write_csv(folder / "made.csv", rows).read_bytes()


@pytest.mark.parametrize("suffix", MAKERS)
def test_a_table_with_its_splits(tmp_path: Path, suffix: str) -> None:
    rows = news_rows(160)
    for name, part in {"train": rows[:120], "test": rows[120:]}.items():
        (tmp_path / "folder").mkdir(exist_ok=True)
        write_csv(tmp_path / "folder" / f"{name}.csv", part)
    archive = pack(tmp_path / f"news{suffix}", {"news/README.md": b"About.", **content_of(tmp_path / "folder")})
    before = tree(tmp_path)
    of_archive = tw.train(archive, out=tmp_path / "one", **QUICK)
    of_folder = tw.train(tmp_path / "folder", out=tmp_path / "two", **QUICK)
    assert of_archive.report["test"] == of_folder.report["test"]
    assert [each for each in tree(tmp_path) if not each.startswith(("one", "two"))] == before, "nothing is unpacked"
    assert tw.evaluate(of_archive, archive)["n"] == tw.evaluate(of_archive, archive / "test.csv")["n"] == 40
    assert not tw.verify(of_archive).wrong
    assert all(isinstance(each["input"], str) for each in json.loads((of_archive.path / "examples.json").read_text()))


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tgz"])
def test_folders_of_images_by_class(tmp_path: Path, suffix: str) -> None:
    draw, content = np.random.default_rng(0), {}
    for place in range(60):
        file = io.BytesIO()
        label = ("dark", "bright")[place % 2]
        pixels = draw.integers(0, 90, (8, 8)) + 160 * (label == "bright")
        Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
        content[f"pets/{'test' if place >= 48 else 'train'}/{label}/{place}.png"] = file.getvalue()
    archive = pack(tmp_path / f"pets{suffix}", content)
    for name, each in content.items():
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(each)
    run = tw.train(archive / "pets", out=tmp_path / "run", **QUICK)
    same = tw.train(tmp_path / "folder" / "pets", out=tmp_path / "same", **QUICK)
    assert run.report["test"] == same.report["test"] and run.report["test"]["n"] == 12
    watched = json.loads((run.path / "watched.json").read_text())["rows"]
    assert watched and all(each["input"].startswith("data:image/png") for each in watched)
    assert len(run.predictor.predict_file(as_path(archive)).answers) == 60
    assert not tw.verify(run).wrong


def test_folders_of_texts_by_class(tmp_path: Path) -> None:
    content = {f"{label}/{place}.txt": text.encode() for place, (label, text) in enumerate(news_rows(60))}
    archive = pack(tmp_path / "news.zip", content)
    assert sorted(read_table(archive).frame.select("label", "text").rows()) == sorted(news_rows(60))


def test_running_text(tmp_path: Path) -> None:
    archive = pack(tmp_path / "book.zip", {"book.txt": b"the moon is a balloon. " * 400})
    run = tw.train(archive, out=tmp_path / "run", **QUICK | {"steps": 2})
    assert run.predictor.task == "language"


@pytest.mark.parametrize("suffix", MAKERS)
def test_names_that_lead_elsewhere_are_only_names(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "inner").mkdir()
    rows = table(news_rows(30), tmp_path)
    content = {"../out.csv": rows, "/etc/passwd.txt": b"x", "..\\win.csv": rows, "__MACOSX/._out.csv": b"\0"}
    found = Archive(pack(tmp_path / "inner" / f"a{suffix}", content))
    assert found.folders == {"": {"out.csv", "etc", "win.csv"}, "etc": {"passwd.txt"}}
    assert tree(tmp_path / "inner") == [f"a{suffix}"] and not (tmp_path / "out.csv").exists()


def test_links_are_no_files(tmp_path: Path) -> None:
    entries = [tar_entry("a.csv", kind=tarfile.SYMTYPE, link="/etc/passwd"), tar_entry("b.csv", b"label,text\n")]
    (tmp_path / "a.tgz").write_bytes(tar_gz(entries))
    assert Archive(tmp_path / "a.tgz").folders == {"": {"b.csv"}}


def refusal(path: Path) -> TrainwrightError:
    with pytest.raises(TrainwrightError) as caught:
        read_table(path)
    return caught.value


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "SMALL", 1 << 16)
    zeros = b"label,text\n" + b"0" * (1 << 22)
    for suffix in (".zip", ".tgz", ".tar.bz2", ".tar.xz"):
        assert refusal(pack(tmp_path / f"a{suffix}", {"a.csv": zeros})).code == "E185"
    monkeypatch.setattr(archives, "MOST_MEMBER", 100)
    assert "MiB" in refusal(pack(tmp_path / "b.zip", {"a.csv": bytes(range(200))})).what
    monkeypatch.setattr(archives, "MOST_FILES", 2)
    assert "more than 2 files" in refusal(pack(tmp_path / "c.zip", dict.fromkeys(["a.csv", "b.csv", "c.csv"], b"a"))).what


def test_what_holds_no_data_and_what_is_nested_is_named(tmp_path: Path) -> None:
    inner = plain_zip({"a.csv": b"label,text\n"})
    problem = refusal(pack(tmp_path / "outer.zip", {"inner.zip": inner}))
    assert problem.code == "E186" and "inner.zip" in problem.what
    assert refusal(pack(tmp_path / "empty.zip", {})).code == "E186"


@pytest.mark.parametrize("suffix", MAKERS)
def test_damaged_archives_are_refused(tmp_path: Path, suffix: str) -> None:
    whole = MAKERS[suffix]({"a.csv": table(news_rows(300), tmp_path)})
    (tmp_path / f"cut{suffix}").write_bytes(whole[: len(whole) // 2])
    assert refusal(tmp_path / f"cut{suffix}").code == "E139"
    (tmp_path / f"none{suffix}").write_bytes(b"no archive at all")
    assert refusal(tmp_path / f"none{suffix}").code == "E139"


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray(plain_zip({"a.csv": b"label,text\n"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(bytes(content))
    assert "encrypted" in refusal(tmp_path / "a.zip").what


def test_paths_in_an_archive(tmp_path: Path) -> None:
    archive = as_path(pack(tmp_path / "a.zip", {"x/y.csv": b"1", "x/z.csv": b"22"}))
    assert isinstance(archive, InArchive) and archive.is_dir() and not archive.is_file()
    inside = archive / "x"
    assert [path.name for path in inside.iterdir()] == ["y.csv", "z.csv"] and inside.is_dir() and inside.parent == archive
    assert (inside / "z.csv").open("rb").read() == b"22" and (inside / "z.csv").stat().st_size == 2
    assert not (inside / "none").exists() and not as_path(tmp_path / "nosuch.zip").exists()
    assert as_path(str(inside / "y.csv")) == inside / "y.csv"
    with pytest.raises(FileNotFoundError):
        (inside / "none").open("rb")


@pytest.mark.parametrize(("suffix", "compress"), [("bz2", bz2.compress), ("xz", lzma.compress)])
def test_a_single_file_that_is_compressed(tmp_path: Path, suffix: str, compress: Any) -> None:
    rows = news_rows(100)
    packed = tmp_path / f"news.csv.{suffix}"
    packed.write_bytes(compress(table(rows, tmp_path)))
    found = read_table(packed)
    assert found.frame.select("label", "text").rows() == rows and ("compression", suffix) in [note[:2] for note in found.notes]
    packed.write_bytes(packed.read_bytes()[:-20])
    assert refusal(packed).code == "E105"
    packed.write_bytes(compress(b"label,text\n" + b"0" * (1 << 25)))
    assert refusal(packed).code == "E106"


def test_a_zip_archive_by_other_tools(tmp_path: Path) -> None:
    """Stored, or with entries for folders."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.mkdir("data")
        archive.writestr("data/train.csv", table(news_rows(30), tmp_path))
    assert len(read_table(tmp_path / "a.zip").frame) == 30
