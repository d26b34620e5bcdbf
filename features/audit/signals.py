"""Signals that a column knows the outcome: each a function of values and outcomes → figures."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BINS = 20  # of a number
SMOOTH = 10.0  # rows at the base rate added to each level
DOUBT = 2.0  # standard errors
# Words, as parts of a name, of columns that say how a lead stands when the data are extracted, or what somebody made of it.
STATE = {
    "last", "latest", "notable", "status", "state", "stage", "tag", "tags", "reason", "closed", "close", "won", "lost",
    "disposition", "letzte", "letzter", "letztes", "grund", "gewonnen", "verloren", "abgeschlossen",
}  # fmt: skip
JUDGEMENT = {
    "quality", "score", "index", "rating", "grade", "rank", "profile", "priority", "probability", "likelihood",
    "qualität", "bewertung", "note", "rang", "priorität", "wahrscheinlichkeit", "einstufung",
}  # fmt: skip
TIME_ORDER = 0.98  # rank correlation with the order in which leads came
NEARLY_UNIQUE = 0.98


@dataclass(frozen=True)
class Alone:
    """What a column says alone, on accounts it was not learned from: `gain` is the share of the outcome's entropy it removes
    (McFadden's R²), `doubt` two standard errors of it."""

    gain: float
    doubt: float


def alone(values: pd.Series, y: Flags, account: Ints) -> Alone:
    """Learn the rate of each level (numbers in `BINS`) on half of the accounts, judge it on the other half, both ways round."""
    level = _levels(values)
    base = float(np.clip(y.mean(), 1e-6, 1 - 1e-6))
    half = _half(account)
    said = np.full(len(y), base)
    for learn in (half, ~half):
        hits = np.bincount(level[learn], weights=y[learn], minlength=level.max() + 1)
        rows = np.bincount(level[learn], minlength=level.max() + 1)
        said[~learn] = ((hits + SMOOTH * base) / (rows + SMOOTH))[level[~learn]]
    said = np.clip(said, 1e-6, 1 - 1e-6)
    better = np.where(y, np.log(said / base), np.log((1 - said) / (1 - base)))
    entropy = -(base * np.log(base) + (1 - base) * np.log(1 - base))
    return Alone(float(better.mean() / entropy), float(DOUBT * better.std() / np.sqrt(len(y)) / entropy))


def _half(account: Ints) -> Flags:
    mixed = account.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray((mixed >> np.uint64(40)) % np.uint64(2) == 0)


def _levels(values: pd.Series) -> Ints:
    """Codes of the levels; missing is one of them."""
    numbers = values
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        numbers = values.astype("int64").where(values.notna()).astype("float64")
    if pd.api.types.is_numeric_dtype(numbers) and not pd.api.types.is_bool_dtype(numbers) and numbers.nunique() > BINS:
        codes = pd.qcut(numbers.rank(method="average"), BINS, labels=False, duplicates="drop")
        return np.asarray(codes.fillna(-1).astype("int64") + 1, np.int64)
    return np.asarray(pd.factorize(values.astype("object"))[0] + 1, np.int64)


@dataclass(frozen=True)
class Filled:
    """How often the outcome came where the column is filled, and where it is not; `rows` filled."""

    rows: int
    with_value: float
    without: float


def filled(values: pd.Series, y: Flags) -> Filled | None:
    """None where all or none are filled."""
    there = values.notna().to_numpy()
    if there.all() or not there.any():
        return None
    return Filled(int(there.sum()), float(y[there].mean()), float(y[~there].mean()))


def words(name: str) -> set[str]:
    """The parts of a column's name, in small letters.

    >>> sorted(words("Last Notable_Activity")), sorted(words("leadScore"))
    (['activity', 'last', 'notable'], ['lead', 'score'])
    """
    return set(re.findall(r"[a-zäöüß]+", re.sub(r"([a-zäöüß])([A-ZÄÖÜ])", r"\1 \2", name).lower()))


def numbers_time(values: pd.Series, created: Ints) -> bool:
    """Whether a nearly unique column numbers the leads in the order in which they came."""
    known = values.notna()
    if known.sum() < 30 or values[known].nunique() < NEARLY_UNIQUE * known.sum():
        return False
    digits = values[known]
    if not pd.api.types.is_numeric_dtype(digits):
        digits = pd.to_numeric(digits.astype("str").str.extract(r"(\d+)$")[0], errors="coerce")
    order = pd.Series(created[known.to_numpy()]).rank()
    if digits.isna().any() or digits.nunique() < NEARLY_UNIQUE * len(digits) or order.nunique() < 2:
        return False
    return bool(abs(np.corrcoef(digits.rank().to_numpy(), order.to_numpy())[0, 1]) >= TIME_ORDER)
