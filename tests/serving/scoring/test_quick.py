"""The quick way to read a request gives what the usual way gives, or leaves it to that way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.schemas.score import EXAMPLE
from serving.scoring.quick import quick
from serving.scoring.request import microseconds
from tests.serving.scoring.both_ways import FUNNEL, NOW, agree, agree_or_refused, changed


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


@given(envelope, st.booleans())
def test_any_request_reads_alike_on_both_ways(content: dict[str, Any], ascii_only: bool) -> None:
    agree_or_refused(json.dumps(content, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


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
