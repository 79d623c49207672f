"""Data that needs no download, so that a first model can be trained on any machine, connected or not.

``python-docs``: the docstrings of the running Python's own standard library, each labelled with the chapter of the
Library Reference that its module belongs to. ``python_docs.json`` beside this file says which module is in which
chapter (the table of contents of Python 3.11 to 3.13, plus the modules that 3.14 adds to them). Chapters too small to
learn from are joined to a neighbour. Modules that are private, or that one of these Pythons no longer has, are left
out, so that the data set is much the same everywhere. The source files are parsed, never imported or executed.

Docstrings of one module resemble each other, so a random split is much easier than a chapter's unseen module; the column
``module`` is there for those who want to hold out whole modules.
"""

from __future__ import annotations

import ast
import gc
import json
import platform
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from trainwright.data.read import embedded
from trainwright.data.tables.table import ROW, Rejected, Table
from trainwright.errors import error, nearest
from trainwright.watch.events import Note

CHAPTERS = Path(__file__).with_name("python_docs.json")
SHORTEST = 20  # characters; below that a docstring says too little to tell its chapter ("See base class.")

_TEST_FOLDERS = {"test", "tests"}  # the library's own tests: hundreds of texts about testing, inside every chapter


def names() -> list[str]:
    """Return the names of the data sets that need no download, sorted."""
    return sorted(TASKS)


def load(name: str) -> Table:
    """Return the records of a built-in data set that is a table.

    Raise E130 for no such data set, E135 for a Python without its library's source files, E248 for a scikit-learn without data.
    """
    if name not in _LOADERS:
        raise error("E130", name=name, known=", ".join(names()), hint=nearest(name, names()))
    return _LOADERS[name]()


def _python_docs() -> Table:
    """Return ``label`` (chapter), ``text`` (docstring) and ``module`` (dotted name), by module, then in file order."""
    library = Path(sysconfig.get_path("stdlib"))
    label_of = {
        module: chapter["label"]
        for chapter in json.loads(CHAPTERS.read_text(encoding="utf-8"))
        for module in chapter["modules"]
    }
    records: list[tuple[str, str, str]] = []
    rejected: list[Rejected] = []
    collecting = gc.isenabled()
    gc.disable()  # syntax trees are millions of small objects without cycles
    try:
        for file in _source_files(library, label_of):
            module = ".".join(file.relative_to(library).with_suffix("").parts).removesuffix(".__init__")
            try:
                tree = ast.parse(file.read_bytes())
            except (OSError, SyntaxError, ValueError) as problem:
                rejected.append(Rejected(str(file), 0, f"cannot be parsed: {problem}"))
                continue
            records.extend((label_of[module.partition(".")[0]], text, module) for text in _docstrings(tree))
    finally:
        if collecting:
            gc.enable()
    if not records:
        raise error("E135", where=str(library))
    frame = pl.DataFrame(records, schema=["label", "text", "module"], orient="row")
    told_apart = frame.filter(pl.col("label").n_unique().over("text") == 1)  # a text of two chapters belongs to neither
    frame = told_apart.unique("text", keep="first", maintain_order=True)
    source = f"standard library of Python {platform.python_version()}"
    notes = [Note("source", source, "its docstrings are on every machine that runs this")]
    return Table(frame.with_row_index(ROW, offset=1).cast({ROW: pl.Int64}), "python-docs", rejected, notes)


def _source_files(library: Path, modules: dict[str, str]) -> Iterator[Path]:
    for module in sorted(modules):
        files = [library / f"{module}.py", *sorted((library / module).rglob("*.py"), key=lambda file: file.parts)]
        for file in files:
            if file.is_file() and _TEST_FOLDERS.isdisjoint(file.relative_to(library).parts):
                yield file


def _docstrings(node: ast.AST) -> Iterator[str]:
    """Yield those under ``node``, in source order. Expressions, which are most of a tree, cannot hold any."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        text = (ast.get_docstring(node) or "").strip()
        if len(text) >= SHORTEST:
            yield text
    for block in ("body", "handlers", "orelse", "finalbody"):
        for statement in getattr(node, block, ()):
            yield from _docstrings(statement)


# What each data set is for. ``digits`` is read by ``images``, ``python-reference`` by ``running_text``.
TASKS = {
    "diabetes": "table",
    "digits": "image",
    "python-docs": "text",
    "python-reference": "language",
    "wine": "table",
}
_LOADERS: dict[str, Callable[[], Table]] = {
    "diabetes": embedded.diabetes,
    "python-docs": _python_docs,
    "wine": embedded.wine,
}
