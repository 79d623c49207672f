"""Refusals of readers say what was found and what to do next; what a person plainly means works."""

from __future__ import annotations

import io
import sqlite3
import tarfile
from pathlib import Path

import polars as pl
import pytest
from calls import talk
from picture_samples import picture
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.data.read.images import read_pictures
from trainwright.data.read.tables import read_table
from trainwright.data.tables.column_choice import column_of
from trainwright.errors import TrainwrightError


def refusal(path: Path) -> TrainwrightError:
    with pytest.raises(TrainwrightError) as caught:
        read_pictures(path) if path.is_dir() and any(path.rglob("*.png")) else read_table(path)
    return caught.value


def database(path: Path) -> Path:
    with sqlite3.connect(path) as made:
        made.execute("create table t (a)")
    made.close()
    return path


def tar(path: Path) -> Path:
    with tarfile.open(path, "w") as file:
        entry = tarfile.TarInfo("a.txt")
        entry.size = 3
        file.addfile(entry, io.BytesIO(b"abc"))
    return path


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("made", "code", "said"),
    [
        (lambda folder: database(folder / "a.csv"), "E104", "sqlite3 -csv -header"),
        (lambda folder: tar(folder / "a.csv"), "E104", "a tar archive"),
        (lambda folder: put(folder / "a.csv", b"\xd0\xcf\x11\xe0" + bytes(500)), "E188", "spreadsheet program"),
        (lambda folder: put(folder / "a.csv", b"version https://git-lfs.github.com/spec/v1\n"), "E104", "git lfs pull"),
        (lambda folder: put(folder / "a.txt", b"just one line of prose\nand another"), "E108", "'just one line of prose'"),
        (lambda folder: put(folder / "a.csv", b"label,text,c\n" + b"1,2\n" * 9), "E111", "'label,text,c', '1,2', '1,2'"),
        (lambda folder: put(folder / "a.csv", b'label,"te"xt\n1,2\n'), "E119", "'label,\"te\"xt'"),
        (lambda folder: folder, "E112", "is nothing in it"),
        (lambda folder: put(folder / "a.tar", b"x").parent, "E112", "1 .tar files (a.tar)"),
    ],
)  # fmt: skip
def test_what_was_found_is_said(tmp_path: Path, made: object, code: str, said: str) -> None:
    problem = refusal(made(tmp_path))  # type: ignore[operator]
    assert problem.code == code and said in str(problem), problem


def test_a_column_that_is_left_out_is_not_said_to_be_missing(tmp_path: Path) -> None:
    pl.DataFrame({"text": ["a", "b"], "odd": [b"1", b"2"]}).write_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    with pytest.raises(TrainwrightError, match=r"E282: column 'odd' .* is there.*Binary"):
        column_of(table, "odd")
    with pytest.raises(TrainwrightError, match=r"E201(.|\n)*Did you mean 'text'"):
        column_of(table, "txt")


@pytest.mark.parametrize(
    "names", [("images", "labels", ".txt"), ("JPEGImages", "Annotations", ".xml"), ("images", "annotations", ".json")]
)
def test_boxes_are_no_classes(tmp_path: Path, names: tuple[str, str, str]) -> None:
    pictures, labels, suffix = names
    for folder in (tmp_path / pictures / "train", tmp_path / labels / "train"):
        folder.mkdir(parents=True)
    picture(tmp_path / pictures / "train" / "1.png")
    (tmp_path / labels / "train" / f"1{suffix}").write_text("0 .5 .5 1 1\n")
    problem = refusal(tmp_path)
    assert problem.code == "E284" and labels in str(problem)


def listed(folder: Path, name: str) -> Path:
    """A table of four pictures in ``img``; ``name`` is how it writes their paths."""
    (folder / "img").mkdir()
    rows = ["file,label"]
    for n in range(4):
        picture(folder / "img" / f"{n}.png", seed=n)
        rows.append(f"{name.format(n)},{'ab'[n % 2]}")
    return put(folder / "a.csv", "\n".join(rows).encode())


def test_paths_with_backslashes_are_paths(tmp_path: Path) -> None:
    pictures = read_pictures(listed(tmp_path, "img\\{}.png"))["train"]
    assert pictures.labels.to_list() == ["a", "b", "a", "b"]
    assert pictures.paths == [tmp_path / "img" / f"{n}.png" for n in range(4)]


def test_images_in_a_folder_beside_the_table_are_found_and_it_is_said(tmp_path: Path) -> None:
    pictures = read_pictures(listed(tmp_path, "{}.png"))["train"]
    assert pictures.paths == [tmp_path / "img" / f"{n}.png" for n in range(4)]
    assert ("images", "img/, beside the table") in [note[:2] for note in pictures.notes]


def test_a_backslash_in_a_name_is_a_letter_where_there_is_such_a_file(tmp_path: Path) -> None:
    source = listed(tmp_path, "img\\{}.png")
    odd = picture(tmp_path / "img\\0.png", seed=9)
    assert (read_pictures(source)["train"].paths or [])[0] == odd


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("gs://bucket/img/{}.png", "E281", "gs://bucket/img/0.png"),
        ("https://a.org/{}.jpg?size=2", "E281", "nothing is fetched"),
        ("nowhere/{}.png", "E142", "there is no such file"),
    ],
)
def test_images_that_are_not_where_they_are_said_to_be(tmp_path: Path, name: str, code: str, said: str) -> None:
    with pytest.raises(TrainwrightError) as caught:
        read_pictures(listed(tmp_path, name))
    assert caught.value.code == code and said in str(caught.value)


# ---- nothing measured and nothing predicted is a refusal


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tw.Run]:
    folder = tmp_path_factory.mktemp("runs")
    known = {"epochs": 1, "speed": "off", "listen": lambda _: None}
    numbers = put(folder / "n.csv", b"x,z,y\n" + b"".join(b"%d.5,%d.25,%d.75\n" % (n, n % 7, 3 * n) for n in range(60)))
    (folder / "images").mkdir()
    (folder / "images" / "a.csv").write_text("image,label\n" + "".join(f"{n}.png,{'ab'[n % 2]}\n" for n in range(20)))
    for n in range(20):
        picture(folder / "images" / f"{n}.png", seed=n)
    return {
        "text": tw.train(write_csv(folder / "t.csv", news_rows(60)), out=folder / "t", **known),  # type: ignore[arg-type]
        "table": tw.train(numbers, out=folder / "n", **known),  # type: ignore[arg-type]
        "image": tw.train(folder / "images" / "a.csv", out=folder / "i", **known),  # type: ignore[arg-type]
    }


BAD = {
    "text": b"label,text\n" + b"a,b,c\n" * 9,
    "table": b"x;z;y\n" + b"1,5;2,5;3,5\n" * 9,
    "image": b"image,label\n" + b"none.png,a\n" * 9,
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("verb", ["predict", "evaluate", "train --test"])
def test_what_gives_no_answer_at_all_is_refused(
    runs: dict[str, tw.Run],
    tmp_path: Path,
    kind: str,
    verb: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, run = put(tmp_path / "bad.csv", BAD[kind]), runs[kind]
    source = run.path.parent / ("images/a.csv" if kind == "image" else f"{run.path.name}.csv")
    words = (
        ["train", source, "--test", bad, "epochs=1", "--out", tmp_path / "new"]
        if verb == "train --test"
        else [verb, run.path, bad]
    )
    out, err, code = talk(capsys, monkeypatch, *words)
    assert code == 2 and not (tmp_path / "new").exists(), out
    expected = {"text": "E111", "table": "E212", "image": "E142"}[kind]
    assert expected in err and "row 2" in err and "bad.csv" in err


def test_a_file_of_lines_is_told_how_to_be_asked_about(
    runs: dict[str, tw.Run], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = put(tmp_path / "new.txt", b"a team won\n\na rocket in orbit\n")
    _, err, code = talk(capsys, monkeypatch, "predict", runs["text"].path, lines)
    assert code == 2 and "E280" in err and f"predict RUN - < {lines}" in err
