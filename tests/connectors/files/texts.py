"""Columns of text and options for the tests of conversions."""

from __future__ import annotations

from typing import Any

import pandas as pd

from connectors.files.convert import Origin, times
from connectors.files.settings import FileOptions

UTC_OPTIONS = FileOptions(timezone="UTC", decimal=".")


BERLIN = FileOptions(timezone="Europe/Berlin", decimal=",", date_format=["%d.%m.%Y %H:%M", "%d.%m.%Y"])


def series(*values: str | None) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def moments(*texts: str | None, **options: Any) -> list[str]:
    """A column "Created" as it is read: days, and times where there are any; missing is empty."""
    read = times(series(*texts), FileOptions(**{"timezone": "UTC", **options}), Origin("a.csv", "Created", "created_at"))
    return ["" if pd.isna(moment) else moment.strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00") for moment in read]
