"""The quick way to read a request gives what the usual way gives, or leaves it to that way."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.dataset.funnel import Funnel
from serving.http.errors import RefusedError
from serving.schemas.score import EXAMPLE
from serving.scoring.quick import quick
from serving.scoring.request import Parsed, microseconds
from serving.scoring.request import read as usual

FUNNEL = Funnel()
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def plain(parsed: Parsed) -> dict[str, Any]:
    """All of it, with lists in place of columns and types that are told apart (1, 1.0 and True are equal)."""
    leads = [
        [
            [x.lead_id, x.stage, x.created, x.entered, repr(x.attributes), x.company_id, repr(x.company), x.recommended],
            [repr(act) for act in x.interactions],
        ]
        for x in (*parsed.leads, *parsed.context)
    ]
    return {**vars(parsed), "leads": leads, "context": len(parsed.context)}


def agree(body: bytes) -> bool:
    """Whether the quick way took it; if so it has what the usual way has."""
    found = quick(body, FUNNEL, NOW)
    if found is not None:
        assert plain(found) == plain(usual(body, FUNNEL, NOW))
    return found is not None


def changed(**more: Any) -> bytes:
    """The example with one lead's fields replaced."""
    return json.dumps({**EXAMPLE, "leads": [{**EXAMPLE["leads"][0], **more}]}).encode()


def test_an_ordinary_request_goes_the_quick_way() -> None:
    assert agree(json.dumps(EXAMPLE).encode())
    assert agree(changed(lead_stage="customer"))
    assert agree(changed(attributes={"opted_out": "yes"}))
    assert agree(changed(previous={"action": "hold", "at": "2026-06-20T00:00:00Z"}))
    assert agree(changed(interactions=[], company=None, lead_stage_since=None))


@pytest.mark.parametrize(
    "more",
    [
        {"lead_stage": "nonsense"},
        {"created_at": "2026-06-30T00:00:01Z"},
        {"created_at": "2026-06-10"},
        {"lead_stage_since": ""},
        {"attributes": {"opted_out": "perhaps"}},
        {"interactions": [{"type": "x", "at": "2026-06-30T00:00:00Z"}]},
        {"colour": "red"},
    ],
    ids=repr,
)
def test_what_is_unusual_is_left_to_the_other_way(more: dict[str, Any]) -> None:
    assert not agree(changed(**more))


@settings(max_examples=300, deadline=None)
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


@settings(max_examples=300, deadline=None)
@given(st.one_of(near, CHARACTERS), st.sampled_from(("created_at", "lead_stage_since")))
def test_no_text_is_read_as_another_time(text: str, field: str) -> None:
    agree_or_refused(changed(**{field: text}))
    agree_or_refused(changed(interactions=[{"type": "x", "at": text}]))
    agree_or_refused(json.dumps({**EXAMPLE, "as_of": text}).encode())


def agree_or_refused(body: bytes) -> None:
    """What the usual way refuses the quick one never takes."""
    try:
        wanted = plain(usual(body, FUNNEL, NOW))
    except RefusedError:
        assert quick(body, FUNNEL, NOW) is None
        return
    found = quick(body, FUNNEL, NOW)
    assert found is None or plain(found) == wanted


scalar = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8),
    st.sampled_from(("yes", "nein", " ")),
    st.lists(st.integers(), max_size=1), st.sampled_from(("\ud800", "\udc00\ud800", "\x00", "x" * 501)),
)  # fmt: skip
moments = st.sampled_from(
    ("2026-06-09T10:00:00Z", "2026-06-09T10:00:00", "2026-06-09 10:00:00Z", "2026-06-09T10:00:00.1234567Z", "2026-06-09",
     "2027-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2026-06-09T10:00:00+0200", 1780000000, None, "")
)  # fmt: skip
act = st.fixed_dictionaries(
    {"type": st.one_of(st.sampled_from(("page_view", "", "x" * 201)), scalar), "at": moments},
    optional={
        "value": scalar,
        "content": scalar,
        "campaign": scalar,
        "direction": st.sampled_from(("in", "out", None, "up")),
        "x": scalar,
    },
)
attributes = st.dictionaries(
    st.one_of(st.sampled_from(("opted_out", "company_id", "country")), st.text(max_size=3)), scalar, max_size=4
)
lead = st.fixed_dictionaries(
    {
        "lead_id": st.one_of(st.sampled_from(("A", "B", "ä" * 200, "ä" * 201)), scalar),
        "lead_stage": st.sampled_from(("lead", "mql", "sql", "customer", "lost", "nonsense", "")),
        "created_at": moments,
    },
    optional={
        "lead_stage_since": moments,
        "attributes": st.one_of(attributes, scalar),
        "company": st.one_of(attributes, scalar),
        "interactions": st.one_of(st.lists(act, max_size=3), scalar),
        "previous": st.one_of(st.none(), st.fixed_dictionaries({"action": st.sampled_from(("hold", "dance")), "at": moments})),
        "y": scalar,
    },
)
envelope = st.fixed_dictionaries(
    {"leads": st.one_of(st.lists(lead, max_size=3), scalar)},
    optional={"as_of": moments, "reasons": scalar, "language": st.sampled_from(("en", "de", "fr", None)), "z": scalar},
)


@settings(max_examples=500, deadline=None)
@given(envelope, st.booleans())
def test_any_request_reads_alike_on_both_ways(content: dict[str, Any], ascii_only: bool) -> None:
    agree_or_refused(json.dumps(content, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 600), st.integers(0, 10))
def test_no_damage_is_read_as_something_else(junk: bytes, place: int, cut: int) -> None:
    body = json.dumps(EXAMPLE).encode()
    agree_or_refused(body[:place] + junk + body[place + cut :])


@pytest.mark.parametrize(
    "text",
    [
        '{"leads": [], "leads": [%s]}',
        '{"reasons": 7, "leads": [%s], "reasons": 3}',
        '{"reasons": "x", "leads": [%s], "reasons": 3}',
        '\ufeff{"leads": [%s]}',
        '{"leads": [%s]}\n\n',
        '{"leads": [%s, %s]}',
        '{"leads": [%s], "reasons": 5.0}',
        '{"leads": [%s], "reasons": 1e999}',
        '{"leads": [%s], "as_of": null}',
    ],
)
def test_keys_twice_marks_of_order_and_the_like(text: str) -> None:
    one = json.dumps(EXAMPLE["leads"][0])
    agree_or_refused(text.replace("%s", one).encode())
    agree_or_refused(text.replace("%s", one).encode("utf-16"))


def test_now_is_taken_where_no_moment_is_given() -> None:
    body = json.dumps({"leads": EXAMPLE["leads"]}).encode()
    found = quick(body, FUNNEL, NOW)
    assert found is not None
    assert found.as_of == microseconds(NOW)
    assert agree(body)
