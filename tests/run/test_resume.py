"""Going on with a run that was begun earlier: found by its words, extended, refused where it would be another run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from calls import talk

import trainwright as tw
from trainwright.run.resume import Fingerprint
from trainwright.watch.events import Epoch, Event, Note, Resumed

SMALL = {"batch_size": 16, "lr": 0.5, "schedule": []}


class Stop(Exception):
    """Ends a run from a listener, as unprepared as a kill."""


def stopping(after: int):
    seen = []

    def listen(event: Event) -> None:
        seen.append(event)
        if isinstance(event, Epoch) and event.epoch == after:
            raise Stop

    return listen


def quiet(event: Event) -> None:
    pass


def stopped(source: Path, out: Path, after: int = 2, **settings) -> Path:
    with pytest.raises(Stop):
        tw.train(source, out=out, listen=stopping(after), **{"epochs": 4, "checkpoint_every": "7steps"} | SMALL | settings)
    return out


def content(run: Path) -> list[object]:
    """What must be equal: weights, history without seconds, report without times."""
    history = [line.split(",")[:-2] + line.split(",")[-1:] for line in (run / "history.csv").read_text().splitlines()]
    report = {key: value for key, value in json.loads((run / "report.json").read_text()).items() if "second" not in key}
    return [(run / "model" / "model.safetensors").read_bytes(), history, report]


def test_the_same_words_with_resume_go_on(news: Path, tmp_path: Path) -> None:
    whole = tw.train(news, out=tmp_path / "whole", epochs=4, checkpoint_every="7steps", listen=quiet, **SMALL)
    run, events = stopped(news, tmp_path / "run"), []
    found = tw.train(news, out=run, resume=True, epochs=4, checkpoint_every="7steps", listen=events.append, **SMALL)
    assert [event.step for event in events if isinstance(event, Resumed)] and content(found.path) == content(whole.path)
    assert not tw.verify(found).wrong


def test_without_a_folder_the_newest_that_has_not_ended(news: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", news, "epochs=2", "--quiet"]
    assert talk(capsys, monkeypatch, *words, "--resume")[0].split("\t")[0] == "runs/news-1"
    (tmp_path / "runs" / "news-1" / "SEAL").unlink()  # as if it had been killed at the very end
    assert talk(capsys, monkeypatch, *words, "--resume")[0].split("\t")[0] == "runs/news-1"
    assert talk(capsys, monkeypatch, *words, "--resume")[0].split("\t")[0] == "runs/news-2"


def test_another_source_in_the_same_folder(news: Path, tmp_path: Path) -> None:
    run = stopped(news, tmp_path / "run")
    other = Path(news.parent / "other.csv")
    other.write_bytes(news.read_bytes())
    with pytest.raises(tw.TrainwrightError) as caught:
        tw.train(other, out=run, resume=True, listen=quiet)
    assert caught.value.code == "E418"


def test_a_finished_run_stays_as_it_is_and_can_be_extended(news: Path, tmp_path: Path) -> None:
    long = tw.train(news, out=tmp_path / "long", epochs=4, listen=quiet, **SMALL)
    run = tw.train(news, out=tmp_path / "run", epochs=2, listen=quiet, **SMALL)
    before = content(run.path)
    notes: list[Event] = []
    tw.resume(run, listen=notes.append)
    assert [note.value for note in notes if isinstance(note, Note)] == ["nothing to do"] and content(run.path) == before
    extended = tw.resume(run, epochs=4, listen=quiet)
    assert content(extended.path) == content(long.path) and not tw.verify(extended).wrong


def test_a_schedule_that_follows_from_the_length_is_planned_anew_and_said(news: Path, tmp_path: Path) -> None:
    settings = {"batch_size": 16, "schedule": [{"name": "LinearLR", "every": "step", "start_factor": 1.0, "end_factor": 0.0}]}
    run, notes = tw.train(news, out=tmp_path / "run", epochs=2, lr=0.5, listen=quiet, **settings), []
    tw.resume(run, epochs=4, listen=notes.append)
    assert [note.value for note in notes if isinstance(note, Note) and note.what == "schedule"] == ["planned anew"]
    rates = [float(line.split(",")[-3]) for line in (run.path / "history.csv").read_text().splitlines()[1:]]
    assert rates[1] < 0.02 and 0.1 < rates[2] < 0.3 and rates[3] < 0.02


@pytest.mark.parametrize(("given", "code"), [({"lr": 0.1}, "E416"), ({"model": {"ngrams": 3}}, "E416"), ({"epoch": 3}, "E301")])
def test_a_setting_that_would_make_it_another_run(given: dict, code: str, news: Path, tmp_path: Path) -> None:
    run = stopped(news, tmp_path / "run")
    with pytest.raises(tw.TrainwrightError) as caught:
        tw.resume(run, listen=quiet, **given)
    assert caught.value.code == code


def test_data_that_have_changed(news: Path, tmp_path: Path) -> None:
    run, rows = stopped(news, tmp_path / "run"), news.read_text()
    news.write_text(rows + "".join(f"sport,an entirely new sentence word{n}\n" for n in range(60)))
    with pytest.raises(tw.TrainwrightError) as caught:
        tw.resume(run, listen=quiet)
    assert caught.value.code == "E414" and "news.csv" in str(caught.value)
    news.write_text(rows)  # the same rows, but with other ends of lines
    notes: list[Event] = []
    tw.resume(run, listen=notes.append)
    assert [note.value for note in notes if isinstance(note, Note) and note.what == "changed data"] == [str(news)]


def test_no_checkpoint_left_is_not_begun_anew(news: Path, tmp_path: Path) -> None:
    run = stopped(news, tmp_path / "run")
    for path in (run / "checkpoints").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(tw.TrainwrightError) as caught:
        tw.resume(run, listen=quiet)
    assert caught.value.code == "E413"
    for path in (run / "checkpoints").iterdir():
        path.rmdir()
    with pytest.raises(tw.TrainwrightError) as caught:
        tw.resume(run, listen=quiet)
    assert caught.value.code == "E417"


def test_two_cannot_train_in_one_folder(news: Path, tmp_path: Path) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, Epoch):
            with pytest.raises(tw.TrainwrightError) as caught:
                tw.resume(tmp_path / "run", listen=quiet)
            codes.append(caught.value.code)

    codes: list[str] = []
    tw.train(news, out=tmp_path / "run", epochs=1, listen=listen)
    assert codes == ["E415"]


def test_fewer_epochs_than_are_done_change_nothing(news: Path, tmp_path: Path) -> None:
    run = tw.train(news, out=tmp_path / "run", epochs=3, listen=quiet, **SMALL)
    before = content(run.path) + [(run.path / "settings.toml").read_text()]
    for epochs in (1, 2):
        with pytest.raises(tw.TrainwrightError, match="E421"):
            tw.resume(run, epochs=epochs, listen=quiet)
    assert content(run.path) + [(run.path / "settings.toml").read_text()] == before and not tw.verify(run).wrong


@pytest.mark.parametrize(
    ("first", "then", "ends"),
    [
        ({"steps": 6}, {"steps": 9, "epochs": 4}, "epochs=4 ends it, as 6 epochs and 6 updates are done"),
        ({"steps": 6}, {"steps": 5, "epochs": 9}, "steps=5 ends it"),
        ({"epochs": 3, "patience": 1, "lr": 0.0}, {"epochs": 9}, "patience=1 ends it"),
    ],
)
def test_what_leaves_nothing_to_do_is_named(
    first: dict[str, Any], then: dict[str, Any], ends: str, news: Path, tmp_path: Path
) -> None:
    run = tw.train(news, out=tmp_path / "run", batch_size=400, listen=quiet, speed="off", **first)
    with pytest.raises(tw.TrainwrightError, match=f"E421: .*{ends}"):
        tw.resume(run, listen=quiet, **then)


def test_a_relative_source_from_anywhere(news: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(news.parent)
    run = stopped(Path(news.name), tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    Path(news.name).write_text("label,text\nother,data\n")  # of the same name, and not the data
    notes: list[Event] = []
    tw.resume(run, listen=notes.append)
    assert not [note for note in notes if isinstance(note, Note) and note.what == "changed data"]
    assert not tw.verify(run).wrong


def test_data_that_have_moved(news: Path, tmp_path: Path) -> None:
    run = stopped(news, tmp_path / "run")
    there = news.rename(tmp_path / "there.csv")
    with pytest.raises(tw.TrainwrightError, match="E422"):
        tw.resume(run, listen=quiet)
    found = tw.resume(run, source=there, listen=quiet)
    assert not tw.verify(found).wrong


def test_a_run_under_another_plan_is_not_replayed(news: Path, tmp_path: Path) -> None:
    run = tw.train(news, out=tmp_path / "run", epochs=2, listen=quiet)
    tw.resume(run, epochs=3, listen=quiet)
    with pytest.raises(tw.TrainwrightError, match=r"E423: .*planned anew"):
        tw.replay(run)


def test_what_a_person_put_into_the_bundle_stays(news: Path, tmp_path: Path) -> None:
    run = tw.train(news, out=tmp_path / "run", epochs=1, listen=quiet, **SMALL)
    (run.path / "model" / "mine.onnx").write_text("mine")
    tw.resume(run, epochs=2, listen=quiet)
    assert (run.path / "model" / "mine.onnx").read_text() == "mine"


def test_a_finished_run_without_checkpoints_has_nothing_to_do(news: Path, tmp_path: Path) -> None:
    import shutil

    run = tw.train(news, out=tmp_path / "run", epochs=1, listen=quiet, **SMALL)
    shutil.rmtree(run.path / "checkpoints")
    notes: list[Event] = []
    tw.resume(run, listen=notes.append)
    assert [note.value for note in notes if isinstance(note, Note)] == ["nothing to do"]
    with pytest.raises(tw.TrainwrightError, match="E417"):
        tw.resume(run, epochs=2, listen=quiet)


def test_the_same_file_by_another_path(news: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert news.parent == tmp_path
    run = stopped("news.csv", Path("run"), after=1, epochs=2)  # type: ignore[arg-type]
    (tmp_path / "link.csv").symlink_to("news.csv")
    given = {"out": run, "resume": True, "epochs": 2, "checkpoint_every": "7steps", "listen": quiet, **SMALL}
    (tmp_path / "other.csv").write_bytes(news.read_bytes())
    with pytest.raises(tw.TrainwrightError, match="E418"):
        tw.train("other.csv", **given)
    for name in (news, "./news.csv", "link.csv"):
        tw.train(name, **given)


def test_other_code_of_the_same_version_is_said(news: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, said = stopped(news, tmp_path / "run", after=1, epochs=2), []
    (run / "plots").mkdir()
    left = [run / "plots" / ".curves.png.4711.tmp", run / ".report.json.4711.tmp"]
    for each in left:
        each.write_bytes(b"half")
    monkeypatch.setattr("trainwright.training.environment.code_digest", lambda: "other")
    found = tw.resume(run, listen=said.append)
    assert any(event.what == "code" and event.value.endswith("before, other now") for event in said if isinstance(event, Note))
    with pytest.raises(tw.TrainwrightError, match="E423"):
        tw.replay(found, listen=quiet)
    assert not any(each.exists() for each in left), "what a killed process left goes"


def test_threads_are_those_of_the_beginning(news: Path, tmp_path: Path) -> None:
    """As where OMP_NUM_THREADS is another when a run goes on, or is repeated."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run = stopped(news, tmp_path / "run", threads=0)
        torch.set_num_threads(1)
        said: list[Event] = []
        tw.resume(run, listen=said.append)
        assert not [event for event in said if isinstance(event, Note) and event.what == "threads"]
        assert "threads = 2\n" in (run / "settings.toml").read_text()
        assert tw.replay(run).wrong == []
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_what_goes_wrong_while_digests_are_taken_comes_out() -> None:
    class Lost:
        files: dict[str, Path] = {}

        def bundle(self) -> None:
            raise ArithmeticError("in the thread")

    lost: Any = Lost()
    lost.problem = lost
    with pytest.raises(ArithmeticError, match="in the thread"):
        _ = Fingerprint(lost, lost).data
