"""The built-in data: enough of it, the same every time, and read without running any of it."""

from __future__ import annotations

import gc
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trainwright.data.read import builtin
from trainwright.data.tables.feature_columns import choose_features
from trainwright.data.tables.table import ROW, Rejected, Table
from trainwright.errors import DataError, SourceError

CHAPTERS = json.loads(builtin.CHAPTERS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def docs() -> Table:
    return builtin.load("python-docs")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small standard library of our own making."""
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    return tmp_path


def write(path: Path, source: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source if isinstance(source, bytes) else source.encode())


# The real library


def test_columns_and_row_numbers(docs: Table) -> None:
    assert docs.columns == ["label", "text", "module"]
    assert docs.frame.schema == {ROW: pl.Int64, "label": pl.String, "text": pl.String, "module": pl.String}
    assert docs.frame[ROW].to_list() == list(range(1, docs.frame.height + 1))
    assert docs.file == "python-docs"
    assert docs.rejected == []
    assert docs.frame.null_count().sum_horizontal().item() == 0


def test_enough_rows_and_classes(docs: Table) -> None:
    assert 5_000 < docs.frame.height < 9_000
    sizes = dict(docs.frame.group_by("label").len().rows())
    tk_is_here = (Path(sysconfig.get_path("stdlib")) / "tkinter").is_dir()  # some systems package it apart
    labels = {chapter["label"] for chapter in CHAPTERS if tk_is_here or chapter["label"] != "graphical interfaces"}
    assert set(sizes) == labels
    assert min(sizes.values()) >= 60
    assert max(sizes.values()) < docs.frame.height / 4


def test_texts_are_long_enough_and_all_different(docs: Table) -> None:
    assert docs.frame["text"].str.len_chars().min() == builtin.SHORTEST
    assert docs.frame["text"].n_unique() == docs.frame.height
    assert (docs.frame["text"].str.strip_chars() == docs.frame["text"]).all()


def test_a_known_docstring_is_in_its_chapter(docs: Table) -> None:
    dumps = docs.frame.filter(pl.col("text").str.starts_with("Serialize ``obj`` to a JSON formatted ``str``"))
    assert dumps.select("label", "module").rows() == [("internet data", "json")]


def test_the_librarys_own_tests_are_left_out(docs: Table) -> None:
    assert docs.frame.filter(pl.col("module").str.contains(r"\.(?:tests?)(?:\.|$)")).is_empty()
    assert docs.frame.filter(pl.col("module") == "unittest.case").height > 20


def test_same_in_another_process_and_nothing_is_imported_or_printed(docs: Table) -> None:
    code = (
        "import hashlib, sys\n"
        "from trainwright.data.read import builtin\n"
        "before = set(sys.modules)\n"
        "frame = builtin.load('python-docs').frame\n"
        "new = set(sys.modules) - before\n"
        "read = {name.partition('.')[0] for name in frame['module'].unique()}\n"
        "assert not read & new, sorted(read & new)\n"
        "assert not {'turtle', 'tkinter', 'antigravity', 'this', 'mailbox', 'wsgiref', 'torch'} & set(sys.modules)\n"
        "print(hashlib.sha256(frame.write_csv().encode()).hexdigest())\n"
    )
    package = Path(builtin.__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "PYTHONPATH": str(package), "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout == hashlib.sha256(docs.frame.write_csv().encode()).hexdigest() + "\n"


# The table of chapters


def test_every_module_is_in_one_chapter_and_no_label_is_empty() -> None:
    modules = [module for chapter in CHAPTERS for module in chapter["modules"]]
    labels = [chapter["label"] for chapter in CHAPTERS]
    assert len(modules) == len(set(modules))
    assert len(labels) == len(set(labels))
    assert all(label.strip() and chapter["chapters"] for label, chapter in zip(labels, CHAPTERS, strict=True))


def test_chapter_table_names_modules_that_exist() -> None:
    newer = {"_py_warnings", "_ast_unparse", "annotationlib", "compression", "_pydatetime"}  # 3.12 to 3.14
    older = {"sre_compile", "sre_constants", "sre_parse", "_compression"}
    left_out_by_some_systems = {"tkinter", "turtle", "ensurepip", "venv"}
    known = {module for chapter in CHAPTERS for module in chapter["modules"]}
    library = Path(sysconfig.get_path("stdlib"))
    absent = {name for name in known if not ((library / f"{name}.py").exists() or (library / name).is_dir())}
    assert absent <= newer | older | left_out_by_some_systems


# A library of our own making

DEEP = '''
"""Module docstring, long enough."""
X = "a string that is no docstring at all"

class A:
    """Class docstring, long enough."""

    async def method(self):
        """Method docstring, long enough.

        More of it:
            indented
        """
        def inner():
            """Inner docstring, long enough."""

try:
    if X:
        def one(): "Docstring under a condition."
    else:
        def two(): "Docstring under the other one."
except ImportError:
    def three(): "Docstring of the fallback."
finally:
    def four(): "Docstring of the last resort."
    def five(): "too short"
'''


def test_docstrings_are_found_wherever_they_stand(library: Path) -> None:
    write(library / "json" / "__init__.py", DEEP)
    table = builtin.load("python-docs")
    assert table.frame["text"].to_list() == [
        "Module docstring, long enough.",
        "Class docstring, long enough.",
        "Method docstring, long enough.\n\nMore of it:\n    indented",
        "Inner docstring, long enough.",
        "Docstring under a condition.",
        "Docstring under the other one.",
        "Docstring of the fallback.",
        "Docstring of the last resort.",
    ]
    assert set(table.frame["label"]) == {"internet data"}


def test_modules_come_sorted_and_only_if_they_are_in_the_table(library: Path) -> None:
    for name in ("zipfile/b.py", "zipfile/__init__.py", "zipfile/a/c.py", "zipfile/test/d.py", "json.py", "own.py"):
        write(library / name, f'"""This docstring is the one of {name}."""')
    table = builtin.load("python-docs")
    assert table.frame.select("module", "label").rows() == [
        ("json", "internet data"),
        ("zipfile", "compression"),
        ("zipfile.a.c", "compression"),
        ("zipfile.b", "compression"),
    ]


def test_a_text_is_kept_once_and_not_at_all_where_it_has_two_labels(library: Path) -> None:
    write(library / "json.py", '"""Says something of JSON only."""\ndef f(): "Close the file and go away."')
    write(library / "email.py", '"""Says something of JSON only."""')
    write(library / "bz2.py", '"""Close the file and go away."""')
    table = builtin.load("python-docs")
    assert table.frame.select("text", "module").rows() == [("Says something of JSON only.", "email")]


@pytest.mark.parametrize("source", [b"def (", b"\x00", b'"""\xff\xfe"""', b"# coding: nonsense\n"])
def test_a_file_that_cannot_be_parsed_is_named(library: Path, source: bytes) -> None:
    write(library / "json.py", '"""This one is read all the same."""')
    write(library / "email.py", source)
    table = builtin.load("python-docs")
    assert table.frame.height == 1
    assert [rejected.file for rejected in table.rejected] == [str(library / "email.py")]
    assert isinstance(table.rejected[0], Rejected)
    assert "cannot be parsed" in table.rejected[0].reason


def test_nothing_is_executed(library: Path) -> None:
    write(library / "json.py", '"""Raises when it is run or imported."""\nraise SystemExit(3)')
    assert builtin.load("python-docs").frame.height == 1


def test_garbage_collection_is_left_as_it_was(library: Path) -> None:
    write(library / "json.py", '"""Nothing to see here, go on."""')
    builtin.load("python-docs")
    assert gc.isenabled()
    gc.disable()
    try:
        builtin.load("python-docs")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_python_without_its_library_says_so(library: Path) -> None:
    with pytest.raises(SourceError, match="python-docs") as caught:
        builtin.load("python-docs")
    assert caught.value.code == "E135"
    assert caught.value.where == str(library)


def test_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(SourceError, match="Did you mean 'python-docs'") as caught:
        builtin.load("python-doc")
    assert caught.value.code == "E130"


def test_diabetes() -> None:
    table = builtin.load("diabetes")
    assert table.columns == ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6", "progression"]
    assert table.frame.height == 442 and set(table.frame.drop(ROW).dtypes) == {pl.Float64}
    assert table.frame.drop(ROW).row(0) == (59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87, 151)
    chosen = choose_features(table)
    assert (chosen.label, chosen.target, len(chosen.features)) == ("progression", "number", 10)


def test_wine() -> None:
    table = builtin.load("wine")
    assert table.columns[0] == "alcohol" and len(table.columns) == 14
    assert dict(table.frame["class"].value_counts().iter_rows()) == {"class_0": 59, "class_1": 71, "class_2": 48}
    assert table.frame["proline"][0] == 1065
    assert table.frame[ROW].to_list() == list(range(1, 179))
    chosen = choose_features(table)
    assert (chosen.label, chosen.target, len(chosen.features)) == ("class", "class", 13)
    assert {feature.kind for feature in chosen.features} == {"number"}


@pytest.mark.parametrize("name", ["diabetes", "wine"])
def test_the_values_are_those_of_scikit_learn(name: str) -> None:
    from sklearn import datasets

    theirs = datasets.load_diabetes(scaled=False) if name == "diabetes" else datasets.load_wine()
    mine = builtin.load(name)
    assert mine.columns[:-1] == list(theirs.feature_names)
    assert (mine.frame.select(mine.columns[:-1]).to_numpy() == theirs.data).all()
    target = theirs.target if name == "diabetes" else theirs.target_names[theirs.target]
    assert mine.frame[mine.columns[-1]].to_list() == target.tolist()


def test_scikit_learn_is_not_imported() -> None:
    code = (
        "import sys\nfrom trainwright.data.read import builtin\n"
        "builtin.load('wine'), builtin.load('diabetes')\nassert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", ["diabetes", "wine"])
@pytest.mark.parametrize("installed", [True, False])
def test_missing_files_are_said(name: str, installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = importlib.machinery.ModuleSpec("sklearn", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: place if installed else None)
    with pytest.raises(DataError, match=f"'{name}'") as caught:
        builtin.load(name)
    assert caught.value.code == "E248" and "scikit-learn" in caught.value.mend


def test_the_digits_are_those_of_scikit_learn() -> None:
    found = builtin.digits()["train"]
    assert found.pixels is not None and found.pixels.shape == (1797, 1, 8, 8)
    assert found.labels.value_counts().sort("label")["count"].to_list() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    shades = [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]  # the first rows of the first picture
    assert found.pixels[0, 0, :2].tolist() == [[round(shade * 255 / 16) for shade in row] for row in shades]
    assert set(np.unique(found.pixels)) == {int(shade * 255 / 16 + 0.5) for shade in range(17)}


def test_the_digits_are_read_without_scikit_learn() -> None:
    code = (
        "import sys\nfrom trainwright.data.read import builtin\nbuiltin.digits()\n"
        "assert not {'sklearn', 'torch', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_file_of_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SourceError, match="E150"):
        builtin.digits()
