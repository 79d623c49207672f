"""JSON and safetensors as a stranger may have written them: nothing said twice, and no byte unpickled."""

from __future__ import annotations

import json
from typing import Any


def parse(content: bytes | str) -> Any:
    """Return the value of JSON. Raise ValueError, and RecursionError where it is nested too deep."""
    return json.loads(content, object_pairs_hook=_once)


def check_header(content: bytes) -> bytes:
    """Return the ``content`` of a safetensors file, whose header names no tensor twice. Raise ValueError and RecursionError.

    Sizes and offsets are checked by the library itself before it makes a tensor.
    """
    length = int.from_bytes(content[:8], "little")
    if length > len(content) - 8:
        raise ValueError(f"its header would have {length:,} bytes, and the file has {len(content):,}")
    parse(content[8 : 8 + length])
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a JSON object has a key twice")
    return found
