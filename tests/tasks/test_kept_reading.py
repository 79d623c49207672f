"""What training was told, or found out, of reading a file holds for the files that a model is used on."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from calls import talk
from picture_samples import picture

import trainwright as tw

WORDS = {"\u7f8e\u98df": "\u9ec4\u70e4\u6cb9\u8471", "\u79d1\u6280": "\u670d\u7f51\u5185\u5b58"}


def table(rows: int, delimiter: str = ",") -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["text", "label"])
    for n in range(rows):
        label = list(WORDS)[n % 2]
        writer.writerow([" ".join((WORDS[label] * 3)[n % 5 : n % 5 + 4]) + f" {n}", label])
    return stream.getvalue()


def put(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> tuple[tw.Run, Path]:
    folder = tmp_path_factory.mktemp("kept")
    source = put(folder / "gbk.csv", table(60), "gb18030")
    run = tw.train(source, encoding="gb18030", epochs=3, speed="off", out=folder / "run", listen=lambda _: None)
    return run, folder


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
def test_a_model_reads_files_of_its_own_encoding_and_those_that_show_another(
    chinese: tuple[tw.Run, Path], encoding: str
) -> None:
    run, folder = chinese
    file = put(folder / "new.csv", table(9), encoding)
    assert set(run.report["labels"]) == set(WORDS)
    assert run.evaluate(file)["accuracy"] == 1.0
    answers = run.predictor.predict_file(file)
    assert [each[0][0] for each in answers.answers] == [list(WORDS)[n % 2] for n in range(9)]
    assert any("gb18030" in note for note in answers.notes) == (encoding == "gb18030")


def test_a_run_can_be_verified_shown_and_gone_on_from_as_it_was_read(
    chinese: tuple[tw.Run, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, folder = chinese
    assert not tw.verify(run).wrong
    assert all(
        any(word in each["input"] for word in "".join(WORDS.values())) for each in tw.mistakes(run) or [{"input": "\u9ec4"}]
    )
    words = ["train", folder / "gbk.csv", "--from", run.path, "epochs=1", "speed=off", "--out", folder / "second"]
    out, err, code = talk(capsys, monkeypatch, *words)
    assert code == 0 and "as in training" in out + err
    assert set(tw.load(folder / "second").report["labels"]) == set(WORDS)
    assert tw.load(folder / "second").evaluate(put(folder / "new.csv", table(9), "gb18030"))["accuracy"] == 1.0


def test_an_encoding_that_was_told_is_kept_like_one_that_was_said(tmp_path: Path) -> None:
    source = put(tmp_path / "a.csv", table(60), "gb18030")
    run = tw.train(source, epochs=1, speed="off", out=tmp_path / "run", listen=lambda _: None)
    kept = json.loads((run.path / "model" / "model.json").read_text())["columns"]
    assert kept["reading"] == {"encoding": "gb18030"}
    western = tw.train(put(tmp_path / "b.csv", table(60)), epochs=1, speed="off", out=tmp_path / "b", listen=lambda _: None)
    assert "reading" not in json.loads((western.path / "model" / "model.json").read_text())["columns"]


def test_what_is_said_is_part_of_what_is_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes are two tables."""
    monkeypatch.setenv("TRAINWRIGHT_CACHE", str(tmp_path / "cache"))
    rows = "".join(f"goal match team {n};sport\nsoup onion oven {n};food\n" for n in range(30))
    source = put(tmp_path / "a.csv", rows)
    known = {"epochs": 1, "speed": "off", "listen": lambda _: None, "delimiter": ";", "label": "2", "text": "1"}
    rows_of = lambda **said: sum(tw.train(source, out=tmp_path / str(said), **known, **said).report["rows"].values())  # type: ignore[arg-type] # noqa: E731
    assert (rows_of(header="no"), rows_of()) == (60, 60)
    columns = {"label": "sport", "text": "goal match team 0"}
    again = tw.train(source, header="yes", out=tmp_path / "yes", **(known | columns))  # type: ignore[arg-type]
    assert sum(again.report["rows"].values()) == 59


@pytest.mark.parametrize("kind", ["table", "image"])
def test_tables_and_images_keep_a_delimiter(tmp_path: Path, kind: str) -> None:
    """No other would be guessed: an exclamation mark stands between the fields."""
    (tmp_path / "img").mkdir()
    lines = ["name!size!label"] if kind == "table" else ["image!label"]
    for n in range(40):
        picture(tmp_path / "img" / f"{n}.png", seed=n)
        lines.append(f"word{n % 3}!{n % 2 + n / 100}!{'ab'[n % 2]}" if kind == "table" else f"img/{n}.png!{'ab'[n % 2]}")
    source = put(tmp_path / "a.dat", "\n".join(lines) + "\n")
    run = tw.train(source, delimiter="!", epochs=1, speed="off", out=tmp_path / "run", listen=lambda _: None)
    assert run.predictor.task == kind and set(run.report["labels"]) == {"a", "b"}
    new = put(tmp_path / "new.dat", "\n".join(lines[:9]) + "\n")
    assert run.evaluate(new)["n"] == 8 and len(run.predictor.predict_file(new).answers) == 8
    commas = put(tmp_path / "commas.csv", "\n".join(lines[:9]).replace("!", ",") + "\n")
    assert run.evaluate(commas)["n"] == 8
    assert not tw.verify(run).wrong
