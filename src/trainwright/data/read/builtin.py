"""Data that needs no download, so that a first model can be trained on any machine, connected or not.

``python-docs``: the docstrings of the running Python's own standard library, each labelled with the chapter of the
Library Reference that its module belongs to. ``python_docs.json`` beside this file says which module is in which
chapter (the table of contents of Python 3.11 to 3.13, plus the modules that 3.14 adds to them). Chapters too small to
learn from are joined to a neighbour. Modules that are private, or that one of these Pythons no longer has, are left
out, so that the data set is much the same everywhere. The source files are parsed, never imported or executed.

Docstrings of one module resemble each other, so a random split is much easier than a chapter's unseen module; the column
``module`` is there for those who want to hold out whole modules.

The others come with scikit-learn. ``diabetes`` (442 rows): the disease's progression one year after ten measurements, in
their own units (Efron et al. 2004, Least Angle Regression). ``wine`` (178 rows): which of three cultivars an analysis of
thirteen constituents belongs to (Forina et al., UCI Machine Learning Repository). ``digits``: 1,797 handwritten digits, 8 x 8,
with 17 shades of grey (Alpaydin and Kaynak 1998, UCI). The files are read where they lie; scikit-learn, which is slow to
import, is not imported.
"""

from __future__ import annotations

import ast
import gc
import gzip
import importlib.util
import json
import platform
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from trainwright.data.images.pictures import Pictures, from_pixels
from trainwright.data.tables.table import ROW, Rejected, Table
from trainwright.errors import error, nearest
from trainwright.watch.events import Note

CHAPTERS = Path(__file__).with_name("python_docs.json")
SHORTEST = 20  # characters; below that a docstring says too little to tell its chapter ("See base class.")
_TEST_FOLDERS = {"test", "tests"}  # the library's own tests: hundreds of texts about testing, inside every chapter
DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
WINE = (
    "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
    "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline",
)  # fmt: skip
_SIDE, _SHADES = 8, 16  # of a digit


def load(name: str) -> Table:
    """Return the records of a built-in data set that is a table.

    Raise E130 for no such data set, E135 for a Python without its library's source files, E248 for a scikit-learn without data.
    """
    if name not in _LOADERS:
        raise error("E130", name=name, known=list(TASKS), hint=nearest(name, TASKS))
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


def _diabetes() -> Table:
    """Return ten measurements and ``progression``, all Float64. Raise E248."""
    files = {"diabetes_data_raw.csv.gz": DIABETES, "diabetes_target.csv.gz": ("progression",)}
    parts = [_read(gzip.decompress(_content("diabetes", file)), " ", columns) for file, columns in files.items()]
    return _table("diabetes", parts[0].hstack(parts[1]))


def _wine() -> Table:
    """Return thirteen constituents, Float64, and ``class``: class_0, class_1 or class_2. Raise E248."""
    header, _, rows = _content("wine", "wine_data.csv").partition(b"\n")
    classes = header.decode().strip().split(",")[2:]
    frame = _read(rows, ",", (*WINE, "class"))
    return _table("wine", frame.with_columns(pl.col("class").cast(pl.Int64).replace_strict(dict(enumerate(classes)))))


def digits() -> dict[str, Pictures]:
    """Return the digits as ``train``; a value v of 0..16 becomes 255 v / 16, to the nearest. Raise E150."""
    file = _place("digits.csv.gz")
    try:
        values = pl.read_csv(gzip.decompress(file.read_bytes()), has_header=False).cast(pl.Int64).to_numpy()
    except (OSError, EOFError, ValueError, pl.exceptions.PolarsError) as problem:
        raise error("E150", name="digits", why=problem, where=str(file)) from problem
    if values.shape[1] != _SIDE * _SIDE + 1 or values[:, :-1].min() < 0 or values[:, :-1].max() > _SHADES:
        why = f"it has shape {values.shape} or other values than 0 to {_SHADES}"
        raise error("E150", name="digits", why=why, where=str(file))
    pixels = ((values[:, :-1] * 255 + _SHADES // 2) // _SHADES).astype(np.uint8).reshape(-1, 1, _SIDE, _SIDE)
    pictures = from_pixels("digits", pl.Series(values[:, -1]).cast(pl.String), pixels)
    pictures.notes.append(Note("source", "scikit-learn", "its file of handwritten digits is on every machine that runs this"))
    return {"train": pictures}


def _read(data: bytes, separator: str, columns: tuple[str, ...]) -> pl.DataFrame:
    return pl.read_csv(data, has_header=False, separator=separator, schema=dict.fromkeys(columns, pl.Float64))


def _place(file: str) -> Path:
    found = importlib.util.find_spec("sklearn")
    return (Path(found.origin or "").parent if found else Path("sklearn")) / "datasets" / "data" / file


def _content(name: str, file: str) -> bytes:
    place = _place(file)
    try:
        return place.read_bytes()
    except OSError as problem:
        raise error("E248", name=name, file=place) from problem


def _table(name: str, frame: pl.DataFrame) -> Table:
    numbered = frame.with_columns(pl.int_range(1, frame.height + 1, dtype=pl.Int64).alias(ROW))
    return Table(numbered, name, notes=[Note("source", "scikit-learn's copy", "its files are on every machine that runs this")])


# What each data set is for, sorted. ``digits`` is no table, and ``python-reference`` is read by ``running_text``.
TASKS = {
    "diabetes": "table",
    "digits": "image",
    "python-docs": "text",
    "python-reference": "language",
    "wine": "table",
}
_LOADERS: dict[str, Callable[[], Table]] = {
    "diabetes": _diabetes,
    "python-docs": _python_docs,
    "wine": _wine,
}
