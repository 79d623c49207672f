"""The rules of the house: who may import whom, what never needs torch, and what is never called."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import trainwright
from trainwright.errors import MESSAGES

PACKAGE = Path(trainwright.__file__).parent
MODULES = {
    ".".join(("trainwright", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# The rooms from the roof to the ground: what is imported lies in the same room, or in one further down. Rooms on one line do
# not know each other.
ROOMS = (
    ("__main__",),
    ("cli",),
    ("cli_before",),
    ("cli_words",),
    ("cli_cache",),
    ("cli_look",),
    ("cli_scores",),
    ("cli_output", "cli_help", "cli_completion"),
    ("look", "before", "trust"),
    ("api", "estimators", "conformance", "live"),
    ("run",),
    ("tasks",),
    ("training", "evaluation"),
    ("config",),
    ("models",),
    ("data",),
    ("store", "watch"),
    ("plain_files", "memory"),
    ("fields", "errors", "startup"),
)
DATA_ROOMS = (("read",), ("images",), ("tables",), ("text",), ("batches",), ("files",), ("shapes",))
# The rooms that may import torch, and what in them commands use that import none.
WITH_TORCH = ("tasks", "training", "evaluation", "models", "store", "estimators", "conformance", "data.batches")
WITH_TORCH += ("data.images.batches", "data.images.augment", "data.text.batches")
WITHOUT = ("models.catalog", "models.registry", "models.bag_numpy", "store.bundle", "store.run_folder", "tasks.registry")
FORBIDDEN_IMPORTS = {"pickle", "cloudpickle", "dill", "shelve", "marshal", "yaml", "tarfile", "zipfile", "joblib"}
ARCHIVES = {"trainwright.data.files.archives": {"tarfile", "zipfile"}}  # read there in memory, and nowhere else
NETWORK = {"trainwright.data.read.catalog", "trainwright.live.serve"}  # downloads; listens, on 127.0.0.1 alone
SERVERS = {"starlette", "uvicorn"}  # an extra, imported by nothing but the live page
# What is printed goes through ``cli_output.say`` or a screen; ``leave`` and the process that draws print messages with codes.
PRINTING = {f"trainwright.{each}" for each in ("cli_output", "startup", "watch.plots")}
UNPACKING = {"extract", "extractall", "unpack_archive"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "os.system", "os.popen", "torch.load", "torch.save", "shutil.unpack_archive"}


def below(module: str, parent: str) -> bool:
    """Whether a module is in a room, or is it."""
    return module == f"trainwright.{parent}" or module.startswith(f"trainwright.{parent}.")


def floor(module: str, rooms: tuple[tuple[str, ...], ...], place: int) -> tuple[int, str]:
    """How far down a module lies, and its room; the package itself is above all."""
    name = (*module.split("."), "")[place]
    return next((number for number, names in enumerate(rooms) if name in names), -1), name


def torch_allowed(module: str) -> bool:
    """Whether a module may import torch."""
    return any(below(module, each) for each in WITH_TORCH)


@cache
def parsed(path: Path) -> ast.Module:
    """A file as a tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def calls(path: Path) -> list[tuple[str, ast.Call]]:
    """Every call of a file, with the name of what is called."""
    return [(ast.unparse(node.func), node) for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]


@cache
def imports(path: Path) -> set[tuple[str, bool]]:
    """(module, inside a function or TYPE_CHECKING) for every import of a file."""
    found = set()

    def walk(node: ast.AST, lazy: bool) -> None:
        for child in ast.iter_child_nodes(node):
            typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            inner = lazy or typing_only or isinstance(child, ast.FunctionDef)
            if isinstance(child, ast.Import):
                found.update((alias.name, lazy) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                found.add((child.module, lazy))
                found.update((f"{child.module}.{a.name}", lazy) for a in child.names if f"{child.module}.{a.name}" in MODULES)
            walk(child, inner)

    walk(parsed(path), False)
    return found


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    for imported, _ in imports(MODULES[module]):
        if not imported.startswith("trainwright.") or imported not in MODULES:
            continue
        rooms = [(ROOMS, 1), (DATA_ROOMS, 2)] if below(module, "data") and below(imported, "data") else [(ROOMS, 1)]
        for each, place in rooms:
            (own, room), (other, its) = floor(module, each, place), floor(imported, each, place)
            assert room == its or own < other, f"{module} imports {imported}, which is not below it"
        if below(module, "watch"):
            assert any(below(imported, each) for each in ("watch", "plain_files", "errors")), f"{module} imports {imported}"
        if below(module, "live"):  # it reads run folders, and knows nothing of how they are made
            known = ("live", "watch", "store.run_folder", "plain_files", "errors")
            assert any(below(imported, each) for each in known), f"{module} imports {imported}"


def test_no_imports_go_in_circles() -> None:
    ahead = {module: {name for name, _ in imports(path) if name in MODULES} - {module} for module, path in MODULES.items()}
    while free := {module for module, names in ahead.items() if not names & ahead.keys()}:
        ahead = {module: names for module, names in ahead.items() if module not in free}
    assert not ahead, f"in a circle, or above one: {sorted(ahead)}"


@pytest.mark.parametrize("module", MODULES)
def test_torch_only_where_it_may_be(module: str) -> None:
    if torch_allowed(module):
        return
    heavy = {"torch", "safetensors.torch", "sklearn", "pandas"}
    named = {name for name, lazy in imports(MODULES[module]) if not lazy or not below(module, "api")}
    assert not {name for name in named if any(name == h or name.startswith(h + ".") for h in heavy)}


@pytest.mark.parametrize("module", MODULES)
def test_nothing_dangerous_is_called(module: str) -> None:
    forbidden = {name.partition(".")[0] for name, _ in imports(MODULES[module])} & FORBIDDEN_IMPORTS
    assert forbidden == ARCHIVES.get(module, set())
    for name, call in calls(MODULES[module]):
        assert name not in FORBIDDEN_CALLS, f"{module} calls {name}"
        assert not any(k.arg == "shell" for k in call.keywords), f"{module} uses a shell"
    text = MODULES[module].read_text(encoding="utf-8")
    connecting = re.search(r"\b(httpx|urllib\.request|socket|(?<!starlette\.)requests)\b", text)
    assert module in NETWORK or not connecting, f"{module} uses the network"
    assert below(module, "live") or not {name.partition(".")[0] for name, _ in imports(MODULES[module])} & SERVERS, module
    assert module == "trainwright.startup" or not re.search(r"\b(sys\.exit|os\._exit)\b", text) or "__main__" in text


@pytest.mark.parametrize("module", sorted(set(MODULES) - PRINTING))
def test_nothing_prints_past_what_keeps_commands_from_terminals(module: str) -> None:
    for name, _ in calls(MODULES[module]):
        assert name not in ("print", "typer.echo", "sys.stdout.write", "sys.stderr.write"), f"{module} calls {name}"


def test_archives_are_never_unpacked() -> None:
    for module, path in MODULES.items():
        named = {node.attr for node in ast.walk(parsed(path)) if isinstance(node, ast.Attribute)}
        assert not named & UNPACKING, f"{module} unpacks an archive"


def test_all_torch_free_modules_import_without_torch() -> None:
    free = [module for module in MODULES if not torch_allowed(module) and not module.endswith("__main__")]
    free += [f"trainwright.{each}" for each in WITHOUT]
    code = f"import importlib, sys\nfor m in {free!r}: importlib.import_module(m)\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['trainwright', '--help']\nfrom trainwright.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'polars', 'pydantic', 'matplotlib', 'rich', 'httpx'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "train" in done.stdout and "predict" in done.stdout


LIGHT = """
import json, sys
from trainwright.cli import app
from trainwright.errors import TrainwrightError
heavy = ("torch", "sklearn", "matplotlib", "httpx", *sys.argv[2:])
for words, code in json.loads(sys.argv[1]):
    try:
        app(words, standalone_mode=False)
        found = ""
    except TrainwrightError as problem:
        found = problem.code
    assert found == code, (words, found)
    assert not (there := [name for name in heavy if name in sys.modules]), (words, there)
"""


def light(commands: list[tuple[list[str], str]], *heavy: str) -> None:
    """Commands in one process, each with the code of its message; nothing heavy is imported by any."""
    done = subprocess.run([sys.executable, "-c", LIGHT, json.dumps(commands), *heavy], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_only_looks_imports_no_numbers(trained: trainwright.Run) -> None:
    run = str(trained.path)
    looks = (["settings"], ["recipes"], ["runs", str(trained.path.parent)], ["report", run], ["evaluate", run])
    lost = [(["predict", "nosuch", "a text"], "E403"), (["report", "nosuch"], "E403"), (["evaluate", "nosuch"], "E403")]
    light([*((words, "") for words in looks), *lost], "numpy", "polars")


def test_a_few_texts_are_labelled_without_torch_and_data_frames(trained: trainwright.Run) -> None:
    light(
        [(["predict", str(trained.path), "the moon", "caf\u00e9"], "")], "polars", "platformdirs", "trainwright.config.settings"
    )


def test_mistakes_in_settings_and_paths_and_files_of_texts_import_no_torch(trained: trainwright.Run, news: Path) -> None:
    run, source = str(trained.path), str(news)
    bare = news.with_name("bare")  # a run without a model: a file that is missing is said before the model is looked for
    bare.mkdir()
    shutil.copyfile(trained.path / "settings.toml", bare / "settings.toml")
    mistakes = [
        (["train", "nosuch.csv"], "E101"),
        (["train", source, "lrr=1"], "E301"),
        (["train", source, "lr=high"], "E302"),
        (["train", source, "--test", "nosuch.csv"], "E101"),
        (["train", source, "--recipe", "nosuch"], "E307"),
        (["train", source, "--from", "nosuch"], "E403"),
        (["resume", "nosuch"], "E403"),
        (["evaluate", str(bare), "nosuch.csv"], "E101"),
        (["predict", run, "nosuch.csv"], "E435"),
    ]
    light([*mistakes, (["predict", run, source], ""), (["predict", run, "\u4e2d\u6587"], "")])


def test_public_names() -> None:
    verbs = {
        "cache",
        "check",
        "clear_cache",
        "compare",
        "evaluate",
        "explain",
        "fit",
        "generate",
        "inspect",
        "landscape",
        "find_lr",
        "learning_curve",
        "load",
        "load_data",
        "looks",
        "mistakes",
        "predict",
        "recipes",
        "replay",
        "resume",
        "runs",
        "settings",
        "story",
        "suspects",
        "train",
        "train_seeds",
        "verify",
    }
    training = {"AdamWScheduleFree", "FocalLoss", "Muon", "SGDScheduleFree", "SigmoidFocalLoss", "parameter_groups"}
    estimators = {"ImageClassifier", "ImageRegressor", "TableClassifier", "TableRegressor", "TextClassifier", "TextRegressor"}
    assert set(trainwright.__all__) == verbs | estimators | {"Run", "TrainwrightError"} | training
    assert all(getattr(trainwright, name) is not None for name in trainwright.__all__)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        trainwright.trian  # noqa: B018


def test_every_message_is_used_and_every_code_is_known() -> None:
    used = set()
    for path in MODULES.values():
        if path.name != "errors.py":
            used |= set(re.findall(r'"(E\d{3})"', path.read_text(encoding="utf-8")))
    assert used == set(MESSAGES)
    assert list(MESSAGES) == sorted(MESSAGES), "the table is in the order of the codes"


def test_every_module_says_what_it_is() -> None:
    for module, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        assert not text or ast.get_docstring(ast.parse(text)), module
        assert text.isascii(), f"{module} has characters beyond ASCII"
