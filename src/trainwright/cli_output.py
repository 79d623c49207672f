"""What the command line prints: tables, answers and JSON."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwright.errors import TrainwrightError, error
from trainwright.plain_files import made_sense_of

if TYPE_CHECKING:
    from trainwright.watch.explained.explanation import Explanation
    from trainwright.watch.terminal.console import Console

BETWEEN = "|"  # several labels of a row
UNSURE = "?"  # in the place of an answer that is not sure enough
LONG = ("per_class", "confusion", "confused", "points", "reliability")  # of a split, left out in --json: no number or interval


@contextmanager
def console(err: bool = False, quiet: bool = False) -> Iterator[Console]:
    """Open a console on standard output, or on standard error. What kept the answer from being shown is raised at the end.

    What goes on may go on unseen; and what is told on standard error is beside the answer.
    """
    from trainwright.watch.terminal.console import Console

    opened = Console(sys.stderr if err else sys.stdout, quiet=quiet)
    try:
        yield opened
    finally:
        opened.close()
    if opened.lost and not err:
        raise opened.lost


def say(text: object = "", end: str = "\n", err: bool = False) -> None:
    """Print a text, as it is into a pipe or a file. What standard error cannot take is lost, as it is beside the answer."""
    line, stream = str(text), sys.stderr if err else sys.stdout
    if stream.isatty():
        from trainwright.watch import words

        line = words.shown(line, stream.encoding)
    with suppress(OSError) if err else nullcontext():
        print(line, end=end, file=stream)


def print_json(value: dict[str, Any]) -> None:
    """Print a value as one line of JSON."""
    say(json.dumps(value, ensure_ascii=False))


def print_report(run: Path, report: dict[str, Any]) -> None:
    """Print what a run came to. Raise E408 where its report is none."""
    with console() as shown, made_sense_of(run / "report.json"):
        shown.report(report)


def print_table(rows: Iterable[Sequence[str]]) -> None:
    """Print rows of cells with their columns aligned."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_run(run: Any, console: Console, as_json: bool, quiet: bool) -> None:
    """Print what a training came to."""
    from trainwright.watch.summary import usage

    report = run.report
    with made_sense_of(run.folder.report):
        console.report(report)
        console.line(f"model    {run.path}")
        console.line(f"use it   {usage(report, str(run.path))}")
        if as_json:
            found = {"run": str(run.path)} | {key: report[key] for key in ("task", "model", "seconds", "valid", "test")}
            for split in ("valid", "test"):
                found[split] = found[split] and {key: each for key, each in found[split].items() if key not in LONG}
            print_json(found)
        elif quiet:
            say(f"{run.path}\t{_score(report)}")


def _score(report: dict[str, Any]) -> str:
    """Return the leading score of a run in one line, with its interval and count."""
    from trainwright.watch import scores

    found = scores.facts(report | {"baseline": None, "baselines": None})
    if not found:
        return "no rows were held back to be measured on"
    name, value, sure, remark = found[0]
    return ", ".join(part for part in (f"{name} {value}", sure, remark) if part)


def print_proof(run: Path, proof: Any, as_json: bool) -> None:
    """Print what was looked at. Raise E419 where something is wrong."""
    if as_json:
        print_json({"run": str(run), "checked": proof.checked, "wrong": proof.wrong})
    else:
        with console() as shown:
            for note in proof.checked:
                shown.handle(note)
            shown.line(
                "everything is as it should be" if not proof.wrong else "\n".join(f"wrong: {each}" for each in proof.wrong)
            )
    if proof.wrong:
        more = f"; and {len(proof.wrong) - 1} more" if len(proof.wrong) > 1 else ""
        raise error("E419", path=run, first=proof.wrong[0], more=more)


def print_answers(
    key: str, items: Iterable[Any], answers: Sequence[Any], as_json: bool, sure: Sequence[bool] = (), far: float | None = None
) -> None:
    """Print what a model says of items, one a line: a number, or labels with their probabilities; of several labels a row those
    that it has come first. ``key`` names an item.

    Where only ``sure`` answers are asked for, ? stands for the others; the truth lies no further from a number than ``far``.
    """
    for item, answer, enough in zip(items, answers, sure or [True] * len(answers), strict=True):
        if as_json:
            print_json(_values(answer, enough if sure else None, far) | {key: item})
        elif hasattr(answer, "probabilities"):
            shares = (f"{label}\t{probability:.4f}" for label, probability in answer.probabilities.items())
            say("\t".join([(BETWEEN.join(answer.labels) or "-") if enough else UNSURE, *shares]))
        elif isinstance(answer, list):
            names = [label for label, _ in answer] if enough else [UNSURE, *(label for label, _ in answer[1:])]
            say("\t".join(f"{label}\t{probability:.4f}" for label, (_, probability) in zip(names, answer, strict=True)))
        else:
            ends = () if far is None else (answer - far, answer + far)
            say("\t".join(f"{number:.10g}" for number in (answer, *ends)))


def print_file_answers(key: str, found: Any, top: int, out: Path | None, as_json: bool, spreadsheet: bool) -> None:
    """Print the rows of files with what the model says of them, or write them to ``out``: their own columns come first.

    For a ``spreadsheet`` no cell is a formula.
    """
    import polars as pl

    for note in found.notes:
        say(note, err=True)
    if as_json:
        for place, (name, answer) in enumerate(zip(found.names or found.rows, found.answers, strict=True)):
            where = {"file": found.files[place]} if found.files else {}
            sure = found.sure[place] if found.sure else None
            print_json(where | {key if found.names else "row": name} | _values(answer, sure, found.reach))
        return
    frame = _plain(found.frame).with_columns(_columns(found, top))
    if spreadsheet:
        frame = frame.rename(_no_formula).with_columns(pl.col(pl.String).map_elements(_no_formula, pl.String))
    text = frame.write_csv()
    if out is None:
        say(text, end="")
    else:
        from trainwright.store.atomic import write_out

        write_out(out, text)


def _no_formula(cell: str) -> str:
    """Return a text with an apostrophe before it where a spreadsheet would take it for a formula. Numbers stay."""
    with suppress(ValueError):
        float(cell)
        return cell
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") and cell else cell


def _plain(frame: Any) -> Any:
    """Return a frame as CSV can hold it: lists as ``a|b``, without the content of files."""
    import polars as pl

    from trainwright.data.tables.spelling import as_text

    kept = [column for column in frame if column.dtype != pl.Binary]
    return pl.DataFrame([as_text(column) if isinstance(column.dtype, pl.List) else column for column in kept])


def _values(answer: Any, sure: bool | None = None, far: float | None = None) -> dict[str, Any]:
    """Return one answer as JSON: a number, or a label with the probabilities of all that were asked for; and whether it is
    ``sure`` enough, else there is no label, or the ends of an interval that goes so ``far``."""
    told = {} if sure is None else {"sure": sure}
    if hasattr(answer, "probabilities"):
        return {"labels": None if sure is False else answer.labels, "probabilities": answer.probabilities, **told}
    if not isinstance(answer, list):
        return {"prediction": answer} | ({} if far is None else {"lower": answer - far, "upper": answer + far})
    label, probability = answer[0]
    label = None if sure is False else label
    return {"label": label, "probability": probability, "probabilities": dict(answer), **told}


def _columns(found: Any, top: int) -> list[Any]:
    """Return the columns of the answers: predicted, probability (_2, _3 ... for labels behind the best), under free names.

    Of sure answers also ``sure``, and what is predicted is empty where it is false; of numbers with an interval its ends.
    """
    import polars as pl

    own = ("predicted", "probability", *(["sure"] if found.sure else []), *(["lower", "upper"] if found.reach else []))
    mark = "_by_model" if any(name.startswith(own) for name in found.frame.columns) else ""
    enough = pl.Series(f"sure{mark}", found.sure or [True] * len(found.answers), dtype=pl.Boolean)
    more = [enough] if found.sure else []
    if found.answers and hasattr(found.answers[0], "probabilities"):
        joined = [BETWEEN.join(row.labels) if sure else None for row, sure in zip(found.answers, enough, strict=True)]
        sets = pl.Series(f"predicted{mark}", joined, dtype=pl.String)
        names = sorted(found.answers[0].probabilities)
        shares = {name: [round(row.probabilities[name], 6) for row in found.answers] for name in names}
        return [sets, *(pl.Series(f"probability{mark}_{name}", values) for name, values in shares.items()), *more]
    if not found.answers or not isinstance(found.answers[0], list):
        numbers = pl.Series(f"predicted{mark}", found.answers, dtype=pl.Float64)
        ends = {} if found.reach is None else {"lower": -found.reach, "upper": found.reach}
        return [numbers, *((numbers + far).alias(f"{name}{mark}") for name, far in ends.items())]
    columns = []
    for place in range(min(top, len(found.answers[0]))):
        suffix = mark + (f"_{place + 1}" if place else "")
        names = [row[place][0] if sure or place else None for row, sure in zip(found.answers, enough, strict=True)]
        columns.append(pl.Series(f"predicted{suffix}", names, dtype=pl.String))
        columns.append(pl.Series(f"probability{suffix}", [round(row[place][1], 6) for row in found.answers], dtype=pl.Float64))
    return [*columns, *more]


def as_csv(rows: list[dict[str, Any]], spreadsheet: bool, columns: Sequence[str] = ()) -> str:
    """Return rows of the same columns as CSV, a row of a table that is in one of them as JSON.

    For a ``spreadsheet`` no cell is a formula.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {name: json.dumps(each) if isinstance(each, dict) else each for name, each in row.items()}
        kept = {name: _no_formula(cell) if spreadsheet and isinstance(cell, str) else cell for name, cell in cells.items()}
        writer.writerow(kept)
    return text.getvalue()


def print_suspects(found: dict[str, Any], top: int, out: Path | None, as_json: bool) -> None:
    """Print the rows whose labels are probably wrong, in colours where the terminal has them, and which file has them."""
    from trainwright.watch import suspects, words

    if as_json:
        print_json(found)
    elif out is None:
        _print_parts(suspects.lines(found, bool(top)))
    else:
        _print_parts(suspects.head(found))
        say(f"{out}: {words.counted(len(found['suspects']), 'row')}; {suspects.advice(str(out))}")
    if not as_json:
        say(found["files"][-1])


def print_mistakes(rows: list[dict[str, Any]], loss: str) -> None:
    """Print each mistake with its input, as text that cannot command the terminal; ``loss`` is what the loss is, in words."""
    from trainwright.watch import words

    if not rows:
        say("no mistakes: every answer was right")
    else:
        counted = "; rows count from 0, as in the data" if rows[0]["file"] is None else ""
        tokens = rows[0].get("probability") is None and isinstance(rows[0]["truth"], str)
        if rows[0]["file"] and rows[0]["row"] is not None and not tokens:
            counted = "; rows count as a spreadsheet does, the header too"
        say(f"The greatest loss first{f' ({loss})' if loss else ''}{counted}.")
    for number, row in enumerate(rows, start=1):
        sure = f" ({words.percent(row['probability'])} sure)" if row.get("probability") is not None else ""
        shown = (words.several(row[key]) for key in ("answer", "truth"))
        answer, truth = (words.number(x) if isinstance(x, float) else words.clip(x, 40) for x in shown)
        numbered = f"row {row['row']}" if row["row"] is not None else ""
        place = f"{words.clean(row['file'])}, {numbered}".removesuffix(", ") if row["file"] else f"{numbered}, counted from 0"
        lost = "" if row["loss"] is None else f", loss {words.loss(row['loss'])}"  # where it is not finite, or not known
        say(f"{number:>4}  {truth} taken for {answer}{sure}{lost}   {place}")
        given = row["input"]
        if isinstance(given, dict):
            given = ", ".join(f"{name} {value}" for name, value in given.items() if value is not None)
        if given is not None and not given.startswith("data:image/"):
            for line in words.wrap(given, 100)[:4]:
                say(f"      {line}")


def print_landscape(found: dict[str, Any], as_json: bool) -> None:
    """Print which files a loss surface was drawn into; as JSON also what was measured, but for the losses themselves."""
    if as_json:
        shares = [{"title": plane["title"], "share": plane.get("share")} for plane in found["planes"]]
        print_json({**found, "planes": shares, "line": None} if "line" in found else {**found, "planes": shares})
        return
    if found.get("why"):
        say(f"without the path of the training, which cannot be had again: {found['why']}", err=True)
    for path in found["files"]:
        say(path)


def print_runs(found: list[dict[str, Any]]) -> None:
    """Print a table of runs, and of a report that is none, that it is damaged."""
    print_table([("run", "model", "source", "test", "interval", "valid", "rows", "seconds"), *map(_run_row, found)])


def _run_row(found: dict[str, Any]) -> tuple[str, ...]:
    name, report, state = found["run"], found["report"], "damaged" if "damaged" in found else "not ended"
    if report:
        try:
            with made_sense_of(Path(name)):
                return (name, *_run_cells(report))
        except TrainwrightError:
            state = "damaged"
    return (name, "-", "-", state, "-", "-", "-", "-")


def _run_cells(report: dict[str, Any]) -> tuple[str, ...]:
    from trainwright.watch import words
    from trainwright.watch.scores import headline

    test, valid = (headline(report[name]) if report[name] else ("-", "-") for name in ("test", "valid"))
    seconds = f"{sum(report['seconds'].values()):.1f}"
    rows = f"{report['rows']['train']:,}"
    return (*map(words.clean, (report["model"], report["source"])), test[0], test[1] or "-", valid[0], rows, seconds)


def print_cache(found: list[dict[str, Any]]) -> None:
    """Print a table of what the cache keeps, and where."""
    from trainwright.data.files.cache_folder import cache_folder
    from trainwright.watch import words

    rows = [("kind", "source", "size", "last used")]
    for each in found:
        used = each["used"][:16].replace("T", " ")
        rows.append((each["kind"], each["source"] or "not known", words.amount(each["bytes"], "bytes"), used))
    if found:
        print_table(rows)
    total = words.amount(sum(each["bytes"] for each in found), "bytes")
    say(f"{total} in {cache_folder()}" if found else f"nothing in {cache_folder()}", err=True)


def write_beside(run: Path, path: Path, content: bytes) -> None:
    """Write a file and say where; in the folder of a run that has ended it comes under the seal. Raise E402."""
    from trainwright.store import atomic, seal

    atomic.write_out(path, content)
    if path.resolve().is_relative_to(run.resolve()):
        seal.renew(run.resolve(), [path.resolve()])
    say(str(path), err=True)


def print_lines(found: Explanation, brief: bool = False) -> None:
    """Print an explanation, in colours where the terminal has them; only its answer where it is ``brief``."""
    from trainwright.watch.explained import explained_text

    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    _print_parts(explained_text.heading(found) if brief else explained_text.lines(found, width))


def _print_parts(lines: Iterable[Sequence[tuple[str, str]]]) -> None:
    """Print lines, each of texts with their styles, which only a terminal shows."""
    from trainwright.watch import words

    if not (sys.stdout.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")):
        text = "".join("".join(part for part, _ in line).rstrip() + "\n" for line in lines)
        say(words.encodable(text, sys.stdout.encoding), end="")
        return
    from rich.console import Console as Terminal
    from rich.text import Text

    screen = Terminal(file=sys.stdout, highlight=False)
    for line in lines:
        parts = [(words.shown(text, sys.stdout.encoding), style) for text, style in line]
        screen.print(Text.assemble(*parts), soft_wrap=True)
