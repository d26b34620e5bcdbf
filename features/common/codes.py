"""Names as whole numbers: each name is looked up once, however many rows have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.common.compiled import exact

N = TypeVar("N", bound=np.generic)


def recode(values: pd.Series, names: Sequence[str] | pd.Series) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Values → their places in `names` (-1 where unknown), and which are known; each category is looked up once."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes = gather(by_category(values, names), values.cat.codes.to_numpy())
    else:
        codes = _places(values.astype("str"), names)
    return codes, codes >= 0


def by_category(values: pd.Series, names: Sequence[str] | pd.Series) -> npt.NDArray[np.int32]:
    """The place in `names` of each category of values and, at the end, -1 for a missing one: to be taken by their codes."""
    return np.append(_places(values.cat.categories.astype("str"), names), np.int32(-1))


@exact
def _gather(table: Any, codes: Any, out: Any) -> None:
    for i in range(len(codes)):
        out[i] = table[codes[i]]


def by_group(group: npt.NDArray[np.unsignedinteger], groups: int) -> tuple[npt.NDArray[np.int32], list[int]]:
    """The rows (n,) group by group, each in the order in which they came, and where each group ends: a counting sort.

    >>> by_group(np.array([2, 0, 2, 0], np.uint16), 3)
    (array([1, 3, 0, 2], dtype=int32), [2, 2, 4])
    """
    rows, end = np.empty(len(group), np.int32), np.zeros(groups + 1, np.int64)
    _by_group(group, end, rows)
    return rows, end[:-1].tolist()


@exact
def _by_group(group: Any, end: Any, rows: Any) -> None:
    for k in range(len(group)):
        end[group[k] + 1] += 1
    for i in range(len(end) - 1):
        end[i + 1] += end[i]
    for k in range(len(group)):
        rows[end[group[k]]] = k
        end[group[k]] += 1


def gather(values: npt.NDArray[N], rows: npt.NDArray[np.integer]) -> npt.NDArray[N]:
    """`values[rows]` (n,), -1 being the last: quicker than NumPy, which first makes places of eight bytes."""
    out = np.empty(len(rows), values.dtype)
    _gather(values, rows, out)
    return out


def count_codes(codes: npt.NDArray[np.integer], names: int) -> npt.NDArray[np.int64]:
    """(names,) how often each code is there; -1 is none."""
    counts = np.zeros(names, np.int64)
    _count(codes, counts)
    return counts


@exact
def _count(codes: Any, counts: Any) -> None:
    for i in range(len(codes)):
        if codes[i] >= 0:
            counts[codes[i]] += 1


def _places(values: pd.Series | pd.Index, names: Sequence[str] | pd.Series) -> npt.NDArray[np.int32]:
    name_texts = names.astype("str") if isinstance(names, pd.Series) else list(names)
    return positions(pa.array(values, pa.large_string()), pa.array(name_texts, pa.large_string())).astype(np.int32)


def positions(ids: pa.Array, names: pa.Array) -> npt.NDArray[np.intp]:
    """Where each of the ids (n,) stands in `names`, -1 where it does not."""
    index = pc.index_in(ids, value_set=names.cast(ids.type), skip_nulls=True)
    return np.asarray(pc.fill_null(index, -1).to_numpy(zero_copy_only=False), np.intp)
