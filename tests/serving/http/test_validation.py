"""What a decoder takes, the second look takes too, with the same values; whatever else is wrong has words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_origin

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from serving.http.errors import RefusedError
from serving.http.json_body import decode_body
from serving.http.validation import MOMENT, struct_of
from serving.schemas.requests import Lead, LeadUpdate, ScoreRequest, StoredInteraction, WhatIfRequest
from serving.schemas.score import EXAMPLE

KINDS: tuple[Any, ...] = (Lead, LeadUpdate, StoredInteraction, ScoreRequest[Lead], WhatIfRequest[Lead])
DECODERS = {kind: msgspec.json.Decoder(kind) for kind in KINDS}

scalar = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=8),
    st.sampled_from(("yes", "nein", " ")),
    st.lists(st.integers(), max_size=1), st.sampled_from(("\ud800", "\udc00\ud800", "\x00", "x" * 501)),
)  # fmt: skip
moments = st.sampled_from(
    ("2026-06-09T10:00:00Z", "2026-06-09T10:00:00", "2026-06-09 10:00:00Z", "2026-06-09T10:00:00.1234567Z", "2026-06-09",
     "2027-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2026-06-09T10:00:00+0200", 1780000000, None, "",
     "2026-06-09T10:00:00\x00")
)  # fmt: skip
act = st.fixed_dictionaries(
    {"type": st.one_of(st.sampled_from(("page_view", "", "x" * 201)), scalar), "at": moments},
    optional={
        "value": scalar, "content": scalar, "campaign": scalar, "direction": st.sampled_from(("in", "out", None, "up")),
        "event_id": scalar, "lead_id": scalar,
    },
)  # fmt: skip
attributes = st.dictionaries(
    st.one_of(st.sampled_from(("opted_out", "company_id", "country")), st.text(max_size=3)), scalar, max_size=4
)
lead = st.fixed_dictionaries(
    {
        "lead_id": st.one_of(st.sampled_from(("A", "B", "ä" * 200, "ä" * 201)), scalar),
        "lead_stage": st.sampled_from(("lead", "mql", "customer", "nonsense", "")),
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
update = st.fixed_dictionaries(
    {}, optional={"created_at": moments, "at": moments, "lead_stage": scalar, "attributes": attributes, "opted_out": scalar}
)
envelope = st.fixed_dictionaries(
    {"leads": st.one_of(st.lists(lead, min_size=1, max_size=3), scalar)},
    optional={"as_of": moments, "reasons": scalar, "language": st.sampled_from(("en", "de", "fr", None)), "add": scalar},
)


def both_agree(kind: Any, body: bytes) -> None:
    """The decoder and the second look: what the one takes the other takes, and finds the same in it."""
    quickly = decode_body(DECODERS[kind], body)
    if quickly is not None:
        again = struct_of(json.loads(body), kind)
        assert again == quickly
        assert msgspec.json.encode(again) == msgspec.json.encode(quickly), "1, 1.0 and True are equal"


@given(st.sampled_from(KINDS), st.one_of(envelope, lead, act, update), st.booleans())
def test_what_a_decoder_takes_is_valid_and_means_the_same(kind: Any, content: dict[str, Any], ascii_only: bool) -> None:
    both_agree(kind, json.dumps(content, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=40), st.integers(0, 600), st.integers(0, 10))
def test_no_damage_is_decoded_as_something_else(junk: bytes, place: int, cut: int) -> None:
    body = json.dumps(EXAMPLE).encode()
    both_agree(ScoreRequest[Lead], body[:place] + junk + body[place + cut :])


@given(st.sampled_from(KINDS), st.one_of(envelope, lead, act, update))
def test_what_is_refused_has_words_and_a_place(kind: Any, content: dict[str, Any]) -> None:
    """And what is not refused is a struct: nothing fits the model alone."""
    try:
        struct = struct_of(content, kind)
    except RefusedError as error:
        problem = error.problem
    else:
        assert isinstance(struct, get_origin(kind) or kind)
        return
    assert problem.status == 422
    assert problem.detail.endswith((".", "?", "'"))
    assert problem.field is not None


@given(
    st.datetimes(datetime(1890, 1, 1), datetime(2210, 1, 1)),  # noqa: DTZ001  with and without an offset
    st.one_of(st.none(), st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))),
    st.sampled_from(("auto", "seconds", "milliseconds", "microseconds")),
)
@example(datetime(2024, 2, 29, 23, 59, 59), UTC, "auto")  # noqa: DTZ001
def test_any_time_is_decoded_to_the_microsecond(time: datetime, zone: timezone | None, digits: str) -> None:
    text = time.replace(tzinfo=zone).isoformat(timespec=digits)
    body = json.dumps({"created_at": text}).encode()
    update = decode_body(DECODERS[LeadUpdate], body)
    assert update == LeadUpdate(created_at=datetime.fromisoformat(text))
    assert MOMENT.validate_python(text) == datetime.fromisoformat(text)


CHARACTERS = "0123456789-:TtZz+. \n\x00"
near = st.builds(
    lambda text, place, other, cut: text[:place] + other + text[place + cut :],
    st.sampled_from(
        ("2026-06-09T10:00:00Z", "2026-06-09T10:00:00.123456+02:00", "2026-02-28T24:00:00", "1999-12-31T23:59:59.9-23:59")
    ),
    st.integers(0, 32),
    st.text(st.sampled_from(CHARACTERS), max_size=3),
    st.integers(0, 3),
)


@given(st.one_of(near, st.text(st.sampled_from(CHARACTERS), max_size=30)), st.booleans())
@example("2026-06-09T10:00:00\x00", False)
@example("2026-06-29T23:59:59.9999999Z", False)
def test_no_text_is_decoded_as_another_time(text: str, ascii_only: bool) -> None:
    decoded = decode_body(DECODERS[LeadUpdate], json.dumps({"at": text}, ensure_ascii=ascii_only).encode())
    if decoded is not None:
        assert decoded.at == MOMENT.validate_python(text)


@pytest.mark.parametrize("text", ["1780000000", "-1780000000", "", "20260609", 5, None, True])
def test_a_bare_number_is_no_time(text: object) -> None:
    with pytest.raises(ValidationError, match="ISO 8601"):
        MOMENT.validate_python(text)


def refused(content: Any, kind: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        struct_of(content, kind)
    return caught.value.problem.detail


def test_a_misspelt_name_explains_a_missing_one() -> None:
    assert refused({"leed_id": "x", "lead_stage": "mql"}, Lead) == (
        "Unknown field 'leed_id': did you mean 'lead_id'? 2 more problems in the same place."
    )


LEAD = {"lead_id": "L-1", "lead_stage": "mql", "created_at": "2026-06-09T10:00:00Z"}
ACT = {"type": "page_view", "at": "2026-06-09T10:00:00Z"}


@pytest.mark.parametrize(
    ("content", "kind", "detail"),
    [
        ({**LEAD, "previous": {"actoin": "hold", "at": ACT["at"]}}, Lead, "did you mean 'action'?"),
        (
            {**LEAD, "interactions": [ACT, {**ACT, "chanel": "mail"}]},
            Lead,
            "'campaign', 'content', 'direction', 'type', 'value'",
        ),
        ({**LEAD, "interactons": []}, Lead, "did you mean 'interactions'?"),
        ({"leads": [{**LEAD, "previous": {"action": "hold", "at_": ACT["at"]}}]}, ScoreRequest[Lead], "did you mean 'at'?"),
        ({"leads": [LEAD], "interactions": [{}]}, ScoreRequest[Lead], "'as_of', 'language', 'leads', 'reasons'"),
    ],
)
def test_the_names_that_are_offered_are_those_of_the_place(content: Any, kind: Any, detail: str) -> None:
    assert detail in refused(content, kind)


@pytest.mark.parametrize("name", ["int", "str", "bool", "float"])
def test_a_field_may_be_called_like_a_kind_of_value(name: str) -> None:
    """An unknown field `int` was answered as the value of what it stands in."""
    with pytest.raises(RefusedError) as caught:
        struct_of({**LEAD, name: 5}, Lead, ("leads", 0))
    assert caught.value.problem.field == f"/leads/0/{name}"
    assert caught.value.problem.detail.startswith(f"Unknown field {name!r}: ")
    with pytest.raises(RefusedError) as caught:
        struct_of({**LEAD, "attributes": {name: [5]}}, Lead, ("leads", 0))
    assert caught.value.problem.field == f"/leads/0/attributes/{name}"
    assert caught.value.problem.detail == f"{name}: must be text, a number, true, false or null, got [5]."
