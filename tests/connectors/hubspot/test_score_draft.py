"""Rules as the draft of a HubSpot score: what goes there comes back the same."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.hubspot.lead_scoring import Untranslatable, translate
from connectors.hubspot.score_draft import draft
from connectors.hubspot.settings import HubSpotSource
from models.rules.schema import RuleBook

SOURCE = HubSpotSource(kind="hubspot")
KINDS = {"jobtitle": "string", "region": "enumeration", "budget": "number", "vip": "bool"}
DEFINITIONS = {
    "contacts": {name: {"type": kind} for name, kind in KINDS.items()},
    "companies": {"numberofemployees": {"type": "number"}},
}
FIT = [
    {"attribute": "lead.region", "equals": ["north", "south"], "points": 5.0},
    {"attribute": "lead.job_title", "equals": ["CEO"], "points": 9.0},
    {"attribute": "lead.vip", "equals": ["yes"], "points": -2.0},
    {"attribute": "lead.budget", "at_least": 10.0, "at_most": 99.0, "points": 3.0},
    {"attribute": "company.employees", "at_least": 50.0, "points": 10.0},
]
BEHAVIOUR = [
    {"interaction": "email_clicked", "days": 30, "points": 3.0, "at_most": 12.0},
    {"interaction": "meeting", "points": 25.0},
    {"interaction": "email_bounced", "points": -5.0, "at_most": 5.0},
    {"interaction": "email_opened", "points": 8.0, "times": 3},
    {"interaction": "email_replied", "points": 4.0, "half_life": 20.0},
]


def _book(**content: Any) -> RuleBook:
    return RuleBook.model_validate({"behaviour": [], "fit": [], **content})


def test_what_goes_to_hubspot_comes_back_the_same() -> None:
    body, omitted = draft(_book(behaviour=BEHAVIOUR, fit=FIT, caps={"fit": 40}), "Learned", SOURCE, DEFINITIONS)
    assert omitted == []
    assert (body["objectTypeId"], body["allowedGroupTypes"], body["maxScorePerCategory"]) == ("0-1", ["FIT", "INTENT"], 40)
    back = translate(body, SOURCE).book
    assert back["fit"] == FIT
    assert sorted(back["behaviour"], key=str) == sorted(BEHAVIOUR, key=str)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"attribute": "lead.job_title", "seniority_at_least": 3, "points": 5}, "cannot ask for seniority at least"),
        ({"attribute": "lead.email_domain", "free_mail": True, "points": -5}, "no property 'email_domain'"),
        ({"attribute": "company.founded", "at_least": 3, "points": 5}, "no property 'founded' of companies"),
        ({"interaction": "pricing_page_view", "points": 5}, "no event that is pricing_page_view and nothing else"),
        ({"interaction": ["email_opened", "email_clicked"], "points": 5, "times": 2}, "different events together"),
    ],
)
def test_what_hubspot_cannot_say_is_listed(rule: dict[str, Any], words: str) -> None:
    key = "behaviour" if "interaction" in rule else "fit"
    spare = {"interaction": "meeting", "points": 1}
    book = {"behaviour": [spare], key: [rule, *([spare] if key == "behaviour" else [])]}
    _, omitted = draft(_book(**book), "x", SOURCE, DEFINITIONS)
    assert len(omitted) == 1
    assert words in omitted[0]
    alone = {"behaviour": [], "fit": [], key: [rule]}
    with pytest.raises(Untranslatable, match=words):
        draft(_book(**alone), "x", SOURCE, DEFINITIONS)


def test_a_cap_over_several_groups_is_told() -> None:
    body, omitted = draft(_book(behaviour=BEHAVIOUR, caps={"engagement": 60}), "x", SOURCE, DEFINITIONS)
    assert [group["maxValue"] for group in body["groupConfigs"]] == [60, 60]
    assert "each of them has it" in omitted[0]
