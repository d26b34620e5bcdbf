"""The body of a request: its bytes, the JSON in it, and structs from that; whatever is wrong is a problem document.

A body is decoded straight to structs. What the decoder does not take is looked at once more, as plain JSON: JSON may be sent in
UTF-16, with keys twice or with halves of characters, times and flags in more spellings than a decoder reads; and only of what
nobody can read it is said what is wrong.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec

from serving.http.errors import RefusedError, quote, refuse
from serving.http.validation import SURROGATE, Path, struct_of

S = TypeVar("S", bound=msgspec.Struct)
# times that the decoder reads otherwise: finer than a microsecond it rounds, and NUL it takes for the end
_ODD_TIME = re.compile(rb":\d\d(?:\.\d{7}|(?:\.\d*)?\\u0000)")


def decode_body(decoder: msgspec.json.Decoder[S], body: bytes) -> S | None:
    """What a decoder makes of a body; None where it is to be looked at once more, as plain JSON."""
    may_be_odd = b"." in body or b"\\u0" in body  # most bodies are not searched: to look for a byte costs nothing
    return None if may_be_odd and _ODD_TIME.search(body) else _decode(decoder, body)


def _decode(decoder: msgspec.json.Decoder[S], text: bytes | msgspec.Raw) -> S | None:
    try:
        return decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def object_of(body: bytes, expected: str = "an object") -> dict[str, Any]:
    """The JSON object that a body is; `expected` says what it should be.

    Raises
    ------
    RefusedError
        with a 4xx problem document.
    """
    content = _content(body)
    if not isinstance(content, dict):
        raise refuse(422, "Invalid request", f"The body must be {expected}, got {quote(content)}.", field="")
    return content


def _content(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise refuse(400, "Not readable", "The JSON is nested too deeply.") from error
    except ValueError as error:
        raise refuse(400, "Not readable", f"The body is not JSON in UTF-8: {str(error)[:200]}.") from error


def plain(item: object, body: bytes) -> Any:
    """An item of a body as plain JSON, whether it is that already or still the bytes it is.

    Raises
    ------
    RefusedError
        with a 400 problem document that names the place in the body.
    """
    if not isinstance(item, msgspec.Raw):
        return item
    try:
        return _content(bytes(item))
    except RefusedError:
        _content(body)  # what is no JSON in a part is none in the whole
        raise


def item_of(item: object, body: bytes, decoder: msgspec.json.Decoder[S], path: Path) -> S:
    """An item of a body, its bytes or plain JSON as what a decoder makes of it; `path` is where it stands.

    Raises
    ------
    RefusedError
        with a 422 problem document that names the field, and the lead where that can be repeated; with a 400 one for what is no
        JSON.
    """
    struct = _decode(decoder, item) if isinstance(item, msgspec.Raw) else None
    if struct is not None:
        return struct
    content = plain(item, body)
    lead_id = content.get("lead_id") if isinstance(content, dict) else None
    repeatable = isinstance(lead_id, str) and len(lead_id) <= 200 and not SURROGATE.search(lead_id)
    return struct_of(content, decoder.type, path, lead_id if repeatable else None)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")
