"""Delimited text whose rows have further labels behind their last column: ``a text,sport`` and ``a text,sport,food``.

Promises: rows that are merely broken are not taken for these. What stands where labels would must come back in other rows, and
nothing that could be the rest of a number or of a sentence counts without a word from the person.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from trainwright.data.read.options import ReadOptions

MARK = "|"  # between the labels of a row, in the column that they are put into
FEWEST, SELDOM = 3, 0.05  # rows with one label, and with more, and their share; fewer are slips
MOST, SOME = 0.9, 0.6  # of their labels, that must come back; and where a person says that there are several


def labelled_width(records: Sequence[Sequence[str]], has_header: bool, options: ReadOptions) -> int:
    """Return how many fields a row with one label has, where others have further labels behind it; 0 where none has.

    ``records`` are the first of the file. A person who says that rows have several labels need not have them proved so well.
    """
    if options.ragged == "no" or len(records) <= has_header:
        return 0
    if options.ragged.isdigit():
        return len(records[0]) if has_header else int(options.ragged)
    rows = records[has_header:]
    often = [width for width, count in Counter(map(len, rows)).items() if width > 1 and count >= SELDOM * len(rows)]
    width = len(records[0]) if has_header else min(often, default=0)
    if width < 2:
        return 0
    wide = [labels_of(row, width) for row in rows if len(row) > width]
    few = max(FEWEST, SELDOM * len(rows)) if options.ragged == "auto" else 1
    if not few <= len(wide) <= len(rows) - few:
        return 0
    rows_of = Counter(label for row in rows for label in {*labels_of(row, width)})
    labels = [label for each in wide for label in each]
    known = sum(rows_of[label] > 1 for label in labels) / max(len(labels), 1)
    if options.ragged == "yes":
        return width if known >= SOME else 0
    words = all(re.search(r"[^\W\d_]", label) for label in labels) and all(len({*each}) == len(each) for each in wide)
    return width if words and known >= MOST else 0


def labels_of(record: Sequence[str], width: int) -> list[str]:
    """Return what stands in the last column of a record and behind it."""
    return [cell.strip() for cell in record[width - 1 :] if cell.strip()]
