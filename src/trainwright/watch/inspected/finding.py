"""What was found in a data set: findings with stable names, how grave they are, their likely causes and what to type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

from trainwright.watch import words

Severity = Literal["grave", "look", "note"]
SEVERITIES: dict[str, str] = {
    "grave": "the scores mislead, or rows are lost, until it is mended",
    "look": "probably wrong in some rows",
    "note": "worth knowing",
}
MOST_ROWS = 20  # that a finding names


class About(NamedTuple):
    """What is known of all findings of a name; ``{where}`` in it is the column, the split or the class."""

    severity: Severity
    title: str
    cause: str
    todo: str


ABOUT: dict[str, About] = {
    # rows and labels
    "left-out": About(
        "look",
        "rows that cannot be used",
        "a damaged export, cells of another type, or rows without a label",
        "mend them in the file; data.json of a run names them",
    ),
    "empty": About(
        "look", "rows without content", "a text or a row that was lost on the way", "fill them in, or leave them out"
    ),
    "duplicates": About(
        "note",
        "rows of equal content",
        "the same thing was collected twice, or rows were repeated to balance classes",
        "nothing: equal rows stay in one split; leave them out where they are no rows of their own",
    ),
    "near-duplicates": About(
        "note",
        "rows of nearly the same content",
        "copies that were edited, or texts from a template",
        "keep what belongs together in one split: split=group:COLUMN",
    ),
    "leak": About(
        "look",
        "rows that are in two splits",
        "rows were copied or drawn twice before they were split",
        "leave them out of the split they are measured in, or keep them together: split=group:COLUMN",
    ),
    "conflicts": About(
        "look",
        "the same content under several labels",
        "labels that people disagree on, slips, or contents that do not tell all that a label depends on",
        "settle their labels; where several classes are right: target=labels",
    ),
    "groups": About(
        "look",
        "groups that stand in several splits",
        "rows of one person, place or thing are much alike",
        "keep each in one: split=group:{where}",
    ),
    "similar-labels": About(
        "look",
        "labels that may be one",
        "they were typed by hand: letter case, blanks, a letter too many",
        "mend the spelling in the file; those that differ in case or blanks only: labels=merge",
    ),
    "missing-label": About(
        "look",
        "labels that may stand for none",
        "an export wrote a word where there was no label",
        "leave these rows out",
    ),
    "few-rows": About(
        "look",
        "classes of very few rows",
        "they are rare, or hardly any were collected",
        "collect more, join them with another class, or expect nothing of them",
    ),
    "imbalance": About(
        "note",
        "classes of very different sizes",
        "some are rare in the world, too",
        "look at macro F1, not at accuracy alone: monitor=macro_f1; class_weights=balanced weighs them up",
    ),
    "not-measured": About(
        "look",
        "classes that cannot be measured",
        "a split has no row of them",
        "split=stratified gives each class its part of every split",
    ),
    "drift": About(
        "look",
        "splits that differ",
        "they were collected at other times, in other places, or are sorted",
        "cut them anew where they should be alike: without --test and --valid, or split=content; else expect the test's score",
    ),
    "gives-away": About(
        "grave",
        "what gives the label away",
        "it was written down when the label was known, or is the label in other words",
        "leave it out if it is not known beforehand: columns.{where}=ignore",
    ),
    "gives-away-word": About(
        "note",
        "a word that gives the label away",
        "a trace of how the rows were collected: a signature, the name of the source, a template",
        "take it out of the texts if new ones will not have it",
    ),
    # texts
    "one-character": About("look", "texts of one repeated character", "placeholders, or a key held down", "leave them out"),
    "mojibake": About(
        "look",
        "letters that were decoded wrongly",
        "UTF-8 was read as another encoding, or the other way round",
        "write the file again from its source, or say how it is written: encoding=NAME",
    ),
    "markup": About(
        "note",
        "left over HTML",
        "the texts were copied from pages",
        "take tags and entities out of the texts where new ones will not have them",
    ),
    "odd-characters": About(
        "look",
        "characters that nobody typed",
        "control characters and marks of lost ones, from a broken export",
        "write the file again from its source",
    ),
    "very-long": About("look", "texts far longer than the others", "rows that ran together", "cut them, or: max_tokens=NUMBER"),
    "other-script": About(
        "note",
        "text in another script than most",
        "several languages, or look-alike letters",
        "nothing, where new texts are like that; else leave it out",
    ),
    "repeated-passages": About(
        "look",
        "long lines that come again",
        "headers, licences and menus of the same source, or a file that is there twice",
        "leave the copies out: they are learned by heart",
    ),
    "unknown-tokens": About(
        "note",
        "tokens that training does not have",
        "rare words, or another kind of text",
        "tokenizer=bpe or tokenizer=bytes know every text",
    ),
    # columns
    "not-used": About("note", "columns that are not learned from", "they are constant, numbers of rows, or say the label", ""),
    "missing-values": About(
        "note",
        "cells without a value",
        "it was not asked, not known, or lost",
        "nothing: a column says so to the model; most are missing: columns.{where}=ignore",
    ),
    "sentinel": About(
        "grave",
        "numbers that may stand for none",
        "a value that no row can have was written where there was none",
        "write nothing into these cells, so that they are missing",
    ),
    "outliers": About(
        "look", "numbers far from all others", "another unit, a slip of the decimal mark", "mend them in the file"
    ),
    # pictures
    "one-colour": About("look", "pictures of a single colour", "a lens cap, a failed download, an empty page", "leave out"),
    "look-alike": About(
        "note",
        "pictures that look nearly the same",
        "frames of one film, or copies that were scaled or compressed",
        "keep what belongs together in one split: split=group:COLUMN",
    ),
    "sizes": About(
        "note", "pictures of very different sizes", "several cameras or sources", "size=NUMBER says what they become"
    ),
    "modes": About("note", "grey pictures and coloured ones", "several sources", "channels=1 makes all grey"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that was found in ``count`` of ``unit``; ``what`` says it, and ``rows`` are some of them.

    ``where`` is the column, the splits or the class. A row has ``file`` and ``row``, and perhaps ``split``, ``label`` and
    ``input`` (a text, or a picture as the URI of a PNG file); rows of one ``group`` belong together.
    """

    name: str
    count: int
    what: str
    where: str = ""
    unit: str = "rows"
    rows: Sequence[Mapping[str, Any]] = ()
    severity: Severity | Literal[""] = ""

    @property
    def grade(self) -> Severity:
        """Return how grave it is."""
        return self.severity or ABOUT[self.name].severity

    @property
    def title(self) -> str:
        """Return what it is called."""
        return ABOUT[self.name].title

    @property
    def cause(self) -> str:
        """Return what the likely cause is."""
        return ABOUT[self.name].cause

    @property
    def todo(self) -> str:
        """Return what can be done, perhaps with what to type."""
        return ABOUT[self.name].todo.replace("{where}", self.where or "COLUMN")

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        told = {"severity": self.grade, "title": self.title, "cause": self.cause, "todo": self.todo}
        return asdict(self) | {"rows": list(self.rows)} | told


@dataclass(frozen=True)
class Inspected:
    """What a data set is, and what was found in it, the gravest first; ``looked_for`` are the names of all that could be."""

    source: str
    task: str
    rows: Mapping[str, int]
    findings: Sequence[Finding]
    looked_for: Sequence[str]
    unit: str = "rows"
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # rows of each class by split
    spreads: Mapping[str, Sequence[float]] = field(
        default_factory=dict
    )  # of lengths and sizes: quantiles from 0 to 1 by tenths

    @property
    def not_found(self) -> list[str]:
        """Return the names of what was looked for and is not there."""
        there = {each.name for each in self.findings}
        return [name for name in self.looked_for if name not in there]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        counted = {"rows": dict(self.rows), "unit": self.unit, "classes": dict(self.counts), "spreads": dict(self.spreads)}
        found = {"findings": [each.to_json() for each in self.findings], "not_found": self.not_found}
        return {"source": self.source, "task": self.task, **counted, **found}


def by_gravity(found: Sequence[Finding]) -> list[Finding]:
    """Return findings, the gravest first, else as they are."""
    return sorted(found, key=lambda each: list(SEVERITIES).index(each.grade))


def place(row: Mapping[str, Any]) -> str:
    """Write where a row is."""
    file = words.clip(row.get("file") or "", 60).rpartition("/")[2]
    number = f"row {words.count(row['row'])}" if row.get("row") is not None else ""
    return ", ".join(filter(None, [file, number]))
