"""The page at /docs: everything the description holds, links that lead somewhere, commands that a shell understands."""

from __future__ import annotations

import html
import json
import re
import shlex

import pytest

from serving.api.api_page import page
from serving.api.openapi import describe

DOCUMENT = describe()


@pytest.fixture(scope="module")
def shown() -> str:
    return page(DOCUMENT)


def _part(shown: str, name: str) -> str:
    """What one of the closed parts holds."""
    found = re.search(f'<div id="{name}">(.*?)</details>', shown, re.DOTALL)
    assert found, name
    return found[1]


def test_every_link_of_the_page_leads_to_a_part_of_it(shown: str) -> None:
    places = re.findall(r'id="([^"]+)"', shown)
    assert len(places) == len(set(places))
    assert set(re.findall(r'href="#([^"]+)"', shown)) <= set(places)
    assert {f"schema-{name}" for name in DOCUMENT["components"]["schemas"]} <= set(places)


def test_the_page_tells_of_every_operation_what_it_needs_takes_and_answers(shown: str) -> None:
    for methods in DOCUMENT["paths"].values():
        for what in methods.values():
            part = _part(shown, what["operationId"])
            told = html.unescape(re.sub("<[^>]+>", "", part))
            assert what["summary"].replace("`", "") in told
            for parameter in what.get("parameters", []):
                assert f"{parameter['name']} " in told
                assert parameter.get("description", "") in told
            for code, answer in what["responses"].items():
                assert f"{code}" in told
                assert answer["description"] in told
    score = _part(shown, "lead_score")
    assert "Needs a key with the scope <code>score</code>." in score
    assert 'href="#schema-StoredScore"' in score
    assert "Signed by the CRM" in _part(shown, "hook_hubspot")


def test_a_command_of_the_page_is_one_of_a_shell(shown: str) -> None:
    commands = [html.unescape(re.sub("<[^>]+>", "", part)) for part in re.findall(r"<pre>(curl.*?)</pre>", shown, re.DOTALL)]
    assert len(commands) == sum(len(methods) for methods in DOCUMENT["paths"].values())
    for command in commands:
        words = shlex.split(command)
        assert words[:2] == ["curl", "-s"]
        if "-d" in words:
            assert json.loads(words[words.index("-d") + 1])


def test_a_schema_shows_its_limits_and_its_words(shown: str) -> None:
    lead = _part(shown, "schema-Lead")
    assert "at most 20,000" in lead  # interactions of a lead
    assert "not empty, at most 200 characters" in lead
    asked = _part(shown, "schema-ScoreRequest")
    assert "de | en" in asked
    assert "from 0, to 50, default 5" in asked


def test_what_the_description_says_is_text_on_the_page() -> None:
    wicked = json.loads(json.dumps(DOCUMENT))
    wicked["paths"]["/v1/model"]["get"]["summary"] = "<script>alert(1)</script>"
    wicked["components"]["schemas"]["Lead"]["properties"]["lead_id"]["description"] = "<img src=x>"
    found = page(wicked)
    assert "<script>alert" not in found
    assert "<img" not in found
