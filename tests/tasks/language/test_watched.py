"""The passages that are watched while a language model learns: those of the text, and what the model says of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from story_samples import fit, story

from trainwright.tasks.language import watched
from trainwright.watch import record


@pytest.mark.parametrize("tokenizer", ["words", "characters", "bpe"])
def test_answers_are_those_of_the_model(tokenizer: str, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(story(300))
    (tmp_path / "valid.txt").write_text(story(40, seed=1))
    more = {"max_vocabulary": 300} if tokenizer == "bpe" else {}
    run = fit(tmp_path, tmp_path / "run", model={"name": "lstm", "embedding": 8, "hidden": 8, "layers": 1}, epochs=1,
              tokenizer=tokenizer, speed="off", **more)  # fmt: skip
    found = record.read(run.path)
    encoder = run.predictor.encoder
    ids = encoder.behind_line_end((tmp_path / "valid.txt").read_text()).astype(np.int64)
    passages = found.watched["passages"]
    assert len(passages) == len(found.answers[1]) == len(found.answers[0]) == watched.PASSAGES and found.texts[1]
    assert [each["row"] for each in passages] == sorted({each["row"] for each in passages})
    for passage, answers in zip(passages, found.answers[1], strict=True):
        low = passage["row"]
        tokens = [encoder.tokens[each] for each in ids[low : low + len(passage["tokens"])]]
        assert passage["tokens"] == tokens and len(answers) == len(tokens) >= 14
        between = " " if tokenizer == "words" else ""
        assert passage["before"] == between.join(encoder.tokens[each] for each in ids[max(low - 8, 1) : low])
        first = max(low - 1 - watched.BEFORE, 0)
        with torch.no_grad():
            weight, bias = run.model.output()
            features, _ = run.model(torch.from_numpy(ids[None, first : low + len(tokens) - 1]), None)
            shares = torch.nn.functional.linear(features[0], weight, bias).softmax(dim=1)[low - 1 - first :]
        for share, token, (right, probability, likeliest) in zip(shares, ids[low:], answers, strict=False):
            assert probability == pytest.approx(float(share[token]), rel=1e-3)
            assert likeliest == encoder.tokens[int(share.argmax())] and right == (int(share.argmax()) == token)


def test_a_text_of_few_tokens_has_few_passages_and_none_without_validation(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(story(60))
    (tmp_path / "valid.txt").write_text("the cat sees")
    short = record.read(fit(tmp_path, tmp_path / "short", epochs=1, speed="off").path)
    assert [len(each["tokens"]) for each in short.watched["passages"]] == [len(each) for each in short.answers[1]] == [3]
    none = record.read(fit(tmp_path / "train.txt", tmp_path / "none", epochs=1, valid_fraction=0, speed="off").path)
    assert "passages" not in none.watched and none.answers[1] == [] and none.texts[1]
    assert json.loads((none_path := tmp_path / "none" / "watched.json").read_text())["rows"] == [], none_path
