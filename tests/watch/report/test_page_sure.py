"""How sure answers are, in the terminal and on the page: every number is one of the report, and old reports show nothing."""

from __future__ import annotations

from typing import Any

from watch_samples import make_record, make_regression, make_report

from trainwright.watch import scores, summary
from trainwright.watch.report import page, page_sure


def made(**more: Any) -> dict[str, Any]:
    report = make_report()
    report["calibration"] = {"temperature": 1.25, "why": "fitted", "ece_before": 0.0512}
    bins = [[20, 0.4, 0.35], [20, 0.7, 0.8], [20, 0.99, 1.0]]
    came = {"answered": 0.8213, "n": 50, "right": 0.9812, "at_least": 0.9634}
    usual = [
        {"sure": 0.9, "threshold": 0.0, "answered": 1.0, "n": 60, "right": 0.93, "at_least": 0.912},
        {"sure": 0.95, "threshold": 0.0, "answered": 1.0, "n": 60, "right": 0.9561, "at_least": 0.951},
        {"sure": 0.97, "threshold": 0.6, **came},
        {"sure": 0.99, "threshold": None},
    ]
    report["test"] |= {"ece": 0.0234, "ece_by_chance": 0.0111, "reliability": bins, "promises": usual, **more}
    return report


def test_the_terminal_says_what_is_promised_and_what_came_of_it() -> None:
    lines = "\n".join(summary.lines(made()))
    assert "2.34 %" in lines and "by chance 1.11 %; 5.12 % without the temperature 1.25" in lines
    assert summary.promise_rows(made()) == [
        ("95 %", "100.00 %", "95.61 %", "95.10 %"),  # which says more than 90 % of all rows
        ("97 %", "82.13 %", "98.12 %", "96.34 %"),
    ]
    nobody = {"sure": 0.99, "threshold": 0.9, "answered": 0.0, "n": 0, "right": None, "at_least": None}
    assert summary.promise_rows(made(promises=[nobody])) == [("99 %", "0.00 %", "-", "-")]
    assert "promise" not in "\n".join(summary.lines(make_report()))


def test_the_page_draws_every_bin_and_lists_the_promises() -> None:
    drawn = page_sure.sure(made())
    assert drawn.count("<circle") == 3 and "35.00 % at probability 40.00 %" in drawn
    for said in ("2.34 %", "1.11 %", "temperature 1.25", "5.12 % without it", "82.13 %", "96.34 %"):
        assert said in drawn
    assert page_sure.sure(make_report()) == "" and "How sure it is" not in page.render(make_record(make_report()), [])
    assert "How sure it is" in page.render(make_record(made()), [])


def test_how_often_an_interval_held_is_said() -> None:
    report = make_regression()
    told = {"share": 0.9, "half_width": 12.5, "coverage": 0.8812, "interval": [0.84, 0.91]}
    report["test"]["prediction_interval"] = told
    fact = next(each for each in scores.facts(report) if each.name == "test coverage")
    assert (fact.value, fact.sure) == ("88.12 %", "95 % interval 84.00 to 91.00 %")
    assert fact.remark == "of 90 % intervals, answer \u00b1 12.50"
