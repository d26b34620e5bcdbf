"""Days without a time beside moments with one: what a file dates to a day cannot have come before its lead on that day."""

from __future__ import annotations

from typing import Any

import pandas as pd

from features.common.clock import AFTER_ENTRY


def from_creation(rows: pd.DataFrame, leads: pd.DataFrame, zone: str | None) -> pd.DataFrame:
    """Rows of lead stages of one column of a file, whose time zone is `zone`. Where all of them are at midnight there, the
    column has days without a time: those of the day of the lead's creation count from just after it. Where one has a time, all
    stay as they are.

    Midnight UTC needs nothing: `features.dataset.spells` knows it for a day by itself, whoever recorded it.
    """
    if zone in (None, "UTC") or not len(rows) or not len(leads):
        return rows
    day: pd.Series[Any] = rows["at"].dt.tz_convert(zone)
    if not (day.dt.normalize() == day).all():
        return rows
    ids = leads["lead_id"].astype("str")
    created = leads["created_at"].set_axis(ids)[~ids.duplicated().to_numpy()].reindex(rows["lead_id"].astype("str"))
    created = created.set_axis(rows.index)
    early = (created.dt.tz_convert(zone).dt.normalize() == day) & (rows["at"] < created)
    return rows.assign(at=rows["at"].mask(early, created + pd.Timedelta(AFTER_ENTRY, "us"))) if early.any() else rows
