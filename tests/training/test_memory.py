"""Networks that no memory holds, or that torch cannot build, are refused before there is a folder; memory that runs out on
a processor makes batches smaller as it does on other devices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from samples import news_rows, write_csv
from torch import nn

import trainwright as tw
from trainwright import memory
from trainwright.training import step


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ({"name": "lstm", "hidden": 1_000_000, "embedding": 1_000_000}, "E360"),
        ({"name": "bag", "embedding": 10**15}, "E360"),
        ({"name": "bag", "embedding": 2**63 - 1}, "E361"),
        ({"name": "textcnn", "filters": 2**62}, "E361"),
    ],
)
def test_a_network_that_cannot_be_is_refused(tmp_path: Path, model: dict[str, Any], code: str) -> None:
    source = write_csv(tmp_path / "news.csv", news_rows(40))
    with pytest.raises(tw.TrainwrightError, match=code):
        tw.train(source, out=tmp_path / "run", model=model, listen=lambda event: None)
    assert not (tmp_path / "run").exists()


def test_what_is_available_is_the_least_of_machine_and_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "most").write_text("5000\n")
    (tmp_path / "used").write_text("2000\n")
    monkeypatch.setattr(memory, "LIMITS", [tuple(str(tmp_path / name) for name in ("most", "used", "parts"))])
    assert memory.available() == 3000
    (tmp_path / "parts").write_text("active_file 7\ninactive_file 500\nother 3\n")
    assert memory.available() == 3500  # what copies of files take is given back
    (tmp_path / "most").write_text("max\n")
    assert memory.available() > 1 << 20


def test_memory_that_runs_out_on_a_processor_cuts_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = step._backward

    def backward(learner: Any, window: Any, *rest: Any) -> Any:
        if window[0].size > 4:
            torch.empty(1 << 60)  # what torch says where there is no memory
        return whole(learner, window, *rest)

    monkeypatch.setattr(step, "_backward", backward)
    model = nn.Linear(3, 2)
    data = torch.randn(16, 3), torch.arange(16) % 2
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    events = list(tw.fit(model, data, loss=nn.CrossEntropyLoss(), optimizer=optimizer, batch_size=8, epochs=1))
    assert [event.value for event in events if event.kind == "note" and event.what == "micro-batch"] == ["4 rows"]
    assert [event.kind for event in events].count("step") == 2
