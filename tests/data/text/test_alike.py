"""Texts are the same where their tokens are, and nearly so where most runs of tokens are."""

from __future__ import annotations

import random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.text import alike as module
from trainwright.data.text.alike import SHARED, WHOLE, alike
from trainwright.data.text.tokenize import TokenizedTexts, Tokens, tokenize


def tokens_of(texts: list[str], tokenizer: str = "words") -> Tokens:
    found = TokenizedTexts(tokenizer, True)
    found.add(pl.Series(texts, dtype=pl.String))
    return found.tokens()


def jaccard(one: list[str], other: list[str]) -> float:
    """The part of all runs of three tokens that two texts share."""
    runs = [set(zip(each, each[1:], each[2:], strict=False)) for each in (one, other)]
    return len(runs[0] & runs[1]) / max(len(runs[0] | runs[1]), 1)


@given(st.lists(st.text("aB .,!\n", max_size=12), min_size=1, max_size=30))
def test_texts_are_the_same_where_their_tokens_are(texts: list[str]) -> None:
    same, _ = alike(tokens_of(texts))
    tokens = tokenize(pl.Series(texts), "words", True).to_list()
    assert [number == 0 for number in same] == [not each for each in tokens]
    for one, each in zip(same, tokens, strict=True):
        assert [other == one for other in same] == [other == each for other in tokens]


def test_marks_are_tokens_to_another_tokenizer() -> None:
    texts = ["Good day", "good day!", "good  day"]
    assert np.unique(alike(tokens_of(texts))[0]).size == 1
    assert np.unique(alike(tokens_of(texts, "basic-english"))[0]).size == 2


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(8, 60), st.integers(1, 6))
def test_nearly_the_same_is_what_shares_most_runs(seed: int, words: int, changes: int) -> None:
    draw = random.Random(seed)
    texts = [draw.choices([f"w{each}" for each in range(200)], k=words) for _ in range(40)]
    for text in list(texts):
        other = list(text)
        for place in draw.sample(range(words), min(changes, words)):
            other[place] = f"x{draw.random()}".replace(".", "")
        texts.append(other)
    _, near = alike(tokens_of([" ".join(each) for each in texts]))
    for place in range(40):
        shared = jaccard(texts[place], texts[place + 40])
        lost = (words - 2) * (1 - shared) / (1 + shared)  # runs of each that the other has not, of as many
        assert near[place] != near[place + 40] or shared >= SHARED or (lost < 3.01 and words >= WHOLE)
    assert len({int(each) for each in near[:40]}) == 40  # texts of their own stay so


def test_of_copies_with_a_word_changed_nearly_all_are_found() -> None:
    draw = random.Random(5)
    texts = [draw.choices([f"w{each}" for each in range(500)], k=60) for _ in range(400)]
    changed = [[*each[:30], "other", *each[31:]] for each in texts]
    assert min(map(jaccard, texts, changed)) > 0.88
    _, near = alike(tokens_of([" ".join(each) for each in [*texts, *changed]]))
    assert np.mean(near[:400] == near[400:]) > 0.93


@pytest.mark.parametrize("words", [WHOLE, WHOLE + 1, 20, 28, 60])
def test_a_text_with_one_word_replaced_is_always_found(words: int) -> None:
    draw = random.Random(words)
    texts = [draw.choices([f"w{each}" for each in range(5000)], k=words) for _ in range(200)]
    changed = [[*each[:place], "other", *each[place + 1 :]] for each in texts for place in [draw.randrange(words)]]
    _, near = alike(tokens_of([" ".join(each) for each in [*texts, *changed]]))
    assert (near[:200] == near[200:]).all() and np.unique(near).size == 200
    short = [each[: WHOLE - 1] for each in texts]
    _, near = alike(tokens_of([" ".join(each) for each in [*short, *([*each[:5], "other", *each[6:]] for each in short)]]))
    assert np.unique(near).size == 400


@pytest.mark.parametrize("size", [7, 64, 1 << 17])
def test_chunks_and_parts_change_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(6)
    texts = [" ".join(draw.choices("abcdefgh", k=draw.randint(0, 20))) for _ in range(200)]
    texts += [each + " z" for each in texts[:50]]
    expected = [np.unique(each, return_inverse=True)[1].tolist() for each in alike(tokens_of(texts))]
    monkeypatch.setattr("trainwright.data.text.tokenize.CHUNK_TOKENS", size)
    monkeypatch.setattr(module, "COMPARED", 3)
    assert [np.unique(each, return_inverse=True)[1].tolist() for each in alike(tokens_of(texts))] == expected


@pytest.mark.parametrize("texts", [[], [""], ["", "a"], ["a b c d e f g h"] * 3])
def test_few_and_short_texts(texts: list[str]) -> None:
    same, near = alike(tokens_of(texts))
    assert len(same) == len(near) == len(texts) and (same == near).all()
