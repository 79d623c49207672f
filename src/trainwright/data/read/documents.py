"""Running text in a table: each row of its text columns is a document, which begins on a line of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from trainwright.data.files.content import plain_suffix
from trainwright.data.read.formats import by_suffix
from trainwright.data.read.table_files import find_tables
from trainwright.data.tables.column_choice import refuse_unfit
from trainwright.data.tables.table import Table
from trainwright.data.tables.text_columns import choose_columns, join_text
from trainwright.errors import error, nearest
from trainwright.watch.events import Note


def holds_documents(path: Path | Table) -> bool:
    """Return whether it is a table, by its name; or a folder of tables. Raise E102 and E183."""
    if isinstance(path, Table) or not path.is_dir():
        return isinstance(path, Table) or bool(by_suffix(plain_suffix(path)))
    return find_tables(path) is not None


def text_columns(table: Table, given: Sequence[str] = ()) -> tuple[tuple[str, ...], list[Note]]:
    """Return the columns of the text, as given or told, and what a person should know. Raise E201, E203,
    E206 and E243."""
    chosen = choose_columns(table, given, need_label=False)
    for name in chosen.text:
        refuse_unfit(table, name, "text", "text=NAME")
    return chosen.text, [*table.notes, *(note for note in chosen.notes if note.what == "text")]


def text_of(tables: Iterable[Table], columns: tuple[str, ...]) -> tuple[str, int]:
    """Return the documents of tables as one text, and how many there are; empty ones are none. Raise E213."""
    texts: list[str] = []
    for table in tables:
        for name in columns:
            if name not in table.columns:
                raise error("E213", column=name, file=table.file, hint=nearest(name, table.columns))
        documents = join_text(table.frame, columns)
        texts += documents.filter(documents.str.strip_chars() != "").str.replace_all("\r\n?", "\n").to_list()
    return "".join(text if text.endswith("\n") else f"{text}\n" for text in texts), len(texts)
