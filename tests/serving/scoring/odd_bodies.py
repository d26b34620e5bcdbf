"""Bodies of requests, well-formed and not, by names: every field with values of every kind, names that are missing, twice or
misspelt, times in every spelling, limits, and JSON that is none. How they are read stands beside, in `odd_bodies.tsv`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from serving.schemas.leads import EVENTS_EXAMPLE, LEAD_EXAMPLE
from serving.schemas.score import EXAMPLE

# values as they stand in JSON; numbers beyond what Python reads are text here
VALUES = (
    "null",
    "true",
    "false",
    "0",
    "-1",
    "5.0",
    "51",
    "1e999",
    "-1e999",
    "1e308",
    "9" * 400,
    "18446744073709551616",
    '""',
    '"5"',
    '"yes"',
    '"\\u0000"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '"ä/~x"',
    '"hold"',
    '"IN"',
    f'"{"ü" * 200}"',
    f'"{"y" * 201}"',
    f'"{"y" * 501}"',
    f'"{"z" * 10_001}"',
    "[]",
    "[1]",
    "{}",
    '{"x": 1}',
    '{"x": [1]}',
    '{"\\ud800": "\\ud800"}',
    '{"company_id": 7}',
    '{"company_id": ""}',
    "NaN",
    "01",
)
TIMES = (
    "2026-06-09T10:00:00Z",
    "2026-06-09T10:00:00",
    "2026-06-09t10:00:00z",
    "2026-06-09 10:00:00Z",
    "2026-06-09_10:00:00Z",
    "2026-06-09",
    "2026-06-09T10:00Z",
    "2026-06-09T10:00",
    "2026-06-09T10",
    "2026-06-09T10:00:00.1Z",
    "2026-06-09T10:00:00.123456",
    "2026-06-09T10:00:00.1234567Z",
    "2026-06-29T23:59:59.9999999Z",
    "2026-06-09T10:00:00,5Z",
    "2026-06-09T10:00:00.Z",
    "2026-06-09T10:00:00+0200",
    "2026-06-09T10:00:00+02",
    "2026-06-09T10:00:00+02:00",
    "2026-06-09T10:00:00-23:59",
    "2026-06-09T10:00:00+24:00",
    "2026-06-09T10:00:00+99:00",
    "2026-06-09T10:00:00+02:60",
    "2026-06-09T24:00:00Z",
    "2026-06-09T23:59:60Z",
    "2026-02-29T00:00:00Z",
    "2024-02-29T00:00:00Z",
    "2026-13-01",
    "2026-00-10",
    "2026-6-9",
    "20260609",
    "20260609T100000Z",
    "2026-W24-2",
    "1779267600",
    "1779267600.5",
    "-1779267600",
    "1779-267600",
    "0000-01-01",
    "0001-01-01T00:00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "1899-12-31T23:59:59Z",
    "1900-01-01T00:00:00+01:00",
    "1900-01-01",
    "2199-12-31T23:59:59.999999Z",
    "2200-01-01T00:00:00Z",
    "10000-01-01",
    "2026-06-30T00:00:00Z",
    "2026-06-30T00:00:00.000001Z",
    "2026-06-29T23:59:59Z",
    "2026-07-01T12:00:00Z",
    "2026-07-02",
    " 2026-06-09",
    "2026-06-09 ",
    "2026-06-09T10:00:00Z\\n",
    "--",
    "a-b",
    "٢٠٢٦-٠٦-٠٩",
    "2026-06-09T10:00:00\\u0000",
    "x" * 60 + "-y",
    "\\ud800-1",
)
NAMES = ("leed_id", "x", "int", "str", "\\ud800", "at", "content", "N" * 300, "a/b~c", "")
ACT = '{"type": "page_view", "at": "2026-06-01T00:00:00Z"}'


def edited(content: Any, path: tuple[str | int, ...], text: str | None) -> str:
    """JSON in which a place holds another text; without text it is not there."""
    if not path:
        assert text is not None
        return text
    key, *deeper = path
    if isinstance(content, list):
        items = [json.dumps(item) for item in content]
        items[int(key) : int(key) + 1] = [edited(content[int(key)] if deeper else None, tuple(deeper), text)]
        return f"[{', '.join(items)}]"
    content = content or {}
    members = {json.dumps(name): json.dumps(value) for name, value in content.items()}
    name = f'"{key}"'
    members.pop(name, None)
    if deeper or text is not None:
        members[name] = edited(content.get(key), tuple(deeper), text)
    return f"{{{', '.join(f'{name}: {value}' for name, value in members.items())}}}"


def scored() -> dict[str, Any]:
    """The example with everything that may be sent."""
    lead = {**EXAMPLE["leads"][0], "previous": {"action": "hold", "at": "2026-06-20T00:00:00Z"}}
    lead["interactions"] = [{**act, "content": "c", "campaign": "d"} for act in lead["interactions"]]
    return {**EXAMPLE, "reasons": 5, "language": "en", "leads": [lead]}


LEAD_FIELDS = tuple(scored()["leads"][0])
ACT_FIELDS = ("type", "at", "value", "content", "campaign", "direction")


def score_bodies() -> Iterator[tuple[str, str]]:
    """Requests to score, for `POST /v1/score` and, with `add`, for what-if questions."""
    content, at = scored(), ("leads", 0)
    paths: list[tuple[str | int, ...]] = [("as_of",), ("reasons",), ("language",), ("leads",), at, ("add",)]
    paths += [(*at, name) for name in LEAD_FIELDS] + [(*at, "interactions", 1)]
    paths += [(*at, "interactions", 1, name) for name in ACT_FIELDS] + [(*at, "previous", name) for name in ("action", "at")]
    paths += [
        (*at, "attributes", "opted_out"),
        (*at, "attributes", "a/b"),
        (*at, "company", "employees"),
        (*at, "company", "company_id"),
    ]
    yield from _each_value(content, paths)
    for path in paths:
        yield (
            f"without {_name(path)}",
            edited(content, path, None) if isinstance(path[-1], str) else edited(content, path[:-1], "[]"),
        )
    for path in (
        ("as_of",),
        (*at, "created_at"),
        (*at, "lead_stage_since"),
        (*at, "interactions", 2, "at"),
        (*at, "previous", "at"),
    ):
        for time in TIMES:
            yield f"{_name(path)} at {time[:40]}", edited(content, path, f'"{time}"')
    yield from _each_name(content, ((), at, (*at, "interactions", 0), (*at, "previous"), (*at, "attributes"), (*at, "company")))
    for stage in ("lead", "customer", "lost", "mqll", "MQL", "disqualified"):
        yield f"lead stage {stage}", edited(content, (*at, "lead_stage"), f'"{stage}"')
        closed = {**content, "leads": [{**content["leads"][0], "lead_stage": stage}]}
        yield f"{stage} with a created_at to come", edited(closed, (*at, "created_at"), '"2027-01-01T00:00:00Z"')
        yield f"{stage} with an odd action", edited(closed, (*at, "previous", "action"), '"dance"')
        yield f"{stage} with an odd previous time", edited(closed, (*at, "previous", "at"), '"2027-01-01T00:00:00Z"')
    yield from _several(content)


def _each_value(content: Any, paths: list[tuple[str | int, ...]]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for value in VALUES:
            yield f"{_name(path)} = {value[:24]} ({len(value)})", edited(content, path, value)


def _each_name(content: Any, paths: tuple[tuple[str | int, ...], ...]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for name in NAMES:
            yield f"{_name(path)} with {name[:12]}", edited(content, (*path, name), "5")
            yield f"{_name(path)} with a list in {name[:12]}", edited(content, (*path, name), "[1]")


def _several(content: Any) -> Iterator[tuple[str, str]]:
    """Leads that are good and bad side by side, several faults in one lead, keys twice, damage, limits."""
    good = json.dumps(content["leads"][0])
    other = good.replace("L-1", "L-2")
    bad = {
        "stage": good.replace('"mql"', '"nonsense"'),
        "text": "5",
        "three": '{"lead_id": 5, "created_at": "x", "x": 1, "y": 2}',
        "empty": "{}",
        "scalars": good.replace('"employees": 250', '"employees": [1], "x": {}'),
        "nan": good.replace("95", "NaN"),
        "both": good.replace('"employees": 250', '"employees": [1]').replace('"lead_id"', '"leed_id"'),
        "acts": good.replace('"at"', '"on"'),
        "surrogate": good.replace('"L-1"', '"\\ud800"'),
        "endless": good.replace("95", "1e999"),
        "surrogate in an attribute": good.replace('"webinar"', '"\\udc00"'),
        "surrogate in content": good.replace('"c"', '"\\udc00"'),
        "types": good.replace('"page_view"', '""').replace('"in"', '"up"'),
        "many attributes": good.replace('"DE"', "[]").replace("250", "{}"),
    }
    for name, text in bad.items():
        for title, leads in {
            "alone": [text],
            "among others": [good, text, other],
            "twice": [text, text],
            "first": [text, good],
        }.items():
            yield f"{name}, {title}", f'{{"leads": [{", ".join(leads)}]}}'
    yield "one lead twice", f'{{"leads": [{good}, {good}]}}'
    yield "a refused one first, then the same id", f'{{"leads": [{bad["stage"]}, {good}]}}'
    yield "101 bad leads", f'{{"leads": [{", ".join(["5"] * 101)}]}}'
    for title, text in {
        "leads twice, the first empty": '{"leads": [], "leads": [%s]}',
        "leads twice, the first damaged": '{"leads": [tru], "leads": [%s]}',
        "leads twice, the last empty": '{"leads": [%s], "leads": []}',
        "leads twice, the first bad": '{"leads": 5, "leads": [%s]}',
        "reasons twice": '{"reasons": "x", "leads": [%s], "reasons": 3}',
        "a mark of order": '\ufeff{"leads": [%s]}',
        "space around": ' \n{"leads": [%s]}\r\n\t',
        "two documents": '{"leads": [%s]}{}',
        "a comma too many": '{"leads": [%s,]}',
        "no end": '{"leads": [%s',
        "a comment": '{"leads": [%s]} // x',
        "single quotes": "{'leads': [%s]}",
        "a list": "[%s]",
        "no leads": '{"leeds": [%s]}',
        "a form feed": '{"leads": [%s]\f}',
    }.items():
        for lead_title, lead in {"": good, ", an odd lead": bad["surrogate in an attribute"]}.items():
            yield f"{title}{lead_title}", text.replace("%s", lead)
    for text in (
        "",
        "null",
        "5",
        '"x"',
        "[]",
        "{}",
        "NaN",
        "[" * 100_000,
        '{"leads":' * 5_000,
        "\x00",
        "x" * 300,
        "9" * 5_000,
        "-",
        "\ufeff",
    ):
        yield f"the body {text[:9]} ({len(text)})", text
    deep = "[" * 900 + "]" * 900
    for path in (("leads", 0), ("leads", 0, "attributes", "x"), ("reasons",)):
        yield f"deep lists in {_name(path)}", edited(content, path, deep)
        yield f"deeper lists in {_name(path)}", edited(content, path, "[" * 90_000 + "]" * 90_000)
        yield f"5,000 digits in {_name(path)}", edited(content, path, "9" * 5_000)
    yield "20,000 interactions", edited(content, ("leads", 0, "interactions"), f"[{', '.join([ACT] * 20_000)}]")
    yield "20,001 interactions", edited(content, ("leads", 0, "interactions"), f"[{', '.join([ACT] * 20_001)}]")
    yield "10,000 leads", f'{{"leads": [{", ".join(["5"] * 10_000)}]}}'
    yield "10,001 leads", f'{{"leads": [{", ".join(["5"] * 10_001)}]}}'
    yield "10,001 leads and an unknown name", f'{{"x": 1, "leads": [{", ".join(["5"] * 10_001)}]}}'
    for number in (20, 21):
        yield f"{number} types to add", edited(content, ("add",), json.dumps(["webinar_attended"] * number))
    for value in VALUES:
        yield f"add/1 = {value[:24]} ({len(value)})", edited(content, ("add",), f'["x", {value}]')


def event_bodies() -> Iterator[tuple[str, str]]:
    """Interactions for the store."""
    content = {"interactions": [{**act, "value": 5, "content": "c", "campaign": "d"} for act in EVENTS_EXAMPLE["interactions"]]}
    at = ("interactions", 1)
    yield from _each_value(content, [("interactions",), at, *[(*at, name) for name in ("event_id", "lead_id", *ACT_FIELDS)]])
    yield from _each_name(content, ((), at))
    for name in content["interactions"][1]:
        yield f"without {name}", edited(content, (*at, name), None)
    for time in TIMES:
        yield f"at {time[:40]}", edited(content, (*at, "at"), f'"{time}"')
    one = json.dumps(content["interactions"][0])
    for count in (10_000, 10_001):
        yield f"{count} events", f'{{"interactions": [{", ".join(["5"] * count)}]}}'
    yield "all bad", '{"interactions": [5, {}, {"event_id": "\\ud800", "lead_id": "x"}]}'
    yield "interactions twice", f'{{"interactions": [], "interactions": [{one}]}}'
    for text in ("", "[]", "5", '{"interaction": []}', f'{{"interactions": [{one}'):
        yield f"the body {text[:20]}", text


def change_bodies() -> Iterator[tuple[str, str]]:
    """What is known of a lead, for the store."""
    content = {**LEAD_EXAMPLE, "at": "2026-06-12T00:00:00Z", "opted_out": False, "human_review": True}
    inner: list[tuple[str | int, ...]] = [
        ("attributes", "opted_out"),
        ("attributes", "x"),
        ("company", "company_id"),
        ("company", "x"),
    ]
    yield from _each_value(content, [(), *[(name,) for name in content], *inner])
    yield from _each_name(content, ((), ("attributes",), ("company",)))
    for name in content:
        yield f"without {name}", edited(content, (name,), None)
        if name.endswith(("at", "since")):
            for time in TIMES:
                yield f"{name} at {time[:40]}", edited(content, (name,), f'"{time}"')
    for value in ("no", "on", "TRUE", "t", "0", "1.0", "nein", "ja", "off", " true"):
        yield f"opted_out {value}", edited(content, ("opted_out",), f'"{value}"')
        yield f"the attribute opted_out {value}", edited(content, ("attributes", "opted_out"), f'"{value}"')
    yield "501 attributes", edited(content, ("attributes",), json.dumps({f"a{number}": 1 for number in range(501)}))


def _name(path: tuple[str | int, ...]) -> str:
    return "/".join(map(str, path)) or "the body"
