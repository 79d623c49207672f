"""Images from files to predictions: sources of every kind, what is left out, both ways of keeping pixels, fine-tuning."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from image_samples import SHAPES, bars, write_folder, write_idx
from PIL import Image, features
from samples import evaluate_all
from shape_samples import data, fit, same, weights

import trainwright as tw
from trainwright.data.files.cache_folder import cache_folder
from trainwright.data.images import storage
from trainwright.data.images.augment import Augment
from trainwright.data.images.normalize import ImageNormalizer
from trainwright.data.read import archive_sets
from trainwright.watch.events import Epoch, Note

# ---- sources


def test_a_folder_is_learned_and_described(shapes, folder: Path) -> None:
    found = data(shapes)
    assert shapes.report["task"] == "image classification" and shapes.report["test"]["accuracy"] > 0.7
    assert found["columns"] == {} and sum(found["rows"].values()) == 240 and set(found["classes"]) == set(SHAPES)
    kept = (shapes.path / "settings.toml").read_text()
    assert "size = 12" in kept and "channels = 1" in kept and "augment = []" in kept


def test_every_source_gives_the_same_pictures(tmp_path: Path) -> None:
    """Train and test are given apart, so that the order of rows is the same in all of them."""
    (train, labels), (test, expected) = bars(60), bars(30, seed=1)
    numbers = [np.array([SHAPES.index(label) for label in each]) for each in (labels, expected)]
    split = tmp_path / "split"
    for part, pixels, names in (("train", train, labels), ("test", test, expected)):
        for number, (picture, name) in enumerate(zip(pixels, names, strict=True)):
            place = split / part / str(SHAPES.index(name))
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(place / f"{number:04}.png")
    np.savez(tmp_path / "a.npz", x_train=train, y_train=numbers[0], x_test=test, y_test=numbers[1])
    packed = tmp_path / "idx"
    packed.mkdir()
    for name, pixels, classes in (("train", train, numbers[0]), ("t10k", test, numbers[1])):
        write_idx(packed / f"{name}-images-idx3-ubyte.gz", pixels)
        write_idx(packed / f"{name}-labels-idx1-ubyte", classes)
    for part, classes in (("train", numbers[0]), ("test", numbers[1])):
        files = [next((split / part).glob(f"*/{number:04}.png")) for number in range(len(classes))]
        names = [file.relative_to(split).as_posix() for file in files]
        pl.DataFrame({"name": names, "class": classes}).write_csv(split / f"{part}.csv")
    options = {"epochs": 1, "valid_fraction": 0.0}
    runs = {
        "npz": fit(tmp_path / "a.npz", tmp_path / "npz", **options),
        "idx": fit(packed, tmp_path / "idxrun", **options),
        "table": fit(split / "train.csv", tmp_path / "table", test=split / "test.csv", **options),
        "mixed": fit(tmp_path / "a.npz", tmp_path / "mixed", test=split / "test", **options),
        "folder": fit(split, tmp_path / "folder", **options),
    }
    for name, run in runs.items():
        assert data(run)["rows"] == {"train": 60, "test": 30}, name
        assert run.report["labels"] == ["0", "1", "2"], name
        # Normalised by the same mean and deviation; the folder's rows stand in another order, class by class.
        assert run.predictor.encoder == runs["npz"].predictor.encoder, name
        assert same(run, runs["npz"]) or name == "folder", name
    assert data(runs["table"])["columns"] == {"image": "name", "label": "class"}
    assert evaluate_all(runs["table"], split / "test.csv")["accuracy"] == runs["table"].report["test"]["accuracy"]


def test_a_folder_of_one_split_is_taken_for_that_split(tmp_path: Path) -> None:
    """Nothing but test images of IDX files: enough to validate, test and evaluate on, not to train on."""
    pixels, labels = bars(60)
    numbers = np.array([SHAPES.index(label) for label in labels])
    for folder, part in (("both", "train"), ("rest", "t10k")):
        (tmp_path / folder).mkdir()
        write_idx(tmp_path / folder / f"{part}-images-idx3-ubyte", pixels)
        write_idx(tmp_path / folder / f"{part}-labels-idx1-ubyte", numbers)
    rest = tmp_path / "rest"
    run = fit(tmp_path / "both", tmp_path / "run", valid=rest, test=rest, epochs=1)
    assert data(run)["rows"] == {"train": 60, "valid": 60, "test": 60}
    assert evaluate_all(run, rest)["n"] == 60
    with pytest.raises(tw.TrainwrightError, match=r"E144.*rest.*training images"):
        fit(rest, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_named_sets_by_their_layouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainwright.data.read import source as sources

    pixels, labels = bars(60, side=28)
    numbers = np.array([SHAPES.index(label) for label in labels])
    files = {
        key: write_idx(tmp_path / f"{key}.gz", array)
        for key, array in (
            ("train_images", pixels),
            ("train_labels", numbers),
            ("test_images", pixels[:30]),
            ("test_labels", numbers[:30]),
        )
    }
    colours = np.random.default_rng(0).integers(0, 255, (40, 3, 32, 32), np.uint8)
    monkeypatch.setattr(sources.catalog, "fetch", lambda name, **_: files if name != "cifar10" else {"archive": tmp_path})
    names = ["cat", "dog"] * 20
    monkeypatch.setattr(
        archive_sets, "read_cifar", lambda path, kind: {"train": (colours, names), "test": (colours[:20], names[:20])}
    )
    options = {"epochs": 1, "valid_fraction": 0.0}
    clothes = fit("fashion_mnist", tmp_path / "clothes", **options)
    assert clothes.report["labels"] == ["Pullover", "T-shirt/top", "Trouser"]
    animals = fit("cifar10", tmp_path / "animals", **options)
    assert animals.report["labels"] == ["cat", "dog"] and animals.predictor.encoder.channels == 3
    assert 'augment = [\n    "crop",\n    "flip",\n]' in (animals.path / "settings.toml").read_text()


def test_the_digits_that_are_on_every_machine(tmp_path: Path) -> None:
    run = tw.train("digits", out=tmp_path / "run", epochs=3, listen=lambda event: None)
    assert run.report["test"]["accuracy"] > 0.9 and run.report["labels"] == list("0123456789")


def test_groups_stay_together(tmp_path: Path) -> None:
    pixels, labels = bars(120)
    write_folder(tmp_path, pixels, labels)
    names = [next(tmp_path.glob(f"*/{number:04}.png")).relative_to(tmp_path).as_posix() for number in range(120)]
    people = [f"p{number // 6}" for number in range(120)]
    table = tmp_path / "rows.csv"
    # A file that cannot be decoded stands first: the groups of the others must not move by one.
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    pl.DataFrame({"image": ["bad.png", *names], "label": ["square", *labels], "who": ["p0", *people]}).write_csv(table)
    run = fit(table, tmp_path / "run", epochs=1, split="group:who", label="label", valid_fraction=0.2, test_fraction=0.2)
    assert data(run)["rejected"] == 1 and all(count % 6 == 0 for count in data(run)["rows"].values())


# ---- what is left out, and said


def test_hostile_files_are_named_and_the_rest_is_trained(tmp_path: Path) -> None:
    pixels, labels = bars(60)
    root = write_folder(tmp_path / "set", pixels, labels)
    whole = (root / "square" / "0002.png").read_bytes()
    (root / "lying" / "empty.png").write_bytes(b"")
    (root / "lying" / "page.jpg").write_bytes(b"<!DOCTYPE html><html>404</html>")
    (root / "square" / "cut.png").write_bytes(whole[: len(whole) // 2])
    damaged = bytearray(whole)
    damaged[60:90] = bytes(30)
    (root / "standing" / "damaged.png").write_bytes(bytes(damaged))
    (root / "standing" / "notes.txt").write_text("not a picture, and not called one")
    run = fit(root, tmp_path / "run")
    found = data(run)
    assert {Path(each["file"]).name for each in found["rejected_rows"]} == {"empty.png", "page.jpg", "cut.png", "damaged.png"}
    assert all(each["reason"] for each in found["rejected_rows"]) and sum(found["rows"].values()) == 60


def test_what_an_image_run_passes_over_is_named(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "set", *bars(60))
    (root / "standing" / "notes.txt").write_text("not a picture, and not called one")
    (root / "standing" / "a.psd").write_bytes(b"8BPS")
    (root / "0000.png").write_bytes((root / "square" / "0002.png").read_bytes())
    said: list = []
    run = fit(root, tmp_path / "run", epochs=1, listen=said.append)
    assert data(run)["passed_over"] == ["0000.png", "standing/a.psd", "standing/notes.txt"]
    notes = [event for event in said if isinstance(event, Note)]
    assert ("passed over", "2 files are no images", "standing/a.psd, standing/notes.txt") in notes
    assert ("passed over", "1 file lies in no folder of a class", "0000.png") in notes


def test_columns_that_an_image_run_does_not_use_are_named(tmp_path: Path) -> None:
    pixels, labels = bars(60)
    names = [f"{number:04}.png" for number in range(60)]
    for name, picture in zip(names, pixels, strict=True):
        Image.fromarray(picture).save(tmp_path / name)
    columns = {"image": names, "label": labels, "who": [f"p{n // 6}" for n in range(60)], "weight": list(range(60))}
    pl.DataFrame(columns).write_csv(tmp_path / "a.csv")
    said: list = []
    fit(tmp_path / "a.csv", tmp_path / "run", epochs=1, split="group:who", label="label", listen=said.append)
    found = [event.value for event in said if isinstance(event, Note) and event.what == "left out"]
    assert found == ["weight"]


def test_avif_trains_as_png_does(tmp_path: Path) -> None:
    if not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    pixels, labels = bars(60)
    for number, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        path = tmp_path / "set" / label / f"{number:04}.avif"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path, quality=95)
    run = fit(tmp_path / "set", tmp_path / "run", epochs=1)
    assert sum(data(run)["rows"].values()) == 60 and data(run)["rejected"] == 0
    label = labels[7]
    (found,) = tw.predict(run, [tmp_path / "set" / label / "0007.avif"])
    assert found


def test_a_class_that_cannot_be_measured_is_named(tmp_path: Path) -> None:
    pixels, labels = bars(60)
    write_folder(tmp_path / "a", pixels, labels)
    test = [number for number, label in enumerate(labels) if label != "square"][:20]
    write_folder(tmp_path / "b", *bars(30, seed=3))
    for file in (tmp_path / "b" / "square").iterdir():
        file.unlink()
    said: list = []
    fit(tmp_path / "a", tmp_path / "run", test=tmp_path / "b", epochs=1, listen=said.append)
    notes = {event.what: event for event in said if isinstance(event, Note)}
    assert "'square'" in notes["not measured"].why and "test" in notes["not measured"].why
    assert len(test) == 20


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"image": "name"}, "E272"),
        ({"split": "group:who"}, "E213"),
        ({"augment": ["blur"]}, "E302"),
        ({"augment": ["mixup"], "loss": {"name": "NLLLoss"}}, "E273"),
        ({"model": {"name": "bag"}}, "E322"),
    ],
)
def test_mistakes_are_named_before_training(folder: Path, tmp_path: Path, words: dict, code: str) -> None:
    with pytest.raises(tw.TrainwrightError) as caught:
        tw.train(folder, out=tmp_path / "run", listen=lambda event: None, **words)
    assert caught.value.code == code and not (tmp_path / "run").exists()


# ---- training


def test_the_same_command_gives_the_same_model_with_changes_at_random(folder: Path, tmp_path: Path) -> None:
    changes = ["shift", "cutout", "mixup"]
    one = fit(folder, tmp_path / "a", augment=changes)
    two = fit(folder, tmp_path / "b", augment=changes)
    assert same(one, two) and not same(one, fit(folder, tmp_path / "c", augment=[]))
    assert one.report["test"] == two.report["test"]


@pytest.mark.parametrize("workers", [0, 2])
def test_decoding_on_the_way_gives_the_same_model(
    shapes, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(storage, "MOST_BYTES", 1000)
    source = tmp_path / "set"
    for file in sorted(folder.glob("*/*.png")):
        (source / file.parent.name).mkdir(parents=True, exist_ok=True)
        (source / file.parent.name / file.name).write_bytes(file.read_bytes())
    (source / "lying" / "9.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    streamed = fit(source, tmp_path / "run", epochs=10, workers=workers)
    assert data(streamed)["rejected"] == 1
    assert same(streamed, shapes) and streamed.report["test"] == shapes.report["test"]
    assert evaluate_all(streamed, folder) == evaluate_all(shapes, folder)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_file_that_turns_bad_on_the_way_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(storage, "MOST_BYTES", 1000)
    source = write_folder(tmp_path / "set", *bars(60))

    def spoil(event) -> None:
        if isinstance(event, Epoch):
            for file in (source / "square").iterdir():
                file.write_bytes(b"gone")

    with pytest.raises(tw.TrainwrightError, match=r"square.*\.png") as caught:
        fit(source, tmp_path / "run", workers=workers, listen=spoil, valid_fraction=0.0)
    assert caught.value.code == "E270" and not multiprocessing.active_children()


def test_a_worker_that_dies_is_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_folder(tmp_path, *bars(6))
    paths = sorted(source.glob("*/*.png"))
    monkeypatch.setattr(storage.Files, "read", lambda self, rows: __import__("os")._exit(7))
    files, encoder = storage.Files(paths, (12, 12), 1), ImageNormalizer((12, 12), 1, (0.0,), (1.0,))
    device = torch.device("cpu")
    batches = encoder.batches(files, np.zeros(6, np.int64), batch_size=2, seed=None, device=device, workers=1)
    with pytest.raises(tw.TrainwrightError) as caught:
        list(batches.epoch(0))
    assert caught.value.code == "E271" and not multiprocessing.active_children()


@pytest.mark.parametrize("streamed", [False, True])
def test_batches_go_on_from_any_number(folder: Path, streamed: bool) -> None:
    pixels, labels = bars(50)
    paths = sorted(folder.glob("*/*.png"))[:50]
    stored = storage.Files(paths, (12, 12), 1) if streamed else pixels[:, None]
    targets = np.array([SHAPES.index(label) for label in labels])
    encoder = ImageNormalizer.fit(pixels[:, None], (12, 12), 1)
    batches = encoder.batches(
        stored, targets, batch_size=8, seed=3, device=torch.device("cpu"), augment=Augment(["shift", "flip"], 3, 3)
    )
    before = torch.random.get_rng_state()
    whole, later = list(batches.epoch(2)), list(batches.epoch(2, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    assert len(whole) == batches.per_epoch == 7 and len(later) == 3
    assert sorted(np.concatenate([batch.rows for batch in whole]).tolist()) == list(range(50))
    for one, two in zip(whole[4:], later, strict=True):
        assert torch.equal(one.inputs[0], two.inputs[0]) and torch.equal(one.targets, two.targets)
    plain = encoder.batches(stored, targets, batch_size=50, seed=None, device=torch.device("cpu"))
    images = next(plain.epoch(0)).inputs[0]
    assert images.dtype == torch.float32
    if not streamed:
        assert abs(float(images.mean())) < 1e-5 and abs(float(images.std(correction=0)) - 1) < 1e-5


def test_many_files_are_decoded_once_and_then_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "CACHED_FILES", 50)
    source = write_folder(tmp_path / "set", *bars(60))
    one = fit(source, tmp_path / "a")
    assert list((cache_folder() / "encoded").glob("*/arrays.safetensors"))
    monkeypatch.setattr(storage, "decode", None)
    assert same(one, fit(source, tmp_path / "b"))


# ---- going on from an earlier run


def test_going_on_with_a_new_class_and_another_size(shapes, tmp_path: Path) -> None:
    pixels, labels = bars(120, seed=5, side=20)
    labels = ["empty" if number % 4 == 0 else label for number, label in enumerate(labels)]
    pixels[::4] = np.random.default_rng(1).integers(0, 60, (30, 20, 20))
    source = write_folder(tmp_path / "more", pixels, labels)
    tuned = fit(source, tmp_path / "run", from_run=shapes.path, epochs=4)
    assert tuned.report["labels"] == ["empty", *sorted(SHAPES)]
    assert tuned.predictor.encoder == shapes.predictor.encoder
    assert tuned.report["test"]["accuracy"] > 0.5
    still = fit(source, tmp_path / "still", from_run=shapes.path, epochs=0)
    old, new = weights(shapes), weights(still)
    assert np.array_equal(old["features.0.weight"], new["features.0.weight"])
    order = [shapes.report["labels"].index(label) for label in still.report["labels"][1:]]
    assert np.array_equal(old["classifier.weight"][order], new["classifier.weight"][1:])


@pytest.mark.parametrize("words", [{"size": 16}, {"channels": 3}, {"model": {"name": "convnet", "channels": [4]}}])
def test_what_contradicts_the_earlier_run_is_refused(shapes, folder: Path, tmp_path: Path, words: dict) -> None:
    with pytest.raises(tw.TrainwrightError) as caught:
        tw.train(folder, out=tmp_path / "run", from_run=shapes.path, listen=lambda event: None, **words)
    assert caught.value.code == "E328"


def test_real_digits(real_data: Path, tmp_path: Path) -> None:
    run = fit(real_data / "mnist_png", tmp_path / "run", model={"name": "convnet", "channels": [16, 32]}, batch_size=32)
    assert data(run)["rows"]["test"] == 200 and run.report["test"]["accuracy"] > 0.7
    file = next((real_data / "mnist_png" / "test" / "7").iterdir())
    assert run.predict([file])[0][0] in "0123456789"


def test_frozen_parts_keep_their_statistics(tmp_path: Path) -> None:
    first = fit(write_folder(tmp_path / "a", *bars(90)), tmp_path / "first")
    run = fit(
        write_folder(tmp_path / "b", *bars(90, seed=1)), tmp_path / "second", from_run=first.path, freeze=["features"], epochs=1
    )
    old, new = (each.predictor.model.state_dict() for each in (first, run))
    names = [name for name in old if name.startswith("features.")]
    assert any("running_mean" in name for name in names)
    assert all((old[name] == new[name]).all() for name in names)
    assert any((old[name] != new[name]).any() for name in old if name not in names)


def test_copies_of_training_pictures_have_a_price(tmp_path: Path) -> None:
    (train, labels), (test, truths) = bars(90, side=48), bars(30, seed=1, side=48)
    copies = np.clip(train[:9] * 0.9 + 12, 0, 255).astype(np.uint8)
    write_folder(tmp_path / "data" / "train", train, labels)
    write_folder(tmp_path / "data" / "test", np.concatenate([copies, test]), labels[:9] + truths)
    run = tw.train(tmp_path / "data", out=tmp_path / "run", epochs=2, speed="off", listen=lambda event: None)
    rows = pl.read_parquet(run.path / "predictions.parquet").filter(pl.col("split") == "test")
    new = rows.filter(pl.col("file").str.slice(-8, 4).cast(pl.Int64) >= 9)
    price = run.report["without_leaked"]
    assert (price["split"], price["rows"], price["n"]) == ("test", 9, 30)
    assert price["accuracy"] == (new["truth"] == new["answer"]).mean()
    assert not tw.verify(run).wrong
