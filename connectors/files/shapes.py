"""A column of texts by the shapes of its values (every digit as 0), a group of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.attributes.date_text import shape_of

Places: TypeAlias = npt.NDArray[np.int64]
_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")  # digits are one byte in UTF-8, and no part of another character


def text_array(values: pd.Series[Any]) -> pa.Array:
    """Texts (n,) as one Arrow array; missing is null."""
    texts = pa.array(values.astype("str"), pa.large_string(), from_pandas=True)
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def by_shape(texts: pa.Array) -> Iterator[tuple[str, Places]]:
    """Each shape with the places of its rows, ascending; rows without a text are in none."""
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
        yield shape_of(shape), places[starts[number] : starts[number + 1]]


def digits(texts: pa.Array, span: tuple[int, int]) -> Places:
    """The whole number that stands at the same characters of every text (n,)."""
    return pc.utf8_slice_codeunits(texts, *span).cast(pa.int64()).to_numpy(zero_copy_only=False)
