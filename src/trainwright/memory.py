"""How much memory this process can still have."""

from __future__ import annotations

import re
from pathlib import Path

UNKNOWN = 1 << 40  # bytes, where the system does not say: more than enough
LIMITS = (  # of a container: its most, what it uses, and how much of that are copies of files, which give way
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
    ),
)


def available() -> int:
    """Return how many bytes are available, on the machine and in the container."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", _read("/proc/meminfo"))
    most = int(found[1]) << 10 if found else UNKNOWN
    for limit, used, parts in LIMITS:
        allowed, taken = _read(limit).strip(), _read(used).strip()
        if allowed.isdecimal() and taken.isdecimal():
            files = re.search(r"^(?:total_)?inactive_file (\d+)$", _read(parts), re.MULTILINE)
            most = min(most, int(allowed) - int(taken) + (int(files[1]) if files else 0))
    return max(most, 0)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return ""
