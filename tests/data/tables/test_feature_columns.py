"""Which columns of a table are learned from: names given are kept, derived ones explained, doubts asked back."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.read.tables import read_table
from trainwright.data.tables.cast import cast_columns
from trainwright.data.tables.column_choice import declare
from trainwright.data.tables.dtypes import Feature
from trainwright.data.tables.feature_columns import TableSchema, choose_features
from trainwright.data.tables.table import ROW, Table
from trainwright.errors import DataError

N = 40
KIND = ["good", "bad"] * (N // 2)
COLOUR = ["red", "green", "blue", "grey"] * (N // 4)
SIZE = [n / 7 for n in range(N)]
PROSE = [f"a film of {n} minutes that I liked" for n in range(N)]
KEYS = [f"{a}{b}{a} {b}{a}{a}" for a in "abcdefgh" for b in "klmno"]  # words that occur once


def table(has_header: bool = True, **columns: Any) -> Table:
    frame = pl.DataFrame(columns, strict=False)
    if not has_header:
        frame.columns = [f"column_{place}" for place in range(1, frame.width + 1)]
    return Table(frame.with_columns(pl.int_range(1, frame.height + 1).alias(ROW)), "a.csv", has_header=has_header)


def choose(rows: Table, *args: Any, **more: Any) -> TableSchema:
    chosen = choose_features(rows, *args, **more)
    assert all(what and value and why for what, value, why in chosen.notes)
    return chosen


def kinds(chosen: TableSchema) -> dict[str, str]:
    return {feature.name: feature.kind for feature in chosen.features}


def left_out(chosen: TableSchema) -> dict[str, str]:
    return {value: why for what, value, why in chosen.notes if what == "left out"}


def refusal(rows: Table, *args: Any, **more: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        choose_features(rows, *args, **more)
    return caught.value


# ---- the target


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        ({"label": KIND, "size": SIZE}, "label"),
        ({"Outcome": KIND, "size": SIZE}, "Outcome"),
        ({"target": KIND, "price": SIZE, "size": SIZE}, "target"),
        ({"type": COLOUR, "price": SIZE, "size": SIZE}, "price"),
        ({"class": KIND, "y": [0, 1] * 20, "size": SIZE}, "class"),
        ({"price": SIZE, "x": SIZE, "y": SIZE, "z": SIZE}, "price"),
        ({"x": SIZE, "y": KIND, "size": SIZE}, "y"),
        ({"size": SIZE, "colour": COLOUR}, "colour"),
        ({"colour": COLOUR, "size": SIZE}, "size"),
        ({"size": SIZE, "type": KIND}, "type"),
        ({"type": KIND, "size": SIZE, "id": range(N)}, "type"),
    ],
)
def test_the_target_is_found(columns: dict[str, Any], label: str) -> None:
    chosen = choose(table(**columns))
    assert chosen.label == label
    assert label not in kinds(chosen)
    assert chosen.notes[0][:2] == ("label", label)


@pytest.mark.parametrize(
    ("values", "target"),
    [
        (KIND, "class"),
        (["yes", "no"] * 20, "class"),
        ([True, False] * 20, "class"),
        ([0, 1] * 20, "class"),
        ([1.0, 2.0, 3.0, 3.0] * 10, "class"),
        (["1", "2", "3", "NA"] * 10, "class"),
        ([1, 2, 3, 4, 5] * 8, "number"),
        (range(N), "number"),
        (SIZE, "number"),
        (["1,5", "2,25"] * 20, "number"),
        ([0.5, 1.5] * 20, "number"),
    ],
)
def test_class_or_number_is_told_from_the_values(values: Any, target: str) -> None:
    rows = table(size=SIZE, y=values)
    chosen = choose(rows)
    assert chosen.target == target
    assert ("target", target) == chosen.notes[1][:2]
    if rows.frame["y"].dtype.is_numeric():
        other: Any = {"class": "number", "number": "class"}[target]
        assert f"target={other}" in chosen.notes[1][2]
    given = choose(rows, target=target)  # type: ignore[arg-type]
    assert given == chosen and "target" not in [what for what, _, _ in given.notes]


def test_a_given_target_is_kept() -> None:
    assert choose(table(size=SIZE, y=[1, 2, 3, 4, 5] * 8), target="class").target == "class"
    assert choose(table(size=SIZE, y=[0, 1] * 20), target="number").target == "number"


# ---- the features


def test_every_kind() -> None:
    chosen = choose(
        table(
            size=SIZE,
            price=["1,5", "2,25", None, "7"] * 10,
            sold=["yes", "no", "no", "no"] * 10,
            day=[dt.date(2026, 1, 1 + n % 28) for n in range(N)],
            colour=COLOUR,
            label=KIND,
        )
    )
    assert kinds(chosen) == {"size": "number", "price": "number", "sold": "boolean", "day": "date", "colour": "category"}
    assert [(what, value) for what, value, _ in chosen.notes if what in ("numbers", "yes or no", "dates", "categories")] == [
        ("numbers", "size, price"),
        ("yes or no", "sold"),
        ("dates", "day"),
        ("categories", "colour"),
    ]


LEFT_OUT: dict[str, tuple[Any, str]] = {
    "PassengerId": (range(N), "an id"),
    "Unnamed: 0": (range(N), "an id"),
    "column_7": (range(N), "an id"),
    "uuid": ([f"{n:08x}" for n in range(N)], "an id"),
    "nothing": ([None] * N, "nothing that can be used"),
    "infinite": ([float("inf")] * N, "nothing that can be used"),
    "same": (["x"] * N, "the same value, 'x'"),
    "key to all": (KEYS, "its words hardly recur; to learn from them all the same: columns.key to all=text"),
    "address": ([f"https://example.org/a/page/of/many/words/that/recur/in/all/{n}" for n in range(N)], "free text"),
    "hash": ([f"{n:064x}" for n in range(N)], "free text"),
    "code": ([f"c{n}" for n in range(N)], "every value is different"),
    "ticket": ([f"t{n // 2 if n > 8 else -n}" for n in range(N)], "25 of its 40 values are different"),
    "split": (["train", "test"] * 20, "which split"),
    "day": (["01/02/2026", "02/03/2026"] * 20, "write 2026-01-31"),
    "price": ([*["n.a."] * 10, *[str(n) for n in range(30)]], "10 are no numbers, such as 'n.a.'"),
    "mirror": ([1, 0] * 20, "the same as 'label'"),
    "blob": ([bytes([n]) for n in range(N)], "of type Binary"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_said(name: str) -> None:
    values, why = LEFT_OUT[name]
    chosen = choose(table(**{name: values}, size=SIZE, label=KIND))
    assert kinds(chosen) == {"size": "number"}
    assert list(left_out(chosen)) == [name] and why in left_out(chosen)[name]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("key", [0.5 + n for n in range(N)]),  # a usual name, but no whole numbers
        ("number", range(N)),
        ("paid", range(N)),
        ("id", [1, 2, 2, 2] * 10),
        ("once", ["x", None, "x", None] * 10),  # whether it is there may tell something
        ("near", [*["a", "b"] * 19, "b", "a"]),
        ("note", [f"seen on {n % 4} days" for n in range(N)]),
        ("text", PROSE),
    ],
)
def test_what_is_not_left_out(name: str, values: Any) -> None:
    assert name in kinds(choose(table(**{name: values}, size=SIZE, label=KIND)))


def test_a_column_that_says_the_same_as_the_class_is_taken_where_nothing_else_is_left() -> None:
    chosen = choose(table(answer=["yes", "no"] * 20, name=KEYS, label=KIND))
    assert kinds(chosen) == {"answer": "boolean"} and list(left_out(chosen)) == ["name"]
    assert ("taken all the same", "answer") in [note[:2] for note in chosen.notes]


def test_given_features_are_taken_as_they_are() -> None:
    rows = table(same=["x"] * N, code=[f"c{n}" for n in range(N)], size=SIZE, colour=COLOUR, label=KIND)
    chosen = choose(rows, ("same", "code", "colour"))
    assert list(kinds(chosen)) == ["same", "code", "colour"]
    told = {value: why for what, value, why in chosen.notes if what == "taken all the same"}
    assert "the same value" in told["same"] and "different" in told["code"] and len(told) == 2
    assert left_out(chosen) == {}
    assert choose(rows, "size").features == (Feature("size", "number", "point"),)
    assert choose(rows, ("size",), "colour").label == "colour"


def test_texts_are_said_and_can_be_categories_or_nothing() -> None:
    rows = table(size=SIZE, text=PROSE, key=KEYS, note=COLOUR, label=KIND)
    chosen = choose(rows)
    assert kinds(chosen) == {"size": "number", "text": "text", "note": "category"} and list(left_out(chosen)) == ["key"]
    assert ("texts", "text") in [note[:2] for note in chosen.notes]
    assert chosen.features[1] == Feature("text", "text")
    said = choose(declare(rows, {"text": "category", "key": "text", "note": "text", "size": "ignore"}))
    assert kinds(said) == {"text": "category", "key": "text", "note": "text"} and list(left_out(said)) == ["size"]
    assert kinds(choose(rows, ("text", "size"))) == {"text": "text", "size": "number"}
    assert refusal(declare(rows, {"label": "text"}), label="label").code == "E246"


def test_without_names() -> None:
    rows = table(False, a=KIND, b=SIZE, c=COLOUR)
    assert choose(rows).label == "column_3"
    chosen = choose(rows, ("2",), "1")
    assert (chosen.label, kinds(chosen)) == ("column_1", {"column_2": "number"})
    assert "column_1" in kinds(choose(table(False, a=range(N), b=KIND)))  # numbers without a name are no pandas index


@pytest.mark.parametrize(
    ("columns", "asked", "code", "part"),
    [
        ({"size": SIZE, "label": KIND}, {"label": "lable"}, "E201", "Did you mean 'label'?"),
        ({"size": SIZE, "label": KIND}, {"features": ("siz",)}, "E201", "Did you mean 'size'?"),
        ({"size": SIZE, "label": PROSE}, {}, "E205", "'a film of 0 minutes"),
        ({"size": SIZE, "y": SIZE}, {"target": "class"}, "E205", "label=NAME"),
        ({"label": KIND, "y": COLOUR, "size": SIZE}, {}, "E240", "'red'"),
        ({"type": KIND, "colour": COLOUR}, {}, "E240", "label=NAME"),
        ({"type": KIND, "genre": COLOUR, "id": range(N)}, {}, "E240", "label=NAME"),
        ({"size": SIZE, "name": PROSE}, {}, "E240", "'a film of 0 minutes"),
        ({"size": SIZE}, {"features": "size"}, "E240", "label=NAME"),
        ({"size": SIZE, "label": KIND}, {"features": ("size", "label"), "label": "label"}, "E241", "features"),
        ({"size": SIZE, "label": KIND}, {"features": ("size", "size")}, "E242", "once"),
        ({"size": SIZE, "x": [None] * N, "label": KIND}, {"features": ("x",)}, "E243", "features"),
        ({"size": SIZE, "x": ["01/02/2026", "02/03/2026"] * 20, "label": KIND}, {"features": ("x",)}, "E243", "features"),
        ({"name": KEYS, "label": KIND}, {}, "E244", "'name' (free text, but its words hard"),
        ({"label": KIND}, {}, "E244", "no other column"),
        ({"size": SIZE, "label": KIND}, {"target": "number"}, "E245", "target=class"),
        ({"size": SIZE, "label": ["x"] * N}, {}, "E246", "label=NAME"),
        ({"size": SIZE, "label": [dt.date(2026, 1, 1), dt.date(2026, 1, 2)] * 20}, {}, "E246", "label=NAME"),
        ({"size": SIZE, "label": [None] * N}, {}, "E246", "label (such as nothing)"),
    ],
)
def test_doubts_are_asked_back(columns: dict[str, Any], asked: dict[str, Any], code: str, part: str) -> None:
    problem = refusal(table(**columns), **asked)
    assert problem.code == code and part in problem.mend, str(problem)


def test_a_target_with_a_few_odd_values_names_one() -> None:
    assert "such as 'n.a.'" in refusal(table(size=SIZE, label=["n.a.", "1", "2", "3"] * 10), target="number").what


def test_predicting_needs_no_label() -> None:
    assert choose(table(size=SIZE), need_label=False, label="label").label is None
    assert choose(table(name=PROSE, size=SIZE, code=PROSE), need_label=False).label is None
    both = choose(table(size=SIZE, label=PROSE), need_label=False)
    assert both.label == "label" and list(kinds(both)) == ["size"] and both.written is None


# ---- how columns are written


def test_clear_columns_settle_unclear_ones() -> None:
    comma = choose(table(a=["1,5", "2"] * 20, b=["1.234", "5"] * 20, c=["1,234", "5"] * 20, label=COLOUR))
    assert [feature.format for feature in comma.features] == ["comma"] * 3
    point = choose(table(a=["1.5", "2"] * 20, b=["1,234", "5"] * 20, label=COLOUR))
    assert [feature.format for feature in point.features] == ["point"] * 2
    assert all("1,234" not in value for _, value, _ in point.notes)
    doubt = choose(table(b=["1,234", "5"] * 20, label=COLOUR))
    assert doubt.notes[0][:2] == ("thousands", "b: 1,234 = 1234")
    dates = choose(table(a=["13/01/2026", "01/02/2026"] * 20, b=["01/02/2026 10:00", "02/03/2026"] * 20, label=COLOUR))
    assert [feature.format for feature in dates.features] == ["dmy", "dmy time"]


def test_a_few_bad_cells_are_said() -> None:
    chosen = choose(table(a=["abc", *[str(n) for n in range(N - 1)]], b=["x", "y", "3", "3"] * 10, label=COLOUR))
    assert kinds(chosen)["a"] == "number"
    assert ("numbers", "a", "1 of 40 values are not, such as 'abc': rows left out") in chosen.notes
    mostly = choose(table(b=["none known", "3", "4", "4", "3"] * 8, label=COLOUR))
    assert any(what == "categories" and "8 of 40" in why for what, _, why in mostly.notes)


def test_the_choice_goes_through_json() -> None:
    for target in (KIND, SIZE):
        chosen = choose(table(size=SIZE, day=["2026-01-31", "2026-02-01"] * 20, label=target))
        assert TableSchema.from_values(json.loads(json.dumps(chosen.to_values()))) == chosen
    assert TableSchema.from_values(TableSchema(None, ()).to_values()) == TableSchema(None, ())


# ---- typed values


def test_parse_names_the_rows_it_leaves_out() -> None:
    rows = table(
        age=["1", "2", "abc", "n/a", *["5"] * 26],
        when=["2026-01-31"] * 4 + ["soon"] + ["2026-02-01"] * 25,
        label=[1.0, None, *[0.0, 1.0] * 14],
    )
    chosen = choose(rows)
    frame, rejected = cast_columns(rows.frame, chosen, "a.csv")
    assert [(each.file, each.row, each.reason) for each in rejected] == [
        ("a.csv", 2, "no label"),
        ("a.csv", 3, "column 'age': 'abc' is not a number"),
        ("a.csv", 5, "column 'when': 'soon' is not a date"),
    ]
    assert frame.schema == {ROW: pl.Int64, "age": pl.Float64, "when": pl.Datetime("us"), "label": pl.String}
    assert frame[ROW].to_list() == [1, 4, *range(6, 31)]
    assert frame["age"].to_list()[:3] == [1.0, None, 5.0]
    assert set(frame["label"]) == {"0", "1"}


def test_parse_takes_columns_by_name_wherever_they_are() -> None:
    rows = table(size=SIZE, colour=COLOUR, label=KIND)
    chosen = choose(rows)
    frame, rejected = cast_columns(rows.frame.select("colour", pl.lit(1).alias("other"), "size"), chosen, need_label=False)
    assert rejected == [] and frame.columns == [ROW, "size", "colour"]
    assert frame.drop(ROW).equals(cast_columns(rows.frame, chosen)[0].select("size", "colour"))
    assert frame[ROW].to_list() == list(range(1, N + 1))


def test_parse_does_not_ask_predictions_for_a_label() -> None:
    rows = table(size=SIZE, label=KIND)
    chosen = choose(rows)
    empty = rows.frame.with_columns(label=pl.lit(None))
    assert len(cast_columns(empty, chosen, need_label=False)[0]) == N
    assert len(cast_columns(empty, chosen)[1]) == N
    with pytest.raises(DataError) as caught:
        cast_columns(rows.frame.drop("label"), chosen)
    assert caught.value.code == "E247"


def test_parse_names_the_column_that_is_not_there() -> None:
    rows = table(size=SIZE, colour=COLOUR, label=KIND)
    with pytest.raises(DataError) as caught:
        cast_columns(rows.frame.rename({"size": "sizes"}), choose(rows), "new.csv")
    assert caught.value.code == "E247" and "'size'" in caught.value.what and "Did you mean 'sizes'?" in caught.value.mend
    assert ROW not in caught.value.mend


def test_parse_of_the_target() -> None:
    numbers = table(size=SIZE, label=["1,5", "x", *["2,5", "3"] * 19])
    frame, rejected = cast_columns(numbers.frame, choose(numbers))
    assert frame["label"].to_list()[:2] == [1.5, 2.5]
    assert [each.reason for each in rejected] == ["label: 'x' is not a number with a decimal comma"]
    answers = table(size=SIZE, label=["Yes", "no", "NO", "?"] * 10)
    frame, rejected = cast_columns(answers.frame, choose(answers))
    assert frame["label"].to_list()[:3] == ["Yes", "no", "NO"] and len(rejected) == 10
    names = table(size=SIZE, label=["none", "1.0", " b", "b"] * 10)
    assert cast_columns(names.frame, choose(names))[0]["label"].to_list()[:4] == ["none", "1", "b", "b"]
    codes = choose(table(size=SIZE, label=[0, 1] * 20))
    assert cast_columns(pl.DataFrame({"size": [1], "label": ["1.0"]}), codes)[0]["label"].to_list() == ["1"]


CELLS = st.one_of(st.none(), st.integers(-99, 99).map(str), st.floats(-9, 9).map(repr), st.sampled_from(["NA", "x", " 3 "]))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["a", "b", None])), min_size=1, max_size=30))
def test_every_row_is_used_or_named(cells: list[tuple[str | None, ...]]) -> None:
    features = (Feature("p", "number", "point"), Feature("q", "number", "point"))
    chosen = TableSchema("y", features, "class", Feature("y", "category"))
    frame, rejected = cast_columns(pl.DataFrame(cells, schema=dict.fromkeys("pqy", pl.String), orient="row"), chosen)
    assert sorted([*frame[ROW].to_list(), *[each.row for each in rejected]]) == list(range(1, len(cells) + 1))
    bad = {place for place, row in enumerate(cells, start=1) if "x" in row[:2] or row[2] is None}
    assert {each.row for each in rejected} == bad
    for row, p, _, _ in frame.iter_rows():
        cell = cells[row - 1][0]
        assert p == (None if cell in (None, "NA") else float(cell))


# ---- whole files


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    rows = [f"{n};{n * 7 % 60},5;1.{n:03},25;{n % 28 + 1}.01.2026;{'AB'[n % 2]}" for n in range(60)]
    lines = ["id;Flaeche;Preis;Datum;Ort", *rows]
    (tmp_path / "flats.csv").write_text("\n".join(lines), encoding="utf-8")
    table = read_table(tmp_path / "flats.csv")
    chosen = choose(table, label="Preis")
    assert kinds(chosen) == {"Flaeche": "number", "Datum": "date", "Ort": "category"} and chosen.target == "number"
    frame, rejected = cast_columns(table.frame, chosen, table.file)
    assert rejected == [] and frame["Preis"][3] == 1003.25 and frame["Flaeche"][3] == 21.5
    assert frame["Datum"][3] == dt.datetime(2026, 1, 4)


def test_a_table_like_the_titanic(tmp_path: Path) -> None:
    header = "PassengerId,Survived,Pclass,Name,Sex,Age,SibSp,Ticket,Fare,Cabin,Embarked"
    lines = [
        f'{n},{n % 3 % 2},{n % 3 + 1},"Miller, Mr. Jo {n}",{"fe" * (n % 2)}male,{n if n % 5 else ""},{n % 4},'
        f"A/5 {n},{n * 1.25:.3f},{f'C{n}' if n % 4 == 0 else ''},{'SCQ'[n % 3] if n != 7 else ''}"
        for n in range(1, 121)
    ]
    (tmp_path / "titanic.csv").write_text("\n".join([header, *lines]), encoding="utf-8")
    rows = read_table(tmp_path / "titanic.csv")
    chosen = choose(rows)
    assert (chosen.label, chosen.target) == ("Survived", "class")
    assert kinds(chosen) == {
        "Pclass": "number", "Sex": "category", "Age": "number", "SibSp": "number", "Fare": "number", "Embarked": "category",
        "Name": "text",
    }  # fmt: skip
    assert set(left_out(chosen)) == {"PassengerId", "Ticket", "Cabin"}
    frame, rejected = cast_columns(rows.frame, chosen, rows.file)
    assert rejected == [] and frame["Age"].null_count() == 24 and frame["Embarked"].null_count() == 1


def test_classes_written_by_a_program_do_not_say_what_the_comma_is() -> None:
    """Numbers such as 2.0 beside them leave it open; ones such as 2.5 do not."""
    either, N = ["1,234", "2,345", "3,456", "4,567"] * 10, 40
    for other, said in ((["1.0", "2.0"], True), (["1.5", "2.0"], False)):
        notes = choose(table(a=either, b=other * (N // 2), label=["x", "y"] * (N // 2)), label="label").notes
        assert any(note.what == "thousands" for note in notes) == said


def test_times_of_day_might_be_spans() -> None:
    spans = [f"{n % 4}:{n % 60:02}:{n * 7 % 60:02}" for n in range(40)]
    notes = choose(table(lap=spans, n=range(40), label=["x", "y"] * 20), label="label").notes
    assert any(note.value == "lap" and "columns.lap=number" in note.why for note in notes)


def test_a_span_that_is_to_be_predicted_says_how_it_is_read() -> None:
    spans = [f"{n % 4}:{n % 60:02}:{n * 7 % 60:02}" for n in range(40)]
    rows = table(n=range(40), label=spans)
    with pytest.raises(DataError, match=r"columns\.label=number") as caught:
        choose(rows, label="label", target="number")
    assert caught.value.code == "E246"
    said = choose(declare(rows, {"label": "number"}), label="label")
    assert said.target == "number" and said.written == Feature("label", "number", "duration")
