"""The digits that scikit-learn brings along."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from trainwright.data.read.digits import embedded_digits
from trainwright.errors import SourceError


def test_the_digits_are_those_of_scikit_learn() -> None:
    found = embedded_digits()["train"]
    assert found.pixels is not None and found.pixels.shape == (1797, 1, 8, 8)
    assert found.labels.value_counts().sort("label")["count"].to_list() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    shades = [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]  # the first rows of the first picture
    assert found.pixels[0, 0, :2].tolist() == [[round(shade * 255 / 16) for shade in row] for row in shades]
    assert set(np.unique(found.pixels)) == {int(shade * 255 / 16 + 0.5) for shade in range(17)}


def test_the_digits_are_read_without_scikit_learn() -> None:
    code = (
        "import sys\nfrom trainwright.data.read.digits import embedded_digits\nembedded_digits()\n"
        "assert not {'sklearn', 'torch', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_file_of_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SourceError, match="E150"):
        embedded_digits()
