"""What the dates of a column say about their order, and the sentences where they leave it open."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from connectors.files.convert import Origin, times
from connectors.files.date_orders import judge_dates, merged
from connectors.files.settings import FileOptions
from connectors.files.writing import ColumnWriting
from features.common.errors import DataError
from tests.connectors.files.texts import moments, series

ORIGIN = Origin("a.csv", "Created", "created_at")
SLASHES = ["%d/%m/%Y"]


@pytest.mark.parametrize(
    ("texts", "formats", "sentence"),
    [
        (
            "03/04/2026|05/06/2026",
            [],
            r"'03/04/2026' \(row 2\) is 3 April 2026 or 4 March 2026.*\n.*\"%d/%m/%Y\" or \"%m/%d/%Y\"",
        ),
        ("03-04-26|05-06-26", [], r"'03-04-26' \(row 2\) is 3 April 2026 or 4 March 2026"),
        ("2026-05-01|7-8-2026 10:00", [], r"'7-8-2026 10:00' \(row 3\) is 7 August 2026 or 8 July 2026"),
        (
            "03/25/2026|25/03/2026",
            [],
            r"'03/25/2026' \(row 2\) can only have the month first, '25/03/2026' \(row 3\) only the day",
        ),
        ("03-04-2026|25-06-2026", ["%m-%d-%Y"], r"row 3.*'25-06-2026' is not a date.*\n.*fits `date_format:` \"%d-%m-%Y\""),
        ("03/25/2026|04/26/2026", SLASHES, r"row 2.*is not a date.*1 more.*\n.*\"%m/%d/%Y\""),
        ("03.04.2026|05.06.2026", ["%m/%d/%Y"], r"row 2.*'03.04.2026' is not a date.*\n.*\"%d.%m.%Y\""),
        ("03/25/2026|25/03/2026", ["%d/%m/%Y", "%m/%d/%Y"], r"row 2.*'03/25/2026' is not a date.*\n.*mixed"),
        ("2026-25-03|2026-01-02", [], r"row 2.*'2026-25-03' is not a date.*\n.*\"%Y-%d-%m\""),
        ("31.03.2026|31.02.2026", [], r"row 3.*'31.02.2026' is not a date"),
        ("31.03.2026 25:00", [], r"row 2.*is not a date"),
        ("3/25/2026 13:05 PM", [], r"row 2.*is not a date"),
        ("13.03.2026 14:05 (CET)", [], r"row 2.*is not a date"),
        ("45000|soon", [], r"row 3.*'soon' is not a date"),
        ("123|45000", [], r"row 2.*'123' is not a date"),
        ("Foo 3, 2026", [], r"row 2.*is not a date"),
    ],
)
def test_what_is_in_doubt_or_no_date_is_one_sentence_with_the_remedy(texts: str, formats: list[str], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        moments(*texts.split("|"), date_format=formats)


DAMAGED = {
    "slashes turned, dashes left": ("4/9/2012|8/3/2014|21-08-2013|10/2/2014|19-01-2014", ["%d-%m-%Y", "%m/%d/%Y"]),
    "nothing said": ("4/9/2012|8/3/2014|21-08-2013|10/2/2014|19-01-2014", []),
    "ISO turned": ("2012-04-09|2014-08-03|21/08/2013|2014-02-03|19/01/2014", SLASHES),
    "serial numbers turned": ("41008|41854|21/08/2013|41673|19/01/2014", []),
    "turned into names": ("09-Apr-12|03-Aug-14|21/08/2013|10-Feb-14|19/01/2014", []),
    "the month first, and turned": ("2012-04-09|2014-08-03|08/21/2013|2014-02-03|01/19/2014", []),
    "dots turned": ("04.09.2012|08.03.2014|21/08/2013|10.02.2014|19/01/2014", []),
}


@pytest.mark.parametrize(("texts", "formats"), DAMAGED.values(), ids=DAMAGED)
def test_a_column_that_a_spreadsheet_has_turned_stops(texts: str, formats: list[str]) -> None:
    with pytest.raises(DataError, match=r"column 'Created': two ways of writing.*above 12.*spreadsheet.*\n.*Export anew"):
        moments(*texts.split("|"), date_format=formats)


@pytest.mark.parametrize(
    ("texts", "formats", "first"),
    [
        ("4/9/2012|8/3/2014|21-08-2013|10/2/2014|19-01-2014", ["%d-%m-%Y", "%d/%m/%Y"], "2012-09-04"),
        ("2012-04-09|2014-08-03|21/08/2013|2014-02-03|19/01/2014", ["%d/%m/%Y", "%Y-%d-%m"], "2012-09-04"),
        ("2012-04-09|2014-08-03|21/08/2013|2014-02-03|19/01/2014", ["%d/%m/%Y", "%Y-%m-%d"], "2012-04-09"),
        ("2012-04-09|21/08/2013", [], "2012-04-09"),  # of two dates nothing follows
        ("2012-04-19|2014-08-03|21/08/2013|2014-02-03|19/01/2014", [], "2012-04-19"),
        ("4/9/2012|8/3/2014|21-08-2013|10/2/2014|09-01-2014", [], "2012-09-04"),
    ],
)
def test_the_remedies_against_a_spreadsheet_help_and_mixed_columns_pass(texts: str, formats: list[str], first: str) -> None:
    assert moments(*texts.split("|"), date_format=formats)[0] == first


def test_what_a_column_leaves_open_its_own_other_dates_decide_and_that_is_told() -> None:
    writing = ColumnWriting(FileOptions(timezone="UTC"))
    read = times(series("03/04/2026", "25-04-2026", "05-06-2026"), writing.options, ORIGIN, writing)
    assert read.dt.month.tolist() == [4, 4, 6]
    assert [(r.level, r.example) for r in writing.remarks] == [("note", "'03/04/2026' (row 2)")]
    assert writing.remarks[0].action.startswith("read as 3 April 2026, as other dates of the column do")


def test_day_numbers_of_a_spreadsheet_are_told_with_the_other_system() -> None:
    writing = ColumnWriting(FileOptions(timezone="UTC"))
    times(series("45000", "2026-01-01"), writing.options, ORIGIN, writing)
    (remark,) = writing.remarks
    assert remark.action.startswith("read as 15 March 2023; `date_format: serial_1904`")


def test_evidence_of_blocks_is_that_of_the_whole() -> None:
    def judged(*blocks: pd.Series) -> Any:
        writing = ColumnWriting(FileOptions(), lambda: blocks)
        return writing.dates(blocks[0])

    whole = series("2026-01-01", "03/04/2026", "05/06/2026", "3. März 2026", "25/12/2025")
    assert judged(whole) == judged(whole[:2], whole[2:3], whole[3:])
    assert judge_dates(merged({}, {}), []).orders == {}


def test_what_is_open_and_what_is_proven_is_told_apart() -> None:
    judgement = ColumnWriting(FileOptions()).dates(series("03/04/2026", "05/06/2026", "2026-01-05", "5.6.2026"))
    assert {family: (open_.example, open_.orders) for family, open_ in judgement.undecided.items()} == {
        "/4": ((0, "03/04/2026"), ("dmy", "mdy"))
    }
    assert judgement.proven == {}
    judgement = ColumnWriting(FileOptions()).dates(series("03/04/2026", "05/16/2026"))
    assert (judgement.undecided, judgement.proven) == ({}, {"/4": "mdy"})
