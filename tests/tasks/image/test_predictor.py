"""The predictor of images: files and arrays of every form, the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from image_samples import SHAPES, bars, write_folder, write_idx
from PIL import Image
from samples import evaluate_all
from shape_samples import fit

import trainwright as tw
from trainwright import cli


def test_predictions_of_a_loaded_run(shapes, folder: Path) -> None:
    files = sorted(folder.glob("*/*.png"))[::20]
    loaded = tw.load(shapes.path)
    expected = shapes.predict(files)
    assert expected == loaded.predict([str(file) for file in files])
    arrays = [np.asarray(Image.open(file)) for file in files]
    assert loaded.predict(arrays) == loaded.predict([Image.open(file) for file in files]) == expected
    assert loaded.predict(np.stack(arrays)) == expected
    assert loaded.predict([np.stack([array] * 3, axis=-1) for array in arrays]) == expected
    label, probability = loaded.predict(files[0])[0]
    assert label == expected[0][0] and probability == pytest.approx(expected[0][1], abs=1e-5)
    palette = Image.open(files[0]).convert("P")
    assert [answer[0] for answer in loaded.predict([palette.convert("RGBA"), palette, palette.convert("CMYK")])] == [label] * 3
    assert all(len(answer) == 3 for answer in loaded.predict(files, top=3))


def test_scores_do_not_depend_on_the_batch_size(shapes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainwright.tasks import supervised

    whole = evaluate_all(shapes, folder)
    monkeypatch.setattr(supervised, "EVALUATION_BATCH", 7)
    parts = evaluate_all(shapes, folder)
    assert whole["n"] == parts["n"] == 240 and whole["confusion"] == parts["confusion"]
    assert whole["loss"] == pytest.approx(parts["loss"], rel=1e-5)


@pytest.mark.parametrize("given", [np.zeros(5), [["a", "b"]], np.zeros((2, 2, 2, 2)), "nowhere.png"])
def test_what_is_no_image_is_refused(shapes, given) -> None:
    with pytest.raises(tw.TrainwrightError) as caught:
        shapes.predict([given])
    assert caught.value.code in ("E320", "E140", "E147")


def test_files_of_every_kind_can_be_predicted(shapes, folder: Path, tmp_path: Path) -> None:
    files = sorted(folder.glob("*/*.png"))[:6]
    names = [str(file) for file in files]
    expected = [answer[0] for answer in shapes.predictor.predict(names)]
    pl.DataFrame({"id": range(6), "photo": names}).write_csv(tmp_path / "rows.csv")
    arrays = np.stack([np.asarray(Image.open(file)) for file in files])
    np.savez(tmp_path / "x.npz", images=arrays)
    np.save(tmp_path / "x.npy", arrays)
    write_idx(tmp_path / "some-images-idx3-ubyte", arrays)
    for name in ("rows.csv", "x.npz", "x.npy", "some-images-idx3-ubyte"):
        found = shapes.predictor.predict_file(tmp_path / name)
        assert [answer[0] for answer in found.answers] == expected, name
    assert shapes.predictor.predict_file(tmp_path / "rows.csv").frame.columns == ["id", "photo"]
    mixed = shapes.predictor.predict_file(files[5], tmp_path / "rows.csv", files[0])
    assert [answer[0] for answer in mixed.answers] == [expected[5], *expected, expected[0]]
    assert mixed.names == [names[5], *names, names[0]]


def test_the_command_line_answers_images_and_folders(shapes, folder: Path, tmp_path: Path, capsys) -> None:
    place = tmp_path / "new"
    place.mkdir()
    one, two = sorted(folder.glob("*/*.png"))[:2]
    (place / "a.png").write_bytes(one.read_bytes())
    (place / "bad.png").write_bytes(b"no picture")
    call = [str(word) for word in ("predict", shapes.path, two, place)]
    cli.app(call, standalone_mode=False)
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == "image,predicted,probability" and "bad.png" in said.err
    assert [line.split(",")[0] for line in lines[1:]] == [str(two), str(place / "a.png")]
    cli.app([*call[:2], str(place / "a.png"), "--json"], standalone_mode=False)
    answer = json.loads(capsys.readouterr().out)
    assert answer["image"] == str(place / "a.png") and set(answer["probabilities"]) == set(SHAPES)
    with pytest.raises(tw.TrainwrightError, match=r"bad\.png") as caught:
        cli.app([*call[:2], str(place / "bad.png")], standalone_mode=False)
    assert caught.value.code == "E140" and caught.value.exit_code == 2


@pytest.mark.parametrize(("name", "code"), [("missing.png", "E101"), ("empty", "E274"), ("rows.csv", "E149")])
def test_what_holds_no_image_is_named(shapes, tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(tw.TrainwrightError) as caught:
        shapes.predictor.predict_file(tmp_path / name)
    assert caught.value.code == code


def test_a_score_leaves_out_what_is_not_known(shapes, tmp_path: Path) -> None:
    pixels, labels = bars(30, seed=9)
    root = write_folder(tmp_path / "more", pixels, labels)
    write_folder(root, pixels[:4], ["round"] * 4)
    scores = evaluate_all(shapes, root)
    assert scores["n"] == 30 and scores["rejected"] == 4


def test_one_array_is_one_image(tmp_path: Path) -> None:
    run = fit(write_folder(tmp_path / "a", *bars(90)), tmp_path / "run", epochs=1)
    assert len(run.predict(np.zeros((9, 7), np.uint8))) == len(run.predict(np.zeros((5, 4, 3), np.uint8))) == 1
    assert len(run.predict(np.zeros((6, 9, 7), np.uint8))) == 6


def test_a_folder_whose_table_names_its_images(tmp_path: Path) -> None:
    (tmp_path / "set" / "img").mkdir(parents=True)
    for n in range(30):
        Image.fromarray(np.full((8, 8), 200 * (n % 2) + n, np.uint8)).save(tmp_path / "set" / "img" / f"id{n}.png")
    table = "id,label\n" + "".join(f"id{n},{'ab'[n % 2]}\n" for n in range(30))
    (tmp_path / "set" / "train.csv").write_text(table)
    run = tw.train(tmp_path / "set", epochs=3, speed="off", out=tmp_path / "run", listen=lambda event: None)
    scores = evaluate_all(run, tmp_path / "set")
    assert scores["n"] == 30 and scores["loss"] == evaluate_all(run, tmp_path / "set" / "train.csv")["loss"]
