"""MNIST with Trainwright and the peers' settings until an epoch's accuracy on the test images reaches the target.

As for the peers: the test images are what each epoch is measured on, and the process ends without a report. What was trained
stays in the run's checkpoint.

python reach.py NETWORK TARGET FOLDER OUT
"""

import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import trainwright as tw

SETTINGS: dict[str, Any] = {
    "optimizer": {"name": "Adam"}, "lr": 0.001, "schedule": [], "augment": [], "epochs": 20, "test_fraction": 0.0,
}  # fmt: skip
NETWORKS: dict[str, dict[str, Any]] = {
    "mlp": {"model": {"name": "mlp", "hidden": [512, 512], "dropout": 0.0}, "batch_size": 64},
    "convnet": {"model": {"name": "convnet", "channels": [16, 32, 64], "dropout": 0.0}, "batch_size": 128},
}


class Reached(Exception):
    """The target was reached: no more epochs."""


def main(network: str, target: str, folder: str, out: str) -> None:
    begun, last = time.perf_counter(), []
    train, test = Path(out) / "train", next(Path(folder).glob("t10k-images*"))
    train.mkdir()
    for path in Path(folder).glob("train-*"):
        (train / path.name).symlink_to(path)

    def listen(event: Any) -> None:
        if event.kind == "epoch":
            last.append(event.valid.accuracy)
            if event.valid.accuracy >= float(target):
                raise Reached

    with suppress(Reached):
        tw.train(train, valid=test, out=f"{out}/run", listen=listen, **SETTINGS, **NETWORKS[network])
    print(json.dumps({"accuracy": last[-1], "epochs": len(last), "seconds": {"all": time.perf_counter() - begun}}))


main(*sys.argv[1:])
