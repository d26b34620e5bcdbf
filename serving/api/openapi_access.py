"""What the door adds to the description of the API: how to ask, what is needed for what, and how it refuses."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from serving.access.middleware import COOKIE, needed

WAYS = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key (rl_…), or a token of the issuer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "page": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "What /login gives a browser"},
}
REFUSALS = {
    401: "no key, or one that is wrong, revoked or has ended",
    403: "a key that may not do that; without keys: not this machine",
    429: "too often; Retry-After says when to come again",
}
HELD_UP = {408: "the body did not arrive in time", 503: "more is asked than can be answered, or there is no model"}


def behind_the_door(document: dict[str, Any]) -> dict[str, Any]:
    """The description with ways to ask and refusals, for operations that are not open to all."""
    found = deepcopy(document)
    found.setdefault("components", {})["securitySchemes"] = WAYS
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            scope = needed(method.upper(), path)
            if scope is None:
                operation["security"] = []
                continue
            operation["security"] = [{way: []} for way in WAYS]
            operation["description"] = f"Needs a key with the scope `{scope}`." if scope else "Any key may ask."
            refusals = {**REFUSALS, **(HELD_UP if "requestBody" in operation else {})}
            for code, why in refusals.items():
                content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
                operation["responses"].setdefault(str(code), {"description": why, "content": content})
    return found
