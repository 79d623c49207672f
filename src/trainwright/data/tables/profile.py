"""One column of a table: what its values are, and what they may be used for. Each fact is worked out once, when asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

import polars as pl

from trainwright.data.tables.column_names import (
    DATE_WORDS,
    PHONE_WORDS,
    POSTAL_NAMES,
    SPLIT_FLAGS,
    SPLIT_NAMES,
    SPLIT_WORDS,
    plain,
)
from trainwright.data.tables.declared import Declarations
from trainwright.data.tables.dtypes import HEAD_ROWS, UNCLEAR, ColumnType, Feature, How, convert, read
from trainwright.data.tables.numbers import doubt
from trainwright.data.tables.spelling import as_text
from trainwright.data.tables.split import stated
from trainwright.data.text.tokenize import SPACELESS
from trainwright.watch.events import Note

NUMBER = r"^\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*$"
_ADDRESS = r"^\s*(https?://|www\.|[\w.+-]+@[\w-]+\.)\S*\s*$"
_DATE = r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([T ,]\S.*)?\s*$"
_ID = re.compile(r"(?:^|_)(id|ids|idx|index|uid|uuid|guid|key|row|rownum|row_number|nr|no|userid|customerid|unnamed:_\d+)$")
_WHOLE = r"^\s*\+?([0-9]{1,3}([ \x{a0}\x{202f}][0-9]{3})+|[0-9]+)(\.0)?\s*$"
SHORTEST_PHONE, LONG_CODE = 7, 9  # digits
MOST = 0.9  # of a column's values, to say what they are
MOST_DISTINCT = 0.9  # a label's share of different values; beyond it is text or an id
FEW_ROWS = 20  # below, the share says nothing
MOST_CLASSES = 1000
LONGEST_LABEL = 60  # mean characters
FREE_TEXT = "free text"
WORD = rf"[{SPACELESS}]|[\p{{L}}\p{{M}}--[{SPACELESS}]]{{2,}}"
OFTEN = 5  # rows of each value, on average
RECURRING = 0.3  # of the words of texts: names of things alone, hashes and keys have fewer that occur again
MOST_CODES = 20  # different whole numbers that may be classes
REPEATS = 10  # rows for each of them


def decimal_marks(columns: Iterable[ColumnProfile]) -> set[str]:
    """Return the decimal marks of the columns of text whose numbers leave no doubt; none where no column has use for them.

    Numbers whose only fractions are the ``.0`` that programs write say nothing of how people do.
    """
    written = [column for column in columns if column.raw.dtype == pl.String and column.reading.kind == "number"]
    marks = {
        mark: [column for column in written if column.reading.format.split()[0] == mark]
        for mark in ("either", "comma", "point")
    }
    if not marks.pop("either"):
        return set()
    return {mark for mark, found in marks.items() if any(mark == "comma" or not column.whole for column in found)}


def settle_mark(column: ColumnProfile, marks: set[str]) -> list[Note]:
    """Let the ``marks`` of a table decide for a column that leaves its own open. Return what to say where they do not."""
    reading = column.reading
    if not reading.format.startswith("either"):
        return []
    column.format = reading.format.replace("either", "comma" if marks == {"comma"} else "point")
    return doubt(column.name, reading.example) if len(marks) != 1 and not reading.bad else []


_SAID = {"image": "images", "ignore": "left out"}


def snake(name: str) -> str:
    """Return a name in lower case with lines between its words: PassengerId is passenger_id."""
    return plain(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip()))


class ColumnProfile:
    """What stands in one column. Of its values no copy is kept, so that a profile may be kept as long as the table."""

    def __init__(self, name: str, values: pl.Series, said: Declarations | None = None, told: ColumnType | None = None) -> None:
        """Take a column by its name, what a person ``said`` of its table, and what ``plain_numbers`` told of it."""
        self.name, self.plain = name, plain(name)
        said = said or Declarations()
        self.declared = said.kinds.get(name, "")
        self._words = set(re.split(r"[_\W]+", snake(name)))
        dated = not DATE_WORDS.isdisjoint(self._words)
        self.how = How(self.declared, said.decimal, said.dates, dated)
        self._told = None if self.declared or said.decimal or dated else told
        self.is_binary, self.is_list = values.dtype == pl.Binary, isinstance(values.dtype, pl.List)
        if self.is_binary:  # files of images, which are looked at like their names
            values = pl.select(
                pl.when(values.is_not_null()).then(pl.int_range(len(values)).cast(pl.String) + ".png")
            ).to_series()
        if self.is_list:  # several labels of a row
            values = as_text(values)
        self.raw = values.alias("values")  # its own name might be a pattern to polars

    @property
    def values(self) -> pl.Series:
        return self.raw.drop_nulls() if self.raw.null_count() else self.raw

    @property
    def texts(self) -> pl.Series:
        return self.values.cast(pl.String)

    @cached_property
    def count(self) -> int:
        return len(self.raw) - self.raw.null_count()

    @cached_property
    def head(self) -> pl.Series:
        """Return the first values as text."""
        return self.values.head(HEAD_ROWS).cast(pl.String)

    @cached_property
    def distinct(self) -> int:
        return self.texts.n_unique()

    @cached_property
    def mean_length(self) -> float:
        """Return how many characters a value has on average."""
        return float(self.texts.str.len_chars().mean() or 0)  # type: ignore[arg-type]

    def share(self, pattern: str) -> float:
        """Return the part of the first values that a pattern is found in; 0 where there is no value."""
        return float(self.head.str.contains(pattern).mean() or 0)  # type: ignore[arg-type]

    # ---- as text or as a label

    @cached_property
    def recurs(self) -> bool:
        """Return whether enough values occur again, or there are too few rows to tell."""
        return self.count < FEW_ROWS or self.distinct <= MOST_DISTINCT * self.count

    @cached_property
    def is_split(self) -> bool:
        """Return whether it says which split a row belongs to."""
        named = self.plain in SPLIT_FLAGS or self.plain in SPLIT_NAMES
        if not len(self.head) or not (named or self.head[0].strip().lower() in SPLIT_WORDS):
            return False
        values = self.head.str.to_lowercase().str.strip_chars().unique().to_list()
        if self.plain in SPLIT_FLAGS and self.reading.kind in ("boolean", "number") and len(values) == 2:
            return True
        return set(values) <= SPLIT_WORDS.keys() or (self.plain in SPLIT_NAMES and self.distinct < 10)

    @cached_property
    def states_split(self) -> bool:
        """Return whether its values are all words for splits, train and another one among them."""
        if not self.is_split or not self.head.str.strip_chars().str.to_lowercase().is_in(list(SPLIT_WORDS)).all():
            return False
        numbers = stated(self.values)
        return not numbers.null_count() and 0 in numbers and numbers.n_unique() > 1

    @cached_property
    def numeric(self) -> bool:
        """Return whether it holds numbers, by its type or as they are written."""
        if self.declared:
            return self.declared == "number"
        return self.raw.dtype.is_numeric() or self._told is not None or self.share(NUMBER) >= MOST

    @cached_property
    def measured(self) -> bool:
        """Return whether it holds numbers with a fraction: a quantity to predict, not an id."""
        return self.numeric and bool(self.head.str.contains(r"[.,]\d*[1-9]").any())

    @property
    def is_flag(self) -> bool:
        """Return whether it holds 0 and 1, or words for no and yes, and nobody said what it is."""
        said_both = self.reading.kind == "boolean" and self.distinct > 1
        return not self.declared and (said_both or (self.head.n_unique() == 2 and {*self.head.unique()} == {"0", "1"}))

    @property
    def is_quantity(self) -> bool:
        """Return whether it certainly holds amounts of something: numbers with a fraction or a unit."""
        return self.measured or (self.reading.kind == "number" and " " in self.reading.format)

    @cached_property
    def readable(self) -> bool:
        """Return whether it may be text: not empty, no number, address, date or split."""
        if self.declared:
            return self.declared == "text" and self.count > 0
        return self.count > 0 and not (self.numeric or self.is_split or self._named_or_dated or self._amount)

    @cached_property
    def prose(self) -> bool:
        """Return whether it holds mostly different values, of several words."""
        if not self.readable or self.distinct <= self.count / 2:
            return False
        return float(self.head.str.count_matches(r"\S\s+\S").mean() or 0) >= 1  # type: ignore[arg-type]

    @cached_property
    def may_be_label(self) -> bool:
        """Return whether it holds few short values that recur."""
        if self.declared and self.declared not in ("category", "boolean"):
            return False
        few = 2 <= self.distinct <= min(MOST_CLASSES, max(2, self.count // 2))
        odd = self.is_split or self.measured or self._named_or_dated or self.reading.kind == "date"
        return few and self.mean_length <= LONGEST_LABEL and not odd and self.plain not in SPLIT_NAMES

    @property
    def _amount(self) -> bool:
        """Return whether it holds short values that are numbers with units, or dates of some form."""
        return self.mean_length <= LONGEST_LABEL and self.reading.kind in ("number", "date")

    @property
    def may_be_target(self) -> bool:
        """Return whether it may be predicted, by what was said of it."""
        return self.declared not in ("text", "image", "ignore")

    @cached_property
    def _named_or_dated(self) -> bool:
        return self.share(_ADDRESS) >= MOST or self.share(_DATE) >= MOST

    # ---- as a feature or as a target

    @cached_property
    def reading(self) -> ColumnType:
        found = self._told or read(self.raw, self.how)
        found = replace(found, why=found.why.replace("columns.NAME", f"columns.{self.name}"))
        postal = found.kind == "number" and not self.declared and snake(self.name) in POSTAL_NAMES
        if postal and self.distinct <= self.count / 2 and self.share(r"^[0-9]+(\.0)?$") == 1:
            return ColumnType("category", why=f"postal codes name places; as numbers: columns.{self.name}=number")
        if found.kind == "number" and not self.declared and (digits := self._digits_of_all()):
            if not PHONE_WORDS.isdisjoint(self._words) and digits >= SHORTEST_PHONE:
                return ColumnType("category", why=f"telephone numbers are names; as numbers: columns.{self.name}=number")
            if digits >= LONG_CODE:
                return replace(found, why=f"all have {digits} digits; if they are codes: columns.{self.name}=category")
        if found.format == "clock" and not (self.declared or self.how.dated) and self.raw.dtype == pl.String:
            return replace(found, why=f"times of day; if they say how long, as seconds: columns.{self.name}=number")
        return found

    def _digits_of_all(self) -> int:
        """Return how many digits every one of the first values has, where these are whole numbers; else 0."""
        if self.share(_WHOLE) < 1:
            return 0
        digits = self.head.str.replace(r"\.0\s*$", "").str.replace_all(r"[^0-9]", "").str.len_chars()
        return int(digits[0]) if len(digits) > 1 and digits.n_unique() == 1 else 0

    @cached_property
    def format(self) -> str:
        """Return how the values are written; set by the other columns where these leave it open (``feature_columns``)."""
        return self.reading.format

    @property
    def feature(self) -> Feature:
        """Return how the column is read; not for one that is unusable."""
        return Feature(self.name, self.reading.kind, self.format)  # type: ignore[arg-type]

    @property
    def constant(self) -> bool:
        """Return whether every row has the same value."""
        return self.distinct == 1 and self.count == len(self.raw)

    def unusable(self) -> str:
        """Return why nothing can be made of the values, or an empty string."""
        if self.is_binary:
            return "its values are of type Binary"
        if self.reading.kind == "empty":
            return "it holds nothing that can be used"
        if self.reading.kind == "unusable":
            return f"its values are of type {self.reading.format}"
        if self.reading.kind in _SAID:
            return f"it was said to be {_SAID[self.reading.kind]}: columns.{self.name}={self.reading.kind}"
        if self.format.startswith(UNCLEAR):
            example = f"dates such as {self.head[0]} do not tell whether day or month comes first"
            return f"{example}; say dates=dmy or dates=mdy, or write 2026-01-31"
        return ""

    @property
    def called_id(self) -> bool:
        """Return whether its name is a usual one for what numbers or names things."""
        return _ID.search(snake(self.name)) is not None

    def identifies(self, nameless: bool) -> bool:
        """Return whether it numbers or names the rows: a usual name for that, and all values different."""
        if self.declared:
            return False
        called = self.called_id or (nameless and self.plain.startswith("column_"))
        if not called or self.distinct < max(self.count, 2):
            return False
        return self.whole if self.reading.kind == "number" else self.reading.kind == "category"

    @property
    def tells(self) -> bool:
        """Return whether it is likely to tell something beside a text: a number, or words that recur often; no time, no id."""
        dated = self.how.dated or self.reading.kind == "date"
        if self.called_id or dated or self.free_text or 2 * self.count < len(self.raw):
            return False
        return self.reading.kind in ("number", "boolean") or self.distinct * OFTEN <= self.count

    @property
    def numbers_or_null(self) -> pl.Series:
        """Return the number of each row, null where there is none."""
        return convert(self.raw, Feature(self.name, "number", self.format))[0]

    @property
    def numbers(self) -> pl.Series:
        return self.numbers_or_null.drop_nulls()

    @property
    def whole(self) -> bool:
        """Return whether the numbers have no fraction."""
        numbers = self.numbers
        return bool((numbers == numbers.round()).all())

    @cached_property
    def free_text(self) -> bool:
        """Return whether it holds texts to learn from: as was said, or mostly different ones of words of which many recur."""
        if self.reading.kind == "text":
            return True
        if self.reading.kind != "category" or self.reading.bad or self.hardly_recurs() != FREE_TEXT or self._named_or_dated:
            return False
        words = self.head.str.to_lowercase().str.extract_all(WORD).list.explode(empty_as_null=False)
        recurring = words.len() - int(words.is_unique().sum())
        return len(words) >= 2 * len(self.head) and recurring >= RECURRING * len(words)

    @property
    def may_be_code(self) -> bool:
        """Return whether it holds a few whole numbers that recur so often that they might be the numbers of things."""
        few = 2 < self.distinct <= min(MOST_CODES, self.count // REPEATS)
        return not self.declared and self.reading.kind == "number" and few and self.whole

    def hardly_recurs(self) -> str:
        """Return why words cannot be categories, or an empty string."""
        if self.declared:
            return ""
        if self.distinct > self.count / 2 and (self.prose or self.mean_length > LONGEST_LABEL):
            return FREE_TEXT
        if self.distinct == self.count and self.count > 1:
            return "every value is different"
        if self.distinct > self.count / 2 and self.count >= FEW_ROWS:
            return f"{self.distinct:,} of its {self.count:,} values are different, so too few recur"
        return ""
