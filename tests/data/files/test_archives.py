"""Archives, honest and hostile: members come whole and in memory, or the archive is refused by a clear message."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest
from archive_samples import WIKITEXT, cifar_members, plain_tar_gz, plain_zip, tar_entry, tar_gz, tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainwright.data.files import archives
from trainwright.data.files.archives import members
from trainwright.data.read.archive_sets import read_cifar, wikitext
from trainwright.errors import SourceError

CONTENT = {"set/a.bin": b"alpha" * 300, "set/b.bin": b"", "other": b"x" * 10}
WANTED = ["set/b.bin", "set/a.bin"]


def write(folder: Path, content: bytes, name: str = "archive") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def refused(path: Path, code: str, *words: str, wanted: list[str] = WANTED, most: int = 10_000) -> None:
    """``members`` refuses the archive, names it, and leaves the folder and its parent as they were."""
    before = tree(path.parent.parent)
    with pytest.raises(SourceError) as caught:
        members(path, wanted, most)
    assert caught.value.code == code
    for word in (str(path), *words):
        assert word in str(caught.value)
    assert tree(path.parent.parent) == before


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in a folder, and the current one: a name that leads out of it would be seen."""
    inner = tmp_path / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    return inner


# Archives that are as they should be


@pytest.mark.parametrize("make", [plain_tar_gz, plain_zip])
def test_wanted_members_come_whole_and_nothing_is_written(folder: Path, make) -> None:
    path = write(folder, make(CONTENT), "called.anything")
    assert members(path, WANTED) == {name: CONTENT[name] for name in WANTED}
    assert tree(folder) == ["called.anything"]


def test_names_that_lead_elsewhere_are_only_names(folder: Path) -> None:
    hostile = {"../out": b"1", str(folder / "absolute"): b"2", "set/../../out": b"3"}
    for make in (plain_tar_gz, plain_zip):
        path = write(folder, make(hostile | CONTENT))
        assert members(path, WANTED) == {name: CONTENT[name] for name in WANTED}
        refused(path, "E136", "'out'", wanted=["out"])
    assert tree(folder.parent) == ["inner", "inner/archive"]


# Archives that are not


def test_missing_member(folder: Path) -> None:
    for make in (plain_tar_gz, plain_zip):
        refused(write(folder, make({"set/a.bin": b"1", "../set/b.bin": b"2"})), "E136", "'set/b.bin'")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_member_of_a_tar_that_is_no_plain_file(folder: Path, kind: bytes) -> None:
    target = write(folder, b"secret", "secret")
    path = write(folder, tar_gz([tar_entry("other", b"1"), tar_entry("set/a.bin", kind=kind, link=str(target))]))
    refused(path, "E138", "'set/a.bin'", wanted=["set/a.bin"])
    refused(path, "E138", wanted=["other", "set/a.bin"])


def test_link_in_a_zip(folder: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("set/a.bin")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    refused(write(folder, out.getvalue()), "E138", "'set/a.bin'", wanted=["set/a.bin"])


def test_member_larger_than_allowed(folder: Path) -> None:
    for make in (plain_tar_gz, plain_zip):
        path = write(folder, make(CONTENT))
        refused(path, "E137", "'set/a.bin'", "1,499 bytes", most=1499)
        assert members(path, WANTED, 1500)


def test_member_twice(folder: Path) -> None:
    refused(write(folder, tar_gz([tar_entry("a", b"1"), tar_entry("a", b"2")])), "E139", "twice", wanted=["a"])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("a", b"1")
        archive.writestr("a", b"2")
    refused(write(folder, out.getvalue()), "E139", "twice", wanted=["a"])


@pytest.mark.parametrize("make", [plain_tar_gz, plain_zip])
def test_cut_anywhere_is_noticed_even_after_the_last_member(folder: Path, make) -> None:
    whole = make(CONTENT)
    for length in range(0, len(whole), 7):
        refused(write(folder, whole[:length]), "E139")
    refused(write(folder, whole[:-1]), "E139")


def test_flipped_bit_is_noticed(folder: Path) -> None:
    packed = bytearray(plain_zip(CONTENT))
    packed[45] ^= 1  # in the compressed bytes of the first member
    refused(write(folder, bytes(packed)), "E139")
    packed = bytearray(plain_tar_gz(CONTENT))
    packed[-6] ^= 1  # in the checksum at the very end
    refused(write(folder, bytes(packed)), "E139")


def test_tar_whose_sizes_lie(folder: Path) -> None:
    longer, shorter = tar_entry("a", b"1" * 600), tar_entry("a", b"1" * 600)
    longer[0].size, shorter[0].size = 5_000, 100

    def pack(info: tarfile.TarInfo) -> bytes:
        return gzip.compress(info.tobuf() + b"1" * 1024, mtime=0)

    refused(write(folder, pack(longer[0])), "E139", wanted=["a"])
    refused(write(folder, pack(shorter[0])), "E136", wanted=["b"])


def test_tar_that_claims_more_than_any_disk_holds_ends_at_once(folder: Path) -> None:
    info = tarfile.TarInfo("b")
    info.size = 1 << 80
    refused(write(folder, gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))), "E137", "'b'", wanted=["a"])


def test_sparse_member_and_one_that_ends_in_its_own_header(folder: Path) -> None:
    header = bytearray(tarfile.TarInfo("a").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[483:495] = b"00000000000\0"
    for more, code in ((0, "E138"), (1, "E139")):
        header[482] = more  # whether another block of the header follows
        header[148:156] = b"%06o\0 " % (256 + sum(header[:148] + header[156:]))
        refused(write(folder, gzip.compress(bytes(header), mtime=0)), code, wanted=["a"])


@pytest.mark.parametrize("told", [10, 5_000])
def test_zip_whose_sizes_lie(folder: Path, told: int) -> None:
    packed = bytearray(plain_zip({"a": b"1" * 1000}))
    directory = packed.index(b"PK\1\2")
    packed[directory + 24 : directory + 28] = struct.pack("<I", told)
    refused(write(folder, bytes(packed)), "E139", wanted=["a"])


def test_bombs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_STREAM", 3 << 20)
    zeros = bytes(4 << 20)
    refused(write(folder, plain_tar_gz({"bomb": zeros, "a": b"1"})), "E137", wanted=["a"])
    refused(write(folder, plain_tar_gz({f"bomb{n}": zeros[: 1 << 20] for n in range(4)})), "E137", "3 MiB", wanted=["a"])
    refused(write(folder, gzip.compress(gzip.decompress(plain_tar_gz({"a": b"1"})) + zeros)), "E137", wanted=["a"])
    refused(write(folder, plain_zip({"a": zeros})), "E137", "'a'", wanted=["a"])
    monkeypatch.setattr(archives, "MOST_MEMBERS", 100)
    refused(write(folder, plain_tar_gz({str(n): b"" for n in range(200)})), "E139", "100 members", wanted=["199"])


def test_encrypted_zip(folder: Path) -> None:
    packed = bytearray(plain_zip({"a": b"1" * 1000}))
    packed[6] |= 1
    packed[packed.index(b"PK\1\2") + 8] |= 1
    refused(write(folder, bytes(packed)), "E139", "encrypted", wanted=["a"])


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"\x1f\x8b", b"hello, this is no archive", gzip.compress(b"nor is this" * 99, mtime=0)]
)
def test_what_is_no_archive(folder: Path, content: bytes) -> None:
    refused(write(folder, content), "E139")


def test_file_that_cannot_be_read(folder: Path) -> None:
    with pytest.raises(SourceError, match="No such file") as caught:
        members(folder / "absent", WANTED)
    assert caught.value.code == "E102"


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_ends_in_anything_but_a_message(folder: Path, data: st.DataObject) -> None:
    packed = data.draw(st.booleans())
    content = bytearray(plain_zip(CONTENT) if packed else gzip.decompress(plain_tar_gz({"p" * 150: b"1"} | CONTENT)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.sampled_from(b"\x00\x01\x800127LKxgS\xff"))
        if not packed:  # let the header pass its own checksum
            header = place // 512 * 512
            rest = content[header : header + 148] + content[header + 156 : header + 512]
            content[header + 148 : header + 156] = b"%06o\0 " % (256 + sum(rest))
    path = write(folder, bytes(content) if packed else gzip.compress(bytes(content), 1, mtime=0))
    try:
        found = members(path, WANTED, 10_000)
        assert set(found) == set(WANTED)
    except SourceError as problem:
        assert problem.code in ("E136", "E137", "E138", "E139")
    assert tree(folder) == ["archive"]


# CIFAR and WikiText


@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
def test_cifar(folder: Path, kind) -> None:
    content, pixels, labels = cifar_members(kind)
    splits = read_cifar(write(folder, plain_tar_gz(content)), kind)
    assert list(splits) == ["train", "test"]
    found, names = splits["train"]
    assert found.dtype == "uint8"
    assert (found == pixels).all()
    assert names == [f"class_{label}" for label in labels]
    assert (splits["test"][0] == pixels[:4]).all()
    assert splits["test"][1] == names[:4]
    assert tree(folder) == ["archive"]


@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
def test_cifar_that_is_not_as_published(folder: Path, kind) -> None:
    content, *_ = cifar_members(kind)
    first = next(iter(content))
    for name, damage, words in [
        (first, content[first][:-1], "whole number of images"),
        (first, b"", "whole number of images"),
        (first, bytes([0, 255]) + content[first][2:] if kind == "cifar100" else b"\xff" + content[first][1:], "label 255"),
        (next(name for name in content if name.endswith(".txt")), b"class_0\n", "1 classes"),
    ]:
        with pytest.raises(SourceError, match=words) as caught:
            read_cifar(write(folder, plain_tar_gz(content | {name: damage})), kind)
        assert caught.value.code == "E180"
        assert "member cifar" in caught.value.where


def test_cifar_of_the_other_kind(folder: Path) -> None:
    path = write(folder, plain_tar_gz(cifar_members("cifar10")[0]))
    with pytest.raises(SourceError, match="fine_label_names") as caught:
        read_cifar(path, "cifar100")
    assert caught.value.code == "E136"


def test_wikitext(folder: Path) -> None:
    splits = wikitext(write(folder, plain_zip(WIKITEXT)))
    assert list(splits) == ["train", "valid", "test"]
    assert splits["train"] == " \n = Robert <unk> = \n \n Robert is an actor \u2013 he \n"
    assert splits["test"] == " \n = Du Fu = \n"
    with pytest.raises(SourceError, match="byte 2") as caught:
        wikitext(write(folder, plain_zip(WIKITEXT | {"wikitext-2/wiki.test.tokens": b"ab\xff"})))
    assert caught.value.code == "E180"
