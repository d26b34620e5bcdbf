"""Calls and answers against a vendor's own description (Swagger 2.0 or OpenAPI 3.0)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from tests.connectors.crm.server import Call


@dataclass
class Described:
    """A description; `prefix` is what our paths have before those of the description."""

    document: dict[str, Any]
    prefix: str = ""

    @classmethod
    def read(cls, file: Path, prefix: str = "") -> Described:
        return cls(_plain(json.loads(file.read_text(encoding="utf-8"))), prefix)

    def operation(self, call: Call) -> dict[str, Any] | None:
        """What the description says of such a call; None for nothing."""
        path = call.path.removeprefix(self.prefix)
        if not call.path.startswith(self.prefix):
            return None
        # a path without a variable before one with
        for known in sorted(self.document["paths"], key=lambda p: p.count("{")):
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(known))
            if re.fullmatch(pattern, path) and call.method.lower() in self.document["paths"][known]:
                found: dict[str, Any] = self.document["paths"][known][call.method.lower()]
                return found
        return None

    def problems(self, call: Call, status: int, body: Any) -> list[str]:
        """What is wrong with a call and its answer by the description."""
        operation = self.operation(call)
        if operation is None:
            return [f"{call.method} {call.path} is not described"]
        found = []
        parameters = [self._resolved(p) for p in operation.get("parameters", [])]
        asked = {p["name"] for p in parameters if p["in"] == "query"}
        needed = [p["name"] for p in parameters if p["in"] == "query" and p.get("required")]
        found += [f"{call.path}: the parameter {name} is missing" for name in needed if name not in call.params]
        found += [f"{call.path}: there is no parameter {name}" for name in call.params if name not in asked]
        sent = self._body_schema(operation, parameters)
        if sent is not None and call.body is not None:
            found += self._violations(call.body, sent, f"{call.path} request")
        told = self._answer_schema(operation, status)
        if told is not None and body is not None and not isinstance(body, str):
            found += self._violations(body, told, f"{call.path} {status}")
        return found

    def _body_schema(self, operation: dict[str, Any], parameters: list[dict[str, Any]]) -> Any:
        if "requestBody" in operation:
            content = self._resolved(operation["requestBody"]).get("content", {})
            return next((c.get("schema") for kind, c in content.items() if "json" in kind), None)
        return next((p["schema"] for p in parameters if p["in"] == "body"), None)

    def _answer_schema(self, operation: dict[str, Any], status: int) -> Any:
        answers = operation.get("responses", {})
        answer = answers.get(str(status)) or answers.get("default")
        if answer is None:
            return None
        answer = self._resolved(answer)
        if "content" in answer:
            return next((c.get("schema") for kind, c in answer["content"].items() if "json" in kind), None)
        return answer.get("schema")

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in part:
            found: Any = self.document
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            part = found
        return part

    def _violations(self, value: Any, schema: Any, where: str) -> list[str]:
        shared = {k: self.document[k] for k in ("definitions", "components", "parameters") if k in self.document}
        validator = jsonschema.Draft7Validator({**schema, **shared} if "$ref" not in schema else {"allOf": [schema], **shared})
        return [f"{where}, {'/'.join(map(str, e.absolute_path))}: {e.message[:160]}" for e in validator.iter_errors(value)]


def _plain(part: Any) -> Any:
    """OpenAPI's `nullable` as JSON Schema has it; examples are no part of it."""
    if isinstance(part, list):
        return [_plain(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {k: _plain(v) for k, v in part.items() if k not in ("example", "examples")}
    if found.get("nullable") is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
    return found
