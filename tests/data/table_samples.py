"""What the tests of readers of tables share."""

from __future__ import annotations

from pathlib import Path

from trainwright.data.files.content import load, require
from trainwright.data.read import text_folder
from trainwright.data.read.formats import Sniffed, magics
from trainwright.data.read.sniff import sniff_loaded


def sniff(path: Path) -> Sniffed:
    """Say what a file or a folder holds."""
    require(path)
    return text_folder.sniff(path) if path.is_dir() else sniff_loaded(load(path, streamed=True, magics=magics()))
