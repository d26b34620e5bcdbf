"""Time as the engine sees it: whole microseconds since 1970, UTC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

DAY = 86_400_000_000  # microseconds
WEEK = 7 * DAY
MINUTE = 60_000_000
AFTER_ENTRY = 1  # microseconds after entering a lead stage at which a lead is looked at first: the entry itself is known then
NO_MOMENT = np.iinfo(np.int64).max  # a moment that has not come

Moments = npt.NDArray[np.int64]


def microseconds(times: pd.Series | pd.DatetimeIndex | Sequence[pd.Timestamp]) -> Moments:
    """Times with or without a zone (then UTC) → int64 microseconds since 1970; a missing time is `NO_MOMENT`. Not to be written
    to: it may be what `times` hold."""
    import pandas as pd  # a request never needs it

    if isinstance(times, pd.Series) and times.dtype == pd.DatetimeTZDtype("us", "UTC"):
        moments = pd.DatetimeIndex(times).asi8
    else:
        moments = pd.DatetimeIndex(pd.to_datetime(times, utc=True)).as_unit("us").asi8
    missing = np.iinfo(np.int64).min  # how pandas writes it
    if len(moments) and moments.min() == missing:
        return np.where(moments == missing, NO_MOMENT, moments)
    return moments if moments.flags.writeable else moments.copy()  # compiled code is compiled anew for what is read only


def moment(time: pd.Timestamp) -> int:
    """One time, UTC when it has no zone, → microseconds since 1970."""
    aware = time.tz_localize("UTC") if time.tzinfo is None else time
    return int(aware.tz_convert("UTC").tz_localize(None).as_unit("us").asm8.astype(np.int64))  # `.value` is always nanoseconds


def timestamps(moments: Moments) -> pd.DatetimeIndex:
    """The way back: int64 microseconds → UTC times; `NO_MOMENT` is missing."""
    import pandas as pd

    index = pd.DatetimeIndex(np.where(moments == NO_MOMENT, np.iinfo(np.int64).min, moments).view("datetime64[us]"))
    return index.tz_localize("UTC")
