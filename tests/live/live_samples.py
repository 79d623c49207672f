"""A run folder that is written as a training writes it, event by event, and a server of the live page in a thread."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from watch_samples import make_report

from trainwright.live.serve import Live
from trainwright.watch.events import Answers, Epoch, EventLog, Finished, Scores, Started, Step

LABELS = ["sport", "money", "space"]


class Writing:
    """A run in the making: 10 updates an epoch of 320 rows."""

    def __init__(self, path: Path, epochs: int = 4) -> None:
        path.mkdir(parents=True)
        (path / "data.json").write_text(json.dumps({"source": "news.csv"}))
        (path / "settings.toml").write_text('task = "text"\n[model]\nname = "bag"\n')
        self.path, self.epochs = path, epochs
        self.log = EventLog(path / "events.jsonl", path / "history.csv")

    def watched(self, inputs: list[Any]) -> None:
        rows = [{"file": "news.csv", "row": k + 2, "truth": LABELS[k % 3], "input": each} for k, each in enumerate(inputs)]
        (self.path / "watched.json").write_text(json.dumps({"labels": LABELS, "rows": rows}))

    def start(self) -> None:
        self.log.append(Started(epochs=self.epochs, steps=10 * self.epochs, steps_per_epoch=10, rows=320))

    def steps(self, first: int, last: int, scale: float = 1.0) -> None:
        for step in range(first, last + 1):
            self.log.append(Step(step, (step - 1) // 10 + 1, scale / step, 32, 0.1, norm=2.0 / step))

    def epoch(self, number: int, accuracy: float = 0.5) -> None:
        train, valid = Scores(1 / number, accuracy, 320), Scores(1.1 / number, accuracy - 0.1, 40)
        self.log.append(Epoch(number, 10 * number, train, valid, 0.1, 2.0, True))

    def answers(self, epoch: int, *sure: float) -> None:
        """For each watched row how sure the model is of its right class; the rest goes to the next one."""
        each = [[[k % 3, p], [(k + 1) % 3, round(1 - p, 6)]] for k, p in enumerate(sure)]
        self.log.append(Answers(epoch, [sorted(pairs, key=lambda pair: -pair[1]) for pairs in each]))

    def finish(self) -> None:
        self.log.append(Finished("epochs", 10 * self.epochs, self.epochs, self.epochs, 8.0))
        self.log.close()
        (self.path / "report.json").write_text(json.dumps(make_report(3, LABELS) | {"best_epoch": self.epochs}))
        page = "<!DOCTYPE html><html lang=en><style>p{color:red}</style><title>Report</title><p>the report</p></html>"
        (self.path / "report.html").write_text(page)
        (self.path / "SEAL").write_text("{}")


@contextmanager
def serving(path: Path) -> Iterator[Live]:
    """The live page of a folder in a thread of this process."""
    live = Live(path)
    thread = threading.Thread(target=live.serve)
    thread.start()
    try:
        yield live
    finally:
        live.stop()
        thread.join(20)
        assert not thread.is_alive()


def port_of(url: str) -> int:
    return int(url.split(":")[2].partition("/")[0])


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def talk(url: str, sent: bytes) -> bytes:
    """What comes back until the server closes the connection; what was sent may be refused half way."""
    with socket.create_connection(("127.0.0.1", port_of(url)), timeout=30) as connection:
        found = b""
        try:
            connection.sendall(sent)
            while part := connection.recv(1 << 16):
                found += part
        except (ConnectionResetError, BrokenPipeError):
            pass
        return found


def get(url: str, method: str = "GET", host: str = "", more: str = "") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    named = host or f"127.0.0.1:{port_of(url)}"
    found = talk(url, f"{method} {path_of(url)} HTTP/1.1\r\nHost: {named}\r\n{more}\r\n".encode("latin-1"))
    head, _, body = found.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split()[1]), {name.lower(): value for name, value in headers.items()}, body
