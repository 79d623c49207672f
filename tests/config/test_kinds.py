"""A kind of problem is a folder and an entry: what follows from it, which sources are its own, how many places it takes."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import news_rows, write_csv

from trainwright.config import resolve
from trainwright.config.kinds import KINDS, Kind
from trainwright.data.read import infer_task, source
from trainwright.errors import TrainwrightError
from trainwright.tasks import registry
from trainwright.tasks.base import Predictor
from trainwright.tasks.bundle_schema import CommonSchema

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-kind.md"
BLOCK = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[0]


def told(name: str, **given: Any) -> tuple[str, str]:
    found = source.find(name, None, None, offline=True, listen=None)
    return registry.choose_task(found, given, {}, None)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_an_entry_names_is_there(kind: Kind) -> None:
    assert callable(registry.load(kind.looks_like)) and callable(registry.load(kind.problem))
    assert issubclass(registry.load(kind.predictor), Predictor) and registry.load(kind.predictor).task == kind.name
    assert issubclass(registry.load(kind.schema), CommonSchema)
    assert kind.usage.split()[0] in ("predict", "generate") and kind.usage.count("RUN") == 1


def test_the_settings_follow_from_the_entries() -> None:
    rows = {row.key: row for row in resolve.rows()}
    assert rows["task"].type == "auto|text|image|language|table" == "|".join(["auto", *KINDS])
    assert rows["label"].tasks == rows["class_weights"].tasks == "text image table"
    assert set(rows["tokenizer"].type.split("|")) == {each for kind in KINDS.values() for each in kind.tokenizers}
    for kind in KINDS.values():
        other = "basic-english" if "bpe" in kind.tokenizers else "bpe"
        with pytest.raises(TrainwrightError) as caught:
            resolve.resolve({"task": kind.name, "tokenizer": other}, {}, kind.name)
        assert caught.value.code == ("E302" if kind.tokenizers else "E321")


def test_every_kind_knows_its_own_sources(tmp_path: Path) -> None:
    np.savez(tmp_path / "image.npz", x=np.zeros((4, 5, 5), np.uint8), y=np.arange(4) % 2)
    corpus = tmp_path / "words.txt"
    corpus.write_text("the moon is far and the sun is hot, so they say\n" * 40)
    for label in ("space", "sport"):
        (tmp_path / "folder" / label).mkdir(parents=True)
        (tmp_path / "folder" / label / "a.txt").write_text("a text")
    news = write_csv(tmp_path / "news.csv", news_rows(60))
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("size,price\n" + "".join(f"{n / 7},{n}\n" for n in range(40)))
    assert told(str(tmp_path / "image.npz")) == ("image", "it holds images")
    assert told(str(corpus)) == ("language", "running text, without labels")
    assert told(str(corpus), image="x") == told(str(corpus))  # it has no columns
    assert (
        told(str(tmp_path / "folder")) == told(str(tmp_path / "folder"), image="x") == ("text", "one folder of texts a class")
    )
    assert told(str(news)) == ("text", "column 'text' has a usual name for text, and holds it")
    assert told(str(news), image="text") == ("image", "its column of images is named")
    assert told(str(news), text="label") == told(str(news), text=["label"]) == ("text", "its text is named")
    assert told(str(numbers)) == ("table", "2 columns hold numbers, dates or categories")
    assert told(str(numbers), task="text") == ("text", "")
    assert told("digits") == ("image", "the data set is made for it") and told("wine")[0] == "table"


def test_what_a_table_says_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("size,price\n" + "".join(f"{n / 7},{n}\n" for n in range(40)))
    asked = []
    judge, open_files = infer_task.infer_task, source.open_files
    monkeypatch.setattr(infer_task, "infer_task", lambda *columns: asked.append("judged") or judge(*columns))
    monkeypatch.setattr(source, "open_files", lambda *file: asked.append("read") or open_files(*file))
    assert told(str(numbers))[0] == "table"  # of which text and image were asked before
    assert asked == ["read", "judged"]


def test_kinds_are_asked_in_their_order_and_no_more_than_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def load(reference: str) -> Any:
        asked.append(reference)
        return lambda seen: "it is" if len(asked) == 2 else ""

    monkeypatch.setattr(registry, "load", load)
    assert told(str(write_csv(tmp_path / "a.csv", news_rows(5)))) == (list(KINDS)[1], "it is")
    assert asked == [kind.looks_like for kind in list(KINDS.values())[:2]]


def test_a_kind_takes_three_places_at_most() -> None:
    """The module itself, and the tables of the package that the page writes to: of kinds, and of models."""
    nodes = list(ast.walk(ast.parse(BLOCK)))
    rooms = {
        alias.name: node.module
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("trainwright.")
        for alias in node.names
    }
    written = [node.value for node in nodes if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)]
    written += [node.value for node in nodes if isinstance(node, ast.Attribute) and node.attr in ("append", "update")]
    places = {rooms[each.id].split(".")[1] for each in written if isinstance(each, ast.Name) and each.id in rooms}
    assert places == {"config", "models"} and 1 + len(places) <= 3


def test_a_kind_that_is_added_is_trained_asked_and_guarded(tmp_path: Path) -> None:
    more = """
import json
from trainwright.data.read.source import find
from trainwright.tasks import registry

points = find("points.vec", None, None, offline=True, listen=None)
meta = json.loads((run.path / "model" / "model.json").read_text())
try:
    registry.load(KINDS["vectors"].schema).model_validate({**meta, "encoder": {"strange": 1}})
except ValueError as problem:
    print(json.dumps([run.report["usage"], *registry.choose_task(points, {}, {}, None), "strange" in str(problem)]))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", BLOCK + more], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["predict RUN new.vec", "vectors", "its name ends in .vec", True]
