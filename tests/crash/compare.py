"""What two runs must have in common to the last bit, as digests by name."""

from __future__ import annotations

import csv
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import torch

from trainwright.store import checkpoint, seal
from trainwright.store.checkpoint import Packer
from trainwright.store.run_folder import RunFolder

TIMES = ("seconds", "rows_per_second")


def fingerprint(path: Path) -> dict[str, str]:
    """Of the bundle, the newest checkpoint, history, report, settings and data of a finished run."""
    run, found = RunFolder(path), dict[str, str]()
    for file in sorted(run.model.iterdir()):
        if file.name != "SEAL":  # the card names the run folder, and the seal holds its digest
            found[f"model/{file.name}"] = _digest(file.read_bytes().replace(str(path).encode(), b"RUN"))
    found |= fingerprint_state(_newest(run))
    with run.history.open(newline="") as file:
        rows = [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(file)]
    found["history"] = json.dumps(rows)
    report = json.loads(run.report.read_bytes())
    found["report"] = json.dumps({key: value for key, value in report.items() if key not in TIMES})
    settings = tomllib.loads(run.settings.read_text())
    settings.pop("run")
    found["settings"] = json.dumps(settings)
    found["data"] = run.data.read_text()
    found["folds"] = str(sorted(each.name for each in run.folds.rglob("*.safetensors")))  # which bear their digests
    found["choice"] = run.choice.read_text() if run.choice.is_file() else ""
    found["sealed"] = str(
        sorted({*seal.contents(path)} & {"data.json", "history.csv", "model/SEAL", "report.json", "settings.toml"})
    )
    found["left over"] = str(leftovers(path))
    return found


def fingerprint_state(found: checkpoint.Checkpoint) -> dict[str, str]:
    """Of everything in a checkpoint but the seconds."""
    state = {**found.state, "position": {k: v for k, v in found.state["position"].items() if k not in TIMES}}
    packer = Packer()
    digests = {"state": json.dumps(packer.pack(state))}
    for name, value in packer.tensors.items():
        digests[f"state {name}"] = (
            f"{value.dtype} {tuple(value.shape)} {_digest(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())}"
        )
    return digests


def leftovers(path: Path) -> list[str]:
    """What no finished run has."""
    found = [each.name for each in path.rglob("*") if each.name.endswith((".tmp", ".old"))]
    return sorted(found)


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The names under which two fingerprints differ."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def _newest(run: RunFolder) -> checkpoint.Checkpoint:
    paths = checkpoint.Checkpoints(run.checkpoints, run.quarantine, "").paths()
    return checkpoint.read(paths[0])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
