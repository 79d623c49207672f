"""docs/understand.md runs, and its numbers are what the code gives; those of the news where the real rows are there."""

from __future__ import annotations

import importlib.util
import io
import math
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from browser_samples import FULL
from PIL import Image
from samples import news_rows, write_csv

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "understand.md").read_text(encoding="utf-8")
NEWS = "The news"
LONGER = (NEWS,) if FULL else (NEWS, "The next word: an LSTM")
# Trainings with several seeds and settings, and a surface.
LONG = ("tw.landscape(", "for recipe, first in", "changed = {", "runs/unclipped")
MADE_ON = (3, 11, 7)  # the Python whose language reference the figures are of
# Decimal numbers of the prose that are settings, or follow from them or from nothing: the others have to be in an output.
CONSTANTS = {"0.1", "0.01", "0.001", "0.111", "0.5", "-0.5", "0.8"}


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_understand", DOCS / "write_understand.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wrong(writer: ModuleType, title: str, folder: Path, left_out: Sequence[str] = ()) -> list[str]:
    """Where the outputs below a heading are not what its blocks print; some blocks, each told by a word, are not run."""
    blocks = writer.programs(PAGE)[title]
    assert all(sum(word in code for code, _ in blocks) == 1 for word in left_out)
    blocks = [(code, output) for code, output in blocks if not any(word in code for word in left_out)]
    found = writer.run(blocks, folder)
    return [each for (_, old), new in zip(blocks, found, strict=True) for each in writer.differences(old, new)]


def test_every_block_has_an_output(writer: ModuleType) -> None:
    programs = writer.programs(PAGE)
    assert [len(blocks) for blocks in programs.values()] == [23, 2, 1, 2]
    assert sum(map(len, programs.values())) == PAGE.count("```python") == PAGE.count("```text")
    assert all(output.strip() for blocks in programs.values() for _, output in blocks)


def test_a_number_that_is_no_longer_so_is_found(writer: ModuleType) -> None:
    same = [("loss 1.3863 of 9511", "loss 1.3864 of 9511"), ("1.0e-10", "1.0e-10"), ("[0.50, -0.20]", "[0.50, -0.20]")]
    other = [("loss 1.3863", "loss 1.2863"), ("n = 7600", "n = 7601"), ("loss 1.3", "error 1.3"), ("a\n", "a\nb\n")]
    other += [("1.0e-10", "1.0e-09"), ("-0.20", "0.20"), ("kept: epoch 3", "kept: epoch 4"), ("True", "False")]
    assert not any(writer.differences(*pair) for pair in same)
    assert all(writer.differences(*pair) for pair in other)


@pytest.mark.parametrize("title", [title for title in re.findall(r"^## (.*)", PAGE, re.MULTILINE) if title not in LONGER])
def test_numbers_of_data_that_come_along(writer: ModuleType, title: str, tmp_path: Path) -> None:
    found = wrong(writer, title, tmp_path)
    if "python-reference" in str(writer.programs(PAGE)[title]) and sys.version_info[:3] != MADE_ON:
        pytest.skip("the blocks ran; the figures are of another version's language reference")
    assert not found


@pytest.mark.skipif(not FULL and bool(os.environ.get("TRAINWRIGHT_TEST_DATA")), reason="the real rows stand for these")
def test_the_news_on_made_rows(writer: ModuleType, tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", news_rows(400, seed=1))
    write_csv(tmp_path / "test.csv", news_rows(60, seed=2))
    outputs = writer.run(writer.programs(PAGE)[NEWS], tmp_path)
    assert sum(each.endswith("fit 0.0 train below 0.00001: True\n") for each in outputs) == 1


def test_numbers_of_the_news(writer: ModuleType, real_data: Path, tmp_path: Path) -> None:
    for name in ("train.csv", "test.csv"):
        shutil.copyfile(real_data / "ag_news_10k" / name, tmp_path / name)
    assert not wrong(writer, NEWS, tmp_path, () if FULL else LONG)


def test_numbers_of_the_prose_are_in_the_outputs() -> None:
    outputs = [
        float(each) for text in re.findall(r"^```text\n(.*?)^```", PAGE, re.M | re.S) for each in re.findall(r"\d+\.\d+", text)
    ]
    prose = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    for number in set(re.findall(r"-?\d+\.\d+(?!\.)\b(?!\.\d)", prose)) - CONSTANTS:
        places = len(number.partition(".")[2])
        assert any(round(each, places) == float(number) for each in outputs), number
    scores = {name: found.split() for name, found in re.findall(r"^(\S+) +test +(\S+ \S+ \S+) mean", PAGE, re.MULTILINE)}
    low, high, better, best = map(int, re.findall(r"reaches (\d+) to (\d+) % .* (\d+) to (\d+) %", prose.replace("\n", " "))[0])
    for name, ends in (("news-tutorial", (low, high)), ("news-tutorial-small", (better, best))):
        found = [100 * float(each) for each in scores[name]]
        assert (math.floor(min(found)), round(max(found))) == ends, name


def test_pictures_are_small_and_all_of_them_are_shown(writer: ModuleType) -> None:
    sizes = {path.name: path.stat().st_size for path in (DOCS / "pictures").iterdir()}
    assert sizes.keys() == set(re.findall(r"\(pictures/(\S+)\)", PAGE))
    assert max(sizes.values()) < 100_000 and sum(sizes.values()) < 1_000_000
    assert all(alt for alt in re.findall(r"^!\[(.*?)\]", PAGE, re.MULTILINE))


def test_no_picture_is_older_than_the_code_that_draws_it(writer: ModuleType, tmp_path: Path) -> None:
    """Each is drawn again from the numbers that were kept with it."""
    drawn = writer.draw(writer.KEPT, tmp_path)
    there = [*writer.PICTURES.iterdir(), *(DOCS / "images").iterdir()]
    assert {(writer.PICTURES / f"{name}.png").resolve() for name in drawn} == {path.resolve() for path in there}
    for name, content in drawn.items():
        new, old = (np.asarray(Image.open(each).convert("RGB"), np.int16)
                    for each in (io.BytesIO(content), writer.PICTURES / f"{name}.png"))  # fmt: skip
        assert new.shape == old.shape, name
        assert (np.abs(new - old).max(axis=2) > 32).mean() < 1e-3, f"{name}: run python docs/write_understand.py FOLDER"
    with zipfile.ZipFile(writer.KEPT) as kept:
        text = "".join(kept.read(name).decode() for name in kept.namelist())
    assert "/tmp" not in text and "/home" not in text and writer.KEPT.stat().st_size < 300_000


def test_pictures_follow_from_their_numbers_alone(writer: ModuleType) -> None:
    shares = [[0.1, -0.2], [0.57, 0.43]]
    found = {"labels": ["a", "b"], "right": "b", "before": shares, "after": shares}
    found |= {"noise": {"1": 4.0, "4": 2.1}, "errors": {"1": [0.2, 0.21], "4": [0.1, 0.105]}}
    found |= {"rates": {"one": [0.1, 0.01], "other": [10.0, 8.0]}, "norms": [[1, 0.05], [8, 0.3]]}
    first, again = (writer.news_pictures(found) for _ in range(2))
    assert first == again and first.keys() == {"softmax", "schedule", "clipping", "descent", "monte-carlo", "gradient-noise"}
