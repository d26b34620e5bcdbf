"""Categories: the attributes as values that are equal or not, for peers that know nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.attributes.encoders import AttributeEncoder
from models.common.types import Floats
from training.data.prepare import Prepared

NAMED = ("category", "function")  # an indicator per level, then one for rare or new values, then one for missing
FEW = {"flag": 2, "free_mail": 2, "seniority": 7}  # kinds that are one column of so many values


@dataclass(frozen=True)
class Categories:
    """Codes (m, variables), NaN where the value is missing; `sizes` (variables,): codes run from 0 to size - 1."""

    codes: Floats
    sizes: tuple[int, ...]
    names: tuple[str, ...]


def categories(prepared: Prepared, rows: npt.NDArray[np.intp]) -> Categories:
    """The attributes with few levels at landmarks `rows` (m,): categories, job functions, seniority, and yes or no.

    Values that are rare or new share one code, as they share a column in the features. Numbers and dates are left out.
    """
    found, sizes, names, begin = [], [], [], 0
    for encoder in prepared.feature_set.encoders:
        block = prepared.rows[begin : begin + len(encoder.names), rows]
        begin += len(encoder.names)
        size = _size(encoder)
        if size:
            found.append(_codes(encoder, block))
            sizes.append(size)
            names.append(f"{encoder.entity}.{encoder.column}")
    codes = np.column_stack(found) if found else np.empty((len(rows), 0))
    return Categories(codes, tuple(sizes), tuple(names))


def numbers(prepared: Prepared, rows: npt.NDArray[np.intp]) -> Floats:
    """(m, columns): every other column of the features, and the points last; no logarithm beside its number."""
    wanted, begin = [], 0
    for encoder in prepared.feature_set.encoders:
        if not _size(encoder):
            wanted.append(begin)
        begin += len(encoder.names)
    wanted += range(begin, prepared.width + 1)
    return np.asarray(prepared.x(rows)[:, wanted], np.float64)


def _size(encoder: AttributeEncoder) -> int:
    """How many codes an encoder's column has; 0 where it is no category."""
    return len(encoder.levels) + 1 if encoder.kind in NAMED else FEW.get(encoder.kind, 0)


def _codes(encoder: AttributeEncoder, block: npt.NDArray[np.floating]) -> Floats:
    """One column's codes (m,) from its columns of the features (columns, m)."""
    if encoder.kind not in NAMED:
        return np.asarray(block[0], np.float64)
    place = block.argmax(axis=0)
    return np.where(place == len(block) - 1, np.nan, place)
