"""Texts are encoded, and tokens learned, in chunks as in one piece."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from token_samples import BPE, CUT, SAMPLE, WORDS

from trainwright.data.text import tokenizers
from trainwright.data.text.token_encoder import TokenEncoder
from trainwright.data.text.tokenizers import Bpe, chunks


@given(st.text(alphabet="ab \n\t'1.\u00e9\x1c\x85", max_size=80), st.integers(1, 20))
@example("ab   a", 3)
@example("b\n\n\nab", 2)
@settings(deadline=None)
def test_parts_change_nothing(text: str, size: int) -> None:
    parts = list(chunks(text, size))
    assert "".join(parts) == text and len(parts) >= 1
    for encoder in (BPE, CUT, WORDS):
        whole = encoder._tokenizer.encode(text).tolist()
        assert [number for part in parts for number in encoder._tokenizer.encode(part).tolist()] == whole


def test_learning_in_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {name: TokenEncoder(name).fit(SAMPLE).tolist() for name in ("words", "characters")}
    monkeypatch.setattr(tokenizers.chunks, "__defaults__", (50,))
    assert len(list(chunks(SAMPLE))) > 10
    assert {name: TokenEncoder(name).fit(SAMPLE).tolist() for name in whole} == whole


@given(st.text(alphabet="ab \n\t'1.\u00e9\u4f60s", max_size=60))
@settings(deadline=None)
def test_bpe_gives_the_ids_of_the_library(text: str) -> None:
    for encoder in (BPE, CUT):
        coder = encoder._tokenizer
        assert isinstance(coder, Bpe)
        assert encoder.transform(text).tolist() == coder._tokenizer.encode(text, add_special_tokens=False).ids


def test_bpe_works_on_a_long_word_in_pieces() -> None:
    word = "abracadabra" * 2000
    longest = tokenizers.LONGEST_WORD
    encoder = TokenEncoder("bpe", max_vocabulary=270)
    ids = encoder.fit(word)
    pieces = [word[place : place + longest] for place in range(0, len(word), longest)]
    assert np.array_equal(ids, np.concatenate([encoder.transform(piece) for piece in pieces]))
    assert encoder.decode(ids) == word
    assert max(map(len, CUT._tokenizer.token_bytes)) <= 4 < max(map(len, BPE._tokenizer.token_bytes))


def test_bpe_leaves_this_thread_to_signals() -> None:
    learning = []

    def texts() -> Iterator[str]:
        learning.append(threading.current_thread())
        yield SAMPLE

    tokenizers.learn_bpe(texts(), 300, 1)
    assert learning and threading.main_thread() not in learning
