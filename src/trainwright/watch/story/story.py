"""A run as a film: the rows that are watched and what the model says of them, moment by moment, with its scores beside it.

``tell`` reads a run folder and returns the film as plain values, which ``story_page`` puts into one page: a moment before the
first step, one after each epoch, one at which the best epoch is taken, and the test. Promises: nothing is shown that is not
in the files of the run; what comes from the data is cleaned and cut; the page stays small, however long the run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainwright.errors import error
from trainwright.plain_files import made_sense_of
from trainwright.watch import record as records
from trainwright.watch import scores, words
from trainwright.watch.record import Record
from trainwright.watch.story import story_charts, story_end, story_words
from trainwright.watch.story.story_page import render

MOMENTS = 120  # epochs that are shown; of a longer run the first ones, and of the others one in so many
FIRST = 20
SAID = 0.5  # the probability from which on one of several labels is said
BARS = 3  # classes of a row that have a bar of their own, where there are too many for all to have one
LABEL, TEXT, TOKEN, CELLS = 48, 700, 20, 24  # characters of a label, an input and a token; columns of a row of a table
HEAVY = 8_000  # characters of a picture that is made smaller
PIXELS = 16_000_000  # of a picture, which a few bytes may stand for


def page(run: Path) -> str:
    """Return the film of a run as a page. Raise E408 for files that are not as they were written, E428 for nothing to show."""
    film = tell(run)
    with made_sense_of(run):
        return render(film)


def tell(run: Path) -> dict[str, Any]:
    """Return the film of a run: its words, its rows, its moments and its charts. Raise E408 and E428."""
    with made_sense_of(run):
        return _tell(_watched(run))


def _watched(run: Path) -> Record:
    """Return what the folder holds, as far as both scores and answers are there. Raise E428 where there is no film in it."""
    record = records.read(run)
    if not record.watched or not (run / "events.jsonl").is_file():
        raise error("E428", path=run, problem="no answers to rows that are watched were kept")
    if not record.answers:
        why = "no rows were held back for validation, so that none are watched"
        raise error("E428", path=run, problem=why if record.started else "its training has not begun")
    known = {0, *(int(row["epoch"]) for row in record.history)}  # of a later epoch the scores are not there yet
    answers = {epoch: each for epoch, each in record.answers.items() if epoch in known}
    if not any(known) or not any(answers):
        raise error("E428", path=run, problem="its first epoch has not ended")
    ended = record.report.get("epochs") == record.history[-1]["epoch"]  # a run that is extended has the report of before
    return replace(record, answers=answers, report=record.report if ended else {})


def _tell(record: Record) -> dict[str, Any]:
    epochs = _shown_epochs(record)
    kind = "text" if not record.watched["rows"] else "classes" if record.watched["labels"] else "numbers"
    film: dict[str, Any] = {"kind": kind, "moments": _moments(record, epochs)}
    if kind == "classes":
        film |= _classes(record, film["moments"])
    elif kind == "numbers":
        film |= _numbers(record, film["moments"])
    else:
        film |= _passages(record, film["moments"])
    film["charts"] = story_charts.charts(record, [moment["epoch"] for moment in film["moments"]])
    film["test"] = story_end.test(record)
    return film | story_words.words_of(record, film)


def _shown_epochs(record: Record) -> list[int]:
    """Return the epochs that are shown: all, or of many the first, the best, the last, and of the others one in so many."""
    epochs = sorted(record.answers)
    if len(epochs) <= MOMENTS:
        return epochs
    apart = math.ceil((len(epochs) - FIRST) / (MOMENTS - FIRST - 2))
    always = {*epochs[:FIRST], *epochs[FIRST::apart], epochs[-1], record.report.get("best_epoch", epochs[-1])}
    return [epoch for epoch in epochs if epoch in always]


def _moments(record: Record, epochs: Sequence[int]) -> list[dict[str, Any]]:
    """Return the moments of the film: each epoch, then that which is kept, where it is not the last.

    Each has the step up to which the curves are drawn (``at``), and that whose numbers are told.
    """
    rows = {int(row["epoch"]): row for row in record.history}
    found: list[dict[str, Any]] = []
    best = None
    for epoch in epochs:
        row = rows.get(epoch, {})
        best = max((each for each in rows if each <= epoch and rows[each].get("best")), default=best)
        at = int(row.get("step") or 0)
        found.append({"kind": "epoch", "epoch": epoch, "at": at, "told": at, "best": best})
    kept: int = record.report.get("best_epoch", 0)
    if kept and kept in epochs and kept != epochs[-1]:
        found.append(dict(found[-1], kind="kept", epoch=kept, told=int(rows[kept]["step"])))
    return found


def _classes(record: Record, moments: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the answers to the rows into each moment, and return the rows with the classes that have bars.

    An answer is [class, its probability, the probability of each bar ...], in thousandths. The bars are the right class, then
    those that were likeliest after the first step; of many classes the last bar is all the others. Where a row may have several
    labels, a set of them that is right or said stands as a class of its own, told in ``sets``, and every right label has a bar.
    """
    labels = record.watched["labels"]
    numbers = {label: number for number, label in enumerate(labels)}
    sets: dict[tuple[int, ...], int] = {}
    rows = []
    for moment in moments:
        moment["rows"] = []
    for place, row in enumerate(record.watched["rows"]):
        told = [dict(record.answers[moment["epoch"]][place]) for moment in moments]
        first = [record.answers[moment["epoch"]][place][0] for moment in moments]
        several = isinstance(row["truth"], list)
        right = [numbers[label] for label in (row["truth"] if several else [row["truth"]])]
        truth = _set(right, sets, len(labels)) if several else right[0]
        bars = _bars(sorted(right, key=lambda number: -(told[-1].get(number) or 0.0)), told[1:], len(labels))
        for moment, shares, (answer, share) in zip(moments, told, first, strict=True):
            said = (
                _set([number for number in shares if (shares[number] or 0.0) >= SAID], sets, len(labels)) if several else answer
            )
            moment["rows"].append(_answer(shares, said, share, bars, len(labels)))
        rows.append({**_input(row), "truth": truth, "bars": bars, "others": len(labels) - len(bars)})
    for moment in moments:
        answers = zip(moment["rows"], rows, strict=True)
        moment["right"] = sum(answer[0] == row["truth"] for answer, row in answers)
    used = {number for row in rows for number in row["bars"]}
    used |= {answer[0] for moment in moments for answer in moment["rows"] if answer[0] is not None} - {*sets.values()}
    names = {number: words.clip(labels[number], LABEL) for number in sorted(used)}
    names |= {
        number: words.clip(", ".join(labels[each] for each in found) or "no label", LABEL) for found, number in sets.items()
    }
    several = any(isinstance(row["truth"], list) for row in record.watched["rows"])
    return {"rows": rows, "labels": names, "sets": {number: found for found, number in sets.items()} if several else None}


def _set(found: Sequence[int], sets: dict[tuple[int, ...], int], classes: int) -> int:
    """Return the number of a set of labels: that of its only one, or a new one, which is kept."""
    return found[0] if len(found) == 1 else sets.setdefault(tuple(sorted(found)), classes + len(sets))


def _bars(right: list[int], told: Sequence[Mapping[int, float | None]], classes: int) -> list[int]:
    """Return the classes that have a bar: the right ones, and the others in their order, or of many the likeliest ones."""
    if classes <= BARS + 1:
        return [*right, *(number for number in range(classes) if number not in right)]
    sums: dict[int, float] = {}
    for shares in told:
        for number, share in shares.items():
            sums[number] = sums.get(number, 0.0) + (share or 0.0)
    rest = [number for number in sorted(sums, key=lambda number: (-sums[number], number)) if number not in right]
    return [*right, *rest[: max(BARS - len(right), 0)]]


def _answer(
    shares: Mapping[int, float | None], answer: int, share: float | None, bars: Sequence[int], classes: int
) -> list[int | None]:
    """Return what is said of a row, in thousandths; a class that is not among the likeliest has the mean of the rest."""
    if any(each is None for each in shares.values()):  # the model has diverged
        return [None, 0, *(0 for _ in bars)]
    rest = max(1 - sum(each or 0.0 for each in shares.values()), 0.0) / max(classes - len(shares), 1)
    return [answer, round(1000 * (share or 0.0)), *(round(1000 * (shares.get(number, rest) or 0.0)) for number in bars)]


def _numbers(record: Record, moments: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the answers to the rows into each moment, and return the rows, the axis, and what counts as near."""
    truths = [float(row["truth"]) for row in record.watched["rows"]]
    mean, (near, _) = sum(truths) / len(truths), scores.near(record.report, truths)
    for moment in moments:
        moment["rows"] = record.answers[moment["epoch"]]
        pairs = zip(moment["rows"], truths, strict=True)
        moment["right"] = sum(said is not None and abs(said - truth) <= near for said, truth in pairs)
    last = [said for said in moments[-1]["rows"] if said is not None]
    room = (max(truths) - min(truths)) or abs(mean) or 1.0
    seen = [*truths, *(said for said in last if min(truths) - room <= said <= max(truths) + room)]
    rows = [{**_input(row), "truth": truth} for row, truth in zip(record.watched["rows"], truths, strict=True)]
    axis = story_charts.axis(min(seen) - 0.06 * room, max(seen) + 0.06 * room, False, 6)
    target = words.clip((record.data.get("columns") or {}).get("label") or "value", LABEL)
    return {"rows": rows, "axis": axis, "near": near, "nearly": words.number(near, 2), "target": target}


def _passages(record: Record, moments: list[dict[str, Any]]) -> dict[str, Any]:
    """Put what was written into each moment, with the answers to the passages where they were kept, and return these.

    The answer to a token is [whether it was the likeliest, its probability in thousandths, which was].
    """
    kept = record.watched.get("passages") or []
    rows = [
        {"before": words.clip(each["before"], 2 * LABEL), "tokens": [words.clip(token, TOKEN) for token in each["tokens"]]}
        for each in (kept if all(record.answers[moment["epoch"]] for moment in moments) else ())
    ]
    for moment in moments:
        moment["text"] = _lines(record.texts.get(moment["epoch"], ""))
        told = record.answers[moment["epoch"]] if rows else []
        moment["rows"] = [[[int(right and share is not None), round(1000 * (share or 0.0)), words.clip(guess, TOKEN)]
                           for right, share, guess in each] for each in told]  # fmt: skip
        moment["right"] = sum(answer[0] for each in moment["rows"] for answer in each)
    return {"rows": rows}


def _input(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row is, for a person to look at: a picture, cells or a text, and its place in the source."""
    given, number = row["input"], row.get("row")
    file = words.clip(Path(str(row["file"])).name, LABEL) if row.get("file") else ""  # data of one's own have none
    place = ", ".join(filter(None, [file, f"row {number:,}" if number is not None else ""]))
    if isinstance(given, dict):
        cells = [[words.clip(name, LABEL), _cell(value)] for name, value in given.items() if value is not None]
        return {"cells": cells[:CELLS], "more": max(len(cells) - CELLS, 0), "place": place}
    if given is not None and given.startswith("data:image/"):
        return {"picture": _small(given), "place": place}
    return {"text": None if given is None else words.clip(given, TEXT), "place": place}


def _cell(value: Any) -> str:
    if not isinstance(value, float):
        return words.clip(value, LABEL)
    text = words.number(value)
    return text if "e" in text or "." not in text else text.rstrip("0").rstrip(".")


def _small(uri: str) -> str:
    """Return a picture of many colours as JPEG, which takes a tenth of the room."""
    if len(uri) <= HEAVY:
        return uri
    import base64
    import io

    from PIL import Image

    file = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])), formats=("PNG",)) as picture:
        if picture.width * picture.height > PIXELS:
            raise ValueError(f"a picture of {picture.width} x {picture.height} pixels, and {PIXELS:,} are the most")
        picture.convert("RGB").save(file, "JPEG", quality=82)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def _lines(text: str) -> str:
    """Return a text that a model wrote, line by line, each cleaned."""
    return "\n".join(map(words.clean, text.splitlines()))[:TEXT]
