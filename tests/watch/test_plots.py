"""The pictures: whole files of the right size with something in them, whatever the labels and the length of the run."""

from __future__ import annotations

import io
import json
import math
import os
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread
from watch_samples import (
    ODD_LABELS,
    make_history,
    make_record,
    make_regression,
    make_report,
    python_environment,
    with_metrics,
    write_run,
)

from trainwright.config.kinds import KINDS
from trainwright.errors import TrainwrightError
from trainwright.plain_files import read_lines
from trainwright.watch import events, plots, record, summary
from trainwright.watch.figures import confusion, curves, figures, reliability


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n") and png.endswith(b"IEND\xaeB`\x82")
    image = imread(io.BytesIO(png), format="png")
    assert len(np.unique(image[..., 0])) > 20, "blank"
    return np.asarray(image)


def words_of(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def test_the_reliability_curve_has_a_point_for_every_group_of_rows() -> None:
    report = make_report(3)
    report["test"] |= {"ece": 0.05, "ece_by_chance": 0.02, "reliability": [[20, 0.6, 0.5], [20, 0.8, 0.9], [20, 0.97, None]]}
    figure = reliability.figure(report["test"])
    dashed, curve = figure.axes[0].lines
    assert np.array(curve.get_xydata()).tolist() == [[0.6, 0.5], [0.8, 0.9]]
    assert list(dashed.get_xdata()) == list(dashed.get_ydata()) and dashed.get_xdata()[0] < 0.5
    assert any("5.00 %; by chance alone 2.00 %" in text for text in words_of(figure))
    assert pixels(plots.pictures(make_record(report, []))["reliability"]).shape[0] > 900
    report["test"]["reliability"] = report["test"]["reliability"][:1]
    assert "reliability" not in plots.pictures(make_record(report, []))


@pytest.mark.parametrize("classes", [2, 4, 20, 80, 130])
def test_confusion_matrix_for_few_and_many_classes(classes: int) -> None:
    report = make_report(classes)
    figure = confusion.figure(report)
    texts = words_of(figure)
    assert texts.count("class 0") == 2, "once beside its row, once below its column"
    assert (str(report["test"]["confusion"][1][1]) in texts) == (classes <= 25), "counts only where they can be read"
    width, height = (int(150 * inches) for inches in figure.get_size_inches())
    assert 600 < height < 2700 and 900 < width < 2700
    if classes in (2, 80):
        assert pixels(plots.pictures(make_record(report, []))["confusion"]).shape[:2] == (height, width)


def test_confusion_cells_are_coloured_by_share_of_the_row() -> None:
    report = make_report(3)
    report["test"]["confusion"] = [[10, 0, 0], [500, 500, 0], [0, 0, 0]]
    axes = confusion.figure(report).axes[0]
    cells = np.asarray(axes.images[0].get_array())[..., :3].astype(int)
    assert cells[0, 0, 1] > cells[0, 0, 0] and cells[1, 0, 0] > cells[1, 0, 1], "right is green, wrong is vermilion"
    assert cells[0, 0].sum() < cells[1, 1].sum(), "10 of 10 is darker than 500 of 1,000"
    assert (cells[0, 1] == cells[2, 1]).all(), "a class without rows is empty, not an error"


@pytest.mark.parametrize("epochs", [1, 5, 60])
@pytest.mark.parametrize(("valid", "accuracy"), [(True, True), (False, True), (True, False), (False, False)])
def test_curves_for_every_kind_of_run(epochs: int, valid: bool, accuracy: bool) -> None:
    history = make_history(epochs, valid, accuracy)
    figure = curves.figure(make_record(make_report(), history))
    assert len(figure.axes) == (2 if accuracy else 1)
    texts = "\n".join(words_of(figure))
    assert ("valid\n" in texts) == valid and "train\n" in texts
    assert ("kept: epoch 2" in texts) == (epochs > 1)
    drawn = figure.axes[0].lines[0]
    np.testing.assert_allclose(drawn.get_ydata(), [row["train_loss"] for row in history])


def test_curves_are_drawn_at_the_expected_size() -> None:
    both = pixels(plots.pictures(make_record({}, make_history()))["curves"])
    assert both.shape[:2] == (705, 1560)
    only_loss = pixels(plots.pictures(make_record({}, make_history(accuracy=False)))["curves"])
    assert only_loss.shape[:2] == (705, 1020)


def test_diverged_and_missing_scores_leave_gaps() -> None:
    history = make_history(4)
    history[1]["train_loss"], history[2]["train_loss"] = float("nan"), float("inf")
    history[3]["valid_loss"] = None
    train = curves.figure(make_record({}, history)).axes[0].lines[0]
    np.testing.assert_array_equal(np.isnan(np.asarray(train.get_ydata(), dtype=float)), [False, True, True, False])
    pixels(plots.pictures(make_record({}, history))["curves"])
    for row in history:
        row["train_loss"] = row["valid_loss"] = float("nan")
    pixels(plots.pictures(make_record({}, history))["curves"])


def test_close_lines_keep_their_names_apart() -> None:
    history = make_history(3)
    for row in history:
        row["valid_loss"] = row["train_loss"] * 1.0001
    axes = curves.figure(make_record({}, history)).axes[0]
    places = [text.xy[1] for text in axes.texts if text.get_text().startswith(("train", "valid"))]
    assert abs(places[0] - places[1]) > 0.1


def test_odd_labels_are_drawn_without_a_warning() -> None:
    report = make_report(len(ODD_LABELS), ODD_LABELS)
    report["source"] = report["model"] = "$\\frac{1}{0}$ \u4f53 \x07"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures = plots.pictures(make_record(report))
    pixels(pictures["curves"])
    pixels(pictures["confusion"])
    texts = words_of(confusion.figure(report))
    assert "$\\nope{$" in texts and not any(len(text) > 90 for text in texts)


def test_labels_that_no_font_can_draw_are_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "fonts", lambda: ("DejaVu Sans",))
    assert figures.showable("\u4f53\u80b2", 6) == "class 7" and figures.showable("  ", 0) == "class 1"
    assert figures.showable("ab \u4f53") == "ab ?" and figures.showable("caf\u00e9") == "caf\u00e9"


def test_drawing_leaves_no_global_state() -> None:
    names = [name for name in matplotlib.rcParams if not name.startswith("backend")]  # asking for that loads pyplot
    before = [matplotlib.rcParams[name] for name in names]
    plots.pictures(make_record(make_report()))
    assert [matplotlib.rcParams[name] for name in names] == before


def test_drawing_needs_neither_pyplot_nor_the_trainer() -> None:
    code = (
        "import sys; from trainwright.watch import plots\n"
        "assert not {'matplotlib', 'numpy'} & set(sys.modules), 'heavy before it is needed'\n"
        "plots._warm_up()\n"
        "sys.exit(' '.join({'matplotlib.pyplot', 'torch', 'polars', 'pydantic', 'rich'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=python_environment())
    assert (done.returncode, done.stderr) == (0, "")


def test_the_same_run_gives_the_same_bytes() -> None:
    assert plots.pictures(make_record(make_report(2))) == plots.pictures(make_record(make_report(2)))


def test_draw_writes_whole_files_and_nothing_else(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", make_report(), make_history())
    (run / "settings.toml").write_text('[optimizer]\nname = "SGD"\n')
    (run / "plots").mkdir()
    (run / "plots" / "curves.png").write_bytes(b"old")
    written = plots.draw(run)
    assert written == [run / "plots/curves.png", run / "plots/confusion.png", run / "report.html"]
    assert sorted(path.name for path in (run / "plots").iterdir()) == ["confusion.png", "curves.png"]
    pixels((run / "plots" / "curves.png").read_bytes())
    html = (run / "report.html").read_text(encoding="utf-8")
    assert "optimizer.name" in html and html.count("<svg") >= 4, "the pictures of the page are its own"


def test_a_run_that_failed_before_its_first_epoch_is_drawn_as_it_rose(tmp_path: Path) -> None:
    run, log = write_run(tmp_path / "run", None, []), [events.Started(4, 100, 25, 1577)]
    log += [events.Step(1, 1, 1.5, 64, 1e4), events.Step(2, 1, 4.5e32, 64, 1e4)]
    log += [events.Note("stopped", "E501", "the loss of step 3 is not finite")]
    (run / "events.jsonl").write_text("".join(events.to_json(each) + "\n" for each in log), encoding="utf-8")
    (run / "settings.toml").write_text('task = "table"\n[model]\nname = "mlp"\n', encoding="utf-8")
    assert [path.name for path in plots.draw(run)] == ["curves.png", "report.html"]
    html = (run / "report.html").read_text(encoding="utf-8")
    assert "There is no test score" in html and "It was stopped (E501)" in html and "trainwright resume" in html
    heights = [float(y) for y in re.findall(r'<circle class="dot train"[^>]* cy="([\d.]+)"', html)]
    assert len(heights) == 2 and heights[1] < heights[0], "upwards"


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "curves.png"
    path.write_bytes(b"old")

    def full(self: Path, content: bytes) -> int:
        with open(self, "wb") as stream:  # noqa: PTH123
            stream.write(content[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(TrainwrightError, match=r"E402.*No space"):
        plots._write(path, b"new content")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_draw_takes_what_is_there(tmp_path: Path) -> None:
    assert plots.draw(write_run(tmp_path / "empty", None, [])) == []
    early = plots.draw(write_run(tmp_path / "early", None, make_history()))
    assert [path.name for path in early] == ["curves.png", "report.html"]
    assert "This training has not ended: 300 steps are made, 3 epochs have ended" in early[-1].read_text(encoding="utf-8")
    untested = {**make_report(), "test": None}
    assert [path.name for path in plots.draw(write_run(tmp_path / "untested", untested, []))] == ["report.html"]


def test_history_is_read_as_numbers_and_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    history = make_history(3, valid=False)
    run = write_run(tmp_path, None, history)
    assert record.read_history(run) == history
    with (run / "history.csv").open("a", encoding="utf-8") as stream:
        stream.write("4,400,0.2")
    assert record.read_history(run) == history


def test_a_torn_event_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    lines = [events.to_json(events.Note("a", "b", "c")), events.to_json(events.Step(1, 1, 0.5, 32, 0.1))]
    for cut in range(1, len(lines[1]) + 1):
        path.write_text(lines[0] + "\n" + lines[1][:cut], encoding="utf-8")
        assert [event["event"] for event in read_lines(path)] == ["note"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert [event["event"] for event in read_lines(path)] == ["note", "step"]


def test_events_are_written_with_all_their_fields() -> None:
    scores = {"loss": 0.5, "accuracy": None, "n": 3, "metrics": {"rmse": 0.25}}
    epoch = events.Epoch(1, 2, events.Scores(**scores), None, 0.1, 1.5, True)
    assert json.loads(events.to_json(epoch)) == {
        "event": "epoch", "epoch": 1, "step": 2, "train": scores, "valid": None, "lr": 0.1, "seconds": 1.5, "best": True
    }  # fmt: skip


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-m", "trainwright.watch.plots", *arguments]
    environment = python_environment(DISPLAY="", MPLBACKEND="TkAgg")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, env=environment, **pipes)  # type: ignore[call-overload, no-any-return]


def test_waiting_drawer_draws_only_when_told(tmp_path: Path) -> None:
    drawer = start(str(tmp_path / "run"), "--wait")
    run = write_run(tmp_path / "run", make_report(), make_history())  # the files come after the start
    time.sleep(0.2)
    assert not (run / "plots").exists()
    out, err = drawer.communicate("draw\n", timeout=60)
    assert (drawer.returncode, out, err) == (0, "", "")
    pixels((run / "plots" / "confusion.png").read_bytes())


def test_waiting_drawer_leaves_when_nobody_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path, make_report(), make_history())
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert plots.main([str(run), "--wait"]) == 0
    assert sorted(path.name for path in run.iterdir()) == ["history.csv", "report.json"]


def test_the_drawer_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plots.main([]) == 2 and "usage" in capsys.readouterr().err
    assert plots.main([os.fspath(tmp_path)]) == 1 and "nothing to draw" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "end"),
    [
        ("text", "predict 'a run' \"a new text\""),
        ("image", "predict 'a run' picture.png"),
        ("language", "generate 'a run' --prompt \"Once upon a time\""),
        ("table", "predict 'a run' new-rows.csv"),
    ],
)
def test_the_page_tells_the_exact_command(task: str, end: str) -> None:
    assert summary.usage({"usage": KINDS[task].usage}, "a run") == f"trainwright {end}"


@pytest.mark.parametrize("points", [None, [], [[math.nan, 1.0], [1.0, 1e308]]])
def test_no_picture_without_points(points: Any) -> None:
    report = make_regression()
    report["test"]["points"] = points
    assert plots.pictures(make_record(report, [])) == {}


def test_a_run_folder_of_a_regression(tmp_path: Path) -> None:
    history = with_metrics(make_history(accuracy=False), valid_rmse=[3.0, 2.0, 1.0])
    written = plots.draw(write_run(tmp_path, make_regression(), history))
    assert [path.name for path in written] == ["curves.png", "predicted.png", "report.html"]
    assert "Predicted against actual" in written[-1].read_text(encoding="utf-8")
