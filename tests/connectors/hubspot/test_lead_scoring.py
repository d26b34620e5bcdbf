"""HubSpot's lead scores in the words of a rules file; what rules cannot say is listed."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.hubspot.lead_scoring import translate
from connectors.hubspot.settings import HubSpotSource
from models.rules.rules import Rules

SOURCE = HubSpotSource(kind="hubspot", interactions={"form: Ask us": "contact_requested", "email: SENT": None})
NONE = {"includeObjectsWithNoValueSet": False}


def operation(kind: str, operator: str, **more: Any) -> dict[str, Any]:
    return {"operationType": kind, "operator": operator, **NONE, **more}


def match(name: str, *rules: tuple[dict[str, Any], float]) -> dict[str, Any]:
    return {"type": "MATCH", "property": name, "matchRules": [{"operation": o, "value": v} for o, v in rules]}


def event(number: str, points: float = 5.0, **more: Any) -> dict[str, Any]:
    return {"eventTypeId": number, "recordCalculation": {"type": "CONSTANT", "value": points}, **more}


def score(*calculations: dict[str, Any], category: str = "FIT", rule: Any = None, **group: Any) -> dict[str, Any]:
    rules = [
        {"id": str(n), "enabled": True, "configuration": {"calculation": c}, **(rule or {})} for n, c in enumerate(calculations)
    ]
    groups = [{"groupName": "G", "groupCategory": category, "ruleConfigurations": rules, **group}]
    return {"id": "1", "name": "Lead score", "objectTypeId": "0-1", "groupConfigs": groups}


def events(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"type": "MULTI_UE", "eventCalculators": list(entries)}


def fit(*calculations: dict[str, Any]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = translate(score(*calculations), SOURCE).book["fit"]
    return rules


def behaviour(*entries: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = translate(score(events(*entries), category="INTENT", **more), SOURCE).book["behaviour"]
    return rules


def omitted(*calculations: dict[str, Any], **more: Any) -> str:
    return "\n".join(translate(score(*calculations, **more), SOURCE).omitted)


def test_properties_are_columns_and_operations_conditions() -> None:
    assert fit(
        match("jobtitle", (operation("MULTISTRING", "IS_EQUAL_TO", values=["CEO", "CTO"]), 20)),
        match(
            "budget",
            (operation("NUMBER", "IS_GREATER_THAN_OR_EQUAL_TO", value=50), 5),
            (operation("NUMBER_RANGED", "IS_BETWEEN", lowerBound=10, upperBound=49), 2),
        ),
        match("vip", (operation("BOOL", "IS_EQUAL_TO", value=True), -3)),
    ) == [
        {"attribute": "lead.job_title", "equals": ["CEO", "CTO"], "points": 20},
        {"attribute": "lead.budget", "at_least": 50, "points": 5},
        {"attribute": "lead.budget", "at_least": 10, "at_most": 49, "points": 2},
        {"attribute": "lead.vip", "equals": ["yes"], "points": -3},
    ]


def test_of_a_company_and_of_conditions_together() -> None:
    size = [
        {"type": "SINGLE", "property": "numberofemployees", "operation": operation("NUMBER", o, value=v)}
        for o, v in (("IS_GREATER_THAN", 49), ("IS_LESS_THAN_OR_EQUAL_TO", 500))
    ]
    conditional = {
        "type": "CONDITIONAL",
        "value": 7,
        "whereCondition": {"type": "COMPOSITE", "operator": "AND", "conditions": size},
    }
    company = {
        "type": "ASSOCIATIONS",
        "associatedObjectTypeId": "0-2",
        "rollupType": "MAX",
        "recordCalculation": {"type": "MULTI", "calculators": [conditional]},
    }
    (rule,) = fit(company)
    assert (rule["attribute"], rule["at_most"], rule["points"]) == ("company.employees", 500, 7)
    assert 49 < rule["at_least"] < 49.001


@pytest.mark.parametrize(
    ("entry", "rules"),
    [
        (event("4-666440"), [{"interaction": "email_opened", "points": 5.0}]),
        (
            event(
                "4-666288",
                eventTimeframe={
                    "eventFilterOperation": operation("ROLLING_DATE_RANGE", "IS_LESS_THAN_X_DAYS_AGO", numberOfDays=30)
                },
            ),
            [{"interaction": "email_clicked", "days": 30, "points": 5.0}],
        ),
        (
            event(
                "4-1720599",
                eventTimeframe={
                    "eventFilterOperation": operation(
                        "TIME_RANGED",
                        "IS_BETWEEN",
                        lowerBoundTimePoint={"timeType": "INDEXED", "offset": {"weeks": -2}},
                        upperBoundTimePoint={"timeType": "INDEXED"},
                    )
                },
            ),
            [{"interaction": "meeting", "days": 14.0, "points": 5.0}],
        ),
        (
            event(
                "4-96000", eventFrequencyCriteria={"type": "BETWEEN", "ranges": [{"from": 3, "type": "AT_LEAST", "value": 9}]}
            ),
            [{"interaction": ["pricing_page_view", "blog_view", "product_page_view", "page_view"], "points": 9.0, "times": 3}],
        ),
        (
            event(
                "4-665538",
                eventFrequencyCriteria={
                    "type": "BETWEEN",
                    "ranges": [
                        {"from": 4, "type": "AT_LEAST", "value": 9},
                        {"from": 1, "to": 3, "type": "BETWEEN", "value": 4},
                    ],
                },
            ),
            [
                {"interaction": "email_replied", "points": 4.0, "at_most": 4.0},
                {"interaction": "email_replied", "points": 5.0, "times": 4},
            ],
        ),
    ],
)
def test_events_are_interactions(entry: dict[str, Any], rules: list[dict[str, Any]]) -> None:
    assert behaviour(entry) == rules


def test_forms_are_all_that_a_form_may_be() -> None:
    (rule,) = behaviour(event("4-1639801"))
    assert {"demo_requested", "form_submitted", "contact_requested", "trial_requested"} <= set(rule["interaction"])


def test_limits_and_fading() -> None:
    result = translate(
        score(
            events(event("4-666440")),
            category="INTENT",
            rule={"maxValue": 20},
            maxValue=60,
            groupDecay={"decayIntervalDays": 30, "percentToDecayPerInterval": 25},
        ),
        SOURCE,
    )
    assert result.book["behaviour"] == [{"interaction": "email_opened", "points": 5.0, "at_most": 20, "half_life": 60.0}]
    assert result.book["caps"] == {"engagement": 60}
    assert result.book["thresholds"] == {"mql": 30.0}
    assert Rules.from_dict(result.book).book.status == "draft"


@pytest.mark.parametrize(
    ("calculation", "words"),
    [
        ({"type": "CONSTANT", "value": 5}, "5 points for everybody"),
        ({"type": "SEGMENT_MEMBERSHIP", "segmentMembershipRules": []}, "segment"),
        ({"type": "SOMETHING_NEW"}, "SOMETHING_NEW is not known"),
        ({"type": "MATCH"}, "in a way that is not known"),
        (match("city", (operation("STRING", "CONTAINS", value="x"), 1)), "lead.city: CONTAINS"),
        (
            match("city", ({**operation("STRING", "IS_EQUAL_TO", value="x"), "includeObjectsWithNoValueSet": True}, 1)),
            "who has no value",
        ),
        (
            match("n", (operation("NUMBER", "IS_LESS_THAN", value=5), 1), (operation("NUMBER", "IS_LESS_THAN", value=9), 1)),
            "overlap",
        ),
        ({**match("city"), "defaultValue": 3}, "any other value"),
        (events(event("4-999")), "4-999 are not imported"),
        (events(event("4-667638")), "left out of the import"),
        (events({**event("4-1639801"), "recordCalculation": {"type": "CONDITIONAL"}}), "which form, page or e-mail"),
        (
            events(event("4-666440", eventFrequencyCriteria={"ranges": [{"from": 2, "type": "EXACTLY", "value": 9}]})),
            "takes away again",
        ),
    ],
)
def test_what_rules_cannot_say_is_listed(calculation: dict[str, Any], words: str) -> None:
    assert words in omitted(calculation)
    assert "group 'G', rule 1" in omitted(calculation)


def test_switched_off_segments_and_bands_are_listed() -> None:
    told = omitted(match("city", (operation("STRING", "IS_EQUAL_TO", value="x"), 1)), rule={"enabled": False})
    assert "switched off" in told
    whole = score(match("city", (operation("STRING", "IS_EQUAL_TO", value="x"), 1)))
    whole |= {
        "filterConfiguration": {"segmentIds": [7]},
        "outputConfiguration": {
            "outputs": [
                {
                    "outputType": "THRESHOLD",
                    "boundaries": [{"label": "High", "threshold": 70}, {"label": "Low", "threshold": 10}],
                }
            ]
        },
    }
    result = translate(whole, SOURCE)
    assert result.book["thresholds"] == {"mql": 70}
    assert any("High from 70, Low from 10" in line for line in result.omitted)
    assert any("segments" in line for line in result.omitted)
