"""What a custom column holds: numbers, yes/no, dates, or text."""

from __future__ import annotations

from typing import Any

import pandas as pd

from connectors.files.convert import Texts, parsed_numbers, parsed_times
from connectors.files.settings import FileOptions

PROBE = 100  # distinct values looked at first, since most text is seen to be text at once
_YES_WORDS = frozenset({"yes", "true", "ja", "wahr", "y", "t"})
_NO_WORDS = frozenset({"no", "false", "nein", "falsch", "n", "f"})


def infer(values: Texts, options: FileOptions) -> pd.Series[Any]:
    """Text → float64, nullable booleans, UTC times, or text as it is, whichever every value that is there can be.

    Numbers with leading zeros (post codes, ids) stay text, and so does a column with only one of yes and no.
    """
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return parsed_times(values, options)
    distinct = pd.Series(values.dropna().unique()).astype("str")
    if distinct.empty:
        return values
    folded = set(distinct.str.casefold()) if len(distinct) <= len(_YES_WORDS | _NO_WORDS) * 3 else set()
    if folded and folded <= _YES_WORDS | _NO_WORDS and folded & _YES_WORDS and folded & _NO_WORDS:
        return (
            values.astype("str")
            .str.casefold()
            .map(dict.fromkeys(_YES_WORDS, True) | dict.fromkeys(_NO_WORDS, False))
            .astype("boolean")
        )
    padded = distinct.str.match(r"^[+-]?0\d").any()
    for parse in (parsed_times,) if padded else (parsed_numbers, parsed_times):
        if not any(parse(sample, options).isna().any() for sample in (distinct.head(PROBE), distinct)):
            return parse(values, options)
    return values.astype("str")
