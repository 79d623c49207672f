"""Where the cache lies: ``TRAINWRIGHT_CACHE``, or the user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return the folder of the cache, which need not exist yet."""
    chosen = os.environ.get("TRAINWRIGHT_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("trainwright"))
