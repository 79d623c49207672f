"""Labels: which are the same, and which differ only as people type."""

from __future__ import annotations

import itertools

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.labels import LabelEncoder
from trainwright.data.tables.spelling import fold, slips, tidy, truths, unify

SCIENCE = {"scienece": "science", "scinece": "science"}


def test_labels_are_tidied() -> None:
    cells = [" a ", "1.0", "2.", "-3.00", "1.5", "1.000", "1.0000", "01", "\u00a0b\u00a0", "", "  ", None, "9007199254740993.0"]
    wanted = ["a", "1", "2", "-3", "1.5", "1.000", "1", "01", "b", None, None, None, "9007199254740993"]
    assert tidy(pl.Series(cells, dtype=pl.String)).to_list() == wanted
    assert tidy(pl.Series([1.0, 2.5, float("nan"), None])).to_list() == ["1", "2.5", None, None]
    assert tidy(pl.Series([True, None])).to_list() == ["true", None]
    assert tidy(pl.Series([2**63 - 1])).to_list() == ["9223372036854775807"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Food", "fOOD", True),
        ("New York", "new  york", True),
        ("caf\u00e9", "cafe\u0301", True),
        ("a\u00a0b", "a b", True),
        ("e-mail", "E mail", True),
        ("e_mail", "email", True),
        ("e\u2011mail", "email", True),
        ("food.", "food", True),
        ("fo\u200bod", "food", True),
        ("\uff21BC", "abc", True),
        ("U.S.", "US", True),
        ("food", "foods", False),
        ("-1", "1", False),
        ("A-1", "A1", False),
        ("1.5", "15", False),
        ("C++", "C", False),
        ("cafe", "caf\u00e9", False),
        ("1", "01", False),
    ],
)
def test_what_differs_only_as_people_type(one: str, other: str, same: bool) -> None:
    assert (fold(one) == fold(other)) is same


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["True", "true", "FALSE", "0"], ["true", "true", "false", "false"]),
        (["1", "Yes", "no"], ["yes", "yes", "no"]),
        (["y", "n", "Yes", "no"], ["yes", "no", "yes", "no"]),
        (["T", "f", "t"], ["t", "f", "t"]),
        (["t", "f", "n"], ["t", "f", "n"]),
        (["0", "1"], ["0", "1"]),
        (["True", "False"], ["True", "False"]),
        (["yes", "false", "no"], ["yes", "false", "no"]),
        (["true", "True", "1"], ["true", "True", "1"]),  # all say the same, so they may be names of something else
        (["0", "1", "2", "true"], ["0", "1", "2", "true"]),
    ],
)
def test_yes_and_no(labels: list[str], names: list[str]) -> None:
    changed, groups = unify(dict.fromkeys(labels, 1), merge=False)
    assert [changed.get(label, label) for label in labels] == names
    assert bool(groups) == (labels[:2] == ["true", "True"])
    assert bool(truths(labels)) == (len({*labels}) == 2 or changed != {})


def test_the_most_frequent_spelling_is_the_name() -> None:
    counts = {"Food": 5, "food": 7, "FOOD": 1, "sport": 3, "c 1": 2, "C  1": 2}
    kept, groups = unify(counts, merge=False)
    assert kept == {} and groups == [["food", "Food", "FOOD"], ["C  1", "c 1"]]
    merged, _ = unify(counts, merge=True)
    assert merged == {"Food": "food", "food": "food", "FOOD": "food", "c 1": "C  1", "C  1": "C  1"}


def test_an_encoder_knows_other_spellings_where_they_are_the_same() -> None:
    asked = pl.Series(["Food", " food", "1.0", "2", None])
    assert LabelEncoder(("1", "food")).encode(asked).tolist() == [-1, 1, 0, -1, -1]
    assert LabelEncoder(("1", "food"), merged=True).encode(asked).tolist() == [1, 1, 0, -1, -1]
    truth = pl.Series(["TRUE", "1", "0.0", "False", "maybe"])
    for names in (("false", "true"), ("False", "True"), ("0", "1")):
        assert LabelEncoder(names).encode(truth).tolist() == [1, 1, 0, 0, -1]


def test_whole_numbers_of_any_size_stay_apart() -> None:
    big = ["9007199254740993", "9007199254740992", "123456789012345678901234567890", "7"]
    encoder = LabelEncoder.fit(pl.Series(big))
    assert encoder.names == ("7", "9007199254740992", "9007199254740993", "123456789012345678901234567890")
    assert encoder.encode(pl.Series(big)).tolist() == [2, 1, 3, 0]


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text("aAbB \u00e9e\u0301", min_size=1, max_size=4), st.integers(1, 9), min_size=1, max_size=12))
def test_merging_is_what_folding_says(counts: dict[str, int]) -> None:
    changed, _ = unify(counts, merge=True)
    names = {label: changed.get(label, label) for label in counts}
    for one in counts:
        for other in counts:
            assert (names[one] == names[other]) == (fold(one) == fold(other))
        assert counts[names[one]] == max(counts[other] for other in counts if fold(other) == fold(one))


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ({"sports": 15, "science": 12, "sprots": 1}, {"sprots": "sports"}),
        ({"sports": 15, "science": 9, "sport": 1, "scienece": 1, "scinece": 1}, {"sport": "sports"} | SCIENCE),
        ({"card arrival": 9, "lost card": 9, "card arival": 1}, {"card arival": "card arrival"}),
        ({"card_arrival": 9, "lost_card": 9, "card_arrivla": 1}, {"card_arrivla": "card_arrival"}),
        ({"business": 60, "science": 60, "buisnes": 3}, {"buisnes": "business"}),  # two letters, and 20 times rarer
        ({"business": 30, "science": 30, "buisnes": 3}, {}),
        ({"sports": 15, "science": 15, "sprots": 4}, {}),
        ({"class 1": 100, "class 2": 2, "cat1": 100, "cat2": 1, "10": 300, "100": 1}, {}),
        ({"class a": 100, "class b": 2, "type I": 100, "type II": 2, "vitamin D": 100, "vitamin": 90, "vitamin E": 1}, {}),
        ({"male": 90, "female": 2}, {}),
        ({"typical": 100, "atypical": 2, "legal": 100, "illegal": 3, "hotel": 80, "motel": 3}, {}),
        ({"positive": 80, "negative": 2}, {}),
        ({"cat": 100, "bat": 2, "cats": 90, "rat": 2}, {}),
        ({"horse": 5, "house": 4, "mouse": 3, "moose": 2, "plane": 1, "plant": 6}, {}),  # the middle class is as rare
        ({"weather": 50, "Weather": 1}, {}),  # merged otherwise
        ({}, {}),
    ],
)  # fmt: skip
def test_labels_that_were_mistyped(counts: dict[str, int], found: dict[str, str]) -> None:
    assert dict(slips(counts)) == found


def test_names_of_many_classes_are_no_slips_of_each_other() -> None:
    parts = ("ba", "ko", "mi", "tru"), ("l", "nd", "rr"), ("a", "os", "eem")
    names = list(map("".join, itertools.product(*parts)))
    assert slips({name: 8 + place % 9 for place, name in enumerate(names)}) == []
