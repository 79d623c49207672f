"""What a network has to know of the data: one shape for each task. Free of torch, so that encoders can return it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextShape:
    """``vocabulary`` token ids (0 is padding) in, ``outputs`` numbers a text out."""

    vocabulary: int
    outputs: int


@dataclass(frozen=True)
class ImageShape:
    """Images (channels, height, width) in, ``outputs`` numbers an image out."""

    channels: int
    height: int
    width: int
    outputs: int


@dataclass(frozen=True)
class TableShape:
    """``numeric`` numbers, a code below ``categories[k]`` for each categorical column k, and ids below ``texts[k]`` for each
    column k of text in, ``outputs`` numbers out.

    ``indicators[k]`` is the numeric column that is 1 where number k is missing, or -1; empty where there is none of them.
    """

    numeric: int
    categories: tuple[int, ...]
    outputs: int
    texts: tuple[int, ...] = ()
    indicators: tuple[int, ...] = ()


@dataclass(frozen=True)
class TokenShape:
    """``vocabulary`` token ids in, and as many logits for the next one out."""

    vocabulary: int


Shape = TextShape | ImageShape | TableShape | TokenShape
