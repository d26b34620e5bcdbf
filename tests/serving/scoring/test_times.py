"""Times are read to the microsecond, the quick way as the usual one, and no text as another time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import example, given
from hypothesis import strategies as st

from serving.schemas.score import EXAMPLE
from tests.serving.scoring.both_ways import agree, agree_or_refused, changed


@given(
    st.datetimes(datetime(1890, 1, 1), datetime(2210, 1, 1)),  # noqa: DTZ001  with and without an offset
    st.one_of(st.none(), st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))),
    st.sampled_from(("auto", "seconds", "milliseconds", "microseconds")),
)
@example(datetime(2024, 2, 29, 23, 59, 59), UTC, "auto")  # noqa: DTZ001
def test_any_time_is_read_to_the_microsecond(time: datetime, zone: timezone | None, digits: str) -> None:
    text = time.replace(tzinfo=zone).isoformat(timespec=digits)
    taken = agree(changed(interactions=[{"type": "x", "at": text}]))
    moment = datetime.fromisoformat(text)
    assert taken == (
        datetime(1900, 1, 1, tzinfo=UTC) <= moment.replace(tzinfo=moment.tzinfo or UTC) < datetime(2026, 6, 30, tzinfo=UTC)
    )


CHARACTERS = st.text(st.sampled_from("0123456789-:TtZz+. \n"), max_size=30)


near = st.builds(
    lambda text, place, other: text[:place] + other + text[place + len(other) :],
    st.sampled_from(
        ("2026-06-09T10:00:00Z", "2026-06-09T10:00:00.123456+02:00", "2026-02-28T24:00:00", "1999-12-31T23:59:60-23:59")
    ),
    st.integers(0, 32),
    st.text(st.sampled_from("0123456789-:TtZz+. \n"), max_size=3),
)


@given(st.one_of(near, CHARACTERS), st.sampled_from(("created_at", "lead_stage_since")))
def test_no_text_is_read_as_another_time(text: str, field: str) -> None:
    agree_or_refused(changed(**{field: text}))
    agree_or_refused(changed(interactions=[{"type": "x", "at": text}]))
    agree_or_refused(json.dumps({**EXAMPLE, "as_of": text}).encode())
