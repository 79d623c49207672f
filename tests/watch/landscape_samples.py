"""A loss surface of numbers alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainwright.watch.landscape import landscape_page, surface


def plane(title: str = "a plane", **changes: Any) -> dict[str, Any]:
    """A tilted plane of losses, with a path down to its middle."""
    x, y = np.linspace(-2, 2, 5), np.linspace(0, 8, 5)
    path = {"name": "training", "points": [[2, 8], [1, 3], [0, 4]], "loss": [3.0, 2.5, 2.0], "steps": [0, 10, 20]}
    loss = (2 + 0.25 * x[None, :] + 0.1 * y[:, None]).tolist()
    return {"title": title, "axes": ["one", "two"], "x": x.tolist(), "y": y.tolist(), "loss": loss, "minima": [],
            "share": 0.5, "paths": [path]} | changes  # fmt: skip


def found(**changes: Any) -> dict[str, Any]:
    line = {"x": [-0.25, 0.0, 0.5, 1.0, 1.25], "loss": [4.0, 3.0, 2.5, 2.0, 2.2]}
    return {
        "title": "net on data", "task": "text classification", "parameters": 123456, "buffers": 0, "rows": 50, "of": 90,
        "unit": "rows", "centre": 2.0, "kept": 2, "why": "", "apart": 0.0, "planes": [plane(), plane("random", share=1e-7)],
        "chance": None, "line": line, "points": 60, "seconds": 1.5,
    } | changes  # fmt: skip


def page(**changes: Any) -> str:
    whole = found(**changes)
    return landscape_page.render(whole, "run-1", surface.scene(whole), b"")
