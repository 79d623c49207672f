"""What a training on images follows from, where it is not given."""

from __future__ import annotations

import pytest

from trainwright.config.resolve import resolve
from trainwright.config.settings import Settings
from trainwright.data.shapes import ImageShape
from trainwright.tasks.image.defaults import image_training


@pytest.mark.parametrize(
    ("shape", "changes"),
    [((1, 8, 8), []), ((1, 28, 28), ["shift"]), ((3, 32, 32), ["crop", "flip"]), ((1, 224, 224), ["shift"])],
)
def test_grey_images_are_never_mirrored(shape: tuple[int, int, int], changes: list[str]) -> None:
    settings = Settings.model_validate({"task": "image", "model": {"name": "convnet"}})
    derived, notes = image_training(settings, 5000, ImageShape(*shape, 10), "class", tuned=False, streamed=False)
    assert derived.augment == changes and "augment" in [what for what, _, _ in notes]
    given, _ = image_training(
        settings.model_copy(update={"augment": ["flip"]}), 5000, ImageShape(*shape, 10), "class", tuned=False, streamed=False
    )
    assert given.augment == ["flip"]


def test_none_switches_augmentation_off() -> None:
    assert resolve({"augment": "none"}, task="image").augment == []
