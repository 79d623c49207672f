"""WikiText-2: the three token files out of the published .zip archive.

A line is a paragraph or, between equals signs, a heading; words are parted by spaces, rare ones are ``<unk>`` already.
"""

from __future__ import annotations

from pathlib import Path

from trainwright.data.files.archives import members
from trainwright.errors import error

_MEMBERS = {split: f"wikitext-2/wiki.{split}.tokens" for split in ("train", "valid", "test")}


def wikitext(archive: Path) -> dict[str, str]:
    """The text of ``train``, ``valid`` and ``test``, as it is.

    Raises:
        SourceError: E102 and E136 to E139 as in ``archives.members``; E180, a member is not UTF-8.
    """
    content = members(archive, list(_MEMBERS.values()))
    return {split: _text(content[name], name, archive) for split, name in _MEMBERS.items()}


def _text(data: bytes, name: str, archive: Path) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        where = f"{archive}, member {name}, byte {problem.start:,}"
        raise error("E180", path=archive, name="WikiText-2", why=f"not UTF-8: {problem.reason}", where=where) from problem
