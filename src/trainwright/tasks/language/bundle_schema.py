"""What the bundle of a language model may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from trainwright.config.settings import MOST_CONTEXT
from trainwright.tasks.bundle_schema import Arrays, CommonSchema, Count, Schema

if TYPE_CHECKING:
    from trainwright.store.bundle import Bundle


class TokenValues(Schema):
    """``TokenEncoder`` without its tokens."""

    tokenizer: Literal["words", "characters", "bytes", "bpe"]
    min_count: Count
    max_vocabulary: Count
    bpe: str


class LanguageBundle(CommonSchema):
    """Language models. Their tokens are compared with the tokeniser by the encoder."""

    context: Annotated[int, Field(ge=1, le=MOST_CONTEXT)]
    encoder: TokenValues

    def arrays(self, kept: Bundle) -> Arrays:
        """None."""
        return {}
