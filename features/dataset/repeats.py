"""Identical interactions: overlapping exports, webhooks that are sent again, a request that holds one twice.

Two rows are identical where all columns are equal, the moment to the microsecond; missing values are equal to each other. They
count once, and are told. A moment that is midnight UTC is a day without a time: on one day somebody may have done the same
twice, so those rows stay, and are told too. Files, partitions, requests and the lead store go by this alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY, microseconds

if TYPE_CHECKING:
    import pandas as pd

    from features.dataset.tally import Tally

T = TypeVar("T")
ONCE = "interactions that are there more than once, all columns equal"
SAME_DAY = "interactions of days without a time that are equal"
SENTENCE = "{:,} identical interactions are there more than once; each counts once."


@dataclass(frozen=True)
class Repeats:
    """Which rows (n,) repeat an earlier one and are left out, and how many of days without a time do and stay."""

    left_out: npt.NDArray[np.bool_]
    same_day: int


def repeats_of(rows: pd.DataFrame, lead: npt.NDArray[np.integer]) -> Repeats:
    """Of a table of interactions, whose leads have the codes `lead` (n,). Only rows of one lead and moment are compared."""
    import pandas as pd  # requests use `distinct` alone, and serving starts without pandas

    moments = microseconds(rows["at"])
    with np.errstate(over="ignore"):
        keys = moments * np.int64(0x9E3779B97F4A7C1) + lead.astype(np.int64)
    alike = pd.Series(keys).duplicated(keep=False).to_numpy()
    repeated = np.zeros(len(rows), bool)
    if alike.any():
        columns = [c for c in rows.columns if c != "lead_id"]
        repeated[alike] = rows.loc[alike, columns].assign(lead=lead[alike]).duplicated().to_numpy()
    is_day = moments % DAY == 0
    return Repeats(repeated & ~is_day, int((repeated & is_day).sum()))


def count_once(rows: pd.DataFrame, lead: npt.NDArray[np.integer]) -> tuple[npt.NDArray[np.bool_], Tally]:
    """Which rows (n,) of a table of interactions stay, and their tally. A direction other than in and out is none."""
    from features.dataset.tally import DIRECTIONS, Tally

    odd = ~rows["direction"].isin(DIRECTIONS) & rows["direction"].notna()
    clean = rows.assign(direction=rows["direction"].where(~odd)) if odd.any() else rows
    repeats = repeats_of(clean, lead)
    tally = Tally.of_frame(rows[~repeats.left_out] if repeats.left_out.any() else rows)
    return ~repeats.left_out, replace(tally, repeated=int(repeats.left_out.sum()), same_day=repeats.same_day)


def distinct(acts: Sequence[T], keys: Sequence[Hashable], moments: Sequence[int]) -> list[T]:
    """Interactions of one lead without those that repeat an earlier one; `keys` (n,) hold all that they say."""
    if len(set(moments)) == len(moments):
        return list(acts)
    seen_keys: set[Hashable] = set()
    first_ones = []
    for act, key, moment in zip(acts, keys, moments, strict=True):
        if moment % DAY and (moment, key) in seen_keys:
            continue
        seen_keys.add((moment, key))
        first_ones.append(act)
    return first_ones
