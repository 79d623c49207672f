"""Pictures and a run that the tests of images share."""

from __future__ import annotations

from pathlib import Path

import pytest
from image_samples import bars, write_folder
from shape_samples import fit


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 240 pictures."""
    return write_folder(tmp_path_factory.mktemp("pictures") / "shapes", *bars(240))


@pytest.fixture(scope="module")
def shapes(folder: Path):
    """A run on that folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINWRIGHT_CACHE", str(folder.parent / "cache"))
        return fit(folder, folder.parent / "run", epochs=10)
