"""What the command line prints of scores that are looked at twice: on another file, against other runs, over seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.cli_output import print_json, print_report, print_table, say
from trainwright.plain_files import made_sense_of

if TYPE_CHECKING:
    from trainwright.watch.terminal.console import Console


def print_scores(run: Path, report: dict[str, Any], source: str, found: dict[str, Any]) -> None:
    """Print the scores of a run on a file: those of new rows, and apart those of rows that it has seen."""
    from trainwright.watch import scores, seen

    with made_sense_of(run / "report.json"):
        say("\n".join(filter(None, [seen.headline(found, scores.unit(report)), seen.left_out(found)])))
    rows = {"test": found["n"], "rejected": found["rejected"]}
    if found["n"]:
        of_other_rows = ("valid", "baseline", "baselines", "calibration", "signal", "without_leaked")
        not_these = dict.fromkeys(of_other_rows)
        print_report(run, report | not_these | {"source": source, "test": found, "seconds": {}, "rows": rows})
    if lines := seen.apart(found):
        say("\n".join(["", "Rows that are not new", *lines]))


def print_looks(run: Any, console: Console) -> None:
    """Print how often the test rows of a run were measured in its folder, where that is more than once."""
    from trainwright.run import looks

    if found := looks.of_run(run.path):
        console.line(f"looks    {found['sentence']}")


def print_comparison(found: dict[str, Any]) -> None:
    """Print what runs came to, and of each how it stands against the first."""
    from trainwright.watch import compared, scores, words

    key = "interval" if found["metric"] == "accuracy" else f"{found['metric']}_interval"
    rows = [("run", found["split"], "95 % interval", "rows")]
    for each in found["runs"]:
        shown = scores.headline({found["metric"]: each["score"], key: each["interval"]})
        rows.append((words.clean(each["run"]), shown[0], shown[1] or "-", f"{each['n']:,}"))
    print_table(rows)
    for each in found["compared"]:
        parts = [("Settings that differ", compared.settings(each)), ("Rows that changed", compared.changed(each))]
        told = [line for title, lines in parts if lines for line in (title, *lines)]
        say("\n".join(["", each["sentence"], *told]))


def print_looks_of(looks: list[dict[str, Any]]) -> None:
    """Print how often the same test rows were measured by the runs of a folder."""
    from trainwright.watch import words

    for each in looks:
        names = [words.clip(Path(run).name, 40) for run in each["runs"]]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        say(f"{each['sentence']} ({', '.join(names[:3])}{more})")


def print_seeds(found: dict[str, Any], console: Console, as_json: bool) -> None:
    """Print what trainings with several seeds came to."""
    if as_json:
        print_json(found)
        return
    from trainwright.watch import metrics

    entry = metrics.find(found["metric"])
    console.line("")
    for run, score in zip(found["runs"], found["scores"], strict=True):
        console.line(f"run      {run}  {entry.title} {entry.write(score)}")
    say(found["sentence"])
