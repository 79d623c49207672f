"""Training on a GPU against plain loops of the same networks, which wait for the device nowhere.

    python benchmarks/gpu.py [CASE ...] [--tiny] [--out FOLDER]

Each case is a process of its own, so that one that fails does not end the others. Needs no data. The table goes to standard
output and, as Markdown and JSON, to FOLDER. With ``--tiny`` sizes are a few rows, which shows that everything works, on a
processor too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

TINY, PLACE = "--tiny" in sys.argv, "cuda" if torch.cuda.is_available() else "cpu"
SECONDS = 150  # that a case may take
Loop = Callable[[], None]


def settle() -> None:
    """Wait for what the device has yet to do."""
    if PLACE == "cuda":
        torch.cuda.synchronize()


def timed(run: Loop, warm: int, count: int) -> float:
    """Return seconds of one call."""
    for _ in range(warm):
        run()
    settle()
    begun = time.perf_counter()
    for _ in range(count):
        run()
    settle()
    return (time.perf_counter() - begun) / count


class Pace:
    """Hears the events of a training, and knows what an update took in the fastest epoch, validation left out."""

    def __init__(self) -> None:
        self.begun, self.last, self.steps, self.rows = 0.0, 0.0, 0, 0
        self.paces: list[tuple[float, float]] = []  # seconds an update, rows a second

    def __call__(self, event: Any) -> None:
        if type(event).__name__ == "Step":
            self.last, self.steps, self.rows = time.perf_counter(), self.steps + 1, self.rows + event.rows
            return
        if self.steps:  # the epoch is over, or a checkpoint was written
            seconds = self.last - self.begun
            self.paces.append((seconds / self.steps, self.rows / seconds))
        self.begun, self.steps, self.rows = time.perf_counter(), 0, 0

    @property
    def seconds(self) -> float:
        """Return the seconds of an update."""
        return min(each for each, _ in self.paces)

    @property
    def rate(self) -> float:
        """Return the rows a second."""
        return max(each for _, each in self.paces)


def mlp() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 96), nn.ReLU(), nn.Linear(96, 256), nn.ReLU(), nn.Linear(256, 10)).to(PLACE)


def step(batch: int) -> dict[str, Any]:
    """A small network on rows in the device's memory: microseconds a step."""
    rows, found = batch * (20 if TINY else 400), {}
    draw = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(rows, 784, generator=draw).to(PLACE), torch.randint(10, (rows,), generator=draw).to(PLACE)
    loss, epochs = nn.CrossEntropyLoss(), 2 if TINY else 5

    def bare(looks: bool) -> Loop:
        model = mlp()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

        def epoch() -> None:
            order = torch.randperm(rows, device=PLACE)
            for start in range(0, rows, batch):
                chosen = order[start : start + batch]
                optimizer.zero_grad()
                value = loss(model(inputs[chosen]), targets[chosen])
                value.backward()
                optimizer.step()
                if looks:
                    value.item()

        return epoch

    found["bare loop"] = timed(bare(False), 1, 3) / (rows // batch) * 1e6
    found["bare loop, .item()"] = timed(bare(True), 1, 3) / (rows // batch) * 1e6
    if PLACE == "cuda":
        found["bare loop, one CUDA graph"] = timed(graphed(inputs, targets, batch), 2, 5) / (rows // batch) * 1e6
    for graph in (False, True):
        found[named(graph)] = fitted(inputs, targets, batch, epochs, graph) * 1e6
    return found | {"unit": "us a step", "less": True}


def named(graph: bool) -> str:
    """Return what a way of training is called."""
    return f"trainwright{', graph=true' * graph}"


def fitted(inputs: torch.Tensor, targets: torch.Tensor, batch: int, epochs: int, graph: bool) -> float:
    """Return the seconds of an update of ``tw.fit``."""
    import trainwright as tw

    pace, model = Pace(), mlp()
    optimizer, loss = torch.optim.SGD(model.parameters(), lr=0.01), nn.CrossEntropyLoss()
    given = {"batch_size": batch, "epochs": epochs, "progress": False, "graph": graph}
    for event in tw.fit(model, (inputs, targets), loss=loss, optimizer=optimizer, **given):
        pace(event)
    return pace.seconds


def graphed(inputs: torch.Tensor, targets: torch.Tensor, batch: int) -> Loop:
    """Return an epoch of the bare loop as replays of one graph, the gathering of rows in it."""
    model, loss = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    chosen = torch.zeros(batch, dtype=torch.int64, device=PLACE)

    def update() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss(model(inputs[chosen]), targets[chosen]).backward()
        optimizer.step()

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            update()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    optimizer.zero_grad(set_to_none=True)
    with torch.cuda.graph(graph):
        update()

    def epoch(kept: tuple[Any, ...] = (model, optimizer)) -> None:  # whose memory the graph writes to
        order = torch.randperm(len(inputs), device=PLACE)
        for start in range(0, len(inputs), batch):
            chosen.copy_(order[start : start + batch])
            graph.replay()

    return epoch


def corpus(folder: Path, tokens: int, vocabulary: int, characters: bool) -> Path:
    """Write made running text: words or characters that depend on the one before."""
    draw = np.random.default_rng(0)
    if characters:
        letters = np.array(list("abcdefghijklmnopqrstuvwxyz ,.;:!?ABCDEFGHIJKLMNOPQRSTUVWXYZ'-\n"))
        ids = draw.integers(0, len(letters), tokens)
        ids[1::2] = (ids[::2][: len(ids[1::2])] * 7 + 3) % len(letters)
        text = "".join(letters[ids])
    else:
        ids = np.minimum(draw.zipf(1.2, tokens), vocabulary - 1)
        words = [f"w{each}" for each in ids]
        text = "\n".join(" ".join(words[low : low + 20]) for low in range(0, len(words), 20))
    path = folder / "corpus.txt"
    path.write_text(text)
    return path


def language(settings: dict[str, Any], tokens: int, vocabulary: int, characters: bool) -> Pace:
    """Return the pace of ``train`` on made text."""
    import trainwright as tw

    pace = Pace()
    with tempfile.TemporaryDirectory() as folder:
        source = corpus(Path(folder), tokens, vocabulary, characters)
        tw.train(source, out=Path(folder) / "run", task="language", listen=pace, checkpoint_every="0", **settings)
    return pace


class PlainLSTM(nn.Module):
    """What a tutorial would write."""

    def __init__(self, vocabulary: int, width: int, layers: int) -> None:
        super().__init__()
        self.embedding, self.decoder = nn.Embedding(vocabulary, width), nn.Linear(width, vocabulary)
        self.lstm = nn.LSTM(width, width, layers)

    def forward(self, ids: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """Return logits (time, batch, vocabulary) of ids (time, batch), and the state."""
        features, state = self.lstm(self.embedding(ids), state)
        return self.decoder(features), state


def lstm() -> dict[str, Any]:
    """The medium LSTM without dropout: tokens a second."""
    batch, context, vocabulary = 20, 35, 100 if TINY else 10_000
    model = PlainLSTM(vocabulary, 200, 2).to(PLACE)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    ids = torch.randint(vocabulary, (context + 1, batch), device=PLACE)
    state = [torch.zeros(2, batch, 200, device=PLACE)] * 2

    def update() -> None:
        nonlocal state
        optimizer.zero_grad()
        logits, after = model(ids[:-1], tuple(state))
        state = [each.detach() for each in after]
        F.cross_entropy(logits.flatten(0, 1), ids[1:].flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()

    seconds = timed(update, 2 if TINY else 50, 3 if TINY else 300)
    found: dict[str, Any] = {"plain loop, float32": batch * context / seconds}
    settings = {"batch_size": batch, "context": context, "lr": 1.0, "clip": 0.25, "epochs": 3, "speed": "off"}
    settings |= {"model": {"name": "lstm", "embedding": 200, "hidden": 200, "layers": 2, "tied": False, "dropout": 0.0}}
    settings |= {"optimizer": "SGD", "schedule": "none", "warmup": 0.0, "max_vocabulary": vocabulary}
    for graph in (False, True):
        pace = language(settings | {"graph": graph}, 20_000 if TINY else 300_000, vocabulary, False)
        found[named(graph)] = pace.rate
    return found | {"unit": "tokens/s", "less": False}


class PlainBlock(nn.Module):
    """A block of GPT-2."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the stream (batch, time, width) after the block."""
        batch, time_, width = features.shape
        parts = self.into(self.first(features)).view(batch, time_, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(*parts, is_causal=True)
        features = features + self.out(mixed.transpose(1, 2).reshape(batch, time_, width))
        return features + self.down(F.gelu(self.up(self.second(features))))


class PlainGPT(nn.Module):
    """GPT-2 as a good engineer would write it."""

    def __init__(self, vocabulary: int, context: int, layers: int, width: int, heads: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(PlainBlock(width, heads) for _ in range(layers))
        self.norm, self.decoder = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.decoder.weight = self.tokens.weight

    def forward(self, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean loss."""
        features = self.tokens(ids) + self.places.weight[: ids.shape[1]]
        for block in self.blocks:
            features = block(features)
        return F.cross_entropy(self.decoder(self.norm(features)).flatten(0, 1), targets.flatten())


def gpt(
    layers: int, width: int, heads: int, context: int, batch: int, vocabulary: int, ways: tuple[str, ...]
) -> dict[str, Any]:
    """A transformer in bfloat16: tokens a second."""
    ids = torch.randint(vocabulary, (batch, context + 1), device=PLACE)
    found: dict[str, Any] = {}
    for way in ways:
        torch.manual_seed(0)
        model = PlainGPT(vocabulary, context, layers, width, heads).to(PLACE)
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)
        call = torch.compile(model) if way == "compiled" else model

        def update(model: nn.Module = model, call: Any = call, optimizer: Any = optimizer) -> None:
            optimizer.zero_grad()
            with torch.autocast(PLACE, torch.bfloat16):
                value = call(ids[:, :-1], ids[:, 1:])
            value.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

        seconds = timed(update, 2 if TINY else 10, 2 if TINY else 50)
        found[f"plain loop, bfloat16{', compiled' * (way == 'compiled')}"] = batch * context / seconds
        del model, optimizer, call
    for way in ways:
        settings = {"batch_size": batch, "context": context, "lr": 3e-4, "clip": 1.0, "epochs": 2, "speed": "off"}
        settings |= {"model": {"name": "gpt", "layers": layers, "width": width, "heads": heads, "dropout": 0.0}}
        settings |= {"optimizer": "AdamW", "precision": "bfloat16", "compile": way == "compiled"}
        characters = vocabulary < 1000
        settings |= {"tokenizer": "characters"} if characters else {"max_vocabulary": vocabulary}
        for graph in (False, True):
            pace = language(settings | {"graph": graph}, batch * context * (4 if TINY else 60), vocabulary, characters)
            found[named(graph) + ", compiled" * (way == "compiled")] = pace.rate
    return found | {"unit": "tokens/s", "less": False, "memory": peak()}


def digits() -> dict[str, Any]:
    """Made pictures through the recipe for digits: seconds of six epochs, and pictures a second."""
    import trainwright as tw

    rows, draw = 600 if TINY else 60_000, np.random.default_rng(0)
    labels = draw.integers(0, 10, rows)
    shapes = draw.integers(0, 256, (10, 7, 7)).repeat(4, axis=1).repeat(4, axis=2)
    images = np.clip(shapes[labels] * 0.5 + draw.integers(0, 128, (rows, 28, 28)), 0, 255).astype(np.uint8)
    found: dict[str, Any] = {}
    for graph in (False, True):
        pace = Pace()
        with tempfile.TemporaryDirectory() as folder:
            source, begun = Path(folder) / "made.npz", time.perf_counter()
            np.savez(source, images=images, labels=labels)
            given = {"recipe": "digits", "epochs": 2 if TINY else 6, "checkpoint_every": "0", "graph": graph}
            run = tw.train(source, out=Path(folder) / "run", listen=pace, **given)
            found[named(graph)] = pace.rate
            found[f"seconds of the command{', graph=true' * graph}"] = time.perf_counter() - begun
            found[f"accuracy{', graph=true' * graph}"] = run.report["test"]["accuracy"]
    model = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32)),
        *(nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64 * 49, 10)),
    ).to(PLACE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    pixels, targets = torch.from_numpy(images[:, None]).to(PLACE), torch.from_numpy(labels).to(PLACE)

    def epoch() -> None:
        order = torch.randperm(rows, device=PLACE)
        for start in range(0, rows - 127, 128):
            chosen = order[start : start + 128]
            optimizer.zero_grad()
            F.cross_entropy(model(pixels[chosen].float() / 255), targets[chosen]).backward()
            optimizer.step()

    plain = rows / timed(epoch, 1, 1 if TINY else 2)
    return {"plain loop, float32, like it": plain, **found, "unit": "pictures/s", "less": False}


def bits() -> dict[str, Any]:
    """The same command twice, cut and resumed, and beside the processor, for each kind."""
    import trainwright as tw

    draw, found = np.random.default_rng(0), {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        words = [f"word{each}" for each in range(200)]
        labels = draw.integers(0, 3, 600)
        texts = [" ".join(draw.choice(words[50 * each : 50 * each + 80], 12)) for each in labels]
        (place / "text.csv").write_text("label,text\n" + "\n".join(f"c{a},{b}" for a, b in zip(labels, texts, strict=True)))
        numbers = draw.normal(size=(600, 4))
        (place / "table.csv").write_text(
            "a,b,c,d,label\n" + "\n".join(",".join(f"{x:.4f}" for x in row) + f",k{int(row[0] > 0)}" for row in numbers)
        )
        images = draw.integers(0, 256, (400, 28, 28)).astype(np.uint8)
        np.savez(place / "image.npz", images=images, labels=(images[:, 0, 0] > 128).astype(np.int64))
        corpus(place, 20_000, 200, False)
        kinds: dict[str, dict[str, Any]] = {
            "text, bag": {"source": "text.csv"},
            "text, lstm": {"source": "text.csv", "model": "lstm"},
            "text, textcnn": {"source": "text.csv", "model": "textcnn"},
            "image, convnet, augmented": {"source": "image.npz", "augment": ["shift", "cutout"]},
            "table, mlp": {"source": "table.csv"},
            "language, lstm": {"source": "corpus.txt", "task": "language", "model": "lstm"},
            "language, gpt": {"source": "corpus.txt", "task": "language", "model": "gpt", "precision": "bfloat16"},
        }
        for (name, given), graph in product(list(kinds.items())[: 2 if TINY else None], (False, True)):
            settings = {"graph": graph, "epochs": 2, "batch_size": 32, "checkpoint_every": "7steps", "speed": "off", **given}
            source = place / settings.pop("source")
            try:
                runs = []
                for number, device in enumerate([PLACE, PLACE, "cpu"]):
                    out = place / f"{name.replace(', ', '-')}-{graph}-{number}"
                    runs.append(tw.train(source, out=out, device=device, listen=lambda event: None, **settings))
                out = place / f"{name.replace(', ', '-')}-{graph}-cut"

                def leave(event: Any) -> None:
                    if type(event).__name__ == "Saved" and event.step >= 7:
                        raise RuntimeError("left")

                with suppress(RuntimeError):
                    tw.train(source, out=out, device=PLACE, listen=leave, **settings)
                runs.append(tw.resume(out, listen=lambda event: None))
                weights = [(each.path / "model" / "model.safetensors").read_bytes() for each in runs]
                losses = [each.report["valid"]["loss"] for each in runs]
                same = f"twice {'same' if weights[0] == weights[1] else 'OTHER'} bits"
                resumed = f"resumed {'same' if weights[0] == weights[3] else 'OTHER'} bits"
                found[name + ", graph=true" * graph] = f"{same}, {resumed}; loss {losses[0]:.6f}, processor {losses[2]:.6f}"
            except Exception as problem:  # the other kinds are to be seen too
                found[name + ", graph=true" * graph] = f"FAILED: {type(problem).__name__}: {problem}"[:300]
    return found | {"unit": ""}


def peak() -> float:
    """Return the most memory that tensors took, in GB."""
    return torch.cuda.max_memory_allocated() / 1e9 if PLACE == "cuda" else 0.0


SMALL = (2, 32, 2, 16, 4, 60)
CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "step-64": lambda: step(64),
    "step-512": lambda: step(512),
    "digits": digits,
    "lstm": lstm,
    "gpt-10m": lambda: gpt(*(SMALL if TINY else (6, 384, 6, 256, 64, 60)), ("eager",) if TINY else ("eager", "compiled")),
    "gpt-124m": lambda: gpt(
        *(SMALL if TINY else (12, 768, 12, 1024, 16, 50_000)), ("eager",) if TINY else ("eager", "compiled")
    ),
    "bits": bits,
}


def table(results: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    lines = ["| case | what | value | of the best beside it |", "|---|---|---|---|"]
    for case, found in results.items():
        others = [value for name, value in found.items() if "loop" in name and isinstance(value, float)]
        best = (min if found.get("less") else max)(others) if others else 0.0
        for name, value in found.items():
            if name in ("unit", "less"):
                continue
            ratio = f"{value / best:.2f}" if best and "trainwright" in name else ""
            unit = found.get("unit", "") if "loop" in name or name.startswith("trainwright") else ""
            shown = f"{value:,.4g} {unit}".strip() if isinstance(value, float) else str(value)
            lines.append(f"| {case} | {name} | {shown} | {ratio} |")
    return "\n".join(lines)


def main() -> None:
    """Run the cases, each in a process of its own; or the one that this process is for."""
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    if "--one" in sys.argv:
        print(json.dumps(CASES[words[0]]()))
        return
    out = Path(words.pop(words.index(sys.argv[sys.argv.index("--out") + 1]))) if "--out" in sys.argv else None
    results: dict[str, Any] = {}
    for case in words or CASES:
        begun = time.perf_counter()
        command = [sys.executable, __file__, case, "--one", *(["--tiny"] if TINY else [])]
        try:
            made = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
            results[case] = json.loads(made.stdout.splitlines()[-1])
            sys.stderr.write(made.stderr[-2000:])
        except (subprocess.TimeoutExpired, ValueError, IndexError) as problem:
            late = isinstance(problem, subprocess.TimeoutExpired)
            tail = f"longer than {SECONDS} s" if late else f"exit {made.returncode}: {made.stderr[-800:]}"
            results[case] = {"failed": tail.replace("\n", " / ")}
        print(table({case: results[case]}), f"\n{case}: {time.perf_counter() - begun:.0f} s", flush=True)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            (out / "gpu.json").write_text(json.dumps(results, indent=1))
            (out / "gpu.md").write_text(table(results) + "\n")


if __name__ == "__main__":
    main()
