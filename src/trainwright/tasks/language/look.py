"""A closer look at running text: passages that come again, other scripts, characters that nobody typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from trainwright.data.text.oddities import PATTERNS, other_script
from trainwright.tasks.found import SAYS
from trainwright.tasks.language import leaks, reading
from trainwright.tasks.language.leaks import LONG_LINE
from trainwright.tasks.look import Seen, spread
from trainwright.watch.inspected.finding import MOST_ROWS, Finding

if TYPE_CHECKING:
    from trainwright.data.read.source import Source
    from trainwright.tasks.language.problem import LanguageProblem


def look(source: Source, problem: LanguageProblem) -> Seen:
    """Look at the lines of all splits. Raise SourceError."""
    read = reading.read(source, problem.settings)
    lines = pl.concat([_lines(name, text) for name, text in read.texts.items()])
    files = {name: ", ".join(read.files.get(name) or read.files.get("train", [])) for name in read.texts}
    seen = Seen(looked_for=("leak", "repeated-passages", "other-script", "unknown-tokens", "left-out", *PATTERNS))
    seen.spreads["characters of a line"] = spread(lines["line"].str.len_chars().to_numpy())

    def add(name: str, there: pl.Series, what: str, where: str = "", count: int | None = None) -> None:
        rows: list[dict[str, Any]] = [
            {"file": files[row["split"]], "row": row["number"], "split": row["split"], "input": row["line"]}
            for row in lines.filter(there).head(MOST_ROWS).to_dicts()
        ]
        many = int(there.sum()) if count is None else count
        if many:
            seen.findings.append(Finding(name, many, what, where, "lines", rows))

    for split in read.texts:
        if split != "train":
            train = lines.filter(pl.col("split") == "train")["line"].unique()
            there = (lines["split"] == split) & (lines["line"].str.len_chars() >= LONG_LINE)
            there &= lines["line"].is_in(train.implode())
            add("leak", there, f"lines of {split} of {LONG_LINE} characters or more are also in train", f"train-{split}")
    long = (lines["split"] == "train") & (lines["line"].str.len_chars() >= LONG_LINE)
    again = long & ~lines.select(pl.struct("split", "line").is_first_distinct()).to_series()
    add("repeated-passages", again, f"lines of train of {LONG_LINE} characters or more repeat an earlier one")
    script, other = other_script(lines["line"])
    add("other-script", other, f"lines are not written in {script}, as most are")
    for name, pattern in PATTERNS.items():
        add(name, lines["line"].str.contains(pattern), f"lines {SAYS[name]}")
    for split, count in problem.data["leaked"].items():
        if count:
            what = leaks.tokens(problem.data, split, problem.encoder.tokenizer)
            seen.findings.append(Finding("leak", count, what, f"train-{split}", "tokens"))
    for split, count in problem.data["unknown"].items():
        if count:
            what = f"tokens of {split}, {count / problem.data['rows'][split]:.2%}, are not in the vocabulary"
            seen.findings.append(Finding("unknown-tokens", count, what, split, "tokens"))
    if problem.data["rejected"]:
        rows = [{"file": each["file"], "row": None, "input": each["reason"]} for each in problem.data["rejected_rows"]]
        seen.findings.append(
            Finding("left-out", problem.data["rejected"], "files cannot be used", unit="files", rows=rows[:MOST_ROWS])
        )
    return seen


def _lines(split: str, text: str) -> pl.DataFrame:
    """Return the lines of a split with their numbers; they count from where the split begins."""
    found = pl.Series("line", text.split("\n"), dtype=pl.String)
    return pl.DataFrame(
        {
            "split": pl.repeat(split, len(found), eager=True),
            "number": pl.int_range(1, len(found) + 1, eager=True),
            "line": found,
        }
    )
