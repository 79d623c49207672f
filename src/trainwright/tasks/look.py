"""A closer look at the rows of a problem than a training takes: what the looks of the kinds share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from trainwright.data.tables.split import NAMES
from trainwright.data.tables.table import ROW, Table
from trainwright.data.text.oddities import other_script, very_long
from trainwright.data.text.tokenize import TokenizedTexts
from trainwright.evaluation import drift, giveaway
from trainwright.tasks.found import Named
from trainwright.watch.inspected.finding import Finding, Severity

if TYPE_CHECKING:
    from trainwright.data.read.source import Source
    from trainwright.tasks.supervised import SupervisedProblem

MOST = 100_000  # rows that are looked at for words and drift, evenly spread
WORDS = 5  # that give a label away, which are named


@dataclass
class Seen:
    """What a look found, the names of all that it looks for, and how lengths and sizes are spread, by tenths."""

    findings: list[Finding] = field(default_factory=list)
    looked_for: tuple[str, ...] = ()
    spreads: dict[str, list[float]] = field(default_factory=dict)
    tests: list[drift.Test] = field(default_factory=list)
    words: dict[drift.Test, list[str]] = field(default_factory=dict)  # that tell splits apart

    def drifts(self) -> list[Finding]:
        """Return a finding for each comparison of splits that is no chance; all that were made share the error."""
        found = []
        for each in drift.alarms(self.tests):
            such = ", such as " + ", ".join(f"'{word}'" for word in self.words[each]) if each in self.words else ""
            what = f"rows of {each.split} differ from train in their {each.what}{such}, by more than chance"
            what += f" ({each.measure} {each.effect:.2f}, p {each.p:.1g}; one of {len(self.tests)} comparisons)"
            found.append(Finding("drift", each.rows, what, f"{each.what}, {each.split}"))
        return found


def spread(values: np.ndarray) -> list[float]:
    """Return the quantiles of numbers from 0 to 1 by tenths."""
    return [float(each) for each in np.quantile(values, np.linspace(0, 1, 11))] if len(values) else []


class Labelled:
    """The rows of all splits in order: ``frame`` has split, row (as in ``ROW``), label, perhaps name, and ``alone``, the first
    row of each unit."""

    def __init__(self, problem: SupervisedProblem) -> None:
        frames, files = [], {}
        for name, part in problem.splits.items():
            units = np.arange(len(part)) if part.units is None else part.units.codes
            alone = np.zeros(len(part), bool)
            alone[np.unique(units, return_index=True)[1]] = True
            columns: dict[str, Any] = {"split": np.full(len(part), NAMES.index(name), np.uint8), "row": part.rows}
            columns |= {"label": problem.target.decode(part.targets), "alone": alone}
            columns |= {"name": list(part.names)} if part.names else {}
            frames.append(pl.DataFrame(columns))
            files[name] = part.file
        self.problem, self.frame = problem, pl.concat(frames, how="diagonal")
        self.named = Named(self.frame, files)
        self.split, self.alone = self.frame["split"].to_numpy(), self.frame["alone"].to_numpy()

    def columns(self, source: Source, read: Callable[[Table], pl.DataFrame]) -> pl.DataFrame:
        """Return what is ``read`` of the tables, a row for each of ours; what is read has ``ROW``."""
        parts = []
        for name in self.problem.splits:
            stream = source.streams.get(name, source.streams["train"])
            there = pl.concat([read(table) for table in stream.tables()], how="vertical_relaxed")
            rows = pl.DataFrame({ROW: self.frame.filter(pl.col("split") == NAMES.index(name))["row"]})
            parts.append(rows.join(there, on=ROW, how="left", maintain_order="left"))
        return pl.concat(parts, how="vertical_relaxed")

    def compare(self, what: str, test: Callable[..., drift.Test | None], values: np.ndarray) -> list[drift.Test]:
        """Return the comparisons of valid and test with train by numbers, or by the classes of rows."""
        found = []
        for part in (1, 2):
            sides = [self.alone & (self.split == each) for each in (0, part)]
            made = test(what, *(values[side] for side in sides)) if all(side.any() for side in sides) else None
            found += [made._replace(split=NAMES[part], rows=int((self.split == part).sum()))] if made else []
        return found

    @property
    def classes(self) -> np.ndarray | None:
        """Return the class of each row, int64; None where no class is predicted."""
        if self.problem.target.kind != "class":
            return None
        return np.concatenate([part.targets for part in self.problem.splits.values()])


def of_counts(what: str, first: np.ndarray, second: np.ndarray) -> drift.Test | None:
    """Compare codes of classes, int64 (rows,)."""
    size = int(max(first.max(initial=0), second.max(initial=0))) + 1
    return drift.of_classes(what, np.bincount(first, minlength=size), np.bincount(second, minlength=size))


def look_at_texts(rows: Labelled, texts: pl.Series, where: str = "") -> Seen:
    """Look at a text of each row: lengths, scripts, words that give the label away, and words that tell the splits apart."""
    seen, lengths = Seen(looked_for=("very-long", "other-script", "gives-away-word", "drift")), texts.str.len_chars()
    called = where or "text"
    seen.spreads[f"characters of {called}" if where else "characters"] = spread(lengths.to_numpy())
    long = very_long(lengths).to_numpy()
    if long.any():
        what = f"{called}s are far longer than nearly all others: up to {int(lengths.to_numpy().max()):,} characters"
        seen.findings.append(rows.named.finding("very-long", long, what, where))
    script, other = other_script(texts)
    if other.any():
        what = f"{called}s are not written in {script}, as most are"
        seen.findings.append(rows.named.finding("other-script", other.to_numpy(), what, where))
    seen.tests += rows.compare(f"length of {called}", drift.of_numbers, lengths.to_numpy().astype(np.float64))
    chosen = np.unique(np.linspace(0, len(texts) - 1, min(len(texts), MOST)).astype(np.int64))
    words, codes, places = _words(texts.alias("").gather(chosen), rows.problem.settings.tokenizer)
    split, alone = rows.split[chosen], rows.alone[chosen]
    for part in (1, 2):
        kept = alone & ((split == 0) | (split == part))
        renumbered, taken = np.cumsum(kept) - 1, kept[places]
        test = drift.of_tokens(f"words of {called}", codes[taken], renumbered[places[taken]], split[kept] == part)
        if test:
            seen.tests.append(test._replace(split=NAMES[part], rows=int((rows.split == part).sum())))
            seen.words[seen.tests[-1]] = [words[code] for code in test.tokens]
    labels = rows.classes
    if labels is not None:
        seen.findings += _give_away(rows, labels[chosen], words, codes, places, where)
    return seen


def _words(texts: pl.Series, tokenizer: str | None) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the distinct words, and the word and the text of each, once a text."""
    tokenized = TokenizedTexts(tokenizer if tokenizer in ("words", "basic-english") else "words", True)
    tokenized.add(texts)
    tokens = tokenized.tokens()
    words = pl.Series(tokens.distinct, dtype=pl.String).to_list()
    numbers = np.repeat(np.arange(len(texts)), np.diff(tokens.offsets))
    pairs = np.unique(numbers * len(words) + tokens.codes.astype(np.int64))
    return words, pairs % max(len(words), 1), pairs // max(len(words), 1)


def _give_away(
    rows: Labelled, labels: np.ndarray, words: list[str], codes: np.ndarray, places: np.ndarray, where: str
) -> list[Finding]:
    """Return findings on words that hardly any text of another label has, and many of its own."""
    names = rows.problem.labels
    sizes = np.bincount(labels, minlength=len(names))
    told = giveaway.words(codes, labels[places], len(words), len(names))
    told = [each for each in told if 2 * sizes[each[1]] <= len(labels) and each[3] >= giveaway.COVERED * sizes[each[1]]]
    found = []
    for word, label, there, own in sorted(told, key=lambda each: -each[3])[:WORDS]:
        what = f"rows have the word '{words[word]}'; {own:,} of them are '{names[label]}', which has {sizes[label]:,} rows"
        grade: Severity = "look" if own >= giveaway.MOST * sizes[label] else "note"
        found.append(Finding("gives-away-word", there, what, where or words[word], severity=grade))
    return found


def strengths(rows: Labelled, columns: Sequence[tuple[str, np.ndarray]], known: set[str]) -> list[Finding]:
    """Return findings on columns of which one alone tells nearly all; ``known`` are such already.

    A column is numbers, float64 with NaN for none, or codes of words, int64.
    """
    target, train = rows.problem.target.kind, rows.split == 0
    measured = rows.split == rows.split.max()
    if target == "labels" or not train.any() or measured[train].all() or measured.sum() < drift.FEWEST:
        return []
    truth = rows.classes if target == "class" else rows.frame["label"].to_numpy()
    assert truth is not None
    found, last = [], NAMES[rows.split.max()]
    for name, values in columns:
        codes = (
            giveaway.binned(values[train], values[measured])
            if values.dtype == np.float64
            else (values[train], values[measured])
        )
        what = ""
        if target == "class":
            told = giveaway.of_classes(codes[0], truth[train], codes[1], truth[measured])
            if told.all_but_tells:
                what = f"rows of {last} are told right by it alone: {told.right:.1%} of them ({told.usual:.1%} without)"
        elif (share := giveaway.of_numbers(codes[0], truth[train], codes[1], truth[measured])) >= giveaway.OF_NUMBERS:
            what = f"rows of {last}: it alone explains {share:.1%} of their variance"
        if what and name not in known:
            found.append(Finding("gives-away", int(measured.sum()), what, name))
    return found
