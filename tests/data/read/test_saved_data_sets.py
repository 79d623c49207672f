"""What the ``datasets`` library leaves on a disk: folders of Arrow streams and of Parquet files, read without it."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import polars as pl
import pytest
from samples import news_rows, rows_measured

import trainwright as tw
from trainwright.data.files import content as files
from trainwright.data.read.source import find
from trainwright.data.read.tables import open_table, read_table
from trainwright.data.tables.label_form import LabelForm
from trainwright.data.tables.table import ROW
from trainwright.errors import TrainwrightError

CODES = ["money", "space", "sport"]
FEATURES = {"label": {"names": CODES, "_type": "ClassLabel"}, "text": {"dtype": "string", "_type": "Value"}}


def news(count: int, seed: int = 0) -> pl.DataFrame:
    frame = pl.DataFrame(news_rows(count, seed), schema=["label", "text"], orient="row")
    return frame.with_columns(pl.col("label").replace_strict({name: place for place, name in enumerate(CODES)}))


def named(frame: pl.DataFrame) -> list[tuple[str, str]]:
    return [(CODES[label], text) for label, text in frame.select("label", "text").iter_rows()]


def save_to_disk(folder: Path, frame: pl.DataFrame, shards: int = 1) -> None:
    folder.mkdir(parents=True)
    names = [f"data-{place:05}-of-{shards:05}.arrow" for place in range(shards)]
    size = -(-len(frame) // shards)
    for place, name in enumerate(names):
        frame[place * size : (place + 1) * size].write_ipc_stream(folder / name)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": FEATURES}))
    frame[:3].write_ipc_stream(folder / "cache-0a1b2c.arrow")  # what a map of the library leaves


def test_a_saved_data_set(tmp_path: Path) -> None:
    frame = news(90)
    save_to_disk(tmp_path / "saved", frame, shards=3)
    table = read_table(tmp_path / "saved")
    assert table.frame.select("label", "text").rows() == named(frame)
    assert [note.value for note in table.notes if note.what == "classes of"] == ["label"]


def test_a_saved_dictionary_of_splits(tmp_path: Path) -> None:
    parts = {"train": news(120), "validation": news(30, 1), "test": news(40, 2)}
    for name, frame in parts.items():
        save_to_disk(tmp_path / "saved" / name, frame)
    (tmp_path / "saved" / "dataset_dict.json").write_text(json.dumps({"splits": list(parts)}))
    tables = find(str(tmp_path / "saved"), None, None, offline=True).tables
    found = {name: table.frame.select("label", "text").rows() for name, table in tables.items()}
    assert found == {name[:5]: named(frame) for name, frame in parts.items()}
    run = tw.train(tmp_path / "saved", out=tmp_path / "run", epochs=1, speed="off", listen=lambda event: None)
    assert run.report["labels"] == CODES and run.report["test"]["n"] == 40
    assert tw.evaluate(run, tmp_path / "saved" / "test")["loss"] == pytest.approx(run.report["test"]["loss"])


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_names_of_classes_that_a_schema_tells(tmp_path: Path, suffix: str) -> None:
    frame, path = news(30), tmp_path / f"train-00000-of-00001-0123456789abcdef.{suffix}"
    description = json.dumps({"info": {"features": FEATURES}})
    if suffix == "parquet":
        frame.write_parquet(path, metadata={"huggingface": description})
    else:
        stream = io.BytesIO()
        frame.write_ipc_stream(stream)
        path.write_bytes(with_metadata(stream.getvalue(), description))
    assert read_table(path).frame.select("label", "text").rows() == named(frame)


CLASSES = {"names": CODES, "_type": "ClassLabel"}


@pytest.mark.parametrize(
    "feature",
    [{"feature": CLASSES, "length": -1, "_type": "Sequence"}, {"feature": CLASSES, "_type": "List"}, [CLASSES], None],
    ids=["sequence", "list", "in a list", "without names"],
)
def test_lists_of_class_numbers_are_several_labels(tmp_path: Path, feature: object) -> None:
    sets = [[n % 3, (n + 1) % 3][: 1 + n % 2] if n % 9 else [] for n in range(90)]
    texts = [" ".join([*(f"{CODES[label]}word" for label in labels), f"n{n}"]) for n, labels in enumerate(sets)]
    frame = pl.DataFrame({"labels": sets, "text": texts, "tokens": [[*range(100)]] * 90})
    features = {"text": {"dtype": "string", "_type": "Value"}, **({"labels": feature} if feature else {})}
    frame.write_parquet(tmp_path / "a.parquet", metadata={"huggingface": json.dumps({"info": {"features": features}})})
    names = CODES if feature else ["0", "1", "2"]
    table = read_table(tmp_path / "a.parquet")
    assert [note.value for note in table.notes if note.what == "column left out"] == ["tokens"]
    kept = LabelForm(("labels",), "labels", "list").read(table.frame).to_list()
    assert kept == [sorted(names[label] for label in labels) for labels in sets]
    if isinstance(feature, list):
        run = tw.train(tmp_path / "a.parquet", out=tmp_path / "run", epochs=1, speed="off", listen=lambda event: None)
        assert run.report["labels"] == CODES and rows_measured(tw.evaluate(run, tmp_path / "a.parquet")) == 90


def with_metadata(stream: bytes, description: str) -> bytes:
    """A stream behind whose schema the description lies, in the padding of its message: enough to be found as text."""
    (length,) = struct.unpack("<i", stream[4:8])
    text = b"huggingface\0" + description.encode()
    text += b"\0" * (-len(text) % 8)
    return stream[:4] + struct.pack("<i", length + len(text)) + stream[8 : 8 + length] + text + stream[8 + length :]


@pytest.mark.parametrize("split", ["test", "validation"])
def test_a_split_without_labels_is_passed_over(tmp_path: Path, split: str) -> None:
    save_to_disk(tmp_path / "train", news(60))
    save_to_disk(tmp_path / split, news(20, 1).with_columns(label=pl.lit(-1, pl.Int64)))
    source = find(str(tmp_path), None, None, offline=True)
    assert list(source.files) == ["train"] and any(
        split[:5] in note.value for note in source.notes if note.what == "passed over"
    )


@pytest.mark.parametrize("kind", ["file", "stream", "feather"])
def test_large_files_are_read_in_parts(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frame, path = news(300), tmp_path / f"rows.{'feather' if kind == 'feather' else 'arrow'}"
    frame.write_ipc_stream(path) if kind == "stream" else frame.write_ipc(path, record_batch_size=50)
    monkeypatch.setattr(files, "HEAD_BYTES", 4000)
    monkeypatch.setattr(files, "PART_BYTES", 2000)
    stream = open_table(path)
    assert stream.whole().frame.select(ROW, "label", "text").rows() == [
        (place + 1, label, text) for place, (label, text) in enumerate(frame.iter_rows())
    ]
    assert len(list(stream.tables())) > 1


@pytest.mark.parametrize("start", [b"ARROW1\0\0", b"\xff\xff\xff\xff"])
def test_a_damaged_file_is_refused(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "rows.arrow").write_bytes(start + bytes(range(200)))
    with pytest.raises(TrainwrightError, match="E115") as refused:
        read_table(tmp_path / "rows.arrow")
    assert "an Arrow file" in str(refused.value)


def test_compressed_arrow(tmp_path: Path) -> None:
    import gzip

    content = io.BytesIO()
    news(30).write_ipc(content)
    (tmp_path / "rows.arrow.gz").write_bytes(gzip.compress(content.getvalue()))
    assert len(read_table(tmp_path / "rows.arrow.gz").frame) == 30
