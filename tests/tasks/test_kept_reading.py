"""What training was told, or found out, of reading a file holds for the files that a model is used on."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from calls import talk
from picture_samples import picture
from samples import evaluate_all

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
    assert evaluate_all(run, file)["accuracy"] == 1.0
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
    assert evaluate_all(tw.load(folder / "second"), put(folder / "new.csv", table(9), "gb18030"))["accuracy"] == 1.0


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
    assert evaluate_all(run, new)["n"] == 8 and len(run.predictor.predict_file(new).answers) == 8
    commas = put(tmp_path / "commas.csv", "\n".join(lines[:9]).replace("!", ",") + "\n")
    assert evaluate_all(run, commas)["n"] == 8
    assert not tw.verify(run).wrong


# ---- a new file that is written otherwise

SAID = {"delimiter": "semicolon", "encoding": "cp850", "decimal": "comma", "dates": "mdy"}


def day(n: int) -> tuple[int, int]:
    return n % 28 + 1, n % 12 + 1


@pytest.fixture(scope="module")
def otherwise(tmp_path_factory: pytest.TempPathFactory) -> tuple[tw.Run, Path, Path]:
    """A model of a table, a file as that of training, and one of the same rows that is written otherwise in every way."""
    folder = tmp_path_factory.mktemp("otherwise")
    first, second = ["kind,price,day,label"], ["kind;price;day;label"]
    for n in range(80):
        kind, price, (d, m), label = (
            f"gr\u00f6\u00dfe{n % 3}",
            (n * 37 % 80) * 1.125,
            day(n),
            "hi" if n * 37 % 80 > 40 else "lo",
        )
        first.append(f"{kind},{price:.3f},{d:02}/{m:02}/2021,{label}")
        second.append(f"{kind};{price:.3f};{m:02}/{d:02}/2021;{label}".replace(".", ","))
    source, new = put(folder / "a.csv", "\n".join(first)), put(folder / "new.dat", "\n".join(second), "cp850")
    run = tw.train(source, dates="dmy", decimal="point", epochs=8, speed="off", out=folder / "run", listen=lambda _: None)
    return run, source, new


def test_a_file_written_otherwise_is_read_where_that_is_said(
    otherwise: tuple[tw.Run, Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, source, new = otherwise
    before = (run.path / "model" / "model.json").read_bytes()
    right = evaluate_all(run, source)
    assert evaluate_all(run, new, **SAID)["loss"] == right["loss"] and right["n"] == 80
    found = run.predict(new, **SAID)
    assert found.answers == run.predict(source).answers and found.frame["price"][1] == "41,625"
    words = [f"{key}={value}" for key, value in SAID.items()]
    out, _, code = talk(capsys, monkeypatch, "evaluate", run.path, *words, new, "--json")
    assert code == 0 and json.loads(out)["apart"] == json.loads(json.dumps(run.evaluate(source)["apart"]))  # and known again
    out, _, code = talk(capsys, monkeypatch, "predict", run.path, new, *words, "--json")
    assert code == 0 and [json.loads(line)["label"] for line in out.splitlines()] == [label for label, _ in found.answers]
    assert before == (run.path / "model" / "model.json").read_bytes()
    assert evaluate_all(run, source)["loss"] == right["loss"]  # it is kept nowhere
    on = tw.train(new, from_run=run.path, epochs=0, speed="off", out=new.with_name("on"), listen=lambda _: None, **SAID)
    assert evaluate_all(on, new)["loss"] == right["loss"]


def test_what_cannot_be_said_of_a_file(
    otherwise: tuple[tw.Run, Path, Path],
    chinese: tuple[tw.Run, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, _, new = otherwise
    texts, _ = chinese
    row = {"kind": "a", "price": "1,5", "day": "2021-01-02"}
    assert len(run.predict([row], decimal="comma", dates="ymd")) == 1  # numbers as text have a mark in memory too
    for call, code in [
        (lambda: run.predict([row], delimiter=";"), "E354"),
        (lambda: run.evaluate(None, decimal="comma"), "E354"),
        (lambda: run.predict(new, epochs=3), "E320"),
        (lambda: run.evaluate(new, header="maybe"), "E302"),
        (lambda: texts.evaluate(new, decimal="comma"), "E329"),
    ]:
        with pytest.raises(tw.TrainwrightError) as caught:
            call()
        assert caught.value.code == code
    for words, said in [
        (["predict", texts.path, "moon", "delimiter=;"], "E354: delimiter=;"),
        (["evaluate", run.path, "decimal=comma"], "E354: decimal=comma"),
        (["predict", run.path, new, "lr=1"], "E353: lr=1"),
        (["predict", run.path, new, "--delimiter", "tab"], "E350: --delimiter"),
        (["evaluate", run.path, new, new], "E318: one file"),
    ]:
        out, err, code = talk(capsys, monkeypatch, *words)
        assert (code, out) == (2, "") and err.startswith(said)


def test_texts_and_images_written_otherwise(chinese: tuple[tw.Run, Path], tmp_path: Path) -> None:
    run, _ = chinese
    new = put(tmp_path / "new.dat", table(9, "\x7f"), "utf-16-le")
    assert evaluate_all(run, new, delimiter="\x7f", encoding="utf-16-le")["accuracy"] == 1.0
    (tmp_path / "img").mkdir()
    names = [f"img/{n}.png" for n in range(20)]
    for n, name in enumerate(names):
        picture(tmp_path / name, seed=n)
    source = put(tmp_path / "a.csv", "image,price\n" + "".join(f"{name},{n / 8}\n" for n, name in enumerate(names)))
    pictures = tw.train(source, epochs=1, speed="off", label="price", out=tmp_path / "run", listen=lambda _: None)
    other = put(
        tmp_path / "b.csv", source.read_text().replace(".", "!").replace("!png", ".png").replace(",", "~").replace("!", ",")
    )
    assert evaluate_all(pictures, other, delimiter="~", decimal="comma")["rmse"] == evaluate_all(pictures, source)["rmse"]
    with pytest.raises(tw.TrainwrightError, match="E190"):
        pictures.predict(tmp_path / "img", delimiter="~")


@pytest.mark.parametrize("day", ["none", "2026-01-{:02}"])
def test_what_no_column_has_a_use_for_may_be_said_again(tmp_path: Path, day: str) -> None:
    rows = "\n".join(f"{'yes' if n % 3 else 'no'},{n},{day.format(1 + n % 9)}" for n in range(40))
    (tmp_path / "table.csv").write_text(f"label,one,day\n{rows}\n")
    said = {"dates": "mdy", "epochs": 1, "listen": lambda event: None}
    run = tw.train(tmp_path / "table.csv", out=tmp_path / "run", **said)
    on = tw.train(tmp_path / "table.csv", from_run=run.path, out=tmp_path / "on", **said).report
    assert on["epochs"] == 1 and on["rows"] == run.report["rows"]
