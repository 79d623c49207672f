"""Words that are not what they are written as, what a bare command says, help with examples, and completion."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from calls import talk
from hypothesis import given
from hypothesis import strategies as st
from samples import news_rows, write_csv

import trainwright as tw
from trainwright import cli, cli_completion, cli_help, cli_output, errors
from trainwright.config.resolve import keys
from trainwright.errors import MESSAGES, TrainwrightError, error, in_a_line

COMMANDS: dict[str, Any] = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
SPLIT = [
    (["lr", "0.1"], "lr=0.1"),
    (["epochs", "=", "3"], "epochs=3"),
    (["epochs=", "3"], "epochs=3"),
    (["epochs", "=3"], "epochs=3"),
    (["seed=1", "model.embedding", "64"], "model.embedding=64"),
    (["epochs"], "epochs=VALUE"),
]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    write_csv(Path("good.csv"), news_rows(60))
    return tmp_path


@pytest.mark.parametrize(("words", "meant"), SPLIT, ids=[" ".join(words) for words, _ in SPLIT])
@pytest.mark.parametrize("verb", ["train good.csv", "resume run"])
def test_a_setting_in_several_words_is_named_as_one(verb: str, words, meant: str, capsys, monkeypatch, here) -> None:
    out, err, code = talk(capsys, monkeypatch, *verb.split(), *words)
    assert code == 2 and out == "" and err.startswith("E351") and f"Write {meant}," in err


@pytest.mark.parametrize("word", ["--epochs 3", "--epochs=3", "-epochs 3"])
@pytest.mark.parametrize("verb", ["train good.csv", "resume run"])
def test_a_setting_as_a_flag_is_named_as_a_setting(verb: str, word: str, capsys, monkeypatch, here: Path) -> None:
    _, err, code = talk(capsys, monkeypatch, *f"{verb} {word}".split())
    assert code == 2 and err.startswith("E350") and "Write epochs=3," in err


def test_dashes_within_a_setting(capsys, monkeypatch, here: Path) -> None:
    _, err, _ = talk(capsys, monkeypatch, "train", "good.csv", "--batch-size", 8)
    assert err.startswith("E350") and "Write batch_size=8," in err


@pytest.mark.parametrize("verb", sorted(set(COMMANDS) - {"train", "resume", "inspect"}))
def test_a_verb_without_settings_says_where_they_belong(verb: str, capsys, monkeypatch, here: Path) -> None:
    _, err, code = talk(capsys, monkeypatch, verb, "--epochs", 3)
    assert code == 2 and err.startswith("E353: epochs=3") and "trainwright train SOURCE epochs=3" in err


def test_settings_among_what_a_model_is_asked(trained, capsys, monkeypatch, here: Path) -> None:
    for words in (["predict", trained.path, "moon", "lr=0.1"], ["evaluate", trained.path, "lr=0.1"]):
        out, err, code = talk(capsys, monkeypatch, *words)
        assert code == 2 and out == "" and err.startswith("E353: lr=0.1")
    _, err, _ = talk(capsys, monkeypatch, "predict", trained.path, "moon", "top=2")
    assert err.startswith("E330") and "--top" in err
    _, err, _ = talk(capsys, monkeypatch, "generate", trained.path, "tokens=2")
    assert err.startswith("E330") and "--tokens" in err
    out, _, code = talk(capsys, monkeypatch, "predict", trained.path, "a = 3", "moon=1", "-")
    assert code == 0 and len(out.splitlines()) == 3  # not the names of settings
    Path("lr=0.1").write_text("goal of the match\n")
    assert talk(capsys, monkeypatch, "predict", trained.path, "-", stdin="lr=0.1\n")[2] == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("tarin good.csv", "Did you mean 'train'?"),
        ("good.csv", "`trainwright train good.csv`"),
        ("recipes shw x", "Did you mean 'show'?"),
        ("frobnicate", "The commands are: train, "),
    ],
)
def test_an_unknown_command(words: str, says: str, capsys, monkeypatch, here: Path) -> None:
    _, err, code = talk(capsys, monkeypatch, *words.split())
    assert code == 2 and err.startswith("E352") and says in err


@pytest.mark.parametrize(("flag", "meant"), [("--tset", "--test"), ("--batch", "batch_size=VALUE"), ("--jsn", "--json")])
def test_a_flag_that_is_nearly_one(flag: str, meant: str, capsys, monkeypatch, here: Path) -> None:
    _, err, code = talk(capsys, monkeypatch, "train", "good.csv", flag, "x")
    assert code == 2 and err.startswith("E318") and f"Did you mean {meant}?" in err


def test_words_that_miss_their_argument_come_with_an_example(capsys, monkeypatch) -> None:
    _, err, code = talk(capsys, monkeypatch, "predict")
    assert code == 2 and err.startswith("E318") and cli_help.EXAMPLES["predict"][0] in err
    assert talk(capsys, monkeypatch, "train")[1].startswith("E316")


def test_a_bare_command_greets(capsys, monkeypatch) -> None:
    out, err, code = talk(capsys, monkeypatch)
    assert code == 0 and err == "" and len(re.findall("^  trainwright ", out, re.MULTILINE)) == 3
    assert max(map(len, out.splitlines())) <= 120


@pytest.mark.parametrize("words", [("--version",), ("-h",), ("train", "-h"), ("predict", "--help")])
def test_version_and_help_are_no_error(words: tuple[str, ...], capsys, monkeypatch) -> None:
    out, err, code = talk(capsys, monkeypatch, *words)
    assert code == 0 and err == "" and (out == f"trainwright {tw.__version__}\n" or "Usage: trainwright" in out)


def test_help_has_every_verb_once_in_full(capsys, monkeypatch) -> None:
    assert sorted(name for names in cli_help.GROUPS.values() for name in names) == sorted(COMMANDS)
    out, _, _ = talk(capsys, monkeypatch, "--help")
    assert "...\n" not in out.partition("\n")[2]
    out, _, _ = talk(capsys, monkeypatch, "train", "--help")
    heads = re.findall(r"^([A-Z][\w ]+):$", out, re.MULTILINE)
    assert heads == ["Arguments", "Data", "Run", "What is said", "Options", "Examples"]


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_help_has_examples_of_words_that_there_are(verb: str, capsys, monkeypatch) -> None:
    out, _, _ = talk(capsys, monkeypatch, verb, "--help")
    for example in cli_help.EXAMPLES[verb]:
        assert f"  {example}\n" in out
        words = shlex.split(example.partition(" #")[0])
        if words[0] != "trainwright":  # eval "$(trainwright completion bash)"
            words = shlex.split(words[1].removeprefix("$(").removesuffix(")"))
        assert words[1] == verb
        flags = {flag for each in COMMANDS[verb].params for flag in (*each.opts, *each.secondary_opts)}
        assert {word for word in words[2:] if word.startswith("--")} <= flags
        if verb in cli_completion.TRAINING:
            assert {word.partition("=")[0] for word in words if "=" in word} <= set(keys())


def complete(*words: str) -> list[str]:
    return list(cli_completion.candidates(COMMANDS, list(words)))


def test_words_that_may_follow() -> None:
    assert complete("tra") == ["train"] and "predict" in complete("") and "--version" in complete("--")
    assert complete("train", "--f") == ["--from", "--fix"] and "--no-open" in complete("watch", "--no")
    assert complete("train", "--js", "a.csv", "ep")[-1:] == ["epochs="]
    assert set(complete("train", "a.csv", "model.emb")) == {"model.embedding="}
    assert complete("train", "a.csv", "target=") == ["target=class", "target=number", "target=labels"]
    assert "model=lstm" in complete("train", "a.csv", "model=l") and complete("train", "a.csv", "compile=t") == ["compile=true"]
    assert complete("predict", "run", "de") == ["delimiter=", "decimal="]
    assert complete("predict", "run", "ep") == [] and complete("recipes", "s") == ["show"]
    assert complete("completion", "") == ["bash", "zsh", "fish"] and complete("nosuch", "") == []
    assert complete("train", "") == complete("train", "a.csv", "") == []  # names of files


def test_the_script_of_bash_completes() -> None:
    def answer(line: str) -> list[str]:
        script = (
            f'trainwright() {{ {shlex.quote(sys.executable)} -m trainwright "$@"; }}\n{cli_completion.SCRIPTS["bash"]}\n'
            f'COMP_WORDBREAKS="=: "; COMP_LINE={shlex.quote(line)}; COMP_POINT=${{#COMP_LINE}}\n'
            '_trainwright 2>/dev/null; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert answer("trainwright train a.csv ep") == ["epochs="]
    assert answer("trainwright train a.csv target=") == ["class", "number", "labels"]  # = parts words there
    assert answer("trainwright train 'a b.csv' --qu") == ["--quiet"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_the_script_of_fish_completes(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    ask = "; ".join(f'complete -C "trainwright {words}"' for words in ("train a.csv epo", "train a.csv --qu", "train a"))
    script = f"function trainwright; {sys.executable} -m trainwright $argv; end\n{cli_completion.SCRIPTS['fish']}\n{ask}"
    done = subprocess.run(["fish", "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["epochs=", "--quiet", "a.csv"] and done.stderr == ""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_the_script_of_zsh_completes() -> None:
    def answer(*words: str) -> list[str]:
        """What the script hands to zsh, which itself completes at a terminal only."""
        script = (
            f'trainwright() {{ {shlex.quote(sys.executable)} -m trainwright "$@" }}\n'
            'compdef() {}; compadd() { print -r -- "$@" }; _files() { print files }\n'
            f"{cli_completion.SCRIPTS['zsh']}\nwords=(trainwright {shlex.join(words)}); CURRENT=$#words; _trainwright"
        )
        return subprocess.run(["zsh", "-fc", script], capture_output=True, text=True, check=True).stdout.splitlines()

    assert answer("train", "a.csv", "epo") == ["-S  -- epochs=", "--"]
    assert answer("train", "a b.csv", "--qu") == ["-S  --", "-- --quiet"]
    assert answer("train", "a") == ["files"]


@pytest.mark.parametrize("shell", cli_completion.SCRIPTS)
def test_completion_prints_a_script(shell: str, capsys, monkeypatch) -> None:
    assert talk(capsys, monkeypatch, "completion", shell) == (cli_completion.SCRIPTS[shell] + "\n", "", 0)
    _, err, code = talk(capsys, monkeypatch, "completion", "csh")
    assert code == 2 and err.startswith("E310") and "bash, zsh, fish" in err


LONG = "x" * 700_000


@pytest.mark.parametrize("fact", [LONG, "\u4e2d" * 300_000, [LONG] * 3, [str(n) for n in range(50_000)], "\x1b" * 9])
def test_every_message_is_short_and_harmless_however_long_its_facts(fact: Any) -> None:
    for code in MESSAGES:
        check_message(code, fact)


def check_message(code: str, fact: Any) -> None:
    names = set(re.findall(r"(?<!{){(\w+)[^}]*}(?!})", MESSAGES[code].what + MESSAGES[code].mend))
    numbers = {"rows", "different"} if code == "E221" else set()
    problem = error(code, where=str(fact), hint=str(fact), **{name: 7 if name in numbers else fact for name in names})
    said = str(problem)
    assert len(said.encode()) <= 2000 and said.count("\n") <= 2
    assert all(line.isprintable() for line in said.split("\n"))


@given(st.text(st.characters(codec=None), max_size=60), st.integers(9, 40))
def test_a_line_keeps_its_ends_and_its_limit(text: str, most: int) -> None:
    line = in_a_line(text, most)
    assert line.isprintable() and len(line.encode()) <= most
    if text.isprintable() and len(text.encode()) <= most:
        assert line == text
    elif text.isascii() and text.isprintable():
        head, dots, tail = line.rpartition(" ... ")
        assert dots and text.startswith(head) and text.endswith(tail)


def test_a_list_is_cut_with_a_count() -> None:
    said = error("E201", name="a", path="b", columns=[f"column {n}" for n in range(1000)]).mend
    shown = said.count("column ")
    assert 10 < shown < 1000 and f"column {shown - 1} and {1000 - shown:,} more." in said
    assert error("E201", name="a", path="b", columns=["c", "d"]).mend == "Its columns: c, d."


@pytest.mark.parametrize("word", ["label={}", "lr={}", "{}", "--{}", "model={}", "{}=3", "--recipe={}", "--from={}", "text={}"])
@pytest.mark.parametrize("value", [LONG[:100_000], "\x1b[31mred\x07\u202e\x9b2J\nnext"])
def test_a_word_of_a_stranger_stays_a_word(word: str, value: str, capsys, monkeypatch, here: Path) -> None:
    _, err, code = talk(capsys, monkeypatch, "train", "good.csv", word.format(value))
    assert code == 2 and len(err.encode()) <= 2001
    assert re.match(r"E\d{3}", err) and err.replace("\n", "").isprintable()
    assert isinstance(errors.in_short(TrainwrightError("E1", value, "", "")), str)


@pytest.mark.parametrize("words", ["train good.csv --out {}", "runs {}", "predict {} moon", "resume {}", "watch {} --no-open"])
def test_a_name_too_long_for_a_file_is_one_message(words: str, capsys, monkeypatch, here: Path) -> None:
    _, err, code = talk(capsys, monkeypatch, *words.format(LONG[:5000]).split())
    assert code == 2 and err.startswith(("E102", "E402", "E424")) and len(err.encode()) <= 2001


def test_words_from_data_reach_a_terminal_as_words(capsys, monkeypatch) -> None:
    text = "red \x1b[31m\x9b2J\u202e\tnext\nline"
    cli_output.say(text)
    assert capsys.readouterr().out == f"{text}\n"  # a pipe gets what it was
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    cli_output.say(text)
    out = capsys.readouterr().out
    assert out.endswith("\tnext\nline\n") and out.replace("\t", "").replace("\n", "").isprintable()
    cli_output.print_answers("text", ["a"], [[("\x1b]0;title\x07", 0.5)]], as_json=False)
    assert "\x1b" not in capsys.readouterr().out


def test_quiet_says_the_run_and_its_score(capsys, monkeypatch, here: Path) -> None:
    out, err, _ = talk(capsys, monkeypatch, "train", "good.csv", "--quiet", "epochs=1")
    run, score = out.removesuffix("\n").split("\t")
    test = tw.load(run).report["test"]
    assert err == "" and score.startswith(f"test accuracy {100 * test['accuracy']:.2f} %, 95 % interval ")
    assert score.endswith(f"n = {test['n']}")
    out, _, _ = talk(capsys, monkeypatch, "train", "good.csv", "--quiet", "epochs=1", "valid_fraction=0", "test_fraction=0")
    assert out == "runs/good-2\tno rows were held back to be measured on\n"


@pytest.mark.parametrize(
    "word", ["new.xlsx", "goood.csv", "data/new", "~/texts", "a.txt", "b.csv.gz", "my goood.csv", "cat.png"]
)
def test_a_word_that_looks_like_a_file_is_no_text(trained, word: str, capsys, monkeypatch, here: Path) -> None:
    out, err, code = talk(capsys, monkeypatch, "predict", trained.path, word)
    assert code == 2 and out == "" and err.startswith("E435") and f"--text {shlex.quote(word)}" in err
    assert ("Did you mean 'good.csv'?" in err) == ("goood" in word)
    out, _, code = talk(capsys, monkeypatch, "predict", trained.path, "--text", word)
    assert code == 0 and len(out.splitlines()) == 1
    with pytest.raises(TrainwrightError) as caught:
        trained.predict(word)
    assert caught.value.code == "E436" and f"[{word!r}]" in caught.value.mend
    assert len(trained.predict([word])) == 1


def test_a_word_that_is_nearly_the_name_of_a_file_there_is_no_text(trained, capsys, monkeypatch, here: Path) -> None:
    for word in ("good", "good.cvs", "goood.cvs", "good.cv"):
        out, err, code = talk(capsys, monkeypatch, "predict", trained.path, word)
        assert code == 2 and out == "" and err.startswith("E435") and "Did you mean 'good.csv'?" in err, word
        assert talk(capsys, monkeypatch, "predict", trained.path, "--text", word)[2] == 0
    for word in ("goods", "go", "good!", "goood", "great.cvs", "a good"):
        assert talk(capsys, monkeypatch, "predict", trained.path, word)[2] == 0, word
    (here / "good.csv").rename(here / "notes.md")
    for word in ("good", "notes", "good.cvs"):
        assert talk(capsys, monkeypatch, "predict", trained.path, word)[2] == 0, word


def test_texts_that_only_end_like_files_are_texts(trained, capsys, monkeypatch, here: Path) -> None:
    for text in ("please read the report.xlsx", "24 / 7", "version 2.0", "e.g. this", "what a goal", "x=y"):
        out, _, code = talk(capsys, monkeypatch, "predict", trained.path, text)
        assert code == 0 and len(out.splitlines()) == 1 and trained.predict(text)


def test_a_file_and_texts_are_not_mixed(trained, capsys, monkeypatch, here: Path) -> None:
    _, err, code = talk(capsys, monkeypatch, "predict", trained.path, "good.csv", "a text")
    assert code == 2 and err.startswith("E318") and "--text" in err
    out, _, _ = talk(capsys, monkeypatch, "predict", trained.path, "--text", "good.csv", "a text")
    assert len(out.splitlines()) == 2
