"""``fingerprints.safetensors`` of a run: by what it knows again the rows that it was trained, validated and tested on.

| tensor | what it is |
|---|---|
| `train`, `valid`, `test` | a fingerprint of each row, in order, as ``data.tables.fingerprint`` packs it; of running text the digests of its passages, sorted; uint64 |
| `earlier` | of the rows that the runs were trained on that this one went on from, sorted; uint64 |
| `units` | the number of the group that each row of test, or valid, belongs to; int32; where groups or equal rows are units |
| `right` | a bit for each row of test: whether its answer was right; uint8; where rows have one right answer |

The header says ``test``, by which runs with the same test rows and labels are known, and what was reached on these.
"""  # noqa: E501

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.plain_files import content, damaged, from_json, regular
from trainwright.store.atomic import write_file
from trainwright.store.seal import check_header

if TYPE_CHECKING:
    import numpy as np

FORMAT = 1
NAME = "fingerprints.safetensors"
LARGEST = 4 << 30  # bytes
HEAD = 1 << 12  # bytes of a file in which its header is, as a run writes it
BITS = 1 << 12  # bytes of ``right`` that tell enough of how models differ
KINDS = {"units": "int32", "right": "uint8"}  # of the tensors that are no fingerprints


@dataclass(frozen=True)
class Fingerprints:
    """What a run has seen. ``facts`` are JSON."""

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def trained(self) -> np.ndarray:
        """Return those of the rows that were trained on, now or before; one may be there more than once."""
        import numpy as np

        return np.concatenate([self.of("train"), self.of("earlier")])

    def of(self, name: str) -> np.ndarray:
        """Return one of the arrays of fingerprints; empty where there is none."""
        import numpy as np

        return self.arrays.get(name, np.zeros(0, np.uint64))


def write(path: Path, found: Fingerprints) -> None:
    """Write what a run has seen; the same gives the same bytes. Raise E402."""
    import numpy as np
    import safetensors.numpy

    arrays = {name: np.ascontiguousarray(each) for name, each in found.arrays.items()}
    facts = json.dumps({"format": FORMAT, **found.facts})
    write_file(path, safetensors.numpy.save(arrays, {"facts": facts}))  # one entry: several have no order


def read(path: Path) -> Fingerprints | None:
    """Return what a run has seen; None where it has kept nothing. Raise E408 for a damaged file."""
    import safetensors.numpy

    try:
        raw = check_header(content(path, LARGEST))
        head = from_json(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
        facts = from_json(head["__metadata__"]["facts"].encode())
        arrays = safetensors.numpy.load(raw)
        for name, each in arrays.items():
            if each.dtype != KINDS.get(name, "uint64") or each.ndim != 1:
                raise ValueError(f"{name} holds no fingerprints")
        if facts["format"] != FORMAT:
            raise ValueError(f"its format is {facts['format']}, and {FORMAT} is known")
        return Fingerprints(arrays, facts)
    except FileNotFoundError:
        return None
    except Exception as problem:  # the reader of safetensors raises what it likes
        raise damaged(path, problem) from None


def head(path: str) -> tuple[dict[str, Any], bytes] | None:
    """Return the facts of a run and the first bytes of ``right``, and read nothing else; None where they cannot be had."""
    try:
        with regular(Path(path)) as (descriptor, _):
            start = os.pread(descriptor, HEAD, 0)
            length = int.from_bytes(start[:8], "little")
            header = json.loads(start[8 : 8 + length])
            begin, end = header.get("right", {}).get("data_offsets", (0, 0))
            facts = json.loads(header["__metadata__"]["facts"])
            right = os.pread(descriptor, min(end - begin, BITS), 8 + length + begin)
        return (facts, right) if facts["format"] == FORMAT else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
