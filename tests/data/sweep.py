"""Mutated files through the readers and as far as a training would take them: ``python tests/data/sweep.py 10000``.

Prints what became of them, by format, and fails if one of them met a traceback, a word on standard error, a message
without a place, a rejected row that is not where it is said to be, or took more memory than ``MOST_MEMORY``.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from mutations import mutant, seeds

from trainwright.data.files.content import load
from trainwright.data.read.json_records import DEEPEST
from trainwright.data.read.source import find
from trainwright.data.read.tables import read_table
from trainwright.data.tables.table import ROW, Table
from trainwright.errors import TrainwrightError
from trainwright.tasks import registry
from trainwright.watch.events import ignore

MOST_MEMORY = 256 << 20
MANY_ROWS = 200_000  # looking at each would take more memory than reading them
LONGEST_MESSAGE = 4000  # characters; more is not read by anybody
NAMES = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "caret": "^", "tilde": "~", "colon": ":"}


@dataclass
class Outcome:
    """What became of a file: whether its rows were read, why it cannot be trained on, and which promises were broken."""

    read: bool = False
    refused: str = ""
    rejected: int = 0
    faults: list[str] = field(default_factory=list)


def judge(path: Path) -> Outcome:
    """Read the file as a table, and prepare it for training; with all that is wrong with what came of it."""
    outcome = Outcome()
    for step in (_read, _prepare):
        try:
            step(path, outcome)
            outcome.read = True
        except TrainwrightError as problem:
            outcome.refused = problem.code
            outcome.faults += unclear(problem, path)
        except BaseException:  # a panic of polars is no Exception
            outcome.faults.append(traceback.format_exc())
    return outcome


def _read(path: Path, outcome: Outcome) -> None:
    table = read_table(path)
    outcome.rejected = len(table.rejected)
    outcome.faults += misplaced(table, path)


def _prepare(path: Path, outcome: Outcome) -> None:
    """What ``train`` does before there is a run folder."""
    outcome.refused = ""  # running text is no table
    source = find(str(path), None, None, offline=True)
    task, _ = registry.choose_task(source, {}, {}, None)
    settings = registry.complete_settings({}, {}, task, None, None)
    problem, _ = registry.prepare(task, source, settings, None, ignore)
    problem.derive()
    json.dumps(problem.data)


def unclear(problem: TrainwrightError, path: Path) -> list[str]:
    """What a message lacks."""
    said = str(problem)
    faults = [f"{problem.code}: nothing in .{name}" for name in ("what", "mend") if not getattr(problem, name)]
    if str(path) not in said:
        faults.append(f"the file is not named: {said[:500]}")
    if len(said) > LONGEST_MESSAGE:
        faults.append(f"{len(said):,} characters: {said[:500]}")
    place = re.search(r"(row|line) (\d+)", problem.where.replace(str(path), ""))
    content = load(path, records=False).data.decode("latin-1") if place else ""
    if place and content and not 1 <= int(place[2]) <= len(_lines(content)) + (place[1] == "row") * content.count("{"):
        faults.append(f"no such place: {said[:500]}")
    return faults


def misplaced(table: Table, path: Path) -> list[str]:
    """What is wrong with the numbers of rows, kept and rejected."""
    kept, left = table.frame[ROW].to_list(), [each.row for each in table.rejected]
    faults = [f"{each} names no place" for each in table.rejected if each.file != str(path) or not each.reason]
    faults += [f"a reason of {len(each.reason):,} characters" for each in table.rejected if len(each.reason) > LONGEST_MESSAGE]
    facts = {what: value for what, value, _ in table.notes}
    if sorted({*kept, *left}) != sorted(kept + left) or kept != sorted(kept) or left != sorted(left):
        faults.append(f"rows {kept[:20]} and {left[:20]} are out of order or said twice")
    if facts["format"] == "parquet" or len(kept) + len(left) > MANY_ROWS:
        return faults
    text = load(path).data.decode(facts["encoding"], "surrogateescape").removeprefix("\ufeff")
    if facts["format"] == "json":
        document = json.loads(text)
        if isinstance(document, list):
            faults += _differ({n for n, value in enumerate(document, 1) if not isinstance(value, dict)}, set(left))
        return faults
    lines = _lines(text)
    used = {number for number, line in enumerate(lines, 1) if line.strip()}
    if facts["format"] == "csv":
        return faults + _delimited(table, lines, NAMES[facts["delimiter"]], kept, left)
    faults += _differ(used, {*kept, *left})
    if facts["format"] == "jsonl":
        deep = {number for number in used if lines[number - 1].count("[") + lines[number - 1].count("{") > DEEPEST}
        faults += _differ({number for number in used if not _is_object(lines[number - 1])} - deep, set(left) - deep)
    return faults


def _delimited(table: Table, lines: list[str], delimiter: str, kept: list[int], left: list[int]) -> list[str]:
    if '"' in "".join(lines):  # records may have several lines
        return [f"row {max(kept + left)} of {len(lines)} lines"] if max(kept + left) > len(lines) else []
    used = [number for number, line in enumerate(lines, 1) if line]
    faults = _differ(set(used[table.has_header :]), {*kept, *left})
    width = len(table.columns)
    for each in table.rejected:
        line = lines[each.row - 1] if each.row <= len(lines) else ""
        again = table.has_header and line == lines[used[0] - 1]
        if line.count(delimiter) + 1 == width and not again and "\0" not in line and not re.search("[\udc80-\udcff]", line):
            faults.append(f"row {each.row} has {width} fields: {each.reason}")
    return faults


def _lines(text: str) -> list[str]:
    return re.split("\r\n|\r|\n", text)


def _is_object(line: str) -> bool:
    try:
        value = json.loads(line)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict)


def _differ(expected: set[int], found: set[int]) -> list[str]:
    return [f"rows {sorted(expected ^ found)[:20]} are not where they should be"] if expected != found else []


# ---- many files


def sweep(count: int) -> tuple[dict[str, Counter[str]], list[str], list[tuple[float, int]], int]:
    """Counts by format, what is wrong, (seconds, number) of the slowest files, and the bytes of memory that they took."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    wrong: list[str] = []
    slowest: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
        os.environ["TRAINWRIGHT_CACHE"] = folder
        for name, content in seeds().values():
            _judged(Path(folder), name, content)
        before = _memory()
        standard = os.dup(2)
        os.dup2(said.fileno(), 2)
        for number in range(count):
            kind, name, content = mutant(number)
            start, heard = time.perf_counter(), os.fstat(said.fileno()).st_size
            outcome = _judged(Path(folder), name, content)
            slowest = sorted([*slowest, (time.perf_counter() - start, number)], reverse=True)[:5]
            if (now := os.fstat(said.fileno()).st_size) > heard:
                outcome.faults.append("standard error: " + os.pread(said.fileno(), min(now - heard, 1000), heard).decode())
            counts[kind].update(["files", outcome.refused or "ready"])
            counts[kind].update({"read": int(outcome.read), "rejected rows": outcome.rejected, "wrong": len(outcome.faults)})
            wrong += [f"{number} ({kind}, {name}): {fault}" for fault in outcome.faults]
        os.dup2(standard, 2)
    return counts, wrong, slowest, _memory() - before


def _judged(folder: Path, name: str, content: bytes) -> Outcome:
    path = folder / name
    path.write_bytes(content)
    try:
        return judge(path)
    finally:
        path.unlink()


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main(count: int) -> int:
    """Print what became of ``count`` files; 1 if anything was wrong."""
    warnings.simplefilter("error")
    counts, wrong, slowest, memory = sweep(count)
    total: Counter[str] = Counter()
    print(f"{'format':12}{'files':>7}{'read':>7}{'rejected rows':>15}{'ready to train':>16}{'wrong':>7}  refused")
    for kind, found in [*counts.items(), ("all", total)]:
        total = total if kind == "all" else total.update(found) or total
        refused = ", ".join(f"{code} {found[code]}" for code in sorted(found) if re.fullmatch(r"E\d+", code))
        numbers = f"{found['files']:7,}{found['read']:7,}{found['rejected rows']:15,}{found['ready']:16,}{found['wrong']:7,}"
        print(f"{kind:12}{numbers}  {refused}")
    print("slowest:", ", ".join(f"file {number} {seconds:.2f} s" for seconds, number in slowest))
    print(f"memory beyond that of good files: {memory >> 20} MiB")
    for each in wrong[:20]:
        print(f"\nfile {each}")
    return int(bool(wrong) or memory > MOST_MEMORY)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
