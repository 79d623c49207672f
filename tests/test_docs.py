"""Every command and every piece of Python in the README and the docs runs, and the generated page is up to date."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path

import forks
import pytest
from calls import call
from samples import news_rows, write_csv

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "benchmarks" / "README.md"]
PAGES = [page for page in PAGES if page.exists()]
# Commands whose training is longer than a test needs, and what makes it shorter.
SHORTER = {
    "trainwright train digits --quiet --out my-digits": ("epochs=1",),
    "trainwright train reviews.csv --seeds 5": ("--seeds", "2"),
    "trainwright suspects runs/reviews-1 --out labels.csv": ("--folds", "2"),
    "trainwright learning-curve reviews.csv model=bag": ("epochs=1",),
}
ELSEWHERE = ("understand.md", "adding-a-kind.md")  # test_understand.py runs the one, config/test_kinds.py the other


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


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
    call("train", "reviews.csv", "--quiet", cwd=folder, forked=False)
    return folder


@pytest.fixture(scope="module")
def run_once(place: Path) -> Callable[[str], None]:
    """Run a command; one that stands on several pages has been run."""

    @cache
    def run(line: str) -> None:
        words = shlex.split(line)[1:]
        done = forks.command(*words, *SHORTER.get(line, ()), cwd=place)
        assert done.returncode == 0, f"{line}\n{done.stderr}"

    return run


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_commands_of_a_page(page: Path, run_once: Callable[[str], None]) -> None:
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
            run_once(shlex.join(words))


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in ELSEWHERE], ids=name_of)
def test_the_python_of_a_page(page: Path, place: Path) -> None:
    for block in blocks(page, "python"):
        done = forks.python(block, place)
        assert done.returncode == 0, f"{block}\n{done.stderr}"


def test_links_and_pictures_are_there() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_tests_of_each_promise_are_there() -> None:
    page = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    named = re.findall(r"`(?:python )?([\w/]+(?:\.py|/))(?: \d+)?`", page)
    assert len(named) > 20
    for name in named:
        assert (ROOT / name).exists() or (ROOT / "tests" / "crash" / name).exists(), name


def test_every_message_is_on_the_page() -> None:
    spec = importlib.util.spec_from_file_location("write_errors", ROOT / "docs" / "write_errors.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "errors.md").read_text(encoding="utf-8") == module.page(), "run python docs/write_errors.py"
