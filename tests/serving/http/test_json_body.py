"""A body is decoded at once, or looked at as plain JSON; what is none is named by its place in the whole."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from serving.http.errors import RefusedError
from serving.http.json_body import decode_body, item_of, object_of
from serving.schemas.requests import Lead, ScoreRequest
from serving.schemas.score import EXAMPLE

WHOLE = msgspec.json.Decoder(ScoreRequest[msgspec.Raw])
LEAD = msgspec.json.Decoder(Lead)
BODY = json.dumps(EXAMPLE).encode()


def items(body: bytes) -> list[Any]:
    request = decode_body(WHOLE, body)
    assert request is not None
    return request.leads


def test_an_ordinary_body_is_decoded_at_once() -> None:
    (raw,) = items(BODY)
    assert isinstance(raw, msgspec.Raw)
    assert item_of(raw, BODY, LEAD, ("leads", 0)).lead_id == "L-1"


@pytest.mark.parametrize("text", [".1234567Z", ".999999999", "\\u0000", ".5\\u0000"])
def test_a_time_that_a_decoder_reads_otherwise_is_left_to_the_second_look(text: str) -> None:
    assert decode_body(WHOLE, BODY.replace(b"09:00:00Z", b"09:00:00" + text.encode())) is None


def test_fractions_elsewhere_are_not_odd() -> None:
    assert items(BODY.replace(b"250", b"0.12345678"))


def test_a_lead_that_a_decoder_does_not_take_is_read_as_plain_json() -> None:
    body = BODY.replace(b'"webinar"', b'"\\ud83d"')
    assert decode_body(WHOLE, body) is None, "half a character is refused wherever it stands"
    content = object_of(body)["leads"][0]
    assert item_of(content, body, LEAD, ("leads", 0)).attributes["source"] == "\ud83d"


def test_a_bad_lead_leaves_the_others_decoded() -> None:
    one = json.dumps(EXAMPLE["leads"][0])
    first, second = items(f'{{"leads": [{one}, {one.replace(chr(34) + "mql" + chr(34), "5")}]}}'.encode())
    assert item_of(first, b"", LEAD, ("leads", 0)).lead_stage == "mql"
    with pytest.raises(RefusedError) as caught:
        item_of(second, b"", LEAD, ("leads", 1))
    assert (caught.value.problem.lead, caught.value.problem.field) == ("L-1", "/leads/1/lead_stage")


def test_what_is_no_json_is_named_by_its_place_in_the_whole() -> None:
    """A lead is cut out before its text is looked at."""
    body = BODY.replace(b"webinar", b"webi\xff")
    place = body.index(b"\xff")
    with pytest.raises(RefusedError, match=f"can't decode byte 0xff in position {place}") as caught:
        item_of(items(body)[0], body, LEAD, ("leads", 0))
    assert caught.value.problem.status == 400
