"""What the footer of a Parquet file says of its size, so that one that would fill the memory is refused before it is decoded.

The format: https://parquet.apache.org/docs/file-format/metadata; its encoding is Thrift's compact protocol. The data-frame
library, which decodes the file, does not tell these sizes.
"""

from __future__ import annotations

from typing import IO, Any

MAGIC = b"PAR1"
_ROW_GROUPS, _COLUMNS, _METADATA = 4, 1, 3  # numbers of fields, in the file, a row group, a column of a row group
_TYPE, _VALUES, _UNCOMPRESSED = 1, 5, 6  # in the metadata of such a column
_WIDTHS = {1: 4, 2: 8, 3: 12, 4: 4, 5: 8}  # bytes of a value, by its physical type
_TEXT = 6  # the type of texts
_DEEPEST = 16


def bytes_held(file: IO[bytes], text: int = 1) -> int:
    """Return how many bytes the values of a file take at least, each text ``text``; 0 where the footer is no footer.

    That is each column's bytes before they were compressed, or where they are fewer, as equal values are written once, the
    number of its values by their width.
    """
    try:
        file.seek(-8, 2)
        length = int.from_bytes(file.read(4), "little")
        if file.read(4) != MAGIC:
            return 0
        file.seek(-8 - length, 2)
        groups = _Compact(file.read(length)).struct()[_ROW_GROUPS]
        columns = [column[_METADATA] for group in groups for column in group[_COLUMNS]]
        widths = {**_WIDTHS, _TEXT: text}
        return sum(max(each[_UNCOMPRESSED], each[_VALUES] * widths.get(each[_TYPE], 1)) for each in columns)
    except (OSError, KeyError, IndexError, ValueError, TypeError):
        return 0


class _Compact:
    """A reader of Thrift's compact protocol: a struct as a dictionary by the numbers of its fields."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place, self._depth = data, 0, 0

    def struct(self) -> dict[int, Any]:
        """Read a struct. Raise ValueError where it is nested too deep, and IndexError where it is cut."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError
        found: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            found[number] = kind == 1 if kind <= 2 else self._value(kind)
        self._depth -= 1
        return found

    def _value(self, kind: int) -> Any:
        if kind in (4, 5, 6):
            return self._integer()
        if kind == 8:
            return self._skip(self._varint())
        if kind in (9, 10):
            return self._list()
        if kind == 12:
            return self.struct()
        if kind in (1, 2, 3, 7):  # within a list a truth value has a byte too
            return self._skip(8 if kind == 7 else 1)
        raise ValueError(kind)

    def _list(self) -> list[Any]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()
        return [self._value(head & 15) for _ in range(count)]

    def _byte(self) -> int:
        self._place += 1
        return self._data[self._place - 1]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def _integer(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)

    def _skip(self, count: int) -> None:
        self._place += count
