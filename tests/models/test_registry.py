"""Networks are found by their versioned names."""

from __future__ import annotations

import pytest
from model_samples import TEXT, build

from trainwright.errors import RunError


def test_a_model_of_another_version_is_refused() -> None:
    with pytest.raises(RunError) as caught:
        build("text", "bag.v9", TEXT)
    assert caught.value.code == "E406" and "bag.v1" in str(caught.value)
