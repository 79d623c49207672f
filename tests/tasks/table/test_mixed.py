"""Tables with columns of text: one network learns from texts, numbers and categories, through every verb."""

from __future__ import annotations

import json
from pathlib import Path

import mixed_samples
import numpy as np
import polars as pl
import pytest
from house_samples import fit, refused
from mixed_samples import csv
from samples import evaluate_all

import trainwright as tw
from trainwright.errors import TrainwrightError
from trainwright.watch.events import Note

ROWS = mixed_samples.rows(300)
KINDS, VALUES = ROWS.drop("value"), ROWS.drop("kind")
ONE = {"notes": "bright sunny splendid modern quiet bright flat", "area": 1.5, "city": "Jena"}
OTHER = {"notes": "damp noisy shabby dark worn damp flat", "area": -1.5, "city": "Ulm"}


def kinds(run: tw.Run) -> dict[str, str]:
    features = json.loads((run.path / "data.json").read_text())["columns"]["features"]
    return {each["name"]: each["kind"] for each in features}


@pytest.fixture(scope="module")
def mixed_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    return fit(csv(folder, KINDS), folder, task="auto", speed="off", epochs=8)


@pytest.mark.parametrize(
    ("model", "frame", "score", "least", "most"),
    [("linear", KINDS, "accuracy", 0.85, 0.8), ("mlp", VALUES, "r2", 0.85, 0.7)],
)
def test_the_whole_beats_each_part(
    model: str, frame: pl.DataFrame, score: str, least: float, most: float, tmp_path: Path
) -> None:
    """Each part tells half of the variance: what one alone can reach is known (r2 0.5, accuracy 0.75)."""
    test = csv(tmp_path, mixed_samples.rows(400, seed=1)[frame.columns], "test.csv")
    parts = {"all": frame.columns, "text": ["notes", frame.columns[-1]], "rest": [*frame.columns[1:]]}
    found = {}
    for name, columns in parts.items():
        source = csv(tmp_path, frame.select(columns), f"{name}.csv")
        run = fit(source, tmp_path, name, test=test, model=model, speed="off", epochs=18)
        found[name] = run.report["test"][score]
    assert found["all"] > least and found["all"] > max(found["text"], found["rest"]) + 0.08, found
    assert most > found["text"] > 0.3 and most > found["rest"] > 0.3, found


def test_it_is_found_and_said(mixed_run, tmp_path: Path) -> None:
    notes: list[Note] = []
    tw.train(csv(tmp_path, KINDS), out=tmp_path / "r", epochs=1, listen=lambda e: notes.append(e) if type(e) is Note else None)
    said = {(note.what, note.value): note.why for note in notes}
    assert said["task", "table"].endswith("task=text takes the text alone")
    assert {("texts", "notes"), ("numbers", "area"), ("categories", "city"), ("tokenizer", "words")} <= said.keys()
    assert ("vocabulary", "notes: 24 words") in said and ("model.embedding", "16") in said and ("model.ngrams", "1") in said
    assert mixed_run.report["task"] == "table classification"
    assert kinds(mixed_run) == {"notes": "text", "area": "number", "city": "category"}


def test_rows_are_predicted_however_they_come(mixed_run, tmp_path: Path) -> None:
    whole = mixed_run.predict([ONE, OTHER], top=2)
    assert [row[0][0] for row in whole] == ["high", "low"]
    written = f'notes="{ONE["notes"]}" area=1.5 city=Jena'
    assert mixed_run.predict([written], top=2) == whole[:1]
    rows = pl.DataFrame([ONE, OTHER])
    (tmp_path / "new.csv").write_text(rows.select("city", "notes", "area").write_csv())
    assert mixed_run.predictor.predict_file(tmp_path / "new.csv", top=2).answers == whole
    nothing = mixed_run.predict([{"notes": None, "area": None, "city": None}, {"notes": "", "area": None, "city": None}])
    assert nothing[0] == nothing[1]
    with pytest.raises(TrainwrightError) as caught:
        mixed_run.predict([{"area": 1.0, "city": "Ulm"}])
    assert caught.value.code == "E247" and "notes" in caught.value.what


def test_a_run_is_measured_verified_and_repeated(mixed_run, tmp_path: Path) -> None:
    assert not tw.verify(mixed_run).wrong and not tw.replay(mixed_run).wrong
    again = evaluate_all(mixed_run, csv(tmp_path, KINDS))
    assert again["n"] == len(KINDS) and again["accuracy"] > 0.8


def test_an_ended_run_goes_on_as_a_longer_one(tmp_path: Path) -> None:
    source = csv(tmp_path, VALUES)
    short = fit(source, tmp_path, "short", epochs=1, schedule="none", speed="off")
    long = fit(source, tmp_path, "long", epochs=2, schedule="none", speed="off")
    assert tw.resume(short.path, epochs=2, listen=lambda event: None).report["test"] == long.report["test"]


def test_a_training_that_goes_on_keeps_the_words(mixed_run, tmp_path: Path) -> None:
    later = mixed_samples.rows(200, seed=2).drop("value").with_columns(pl.col("notes") + " unheard")
    run = fit(csv(tmp_path, later), tmp_path, from_run=mixed_run.path, epochs=1)
    before, after = (json.loads((each.path / "model" / "vocabulary.json").read_text()) for each in (mixed_run, run))
    assert before == after and "unheard" not in after
    refused("E328", csv(tmp_path, later), tmp_path, from_run=mixed_run.path, lowercase=False)


@pytest.mark.parametrize("model", ["mlp", "linear"])
def test_what_a_text_adds_is_told(model: str, tmp_path: Path) -> None:
    run = fit(csv(tmp_path, VALUES), tmp_path, model=model, epochs=8, speed="off")
    told = tw.explain(run, ONE)
    parts = {unit.name: unit.parts[0] for unit in told.units}
    assert parts.keys() == {"notes", "area", "city"} and parts["notes"] > 0
    base = run.predict([{**ONE, "notes": None}])[0]
    assert parts["notes"] == pytest.approx(run.predict([ONE])[0] - base, abs=1e-4)  # exact, or by leaving it out
    long = tw.explain(run, {**ONE, "notes": "bright " * 500})
    assert max(len(unit.given) for unit in long.units) <= 200
    examples = json.loads((run.path / "examples.json").read_text())
    assert {name for row in examples for name, _ in row["why"]} == {"notes", "area", "city"}


@pytest.mark.parametrize("model", ["mlp", "linear"])
def test_the_update_of_a_text_names_its_words(model: str, tmp_path: Path) -> None:
    run = fit(csv(tmp_path, KINDS.select("notes", "kind")), tmp_path, model=model, epochs=3, speed="off")
    moves = tw.explain(run, {"notes": "bright sunny home"}, "low").step.moves
    named = [move.place for move in moves if move.parameter == "texts.0.weight"]
    assert model == "mlp" or named
    assert all(place.startswith(("notes bright, ", "notes sunny, ")) for place in named)


def test_encoded_rows_for_a_loop_of_ones_own(tmp_path: Path) -> None:
    data = tw.load_data(csv(tmp_path, KINDS), batch_size=32, seed=3)
    assert data.task == "table"
    numeric, codes, (values, offsets, weights), targets = next(iter(data.loader()))
    assert numeric.shape == (32, 1) and codes.shape == (32, 1) and targets.shape == offsets.shape == (32,)
    assert values.shape == weights.shape and int(values.max()) < data.encoder.texts["notes"].size
    in_order = next(iter(data.loader("test", 4)))
    for row, (own_numeric, own_codes, (ids, own_weights), target) in enumerate(data.test[place] for place in range(4)):
        first, end = [*in_order[2][1].tolist(), len(in_order[2][0])][row : row + 2]
        assert in_order[2][0][first:end].equal(ids) and in_order[2][2][first:end].equal(own_weights)
        assert in_order[0][row].equal(own_numeric) and in_order[1][row].equal(own_codes) and in_order[3][row] == target


def test_settings_of_texts_apply(tmp_path: Path) -> None:
    source = csv(tmp_path, KINDS.with_columns(pl.col("notes").str.replace_all("flat", "FLAT")))
    given = {"lowercase": False, "max_vocabulary": 7, "model": {"ngrams": 2, "embedding": 3}}
    run = fit(source, tmp_path, epochs=1, tokenizer="basic-english", min_count=2, **given)
    meta = json.loads((run.path / "model" / "model.json").read_text())
    text = meta["encoder"]["texts"]["notes"]
    assert (text["tokenizer"], text["lowercase"], text["ngrams"], text["max_vocabulary"]) == ("basic-english", False, 2, 7)
    tokens = json.loads((run.path / "model" / "vocabulary.json").read_text())
    assert "FLAT" in tokens and "flat" not in tokens and len(tokens) == 2 + 7 == text["tokens"]


def test_several_texts_have_words_of_their_own(tmp_path: Path) -> None:
    frame = KINDS.with_columns(title=pl.Series([f"{'grand' if n % 2 else 'small'} home on the hill {n}" for n in range(300)]))
    run = fit(csv(tmp_path, frame), tmp_path, epochs=1, label="kind")
    meta = json.loads((run.path / "model" / "model.json").read_text())["encoder"]
    assert list(meta["texts"]) == ["notes", "title"]
    tokens = json.loads((run.path / "model" / "vocabulary.json").read_text())
    first = meta["texts"]["notes"]["tokens"]
    assert "damp" in tokens[:first] and "grand" in tokens[first:] and "damp" not in tokens[first:]
    moved = run.predict([{**ONE, "title": "grand home"}])
    assert moved == run.predict([dict(reversed({**ONE, "title": "grand home"}.items()))])


def test_texts_by_what_is_said(tmp_path: Path) -> None:
    frame = KINDS.with_columns(tag=pl.Series([f"{n % 5} of five" for n in range(300)]))
    run = fit(csv(tmp_path, frame), tmp_path, epochs=1, columns={"tag": "text", "notes": "ignore"})
    assert kinds(run) == {"tag": "text", "area": "number", "city": "category"}
    named = fit(csv(tmp_path, frame), tmp_path, "named", task="auto", epochs=1, features=["notes", "area"])
    assert kinds(named) == {"notes": "text", "area": "number"}


def test_estimators_take_texts() -> None:
    from trainwright.estimators import TableClassifier

    features = KINDS.drop("kind")
    found = TableClassifier(epochs=15).fit(features, KINDS["kind"].to_numpy())
    assert np.mean(found.predict(features) == KINDS["kind"].to_numpy()) > 0.8


def test_rows_are_the_same_where_their_words_are(tmp_path: Path) -> None:
    frame = KINDS.head(120)
    shouted = frame.head(20).with_columns(pl.col("notes").str.to_uppercase() + "!")  # nothing else differs
    nearly = frame[20:30].with_columns(pl.col("notes") + " indeed")
    others = frame[30:40].with_columns(pl.col("notes").str.to_uppercase(), area=pl.col("area") + 1)  # another row
    said: list[Note] = []
    data = tw.load_data(csv(tmp_path, pl.concat([frame, shouted, nearly, others])), label="kind", listen=said.append)
    counts = {note.what: note.value for note in said if isinstance(note, Note)}
    assert (counts["duplicates"], counts["nearly the same"]) == ("20", "10") and "duplicate rows" not in counts
    split_of = {row: name for name in ("train", "valid", "test") for row in data.rows(name).tolist()}
    assert all(split_of[place + 2] == split_of[place + 122] for place in range(20))
    assert len({split_of[place] for place in range(2, 22)}) > 1
