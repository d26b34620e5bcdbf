"""What the door adds to the description of the API: how to ask, what is needed for what, and how it refuses."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from serving.access.middleware import COOKIE, required_scope

SECURITY_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key (rl_…), or a token of the issuer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "page": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "What /login gives a browser"},
}
REFUSALS = {
    401: "no key, or one that is wrong, revoked or has ended",
    403: "a key that may not do that; without keys: not this machine",
    429: "too often; Retry-After says when to come again",
}
BUSY_REFUSALS = {408: "the body did not arrive in time", 503: "more is asked than can be answered, or there is no model"}


def add_security(document: dict[str, Any]) -> dict[str, Any]:
    """The description with ways to ask and refusals, for operations that are not open to all."""
    secured = deepcopy(document)
    secured.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
    for path, methods in secured["paths"].items():
        for method, operation in methods.items():
            scope = required_scope(method.upper(), path)
            if scope is None:
                operation["security"] = []
                continue
            operation["security"] = [{way: []} for way in SECURITY_SCHEMES]
            operation["description"] = f"Needs a key with the scope `{scope}`." if scope else "Any key may ask."
            refusals = {**REFUSALS, **(BUSY_REFUSALS if "requestBody" in operation else {})}
            for code, reason in refusals.items():
                content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
                operation["responses"].setdefault(str(code), {"description": reason, "content": content})
    return secured
