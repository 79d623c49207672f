"""Every command and every piece of Python in the README and the docs runs, and the generated page is up to date."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from samples import news_rows, write_csv

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "benchmarks" / "README.md"]
PAGES = [page for page in PAGES if page.exists()]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the docs speak of, and a first run."""
    folder = tmp_path_factory.mktemp("docs")
    for name, rows in (("reviews.csv", 300), ("more.csv", 60), ("new.csv", 20), ("train.csv", 200), ("test.csv", 40)):
        write_csv(folder / name, news_rows(rows, seed=rows))
    texts = [(text, place) for place, (_, text) in enumerate(news_rows(120, seed=7))]
    sets = [(text, "|".join(["sport", "food", "tech"][place % 3 : place % 3 + 1 + place % 2])) for text, place in texts]
    write_csv(folder / "posts.csv", sets, ("text", "labels"))
    flags = [(text, *(str(int(place % one == 0)) for one in (2, 3, 4))) for text, place in texts]
    write_csv(folder / "comments.csv", flags, ("text", "sport", "food", "tech"))
    (folder / "notes.txt").write_text("the statement is executed . the value is returned .\n" * 60)
    command = [sys.executable, "-m", "trainwright", "train", "reviews.csv", "--quiet"]
    subprocess.run(command, cwd=folder, check=True)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page(page: Path, place: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in "".join(blocks(page, "sh")).splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] == "make":
            assert words[1] in targets, line
        elif words[0] == "python":
            assert (ROOT / words[1]).is_file(), line
        else:
            assert words[0] == "trainwright", line
            done = subprocess.run([sys.executable, "-m", *words], cwd=place, capture_output=True, text=True)
            assert done.returncode == 0, f"{line}\n{done.stderr}"


# The blocks of understand.md are one program: test_understand.py runs them.
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "understand.md"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_the_python_of_a_page(page: Path, place: Path) -> None:
    for block in blocks(page, "python"):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", block], cwd=place, capture_output=True, text=True, env=os.environ
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"


def test_links_and_pictures_are_there() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_message_is_on_the_page() -> None:
    spec = importlib.util.spec_from_file_location("write_errors", ROOT / "docs" / "write_errors.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == module.page(), "run python docs/write_errors.py"
