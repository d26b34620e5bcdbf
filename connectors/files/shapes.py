"""A column of texts by the shapes of its values (every digit as 0), a group of rows at a time.

All texts of a shape have as many bytes, so a group is a matrix of bytes, and what stands in its digits is read by columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.attributes.date_text import shape_of

Places: TypeAlias = npt.NDArray[np.int64]
Span: TypeAlias = tuple[int, int]  # first and last+1 character of a shape
PROBE = 1_000  # rows that are tried before a cast of all: Arrow says of every text that it cannot be cast
_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")  # digits are one byte in UTF-8, and no part of another character


@dataclass(frozen=True)
class ShapeGroup:
    """The texts of one shape: `places` (n,) of their rows in `column`, ascending."""

    shape: str
    places: Places
    column: pa.Array

    @cached_property
    def _bytes(self) -> npt.NDArray[np.uint8]:
        group = self.column.take(pa.array(self.places))
        width = len(self.shape.encode())
        offset = int(np.frombuffer(group.buffers()[1], np.int64)[group.offset])
        return np.frombuffer(group.buffers()[2], np.uint8)[offset : offset + width * len(group)].reshape(len(group), width)

    def first(self, position: int = 0) -> tuple[int, str]:
        """The place in the column and the text of one of the group."""
        row = int(self.places[position])
        return row, self.column[row].as_py()

    def digits(self, span: Span) -> Places:
        """The whole number (n,) that stands at these characters."""
        start = len(self.shape[: span[0]].encode())
        values = np.zeros(len(self.places), np.int64)
        for column in range(start, start + span[1] - span[0]):
            values = values * 10 + (self._bytes[:, column] - ord("0"))
        return values

    def begins_with_zero(self, span: Span) -> npt.NDArray[np.bool_]:
        """Whether the first character of the span (n,) is a zero or no digit."""
        first = self._bytes[:, len(self.shape[: span[0]].encode())]
        return (first <= ord("0")) | (first > ord("9"))

    def floats(self, span: Span, decimal: str) -> npt.NDArray[np.float64]:
        """The number (n,) that stands at these characters, with this decimal sign; all other marks group digits."""
        marks: list[tuple[int, int]] = []  # byte of the text, byte it becomes
        position = len(self.shape[: span[0]].encode())
        for character in self.shape[slice(*span)]:
            if character in "0eE+-":
                marks.append((position, 0))
            elif character == decimal:
                marks.append((position, ord(".")))
            position += len(character.encode())
        selected = self._bytes[:, [position for position, _ in marks]]
        for number, (_, byte) in enumerate(marks):
            if byte:
                selected[:, number] = byte
        offsets = np.arange(len(selected) + 1, dtype=np.int64) * len(marks)
        texts = pa.Array.from_buffers(
            pa.large_string(), len(selected), [None, pa.py_buffer(offsets), pa.py_buffer(selected.tobytes())]
        )
        return np.asarray(texts.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def text_array(values: pd.Series[Any]) -> pa.Array:
    """Texts (n,) as one Arrow array; missing is null."""
    texts = pa.array(values.astype("str"), pa.large_string(), from_pandas=True)
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def cast_all(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """All texts as values of a type, None where one cannot be."""
    try:
        texts.slice(0, PROBE).cast(kind)
        return texts.cast(kind)
    except pa.ArrowInvalid:
        return None


def by_shape(texts: pa.Array) -> Iterator[ShapeGroup]:
    """The texts of each shape; rows without a text are in none."""
    buffers = texts.buffers()
    if len(texts) == texts.null_count or buffers[2] is None:
        return
    data = pa.py_buffer(buffers[2].to_pybytes().translate(_AS_ZERO))
    shapes = pa.Array.from_buffers(texts.type, len(texts), [buffers[0], buffers[1], data], offset=texts.offset)
    encoded = shapes.dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    places = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[places], np.arange(len(encoded.dictionary) + 1))
    for number, shape in enumerate(encoded.dictionary.to_pylist()):
        yield ShapeGroup(shape_of(shape), places[starts[number] : starts[number + 1]], texts)
