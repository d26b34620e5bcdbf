"""Dates that cannot be what they say: years of two digits read a century late, placeholders, and what is still to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from features.attributes.values import DAY_US, EARLIEST_US, distinct, read_moment
from features.common.clock import NO_MOMENT, Moments

if TYPE_CHECKING:
    import pandas as pd

YEAR_US = 365 * DAY_US
PAST_SHARE = 0.5  # of the dates lie before their lead, for the column to be of the past
OLD = 10 * YEAR_US  # before their leads, by the median: birth dates do, the dates of a funnel do not
AHEAD = 5 * YEAR_US  # after their leads: contracts end and meetings are planned sooner
AHEAD_SHARE = 0.95  # of the dates after their lead lie so far ahead, where it is the century that is wrong
FAR = 50 * YEAR_US


@dataclass(frozen=True)
class DateColumn:
    """Whether dates after the lead are those of a century before, and sentences on dates that do not count as written."""

    century: bool
    notes: tuple[str, ...]


def judge_dates(name: str, values: pd.Series[Any], created: Moments | None) -> DateColumn:
    """A column of dates (n,) beside the moments (n,) at which its leads came, those of a company at first; `NO_MOMENT` where
    none did, None where nobody knows.

    A year of two digits is read as one from 1969 to 2068, so that who was born in 1950 is born in 2050. Where a column lies
    in the past, long before its leads, and what does not lies many years ahead, those dates belong to the century before.
    """
    codes, plain = distinct(values)
    moments = np.array([read_moment(value) or 0 for value in plain], np.int64)[codes]
    is_filled = np.array([read_moment(value) is not None for value in plain])[codes]
    early = is_filled & (moments < EARLIEST_US)
    notes = [_note(name, early, values, "lie before 1900 or stand for none and count as missing")] if early.any() else []
    if created is None:
        return DateColumn(False, tuple(notes))
    usable = is_filled & ~early & (created != NO_MOMENT)
    after = usable & (moments > created)
    whose = "the company's first lead" if name.startswith("company.") else "their lead"
    far_ahead = after & (moments - created > AHEAD)
    ages = (created - moments)[usable & ~after]
    of_the_past = len(ages) > 0 and len(ages) >= PAST_SHARE * usable.sum() and float(np.median(ages)) >= OLD
    if of_the_past and after.any() and far_ahead.sum() >= AHEAD_SHARE * after.sum():
        words = f"lie after {whose} and are read a century earlier, as years of two digits"
        return DateColumn(True, (*notes, _note(name, after, values, words)))
    too_far = after & (moments - created > FAR)
    if too_far.any():
        notes.append(_note(name, too_far, values, f"lie more than 50 years after {whose} and count as missing"))
    if (later := after & ~too_far).sum() > PAST_SHARE * usable.sum():
        notes.append(_note(name, later, values, f"lie after {whose} and count as missing: only days since a date are learned"))
    return DateColumn(False, tuple(notes))


def _note(name: str, rows: Any, values: pd.Series[Any], words: str) -> str:
    count, example = int(rows.sum()), values[rows].iloc[0]
    day = f"{example:%Y-%m-%d}" if hasattr(example, "strftime") else str(example)
    return f"{name}: {count:,} of {int(values.notna().sum()):,} dates ({day}) {words}"
