"""Texts are split into tokens; plain Python splits a few as the data-frame library does."""

from __future__ import annotations

import pytest
from text_samples import series

from trainwright.data.text.tokenize import _KNOWN, tokenize, tokenize_plain


@pytest.mark.parametrize(
    ("tokenizer", "text", "tokens"),
    [
        ("words", "Hello, World! It's 5.", ["hello", "world", "it", "s", "5"]),
        ("words", "", []),
        ("words", "caf\u00e9 na\u00efve", ["caf\u00e9", "na\u00efve"]),
        ("words", "\u4f60\u597d ok", ["\u4f60", "\u597d", "ok"]),
        ("words", "good\U0001f600", ["good", "\U0001f600"]),
        ("basic-english", 'It\'s "here" (now).', ["it", "'", "s", "here", "(", "now", ")", "."]),
        ("characters", "a\nb", ["a", "\n", "b"]),
    ],
)
def test_tokens(tokenizer: str, text: str, tokens: list[str]) -> None:
    assert tokenize(series([text]), tokenizer, True).to_list() == [tokens]


def test_case_is_kept_when_asked() -> None:
    assert tokenize(series(["Ab aB"]), "words", False).to_list() == [["Ab", "aB"]]


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("tokenizer", ["words", "basic-english", "characters"])
def test_plain_tokens_are_those_of_the_column(tokenizer: str, lowercase: bool) -> None:
    known = [chr(code) for code in range(0x10000) if _KNOWN.fullmatch(chr(code))]
    assert len(known) > 600
    texts = [form.format(each) for each in known for form in ("{0}", "a{0}b", "A {0}{0} B", "{0}.{0}I\u00c9")]
    texts += ["", " ", "".join(known), 'don\'t (stop) <br />; "now": 3.5!']
    assert tokenize_plain(texts, tokenizer, lowercase) == tokenize(series(texts), tokenizer, lowercase).to_list()


@pytest.mark.parametrize("text", ["\u4e2d", "\u0130", "\u03a3", "e\u0301", "\U0001f680", "a\ud7ffb"])
def test_texts_beyond_what_is_known_are_left_to_the_column(text: str) -> None:
    assert tokenize_plain(["plain", text], "words", True) is None
