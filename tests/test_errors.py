"""Mistakes: each gets exactly one message with a code, exit code 2, no traceback, and leaves nothing half-written."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from calls import call, talk
from samples import news_rows, reseal, write_csv

ROWS = news_rows(60)
TEXT = "\n".join(f"{label},{text}" for label, text in ROWS)


def put(name: str, content: str | bytes) -> Callable[[], str]:
    """A maker of the file ``name`` in the current folder."""

    def make() -> str:
        Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    return make


def good() -> str:
    return str(write_csv(Path("good.csv"), ROWS))


def with_rows(*extra: tuple[str, ...]) -> Callable[[], str]:
    return lambda: str(write_csv(Path("rows.csv"), [*ROWS, *extra]))


def taken() -> str:
    Path("taken").mkdir()
    Path("taken/file").touch()
    return good()


def blocked() -> str:
    Path("blocked").touch()
    return good()


def folder() -> str:
    Path("folder").mkdir()
    return "folder"


def locked() -> str:
    Path("loop").symlink_to("loop")
    return "loop"


MISTAKES: list[tuple[str, Callable[[], str], list[str], str, str]] = [
    ("wrong path", lambda: "nothing.csv", [], "E101", "nothing.csv"),
    ("nearly right path", lambda: good().replace("good", "goood"), [], "E101", "good.csv"),
    ("a link to itself", locked, [], "E10[12]", "loop"),
    ("empty file", put("empty.csv", ""), [], "E103", "empty.csv"),
    ("only white space", put("blank.csv", " \n\n"), [], "E1", "blank.csv"),
    ("header only", put("bare.csv", "label,text\n"), [], "E109", "bare.csv"),
    ("one class", put("one.csv", "label,text\n" + "\n".join(f"a,text {i} and words" for i in range(30))), [], "E216", "'a'"),
    ("no label column", put("no.csv", "text\n" + "\n".join(f"some text number {i}" for i in range(30))), [], "E202", "label="),
    ("named label missing", good, ["label=topic"], "E201", "topic"),
    ("named text misspelt", good, ["text=txet"], "E201", "'text'"),
    ("a flag as a setting", good, ["test=b.csv"], "E330", "--test"),
    ("another flag as a setting", good, ["from=runs/a"], "E330", "--from"),
    ("a setting of another task", good, ["augment=shift"], "E321", "image"),
    ("a model of another task", good, ["model=convnet"], "E322", "bag"),
    ("an augmentation misspelt", good, ["augment=shfit"], "E302", "shift"),
    ("label and text the same", good, ["text=label", "label=label"], "E204", "label"),
    (
        "every label different",
        put("ids.csv", "label,text\n" + "\n".join(f"x{i},words {i}" for i in range(50))),
        [],
        "E205",
        "label",
    ),
    ("no labels at all", put("void.csv", "label,text\n" + "\n".join(f",words {i}" for i in range(30))), [], "E2", "void.csv"),
    ("misspelt label that occurs once", with_rows(("sprot", "goal of the match")), [], "E217", "row 62"),
    ("mostly ragged rows", put("rag.csv", "label,text\na,b\n" + "a,b,c\n" * 9 + "b,c\n"), [], "E2", "3 fields"),
    ("duplicate header", put("dup.csv", "label,text,text\n" + TEXT.replace(",", ",x,")), [], "E110", "text"),
    ("NUL bytes everywhere", put("nul.csv", b"label,text\n" + b"a,\x00b\n" * 30), [], "E1", "nul.csv"),
    ("an image named csv", put("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4), [], "E104", "picture.csv"),
    ("a zip named csv", put("zip.csv", b"PK\x03\x04" + bytes(200)), [], "E104", "zip.csv"),
    ("a torn gzip", put("torn.csv.gz", gzip.compress(TEXT.encode())[:-20]), [], "E105", "torn.csv.gz"),
    ("no gzip at all", put("text.csv.gz", b"\x1f\x8b" + b"junk" * 20), [], "E105", "text.csv.gz"),
    ("broken json", put("rows.json", '[{"label": "a", "text": '), [], "E113", "rows.json"),
    ("json that is no table", put("dict.json", '{"a": 1}'), [], "E114", "dict.json"),
    ("jsonl of junk", put("junk.jsonl", "{not json}\n" * 20), [], "E1", "junk.jsonl"),
    ("broken parquet", put("p.parquet", b"PAR1" + bytes(100)), [], "E115", "p.parquet"),
    ("a folder without classes", folder, [], "E112", "folder"),
    ("unknown data set", lambda: "python-dosc", [], "E130", "python-docs"),
    ("named data offline", lambda: "ag_news", ["--offline"], "E131", "python-docs"),
    ("unknown setting", good, ["epohcs=3"], "E301", "epochs"),
    ("unknown model setting", good, ["model.ngram=3"], "E301", "model.ngrams"),
    ("a setting of another model", good, ["model=lstm", "model.weighting=none"], "E301", "model.weighting"),
    ("whose it is", good, ["model=lstm", "model.weighting=none"], "E301", "It is for model=bag."),
    ("an empty name", good, ["--out", ""], "E169", "--out ''"),
    ("an empty name behind a sign", good, ["--test="], "E169", "--test ''"),
    ("a name that is not UTF-8", put("\udcff.csv", TEXT), [], "E169", "UTF-8"),
    ("a run folder that is not UTF-8", good, ["--out", "\udcff"], "E169", "UTF-8"),
    ("wrong type", good, ["epochs=many"], "E302", "epochs"),
    ("out of range", good, ["valid_fraction=1"], "E302", "valid_fraction"),
    ("not a number", good, ["lr=nan"], "E302", "lr"),
    ("nothing left to train on", good, ["valid_fraction=0.6", "test_fraction=0.6"], "E302", "nothing is left"),
    ("a word that is no setting", good, ["epochs"], "E351", "epochs=VALUE"),
    ("a setting twice", good, ["lr=1", "lr=2"], "E304", "lr"),
    ("misspelt model", good, ["model=textcn"], "E306", "textcnn"),
    ("misspelt recipe", good, ["--recipe", "new"], "E307", "news"),
    ("a recipe file that is none", good, ["--recipe", "good.toml"], "E308", "good.toml"),
    ("misspelt optimizer", good, ["optimizer=Adamw"], "E310", "AdamW"),
    ("misspelt argument", good, ["optimizer=SGD", "optimizer.nestrov=true"], "E311", "nesterov"),
    ("refused argument", good, ["optimizer=SGD", "optimizer.momentum=-1"], "E312", "momentum"),
    ("a schedule without its step", good, ["schedule=StepLR"], "E319", "step_size"),
    ("a schedule with a wrong step", good, ["schedule=StepLR", "schedule.step_size=x"], "E312", "StepLR"),
    ("a loss for other tasks", good, ["loss=CTCLoss"], "E313", "CTCLoss"),
    ("no such device", good, ["device=tpu"], "E314", "cpu"),
    ("a device that is not here", good, ["device=xpu"], "E314", "cpu"),
    ("patience without validation", good, ["patience=2", "valid_fraction=0"], "E315", "patience"),
    ("split by a missing column", good, ["split=group:author"], "E213", "author"),
    ("no source", lambda: "lr=1", [], "E316", "SOURCE"),
    ("an empty source", lambda: "", [], "E101", "''"),
    ("two sources", good, ["other.csv"], "E317", "other.csv"),
    ("unknown option", good, ["--fast"], "E318", "--fast"),
    ("test file missing", good, ["--test", "later.csv"], "E101", "later.csv"),
    ("test file without the columns", lambda: put("t.csv", "x,y\n1,2\n")() and good(), ["--test", "t.csv"], "E213", "t.csv"),
    (
        "test file of other classes",
        lambda: put("t.csv", "label,text\nfoo,bar\n")() and good(),
        ["--test", "t.csv"],
        "E215",
        "foo",
    ),
    ("test file for embedded data", lambda: good() and "python-docs", ["--test", "good.csv"], "E211", "python-docs"),
    ("run folder taken", taken, ["--out", "taken"], "E401", "taken"),
    ("run folder is a file", blocked, ["--out", "blocked"], "E401", "blocked"),
    ("run folder below a file", blocked, ["--out", "blocked/run"], "E402", "blocked"),
    ("nothing occurs often enough", good, ["min_count=100000"], "E218", "min_count"),
]


@pytest.mark.parametrize(("make", "words", "code", "says"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_in_training(make, words, code: str, says: str, capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    source = make()
    before = {path: path.stat().st_size for path in sorted(tmp_path.rglob("*")) if not path.is_symlink()}
    out, err, exit_code = talk(capsys, monkeypatch, "train", source, *words, "--quiet")
    assert exit_code == 2 and out == ""
    messages = re.findall(r"^E\d{3}: .+", err, re.MULTILINE)
    assert len(messages) == 1 and re.match(code, messages[0]), err
    assert says in err and "mend:" in err and "Traceback" not in err
    assert {path: path.stat().st_size for path in sorted(tmp_path.rglob("*")) if not path.is_symlink()} == before


def test_at_least_forty_mistakes() -> None:
    assert len(MISTAKES) >= 40


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["predict", "nowhere", "text"], "E403"),
        (["predict", "{run}", "missing.csv"], "E435"),
        (["evaluate", "{run}", "missing.csv"], "E101"),
        (["evaluate", "{run}", "strange.csv"], "E219"),
        (["predict", "{run}"], "E318"),
        (["predict", "{run}", "text", "--top", "x"], "E318"),
        (["recipes", "show", "nwes"], "E307"),
        (["settings", "lrr"], "E301"),
        (["tarin", "x.csv"], "E352"),
    ],
)
def test_a_mistake_elsewhere(words: list[str], code: str, trained, capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    put("strange.csv", "label,text\nfoo,bar\nbaz,boo\n")()
    out, err, exit_code = talk(capsys, monkeypatch, *[word.format(run=trained.path) for word in words])
    assert exit_code == 2 and out == "" and re.findall(r"^E\d{3}", err, re.MULTILINE) == [code]


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("model.safetensors", b"junk", "E404"),
        ("model.safetensors", None, "E411"),
        ("encoder.safetensors", b"", "E404"),
        ("vocabulary.json", b'["a"', "E404"),
        ("vocabulary.json", b'["<pad>", "<unk>"]', "E404"),
        ("model.json", b"{}", "E404"),
        ("model.json", b'{"format": 99}', "E407"),
    ],
)
def test_a_damaged_model(file: str, content: bytes | None, code: str, trained, capsys, monkeypatch, tmp_path: Path) -> None:
    import shutil

    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    (run / "model" / file).unlink() if content is None else (run / "model" / file).write_bytes(content)
    _, err, exit_code = talk(capsys, monkeypatch, "predict", run, "text")
    assert exit_code == 2 and re.findall(r"^E\d{3}", err, re.MULTILINE) == ["E411"] and file in err
    reseal(run / "model")  # as one who made the bundle with a content that cannot be used
    _, err, exit_code = talk(capsys, monkeypatch, "predict", run, "text")
    assert exit_code == 2 and re.findall(r"^E\d{3}", err, re.MULTILINE) == [code]


def test_bad_rows_are_named_and_the_rest_trains(capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        "label,text",
        *[f"{label},{text}" for label, text in ROWS],
        "sport,too,many",
        "sport",
        ",no label",
        "money,ok \x00 not",
    ]
    put("mixed.csv", "\n".join(lines) + "\n")()
    out, _, code = talk(capsys, monkeypatch, "train", "mixed.csv", "--out", "run", "epochs=1")
    assert code == 0 and "left out" in out and "row 62" in out
    data = json.loads(Path("run/data.json").read_text())
    assert data["rejected"] == 4 and [row["row"] for row in data["rejected_rows"]] == [62, 63, 65, 64]
    assert all(row["file"] == "mixed.csv" and row["reason"] for row in data["rejected_rows"])


def test_a_line_of_a_gigabyte(tmp_path: Path) -> None:
    with (tmp_path / "long.csv").open("wb") as file:
        file.write(b"label,text\na,")
        file.seek(1 << 30)
        file.write(b"x\n")
    done = call("train", "long.csv", cwd=tmp_path, code=2)
    assert re.findall(r"^E\d{3}", done.stderr, re.MULTILINE) == ["E107"] and not (tmp_path / "runs").exists()


def test_a_loss_that_is_not_finite_stops_with_code_three(news: Path) -> None:
    done = call("train", news, "lr=8e37", "optimizer=SGD", "loss=CrossEntropyLoss", "--out", "run", cwd=news.parent, code=3)
    assert re.findall(r"^E\d{3}", done.stderr, re.MULTILINE) == ["E501"]
    assert "rows" in done.stderr and str(news) in done.stderr
    assert not (news.parent / "run" / "model").exists()


def test_ctrl_c_is_no_success(news: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "trainwright", "train", str(news), "epochs=100000", "--out", "run"],
        cwd=news.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().startswith("1 "):  # the first epoch is over
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in err and "Traceback" not in err
    assert not (news.parent / "run" / "model").exists()


def test_a_file_of_answers_says_what_it_left_out_and_keeps_every_column(trained, capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    put("new.csv", "text,predicted\nmoon rocket,old\ntoo,many,fields\ngoal match,older\n")()
    out, err, code = talk(capsys, monkeypatch, "predict", trained.path, "new.csv")
    assert code == 0 and "left out: 1 rows" in err and "row 3" in err
    assert out.splitlines()[0] == "text,predicted,predicted_by_model,probability_by_model" and ",old," in out
    out, _, _ = talk(capsys, monkeypatch, "predict", trained.path, "new.csv", "--json")
    assert [json.loads(line)["row"] for line in out.splitlines()] == [2, 4]
    out, _, code = talk(capsys, monkeypatch, "predict", trained.path, "-", stdin="caf\udce9 moon rocket\n")
    assert code == 0 and out.startswith("space")


@pytest.mark.parametrize("how", ["time:same", "group:same"])
def test_a_split_that_leaves_nothing_is_refused(how: str, capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_csv(Path("a.csv"), [(*row, "2026-01-01") for row in ROWS], ("label", "text", "same"))
    _, err, code = talk(capsys, monkeypatch, "train", source, f"split={how}", "text=text", "label=label")
    assert code == 2 and "E221" in err and f"of {len(ROWS)} rows 1 differ" in err and not Path("runs").exists()


def test_a_table_of_few_different_rows_is_refused_for_that(capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_csv(Path("a.csv"), [ROWS[0], ROWS[-1]] * 40)
    _, err, code = talk(capsys, monkeypatch, "train", source)
    assert code == 2 and "E221" in err and "of 80 rows 2 differ" in err


def test_dates_that_do_not_sort_are_refused(capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_csv(
        Path("a.csv"), [(*row, f"{n % 12 + 1:02}/01/2026") for n, row in enumerate(ROWS)], ("label", "text", "day")
    )
    _, err, code = talk(capsys, monkeypatch, "train", source, "split=time:day", "text=text", "label=label")
    assert code == 2 and "E223" in err and "dates=dmy" in err and "'day'" in err
    words = ["train", source, "split=time:day", "dates=dmy", "text=text", "label=label", "epochs=1"]
    assert talk(capsys, monkeypatch, *words)[2] == 0


def test_what_is_no_time_is_refused(capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [(*row, f"{n % 28 + 1} mars 2026") for n, row in enumerate(ROWS)]
    source = write_csv(Path("a.csv"), rows, ("label", "text", "day"))
    _, err, code = talk(capsys, monkeypatch, "train", source, "split=time:day", "text=text", "label=label")
    assert code == 2 and "E220" in err and "'1 mars 2026' in column 'day'" in err
