"""A run as the last line of a notebook's cell: its scores and pictures, escaped, without a script, in light and dark."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import torch
from torch import nn

import trainwright as tw
from trainwright.watch import plots


def test_a_run_shows_its_scores_and_pictures(trained: tw.Run) -> None:
    shown = trained._repr_html_()
    report = trained.report
    assert f"{100 * report['test']['accuracy']:.2f} %" in shown and shown.count("<svg") >= 3
    assert "How it learned" in shown and "Where it goes wrong" in shown and "All scores" in shown
    assert "<script" not in shown and "onclick" not in shown and "http" not in shown.replace("http://www.w3.org", "")
    style = re.search(r"<style>(.*?)</style>", shown, re.S)
    assert style is not None and ":root" not in style[1]
    depth, heads = 0, [""]
    for character in style[1]:
        heads[-1] += character if not depth and character not in "{}" else ""
        heads += [""] if character == "}" and depth == 1 else []
        depth += {"{": 1, "}": -1}.get(character, 0)
    assert len(heads) == 6 and all(".trainwright-run" in each or "@media" in each for each in heads[:-1]), "it styles no more"
    schemes = ("prefers-color-scheme:dark", '[data-jp-theme-light="false"]', '[data-jp-theme-light="true"]', ".vscode-dark")
    assert all(each in style[1] for each in schemes)


def test_names_cannot_write_to_the_page(trained: tw.Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained.path, run)
    report = json.loads((run / "report.json").read_text())
    report["labels"] = ["<img src=x onerror=alert(1)>", *report["labels"][1:]]
    report["source"] = "</div><script>alert(1)</script>"
    (run / "report.json").write_text(json.dumps(report))
    shown = tw.load(run)._repr_html_()
    assert "<img" not in shown and "<script" not in shown and "&lt;script&gt;" in shown


def test_a_run_that_has_not_ended_shows_how_far_it_is(tmp_path: Path) -> None:
    model, x = nn.Linear(2, 2), torch.randn(20, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    given = {"loss": nn.CrossEntropyLoss(), "optimizer": optimizer, "out": tmp_path / "run", "epochs": 3, "progress": False}
    events = tw.fit(model, (x, (x[:, 0] > 0).long()), **given)
    next(events)
    assert "0 of 3 epochs" in tw.load(tmp_path / "run")._repr_html_()
    for event in events:
        if event.kind == "epoch":
            break
    events.close()
    assert "<svg" in tw.load(tmp_path / "run")._repr_html_()


def test_parts_of_a_loss_have_pictures(tmp_path: Path) -> None:
    model, x = nn.Linear(2, 2), torch.randn(20, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def loss(outputs: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
        found = nn.functional.cross_entropy(outputs, targets)
        return {"classes": found, "<b>size": outputs.square().mean()}

    list(tw.fit(model, (x, (x[:, 0] > 0).long()), loss=loss, optimizer=optimizer, out=tmp_path / "run", epochs=2))
    plots.draw(tmp_path / "run")
    assert (tmp_path / "run" / "plots" / "parts.png").is_file()
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<b>Classes</b>" in page and "<b>&lt;b&gt;size</b>" in page
