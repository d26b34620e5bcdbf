"""Rules as a draft of a lead score in HubSpot, by its Lead Scoring API (beta); it scores nobody until a person publishes it.

The way back of `lead_scoring`: what a score of HubSpot cannot say is listed and left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.lead_scoring import COMPANIES, CONTACTS, EVENTS, LAST_DAYS, PATH, ScoreWords, Untranslatable
from connectors.hubspot.settings import HubSpotSource
from models.rules.schema import BehaviourRule, FitRule, RuleBook

LIMIT = 100  # points of a category, where the rules have no cap
PRIMARY = {"associationSpec": 1, "inverseAssociationSpec": 2}  # HubSpot's numbers: contact to its primary company, and back
CONDITIONS = {"at_least", "at_most", "equals"}  # of fit rules that HubSpot can ask

Definitions = Mapping[str, Mapping[str, Mapping[str, Any]]]  # kind → property → its definition


def draft(book: RuleBook, name: str, source: HubSpotSource, definitions: Definitions) -> tuple[dict[str, Any], list[str]]:
    """The body that makes a draft of these rules, and what is not in it, in words.

    Raises
    ------
    Untranslatable
        if nothing is left.
    """
    omitted: list[str] = []
    groups = [*_fit_groups(book, source, definitions, omitted), *_behaviour_groups(book, source, omitted)]
    if not groups:
        raise Untranslatable("; ".join(omitted))
    caps = [cap for cap in (book.caps.fit, book.caps.engagement) if cap is not None]
    body = {
        "name": name,
        "objectTypeId": CONTACTS,
        "allowedGroupTypes": sorted({group["groupCategory"] for group in groups}),
        "maxScorePerCategory": round(max(caps, default=LIMIT)),
        "groupConfigs": groups,
    }
    return body, omitted


def create(api: HubSpotApi, body: Mapping[str, Any]) -> None:
    """Make the draft; asked once, since twice would be two."""
    api.http.post(PATH, body, text=True, repeat=False)  # answered by an address alone


def _fit_groups(
    book: RuleBook, source: HubSpotSource, definitions: Definitions, omitted: list[str]
) -> Iterator[dict[str, Any]]:
    rules = []
    for rule in book.fit:
        try:
            rules.append({"enabled": True, "configuration": {"calculation": _fit(rule, source, definitions)}})
        except Untranslatable as reason:
            omitted.append(str(reason))
    if rules:
        limit = {} if book.caps.fit is None else {"maxValue": book.caps.fit}
        yield {"groupCategory": "FIT", "groupName": "Fit", **limit, "ruleConfigurations": rules}


def _fit(rule: FitRule, source: HubSpotSource, definitions: Definitions) -> dict[str, Any]:
    """Conditions of one property; HubSpot adds the points of its rules up as ours are."""
    entity, column = rule.entity_column
    kind, columns = ("contacts", source.leads) if entity == "lead" else ("companies", source.companies)
    name = columns.get(column, column)
    definition = definitions.get(kind, {}).get(name)
    if definition is None:
        raise Untranslatable(f"{rule.words()}: HubSpot has no property {name!r} of {kind}")
    if further := sorted(set(rule.conditions) - CONDITIONS):
        raise Untranslatable(f"{rule.words()}: HubSpot cannot ask for {', '.join(further).replace('_', ' ')}")
    conditions = [
        {"type": "SINGLE", "property": name, "operation": {"includeObjectsWithNoValueSet": False, **operation}}
        for operation in _operations(rule, str(definition.get("type")))
    ]
    where = {"type": "COMPOSITE", "operator": "AND", "conditions": conditions}
    conditional = {"type": "CONDITIONAL", "value": rule.points, "whereCondition": where}
    if entity == "lead":
        return conditional
    specs = {key: {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": n} for key, n in PRIMARY.items()}
    company = {"type": "ASSOCIATIONS", "associatedObjectTypeId": COMPANIES, "rollupType": "MAX" if rule.points > 0 else "MIN"}
    return {**company, **specs, "recordCalculation": conditional}


def _operations(rule: FitRule, kind: str) -> Iterator[dict[str, Any]]:
    if rule.equals is not None:
        values = [rule.equals] if isinstance(rule.equals, str) else list(rule.equals)
        if kind == "bool" or values in (["yes"], ["no"]):
            yield {"operationType": "BOOL", "operator": "IS_EQUAL_TO", "value": values[0].casefold() in ("yes", "true", "1")}
        elif kind == "enumeration":
            yield {"operationType": "ENUMERATION", "operator": "IS_ANY_OF", "values": values}
        else:
            yield {"operationType": "MULTISTRING", "operator": "IS_EQUAL_TO", "values": values}
    for value, operator in (
        (rule.at_least, "IS_GREATER_THAN_OR_EQUAL_TO"),
        (rule.at_most, "IS_LESS_THAN_OR_EQUAL_TO"),
    ):
        if value is not None:
            yield {"operationType": "NUMBER", "operator": operator, "value": value}


def _behaviour_groups(book: RuleBook, source: HubSpotSource, omitted: list[str]) -> Iterator[dict[str, Any]]:
    """A group for each half-life, since HubSpot lets all points of a group fade alike."""
    words = ScoreWords(source)
    groups: dict[float | None, list[dict[str, Any]]] = {}
    for rule in book.behaviour:
        try:
            translated = _behaviour(rule, words)
        except Untranslatable as reason:
            omitted.append(str(reason))
        else:
            groups.setdefault(rule.half_life, []).append(translated)
    for half_life, rules in groups.items():
        limit = {} if book.caps.engagement is None else {"maxValue": book.caps.engagement}
        fading = {}
        if half_life is not None:
            fading = {"groupDecay": {"decayIntervalDays": round(half_life), "percentToDecayPerInterval": 50}}
        name = "Engagement" if half_life is None else f"Engagement, half-life {half_life:g} days"
        yield {"groupCategory": "INTENT", "groupName": name, **limit, **fading, "ruleConfigurations": rules}
    if book.caps.engagement is not None and len(groups) > 1:
        omitted.append(f"the cap of {book.caps.engagement:g} points over all groups of engagement; each of them has it")


def _behaviour(rule: BehaviourRule, words: ScoreWords) -> dict[str, Any]:
    """A rule of the events that are exactly these types."""
    names: dict[str, set[str]] = {}
    for event in EVENTS:
        try:
            names[event] = set(words.interactions(event))
        except Untranslatable:
            continue
    events = [event for event, types in names.items() if types <= set(rule.types)]
    further_types = set(rule.types).difference(*(names[event] for event in events))
    if further_types:
        raise Untranslatable(
            f"{rule.words()}: HubSpot has no event that is {' or '.join(sorted(further_types))} and nothing else"
        )
    if rule.times is not None and len(events) > 1:
        raise Untranslatable(f"{rule.words()}: HubSpot does not count different events together")
    entry: dict[str, Any] = {"recordCalculation": {"type": "CONSTANT", "value": rule.points}}
    if rule.times is not None:
        ranges = [{"from": rule.times, "type": "AT_LEAST", "value": rule.points}]
        entry["eventFrequencyCriteria"] = {"type": "BETWEEN", "ranges": ranges}
    if rule.days is not None:
        operation = {"operationType": "ROLLING_DATE_RANGE", "operator": LAST_DAYS, "numberOfDays": round(rule.days)}
        further = {"includeObjectsWithNoValueSet": False, "requiresTimeZoneConversion": False}
        entry["eventTimeframe"] = {"eventFilterOperation": {**operation, **further}}
    limit = {} if rule.at_most is None else {"maxValue": rule.at_most} if rule.points > 0 else {"minValue": -rule.at_most}
    calculation = {"type": "MULTI_UE", "eventCalculators": [{"eventTypeId": event, **entry} for event in events]}
    return {"enabled": True, "configuration": {"calculation": calculation}, **limit}
