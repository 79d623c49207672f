"""Bundles from strangers are data: each is refused by one message, and nothing outside of its folder is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import news_rows, reseal, write_csv
from strangers import CASES

import trainwright as tw

WATCHED = Path(__file__).with_name("watched.py")
ROW = {"age": 3, "city": "A", "day": "2024-01-03"}
VERBS = ("load", "predict", "train")
CLAIM = 1 << 30  # bytes: less than any of the sizes that are only said
ROOM = 200 << 20  # and what is read and made of the largest of the files


def good_runs(folder: Path) -> dict[str, Path]:
    """A run of every task, and the file that it was made from in ``folder``."""
    from PIL import Image

    news = write_csv(folder / "news.csv", news_rows(60))
    np.savez(folder / "image.npz", x=np.arange(60 * 36, dtype=np.uint8).reshape(60, 6, 6), y=np.arange(60, dtype=np.uint8) % 3)
    Image.new("L", (6, 6)).save(folder / "picture.png")
    cells = (f"{20 + n % 37}.5,{'ABC'[n % 3]},2024-01-{1 + n % 28:02},{n * 1.5}\n" for n in range(60))
    (folder / "table.csv").write_text("age,city,day,price\n" + "".join(cells))
    notes = (
        f"the {'moon' if n % 2 else 'sun'} is far from {'here' if n % 3 else 'there'} {n},{n % 7},{n * 1.5}\n"
        for n in range(60)
    )
    (folder / "mixed.csv").write_text("notes,age,price\n" + "".join(notes))
    (folder / "words.txt").write_text("the moon is far and the sun is hot\n" * 40)
    lstm = {"name": "lstm", "embedding": 8, "hidden": 8, "layers": 1}
    wanted: dict[str, tuple[Path, dict[str, Any]]] = {
        "text": (news, {"model": {"name": "bag", "ngrams": 2, "chars": [3], "weighting": "tf-idf", "embedding": 0}}),
        "lstm": (news, {"model": lstm}),
        "image": (folder / "image.npz", {"model": {"name": "convnet", "channels": [4]}}),
        "table": (folder / "table.csv", {"model": {"name": "mlp", "hidden": [4]}}),
        "mixed": (folder / "mixed.csv", {"task": "table", "model": {"name": "mlp", "hidden": [4], "ngrams": 2}}),
        "words": (folder / "words.txt", {"tokenizer": "words", "context": 8, "model": lstm}),
        "bpe": (
            folder / "words.txt",
            {
                "tokenizer": "bpe",
                "max_vocabulary": 270,
                "context": 8,
                "model": {"name": "gpt", "layers": 1, "heads": 2, "width": 8},
            },
        ),
    }
    for name, (source, settings) in wanted.items():
        tw.train(source, out=folder / name, listen=lambda event: None, epochs=1, checkpoint_every="0", **settings)
    return {name: source for name, (source, _) in wanted.items()}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of opening each, by name; ``place`` is the folder around them."""
    place = tmp_path_factory.mktemp("strangers").resolve()
    environment = {
        "TRAINWRIGHT_CACHE": str(place / "cache"),
        "PYTHONPATH": os.pathsep.join([*sys.path, str(place / "modules")]),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINWRIGHT_CACHE", environment["TRAINWRIGHT_CACHE"])
        patch.setattr("trainwright.store.atomic.os.fsync", lambda handle: None)
        sources = good_runs(place)
        (place / "modules").mkdir()
        (place / "modules" / "strange.py").write_text(f"import os\nos.mkdir({str(place / 'canary')!r})\n")
        rows = [
            (f"warm {name} {verb}", str(place / name), verb, asked(place, name, verb), str(sources[name]))
            for verb in ("load", "predict")
            for name in sources
        ]
        for number, (name, case) in enumerate(CASES.items()):
            run = place / "runs" / f"{number}"
            (run / "model").parent.mkdir(parents=True)
            shutil.copyfile(place / case.run / "settings.toml", run / "settings.toml")
            shutil.copytree(place / case.run / "model", run / "model")
            case.change(run / "model")
            if case.sealed:
                reseal(run / "model")
            verb = "load" if not case.codes else VERBS[number % 3]
            rows.append((name, str(run), verb, asked(place, case.run, verb), str(sources[case.run])))
    before = listing(place)
    (place / "rows.json").write_text(json.dumps(rows))
    done = subprocess.run(
        [sys.executable, WATCHED, place / "rows.json"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = {each["name"]: each for each in map(json.loads, done.stdout.splitlines())}
    (place / "rows.json").unlink()
    return found | {"before": before, "after": listing(place)}


def asked(place: Path, name: str, verb: str) -> Any:
    """Something to predict."""
    if name == "image":
        return str(place / "picture.png")
    if name == "mixed":
        return "notes=moon age=3" if verb == "predict" else {"notes": "the moon is far", "age": 3}
    if name == "table":
        return " ".join(f"{key}={value}" for key, value in ROW.items()) if verb == "predict" else ROW
    return "the moon"


def listing(place: Path) -> list[str]:
    return sorted(str(path) for path in place.rglob("*"))


@pytest.mark.parametrize("name", CASES)
def test_a_bundle_of_a_stranger(name: str, opened: dict[str, Any]) -> None:
    found, case = opened[name], CASES[name]
    assert opened[f"warm {case.run} load"]["code"] == opened[f"warm {case.run} predict"]["code"] == ""
    assert found["code"] in (case.codes or ("",))
    assert found["seen"] == []
    address_space, resident = found["grown"]
    assert address_space < CLAIM and resident < ROOM


def test_the_folder_around_them_is_as_it_was(opened: dict[str, Any]) -> None:
    assert opened["after"] == opened["before"] and not any("canary" in path for path in opened["after"])
