"""Arrow: files (Feather is one), large ones by record batches, and streams, as the ``datasets`` library saves them."""

from __future__ import annotations

import io
import json
from contextlib import suppress

import polars as pl

from trainwright.data.files import content as files
from trainwright.data.read.columns import DESCRIPTION
from trainwright.data.read.formats import OpenedParts, Sniffed
from trainwright.data.read.polars_scan import polars_errors, typed_parts

KIND = "an Arrow"  # file, in messages
BESIDE = "dataset_info.json"  # where a data set that was saved describes itself
SCHEMA_BYTES = 1 << 20  # in which the description of a schema is looked for


def open_parts(content: files.FileContent, sniffed: Sniffed) -> OpenedParts:
    """Return a function that yields the rows. Raise E110 and E116 for names of columns, E115 for what cannot be read."""
    with polars_errors(content.path, KIND):
        source = io.BytesIO(content.data) if content.data else content.path
        scan = pl.scan_ipc(source) if sniffed.format == "arrow" else pl.read_ipc_stream(source).lazy()
    return typed_parts(content, sniffed, KIND, scan, _description(content))


def _description(content: files.FileContent) -> str | bytes:
    """Return the description of the columns: from the schema, where it lies as text, or from the file beside."""
    head = content.data[:SCHEMA_BYTES]
    with suppress(OSError):
        if not head:
            with content.path.open("rb") as file:
                head = file.read(SCHEMA_BYTES)
        if (start := head.find(b"{", head.find(DESCRIPTION.encode()))) > 0 and DESCRIPTION.encode() in head:
            with suppress(ValueError):
                return json.dumps(json.JSONDecoder().raw_decode(head[start:].decode("utf-8", "replace"))[0])
        return (content.path.parent / BESIDE).read_bytes()
    return ""
