"""Look at a file and say what it holds, and why.

The content decides; the extension is evidence where the content leaves a choice. Every answer comes with its reason.
"""

from __future__ import annotations

from dataclasses import replace

from trainwright.data.files.content import FileContent, binary_kind, not_text
from trainwright.data.files.encoding import encoding_of
from trainwright.data.read.formats import FORMATS, Sample, Sniffed
from trainwright.data.read.options import DERIVED, ReadOptions
from trainwright.errors import error
from trainwright.watch.events import Note

SAMPLE = 1 << 18  # characters looked at for format, delimiter and header; the encoding is told from the whole file


def sniff_loaded(loaded: FileContent, options: ReadOptions = DERIVED) -> Sniffed:
    """Say what a file holds.

    Raise E103 or E108 where its start is blank, E104 where it is no text, E108 for text that is no table, E117 for an encoding
    that is not supported, E190 for options that its format has no use for, E191 where it is not in the encoding given.
    """
    notes = [Note("compression", loaded.compression, "by its first bytes")] if loaded.compression else []
    if loaded.magic:
        name = next(each.name for each in FORMATS if each.magic == loaded.magic)
        options.has_no_use_for(loaded.path, f"a file of the format {name} says itself how it is read")
        notes.append(Note("format", name, f"its first bytes are {loaded.magic.decode('ascii', 'backslashreplace')}"))
        return Sniffed(name, "", notes=notes)
    encoding, why = encoding_of(loaded, loaded.path, options.encoding, "encoding" in options.binding)
    head = loaded.data[: 4 * SAMPLE]  # 4 bytes a character at most; even, so no UTF-16 unit is cut
    text = head.decode(encoding, "replace")
    if not text.strip("\r\n\t \ufeff\x00"):
        if loaded.size <= len(head):
            raise error("E103", path=loaded.path)
        raise error("E108", path=loaded.path, found=f"its first {len(head):,} bytes are blank")
    start = text[:4096]
    if kind := binary_kind(start.encode("utf-8", "replace")) or ("binary data" if start.count("\0") > 400 else ""):
        raise not_text(loaded.path, kind)
    sample = Sample(text[:SAMPLE], loaded.size > len(head) or len(text) > SAMPLE, loaded.suffix, loaded.path, options)
    found: Sniffed = next(filter(None, (each.reader.sniff(sample) for each in FORMATS if not each.magic)))
    if found.format != "csv":
        options.has_no_use_for(loaded.path, f"it is read as {found.format}: {found.notes[0].why}", "delimiter", "header")
    return replace(found, encoding=encoding, notes=[*notes, Note("encoding", encoding, why), *found.notes])
