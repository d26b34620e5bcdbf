"""Ids that match no lead and would, had no spreadsheet or CRM written them in another way: what happened, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.common.errors import DataError

_ROUNDED = re.compile(r"[+-]?\d(?:[.,]\d+E\+?|E\+)\d+", re.IGNORECASE)  # a hexadecimal 7E12 is none
_SALESFORCE = re.compile(r"[a-zA-Z0-9]{15}(?:[A-Z0-5]{3})?")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def _without(pattern: str) -> Callable[[Any], Any]:
    return lambda ids: pc.replace_substring_regex(ids, pattern, "")


# what was done to an id (what it would match if …), how it is undone, and the remedy
_CHANGES: tuple[tuple[str, Callable[[Any], Any], str], ...] = (
    ("the blanks were not there", _without(r"[\s\x{00A0}\x{200B}\x{FEFF}]+"), "take the blanks out of the ids"),
    ("a spreadsheet had not made it a number (.0)", _without(r"[.,]0+$"), "export the ids as text in both files"),
    ("digits were not grouped", _without(r"[.,'’\s\x{00A0}\x{202F}]"), "export the ids as text in both files"),
    (
        "leading zeros had not been lost",
        _without(r"^[\s'`]*0+"),
        "export the ids as text in both files",
    ),
    ("no mark stood around it", _without(r"^[='\"`\s]+|['\"`\s]+$"), "take the marks out of the ids"),
    ("upper and lower case were the same", pc.utf8_lower, "write the ids of both files alike"),
)


def rounded_mask(ids: pd.Series[Any]) -> npt.NDArray[np.bool_]:
    """Which ids (n,) are what a spreadsheet makes of long numbers, so that several are one.

    >>> rounded_mask(pd.Series(["1.23457E+17", "1,2E+9", "7E12", None], dtype="str")).tolist()
    [True, True, False, False]
    """
    flags: npt.NDArray[np.bool_] = pc.fill_null(_rounded(ids), False).to_numpy(zero_copy_only=False)
    return flags


def _rounded(ids: pd.Series[Any]) -> pa.Array:
    return pc.match_substring_regex(pa.array(ids.astype("str"), pa.string()), rf"(?i)^{_ROUNDED.pattern}$")


ROUNDED = "was rounded by a spreadsheet, its digits are lost: export the ids anew as text"


def mismatch(example: str, leads: pd.Series[Any], file: str = "'leads'") -> str:
    """Why an id is no lead's, or none of those of another `file`: one sentence with the remedy, empty where there is nothing
    to say.

    >>> mismatch("0471", pd.Series(["471", "472"]))
    "'0471' would match '471' if leading zeros had not been lost: export the ids as text in both files"
    """
    if _ROUNDED.fullmatch(example):
        return f"{example!r} {ROUNDED}"
    ids = pa.array(leads.astype("str"), pa.string())
    lost = _first(_rounded(leads), ids)
    if lost:
        return f"{lost!r} in {file} {ROUNDED}"
    if _SALESFORCE.fullmatch(example):
        record = _first(pc.equal(pc.utf8_slice_codeunits(ids, 0, 15), example[:15]), ids)
        if record and {len(example), len(record)} == {15, 18} and salesforce_id(example[:15]) in (example, record):
            same = f"{example!r} and {record!r} are the same Salesforce record with 15 and 18 characters"
            return f"{same}: export both files with 18 (CASESAFEID(Id))"
    for change, undo, remedy in _CHANGES:
        undone = undo(pa.array([example]))[0]
        match = _first(pc.equal(undo(ids), undone), ids) if undone.as_py() else None
        if match:
            return f"{example!r} would match {match!r} if {change}: {remedy}"
    return ""


def with_mismatch(example: str, leads: pd.Series[Any]) -> str:
    """The id of nobody, and why it may be one."""
    reason = mismatch(example, leads)
    return f"{example}; {reason}" if reason else example


def unknown_leads_error(name: str, rows: int, example: str, leads: pd.Series[Any]) -> DataError:
    """Not one of the rows of a table is of a lead in 'leads', whose ids are `leads`; `example` may already say why."""
    example = example.partition("; ")[0]
    return DataError(
        f"Table {name!r}: none of its {rows:,} rows is of a lead in 'leads'; {name} has for example {example!r}, "
        f"leads {str(leads.iloc[0])!r}.",
        f"The ids do not match: {mismatch(example, leads) or 'map `lead_id` to the same kind of id in both'}.",
    )


def _first(mask: pa.BooleanArray, ids: pa.StringArray) -> str | None:
    index = pc.index(mask, True).as_py()
    return None if index < 0 else str(ids[index])


def salesforce_id(short: str) -> str:
    """An id of 15 characters, in which case matters, with the 3 by which it is known without: each says which of five
    characters are capital letters.

    >>> salesforce_id("0018000000dCHnd")
    '0018000000dCHndAAG'
    """
    parts = (short[begin : begin + 5] for begin in (0, 5, 10))
    return short + "".join(_LETTERS[sum("A" <= c <= "Z" and 1 << i for i, c in enumerate(part))] for part in parts)
