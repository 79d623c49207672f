"""Bundles that a stranger might give away, each made from a good one by one change."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

DEEP = 100_000
Change = Callable[[Path], None]


@dataclass
class Case:
    """``run`` is the good run; ``codes`` are the messages that may refuse the changed one; none: it does no harm."""

    run: str
    change: Change
    codes: tuple[str, ...] = ("E404",)
    sealed: bool = True


class Payload:
    """Unpickled, it makes a folder."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.canary),)


def meta(values: dict[str, Any], drop: str = "") -> Change:
    """Other values in model.json, by dotted names."""

    def change(model: Path) -> None:
        found = json.loads((model / "model.json").read_bytes())
        for path, value in values.items():
            *outer, last = path.split(".")
            place = found
            for name in outer:
                place = place[int(name)] if isinstance(place, list) else place[name]
            place[last] = value
        found.pop(drop, None)
        (model / "model.json").write_text(json.dumps(found))

    return change


def text(name: str, old: str, new: str) -> Change:
    """The first ``old`` of a file becomes ``new``."""

    def change(model: Path) -> None:
        before = (model / name).read_text()
        assert old in before
        (model / name).write_text(before.replace(old, new, 1))

    return change


def content(name: str, data: bytes | Callable[[Path], bytes]) -> Change:
    """A file with this content."""
    return lambda model: (model / name).write_bytes(data(model) if callable(data) else data) and None


def arrays(name: str, change: Callable[[dict[str, np.ndarray]], Any]) -> Change:
    """Other tensors in a safetensors file."""

    def apply(model: Path) -> None:
        found = {key: each.copy() for key, each in safetensors.numpy.load_file(model / name).items()}
        change(found)
        (model / name).write_bytes(safetensors.numpy.save(found))

    return apply


def header(name: str, change: Callable[[dict[str, Any]], Any], data: bytes | None = None) -> Change:
    """Another header of a safetensors file, before the same data or ``data``."""

    def apply(model: Path) -> None:
        raw = (model / name).read_bytes()
        length = struct.unpack("<Q", raw[:8])[0]
        found = json.loads(raw[8 : 8 + length])
        change(found)
        (model / name).write_bytes(packed(json.dumps(found).encode(), raw[8 + length :] if data is None else data))

    return apply


def packed(head: bytes, data: bytes = b"") -> bytes:
    """A safetensors file of this header."""
    return struct.pack("<Q", len(head)) + head + data


def twice(name: str) -> Change:
    """The header of a safetensors file names its first tensor twice."""

    def apply(model: Path) -> None:
        raw = (model / name).read_bytes()
        length = struct.unpack("<Q", raw[:8])[0]
        head = raw[8 : 8 + length].strip()
        first = json.dumps(dict([next(iter(json.loads(head).items()))])).encode()
        (model / name).write_bytes(packed(first[:-1] + b"," + head[1:], raw[8 + length :]))

    return apply


def bpe(change: Callable[[dict[str, Any]], Any]) -> Change:
    """Another definition of the tokeniser."""

    def apply(model: Path) -> None:
        found = json.loads((model / "model.json").read_bytes())
        learned = json.loads(found["encoder"]["bpe"])
        change(learned)
        found["encoder"]["bpe"] = json.dumps(learned)
        (model / "model.json").write_text(json.dumps(found))

    return apply


def tokens(change: Callable[[list[Any]], Any]) -> Change:
    """Other tokens."""

    def apply(model: Path) -> None:
        found = json.loads((model / "vocabulary.json").read_bytes())
        change(found)
        (model / "vocabulary.json").write_text(json.dumps(found))

    return apply


def instead(name: str, make: Callable[[Path], Any]) -> Change:
    """Something else at the place of a file."""

    def apply(model: Path) -> None:
        (model / name).unlink()
        make(model / name)

    return apply


def elsewhere(name: str) -> Change:
    """A file becomes a link to its content outside of the folder."""

    def apply(model: Path) -> None:
        outside = model.parent.parent / f"outside-{model.parent.name}"
        (model / name).rename(outside)
        (model / name).symlink_to(outside)

    return apply


def seal(change: Callable[[dict[str, Any]], Any]) -> Change:
    """Another seal, which is right about itself."""

    def apply(model: Path) -> None:
        import hashlib

        raw = (model / "SEAL").read_bytes()
        found = json.loads(raw[: raw.rindex(b"}") + 1])
        change(found)
        body = json.dumps(found, indent=1)
        (model / "SEAL").write_text(f"{body}\n{hashlib.sha256(body.encode()).hexdigest()}\n")

    return apply


def folder_elsewhere(model: Path) -> None:
    """The bundle itself is a link."""
    outside = model.parent.parent / f"outside-{model.parent.name}"
    model.rename(outside)
    model.symlink_to(outside)


def unpickled(model: Path) -> bytes:
    return pickle.dumps(Payload(model.parent.parent / "canary"))


def zipped(model: Path) -> bytes:
    """As torch.save and numpy.savez write it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", unpickled(model))
        archive.writestr("../../canary", "canary")
    return file.getvalue()


def objects(model: Path) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([Payload(model.parent.parent / "canary")], object), allow_pickle=True)
    return file.getvalue()


def sparse(model: Path) -> None:
    """A file that says it has 64 GB, and has no byte on the disk."""
    with (model / "vocabulary.json").open("wb") as file:
        file.truncate(64 << 30)


def first(found: dict[str, Any]) -> str:
    return next(name for name in found if name != "__metadata__")


def long(model: Path) -> None:
    (model / "SEAL").write_bytes(b" " * (100 << 20))


W, E, M, V = "model.safetensors", "encoder.safetensors", "model.json", "vocabulary.json"
G = "texts.0.grams.2"
WRONG = ("E411",)
UNKNOWN = ("E404", "E406")
_nan = float("nan")

CASES: dict[str, Case] = {
    # What runs code where it is believed
    "pickled weights": Case("text", content(W, unpickled)),
    "pickled arrays": Case("text", content(E, unpickled)),
    "pickled json": Case("text", content(M, unpickled)),
    "zipped weights": Case("image", content(W, zipped)),
    "zipped arrays": Case("text", content(E, zipped)),
    "array of objects": Case("table", content(E, objects)),
    "class of torch": Case("text", meta({"model": "torch.nn.Linear"}), UNKNOWN),
    "function of os": Case("image", meta({"model": "os.system"}), UNKNOWN),
    "module of the stranger": Case("text", meta({"model": "strange.Net"}), UNKNOWN),
    "module and attribute": Case("table", meta({"model": "strange:canary"}), UNKNOWN),
    "path as a model": Case("text", meta({"model": "../../strange"}), UNKNOWN),
    "settings of another class": Case("text", meta({"model_settings.name": "os.system"})),
    "settings of another model": Case("text", meta({"model_settings": {"name": "textcnn"}})),
    "module as a task": Case("text", meta({"task": "strange"}), UNKNOWN),
    "path as a task": Case("text", meta({"task": "../../strange"}), UNKNOWN),
    "escape codes as a task": Case("text", meta({"task": "\x1b[2J\x1b]0;canary\x07"}), UNKNOWN),
    "list as a task": Case("text", meta({"task": ["text"]})),
    "task of another": Case("text", meta({"task": "table"})),
    "loss that is no loss": Case("text", meta({"objective.loss.name": "Module"})),
    "loss by a path": Case("table", meta({"objective.loss.name": "os.system"})),
    "loss with an argument of its own": Case("text", meta({"objective.loss.canary": "__import__('os')"})),
    "loss with a nested argument": Case("table", meta({"objective.loss.beta": {"__class__": "canary"}})),
    "class_weights without end": Case("text", meta({"objective.weights": [1e308] * 9 + [10**400]})),
    # Sizes that are only said
    "hidden 10**9": Case("lstm", meta({"model_settings.hidden": 10**9})),
    "hidden 10**30": Case("lstm", meta({"model_settings.hidden": 10**30})),
    "hidden of 4,000 digits": Case("lstm", meta({"model_settings.hidden": 10**4000})),
    "hidden of 5,000 digits": Case("lstm", text(M, '"hidden": 8', '"hidden": 1' + "0" * 5000)),
    "hidden NaN": Case("lstm", meta({"model_settings.hidden": _nan})),
    "hidden infinite": Case("lstm", meta({"model_settings.hidden": float("inf")})),
    "hidden negative": Case("lstm", meta({"model_settings.hidden": -8})),
    "hidden a fraction": Case("lstm", meta({"model_settings.hidden": 8.0})),
    "hidden a word": Case("lstm", meta({"model_settings.hidden": "8"})),
    "layers true": Case("lstm", meta({"model_settings.layers": True})),
    "hidden missing": Case("lstm", meta({"model_settings.hidden": None})),
    "layers 10**7": Case("words", meta({"model_settings.layers": 10**7})),
    "layers 1000": Case("bpe", meta({"model_settings.layers": 1000})),
    "heads and width 10**9": Case("bpe", meta({"model_settings.heads": 10**9, "model_settings.width": 4 * 10**9})),
    "hidden layers without end": Case("table", meta({"model_settings.hidden": [1] * 100_000})),
    "hidden layers of 10**9": Case("table", meta({"model_settings.hidden": [10**9, 10**9]})),
    "channels 10**9": Case("image", meta({"model_settings.channels": [10**9]})),
    "embedding 10**12": Case("text", meta({"model_settings.embedding": 10**12})),
    "another embedding": Case("text", meta({"model_settings.embedding": 4})),
    "image of 10**6": Case("image", meta({"encoder.size": [10**6, 10**6]})),
    "image of 10**12 by 1": Case("image", meta({"encoder.size": [10**12, 1]})),
    "image of NaN": Case("image", meta({"encoder.size": [_nan, 12]})),
    "image of 0": Case("image", meta({"encoder.size": [0, 12]})),
    "image of three sizes": Case("image", meta({"encoder.size": [12, 12, 12]})),
    "image of 10**9 channels": Case("image", meta({"encoder.channels": 10**9})),
    "deviation 0": Case("image", meta({"encoder.std": [0.0]})),
    "deviation infinite": Case("image", meta({"encoder.std": [float("inf")]})),
    "mean of another length": Case("image", meta({"encoder.mean": [0.5] * 3})),
    "context 10**12": Case("words", meta({"context": 10**12})),
    "context infinite": Case("words", meta({"context": float("inf")})),
    "context negative": Case("bpe", meta({"context": -3})),
    "context a word": Case("bpe", meta({"context": "8"})),
    "n-grams of 10**9": Case("text", meta({"encoder.ngrams": 10**9})),
    "n-grams a fraction": Case("text", meta({"encoder.ngrams": 1.5})),
    "characters of 10**9": Case("text", meta({"encoder.chars": [10**9]})),
    "characters of 0": Case("text", meta({"encoder.chars": [0]})),
    "characters a word": Case("text", meta({"encoder.chars": "4"})),
    "characters without end": Case("text", meta({"encoder.chars": [4] * 10**5})),
    "max_tokens negative": Case("lstm", meta({"encoder.max_tokens": -5})),
    "vocabulary 10**12": Case("text", meta({"encoder.max_vocabulary": 10**12})),
    "setting that is not known": Case("text", meta({"encoder.__class__": "canary"})),
    "tokenizer that is not known": Case("text", meta({"encoder.tokenizer": "os.system"})),
    "tokenizer of another task": Case("words", meta({"encoder.tokenizer": "basic-english"})),
    "scale NaN": Case("table", meta({"scale.std": _nan})),
    "scale 0": Case("table", meta({"scale.std": 0.0})),
    # JSON
    "deep json": Case("text", content(M, b"[" * DEEP)),
    "deep object": Case("text", content(M, b'{"a":' * DEEP + b"1" + b"}" * DEEP)),
    "deep vocabulary": Case("text", content(V, b"[" * DEEP + b"]" * DEEP)),
    "deep header": Case("text", content(W, packed(b'{"a":' * DEEP))),
    "deep tokenizer": Case("bpe", meta({"encoder.bpe": "[" * DEEP})),
    "key twice": Case("text", text(M, '"task": "text"', '"task": "text", "task": "text"')),
    "key of a setting twice": Case("lstm", text(M, '"hidden": 8', '"hidden": 8, "hidden": 8')),
    "json list": Case("text", content(M, b"[]")),
    "json null": Case("text", content(M, b"null")),
    "json that is no UTF-8": Case("text", content(M, b"\xff\xfe\x00{")),
    "format a fraction": Case("text", meta({"format": 2.0})),
    "format true": Case("text", meta({"format": True})),
    "format of the future": Case("text", meta({"format": 10**100}), ("E404", "E407")),
    "key more": Case("text", meta({"__reduce__": ["os.system", "canary"]})),
    "key less": Case("image", meta({}, drop="encoder")),
    # Labels, columns, tokens
    "labels of numbers": Case("text", meta({"labels": [1, 2, 3]})),
    "label twice": Case("text", meta({"labels": ["sport", "sport", "space"]})),
    "labels in a word": Case("text", meta({"labels": "abc"})),
    "no labels": Case("text", meta({"labels": []})),
    "10**5 labels": Case("text", meta({"labels": [str(number) for number in range(10**5)]})),
    "label that is no character": Case("text", meta({"labels": ["\ud800", "b", "c"]})),
    "label of lists": Case("image", meta({"labels": [[], [], []]})),
    "tokens of numbers": Case("text", tokens(lambda t: t.__setitem__(3, 7))),
    "token twice": Case("text", tokens(lambda t: t.__setitem__(3, t[4]))),
    "token that is no character": Case("text", tokens(lambda t: t.__setitem__(3, "\udfff"))),
    "tokens without the first": Case("text", tokens(lambda t: t.__setitem__(0, "x"))),
    "10**6 tokens": Case("lstm", tokens(lambda t: t.extend(map(str, range(10**6))))),
    "tokens an object": Case("words", content(V, b'{"0": "a"}')),
    "tokens of an image": Case("image", content(V, b'["a"]')),
    "no tokens": Case("words", content(V, b"[]")),
    "characters of two": Case("words", meta({"encoder.tokenizer": "characters"})),
    "words as bytes": Case("words", meta({"encoder.tokenizer": "bytes"})),
    "bytes of a bpe": Case("bpe", tokens(lambda t: t.__setitem__(300 if len(t) > 300 else -1, "canary"))),
    "bpe that is none": Case("bpe", meta({"encoder.bpe": "{}"})),
    "bpe with padding": Case("bpe", bpe(lambda b: b.update(padding={"strategy": {"Fixed": 10**10}}))),
    "bpe with a pattern": Case("bpe", bpe(lambda b: b.update(normalizer={"type": "Replace", "pattern": {"Regex": "(a+)+$"}}))),
    "bpe with added tokens": Case("bpe", bpe(lambda b: b.update(added_tokens=[{"id": 10**9, "content": "canary"}]))),
    "bpe of huge ids": Case("bpe", bpe(lambda b: b["model"]["vocab"].update({"he": 2**32 - 1}))),
    "bpe of ids beyond": Case("bpe", bpe(lambda b: b["model"]["vocab"].update({"he": 2**70}))),
    "bpe of foreign merges": Case("bpe", bpe(lambda b: b["model"]["merges"].append(["canary", "bird"]))),
    "bpe of triples": Case("bpe", bpe(lambda b: b["model"]["merges"].append(["h", "e", "e"]))),
    "bpe without tokens": Case("bpe", bpe(lambda b: b["model"].update(vocab={}, merges=[]))),
    "column twice": Case("table", meta({"columns.features": [{"name": "age", "kind": "number", "format": "point"}] * 10**4})),
    "columns of another encoder": Case("table", meta({"columns.features.0.name": "../../strange"})),
    "column of no kind": Case("table", meta({"encoder.features.0.kind": "object"})),
    "format of a column": Case("table", meta({"encoder.features.0.format": "(a+)+$"})),
    "label as a feature": Case("table", meta({"columns.label": "age"})),
    "category twice": Case("table", meta({"encoder.categories.city": ["A", "A", "B"]})),
    "categories of nothing": Case("table", meta({"encoder.categories": {"strange": ["A"]}})),
    "missing columns without end": Case("table", meta({"encoder.missing": ["age"] * 10**5})),
    "texts of nothing": Case("mixed", meta({"encoder.texts": {}})),
    "texts of another column": Case("mixed", text("model.json", '"texts": {\n   "notes"', '"texts": {\n   "other"')),
    "texts as a sequence": Case("mixed", meta({"encoder.texts.notes.kind": "sequence"})),
    "texts without weights": Case("mixed", meta({"encoder.texts.notes.weighting": "none"})),
    "texts of a billion tokens": Case("mixed", meta({"encoder.texts.notes.tokens": 10**9})),
    "texts of no tokens": Case("mixed", meta({"encoder.texts.notes.tokens": 0})),
    "texts of more n-grams": Case("mixed", meta({"encoder.texts.notes.ngrams": 3})),
    "texts by another tokenizer": Case("mixed", meta({"encoder.texts.notes.tokenizer": "bpe"})),
    "texts with a token twice": Case("mixed", tokens(lambda found: found.__setitem__(3, found[4]))),
    "texts with a token more": Case("mixed", tokens(lambda found: found.append("strange"))),
    "texts with n-grams out of order": Case("mixed", arrays(E, lambda a: a.update({G: a[G][::-1].copy()}))),
    "texts with fewer frequencies": Case("mixed", arrays(E, lambda a: a.update({"texts.0.idf": a["texts.0.idf"][1:]}))),
    "texts with n-grams of another": Case("mixed", arrays(E, lambda a: a.update({"texts.1.pieces": a["texts.0.pieces"]}))),
    "column of an image table": Case("image", meta({"columns": {"strange": "x"}})),
    "text columns of numbers": Case("text", meta({"columns.text": [1]})),
    # safetensors
    "header of 4 GB": Case("text", content(W, struct.pack("<Q", 4 << 30) + b'{"a"')),
    "header of 2**64": Case("text", content(E, struct.pack("<Q", 2**64 - 1) + b"{}")),
    "empty file": Case("text", content(W, b"")),
    "four bytes": Case("text", content(W, b"\0\0\0\0")),
    "header that is no json": Case("image", content(W, packed(b"not json at all "))),
    "header a list": Case("image", content(W, packed(b"[1, 2, 3]"))),
    "tensor twice": Case("text", twice(W)),
    "array twice": Case("table", twice(E)),
    "offsets that overlap": Case(
        "lstm", header(W, lambda h: [each.update(data_offsets=[0, each["data_offsets"][1]]) for each in h.values()])
    ),
    "offsets out of the file": Case("text", header(W, lambda h: h[first(h)].update(data_offsets=[0, 1 << 40]))),
    "offsets the wrong way": Case("text", header(W, lambda h: h[first(h)]["data_offsets"].reverse())),
    "offsets negative": Case("text", header(W, lambda h: h[first(h)].update(data_offsets=[-8, 8]))),
    "shape of 10**12": Case("text", header(W, lambda h: h[first(h)].update(shape=[10**12, 10**6]))),
    "shape that overflows": Case("text", header(W, lambda h: h[first(h)].update(shape=[2**62, 2**62]))),
    "shape NaN": Case("text", header(W, lambda h: h[first(h)].update(shape=[_nan]))),
    "bytes behind the tensors": Case("text", lambda model: (model / W).write_bytes((model / W).read_bytes() + b"x") and None),
    "type that is not known": Case("text", header(W, lambda h: h[first(h)].update(dtype="PICKLE"))),
    "weights of nothing": Case("image", content(W, packed(b"{}"))),
    "weights less": Case("image", arrays(W, lambda a: a.pop("classifier.bias"))),
    "weights more": Case("image", arrays(W, lambda a: a.update({"__class__": np.zeros(3, np.float32)}))),
    "weights that are empty": Case(
        "image", arrays(W, lambda a: a.update({"classifier.bias": np.zeros((0, 10**12), np.float32)}))
    ),
    "weights by one wider": Case("image", arrays(W, lambda a: a.update({"classifier.bias": np.zeros(4, np.float32)}))),
    "weights turned": Case("lstm", arrays(W, lambda a: a.update({"classifier.weight": a["classifier.weight"].T.copy()}))),
    "weights float64": Case("lstm", arrays(W, lambda a: a.update({n: v.astype(np.float64) for n, v in a.items()}))),
    "weights float16": Case("image", arrays(W, lambda a: a.update({"classifier.bias": np.zeros(3, np.float16)}))),
    "weights int64": Case("table", arrays(W, lambda a: a.update({n: v.astype(np.int64) for n, v in a.items()}))),
    "weights bool": Case("text", arrays(W, lambda a: a.update({n: v.astype(bool) for n, v in a.items()}))),
    "weights BF16": Case("text", content(W, packed(b'{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}', bytes(4)))),
    "weights F8": Case("text", content(W, packed(b'{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}', bytes(2)))),
    "arrays BF16": Case("table", content(E, packed(b'{"mean":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}', bytes(4)))),
    "weights NaN": Case("lstm", arrays(W, lambda a: a["classifier.bias"].fill(_nan))),
    "weights infinite": Case("words", arrays(W, lambda a: a["bias"].fill(-np.inf))),
    "steps counted in floats": Case("image", arrays(W, lambda a: a.update({n: v.astype("f4") for n, v in a.items()}))),
    # Arrays of the encoder
    "idf NaN": Case("text", arrays(E, lambda a: a["idf"].fill(_nan))),
    "idf of one": Case("text", arrays(E, lambda a: a.update(idf=a["idf"][:1]))),
    "idf float64": Case("text", arrays(E, lambda a: a.update(idf=a["idf"].astype(np.float64)))),
    "idf of two dimensions": Case("text", arrays(E, lambda a: a.update(idf=a["idf"][:, None]))),
    "characters in no order": Case("text", arrays(E, lambda a: a.update(pieces=a["pieces"][::-1].copy()))),
    "characters missing": Case("text", arrays(E, lambda a: a.pop("pieces"))),
    "characters of fractions": Case("text", arrays(E, lambda a: a.update(pieces=a["pieces"].astype(np.float64)))),
    "idf missing": Case("text", arrays(E, lambda a: a.pop("idf"))),
    "n-grams missing": Case("text", arrays(E, lambda a: a.pop("grams.2"))),
    "n-grams in disorder": Case("text", arrays(E, lambda a: a.update({"grams.2": a["grams.2"][::-1].copy()}))),
    "n-grams of floats": Case("text", arrays(E, lambda a: a.update({"grams.2": a["grams.2"].astype(np.float64)}))),
    "n-grams more": Case("text", arrays(E, lambda a: a.update({"grams.3": a["grams.2"]}))),
    "table mean of one": Case("table", arrays(E, lambda a: a.update(mean=a["mean"][:1], std=a["std"][:1]))),
    "table mean infinite": Case("table", arrays(E, lambda a: a["mean"].fill(np.inf))),
    "table deviation 0": Case("table", arrays(E, lambda a: a["std"].fill(0))),
    "table deviation of objects": Case("table", arrays(E, lambda a: a.update(std=a["std"].astype(bool)))),
    "arrays of an image": Case("image", arrays(E, lambda a: a.update(x=np.zeros(3)))),
    # Files that are none
    "weights elsewhere": Case("text", elsewhere(W), WRONG),
    "json elsewhere": Case("text", elsewhere(M), WRONG),
    "seal elsewhere": Case("text", elsewhere("SEAL"), WRONG, sealed=False),
    "bundle elsewhere": Case("text", folder_elsewhere, ("E450",), sealed=False),
    "link to a device": Case("text", instead(V, lambda path: path.symlink_to("/dev/zero")), WRONG, sealed=False),
    "link to itself": Case("text", instead(V, lambda path: path.symlink_to(path)), WRONG, sealed=False),
    "pipe as weights": Case("text", instead(W, os.mkfifo), WRONG, sealed=False),
    "pipe as a seal": Case("text", instead("SEAL", os.mkfifo), WRONG, sealed=False),
    "pipe as a bundle": Case(
        "text", lambda model: (model.rename(model.parent / "other"), os.mkfifo(model))[1], ("E405",), sealed=False
    ),
    "folder as weights": Case("text", instead(W, Path.mkdir), WRONG, sealed=False),
    "folder as a seal": Case("text", instead("SEAL", Path.mkdir), WRONG, sealed=False),
    "file of 64 GB": Case(
        "text",
        lambda model: (sparse(model), seal(lambda s: s["files"][V].update(bytes=64 << 30))(model))[0],
        WRONG,
        sealed=False,
    ),
    "seal of 100 MB": Case("text", long, WRONG, sealed=False),
    "seal of a path": Case("text", seal(lambda s: s["files"].update({"../../x": s["files"][M]})), WRONG, sealed=False),
    "seal of /etc/passwd": Case("text", seal(lambda s: s["files"].update({"/etc/passwd": s["files"][M]})), WRONG, sealed=False),
    "seal of NUL": Case("text", seal(lambda s: s["files"].update({"a\0b": s["files"][M]})), WRONG, sealed=False),
    "seal of a fraction": Case("text", seal(lambda s: s["files"][M].update(bytes=1.5)), WRONG, sealed=False),
    "seal of a word": Case("text", seal(lambda s: s["files"][M].update(bytes="many")), WRONG, sealed=False),
    "seal of 4,000 digits": Case("text", seal(lambda s: s["files"][M].update(bytes=10**4000)), WRONG, sealed=False),
    "seal of lists": Case("text", seal(lambda s: s.update(files=[])), WRONG, sealed=False),
    "seal without a file": Case("text", seal(lambda s: s["files"].pop(W)), WRONG, sealed=False),
    "deep seal": Case("text", content("SEAL", b"[" * DEEP), WRONG, sealed=False),
    # Strange, and only data
    "label as a path": Case("text", meta({"labels": ["../../../strange", "/etc/passwd", "c:\\canary"]}), ()),
    "label of code": Case("image", meta({"labels": ["__import__('os').mkdir('canary')", "{canary}", "%s%n\0"]}), ()),
    "target as a path": Case("table", meta({"target": "../../strange"}), ()),
    "page of a stranger": Case("text", content("README.md", b"<script>canary</script>"), ()),
}
