"""Columns of dates in, moments or a sentence out."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.convert import Origin, times
from connectors.files.dates import date_mask, format_of, given_orders
from connectors.files.settings import FileOptions
from features.common.errors import DataError
from tests.connectors.files.texts import moments, series

ORIGIN = Origin("a.csv", "Created", "created_at")


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        # ISO 8601 and its relatives
        ("2026-03-03T14:05:00|2026-03-04", "2026-03-03 14:05:00|2026-03-04"),
        ("2026-03-03 14:05:00 UTC|2026-03-04 00:00:00.123456 UTC", "2026-03-03 14:05:00|2026-03-04"),
        (
            "2026-03-03T14:05:00Z|2026-03-03 14:05|2026-03-03T14:05:00+0200",
            "2026-03-03 14:05:00|2026-03-03 14:05:00|2026-03-03 12:05:00",
        ),
        ("2026-03-03T14:05:00.123456789Z|2026-03-03", "2026-03-03 14:05:00|2026-03-03"),
        ("2026-03-03T14:05:00,5|2026-03-03T14", "2026-03-03 14:05:00|2026-03-03 14:00:00"),
        ("2026-03-03 14:05:00 +02:00|2026-03-03 14:05 -0330", "2026-03-03 12:05:00|2026-03-03 17:35:00"),
        ("2026/03/31|2026/4/1", "2026-03-31|2026-04-01"),
        ("2026-03-31 24:00:00|2026-12-31T24:00", "2026-04-01|2027-01-01"),
        ("0000-00-00 00:00:00|2026-03-31", "1-01-01|2026-03-31"),  # "none" in MySQL's words, which is judged as such
        ("2026.03.31 9:05", "2026-03-31 09:05:00"),
        ("20260303|20261231", "2026-03-03|2026-12-31"),
        ("20260303 14:05:00|03MAR2026", "2026-03-03 14:05:00|2026-03-03"),
        ("20260303T140500Z|20260303140507|202603031405", "2026-03-03 14:05:00|2026-03-03 14:05:07|2026-03-03 14:05:00"),
        ("2026-3-3|2026-12-1 1:02", "2026-03-03|2026-12-01 01:02:00"),
        # the day first
        ("31.03.2026|01.02.2026", "2026-03-31|2026-02-01"),
        ("01.02.2026|03.04.2026", "2026-02-01|2026-04-03"),
        ("1.2.2026 9:05|31.12.26", "2026-02-01 09:05:00|2026-12-31"),
        ("05.01.2026, 10:00 Uhr|06.01.2026 um 11:30", "2026-01-05 10:00:00|2026-01-06 11:30:00"),
        ("31. 03. 2026|1. 4. 2026", "2026-03-31|2026-04-01"),
        ("03/04/2026|25/03/2026", "2026-04-03|2026-03-25"),
        ("03-04-2026|25-03-2026 14:05", "2026-04-03|2026-03-25 14:05:00"),
        ("3/4/26|25/3/26", "2026-04-03|2026-03-25"),
        ("Fr 03.04.2026|Montag, 06.04.2026", "2026-04-03|2026-04-06"),
        ("14:05 25.03.2026", "2026-03-25 14:05:00"),
        # the month first
        ("03/04/2026|03/25/2026", "2026-03-04|2026-03-25"),
        ("3/4/2026 2:05 PM|12/31/2025 12:05 AM", "2026-03-04 14:05:00|2025-12-31 00:05:00"),
        ("03-04-2026|12-25-2026", "2026-03-04|2026-12-25"),
        ("03/04/26, 2:05pm|03/25/26, 11:59 a.m.", "2026-03-04 14:05:00|2026-03-25 11:59:00"),
        ("Wed, 03/04/2026|Wed 03/25/2026", "2026-03-04|2026-03-25"),
        ("03.04.2026|03.25.2026", "2026-03-04|2026-03-25"),
        # the year in two digits, first or last, by which of them are years
        ("26-03-31|25-12-05|26-01-17|26-02-18", "2026-03-31|2025-12-05|2026-01-17|2026-02-18"),
        ("31-03-26|05-12-25|17-01-26|18-02-26", "2026-03-31|2025-12-05|2026-01-17|2026-02-18"),
        ("31.12.68|01.01.69", "2068-12-31|1969-01-01"),
        # months by name
        ("3. März 2026|14. Dezember 2025", "2026-03-03|2025-12-14"),
        ("Mar 3, 2026|December 14, 2025", "2026-03-03|2025-12-14"),
        ("03-Mar-2026|3-Dec-26", "2026-03-03|2026-12-03"),
        ("3 Dez 2026|3. Mrz. 2026|3 Okt. 2026|1 Mai 2026", "2026-12-03|2026-03-03|2026-10-03|2026-05-01"),
        ("March 3rd, 2026 at 2:05pm|3rd of March 2026", "2026-03-03 14:05:00|2026-03-03"),
        ("Tue, 03 Mar 2026 14:05:00 +0100", "2026-03-03 13:05:00"),
        ("Tue Mar 03 2026 14:05:00 GMT+0100 (Central European Standard Time)", "2026-03-03 13:05:00"),
        ("Tue Mar  3 14:05:00 UTC 2026", "2026-03-03 14:05:00"),
        ("Dienstag, 3. März 2026, 14:05 Uhr|Mittwoch, 4. Jänner 2026", "2026-03-03 14:05:00|2026-01-04"),
        ("Sept 3, 2026|Jun 30 2026", "2026-09-03|2026-06-30"),
        ("2026-Mar-03|2026 Apr 5", "2026-03-03|2026-04-05"),
        ("3\u00a0March\u00a02026", "2026-03-03"),
        # counts
        ("45000|45000.5|46000,25", "2023-03-15|2023-03-15 12:00:00|2025-12-09 06:00:00"),
        ("1767225600|1767225661.5", "2026-01-01|2026-01-01 00:01:01"),
        ("1767225600000|946684800000", "2026-01-01|2000-01-01"),
        ("1767225600000000|1767225600000000000", "2026-01-01|2026-01-01"),
        # ways that may stand in one column
        ("2026-03-31|31.03.2026|1. April 2026|", "2026-03-31|2026-03-31|2026-04-01|"),
        ("03/03/2026|04/04/2026", "2026-03-03|2026-04-04"),
        ("45000|2026-01-02", "2023-03-15|2026-01-02"),
        ("2026-03-03 14:05 MEZ|2026-07-03 14:05 CEST", "2026-03-03 13:05:00|2026-07-03 12:05:00"),
    ],
)
def test_columns_that_tell_how_they_are_written_are_read_without_a_format(texts: str, days: str) -> None:
    assert moments(*(text or None for text in texts.split("|"))) == days.split("|")


@pytest.mark.parametrize(
    ("texts", "formats", "days"),
    [
        ("03-04-2026|05-06-2026", ["%m-%d-%Y"], "2026-03-04|2026-05-06"),
        ("03-04-2026|05-06-2026", ["%d-%m-%Y"], "2026-04-03|2026-06-05"),
        ("03/04/26|05/06/26", ["%d/%m/%y"], "2026-04-03|2026-06-05"),
        ("03/04/2026 10:00|05/06/2026", ["%m/%d/%Y %H:%M"], "2026-03-04 10:00:00|2026-06-05".replace("06-05", "05-06")),
        ("03/04/2026|05/06/26", ["%d/%m/%y", "%d/%m/%Y"], "2026-04-03|2026-06-05"),
        ("03/04/2026|25/06/2026", ["%m/%d/%Y", "%d/%m/%Y"], "2026-04-03|2026-06-25"),  # one order for all
        ("26-03-04|26-05-06", ["%y-%m-%d"], "2026-03-04|2026-05-06"),
        ("2026-04-03|2026-06-05", ["%Y-%d-%m"], "2026-03-04|2026-05-06"),
        ("03032026|04052026", ["%d%m%Y"], "2026-03-03|2026-05-04"),
        ("01/Jan/2026:01:00:00 +0100", ["%d/%b/%Y:%H:%M:%S %z"], "2026-01-01"),
        ("45000|45001", ["serial_1904"], "2027-03-16|2027-03-17"),
        ("41538", ["serial"], "2013-09-21"),
        ("3.4.2026 14.05", ["%d.%m.%Y %H.%M"], "2026-04-03 14:05:00"),
        ("03/2026", ["%m/%Y"], "2026-03-01"),
        ("2026-03-31|3. März 2026", ["%d.%m.%Y"], "2026-03-31|2026-03-03"),
        ("1500000000", ["epoch_s"], "2017-07-14 02:40:00"),
    ],
)
def test_a_date_format_is_obeyed_where_the_values_fit_it(texts: str, formats: list[str], days: str) -> None:
    assert moments(*texts.split("|"), date_format=formats) == days.split("|")


def test_times_without_an_offset_are_of_the_zone_and_others_are_not() -> None:
    assert moments("3. März 2026 12:00", "1.7.2026 12:00", "2026-07-01 12:00Z", timezone="Europe/Berlin") == [
        "2026-03-03 11:00:00",
        "2026-07-01 10:00:00",
        "2026-07-01 12:00:00",
    ]


def test_formats_name_families_and_families_formats() -> None:
    for form in ("%d/%m/%Y", "%m-%d-%y", "%Y.%m.%d", "%y-%m-%d"):
        ((family, (order,)),) = given_orders([form]).items()
        assert format_of(family, order) == form


WRITTEN = {
    "%Y-%m-%d": None,
    "%d.%m.%Y %H:%M": None,
    "%d/%m/%Y": "dmy",
    "%m/%d/%Y": "mdy",
    "%m-%d-%Y %I:%M %p": "mdy",
    "%d-%m-%Y": "dmy",
    "%d %B %Y": None,
    "%b %d, %Y %H:%M": None,
    "%a, %d %b %Y": None,
    "%Y%m%d": None,
}


@given(
    st.sampled_from(sorted(WRITTEN)),
    st.lists(st.datetimes(datetime(1991, 1, 1), datetime(2060, 1, 1)), min_size=1, max_size=6),  # noqa: DTZ001
)
def test_dates_that_were_written_are_read_back_or_a_doubt_is_told(form: str, days: list[datetime]) -> None:
    days = [day.replace(second=0, microsecond=0) for day in days]
    texts = [day.strftime(form) for day in days]
    written = [datetime.strptime(text, form).replace(tzinfo=UTC) for text in texts]
    try:
        read = times(series(*texts), FileOptions(timezone="UTC"), ORIGIN)
    except DataError as error:
        assert WRITTEN[form]
        assert " or " in str(error)  # noqa: PT017
        return
    assert [moment.to_pydatetime() for moment in read] == written


@pytest.mark.parametrize(
    ("texts", "dated"),
    [
        (["03/04/2026", "31/12/2026", "12/31/2026", "31/31/2026", "tbd", None], [True, True, True, False, False, False]),
        (["2026-01-05", "3. März 2026", "05.01.26", "2026-02-30"], [True, True, True, False]),
        (["1767607200", "46056", "10023", "12", "20260105", "99999999"], [True, True, False, False, True, False]),
    ],
)
def test_texts_are_dates_in_one_order_or_another(texts: list[str | None], dated: list[bool]) -> None:
    assert date_mask(pd.Series(texts, dtype="str")).tolist() == dated
