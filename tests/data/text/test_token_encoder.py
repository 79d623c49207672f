"""Text to ids and back: nothing is lost, nothing is learned from anything but the training text."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from token_samples import BPE, BYTES, SAMPLE, WORDS, fitted

from trainwright.data.read.running_text import find_corpus, read_text
from trainwright.data.text.token_encoder import TOKENIZERS, TokenEncoder
from trainwright.errors import SettingError, SourceError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.text(
    alphabet="ab \n\t'\u00e9\U0001f600\u0301", max_size=60
)
WORDY = st.text(alphabet="abc  \n", max_size=80)
HARD = "e\u0301 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u4f60\u597d\r\n\0\t\x1c\x85\u00a0\u2028 end  \n\n x"


@pytest.fixture(scope="module", params=TOKENIZERS)
def encoder(request: pytest.FixtureRequest) -> TokenEncoder:
    return fitted(request.param)


STREAMED = (BPE, BYTES, WORDS, fitted("characters", "a\u00e9\U0001f600"))


# Round trips


@given(TEXT)
@example(HARD)
@example("")
@settings(deadline=None)
def test_bytes_and_bpe_can_say_every_text(text: str) -> None:
    for encoder in (BYTES, BPE):
        assert encoder.decode(encoder.transform(text)) == text


@given(TEXT)
@example(HARD)
@settings(deadline=None, max_examples=30)
def test_characters_give_back_the_training_text(text: str) -> None:
    encoder = TokenEncoder("characters")
    ids = encoder.fit(text)
    assert encoder.decode(ids) == text and len(ids) == len(text) and encoder.unknown(ids) == 0
    assert encoder.tokens == ["<unk>", *sorted(set(text))]


@given(WORDY)
@settings(deadline=None)
def test_words_against_plain_python(text: str) -> None:
    encoder = TokenEncoder("words")
    ids = encoder.fit(text)
    words = text.replace("\n", " <eos> ").split()
    assert [encoder.tokens[number] for number in ids] == words
    counts = Counter(word for word in words if word != "<eos>")
    assert encoder.tokens == ["<unk>", "<eos>", *sorted(counts, key=lambda word: (-counts[word], word))]
    assert encoder.transform(encoder.decode(ids)).tolist() == ids.tolist()


def test_how_words_are_put_together() -> None:
    encoder = fitted("words", "a b\n c  d ")
    assert encoder.decode(encoder.transform("\n a  b \n\nnew\tc")) == "\na b\n\n<unk> c"


@given(st.data())
@settings(deadline=None, max_examples=50)
def test_what_a_stream_gives_is_what_decode_gives(data: st.DataObject) -> None:
    for encoder in STREAMED:
        ids = data.draw(st.lists(st.integers(0, encoder.size - 1), max_size=20))
        stream = encoder.stream()
        parts = [stream.push(number) for number in ids]
        assert "".join(parts) + stream.end() == encoder.decode(ids)
    raw = data.draw(st.binary(max_size=20))
    assert BYTES.decode(list(raw)) == raw.decode("utf-8", "replace")


def test_a_stream_waits_for_the_whole_character() -> None:
    stream = fitted("bytes", "").stream()
    assert [stream.push(byte) for byte in "\u20ac!".encode()] == ["", "", "\u20ac", "!"] and stream.end() == ""
    assert stream.push(0xE2) == "" and stream.end() == "\ufffd"
    assert stream.push(0xE2) + stream.push(0x41) == "\ufffdA"


# What is learned


def test_only_the_training_text_teaches(encoder: TokenEncoder) -> None:
    before = encoder.to_parts()
    ids = encoder.transform("zebra \u4f60\n")
    assert encoder.to_parts() == before
    if encoder.tokenizer == "words":
        assert ids.tolist() == [0, 0, 1]
    if encoder.tokenizer == "characters":
        assert encoder.unknown(ids) == 4 and encoder.decode(ids) == "\ufffde\ufffdra \ufffd\n".replace("r", "\ufffd")
    if encoder.tokenizer in ("bytes", "bpe"):
        assert encoder.unknown(ids) == 0


def test_ids_of_words_are_by_count_then_name() -> None:
    assert fitted("words", "b a c b a d\n").tokens == ["<unk>", "<eos>", "a", "b", "c", "d"]
    assert fitted("words", "b a c b a d\n", min_count=2).tokens == ["<unk>", "<eos>", "a", "b"]
    assert fitted("words", "b a c b a d\n", max_vocabulary=3).tokens == ["<unk>", "<eos>", "a"]
    assert fitted("words", "b a c b a d\n", max_vocabulary=1).tokens == ["<unk>", "<eos>"]


def test_ids_of_characters_are_by_code_point() -> None:
    assert fitted("characters", "cabbc").tokens == ["<unk>", "a", "b", "c"]
    assert fitted("characters", "cabbc", min_count=2).tokens == ["<unk>", "b", "c"]
    assert fitted("characters", "cabbcb", max_vocabulary=3).tokens == ["<unk>", "b", "c"]


def test_unknown_and_end_may_be_words_of_the_text() -> None:
    encoder = TokenEncoder("words")
    ids = encoder.fit("a <unk> <eos> <unk>s\n")
    assert encoder.tokens == ["<unk>", "<eos>", "<unk>s", "a"] and ids.tolist() == [3, 0, 1, 2, 1]
    text = "a <unk> new\n<unk>"
    assert encoder.unknown(encoder.transform(text)) == 3 and encoder.unknown(encoder.transform(text), text) == 1


def test_tokens_can_be_read() -> None:
    assert fitted("bytes", "").tokens[0x41] == "A" and fitted("bytes", "").tokens[0xE2] == "<0xE2>"
    assert 256 < len(BPE.tokens) == BPE.size <= 300 and {" ab", "  ", "\n\n"} <= {*BPE.tokens} and "\n" in BPE.tokens
    assert fitted("bpe", SAMPLE, max_vocabulary=256).size == 256
    assert fitted("bpe", "", max_vocabulary=300).size == 256


def test_the_width_of_ids() -> None:
    assert BPE.transform("x").dtype == np.uint16
    narrow = fitted("words", " ".join(map(str, range(65534))))
    assert narrow.size == 1 << 16 and narrow.transform("65533 0").dtype == np.uint16
    assert narrow.extend("one-more") == 1 and narrow.transform("one-more").dtype == np.uint32
    assert narrow.transform("one-more 0").tolist() == [65536, 2]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), (" \t", 0), ("\n", 1), ("\ufeffa", 1), ("a\0b", 1), ("a\rb", 2), ("\u00a0", 0)],
)
def test_odd_texts_as_words(text: str, tokens: int) -> None:
    encoder = TokenEncoder("words")
    assert len(encoder.fit(text)) == tokens and encoder.tokens[:2] == ["<unk>", "<eos>"]


def test_lone_surrogates_are_replaced(encoder: TokenEncoder) -> None:
    same = encoder.transform("a \ufffd\n").tolist()
    assert encoder.transform("a \ud800\n").tolist() == same and encoder.transform("a \udcff\n").tolist() == same
    fresh = TokenEncoder("characters")
    assert fresh.decode(fresh.fit("\udc80\ud83d\ude00")) == "\ufffd\U0001f600"  # a pair of them is a character


# Keeping and extending


@pytest.mark.parametrize("tokenizer", ["words", "characters"])
def test_extending_keeps_the_old_ids(tokenizer: str) -> None:
    encoder = fitted(tokenizer, "dog bit man\n", max_vocabulary=100, min_count=1)
    old, ids = list(encoder.tokens), encoder.transform("dog man\n").tolist()
    added = encoder.extend("zoo cat zoo bit\n")
    assert added == len(encoder.tokens) - len(old) > 0 and encoder.tokens[: len(old)] == old
    assert encoder.tokens[len(old) :] == (["zoo", "cat"] if tokenizer == "words" else ["c", "z"])
    assert encoder.transform("dog man\n").tolist() == ids
    assert encoder.decode(encoder.transform("zoo\n")) == "zoo\n" and encoder.extend("zoo cat") == 0


def test_extending_counts_and_leaves_bytes_alone() -> None:
    encoder = fitted("words", "a a", min_count=2)
    assert encoder.extend("b b c a") == 1 and encoder.tokens == ["<unk>", "<eos>", "a", "b"]
    for other in (fitted("bytes", ""), fitted("bpe")):
        before = other.to_parts()
        assert other.extend("entirely new \u4f60") == 0 and other.to_parts() == before


def test_parts_make_the_same_encoder_again(encoder: TokenEncoder) -> None:
    values, arrays = encoder.to_parts()
    again = TokenEncoder.from_parts(json.loads(json.dumps(values)), arrays)
    assert again == encoder
    assert again.transform(SAMPLE + HARD).tolist() == encoder.transform(SAMPLE + HARD).tolist()
    assert "tokens" in values


def test_fitting_again_forgets() -> None:
    encoder = fitted("words", "a b")
    assert encoder.fit("c c d").tolist() == [2, 2, 3] and encoder.tokens == ["<unk>", "<eos>", "c", "d"]


def test_refusals() -> None:
    with pytest.raises(SettingError, match="Did you mean 'words'") as unknown:
        TokenEncoder("word").fit("a")
    assert unknown.value.code == "E310"
    with pytest.raises(SourceError, match="256") as small:
        TokenEncoder("bpe", max_vocabulary=255).fit("a")
    assert small.value.code == "E165"
    for damaged in ("", "{}", BPE.bpe.replace('"!":0', '"!":7'), BPE.bpe.replace('"!":0', '"\u4f60":0')):
        with pytest.raises(SourceError) as broken:
            TokenEncoder("bpe", bpe=damaged).transform("a")
        assert broken.value.code == "E166"


# Real files


def test_penn_treebank(real_data: Path) -> None:
    files = find_corpus(real_data / "ptb").files
    texts = {part: read_text(paths) for part, paths in files.items()}
    encoder = TokenEncoder("words")
    ids = {"train": encoder.fit(texts["train"])} | {part: encoder.transform(texts[part]) for part in ("valid", "test")}
    assert {part: len(each) for part, each in ids.items()} == {"train": 929_589, "valid": 73_760, "test": 82_430}
    assert encoder.size == 10_000 and ids["train"].dtype == np.uint16
    assert {part: encoder.unknown(ids[part], texts[part]) for part in ids} == {"train": 0, "valid": 0, "test": 0}
    assert encoder.unknown(ids["test"]) == texts["test"].split().count("<unk>")


def test_shakespeare(real_data: Path) -> None:
    text = read_text([real_data / "shakespeare" / "input.txt"])
    encoder = TokenEncoder("characters")
    ids = encoder.fit(text)
    assert len(ids) == 1_115_394 and encoder.size == 65 + 1 and encoder.decode(ids[:5000]) == text[:5000]
