"""Scores of every task in words: headline, facts and verdict, for whole reports and for those of older runs."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watch_samples import ODD_LABELS, make_language, make_regression, make_report

from trainwright.watch import metrics, scores, summary, words


@pytest.mark.parametrize(
    ("split", "shown"),
    [({"loss": 0.3, "accuracy": 0.891, "interval": [0.884, 0.898]}, ("89.10 %", "88.4 - 89.8 %")),
     ({"loss": 0.3, "accuracy": 0.891, "interval": None}, ("89.10 %", "")),
     ({"loss": 4.7, "perplexity": 112.4, "accuracy": 0.2, "interval": [0.1, 0.3]}, ("perplexity 112.4", "")),
     ({"loss": 4.7, "perplexity": 112.4, "perplexity_interval": [110.21, 115]}, ("perplexity 112.4", "110.2 - 115.0")),
     ({"loss": 0.4, "accuracy": None, "rmse": 53.1, "rmse_interval": [49.0, 57.2]}, ("RMSE 53.10", "49.0 - 57.2")),
     ({"loss": 0.4, "rmse": 5.31e9, "rmse_interval": [4.9e9, 5.7e9]}, ("RMSE 5.310e+09", "4.90e+09 - 5.70e+09")),
     ({"loss": 0.4, "rmse": math.nan, "rmse_interval": [math.nan, math.nan]}, ("RMSE nan", "")),
     ({"loss": 0.4, "rmse": 1.0, "rmse_interval": [None, None]}, ("RMSE 1.000", "")),
     ({"loss": 0.31, "accuracy": None, "n": 3}, ("loss 0.3100", "")),
     ({"loss": 0.31, "loss_interval": [0.281, 0.339]}, ("loss 0.3100", "0.281 - 0.339")),
     ({"loss": 0.3, "accuracy": 0.5, "metrics": {"rmse": 7.0}}, ("50.00 %", "")),
     ({"loss": 0.3, "accuracy": None, "metrics": {"rmse": 7.0}}, ("RMSE 7.000", "")),
     ({}, ("-", "")), (None, ("-", ""))],
)  # fmt: skip
def test_headline_is_the_score_that_a_run_is_judged_by(split: dict[str, Any] | None, shown: tuple[str, str]) -> None:
    assert scores.headline(split) == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(53.1, "53.10"), (112.44, "112.4"), (12345.6, "12,346"), (0.0123456, "0.01235"), (1.2345e9, "1.234e+09"),
     (-0.5, "-0.5000"), (3e-6, "3.000e-06"), (0, "0"), (math.nan, "nan"), (-math.inf, "-inf")],
)  # fmt: skip
def test_numbers_have_four_significant_digits(value: float, text: str) -> None:
    assert words.number(value) == text


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e12))
def test_the_ends_of_an_interval_can_be_told_apart(low: float, size: float) -> None:
    high = low + size
    texts = words.bounds((low, high))
    back = [float(text.replace(",", "")) for text in texts]
    assert back[0] <= back[1] and all(len(text) <= 24 for text in texts)
    if size > 1e-6 * abs(low):
        assert back[0] < back[1] and all(abs(a - b) <= 0.1 * size for a, b in zip(back, (low, high), strict=True))


def test_facts_of_a_regression() -> None:
    text = "\n".join(summary.lines(make_regression()))
    assert "Result of mlp.v1 on houses.csv, predicting price" in text
    for line in (
        r"test RMSE 53.10 95 % interval 49.0 to 57.2 n = 400",
        "test MAE 41.20",
        "test R2 0.5213 95 % interval 0.41 to 0.62 1 is perfect",
        "test loss 0.4321 of the standardised target",
        "baseline 77.00 95 % interval 70 to 84 mean of the training targets, 152.1",
        "valid RMSE 53.10",
        "RMSE 53.10 is 31 % below the baseline's",
    ):
        assert line in " ".join(text.split())
    assert "accuracy" not in text and "Sample" not in text and "class" not in text


def test_facts_of_a_language_model() -> None:
    lines = summary.lines(make_language())
    text = " ".join("\n".join(lines).split())
    for line in (
        "test perplexity 112.4 95 % interval 110.2 to 115.0 n = 82,430 tokens",
        "test loss 4.7222 nats per token",
        "test accuracy 25.10 % 95 % interval 24.80 to 25.40 % of the next token",
        "test bits/character 1.432",
        "baseline 192.3 bigram, loss 5.2590",
        "baseline 699.2 unigram, loss 6.5500",
        "perplexity 112.4 against 192.3 of the bigram baseline",
        "Sample of generated text the company said it expects to report a loss Effort",
        "tokens 929,589 train",
        "123,457 tokens/s in training",
    ):
        assert line in text
    assert text.count("bigram, loss") == 1, "the best baseline stands there once"
    assert not any(len(line) > 110 for line in lines)


def test_a_long_sample_is_shortened() -> None:
    lines = summary.lines(make_language(["word " * 200, "never shown"]))
    start = lines.index("Sample of generated text")
    assert [line.startswith("  word word") for line in lines[start + 1 : start + 6]] == [True] * 4 + [False]
    assert lines[start + 5] == f"  {words.ELLIPSIS}" and "never shown" not in "\n".join(lines)
    for none in (None, [], ["  "]):
        assert "Sample of generated text" not in summary.lines({**make_language(), "samples": none})


def test_verdict_on_a_regression() -> None:
    report = make_regression()
    report["test"]["rmse_interval"] = [49.0, 70.5]
    assert scores.verdict(report) == "not clearly better than the baseline: the intervals overlap"
    report["test"]["rmse_interval"] = [49.0, 69.5]
    assert "31 % below" in scores.verdict(report)
    report["test"].update(rmse=0.001, rmse_interval=None)
    assert "is 100.00 % below" in scores.verdict(report)
    for rmse in (77.0, 80.0, math.nan, math.inf):
        report["test"]["rmse"] = rmse
        assert scores.verdict(report) == "the model does not beat the baseline"
    report["baseline"] = None
    assert scores.verdict(report) == ""


def test_verdict_on_a_language_model() -> None:
    report = make_language()
    report["test"]["perplexity_interval"] = None
    assert scores.verdict(report) == "perplexity 112.4 against 192.3 of the bigram baseline"
    report["test"]["perplexity_interval"] = [60.0, 200.0]
    assert scores.verdict(report).startswith("not clearly better than the baseline: perplexity 112.4 against 192.3")
    report["test"]["perplexity"] = 250.0
    assert scores.verdict(report).startswith("the model does not beat the baseline: perplexity 250.0")
    del report["baseline"]
    assert "192.3 of the bigram" in scores.verdict(report), "the best of all the baselines"
    del report["baselines"]
    assert scores.verdict(report) == ""


@pytest.mark.parametrize("make", [make_report, make_regression, make_language])
def test_reports_with_fewer_keys_can_be_shown(make: Any) -> None:
    whole = json.loads(json.dumps(make()))
    for part in ("test", "valid", "baseline"):
        for name in [name for name in whole[part] if name != "loss"]:
            report = json.loads(json.dumps(whole))
            del report[part][name]
            if part != "test" or name not in ("per_class", "confusion"):
                assert summary.lines(report)[1].startswith("Result of")
            report[part][name] = None
            assert summary.lines(report)[1].startswith("Result of")
    for name in ("unit", "baselines", "samples", "seconds", "rows", "rows_per_second", "valid", "test", "baseline"):
        assert summary.lines({key: value for key, value in whole.items() if key != name})[1].startswith("Result of")
        assert summary.lines({**whole, name: None})[1].startswith("Result of")


def test_own_metrics_are_shown_by_their_names() -> None:
    report = make_report()
    report["test"]["metrics"] = {"weighted kappa": 0.7654321, "\x1b[31m" + "x" * 100: math.nan, "odd": "text", "none": None}
    text = "\n".join(summary.lines(report))
    assert "test weighted kappa" in text and "0.7654" in text and "nan" in text
    assert "\x1b" not in text and "x" * 30 not in text and "odd" not in text and "none" not in text
    assert all(len(line) < 120 for line in text.splitlines())
    assert scores.facts(report)[0].name == "test accuracy"


@pytest.mark.parametrize("name", ODD_LABELS)
def test_names_from_the_data_are_harmless(name: str) -> None:
    report = {**make_language([name * 20]), "unit": name, "model": name, "source": name}
    report["baselines"].append({"name": name, "perplexity": 1.0, "loss": 1.0})
    regression = make_regression(target=name)
    regression["baseline"].update(name=name, label=name, value=math.nan)
    for each in (report, regression):
        lines = summary.lines(each)
        assert all(line.isprintable() and words.width(line) < 200 for line in lines)


def test_what_a_run_is_judged_by() -> None:
    assert metrics.leading(["loss", "accuracy", "perplexity"]) == "perplexity"
    assert metrics.leading(["loss", "kappa"]) is None
    assert metrics.lead({"accuracy": 0.5, "metrics": {"perplexity": 3.0}}) == "accuracy", "the task's own score goes first"
    assert metrics.find("perplexity").short == "ppl" and words.width(metrics.find("\u4f53" * 40).short) <= 14


def test_an_end_that_is_rounded_to_nothing_has_no_sign() -> None:
    assert words.bounds((-0.4, 12)) == ("0", "12")
    report = {"unit": "rows", "signal": True, "test": {"rmse": 10.0, "rmse_interval": [9, 11], "n": 100}}
    simple = {"name": "ridge regression", "rmse": 9.0, "difference": -0.11, "difference_interval": [-0.2, 0.001]}
    assert scores.verdict(report | {"baselines": [simple]}).endswith("11 % higher (95 % interval 0 to 20 %)")
    simple |= {"rmse": 12.0, "difference": 0.17, "difference_interval": [0.1, 0.24]}
    told = scores.verdict(report | {"baselines": [simple]})
    assert told.endswith("17 % lower (a difference of -17 %, 95 % interval -24 to -10 %)")
