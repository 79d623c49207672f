"""Text, image or table: what a person who says nothing means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trainwright.data.read import builtin
from trainwright.data.read.infer_task import Evidence, infer_task
from trainwright.data.read.source import find
from trainwright.data.read.tables import read_table
from trainwright.data.tables.column_choice import declare
from trainwright.data.tables.feature_columns import choose_features
from trainwright.data.tables.table import ROW, Table

N = 40
KIND = ["good", "bad"] * (N // 2)
COLOUR = ["red", "green", "blue", "grey"] * (N // 4)
SIZE = [n / 7 for n in range(N)]
PROSE = [f"a film of {n} minutes that I liked" for n in range(N)]
LONGER = [f"{text}, and so did everyone else in the hall" for text in PROSE]
NAMES = [f"Miller, Mr. Jo {n}" for n in range(N)]
FILES = [f"pictures/{n}.{end}" for n, end in zip(range(N), ["png", "JPG", "jpeg", "tif"] * 10, strict=True)]


def table(has_header: bool = True, **columns: Any) -> Table:
    frame = pl.DataFrame(columns, strict=False)
    if not has_header:
        frame.columns = [f"column_{place}" for place in range(1, frame.width + 1)]
    return Table(frame.with_columns(pl.int_range(1, frame.height + 1).alias(ROW)), "a.csv", has_header=has_header)


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        # as it was, before there were tables
        ({"label": KIND, "text": PROSE}, "text"),
        ({"label": KIND, "text": ["good", "pos"] * 20}, "text"),
        ({"v1": KIND, "v2": PROSE}, "text"),
        ({"k": KIND, "word": [f"w{n}" for n in range(N)]}, "text"),
        ({"class": KIND, "title": PROSE, "description": LONGER}, "text"),
        ({"id": range(N), "text": PROSE, "label": KIND, "split": ["train", "test"] * 20}, "text"),
        ({"n": ["2024-01-02 10:00"] * N, "kind": KIND, "words": PROSE}, "text"),
        ({"link": [f"https://x.org/{n}" for n in range(N)], "k": KIND, "w": PROSE}, "text"),
        ({"label": [0, 1] * 20, "class_name": KIND, "text": PROSE}, "text"),
        ({"text": PROSE, "score": SIZE}, "text"),
        ({"text": ["good", "fine", "poor", "sad"] * 10, "lang": COLOUR, "label": KIND}, "text"),
        ({"text": PROSE, "user_id": [1, 2, 3, 4] * 10, "day": ["2024-01-02", "2024-02-03"] * 20, "stars": KIND}, "text"),
        ({"text": PROSE, "url": [f"https://x.org/{n}" for n in range(N)], "author": NAMES, "label": KIND}, "text"),
        ({"text": PROSE, "posted_time": range(1700000000, 1700000000 + N), "label": KIND}, "text"),
        ({"text": PROSE, "price": [f"${n},200" for n in range(1, N + 1)]}, "text"),
        ({"text": PROSE, "sent": ["2024-01-02", "2024-02-03"] * 20, "label": KIND}, "text"),
        ({"text": PROSE, "remark": ["x", *[None] * 39], "label": KIND}, "text"),
        ({"text": PROSE, "kind": KIND, "n": SIZE}, "text"),  # which of the two is predicted?
        ({"words": PROSE}, "text"),
        ({"words": PROSE, "price": SIZE}, "text"),
        ({"a": PROSE, "b": LONGER}, "text"),
        # texts beside numbers or categories
        ({"title": PROSE, "description": LONGER, "price": SIZE, "category": COLOUR}, "table"),
        ({"review": PROSE, "stars": [1, 2, 3, 4] * 10, "votes": range(3, N + 3), "price": SIZE}, "table"),
        ({"review": PROSE, "stars": [1, 2, 3, 4] * 10, "verified": ["yes", "no", "no"] * 13 + ["yes"]}, "table"),
        ({"sms_": LONGER, "sender": COLOUR, "label": KIND}, "table"),
        ({"description": PROSE, "city": COLOUR, "price": SIZE}, "table"),
        # features
        ({"word": ["good", "fine", "poor", "sad"] * 10, "mood": KIND}, "table"),  # neither has a usual name
        ({"size": SIZE, "label": KIND}, "table"),
        ({"size": SIZE, "price": range(N)}, "table"),
        ({"colour": COLOUR, "taste": ["sweet", "sour"] * 20, "shape": ["flat", "cup"] * 20, "class": KIND}, "table"),
        ({"city": COLOUR, "size": SIZE, "class": KIND}, "table"),
        ({"Name": NAMES, "Age": SIZE, "Sex": COLOUR, "Survived": KIND}, "table"),
        ({"Name": NAMES, "Sex": COLOUR, "label": KIND}, "table"),
        ({"description": COLOUR, "size": SIZE, "price": SIZE, "label": KIND}, "table"),
        # pictures
        ({"file": FILES, "label": KIND}, "image"),
        ({"file": FILES, "label": KIND, "width": SIZE}, "image"),
        ({"file": [*FILES[:-4], "", "x", "y", "z"], "label": KIND}, "image"),
        ({"file": [*FILES[:-5], "", "x", "y", "z", "v"], "label": KIND}, "text"),
        ({"file": FILES, "caption": PROSE, "label": KIND}, "text"),
    ],
)  # fmt: skip
def test_what_a_table_is_about(columns: dict[str, Any], kind: str) -> None:
    found, why = infer_task(table(**columns))
    assert found == kind and why, why


def test_what_is_given_decides() -> None:
    rows = table(size=SIZE, name=NAMES, label=KIND)
    assert infer_task(rows)[0] == "table"
    assert infer_task(rows, text=("name",))[0] == "text"
    assert infer_task(table(text=PROSE, size=SIZE, colour=COLOUR), label="text")[0] == "table"
    assert infer_task(table(Name=NAMES, label=KIND, size=SIZE), label="size")[0] == "table"


def test_beside_texts_what_is_found_is_said() -> None:
    rows = table(title=PROSE, description=LONGER, price=SIZE, date=["2024-01-02", "2024-02-03"] * 20, category=COLOUR)
    why = infer_task(rows)[1]
    assert why == "besides the text of 'title', 'description', 'price' can be learned from; task=text takes the text alone"
    assert infer_task(rows, text=("description",))[0] == "text"
    assert choose_features(rows).label == "category" and choose_features(rows, label="price").label == "price"
    bare = table(a=PROSE, b=[f"{n} of all" for n in range(N)], x=[n % 7 for n in range(N)], label=KIND)
    assert infer_task(bare)[0] == infer_task(declare(bare, {"a": "text"}))[0] == "table"
    alone = table(text=[*"abcd"] * 10, label=KIND)
    assert infer_task(declare(alone, {"text": "text"}))[0] == "text"


def test_without_names() -> None:
    assert infer_task(table(False, a=["1", "2"] * 20, b=PROSE, c=LONGER))[0] == "text"
    assert infer_task(table(False, a=SIZE, b=SIZE, c=KIND))[0] == "table"
    assert infer_task(table(False, a=FILES, b=KIND))[0] == "image"


def test_ids_name_the_images_beside_a_table(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": range(N), "kind": KIND, "size": SIZE})
    for number in range(N):
        (tmp_path / f"{number}.png").touch()
    frame.select("id", "kind").write_csv(tmp_path / "kinds.csv")
    frame.write_csv(tmp_path / "sizes.csv")
    found = [Evidence(find(str(tmp_path / name), None, None, offline=True), {}).table[0] for name in ("kinds.csv", "sizes.csv")]
    assert found == ["image", "table"]
    for picture in tmp_path.glob("*.png"):
        picture.unlink()
    assert Evidence(find(str(tmp_path / "kinds.csv"), None, None, offline=True), {}).table[0] == "table"


def test_built_in_data() -> None:
    assert {name: infer_task(builtin.load(name))[0] for name in ("diabetes", "wine")} == {"diabetes": "table", "wine": "table"}


def test_real_files(real_data: Path) -> None:
    for name in ("ag_news/test.csv", "ag_news_10k/train.csv", "ng20/test.parquet"):
        assert infer_task(read_table(real_data / name))[0] == "text"


def test_amounts_and_moments_are_no_text() -> None:
    columns = {
        "price": [f"${n},{n:03}.50" for n in range(100, 160)],
        "at": [f"{n % 28 + 1} January 2024" for n in range(60)],
        "label": ["a", "b"] * 30,
        ROW: list(range(60)),
    }
    assert infer_task(Table(pl.DataFrame(columns), "x.csv"))[0] == "table"


def test_columns_of_0_and_1_beside_a_text_may_be_its_labels() -> None:
    """No one of them is taken for the label, with the others to learn it from."""
    flags = {name: [str(int(n % place > 1)) for n in range(N)] for name, place in (("sport", 3), ("food", 5), ("tech", 7))}
    texts = [f"{a} and {b} of the {c}" for a in ("goal", "oven") for b in ("match", "salt") for c in ("team", "dish")] * 5
    assert infer_task(table(words=texts, **flags))[0] == infer_task(table(id=range(N), comment=texts, **flags))[0]
    bodies = [f"{text} in {n} rows, and then again" for n, text in enumerate(texts)]
    assert infer_task(table(id=range(N), post=bodies, **flags))[0] == "text"
    assert infer_task(table(post=bodies, price=SIZE, **flags))[0] == "table"
    assert infer_task(table(post=bodies, label=KIND, **flags))[0] == "table"
