"""Encoding against plain Python: tokens, n-grams, weights; learned from the training split only."""

from __future__ import annotations

import json
import math
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_samples import TEXTS, rows, series

from trainwright.data.labels import LabelEncoder
from trainwright.data.text.text_encoder import PAD, UNKNOWN, TextEncoder


def encoder(**changes) -> TextEncoder:
    return TextEncoder(**{"tokenizer": "words", "lowercase": True, "kind": "bag", **changes})


def names(encoder: TextEncoder) -> dict[int, str]:
    """What each id stands for, spelled out."""
    found = dict(enumerate(encoder.tokens))
    for keys in encoder.grams:
        base = len(found)
        found |= {base + place: f"{found[key >> 32]} {found[key & 0xFFFFFFFF]}" for place, key in enumerate(keys.tolist())}
    return found


@given(texts=TEXTS, order=st.integers(1, 3), least=st.integers(1, 2))
@settings(deadline=None)
def test_bags_against_plain_python(texts: list[str], order: int, least: int) -> None:
    own = encoder(ngrams=order, min_count=least)
    found = rows(own.fit(series(texts)))
    split = [re.findall(r"\w+", text) for text in texts]
    counts = Counter(token for tokens in split for token in tokens)
    known = {token for token, count in counts.items() if count >= least}
    grams = [Counter(" ".join(t[i : i + n]) for t in split for i in range(len(t) - n + 1)) for n in range(2, order + 1)]
    kept = {gram for each in grams for gram, count in each.items() if count >= least}
    spelled = names(own)
    for tokens, ids in zip(split, found, strict=True):
        expected = [token if token in known else "<unk>" for token in tokens]
        for n in range(2, order + 1):
            expected += [g for i in range(len(tokens) - n + 1) if (g := " ".join(tokens[i : i + n])) in kept]
        assert sorted(spelled[i] for i in ids) == sorted(expected)
    assert rows(own.transform(series(texts))) == found


@given(texts=TEXTS)
@settings(deadline=None)
def test_tf_idf_against_plain_python(texts: list[str]) -> None:
    own = encoder(weighting="tf-idf")
    found = own.fit(series(texts))
    split = [Counter(re.findall(r"\w+", text)) for text in texts]
    frequency = Counter(token for counts in split for token in counts)
    assert found.weights is not None
    for place, counts in enumerate(split):
        part = slice(found.offsets[place], found.offsets[place + 1])
        weights = {
            token: (1 + math.log(n)) * (math.log((1 + len(texts)) / (1 + frequency[token])) + 1) for token, n in counts.items()
        }
        norm = math.sqrt(sum(weight**2 for weight in weights.values()))
        got = dict(zip((own.tokens[i] for i in found.values[part]), found.weights[part].tolist(), strict=True))
        assert got == pytest.approx({token: weight / norm for token, weight in weights.items()}, rel=1e-5)


@given(texts=TEXTS, lengths=st.sets(st.integers(1, 4), min_size=1), order=st.integers(1, 2), least=st.integers(1, 2))
@settings(deadline=None)
def test_bags_with_character_ngrams_against_plain_python(texts: list[str], lengths: set[int], order: int, least: int) -> None:
    own = encoder(ngrams=order, chars=sorted(lengths), min_count=least)
    found = own.fit(series(texts))
    split = [[f"\n{word}\n" for word in re.findall(r"\w+", text)] for text in texts]
    grams = [[w[i : i + n] for w in words for n in lengths for i in range(len(w) - n + 1)] for words in split]
    kept = {gram for gram, n in Counter(gram for each in grams for gram in each).items() if n >= least}
    first = own.size - len(kept)
    assert len(own.char_ngrams) == len(kept)
    for ids, expected in zip(rows(found), grams, strict=True):
        counts = Counter(Counter(i for i in ids if i >= first).values())
        assert counts == Counter(Counter(gram for gram in expected if gram in kept).values())
    words = encoder(ngrams=order, min_count=least).fit(series(texts))
    assert [sorted(i for i in ids if i < first) for ids in rows(found)] == [sorted(ids) for ids in rows(words)]
    assert rows(own.transform(series(texts))) == rows(found)


def test_a_word_that_training_never_saw_is_known_by_its_parts() -> None:
    own = encoder(weighting="tf-idf", chars=[3])
    own.fit(series(["training trains", "blue"]))
    assert own.transform(series(["trained", "zzz"])).lengths.tolist() == [4, 0]  # \ntr, tra, rai, ain


def test_only_the_training_split_teaches() -> None:
    own = encoder(weighting="tf-idf", ngrams=2)
    own.fit(series(["red green", "red blue"]))
    before = (list(own.tokens), [keys.copy() for keys in own.grams], own.idf.copy())
    other = own.transform(series(["yellow yellow", "red yellow", "red green"]))
    assert own.tokens == before[0] and np.array_equal(own.idf, before[2])
    assert other.lengths.tolist() == [0, 1, 3]  # unknown tokens have no weight


def test_ids_are_by_frequency_then_name_and_the_size_is_a_limit() -> None:
    texts = series(["a b a b c", "a b"])
    own = encoder()
    own.fit(texts)
    assert own.tokens == ["<pad>", "<unk>", "a", "b", "c"]
    small = encoder(max_vocabulary=2, ngrams=2)
    small.fit(texts)
    assert small.tokens == ["<pad>", "<unk>", "a", "b"] and small.size == 4
    larger = encoder(max_vocabulary=4, ngrams=2)
    larger.fit(texts)
    assert larger.size == 6 and set(names(larger).values()) >= {"a b"}  # "a b" occurs most often of the pairs


def test_sequences_keep_their_order_and_are_never_empty() -> None:
    own = encoder(kind="sequence", max_tokens=3)
    found = own.fit(series(["b a c d", "", "a"]))
    ids = {token: place for place, token in enumerate(own.tokens)}
    assert rows(found) == [[ids["b"], ids["a"], ids["c"]], [UNKNOWN], [ids["a"]]]
    assert "d" not in ids and PAD not in found.values


@pytest.mark.parametrize("kind", ["bag", "sequence"])
def test_parts_make_the_same_encoder_again(kind: str) -> None:
    texts = series(["one two three two", "two three", ""])
    bag = {"ngrams": 3, "chars": [2, 4], "weighting": "tf-idf"}
    own = encoder(kind=kind, **(bag if kind == "bag" else {}))
    found = own.fit(texts)
    values, arrays = own.to_parts()
    again = TextEncoder.from_parts(json.loads(json.dumps(values)), arrays).transform(texts)
    assert np.array_equal(found.values, again.values) and np.array_equal(found.offsets, again.offsets)
    assert (found.weights is None and again.weights is None) or np.array_equal(found.weights, again.weights)


def test_labels() -> None:
    assert LabelEncoder.fit(series(["10", "9", "1"])).names == ("1", "9", "10")
    labels = LabelEncoder.fit(series(["b", "a", "b"]))
    assert labels.names == ("a", "b")
    assert labels.encode(series(["b", "c", "a"])).tolist() == [1, -1, 0]


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.lists(st.text(alphabet="abcdeX\u00c9 .\u4e2d", max_size=20), max_size=6), st.integers(0, 4), st.integers(1, 3))
def test_a_list_is_encoded_as_its_column(train: list[str], texts: list[str], most: int, ngrams: int) -> None:
    for changes in ({"weighting": "tf-idf"}, {"weighting": "none"}, {"kind": "sequence"}):
        own = encoder(ngrams=1 if "kind" in changes else ngrams, max_tokens=most, **changes)
        own.fit(series(train))
        wanted, found = own.transform(series(texts)), own.transform(texts)
        assert wanted.arrays().keys() == found.arrays().keys()
        for name, array in wanted.arrays().items():
            assert array.dtype == found.arrays()[name].dtype and np.array_equal(array, found.arrays()[name])
