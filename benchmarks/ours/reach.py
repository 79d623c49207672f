"""MNIST with Trainwright until an epoch's validation accuracy reaches the target; then the process ends.

The validation rows are a twentieth of the training images, as for the peers. What was trained stays in the run's checkpoint.

python reach.py NAME TARGET FOLDER OUT
"""

import json
import sys
import time
from contextlib import suppress
from typing import Any

import trainwright as tw

PEERS = {"optimizer": {"name": "Adam"}, "lr": 0.001, "schedule": [], "augment": [], "epochs": 20}
SETTINGS: dict[str, dict[str, Any]] = {
    "mlp": {
        "model": {"name": "mlp", "hidden": [512, 512], "dropout": 0.0}, "augment": [],
        "batch_size": 256, "lr": 0.002, "epochs": 6,
    },
    "mlp, peers' settings": {"model": {"name": "mlp", "hidden": [512, 512], "dropout": 0.0}, "batch_size": 64} | PEERS,
    "convnet": {"recipe": "digits", "epochs": 3},
    "convnet, peers' settings": {
        "model": {"name": "convnet", "channels": [16, 32, 64], "dropout": 0.0}, "batch_size": 128,
    } | PEERS,
}  # fmt: skip


class Reached(Exception):
    """The target was reached: no more epochs."""


def main(name: str, target: str, folder: str, out: str) -> None:
    begun, last = time.perf_counter(), []

    def listen(event: Any) -> None:
        if event.kind == "epoch":
            last.append(event.valid.accuracy)
            if event.valid.accuracy >= float(target):
                raise Reached

    with suppress(Reached):
        tw.train(folder, out=f"{out}/run", listen=listen, **SETTINGS[name])
    print(json.dumps({"accuracy": last[-1], "epochs": len(last), "seconds": {"all": time.perf_counter() - begun}}))


main(*sys.argv[1:])
