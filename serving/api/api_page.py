"""The page that shows the API's description without any network: operations, schemas, and a box to try a request in."""

from __future__ import annotations

import html
import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from serving.schemas.score import EXAMPLE

PAGE = Path(__file__).resolve().parents[1] / "web" / "docs.html"
BASE_URL = '<span class="here">http://127.0.0.1:3000</span>'  # a script puts in where the page came from
LEAD = "L-1"


def page(document: dict[str, Any]) -> str:
    """The description as HTML that needs nothing else.

    Every operation comes with what it needs, its parameters, its body with an example, a command for a shell, and its answers;
    every schema with its fields. Names of schemas lead to them.
    """
    operations = [(m.upper(), path, details) for path, methods in document["paths"].items() for m, details in methods.items()]
    schemas = document["components"]["schemas"]
    parts = {
        "list": "".join(_list_row(*operation) for operation in operations),
        "operations": "".join(_operation(*operation) for operation in operations),
        "schemas": "".join(_schema(name, schema) for name, schema in sorted(schemas.items())),
        "example": html.escape(json.dumps(EXAMPLE, indent=2)),
    }
    markup = PAGE.read_text(encoding="utf-8")
    for name, text in parts.items():
        markup = markup.replace(f"{{{{{name}}}}}", text)
    return markup


def _list_row(method: str, path: str, operation: dict[str, Any]) -> str:
    link = f'<a href="#{html.escape(operation["operationId"])}"><code>{method} {html.escape(path)}</code></a>'
    return f"<tr><td>{link}</td><td>{_inline_code(operation['summary'])}</td><td>{_access_note(operation)}</td></tr>"


def _access_note(operation: dict[str, Any]) -> str:
    """What a caller needs; nothing is said where the API has no door."""
    return _inline_code(operation.get("description", "Open to all." if operation.get("security") == [] else ""))


def _inline_code(text: str) -> str:
    """Words between backticks as code."""
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(html.escape(text).split("`")))


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    full_stop = "" if operation["summary"].endswith("?") else "."
    parts = [f"<p>{_inline_code(operation['summary'])}{full_stop} {_access_note(operation)}</p>"]
    if parameters := operation.get("parameters"):
        parts.append(_table("Parameters", (_parameter(item) for item in parameters)))
    if body:
        parts.append(f"<p>Body: {_kind(body['schema'])}</p>")
    parts.append(f"<pre>{_command(method, path, body)}</pre>")
    parts.append(_table("Answers", (_answer(code, item) for code, item in sorted(operation["responses"].items()))))
    heading = f"<code>{method} {html.escape(path)}</code>"
    anchor = html.escape(operation["operationId"])
    return f'<details><summary>{heading}</summary><div id="{anchor}">{"".join(parts)}</div></details>'


def _table(title: str, rows: Iterable[str]) -> str:
    return f"<table><caption>{title}</caption>{''.join(rows)}</table>"


def _parameter(parameter: dict[str, Any]) -> str:
    return _row(
        parameter["name"],
        {**parameter["schema"], "description": f"{parameter.get('description', '')}"},
        parameter["required"],
        parameter["in"],
    )


def _answer(code: str, response: dict[str, Any]) -> str:
    kinds = [_kind(content["schema"]) for content in response.get("content", {}).values()]
    return f"<tr><td><b>{code}</b></td><td>{', '.join(kinds)}</td><td>{html.escape(response['description'])}</td></tr>"


def _command(method: str, path: str, body: dict[str, Any]) -> str:
    """The operation as a command for a shell; hooks are signed by those who call them, so theirs only shows where they go."""
    verb = "" if method == "GET" else f" -X {method}"
    command = f"curl -s{verb} {BASE_URL}{html.escape(path.replace('{lead_id}', LEAD))}"
    if "example" not in body:
        return command
    payload = html.escape(shlex.quote(json.dumps(body["example"], indent=2)), quote=False)
    return f"{command} -H 'content-type: application/json' -d {payload}"


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = (_row(field, definition, field in required) for field, definition in schema.get("properties", {}).items())
    description = f"<p>{html.escape(schema.get('description', ''))}</p>"
    title = html.escape(name)
    content = f'<div id="schema-{title}">{description}{_table("Fields", rows)}</div>'
    return f"<details><summary><b>{title}</b></summary>{content}</details>"


def _row(field: str, schema: dict[str, Any], required: bool, location: str = "") -> str:
    notes = " ".join(["" if required else "optional", location and f"in the {location}"]).strip()
    description = html.escape(schema.get("description", ""))
    name = f"<code>{html.escape(field)}</code> <small>{notes}</small>"
    return f"<tr><td>{name}</td><td>{_kind(schema)}{_bounds(schema)}</td><td>{description}</td></tr>"


def _bounds(schema: dict[str, Any]) -> str:
    """What limits a value, in words; of a value that may be null, the limits of the other kind."""
    parts = [schema, *schema.get("anyOf", [])]
    limits = {k: v for part in parts for k, v in part.items()}
    templates = {
        "minimum": "from {}", "maximum": "to {}", "minLength": "{} characters or more", "maxLength": "at most {} characters",
        "minItems": "{} or more", "maxItems": "at most {:,}",
    }  # fmt: skip
    phrases = [words.format(limits[name]) for name, words in templates.items() if name in limits]
    phrases = ["not empty" if words == "1 characters or more" else words for words in phrases]
    if limits.get("default") is not None and not isinstance(limits["default"], (dict, list)):
        phrases.append(f"default {limits['default']}")
    return f"<br><small>{html.escape(', '.join(phrases))}</small>" if phrases else ""


def _kind(schema: dict[str, Any]) -> str:
    """The kind of a value as HTML; a schema by its name leads to it."""
    if "$ref" in schema:
        name = html.escape(str(schema["$ref"]).rsplit("/", 1)[-1])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(part) for part in schema["anyOf"]))
    if named := schema.get("enum", [schema["const"]] if "const" in schema else []):
        return html.escape(" | ".join(map(str, named)))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    value_schema = schema.get("additionalProperties")
    if isinstance(value_schema, dict) and value_schema:
        return f"names with {_kind(value_schema)}"
    return html.escape(str(schema.get("format") or schema.get("type") or "any"))
