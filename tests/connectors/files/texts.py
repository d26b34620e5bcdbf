"""Columns of text and options for the tests of conversions."""

from __future__ import annotations

import pandas as pd

from connectors.files.settings import FileOptions

UTC_OPTIONS = FileOptions(timezone="UTC", decimal=".")


BERLIN = FileOptions(timezone="Europe/Berlin", decimal=",", date_format=["%d.%m.%Y %H:%M", "%d.%m.%Y"])


def series(*values: str | None) -> pd.Series:
    return pd.Series(list(values), dtype="str")
