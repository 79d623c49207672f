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

from trainwright.watch.figures import figures
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
    plain, steep = surface.Height.of(np.array([1.0, 2.0])), surface.Height.of(np.array([0.5, 50.0, math.nan]))
    assert not plain.logarithmic and plain(1.25) == pytest.approx(0.25) and plain.loss(0.25) == pytest.approx(1.25)
    assert steep.logarithmic and steep(5.0) == pytest.approx(0.5) and steep.loss(0.5) == pytest.approx(5.0)
    assert steep.name == "loss (logarithmic)"
    zero = surface.Height.of(np.array([0.0, 10.0]))
    assert zero(0.0) == 0 and zero.loss(0) == 0 and zero(10.0) == 1 and zero.name == "loss (log of loss + 0.030)"
    assert zero.loss(float(zero(1.0))) == pytest.approx(1.0) and zero(0.01) > 0.03  # a floor without an edge
    assert not surface.Height.of(np.array([-1.0, 10.0])).logarithmic
    assert 0 <= surface.Height.of(np.array([3.0, 3.0]))(3.0) <= 1
    assert surface.Height.of(np.array([math.nan]))(math.nan) is not None


def test_a_surface_on_which_nothing_happens_is_drawn_flat_and_says_so() -> None:
    tiny = plane(loss=[[1.386 + 0.003 * x for x in range(5)]] * 5)
    height = surface.Height.of(np.array(tiny["loss"]))
    assert np.ptp(height(np.array(tiny["loss"]))) < 0.25 and surface.Height.of(np.array([1.0, 2.0]))(2.0) == 1
    said = page(planes=[tiny, plane("random")], chance={"name": "chance, ln 4", "loss": math.log(4)}, centre=1.39)
    assert "the loss changes by 0.012 in all, from 1.3860 to 1.3980" in said
    assert "A model that knows nothing has a loss of 1.3863 (chance, ln 4); what was kept, 1.3900, is no better." in said
    assert "changes by" not in page() and "knows nothing" not in page()
    assert "; what was kept, 2.0000." in page(chance={"name": "chance", "loss": 3.0})
    scene = surface.scene(found(chance={"name": "chance", "loss": 9.0}))
    for chart in (scene["line"], scene["planes"][0]["chart"]):
        assert chart["marks"][0][0] == 1 and max(y for _, y in chart["lines"][0][1]) < 0.5  # the axis holds it


def test_what_came_after_the_kept_epoch_is_drawn_and_told() -> None:
    path = plane()["paths"][0] | {"points": [[2, 8], [0, 4], [-1, 6]], "loss": [3.0, 2.0, 2.4], "kept": 1}
    on = found(planes=[plane(paths=[path]), plane("random")])
    shown = surface.scene(on)["planes"][0]["paths"][0]
    assert shown["kept"] == 1 and len(shown["points"]) == 3
    assert shown["says"] == ["step 0, loss 3.000", "step 10, loss 2.000", "step 20, loss 2.400, after what was kept"]
    said = page(planes=on["planes"])
    assert "up to its last step. There the loss on validation is one of 2.400, more than that of what was kept." in said
    assert "Beyond the red point" not in page()
    ended = found(
        planes=[plane(paths=[path | {"points": path["points"][:2], "loss": [3.0, 2.0], "steps": [0, 10]}]), plane("r")]
    )
    for draw in (landscape.contours, landscape.reliefs):
        assert figures.png(draw(on)) != figures.png(draw(ended))


@pytest.mark.parametrize("slope", [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (0, 0)])
def test_a_relief_is_looked_at_over_a_corner(slope: tuple[int, int]) -> None:
    along = np.linspace(0, 1, 9)
    angle = landscape._azimuth(slope[0] * along[None, :] + slope[1] * along[:, None])
    assert angle % 90 == 35
    if any(slope):  # its lower side is in front
        assert np.cos(np.radians(angle)) * slope[0] + np.sin(np.radians(angle)) * slope[1] < 0


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
