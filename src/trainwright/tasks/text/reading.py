"""From a source of labelled texts to the rows of its splits and the tokens of their texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from trainwright.config.settings import Settings
from trainwright.data.files.spool import prefetch
from trainwright.data.read.infer_task import Evidence
from trainwright.data.read.source import Source
from trainwright.data.tables.split import content_keys
from trainwright.data.tables.table import ROW, Table, TableStream
from trainwright.data.tables.text_columns import TextSchema, choose_columns, join_text
from trainwright.data.text.tokenize import TokenizedTexts, Tokens
from trainwright.errors import error, nearest
from trainwright.tasks.base import Predictor
from trainwright.tasks.splitting import Part, Rows, assign_splits
from trainwright.tasks.text.predictor import TextPredictor


def looks_like(seen: Evidence) -> str:
    """Return why a source holds labelled texts; "" where it does not."""
    return "one folder of texts a class" if seen.source.form == "folder" else seen.table_of("text")


def read(source: Source, settings: Settings, parent: Predictor | None) -> tuple[TextSchema, Rows, Tokens]:
    """The columns chosen, the rows of every split, and the tokens of all texts: ``place`` says where those of a row are.

    A file is gone through once; of a text its tokens are kept, as numbers, on the disk where they are many.
    """
    head = source.streams["train"].head
    layout = source.layout
    text = settings.text or (layout.text if layout else ())
    columns = choose_columns(head, text, settings.label or (layout.label if layout else ""))
    kept: Any = parent.encoder if isinstance(parent, TextPredictor) else settings
    texts = TokenizedTexts(kept.tokenizer or "words", kept.lowercase)
    parts = {name: _part(stream, head, columns, settings, texts) for name, stream in source.streams.items()}
    rows = assign_splits(source, parts, settings)
    rows.notes = list(head.notes) + list(columns.notes) + rows.notes
    return columns, rows, texts.tokens()


def _part(stream: TableStream, first: Table, columns: TextSchema, settings: Settings, texts: TokenizedTexts) -> Part:
    """Label and row of each text, what is kept of its content, its size in bytes, and the key of a split by group or time.

    Raises E213 where a column is missing; the key is asked of the file of the ``first`` table only, which is the one that
    is cut.
    """
    column = settings.split.partition(":")[2] if stream.head is first else ""
    for name in filter(None, (*columns.text, columns.label, column)):
        if name not in stream.head.columns:
            raise error("E213", column=name, file=stream.head.file, hint=nearest(name, stream.head.columns))
    frames, rejected = [], []
    for table in prefetch(stream.tables()):
        content = join_text(table.frame, columns.text)
        kept = {
            "label": table.frame[str(columns.label)].cast(pl.String),
            "row": table.frame[ROW],
            "place": pl.Series(np.arange(len(texts), len(texts) + len(content), dtype=np.uint32)),
            "size": content.str.len_bytes(),
            **content_keys(content),
            **({"key": table.frame[column]} if column else {}),
        }
        frames.append(pl.DataFrame(kept))
        rejected += table.rejected
        texts.add(content)
    return Part(pl.concat(frames), stream.head.file, rejected)
