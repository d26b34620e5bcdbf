"""Which moments can be meant: the one vocabulary of bounds and placeholders, for files, CRMs, the store and the API.

A moment cannot be meant that lies before 1990, or after the clock by more than the time zones of the world lie apart. Which of
the others lie so far from all the rest that they are slips or plans is for `features.dataset.day_counts` to judge.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY, NO_MOMENT, Moments, microseconds, moment
from features.dataset.data_report import DataReport

if TYPE_CHECKING:
    import pandas as pd

HOUR = DAY // 24
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def midnight(year: int, month: int = 1, day: int = 1) -> int:
    """The beginning of a day (µs), UTC."""
    return (datetime(year, month, day, tzinfo=UTC) - EPOCH).days * DAY


EARLIEST = midnight(1990)  # nothing that is told of a lead happened before
EARLIEST_OF_ATTRIBUTES = midnight(1900, 1, 2)  # who is a lead now may have been born before 1990
LATEST = midnight(2200)  # what lies after it is a slip whatever the clock says
ZONE_STEP = HOUR // 4  # time zones lie whole quarters of an hour apart
AHEAD = 14 * HOUR  # a clock, or a time without a zone, may run ahead of UTC by so much
NOTICED = HOUR  # an extraction so long after the clock is told
PLACEHOLDERS = tuple(
    midnight(*parts) for parts in ((1,), (1753,), (1899, 12, 30), (1899, 12, 31), (1900,), (1970,), (9999, 12, 31))
)
MISREAD: dict[str, tuple[int, int]] = {  # multiply by, divide by
    "seconds read as milliseconds": (1_000, 1),
    "seconds read as microseconds": (1_000_000, 1),
    "milliseconds read as seconds": (1, 1_000),
    "microseconds read as milliseconds": (1, 1_000),
    "microseconds read as seconds": (1, 1_000_000),
}


def written(at: int) -> str:
    """A moment (µs) to the minute, whatever its year.

    >>> written(0), written(1_767_261_600_000_000_000)
    ('1970-01-01 00:00', '57972-04-16 16:00')
    """
    return str(np.datetime64(at, "us").astype("datetime64[m]")).replace("T", " ")


def is_placeholder(at: int) -> bool:
    """Is this, in some time zone, a day by which software writes that there is none?

    >>> is_placeholder(-3_600_000_000), is_placeholder(3 * DAY)
    (True, False)
    """
    return any(none - AHEAD <= at < none + DAY + AHEAD for none in PLACEHOLDERS)


def misread(at: int, now: int) -> tuple[str, int] | None:
    """How an impossible moment came out of a number of another unit, and the moment it then means; None where it did not."""
    if at < 0:
        return None
    for name, (times, over) in MISREAD.items():
        if midnight(2000) <= (meant := at * times // over) <= now + AHEAD:
            return name, meant
    return None


def earliest(extracted_at: int) -> int:
    """The first moment (µs) that may be meant in data of this extraction (µs): 1990, but for data that are older as a whole.

    >>> earliest(midnight(2026)) == EARLIEST, earliest(midnight(1985)) < midnight(1900)
    (True, True)
    """
    return EARLIEST if extracted_at >= EARLIEST else -NO_MOMENT


def outside(moments: Moments, now: int, first: int = EARLIEST) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which moments (n,) lie before the `first` that can be meant, and which after `now` and what time zones allow; missing
    ones are neither."""
    return moments < first, (moments > now + AHEAD) & (moments != NO_MOMENT)


def hint(at: int, now: int) -> str:
    """What an impossible moment may have been, to be said behind it; empty where nothing suggests itself."""
    meant = misread(at, now)
    if is_placeholder(at) and not (meant and at % ZONE_STEP):
        return ', as software writes "none"'
    return f", {meant[0]}? then {written(meant[1])}" if meant else ""


def extraction_sentence(at: int, source: str = "") -> str:
    """The line of the data report that says up to when the data are known."""
    return f"Day of extraction: {written(at)} UTC{source}."


def check_extraction(at: int, now: int, report: DataReport) -> None:
    """Warn of an extraction (µs) after the clock `now` (µs)."""
    if at > now + NOTICED:
        what = f"moments of extraction after the clock ({written(now)} UTC)"
        report.warn("dataset", what, 1, written(at), "kept: check `timezone:`, `extracted_at:` and the clock")


def drop_implausible(
    name: str, frame: pd.DataFrame, column: str, extracted_at: pd.Timestamp, report: DataReport
) -> pd.DataFrame:
    """Rows of table `name` whose `column` lies in what may be meant, up to the extraction; the others are told."""
    moments = microseconds(frame[column])
    ancient_rows = moments < earliest(moment(extracted_at))
    if ancient_rows.any():
        note_ancient(report, name, column, int(ancient_rows.sum()), int(moments[ancient_rows].min()))
    late_rows = (frame[column] > extracted_at).to_numpy()
    if late_rows.any():
        note_late(report, name, column, int(late_rows.sum()), frame[column].max(), extracted_at)
    kept_rows = ~(ancient_rows | late_rows)
    return frame if kept_rows.all() else frame[kept_rows].reset_index(drop=True)


def note_ancient(report: DataReport, table: str, column: str, rows: int, oldest: int) -> None:
    """Tell of rows before all that can be meant, the first of them at `oldest` (µs)."""
    report.warn(table, f"rows whose {column} lies before 1990", rows, f"{written(oldest)}{hint(oldest, LATEST)}", "dropped")


def note_late(report: DataReport, table: str, column: str, rows: int, latest: object, extracted_at: pd.Timestamp) -> None:
    """Tell of rows after the extraction, the last of them at `latest`."""
    report.warn(table, f"rows whose {column} lies after the extraction at {extracted_at}", rows, latest, "dropped")
