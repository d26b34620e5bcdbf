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
HERE = '<span class="here">http://127.0.0.1:3000</span>'  # a script puts in where the page came from
LEAD = "L-1"


def page(document: dict[str, Any]) -> str:
    """The description as HTML that needs nothing else.

    Every operation comes with what it needs, its parameters, its body with an example, a command for a shell, and its answers;
    every schema with its fields. Names of schemas lead to them.
    """
    operations = [(m.upper(), path, what) for path, methods in document["paths"].items() for m, what in methods.items()]
    schemas = document["components"]["schemas"]
    parts = {
        "list": "".join(_listed(*operation) for operation in operations),
        "operations": "".join(_operation(*operation) for operation in operations),
        "schemas": "".join(_schema(name, schema) for name, schema in sorted(schemas.items())),
        "example": html.escape(json.dumps(EXAMPLE, indent=2)),
    }
    found = PAGE.read_text(encoding="utf-8")
    for name, text in parts.items():
        found = found.replace(f"{{{{{name}}}}}", text)
    return found


def _listed(method: str, path: str, what: dict[str, Any]) -> str:
    link = f'<a href="#{html.escape(what["operationId"])}"><code>{method} {html.escape(path)}</code></a>'
    return f"<tr><td>{link}</td><td>{_coded(what['summary'])}</td><td>{_needs(what)}</td></tr>"


def _needs(what: dict[str, Any]) -> str:
    """What a caller needs; nothing is said where the API has no door."""
    return _coded(what.get("description", "Open to all." if what.get("security") == [] else ""))


def _coded(text: str) -> str:
    """Words between backticks as code."""
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(html.escape(text).split("`")))


def _operation(method: str, path: str, what: dict[str, Any]) -> str:
    body = what.get("requestBody", {}).get("content", {}).get("application/json", {})
    parts = [f"<p>{_coded(what['summary'])}{'' if what['summary'].endswith('?') else '.'} {_needs(what)}</p>"]
    if asked := what.get("parameters"):
        parts.append(_table("Parameters", (_parameter(one) for one in asked)))
    if body:
        parts.append(f"<p>Body: {_kind(body['schema'])}</p>")
    parts.append(f"<pre>{_command(method, path, body)}</pre>")
    parts.append(_table("Answers", (_answer(code, one) for code, one in sorted(what["responses"].items()))))
    heading = f"<code>{method} {html.escape(path)}</code>"
    return f'<details><summary>{heading}</summary><div id="{html.escape(what["operationId"])}">{"".join(parts)}</div></details>'


def _table(title: str, rows: Iterable[str]) -> str:
    return f"<table><caption>{title}</caption>{''.join(rows)}</table>"


def _parameter(one: dict[str, Any]) -> str:
    return _row(one["name"], {**one["schema"], "description": f"{one.get('description', '')}"}, one["required"], one["in"])


def _answer(code: str, one: dict[str, Any]) -> str:
    kinds = [_kind(content["schema"]) for content in one.get("content", {}).values()]
    return f"<tr><td><b>{code}</b></td><td>{', '.join(kinds)}</td><td>{html.escape(one['description'])}</td></tr>"


def _command(method: str, path: str, body: dict[str, Any]) -> str:
    """The operation as a command for a shell; hooks are signed by those who call them, so theirs only shows where they go."""
    verb = "" if method == "GET" else f" -X {method}"
    command = f"curl -s{verb} {HERE}{html.escape(path.replace('{lead_id}', LEAD))}"
    if "example" not in body:
        return command
    sent = html.escape(shlex.quote(json.dumps(body["example"], indent=2)), quote=False)
    return f"{command} -H 'content-type: application/json' -d {sent}"


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = (_row(field, what, field in required) for field, what in schema.get("properties", {}).items())
    about = f"<p>{html.escape(schema.get('description', ''))}</p>"
    shown = html.escape(name)
    return f'<details><summary><b>{shown}</b></summary><div id="schema-{shown}">{about}{_table("Fields", rows)}</div></details>'


def _row(field: str, what: dict[str, Any], required: bool, where: str = "") -> str:
    notes = " ".join(["" if required else "optional", where and f"in the {where}"]).strip()
    about = html.escape(what.get("description", ""))
    name = f"<code>{html.escape(field)}</code> <small>{notes}</small>"
    return f"<tr><td>{name}</td><td>{_kind(what)}{_bounds(what)}</td><td>{about}</td></tr>"


def _bounds(schema: dict[str, Any]) -> str:
    """What limits a value, in words; of a value that may be null, the limits of the other kind."""
    parts = [schema, *schema.get("anyOf", [])]
    known = {k: v for part in parts for k, v in part.items()}
    said = {
        "minimum": "from {}", "maximum": "to {}", "minLength": "{} characters or more", "maxLength": "at most {} characters",
        "minItems": "{} or more", "maxItems": "at most {:,}",
    }  # fmt: skip
    found = [words.format(known[name]) for name, words in said.items() if name in known]
    found = ["not empty" if words == "1 characters or more" else words for words in found]
    if known.get("default") is not None and not isinstance(known["default"], (dict, list)):
        found.append(f"default {known['default']}")
    return f"<br><small>{html.escape(', '.join(found))}</small>" if found else ""


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
    inside = schema.get("additionalProperties")
    if isinstance(inside, dict) and inside:
        return f"names with {_kind(inside)}"
    return html.escape(str(schema.get("format") or schema.get("type") or "any"))
