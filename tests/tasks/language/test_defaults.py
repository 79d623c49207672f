"""What the training of a language model follows from, where it is not given."""

from __future__ import annotations

import pytest

from trainwright.config.settings import Settings
from trainwright.tasks.language.defaults import language_training


@pytest.mark.parametrize(
    ("model", "tokens", "vocabulary", "expected"),
    [
        ("lstm", 1_000_000, 65, (32, 32, 12)),
        ("lstm", 900_000, 10_000, (10, 35, 5)),
        ("lstm", 100_000, 2000, (10, 35, 20)),  # epochs have their limits
        ("gpt", 1_000_000, 65, (16, 128, 25)),
        ("gpt", 100_000_000, 65, (16, 128, 3)),
    ],
)
def test_the_derived_training_of_language_models_has_about_as_many_updates(
    model: str, tokens: int, vocabulary: int, expected: tuple
) -> None:
    settings = Settings.model_validate({"model": {"name": model}})
    filled, _ = language_training(settings, tokens, vocabulary, tuned=False)
    batch, context, epochs = expected
    assert (filled.batch_size, filled.context, filled.epochs) == (batch, context, min(epochs, 20))
