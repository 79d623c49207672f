"""Situations that people report, each with made data whose meaning is known: the right is worked out beside it."""

from __future__ import annotations

import datetime as dt
import json
import random
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from calls import talk
from PIL import Image
from samples import TOPICS, evaluate_all, news_rows, write_csv

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.watch.events import Event, Note

ROWS = 90
QUICK = {"epochs": 1, "speed": "off"}
NAMES = sorted(TOPICS)


def load(source: Any, **settings: Any) -> tuple[Any, str]:
    """The encoded data, and everything that was said, in one text."""
    said: list[Event] = []
    found = tw.load_data(source, listen=said.append, **settings)
    return found, "\n".join(f"{note.what} | {note.value} | {note.why}" for note in said if isinstance(note, Note))


def refused(code: str, source: Any, **settings: Any) -> str:
    with pytest.raises(TrainwrightError) as caught:
        load(source, **settings)
    assert caught.value.code == code, caught.value
    return str(caught.value)


def texts(count: int = ROWS) -> list[tuple[str, str]]:
    return news_rows(count)


def sizes(data: Any) -> dict[str, int]:
    return {part: len(data.rows(part)) for part in ("train", "valid", "test")}


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return path


def picture(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((8, 8), 80 * (number % 3) + number % 40, np.uint8)
    Image.fromarray(pixels).save(path)


# ---- labels


def test_labels_with_a_bar_between_them_are_several(tmp_path: Path) -> None:
    draw = random.Random(0)
    sets = [draw.sample(NAMES, draw.choice([1, 1, 2])) for _ in range(ROWS)]
    rows = [("|".join(each), text) for each, (_, text) in zip(sets, texts(), strict=True)]
    run = tw.train(
        write_csv(tmp_path / "posts.csv", rows, ("labels", "text")), out=tmp_path / "run", listen=lambda event: None, **QUICK
    )
    counted = json.loads((run.path / "data.json").read_text())
    meant = Counter(label for each in sets for label in each)
    assert {label: sum(each.values()) for label, each in counted["classes"].items()} == dict(meant)
    assert {"micro_f1", "macro_f1", "average_precision", "subset_accuracy"} <= set(run.report["test"])


@pytest.mark.parametrize("words", [("0", "1"), ("False", "True"), ("n", "y")])
def test_columns_of_0_and_1_are_asked_about_and_are_several_labels(words: tuple[str, str], tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    table = {"id": [f"{n:06}" for n in range(ROWS)], "comment_text": [text for _, text in texts()]}
    frame = pl.DataFrame(table | {name: draw.integers(0, 2, ROWS) for name in NAMES})
    spelled = pl.col(NAMES).replace_strict({0: words[0], 1: words[1]}, return_dtype=pl.String)
    frame.with_columns(spelled).write_csv(tmp_path / "comments.csv")
    assert f"label={','.join(NAMES)}" in refused("E202", tmp_path / "comments.csv")
    data, _ = load(tmp_path / "comments.csv", label=",".join(NAMES))
    assert data.labels == tuple(NAMES)
    targets = np.array([np.asarray(item[-1]) for item in data.train])
    assert np.array_equal(targets, frame[NAMES].to_numpy()[data.rows("train") - 2])  # the header is row 1


def test_an_object_of_flags_of_which_one_is_set_is_the_class(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text, "cats": {name: int(name == label) for name in NAMES}}) for label, text in texts()]
    data, _ = load(write(tmp_path / "train.jsonl", *lines))
    assert data.labels == tuple(NAMES)


def test_labels_that_differ_in_case_are_said_and_can_be_merged(tmp_path: Path) -> None:
    spell = (str.lower, str.upper, str.title)
    rows = [(f" {spell[n % 3](label)} " if n % 2 else spell[n % 3](label), text) for n, (label, text) in enumerate(texts())]
    source = write_csv(tmp_path / "case.csv", rows)
    data, said = load(source)
    assert len(data.labels) == 9 and "labels=merge" in said
    merged, _ = load(source, labels="merge")
    assert {name.lower() for name in merged.labels} == set(NAMES) and len(merged.labels) == 3


@pytest.mark.parametrize("kind", ["text", "table"])
def test_one_and_one_point_nought_are_the_same_label(tmp_path: Path, kind: str) -> None:
    rows = [(str(NAMES.index(label)), text if kind == "text" else str(n % 7)) for n, (label, text) in enumerate(texts())]
    other = [(f"{label}.0", value) for label, value in rows[:20]]
    header = ("label", "text" if kind == "text" else "size")
    source, test = write_csv(tmp_path / "a.csv", rows, header), write_csv(tmp_path / "b.csv", other, header)
    run = tw.train(source, task=kind, out=tmp_path / "run", listen=lambda event: None, target="class", **QUICK)
    assert evaluate_all(run, test)["n"] == 20


def test_truths_of_any_spelling_are_two_classes(tmp_path: Path) -> None:
    words = ("0", "False", "false", "1", "True", "true")
    rows = [(words[n % 6], str(n % 6 // 3 + n % 5 / 10)) for n in range(ROWS)]
    data, _ = load(write_csv(tmp_path / "b.csv", rows, ("label", "x")))
    assert len(data.labels) == 2
    targets = np.array([int(item[-1]) for item in data.train])
    assert np.array_equal(targets, (data.rows("train") - 2) % 6 // 3)  # the header is row 1


def test_a_list_of_words_in_parquet_is_several_labels(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": [text for _, text in texts()], "tags": [[NAMES[n % 3], NAMES[n % 2]] for n in range(ROWS)]})
    frame.write_parquet(tmp_path / "lst.parquet")
    data, _ = load(tmp_path / "lst.parquet", label="tags")
    assert data.labels == tuple(NAMES)


# ---- numbers, dates, codes


def test_numbers_with_units_are_numbers(tmp_path: Path) -> None:
    draw = random.Random(1)
    rows = [(draw.randint(20, 200), draw.randint(1, 80), draw.uniform(1000, 99000)) for _ in range(ROWS)]
    lines = [f'{kg} kg,{off}%,"${price:,.2f}"' for kg, off, price in rows]
    data, said = load(write(tmp_path / "cur.csv", "weight,discount,price", *lines))
    assert "discount (%)" in said and "weight (kg)" in said
    meant = np.array(rows)[data.rows("train") - 2]
    seen = np.array([np.asarray(item[0]) for item in data.train])
    np.testing.assert_allclose(seen, (meant[:, :2] - meant[:, :2].mean(0)) / meant[:, :2].std(0), atol=1e-5)
    targets = np.array([float(item[-1]) for item in data.train])
    np.testing.assert_allclose(targets, (meant[:, 2] - meant[:, 2].mean()) / meant[:, 2].std(), atol=1e-3)


@pytest.mark.parametrize("style", ["T and blank", "offsets"])
def test_the_newest_instants_are_tested_on(tmp_path: Path, style: str) -> None:
    draw = random.Random(2)
    first = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    rows = []
    for number, (label, text) in enumerate(texts(100)):
        when = first + dt.timedelta(minutes=37 * number)
        if style == "offsets":
            shown = when.astimezone(dt.timezone(dt.timedelta(hours=draw.choice([-8, 0, 9])))).isoformat()
        else:
            shown = when.strftime(draw.choice(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]))
        rows.append((shown, text, label, number))
    draw.shuffle(rows)
    source = write(tmp_path / "t.csv", "when,text,label", *(f"{when},{text},{label}" for when, text, label, _ in rows))
    data, _ = load(source, split="time:when")
    assert sorted(rows[row - 2][3] for row in data.rows("test")) == list(range(90, 100))


def test_labels_that_only_the_newest_rows_have_are_counted(tmp_path: Path) -> None:
    ages = ["older"] * 42 + ["old"] * 30 + ["mid"] * 9 + ["new"] * 9
    rows = [
        f"2024-01-01 {n // 60:02}:{n % 60:02},{text},{age}"
        for n, ((_, text), age) in enumerate(zip(texts(), ages, strict=True))
    ]
    said = refused("E215", write(tmp_path / "t.csv", "when,text,label", *rows), split="time:when")
    assert "for valid and test" in said and "valid: 'mid' (9 rows); test: 'new' (9 rows)" in said
    assert "'older' (42 rows), 'old' (30 rows)" in said
    rows = [row.replace(",mid", ",old") if n % 2 else row.replace(",new", ",old") for n, row in enumerate(rows)]
    data, said = load(write(tmp_path / "t.csv", "when,text,label", *rows), split="time:when")
    assert "not measured | 2 classes | 'mid' (5 rows), 'new' (5 rows): not in the training split" in said
    assert sizes(data) == {"train": 72, "valid": 4, "test": 4} and data.labels == ("old", "older")


@pytest.mark.parametrize("how", ["group", "time"])
def test_the_column_that_decides_the_split_does_not_decide_what_is_learned(how: str, tmp_path: Path) -> None:
    rows = [f"{2000 + n % 10},{text},{label}" for n, (label, text) in enumerate(texts())]
    source = write(tmp_path / "t.csv", "writer,text,label", *rows)
    assert "task | table" in load(source)[1] and "task | text" in load(source, split=f"{how}:writer")[1]


def test_digits_with_leading_zeros_are_codes_and_a_column_is_what_it_is_said_to_be(tmp_path: Path) -> None:
    rows = [(("01234", "09876", "10001", "1234")[n % 4], str(100 + n % 12), str(n), "ab"[n % 2]) for n in range(ROWS)]
    source = write(tmp_path / "zip.csv", "zip,store,size,label", *map(",".join, rows))
    data, _ = load(source)
    assert set(data.encoder.categories["zip"]) >= {"01234", "1234"} and "store" not in data.encoder.categories
    said, _ = load(source, columns={"store": "category", "zip": "number"})
    assert len(said.encoder.categories["store"]) == 12 and "zip" not in said.encoder.categories


def test_telephone_numbers_are_no_quantities(tmp_path: Path) -> None:
    draw = random.Random(4)
    local = [f"555 {draw.randrange(1000):03} {draw.randrange(1000):03}" for _ in range(6)]
    rows = [
        (
            draw.choice(local),
            draw.randrange(2_025_550_000, 2_025_559_999),
            draw.choice(local),
            f"{draw.randrange(100, 999)} 000",
        )
        for _ in range(ROWS)
    ]
    lines = [f"{','.join(map(str, row))},{'ab'[number % 2]}" for number, row in enumerate(rows)]
    source = write(tmp_path / "calls.csv", "work phone,mobile,contact,salary,label", *lines)
    data, said = load(source)
    assert set(data.encoder.categories) == {"work phone"} and "left out | mobile | every value is different" in said
    assert "numbers | contact, salary |" in said and "columns.contact=category" in said and "columns.salary" not in said
    data, _ = load(source, columns={"contact": "category", "mobile": "number"})
    assert set(data.encoder.categories) == {"work phone", "contact"}


def test_dates_and_times_as_people_write_them_are_read(tmp_path: Path) -> None:
    draw = random.Random(3)
    days = [dt.datetime(2024, 1, 1) + dt.timedelta(hours=draw.randrange(8000)) for _ in range(ROWS)]
    lines = [f"{day:%m/%d/%Y %I:%M %p},{day.day}-{day:%b-%y},{day:%H:%M},{day.timetuple().tm_yday / 3:.2f}" for day in days]
    _, said = load(write(tmp_path / "dates.csv", "when,joined,slot,y", *lines))
    assert "dates | when, joined, slot |" in said and "left out" not in said


def test_a_span_of_time_in_parquet_is_its_seconds(tmp_path: Path) -> None:
    spans = [dt.timedelta(seconds=30 * n) for n in range(ROWS)]
    pl.DataFrame({"lap": spans, "label": ["ab"[n % 2] for n in range(ROWS)]}).write_parquet(tmp_path / "dur.parquet")
    data, said = load(tmp_path / "dur.parquet")
    meant = 30.0 * (data.rows("train") - 1)
    seen = np.array([np.asarray(item[0]) for item in data.train])[:, 0]
    np.testing.assert_allclose(seen, (meant - meant.mean()) / meant.std(), atol=1e-5)
    assert "seconds | lap" in said


def test_a_score_of_texts_is_a_number(tmp_path: Path) -> None:
    rows = [(text, f"{n % 50 / 50:.3f}") for n, (_, text) in enumerate(texts())]
    source = write(tmp_path / "ei.tsv", "Tweet\tIntensity_Score", *map("\t".join, rows))
    run = tw.train(source, label="Intensity_Score", out=tmp_path / "run", listen=lambda event: None, **QUICK)
    assert {"rmse", "mae", "r2"} <= set(run.report["test"]) and isinstance(tw.predict(run, "the goal")[0], float)


def test_amounts_beside_a_text_are_its_target(tmp_path: Path) -> None:
    rows = [f'"{text}","${1000 + 37 * n:,}",{int(n % 3 == 0)}' for n, (_, text) in enumerate(texts())]
    data, said = load(write(tmp_path / "offers.csv", "text,price,is_train", *rows), split="content")
    assert "label | price |" in said and data.labels == () and "target | number" in said


def test_a_flag_of_the_split_is_not_learned(tmp_path: Path) -> None:
    rows = [f"{n % 7},{n % 3 > 0},{'ab'[n % 2]}" for n in range(ROWS)]
    _, said = load(write(tmp_path / "t.csv", "size,is_train,label", *rows))
    assert "left out | is_train | it says which split a row belongs to" in said


def test_stars_of_texts_can_be_either(tmp_path: Path) -> None:
    rows = [(text, f"{n % 5 + 1}.0") for n, (_, text) in enumerate(texts())]
    source = write(tmp_path / "stars.csv", "text,stars", *map(",".join, rows))
    data, said = load(source)
    assert data.labels == ("1", "2", "3", "4", "5") and "write target=number" in said
    assert load(source, target="number")[0].labels == ()


def test_texts_beside_numbers_are_learned_from_together(tmp_path: Path) -> None:
    rows = [f"{text},{n % 13},{label}" for n, (label, text) in enumerate(texts())]
    _, said = load(write(tmp_path / "items.csv", "description,price,category", *rows))
    assert "'description', 'price' can be learned from" in said and "left out" not in said


# ---- files


@pytest.mark.parametrize("above", [["sep=;"], ["Sales export 2024-05-01", ""], ["# made by a program"]])
def test_lines_above_the_header_are_passed_over_and_said(tmp_path: Path, above: list[str]) -> None:
    rows = [f"{n % 9};{n % 7};{'ab'[n % 2]}" for n in range(ROWS)]
    data, said = load(write(tmp_path / "homes.csv", *above, "size;age;label", *rows))
    assert sum(sizes(data).values()) == ROWS and "passed over | row" in said


def test_a_delimiter_behind_every_row_is_dropped_and_said(tmp_path: Path) -> None:
    rows = [f"{n % 9}\t{n % 7}\t{'ab'[n % 2]}\t" for n in range(ROWS)]
    data, said = load(write(tmp_path / "web.tsv", "size\tage\tlabel", *rows))
    assert sum(sizes(data).values()) == ROWS and "an empty field" in said


OLDER = {"gb18030": ("足球比赛进球很多", "银行股票市场价格"), "cp1251": ("красивая игра мяча", "рынок и банки")}


@pytest.mark.parametrize("encoding", OLDER)
def test_older_encodings_are_told_or_can_be_said(tmp_path: Path, encoding: str) -> None:
    words = OLDER[encoding]
    rows = [f"{words[n % 2]} {n},{words[n % 2][:2]}" for n in range(ROWS)]
    source = write(tmp_path / "old.csv", "text,label", *rows, encoding=encoding)
    meant = tuple(sorted(word[:2] for word in words))
    assert load(source)[0].labels == meant == load(source, encoding=encoding)[0].labels


@pytest.mark.parametrize("kind", ["text", "table"])
def test_a_column_that_says_the_split_is_gone_by(tmp_path: Path, kind: str) -> None:
    parts = ("train", "train", "train", "val", "test")
    rows = [(text if kind == "text" else str(n % 11), label, parts[n % 5]) for n, (label, text) in enumerate(texts(100))]
    source = write(tmp_path / "all.csv", ("text" if kind == "text" else "size") + ",label,split", *map(",".join, rows))
    data, said = load(source)
    assert sizes(data) == {"train": 60, "valid": 20, "test": 20} and "split=content" in said
    assert {(row - 2) % 5 for row in data.rows("test")} == {4}


def test_sources_of_many_forms_hold_the_same_rows(tmp_path: Path) -> None:
    rows = [(label, text) for label, text in texts()]
    (tmp_path / "tt").mkdir()
    train = write_csv(tmp_path / "tt" / "train.csv", rows[:70])
    test = write_csv(tmp_path / "tt" / "test.csv", rows[70:])
    with zipfile.ZipFile(tmp_path / "tt.zip", "w") as packed:
        packed.write(train, "train.csv")
        packed.write(test, "test.csv")
    (tmp_path / "pq").mkdir()
    frame = pl.DataFrame(rows[:70], schema=["label", "text"], orient="row")
    for number in range(2):
        frame[35 * number : 35 * number + 35].write_parquet(tmp_path / "pq" / f"train-0000{number}-of-00002.parquet")
    pl.DataFrame(rows[70:], schema=["label", "text"], orient="row").write_parquet(
        tmp_path / "pq" / "test-00000-of-00001.parquet"
    )
    for source in (tmp_path / "tt", tmp_path / "tt.zip", tmp_path / "pq", {"train": frame, "test": pl.read_csv(test)}):
        data, _ = load(source)
        assert len(data.rows("test")) == 20 and sum(sizes(data).values()) == ROWS, source


# ---- pictures


def test_a_folder_too_many_around_train_and_test(tmp_path: Path) -> None:
    for n in range(45):
        picture(
            tmp_path / "archive" / "data" / ("test" if n % 5 == 4 else "train") / ("cat", "dog", "owl")[n % 3] / f"{n}.png", n
        )
    data, said = load(tmp_path / "archive")
    assert data.labels == ("cat", "dog", "owl") and len(data.rows("test")) == 9 and "folder |" in said


def test_labels_in_the_names_of_files(tmp_path: Path) -> None:
    for n in range(45):
        picture(tmp_path / "train" / f"{('cat', 'dog')[n % 2]}.{n}.png", 2 * n + n % 2)
    assert load(tmp_path / "train")[0].labels == ("cat", "dog")


def test_tables_of_pictures(tmp_path: Path) -> None:
    for n in range(45):
        picture(tmp_path / "img" / f"{n}.png", n)
    tags = ("cat dog", "dog", "owl cat")
    rows = [f"img\\{n}.png,{('train', 'train', 'val', 'train', 'test')[n % 5]},{tags[n % 3]}" for n in range(45)]
    source = write(tmp_path / "withset.csv", "filename,set,tags", *rows)
    data, _ = load(source, target="labels")
    assert sizes(data) == {"train": 27, "valid": 9, "test": 9}
    assert data.labels == ("cat", "dog", "owl")
    remote = write(tmp_path / "far.csv", "filename,label", *(f"gs://bucket/{n}.png,{'ab'[n % 2]}" for n in range(45)))
    assert "gs://" in refused("E281", remote)
    near = write(tmp_path / "near.csv", "filename,label", *(f"{n}.png,{'ab'[n % 2]}" for n in range(45)))
    _, notes = load(near)
    assert "img/, beside the table" in notes


def test_boxes_around_objects_are_told_from_classes(tmp_path: Path) -> None:
    for n in range(6):
        picture(tmp_path / "ds" / "images" / "train" / f"{n}.png", n)
        place = tmp_path / "ds" / "labels" / "train" / f"{n}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("0 0.5 0.5 0.2 0.2\n")
    assert "boxes" in refused("E284", tmp_path / "ds")


# ---- predicting and measuring


@pytest.fixture(scope="module")
def texts_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    source = write_csv(folder / "train.csv", texts())
    return tw.train(source, out=folder / "run", listen=lambda event: None, **QUICK).path


@pytest.fixture(scope="module")
def numbers_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbers")
    rows = [f"{n % 17 + 0.5},{('oslo', 'rome')[n % 2]},{'ab'[n % 2]}" for n in range(ROWS)]
    source = write(folder / "train.csv", "size,city,label", *rows)
    return tw.train(source, out=folder / "run", listen=lambda event: None, **QUICK).path


def test_bad_rows_are_named_and_left_out_of_predictions(texts_run, tmp_path: Path, capsys, monkeypatch) -> None:
    lines = ["id,text", "1,goal match team", "2,bank,market", "3,", '4,"never closed']
    out, err, code = talk(capsys, monkeypatch, "predict", texts_run, write(tmp_path / "new.csv", *lines))
    assert code == 0 and len(out.splitlines()) == 3 and "row 3" in err and "row 5" in err
    said = talk(capsys, monkeypatch, "predict", texts_run, write(tmp_path / "new.txt", "goal match team", "bank tax"))
    assert said[2] == 2 and "predict RUN - < " in said[1]


def test_tables_are_predicted_by_the_names_of_columns(numbers_run, tmp_path: Path, capsys, monkeypatch) -> None:
    unseen = write(tmp_path / "unseen.csv", "city,size", "rome,3", "paris,3", "oslo,abc")
    out, err, code = talk(capsys, monkeypatch, "predict", numbers_run, unseen)
    assert code == 0 and len(out.splitlines()) == 3 and "row 4" in err and "'abc' is not a number" in err
    lacking = talk(capsys, monkeypatch, "predict", numbers_run, write(tmp_path / "nocol.csv", "age,city", "3,rome"))
    assert lacking[2] == 2 and "no column 'size'" in lacking[1]
    commas = talk(
        capsys, monkeypatch, "predict", numbers_run, write(tmp_path / "semi.csv", "size;city", "8,0;rome", "9,5;oslo")
    )
    assert commas[2] == 2 and "E212" in commas[1] and not commas[0]


def test_a_test_file_of_which_no_row_can_be_read_is_refused(tmp_path: Path) -> None:
    rows = [f"{n % 17 + 0.5};{n % 5 + 0.25};{n * 1.5}" for n in range(ROWS)]
    train = write(tmp_path / "train.csv", "a;b;y", *rows)
    test = write(tmp_path / "test.csv", "a;b;y", *(row.replace(".", ",") for row in rows[:20]))
    refused("E212", train, test=test)


def test_a_column_of_no_time_is_named(tmp_path: Path) -> None:
    source = write(tmp_path / "dmy.csv", "when,text,label", *(f"soon,{text},{label}" for label, text in texts()))
    assert "'when'" in refused("E220", source, split="time:when")
