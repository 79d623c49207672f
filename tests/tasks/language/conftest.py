"""A text and a run that the tests of language models share."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples import START_ARTIST
from story_samples import fit, story

import trainwright as tw


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "story.txt"
    path.write_text(story(400))
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tw.Run:
    folder = tmp_path_factory.mktemp("language")
    (folder / "story.txt").write_text(story(400))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAINWRIGHT_CACHE", str(folder / "cache"))
        model = {"embedding": 24, "hidden": 64, "layers": 1, "dropout": 0.0}
        patch.setattr("trainwright.run.train.start_artist", START_ARTIST)
        return fit(folder / "story.txt", folder / "run", epochs=5, lr=0.01, batch_size=2, model=model)
