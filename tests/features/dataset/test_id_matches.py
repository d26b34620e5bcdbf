"""Ids that software has written in another way are recognised, and nothing else is."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from features.dataset.id_matches import mismatch, salesforce_id


@pytest.mark.parametrize(
    ("example", "leads", "sentence"),
    [
        ("1.23457E+17", ["123457000000000001"], r"'1\.23457E\+17' was rounded.*anew as text"),
        ("1,23457E+17", ["5"], "rounded by a spreadsheet"),
        ("123456789012345678", ["1.23457E+17"], r"'1\.23457E\+17' in 'leads' was rounded"),
        ("4711.0", ["4712", "4711"], "'4711.0' would match '4711' if a spreadsheet"),
        ("4711", ["4711.0"], "'4711' would match '4711.0'"),
        ("4,711", ["4711"], "would match '4711' if digits were not grouped"),
        ("004711", ["4711"], "would match '4711' if leading zeros had not been lost"),
        ("4711", ["004711"], "would match '004711' if leading zeros"),
        ("47 11", ["4711"], "would match '4711' if the blanks"),
        ("AB\u00a07", ["AB7"], "blanks"),
        ("'4711", ["4711"], "'4711'"),
        ("l-7A", ["L-7a"], "would match 'L-7a' if upper and lower case"),
        ("0018000000dCHnd", ["0018000000dCHndAAG"], "same Salesforce record with 15 and 18"),
        ("0018000000dCHndAAG", ["0018000000dCHnd"], "same Salesforce record"),
        ("0018000000dchnd", ["0018000000dCHndAAG"], "^$"),
        ("x", ["a", "b"], "^$"),
        ("0", ["00", "7"], "^$"),
    ],
)
def test_what_happened_to_an_id_is_named(example: str, leads: list[str], sentence: str) -> None:
    assert re.search(sentence, mismatch(example, pd.Series(leads, dtype="str")))


@pytest.mark.parametrize("short", ["000000000000000", "AAAAAAAAAAAAAAA", "0018000000dCHnd"])
def test_the_longer_id_of_salesforce_begins_with_the_shorter(short: str) -> None:
    assert salesforce_id(short).startswith(short)
    assert len(salesforce_id(short)) == 18
