"""Folders as people have them: one too many around, texts of any ending, images called by label and number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from samples import news_rows, rows_measured

import trainwright as tw
from trainwright.data.read.images import holds_images, read_pictures
from trainwright.data.read.layout import text_classes, unwrap
from trainwright.data.read.named_images import label_of
from trainwright.data.read.source import find
from trainwright.data.read.tables import read_table
from trainwright.errors import TrainwrightError

QUICK: dict[str, Any] = {"epochs": 1, "speed": "off", "listen": lambda event: None}


def image(path: Path, place: int, bright: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(place).integers(0, 90, (8, 8)) + 160 * bright
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def texts(folder: Path, suffix: str, count: int = 60, seed: int = 0) -> None:
    for place, (label, text) in enumerate(news_rows(count, seed)):
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / f"{place:05}{suffix}").write_text(text)


@pytest.mark.parametrize("suffix", ["", ".md", ".html", ".eml", ".txt"])
def test_texts_of_any_ending(tmp_path: Path, suffix: str) -> None:
    texts(tmp_path, suffix)
    assert sorted(read_table(tmp_path).frame.select("label", "text").rows()) == sorted(news_rows(60))


def test_binary_files_among_texts_are_passed_over_by_name(tmp_path: Path) -> None:
    texts(tmp_path, "")
    (tmp_path / "sport" / "00000a").write_bytes(b"\x89PNG\r\n" + bytes(100))
    table = read_table(tmp_path)
    assert len(table.frame) == 60 and [Path(each.file).name for each in table.rejected] == ["00000a"]


def test_folders_that_hold_no_texts_are_none(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.bin").write_bytes(bytes(range(256)) * 4)
    assert text_classes(tmp_path) == {}
    with pytest.raises(TrainwrightError, match="E112"):
        read_table(tmp_path)


def test_splits_of_texts_without_endings_in_a_folder_too_many(tmp_path: Path) -> None:
    texts(tmp_path / "20news" / "data" / "train", "")
    texts(tmp_path / "20news" / "data" / "test", "", 30, 1)
    run = tw.train(tmp_path / "20news", out=tmp_path / "run", **QUICK)
    assert run.report["test"]["n"] == 30 and run.predictor.task == "text"


def test_a_folder_too_many_around_images(tmp_path: Path) -> None:
    for part, count in (("train", 40), ("test", 10)):
        for place in range(count):
            image(
                tmp_path / "archive" / "data" / part / ("dark", "bright")[place % 2] / f"{place}{part}.png",
                place,
                place % 2 == 1,
            )
    (tmp_path / "archive" / "README").write_text("About the data.")
    source = find(str(tmp_path / "archive"), None, None, offline=True)
    assert source.path == tmp_path / "archive" / "data" and source.notes[0].what == "folder"
    run = tw.train(tmp_path / "archive", out=tmp_path / "run", **QUICK)
    assert run.report["test"]["n"] == 10 and run.report["labels"] == ["bright", "dark"]
    assert rows_measured(tw.evaluate(run, tmp_path / "archive")) == 10
    assert unwrap(tmp_path / "archive" / "data" / "test" / "dark") == tmp_path / "archive" / "data" / "test" / "dark"


@pytest.mark.parametrize(
    ("stem", "label"),
    [
        ("cat.0", "cat"), ("dog_1", "dog"), ("0001_cat", "cat"), ("american_bulldog_12", "american_bulldog"),
        ("cat (3)", "cat"),
        ("cat12", "cat"), ("3-owl", "owl"), ("cat", ""), ("0001", ""), ("img_2_cat_4", ""), ("r2d2_1", ""), ("", ""),
    ],
)  # fmt: skip
def test_labels_in_names(stem: str, label: str) -> None:
    assert label_of(stem) == label


@given(st.text(max_size=40))
def test_a_label_in_a_name_has_no_digits(stem: str) -> None:
    found = label_of(stem)
    assert found in stem and not any(letter.isdigit() and letter.isascii() for letter in found)


@pytest.mark.parametrize("name", ["{label}.{n}.png", "{label}_{n}.png", "{n:04}_{label}.png"])
def test_images_called_by_label_and_number(tmp_path: Path, name: str) -> None:
    for place in range(40):
        image(tmp_path / "train" / name.format(label=("dark", "bright")[place % 2], n=place), place, place % 2 == 1)
    for folder in (tmp_path, tmp_path / "train"):
        pictures = read_pictures(folder)["train"]
        assert all(label in named for label, named in zip(pictures.labels, pictures.names, strict=True)) and len(pictures) == 40
    run = tw.train(tmp_path / "train", out=tmp_path / "run", **QUICK)
    assert run.report["labels"] == ["bright", "dark"] and rows_measured(tw.evaluate(run, tmp_path / "train")) == 40


@pytest.mark.parametrize("names", [["IMG_{n}"], ["a{n}", "b{n}", "c{n}", "d{n}_e{n}"], ["{n}"], ["x"]])
def test_names_that_say_no_label_are_refused(tmp_path: Path, names: list[str]) -> None:
    for place in range(12):
        image(tmp_path / f"{names[place % len(names)].format(n=place)}.png", place, False)
    assert not holds_images(tmp_path)
    with pytest.raises(TrainwrightError, match="E141") as refused:
        tw.train(tmp_path, **QUICK)
    assert "cat.0.png" in refused.value.mend


def test_folders_of_classes_stay_so_whatever_their_files_are_called(tmp_path: Path) -> None:
    for place in range(20):
        image(tmp_path / ("dark", "bright")[place % 2] / f"cat.{place}.png", place, place % 2 == 1)
    assert set(read_pictures(tmp_path)["train"].labels) == {"dark", "bright"}


@pytest.mark.parametrize("name", ["images/{n}.png", "{n}.png", "{n}", "images\\{n}.png"])
@pytest.mark.parametrize("folder", ["images", "train", "."])
def test_a_table_beside_its_images(tmp_path: Path, name: str, folder: str) -> None:
    lines = ["id,label"]
    for place in range(40):
        image(tmp_path / "set" / folder / f"p{place}.png", place, place % 2 == 1)
        lines.append(f"{name.format(n=f'p{place}')},{('dark', 'bright')[place % 2]}")
    (tmp_path / "set" / "labels.csv").write_text("\n".join(lines) + "\n")
    if name.startswith("images") and folder != "images":
        return  # not where it says, and not in a folder beside by that path
    run = tw.train(tmp_path / "set", out=tmp_path / "run", **QUICK)
    assert run.predictor.task == "image" and run.report["labels"] == ["bright", "dark"]
    assert rows_measured(tw.evaluate(run, tmp_path / "set" / "labels.csv")) == 40
    assert len(run.predictor.predict_file(tmp_path / "set" / "labels.csv").answers) == 40
    of_file = tw.train(tmp_path / "set" / "labels.csv", task="image", out=tmp_path / "file", **QUICK)
    assert of_file.report["test"] == run.report["test"] and not tw.verify(run).wrong


def test_tables_beside_folders_of_classes_that_they_do_not_name_are_passed_over(tmp_path: Path) -> None:
    for place in range(20):
        image(tmp_path / ("dark", "bright")[place % 2] / f"{place}.png", place, place % 2 == 1)
    (tmp_path / "sizes.csv").write_text("side,count\n8,20\n9,0\n")
    assert find(str(tmp_path), None, None, offline=True).form == "images"
