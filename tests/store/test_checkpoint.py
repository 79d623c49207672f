"""A checkpoint of a stranger is read as data or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from samples import reseal

from trainwright.errors import RunError
from trainwright.store import checkpoint

FACTS = {"settings": {}, "data": {}, "machine": {}, "log": {}}


def saved(folder: Path) -> Path:
    found = checkpoint.Checkpoints(folder / "checkpoints", folder / "quarantine", "run")
    found.save(1, {"model": {"w": torch.ones(2)}}, FACTS, regular=True)
    return found.paths()[0]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("state.json", b"[" * 100_000),
        ("state.json", b'{"format": 1, "format": 1, "state": null}'),
        ("state.json", b'{"format": 1, "state": {"__reduce__": ["os.system", "true"]}}'),
        ("state.json", b'{"format": 1, "state": {"tensor": ["w"]}}'),
        ("state.json", b'{"format": 1, "state": {"counter": [[{"list": []}, 1]]}}'),
        ("state.json", b'{"format": 1, "state": 1' + b"0" * 5000 + b"}"),
        ("state.json", b"null"),
        ("state.safetensors", b"\x80\x04\x95cos\nsystem\n"),
        ("state.safetensors", (4 << 30).to_bytes(8, "little") + b"{}"),
        ("state.safetensors", (24).to_bytes(8, "little") + b'{"a": {}, "a": {}}      '),
    ],
)
def test_a_checkpoint_of_a_stranger_is_refused(file: str, content: bytes, tmp_path: Path) -> None:
    path = saved(tmp_path)
    assert torch.equal(checkpoint.read(path).state["model"]["w"], torch.ones(2))
    (path / file).write_bytes(content)
    reseal(path)
    with pytest.raises(RunError) as caught:
        checkpoint.read(path)
    assert caught.value.code == "E411"
