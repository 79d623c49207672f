"""Trainwright against its peers, whole process against whole process, alternated A B A B in one run.

    python benchmarks/run.py [--rounds 5] [--only ag_news_10k ng20 encode help step]

Needs TRAINWRIGHT_TEST_DATA. The peers live in an environment of their own, `.venv-peers`, made when it is missing. Prints a
Markdown table and writes `benchmarks/results.json`: every time, versions, hardware.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".venv-peers"
DATA = Path(os.environ.get("TRAINWRIGHT_TEST_DATA", "")).resolve()
Found = dict[str, Any]


def make_peers() -> str:
    """The Python of the peers' environment."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        wanted = HERE / "peers" / "constraints.txt"
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(wanted)], check=True)
    return str(python)


def timed(command: list[str], **environment: str) -> Found:
    """Run a whole process: wall seconds, CPU seconds, peak memory of the largest process, and its last line as JSON."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    last = done.stdout.strip().splitlines()[-1:] or [""]
    result = json.loads(last[0]) if last[0].startswith("{") else {}
    return {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "result": result}


def trainwright(*words: str) -> list[str]:
    return [sys.executable, "-m", "trainwright", *words]


def text_case(train: str, test: str) -> dict[str, Callable[[], Found]]:
    """A file to a saved and measured model, all defaults; no cache is used."""
    peers = make_peers()

    def ours() -> Found:
        with tempfile.TemporaryDirectory() as folder:
            words = ["train", str(DATA / train), "--test", str(DATA / test), "--json", "--out", f"{folder}/run"]
            found = timed(trainwright(*words), TRAINWRIGHT_CACHE=f"{folder}/cache")
        return found | {"accuracy": found["result"]["test"]["accuracy"], "phases": found["result"]["seconds"]}

    def theirs() -> Found:
        found = timed([peers, str(HERE / "peers" / "sklearn_text.py"), str(DATA / train), str(DATA / test)])
        return found | {"accuracy": found["result"]["accuracy"]}

    return {"trainwright": ours, "scikit-learn TF-IDF(1,2) + LinearSVC": theirs}


ENCODE = """
import json, resource, sys, time
begun = time.perf_counter()
from pathlib import Path
import polars as pl
from trainwright.data.encode import TextEncoder
from trainwright.data.readers import read_table
table = read_table(Path(sys.argv[1]))
encoder = TextEncoder("words", True, "bag", ngrams=2, weighting="tf-idf", min_count=2)
encoder.fit(table.frame["text"])
print(json.dumps({"seconds": time.perf_counter() - begun, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}))
"""


def encode_case(rows: int = 120_000) -> dict[str, Callable[[], Found]]:
    """Reading and encoding with word pairs: the news sample repeated up to ``rows`` rows."""
    peers, source = make_peers(), DATA / "ag_news_10k" / "train.csv"
    repeated = Path(tempfile.mkdtemp()) / "rows.csv"
    head, _, body = source.read_text(encoding="utf-8").partition("\n")
    repeated.write_text(head + "\n" + (body.rstrip("\n") + "\n") * (rows // 10_000), encoding="utf-8")

    def ours() -> Found:
        return timed([sys.executable, "-c", ENCODE, str(repeated)])

    def theirs() -> Found:
        return timed([peers, str(HERE / "peers" / "sklearn_text.py"), "--vectorize", str(source), str(rows)])

    return {"trainwright": ours, "scikit-learn TfidfVectorizer((1, 2))": theirs}


def help_case() -> dict[str, Callable[[], Found]]:
    return {
        "trainwright --help": lambda: timed(trainwright("--help")),
        "python -c 'import typer'": lambda: timed([sys.executable, "-c", "import typer"]),
    }


def step_case() -> dict[str, Callable[[], Found]]:
    """One process that alternates by itself: see ``step.py``."""
    return {"step": lambda: timed([sys.executable, str(HERE / "step.py"), "--json"], TERM="xterm")}


CASES: dict[str, Callable[[], dict[str, Callable[[], Found]]]] = {
    "ag_news_10k": lambda: text_case("ag_news_10k/train.csv", "ag_news_10k/test.csv"),
    "ng20": lambda: text_case("ng20/train.parquet", "ng20/test.parquet"),
    "encode": encode_case,
    "help": help_case,
    "step": step_case,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    options = parser.parse_args()
    if not (DATA / "ag_news_10k").is_dir():
        raise SystemExit("TRAINWRIGHT_TEST_DATA names no folder with ag_news_10k/ and ng20/")
    versions = {name: importlib.metadata.version(name) for name in ("trainwright", "torch", "polars", "numpy")}
    results: Found = {
        "versions": versions,
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "cases": {},
    }
    print("| case | system | median s | from | to | accuracy | ratio to the first |\n|---|---|---|---|---|---|---|")
    for case in options.only:
        systems = CASES[case]()
        runs: dict[str, list[Found]] = {name: [] for name in systems}
        for _ in range(options.rounds):
            for name, run in systems.items():
                runs[name].append(run())
        results["cases"][case] = runs
        first = statistics.median(found["wall"] for found in next(iter(runs.values())))
        for name, found in runs.items():
            walls = [each["wall"] for each in found]
            accuracy = f"{found[0]['accuracy']:.4f}" if "accuracy" in found[0] else ""
            middle = statistics.median(walls)
            print(
                f"| {case} | {name} | {middle:.2f} | {min(walls):.2f} | {max(walls):.2f} | {accuracy} | {middle / first:.2f} |",
                flush=True,
            )
            if case == "step":
                print("\n", json.dumps(found[-1]["result"]))
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
