"""A rate is suggested by updates of a copy, of which nothing is left."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from calls import call
from PIL import Image
from samples import news_rows, write_csv

import trainwright as tw
from trainwright.watch import rate_curve

QUICK = {"model": "textcnn", "epochs": 1, "speed": "off"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("rates") / "reviews.csv", news_rows(200))


def test_the_suggestion_is_where_the_loss_falls_fastest(source: Path) -> None:
    before = torch.get_rng_state()
    found = tw.find_lr(source, **QUICK)
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(path.is_dir() for path in source.parent.iterdir())
    rates, means, mean = np.array(found["rates"]), [], 0.0
    for number, loss in enumerate(found["losses"], start=1):
        mean = 0.8 * mean + 0.2 * loss
        means.append(mean / (1 - 0.8**number))
    assert found["smoothed"] == pytest.approx(means)
    falls = np.array(means[10:]) - np.array(means[:-10])
    assert found["lr"] == pytest.approx(rates[np.argmin(falls) + 5], rel=0.1)
    assert np.allclose(np.diff(np.log(rates)), np.log(1e7) / 99)
    assert tw.find_lr(source, **QUICK) == found


def test_nothing_is_suggested_where_nothing_can_be_learned(source: Path) -> None:
    found = tw.find_lr(source, **QUICK, optimizer="SGD", rates={"embedding": 0, "convolutions": 0, "classifier": 0})
    assert found["lr"] is None and found["why"].startswith("no rate")
    assert rate_curve.lines(found)[-1].startswith("No suggestion")


def test_on_the_command_line_with_a_picture(source: Path) -> None:
    words = ("find-lr", source.name, "model=textcnn", "epochs=1", "speed=off")
    for more, ground in (((), (255, 255, 255)), (("--dark",), (20, 23, 26))):
        done = call(*words, "--json", "--out", "rates.png", *more, cwd=source.parent)
        assert json.loads(done.stdout)["lr"] > 0
        drawn = Image.open(BytesIO((source.parent / "rates.png").read_bytes())).convert("RGB")
        assert drawn.getpixel((2, 2)) == ground and len(drawn.getcolors(1 << 20)) > 20
    assert "E318" in call("find-lr", source.name, "--out", "rates.pdf", cwd=source.parent, code=2).stderr
