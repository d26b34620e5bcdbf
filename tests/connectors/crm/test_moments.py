"""Vendors' times, in whatever form, are one moment; what is no time is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.crm.moments import iso, milliseconds, moment

NOON = datetime(2026, 3, 31, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    ["2026-03-31T14:00:00Z", "2026-03-31T16:00:00.000+0200", "2026-03-31 14:00:00", 1774965600000, "1774965600000"],
)
def test_one_moment_in_all_forms(written: object) -> None:
    assert moment(written) == NOON


@pytest.mark.parametrize("written", [None, "", "soon", "12", "2026-13-01", 10**30])
def test_what_is_no_time_is_none(written: object) -> None:
    assert moment(written) is None


def test_there_and_back_by_whole_milliseconds() -> None:
    at = NOON.replace(microsecond=123_999)
    assert moment(milliseconds(at)) == moment(iso(at)) == NOON.replace(microsecond=123_000)
