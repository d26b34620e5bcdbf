"""HubSpot's own lead scores as rules: the criteria of its Lead Scoring API (beta) in the words of a rules file.

What a rules file cannot say is listed, never guessed: a rule that means something else would be judged in the customer's name.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from connectors.crm.interactions import FORM_TYPES, PAGES
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.settings import INTERACTIONS, HubSpotSource

VERSION = "2026-09-beta"
PATH = f"/marketing/lead-scoring/{VERSION}/scores"
PAGE = 100
CONTACTS, COMPANIES = "0-1", "0-2"  # object types
FORMS = "form"
# HubSpot's numbers of events, as its lists and workflows name them → its types as the connector names them
EVENTS: Mapping[str, tuple[str, ...]] = {
    "4-666440": ("email: OPEN",),
    "4-666288": ("email: CLICK",),
    "4-667638": ("email: SENT",),
    "4-5470331": ("email: BOUNCE",),
    "4-665538": ("sales email: in",),
    "4-1639801": (FORMS,),
    "4-96000": tuple(PAGES),
    "4-1720599": ("meeting",),
    "4-1733817": ("call", "call: connected", "call: inbound"),
    "4-68559": ("event: REGISTERED",),
}
LAST_DAYS = "IS_LESS_THAN_X_DAYS_AGO"
EQUAL = ("IS_ANY_OF", "IS_EQUAL_TO")
DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "quarters": 365.25 / 4, "years": 365.25}

Criterion = Mapping[str, Any]


class Untranslatable(Exception):  # noqa: N818  a finding, not an error of ours
    """What a rules file cannot say, in words."""


@dataclass
class Translation:
    """A score as the content of a rules file, and what of it no rule says, in words."""

    name: str
    book: dict[str, Any]
    omitted: list[str] = field(default_factory=list)

    @property
    def rules(self) -> int:
        return len(self.book["behaviour"]) + len(self.book["fit"])


def read_scores(api: HubSpotApi) -> list[dict[str, Any]]:
    """The configurations of all scores of contacts, drafts among them.

    Raises
    ------
    CrmError
        if the token may not read them.
    """
    listed = [s for s in api.list_rows(PATH, PAGE) if s.get("scoredObjectTypeId", s.get("objectTypeId")) == CONTACTS]
    return [api.http.get(f"{PATH}/{score['id']}").body for score in listed]


def translate(score: Mapping[str, Any], source: HubSpotSource) -> Translation:
    """A score of contacts as rules, by the columns and interaction types that an import of `source` gives."""
    book: dict[str, Any] = {"version": 1, "status": "draft", "note": f"HubSpot's score {score['name']}"}
    result = Translation(str(score["name"]), {**book, "thresholds": {}, "caps": {}, "behaviour": [], "fit": []})
    words = ScoreWords(source)
    for group in score.get("groupConfigs") or ():
        _translate_group(group, words, result)
    _caps(score, result)
    _thresholds(score, result)
    if score.get("filterConfiguration", {}).get("segmentIds"):
        result.omitted.append("who is scored at all: HubSpot takes or leaves out members of segments (lists)")
    result.book = {key: value for key, value in result.book.items() if value or key in ("behaviour", "fit")}
    return result


def _translate_group(group: Mapping[str, Any], words: ScoreWords, result: Translation) -> None:
    where = f"group {group.get('groupName')!r}"
    for number, rule in enumerate(group.get("ruleConfigurations") or (), start=1):
        subject = f"{where}, rule {number}"
        if not rule.get("enabled", True):
            result.omitted.append(f"{subject}: it is switched off")
            continue
        for calculation in _single_calculations(rule["configuration"]["calculation"]):
            try:
                behaviour, fit = _rules_of(calculation, words)
            except Untranslatable as reason:
                result.omitted.append(f"{subject}: {reason}")
                continue
            except (KeyError, TypeError, AttributeError, ValueError):  # of a beta whose answers may change
                result.omitted.append(f"{subject}: HubSpot says it in a way that is not known here")
                continue
            _limit(behaviour, rule, subject, result)
            _fade(behaviour, group.get("groupDecay"), subject, result)
            result.book["behaviour"] += behaviour
            result.book["fit"] += fit


def _single_calculations(calculation: Criterion) -> Iterator[Criterion]:
    """The single calculations of one that adds up several."""
    kind = calculation.get("type")
    if kind == "MULTI":
        for inner in calculation["calculators"]:
            yield from _single_calculations(inner)
    elif kind == "MULTI_UE":
        yield from calculation["eventCalculators"]
    else:
        yield calculation


@dataclass(frozen=True)
class ScoreWords:
    """How an import calls HubSpot's properties and events."""

    source: HubSpotSource

    def attribute(self, name: str, entity: str = "lead") -> str:
        columns = self.source.leads if entity == "lead" else self.source.companies
        return f"{entity}.{next((ours for ours, vendor_name in columns.items() if vendor_name == name), name)}"

    def interactions(self, event: str) -> list[str]:
        types = {**INTERACTIONS, **self.source.interactions}
        if event not in EVENTS:
            raise Untranslatable(f"events of the type {event} are not imported")
        if EVENTS[event] == (FORMS,):
            own_names = [
                ours for vendor_name, ours in self.source.interactions.items() if vendor_name.startswith("form: ") and ours
            ]
            return list(dict.fromkeys([*FORM_TYPES, *own_names]))
        names = list(dict.fromkeys(ours for vendor_name in EVENTS[event] if (ours := types.get(vendor_name))))
        if not names:
            raise Untranslatable(f"{EVENTS[event][0]} is left out of the import (`interactions:`)")
        return names


def _rules_of(
    calculation: Criterion, words: ScoreWords, entity: str = "lead"
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rules of behaviour and of fit that say the same as a calculation."""
    kind = calculation.get("type")
    if "eventTypeId" in calculation:
        return _event_rules(calculation, words), []
    if kind == "MATCH":
        return [], _match_rules(calculation, words.attribute(str(calculation["property"]), entity))
    if kind == "CONDITIONAL":
        return [], [_conditional_rule(calculation, words, entity)]
    of_companies = calculation.get("associatedObjectTypeId") == COMPANIES and not calculation.get("associationFilters")
    if kind == "ASSOCIATIONS" and of_companies:
        calculations = _single_calculations(calculation["recordCalculation"])
        return [], [rule for inner in calculations for rule in _rules_of(inner, words, "company")[1]]
    reasons = {
        "CONSTANT": f"{_number(calculation.get('value'))} points for everybody tell nobody from anybody",
        "SEGMENT_MEMBERSHIP": "membership of a segment (list) is not imported",
        "ASSOCIATIONS": "points of associated records are only known of companies, without a filter of their own",
        "ASSOCIATION_UE": "events of associated records are not imported",
    }
    raise Untranslatable(reasons.get(str(kind), f"a calculation of the kind {kind} is not known"))


def _match_rules(calculation: Criterion, attribute: str) -> list[dict[str, Any]]:
    """A rule for each value of a property. HubSpot gives the points of the first that holds, ours add up: they must not
    overlap."""
    if calculation.get("defaultValue"):
        raise Untranslatable(f"{attribute}: points for any other value, or none")
    rules = [
        {"attribute": attribute, **_conditions(match["operation"], attribute), "points": match["value"]}
        for match in calculation["matchRules"]
    ]
    for index, rule in enumerate(rules):
        if any(_overlap(rule, earlier) for earlier in rules[:index]):
            raise Untranslatable(f"{attribute}: its conditions overlap, and only the first one that holds counts in HubSpot")
    return rules


def _conditional_rule(calculation: Criterion, words: ScoreWords, entity: str) -> dict[str, Any]:
    """The rule that all conditions of one property make."""
    conditions = calculation["whereCondition"]["conditions"]
    if any(condition.get("type") != "SINGLE" for condition in conditions):
        raise Untranslatable("conditions within conditions")
    attributes = {words.attribute(str(condition["property"]), entity) for condition in conditions}
    if len(attributes) > 1:
        raise Untranslatable(f"{' and '.join(sorted(attributes))} together; a rule is about one column")
    (attribute,) = attributes
    merged: dict[str, Any] = {}
    for condition in conditions:
        for key, value in _conditions(condition["operation"], attribute).items():
            if key in merged:
                raise Untranslatable(f"{attribute}: several conditions of the same kind")
            merged[key] = value
    return {"attribute": attribute, **merged, "points": calculation["value"]}


def _conditions(operation: Criterion, attribute: str) -> dict[str, Any]:
    """What an operation on a property asks, as conditions of a rule."""
    kind, operator, value = operation.get("operationType"), str(operation.get("operator")), operation.get("value")
    if operation.get("includeObjectsWithNoValueSet"):
        raise Untranslatable(f"{attribute}: who has no value counts too")
    if kind in ("ENUMERATION", "MULTISTRING") and operator in EQUAL:
        return {"equals": [str(name) for name in operation["values"]]}
    if kind == "STRING" and operator in EQUAL:
        return {"equals": [str(value)]}
    if kind == "BOOL" and operator in EQUAL:
        return {"equals": ["yes" if value else "no"]}
    if kind == "NUMBER_RANGED" and operator == "IS_BETWEEN":
        return {"at_least": operation["lowerBound"], "at_most": operation["upperBound"]}
    if kind == "NUMBER" and isinstance(value, int | float):
        bounds = {
            "IS_EQUAL_TO": {"at_least": value, "at_most": value},
            "IS_GREATER_THAN_OR_EQUAL_TO": {"at_least": value},
            "IS_LESS_THAN_OR_EQUAL_TO": {"at_most": value},
            "IS_GREATER_THAN": {"at_least": math.nextafter(value, math.inf)},
            "IS_LESS_THAN": {"at_most": math.nextafter(value, -math.inf)},
        }
        if operator in bounds:
            return bounds[operator]
    raise Untranslatable(f"{attribute}: {operator} ({kind})")


def _overlap(rule: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    """May the conditions of two rules of one attribute hold together?"""
    if "equals" in rule and "equals" in earlier:
        return bool({name.casefold() for name in rule["equals"]} & {name.casefold() for name in earlier["equals"]})
    if "equals" in rule or "equals" in earlier:
        return True
    low = max(rule.get("at_least", -math.inf), earlier.get("at_least", -math.inf))
    return bool(low <= min(rule.get("at_most", math.inf), earlier.get("at_most", math.inf)))


def _event_rules(event: Criterion, words: ScoreWords) -> list[dict[str, Any]]:
    """The rules of one kind of event: points each time, or once it happened so many times."""
    names = words.interactions(str(event["eventTypeId"]))
    calculation = event.get("recordCalculation") or {}
    base: dict[str, Any] = {"interaction": names[0] if len(names) == 1 else names, **_window(event.get("eventTimeframe"))}
    if calculation.get("type") != "CONSTANT":
        raise Untranslatable(f"{', '.join(names)}: points by properties of the event (which form, page or e-mail)")
    if (frequency := event.get("eventFrequencyCriteria")) is None:
        return [{**base, "points": calculation["value"]}]
    rules, previous = [], 0.0
    for begin, points in _steps(frequency, names):
        once = {"times": begin} if begin > 1 else {"at_most": abs(points)}
        rules.append({**base, "points": points - previous, **once})
        previous = points
    return rules


def _steps(frequency: Criterion, names: Sequence[str]) -> Iterator[tuple[int, float]]:
    """From how many times on there are how many points in all, where more times never give less."""
    ranges = sorted(frequency.get("ranges") or (), key=lambda bounds: int(bounds["from"]))
    # without its `to` a range is of one number of times
    unbroken = all(int(low.get("to") or low["from"]) + 1 == int(high["from"]) for low, high in pairwise(ranges))
    rising = all(low["value"] < high["value"] for low, high in pairwise(ranges))
    if not ranges or ranges[-1]["type"] != "AT_LEAST" or not unbroken or not rising:
        raise Untranslatable(f"{', '.join(names)}: points for a number of times that a higher one takes away again")
    for bounds in ranges:
        yield int(bounds["from"]), float(bounds["value"])


def _window(timeframe: Criterion | None) -> dict[str, Any]:
    """The days that an event counts."""
    if timeframe is None:
        return {}
    operation = timeframe["eventFilterOperation"]
    if operation.get("operationType") == "ROLLING_DATE_RANGE" and operation.get("operator") == LAST_DAYS:
        return {"days": operation["numberOfDays"]}
    offset = (operation.get("lowerBoundTimePoint") or {}).get("offset") or {}
    upper = operation.get("upperBoundTimePoint") or {}
    backwards = offset and all(number <= 0 for number in offset.values()) and operation.get("operator") == "IS_BETWEEN"
    if operation.get("operationType") == "TIME_RANGED" and backwards and not upper.get("offset") and set(offset) <= DAYS.keys():
        return {"days": round(abs(sum(number * DAYS[unit] for unit, number in offset.items())), 1)}
    raise Untranslatable(f"events of a time frame that does not end today ({operation.get('operationType')})")


def _limit(rules: Sequence[dict[str, Any]], rule: Mapping[str, Any], subject: str, result: Translation) -> None:
    """The most points that a rule of behaviour gives or takes."""
    for translated in rules:
        bound = rule.get("maxValue", rule.get("maximumValue")) if translated["points"] > 0 else rule.get("minValue")
        if bound and "times" not in translated and len(rules) == 1:
            translated["at_most"] = abs(bound)
        elif bound and len(rules) > 1:
            result.omitted.append(f"{subject}: its limit of {_number(bound)} points over several kinds of events")


def _fade(rules: Sequence[dict[str, Any]], decay: Criterion | None, subject: str, result: Translation) -> None:
    """HubSpot takes a share off at every interval; the half-life is when half is gone."""
    if not decay or not decay.get("percentToDecayPerInterval"):
        return
    half_life = decay["decayIntervalDays"] * 50 / decay["percentToDecayPerInterval"]
    for rule in rules:
        if "days" in rule or "times" in rule:
            result.omitted.append(
                f"{subject}: that points fade (half in {half_life:g} days), beside a time frame or number of times"
            )
        else:
            rule["half_life"] = half_life


def _caps(score: Mapping[str, Any], result: Translation) -> None:
    """The most points of behaviour and fit; of several groups of a kind the sum."""
    for category, key in (("FIT", "fit"), ("INTENT", "engagement")):
        groups = [g for g in score.get("groupConfigs") or () if g.get("groupCategory") == category]
        limits = [g["maxValue"] for g in groups if g.get("maxValue")]
        if limits and len(limits) == len(groups):
            result.book["caps"][key] = sum(limits)
            if len(limits) > 1:
                result.omitted.append(f"the limits of the {len(limits)} groups of {key} one by one; their sum is kept")
        elif limits:
            result.omitted.append(f"the limits of some groups of {key}")
        overall = score.get("maxScorePerCategory")
        if groups and overall:
            result.book["caps"][key] = min(overall, result.book["caps"].get(key, overall))


def _thresholds(score: Mapping[str, Any], result: Translation) -> None:
    """HubSpot knows bands of a score and no lead stages: who reaches the highest band is proposed as an MQL."""
    outputs = (score.get("outputConfiguration") or {}).get("outputs") or ()
    bounds = [bound for output in outputs if output.get("outputType") == "THRESHOLD" for bound in output["boundaries"]]
    limit = sum(result.book["caps"].values()) or score.get("maxScore") or 100
    highest = max((bound["threshold"] for bound in bounds), default=limit / 2)
    result.book["thresholds"] = {"mql": highest}
    bands = ", ".join(f"{bound['label']} from {_number(bound['threshold'])}" for bound in bounds)
    result.omitted.append(
        f"from how many points a lead is recommended for which lead stage{f' (HubSpot: {bands})' if bands else ''}"
    )


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
