"""Trainwright against its peers: whole processes, alternated A B A B, medians and spread, accuracy beside time.

    python benchmarks/run.py [--rounds 5] [--only ng20 step] [--long] [--small] [--list]

Prints a table in Markdown as it grows and writes it to `benchmarks/results.md`, and every number to `benchmarks/results.json`.
Real data are found through TRAINWRIGHT_TEST_DATA. TRAINWRIGHT_BENCH_PEERS names an environment that has the peers; without it
they are installed into `.venv-peers`. Where there is a CUDA device, a second part measures the networks on it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from case import HERE, OUT, Case, Place
from cases import CASES
from measure import measure
from table import Runs, head, section, skipped

NAMED = ("trainwright", "torch", "polars", "numpy")
PEERS = (
    "torch", "scikit-learn", "fasttext-wheel", "lightning", "transformers", "accelerate", "keras", "skorch", "pytorch-ignite",
    "numpy", "pandas",
)  # fmt: skip
VERSIONS = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
GPU = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"


def make_peers() -> str:
    """The Python of the peers' environment, which is made where there is none."""
    if given := os.environ.get("TRAINWRIGHT_BENCH_PEERS"):
        return str(Path(given).resolve() / "bin" / "python")
    folder = HERE.parent / ".venv-peers"
    python, installed = folder / "bin" / "python", folder / ".installed"
    wanted = HERE / "peers" / "constraints.txt"
    if not installed.exists() or installed.read_text() != wanted.read_text():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(wanted)], check=True)
        installed.write_text(wanted.read_text())
    return str(python)


def environment(scratch: Path, gpu: bool) -> dict[str, str]:
    """What every process gets: our own package, no network, a cache that is empty, and on the CPU's part no GPU."""
    source = os.pathsep.join(filter(None, (str(HERE.parent / "src"), os.environ.get("PYTHONPATH"))))
    found = {"HF_HUB_OFFLINE": "1", "TRAINWRIGHT_CACHE": str(scratch / "cache"), "PYTHONPATH": source}
    return found | ({} if gpu else {"CUDA_VISIBLE_DEVICES": ""})


def gpu_name() -> str:
    """The CUDA device as torch sees it; empty where there is none."""
    return subprocess.run([sys.executable, "-c", GPU], check=True, capture_output=True, text=True).stdout.strip()


def alternated(systems: dict[str, list[str]], rounds: int, scratch: Path, gpu: bool) -> Runs:
    """Every system once, then every system again, each run in a folder of its own."""
    runs: Runs = {name: [] for name in systems}
    for number in range(rounds):
        for name, command in systems.items():
            with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as folder:
                words = [word.replace(OUT, folder) for word in command]
                found = measure(words, Path(folder), environment(Path(folder), gpu))
            runs[name].append(found)
            shown = f"failed\n{found['error']}" if "error" in found else f"{found['wall']:.2f} s"
            print(f"round {number + 1}, {name}: {shown}", file=sys.stderr, flush=True)
    return runs


def about(rounds: int, gpu: str, peers: str) -> dict[str, Any]:
    """Command, hardware and versions."""
    named = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    ours, theirs = (
        json.loads(subprocess.run([python, "-c", VERSIONS, *names], check=True, capture_output=True).stdout)
        for python, names in ((sys.executable, NAMED), (peers, PEERS))
    )
    return {
        "command": shlex.join(["python", "benchmarks/run.py", *sys.argv[1:]]),
        "when": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": named[0].partition(": ")[2] if named else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30,
        "system": platform.platform(),
        "python": platform.python_version(),
        "gpu": gpu,
        "load": os.getloadavg()[0],
        "rounds": rounds,
        "seed": 0,
        "versions": ours | {f"{name} (peers)" if name in ours else name: version for name, version in theirs.items()},
    }


def chosen(only: list[str], gpu: bool) -> Iterator[tuple[bool, Case]]:
    """(on the GPU, case) of both parts, in their order."""
    for part in (False, True)[: 1 + gpu]:
        yield from ((part, CASES[name]) for name in only if not part or CASES[name].gpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES), metavar="CASE")
    parser.add_argument("--long", action="store_true", help="the cases that take long as well")
    parser.add_argument("--small", action="store_true", help="few rows: shows that every program works, measures nothing")
    parser.add_argument("--list", action="store_true", help="the cases and their targets")
    options = parser.parse_args()
    if options.list:
        for case in CASES.values():
            print(f"{case.name:<14} {'; '.join(map(str, case.targets))}{' (--long)' if case.long else ''}")
        return
    if options.rounds < 1:
        parser.error("--rounds takes a number from 1 on")
    data = Path(os.environ.get("TRAINWRIGHT_TEST_DATA") or "no such folder").resolve()
    with tempfile.TemporaryDirectory() as folder:
        raise SystemExit(carried(options, data, Path(folder)))


def carried(options: argparse.Namespace, data: Path, scratch: Path) -> int:
    """Run what was chosen and write the results after each case; 1 where a program failed."""
    peers = make_peers()

    def run(command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment(scratch, False))
        if done.returncode:
            raise SystemExit(f"{shlex.join(command)}\n{done.stderr}")

    gpu = gpu_name()
    place = Place(data, scratch, peers, options.small, run)
    results: dict[str, Any] = about(options.rounds, gpu, peers) | {"cases": {"CPU": {}, "GPU": {}}}
    text, part = head(results), None
    print(text)
    for on_gpu, case in chosen(options.only, bool(gpu)):
        if part != on_gpu:
            part = on_gpu
            text += (title := f"\n## On the {'GPU' if on_gpu else 'CPU'}\n")
            print(title)
        if reason := case.skipped(data, options.long):
            found = skipped(case, reason)
        else:
            runs = alternated(case.systems(place), options.rounds, scratch, on_gpu)
            results["cases"]["GPU" if on_gpu else "CPU"][case.name] = runs
            found = section(case, runs, judged=not options.small)
        text += f"\n{found}"
        print(found, flush=True)
        (HERE / "results.md").write_text(text, encoding="utf-8")
        (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    measured = [runs for part in results["cases"].values() for systems in part.values() for runs in systems.values()]
    return int(any("error" in each for runs in measured for each in runs))


if __name__ == "__main__":
    main()
