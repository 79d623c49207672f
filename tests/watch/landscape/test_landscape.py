"""Pictures and page of a loss surface, from numbers alone."""

from __future__ import annotations

import io
import json
import math
import re

import numpy as np
import pytest
from landscape_samples import found, page, plane
from PIL import Image

from trainwright.watch.landscape import landscape, surface


def test_every_picture_is_there_and_the_same_each_time() -> None:
    first, again = landscape.draw(found(), "run-1"), landscape.draw(found(), "run-1")
    assert list(first) == ["contour.png", "relief.png", "line.png", "descent.webp", "landscape.html"]
    assert first == again
    film = Image.open(io.BytesIO(first["descent.webp"]))
    assert film.n_frames == 3 and len(first["descent.webp"]) < 2_000_000  # type: ignore[attr-defined]
    still = plane(paths=[{"name": "kept", "points": [[0, 4]], "loss": [None], "steps": [0]}])
    assert "descent.webp" not in landscape.draw(found(planes=[still], why="it was stopped by the clock"), "run-1")


def test_a_path_lies_on_the_surface() -> None:
    shown = plane()
    low, high = 2 - 0.5, 2 + 0.5 + 0.8
    wanted = [(2 + 0.25 * x + 0.1 * y - low) / (high - low) for x, y in shown["paths"][0]["points"]]
    assert surface.lifted(shown, shown["paths"][0])[:, 2] == pytest.approx(wanted)  # of a plane, interpolation is exact
    away = {"points": [[9, 4], [0, 4]]}
    assert np.isnan(surface.lifted(shown, away)[0]).all() and surface.lifted(shown, away)[1, 2] == pytest.approx(0.5, abs=0.05)


def test_heights_and_their_losses() -> None:
    flat, steep = surface.Height.of(np.array([1.0, 2.0])), surface.Height.of(np.array([0.5, 50.0, math.nan]))
    assert not flat.logarithmic and flat(1.25) == pytest.approx(0.25) and flat.loss(0.25) == pytest.approx(1.25)
    assert steep.logarithmic and steep(5.0) == pytest.approx(0.5) and steep.loss(0.5) == pytest.approx(5.0)
    assert surface.Height.of(np.array([0.0, 10.0])).low == 10 * surface.LEAST
    assert not surface.Height.of(np.array([-1.0, 10.0])).logarithmic
    assert 0 <= surface.Height.of(np.array([3.0, 3.0]))(3.0) <= 1
    assert surface.Height.of(np.array([math.nan]))(math.nan) is not None


def test_losses_that_are_not_finite_are_gaps() -> None:
    shown = plane()
    shown["loss"][1][2] = None
    shown["paths"][0]["loss"][1] = None
    made = landscape.draw(found(planes=[shown]), "run-1")
    assert all(made.values())
    scene = surface.scene(found(planes=[shown]))["planes"][0]
    assert scene["heights"][1 * 5 + 2] == -1 and min(scene["heights"][3:7]) >= 0
    assert scene["paths"][0]["says"][1] == "step 10" and scene["chart"]["lines"][0][1][1][1] is None
    nothing = plane(loss=[[None] * 5] * 5)
    assert landscape.draw(found(planes=[nothing]), "run-1")["landscape.html"]


def test_nobody_s_words_are_taken_for_the_page() -> None:
    bad = '</script><script>alert("x")</script>'
    html = page(title=bad, planes=[plane(bad, axes=[bad, bad], paths=[plane()["paths"][0] | {"name": bad}])])
    assert html.count("<script") == 2 and "alert(&quot;x&quot;)" in html
    data = json.loads(re.search(r'<script type="application/json" id="surface">(.*?)</script>', html, re.DOTALL)[1])  # type: ignore[index]
    assert data["planes"][0]["title"] == bad and "http" not in re.sub(r"http-equiv", "", html)


def test_what_is_said_follows_from_the_numbers() -> None:
    said = page()
    assert "50 rows of the 90 rows of validation" in said and "123,456" in said and "50 % of their variance" in said
    assert "falls all the way" in said and "less than 0.01 %" in said and "batch norm" not in said
    assert "lowest point measured there has a loss of 1.500" in said
    barrier = {"x": [0.0, 0.5, 1.0], "loss": [3.0, 7.0, 2.0]}
    assert "rises to 7.000, 50 % of the way" in page(line=barrier)
    assert "all 90 rows" in page(rows=90) and "batch norm" in page(buffers=8)
    alone = page(planes=[plane("random")], why="it was stopped by the clock")
    assert "it was stopped by the clock" in alone and "states of the training" not in alone
    assert "beside what was kept, by up to 0.0012" in page(apart=0.0012)
