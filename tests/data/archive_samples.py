"""Archives made in memory, honest ones and others."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

Entry = tuple[tarfile.TarInfo, bytes]


def tar_entry(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> Entry:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(content)
    return info, content


def tar_gz(entries: Iterable[Entry]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def plain_tar_gz(content: Mapping[str, bytes]) -> bytes:
    return tar_gz(tar_entry(name, each) for name, each in content.items())


def plain_zip(content: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, each in content.items():
            archive.writestr(name, each)
    return out.getvalue()


def cifar_members(kind: str, images: int = 4) -> tuple[dict[str, bytes], np.ndarray, np.ndarray]:
    """The members of a small archive of ``kind``, and the pixels and labels of its training images."""
    classes, folder = (10, "cifar-10-batches-bin") if kind == "cifar10" else (100, "cifar-100-binary")
    files = 5 if kind == "cifar10" else 1
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (files * images, 3, 32, 32), np.uint8)
    labels = random.integers(0, classes, files * images).astype(np.uint8)
    columns = [labels[:, None], pixels.reshape(len(labels), -1)]
    if kind == "cifar100":
        columns.insert(0, labels[:, None] // 5)  # the coarse label
    records = np.hstack(columns)
    names = "".join(f"class_{number}\n" for number in range(classes)).encode()
    if kind == "cifar10":
        content = {
            f"{folder}/data_batch_{number + 1}.bin": records[number * images :][:images].tobytes() for number in range(files)
        } | {f"{folder}/test_batch.bin": records[:images].tobytes(), f"{folder}/batches.meta.txt": names + b"\n"}
    else:
        content = {
            f"{folder}/train.bin": records.tobytes(),
            f"{folder}/test.bin": records[:images].tobytes(),
            f"{folder}/fine_label_names.txt": names,
        }
    return content | {f"{folder}/readme.html": b"<html>"}, pixels, labels


WIKITEXT = {
    "wikitext-2/wiki.train.tokens": " \n = Robert <unk> = \n \n Robert is an actor \u2013 he \n".encode(),
    "wikitext-2/wiki.valid.tokens": b" \n = Homarus = \n",
    "wikitext-2/wiki.test.tokens": b" \n = Du Fu = \n",
}


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
