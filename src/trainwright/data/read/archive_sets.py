"""The data sets that are published as one archive: CIFAR-10, CIFAR-100 (binary versions) and WikiText-2.

An image is one record: its label (CIFAR-100: the coarse label, then the fine one), then 1,024 bytes each of red, green
and blue, row by row. The labels of CIFAR-100 are the fine ones; the rows keep the order of the archive. In WikiText-2 a line
is a paragraph or, between equals signs, a heading; words are parted by spaces, rare ones are ``<unk>`` already.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainwright.data.files.archives import members
from trainwright.errors import error

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class _Form:
    """What is where in an archive; ``labels`` is how many bytes of them come before the pixels, the last one counting."""

    title: str
    files: dict[str, list[str]]
    classes: str
    labels: int


_FORMS = {
    "cifar10": _Form(
        "CIFAR-10 (binary version)",
        {
            "train": [f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6)],
            "test": ["cifar-10-batches-bin/test_batch.bin"],
        },
        "cifar-10-batches-bin/batches.meta.txt",
        labels=1,
    ),
    "cifar100": _Form(
        "CIFAR-100 (binary version)",
        {"train": ["cifar-100-binary/train.bin"], "test": ["cifar-100-binary/test.bin"]},
        "cifar-100-binary/fine_label_names.txt",
        labels=2,
    ),
}


def read_cifar(archive: Path, kind: Literal["cifar10", "cifar100"]) -> dict[str, tuple[NDArray[np.uint8], list[str]]]:
    """Return ``train`` and ``test``: pixels, uint8, shape (N, 3, 32, 32), and the class name of each image.

    Raise what ``archives.members`` raises, and E180 for a member that is not as in the original.
    """
    form = _FORMS[kind]
    content = members(archive, [form.classes, *form.files["train"], *form.files["test"]])
    classes = content[form.classes].decode("ascii", "replace").split()
    splits = {}
    for split, names in form.files.items():
        records = [_records(content.pop(name), name, archive, form, len(classes)) for name in names]
        pixels = np.concatenate([each[:, form.labels :] for each in records]).reshape(-1, *SHAPE)
        splits[split] = pixels, [classes[label] for each in records for label in each[:, form.labels - 1].tolist()]
    return splits


def _records(data: bytes, name: str, archive: Path, form: _Form, classes: int) -> NDArray[np.uint8]:
    """Return one row of label and pixel bytes an image, a view of ``data``."""
    width = form.labels + PIXELS
    where = f"{archive}, member {name}"
    if not data or len(data) % width:
        why = f"{len(data):,} bytes are not a whole number of images of {width:,} bytes"
        raise error("E180", path=archive, name=form.title, why=why, where=where)
    records = np.frombuffer(data, np.uint8).reshape(-1, width)
    labels = records[:, form.labels - 1]
    if labels.max() >= classes:
        row = int(np.argmax(labels >= classes))
        why = f"image {row + 1:,} has the label {labels[row]}, and there are {classes} classes"
        raise error("E180", path=archive, name=form.title, why=why, where=where)
    return records


def wikitext(archive: Path) -> dict[str, str]:
    """Return the text by split. Raise what ``archives.members`` raises, and E180 for a member that is not UTF-8."""
    names = {split: f"wikitext-2/wiki.{split}.tokens" for split in ("train", "valid", "test")}
    content, texts = members(archive, list(names.values())), {}
    for split, name in names.items():
        try:
            texts[split] = content[name].decode("utf-8")
        except UnicodeDecodeError as problem:
            where = f"{archive}, member {name}, byte {problem.start:,}"
            raise error("E180", path=archive, name="WikiText-2", why=f"not UTF-8: {problem.reason}", where=where) from problem
    return texts
