"""How labels are written: what is taken for several labels a row, what stays a class, what is a number; and how it is read."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.data.tables.label_form import LabelForm, form_of, kind_of, several
from trainwright.data.tables.spelling import STRONG, WEAK
from trainwright.data.tables.table import Table
from trainwright.errors import DataError
from trainwright.tasks.bundle_schema import SETS


def told(values: list[Any], target: Any = None, name: str = "label") -> tuple[LabelForm, list[str]]:
    """The form of a column, and what is said of it."""
    form, notes = form_of(Table(pl.DataFrame({name: values}), "a.csv"), [name], target)
    return form, [f"{value}: {why}" for _, value, why in notes]


MIXED = ["a|b", "b|a", "a", "c", "b|c", "a|c"] * 10


@pytest.mark.parametrize(
    ("values", "target", "written"),
    [
        (MIXED, "labels", "|"),
        ([each.replace("|", "; ") for each in MIXED], "labels", ";"),
        ([each.replace("|", ", ") for each in MIXED], "labels", ","),
        ([each.replace("|", " ") for each in MIXED], "labels", " "),
        (["cat dog", "dog owl", "cat owl", "cat", "dog", "owl"] * 8, "labels", " "),
        (['["a", "b"]', "[]", '["b"]'] * 8, "labels", "list"),
        (["['a', 'b']", "[]", "['it''s']"] * 8, "labels", "list"),
        ([["a", "b"], [], ["b"]] * 8, "labels", "list"),
        (['{"a": 1, "b": 1}', '{"a": 0, "b": 0}'] * 8, "labels", "object"),
        (['{"a": 1, "b": 0}', '{"a": false, "b": true}'] * 8, "class", "object"),
        ([each.replace("|", "/") for each in MIXED], "labels", "/"),
        ([each.replace("|", " & ") for each in MIXED], "labels", "&"),
        ([each.replace("|", " + ") for each in MIXED], "labels", "+"),
        ([each.replace("|", "\n") for each in MIXED], "labels", "\n"),
        ([each.replace("|", "\t") for each in MIXED], "labels", "\t"),
        ([each.replace("|", " and ") for each in MIXED], "labels", " and "),
        ([each.replace("|", " - ") for each in MIXED], "labels", " - "),
        ([each.replace("|", " > ") for each in MIXED], "labels", " > "),
        ([each.replace("|", "_") for each in MIXED], "labels", "_"),
        (["{" + each.replace("|", ",") + "}" for each in MIXED], "labels", "list"),
        (['{"a","b"}', '{"a"}', "{}"] * 8, "labels", "list"),
        (["{'a', 'b'}", "{'a'}"] * 8, "labels", "list"),
        (["('a', 'b')", "('a',)"] * 8, "labels", "list"),
        (["{'a': 1, 'b': 0}", "{'a': False, 'b': True}"] * 8, "class", "object"),
        # what stays a class
        (["(a)", "(b)", "(c)"] * 8, "class", ""),
        (["{'a': 0.5}", "{'b': 0.25, 'c': 0.5}"] * 8, "class", ""),
        (["non-spam", "spam"] * 8, "class", ""),
        (["left_arm", "left_leg", "right_arm", "right_leg"] * 8, "class", ""),
        (["salt and pepper", "salt", "bread and butter"] * 8, "class", ""),
        (["Home > Garden", "Home > Kitchen", "Toys > Games"] * 8, "class", ""),
        (["R&B", "pop", "AC/DC", "C++", "M/F"] * 8, "class", ""),
        (["action - drama", "drama - comedy", "action - news", "news - art"] * 8, "class", ""),
        (["sports, outdoor", "food, drink", "arts"] * 8, "class", ""),
        (["very good", "good", "bad", "very bad", "neutral"] * 8, "class", ""),
        (["New York", "Los Angeles", "San Francisco", "New Orleans"] * 8, "class", ""),
        (["machine learning", "learning", "physics"] * 8, "class", ""),
        (["US|NY", "CA|ON", "FR|75"] * 8, "class", ""),
        (["a", "b", "c"] * 8, "class", ""),
        (["0", "1", "2"] * 20, "class", ""),
        ([str(number) for number in range(77)] * 12, "class", ""),  # numbers of classes
        # numbers
        (["0.25", "0.5", "0.75", "0.125"] * 8, "number", "point"),
        (["0,25", "0,5", "0,75", "0,125"] * 8, "number", "comma"),
        ([str(7 * number) for number in range(40)] * 2, "number", "point"),
        ([0.5, 1.5, 2.25] * 8, "number", "point"),
    ],
)
def test_what_is_found(values: list[Any], target: str, written: str) -> None:
    form, _ = told(values)
    assert (form.target, form.written) == (target, written)


def test_a_doubt_is_said() -> None:
    assert told(["US|NY", "CA|ON", "FR|75"] * 8)[1] == ["class: labels hold '|': write target=labels if each is several"]
    pairs = ["comedy,drama", "action,comedy", "action,drama", "action,news", "comedy,news", "drama,news"]
    assert told(pairs * 8)[1] == ["class: labels hold ',': write target=labels if each is several"]
    assert told([each.replace(",", " ") for each in pairs] * 8)[1][0].startswith("class: labels hold blanks")
    assert (
        told(["very good", "good", "bad", "very bad", "neutral"] * 8)[1] == told(["big car", "small car", "bike"] * 8)[1] == []
    )
    assert told(["1.0", "2.0", "3.0"] * 30)[1][0].endswith("if not, write target=number")
    assert told(["1", "2", "3"] * 30, name="stars")[1][0].endswith("if not, write target=number")
    assert told(["1", "2", "3"] * 30)[1] == []
    assert "3 labels, '|' between them, several in 67% of the rows" in told(MIXED)[1][0]


@pytest.mark.parametrize(
    ("values", "target", "wanted"),
    [
        (MIXED, "class", ("class", "")),
        (['["a"]', '["a", "b"]'] * 8, "class", ("class", "")),
        (["US|NY", "CA|ON"] * 8, "labels", ("labels", "|")),
        (["sports, outdoor", "arts"] * 8, "labels", ("labels", ",")),
        (["a", "b"] * 8, "labels", ("labels", "|")),
        (["1", "2", "3"] * 20, "number", ("number", "point")),
        (["0.25", "0.5"] * 20, "class", ("class", "")),
        (['{"a": 1, "b": 0}', '{"a": 0, "b": 1}'] * 8, "labels", ("labels", "object")),
    ],
)
def test_what_is_given_is_taken(values: list[Any], target: Any, wanted: tuple[str, str]) -> None:
    form, _ = told(values, target)
    assert (form.target, form.written) == wanted


def test_words_are_no_numbers() -> None:
    with pytest.raises(DataError) as caught:
        told(["good", "bad"] * 8, "number")
    assert caught.value.code == "E245" and "'good'" in str(caught.value)


@pytest.mark.parametrize("mark", [*STRONG, *WEAK])
def test_a_bundle_may_have_every_mark(mark: str) -> None:
    assert re.fullmatch(SETS, mark) and kind_of({"written": mark}) == "labels"


# ---- reading


@pytest.mark.parametrize(
    ("form", "values", "wanted"),
    [
        (("labels", "|"), ["b | a", "a|a", "", None, " c "], [["a", "b"], ["a"], None, None, ["c"]]),
        (("labels", " "), ["b  a", "a"], [["a", "b"], ["a"]]),
        (("labels", " and "), ["b and a", "a", "sand"], [["a", "b"], ["a"], ["sand"]]),
        (("labels", "list"), ['{"b c",a}', "{}", "('a',)", "{'a': 0.5}"], [["a", "b c"], [], ["a"], None]),
        (("labels", "list"), ['["b", "a"]', "[]", "['x']", "alone", None], [["a", "b"], [], ["x"], ["alone"], None]),
        (("labels", "list"), [["b", "a", None], [], None], [["a", "b"], [], None]),
        (("labels", "object"), ['{"b": 1, "a": true, "c": 0}', "{}", "none"], [["a", "b"], [], None]),
        (("class", "object"), ['{"b": 1, "a": 0}', '{"b": 1, "a": 1}', "{}"], ["b", None, None]),
        (("number", "comma"), ["1.234,5", "x", None], [1234.5, None, None]),
        (("class", ""), ["a|b", None], ["a|b", None]),
    ],
)
def test_reading(form: tuple[Any, str], values: list[Any], wanted: list[Any]) -> None:
    target, written = form
    assert LabelForm(("label",), target, written).read(pl.DataFrame({"label": values})).to_list() == wanted


def test_columns_of_0_and_1() -> None:
    frame = pl.DataFrame({"b": ["1", "0", "1.0", None], "a": [1, 0, 1, 1], "*": [True, False, True, True]})
    form, _ = form_of(Table(frame, "a.csv"), ["b", "a", "*"], None)
    assert form.read(frame).to_list() == [["*", "a", "b"], [], ["*", "a", "b"], None]
    assert form.read(frame.clear()).to_list() == []
    with pytest.raises(DataError) as caught:
        form_of(Table(pl.DataFrame({"a": [0, 1], "b": ["x", "0"]}), "a.csv"), ["a", "b"], None)
    assert caught.value.code == "E285" and "'b'" in str(caught.value)
    with pytest.raises(DataError) as caught:
        form_of(Table(frame, "a.csv"), ["a", "*"], "class")
    assert caught.value.code == "E286"


def test_several_columns_are_named_with_commas() -> None:
    table = Table(pl.DataFrame({"a": [1], "b": [1], "a,b": [1], "c,d": [1]}), "a.csv")
    assert several(table, "a, b") == ("a", "b") and several(table, '"c,d",a') == ("c,d", "a")
    assert several(table, "a,b") == () and several(table, "a") == () and several(table, "a,z") == ()  # a name, one, not all


@pytest.mark.parametrize(
    "form",
    [
        LabelForm(("a",)),
        LabelForm(("a",), "labels", "|"),
        LabelForm(("a", "b"), "labels", "columns"),
        LabelForm(("a",), "number", "point"),
    ],
)
def test_a_bundle_keeps_it(form: LabelForm) -> None:
    values = form.to_values()
    assert LabelForm.from_values(values, form.target) == form
    assert kind_of(values) == (None if form.target == "class" else form.target)


NAMES = st.lists(st.sets(st.sampled_from(["art", "bio", "cs", "db", "eco"]), min_size=1, max_size=3), min_size=30, max_size=60)


@given(NAMES, st.sampled_from("|;"), st.randoms())
def test_what_is_written_is_read(sets: list[set[str]], mark: str, draw: Any) -> None:
    cells = [mark.join(draw.sample(sorted(each), len(each))) for each in sets]
    form, notes = told(cells)
    if form.target == "labels":
        assert form.read(pl.DataFrame({"label": cells})).to_list() == [sorted(each) for each in sets]
    else:  # hardly any cell has several, or they do not come back: then it is said where a mark is there often
        assert sum(mark in cell for cell in cells) < 0.02 * len(cells) or notes
