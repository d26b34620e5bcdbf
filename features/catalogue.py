"""The catalogue: every feature there is. To add one, add an entry here.

Interaction types seen in the data extend it: each frequent type gets the same family of features, and the groups below
gather types that mean the same to a marketer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from features.dataset.funnel import Funnel
from features.spec import (
    Acts,
    Age,
    ColleaguesActive,
    ColleaguesCount,
    ColleaguesSilence,
    Count,
    CreatedOn,
    DaysSince,
    Decayed,
    Feature,
    Gap,
    GroupSize,
    InStage,
    Share,
    Silence,
    Topics,
    Total,
    Trend,
    Variety,
)

ANY = Acts("any")
INBOUND = Acts("inbound", direction="in")
OUTBOUND = Acts("outbound", direction="out")
VISITS = Acts("visit", mark="visit")
ACTIVE_DAYS = Acts("active_day", mark="active_day")

# group → the interaction types it gathers; a group is used where at least two of them occur
GROUPS: dict[str, tuple[str, ...]] = {
    "website": ("page_view", "pricing_page_view", "product_page_view", "blog_view"),
    "download": ("whitepaper_download", "case_study_download", "ebook_download", "download"),
    "intent": ("pricing_page_view", "trial_requested", "demo_requested", "meeting", "call_answered"),
}

# part → whole, where both types occur: rates rather than counts
RATES: tuple[tuple[str, str], ...] = (
    ("email_opened", "email_sent"),
    ("email_clicked", "email_sent"),
    ("email_clicked", "email_opened"),
    ("webinar_attended", "webinar_registered"),
    ("call_answered", "call_made"),
    ("trial_requested", "product_page_view"),
)

WINDOWS = (7.0, 30.0, 90.0)  # days
HALF_LIVES = (7.0, 30.0)  # days


@dataclass(frozen=True)
class Seen:
    """What the data hold: interaction types (most frequent first), directions, and whether contents, values, accounts exist."""

    types: tuple[str, ...] = ()
    valued: tuple[str, ...] = ()
    directions: frozenset[str] = frozenset()
    contents: bool = False
    accounts: bool = False
    dates: bool = True


def catalogue(seen: Seen, funnel: Funnel) -> list[Feature]:
    """Every feature for data such as these, in a fixed order."""
    if not seen.dates:
        return []
    found: list[Feature] = [Age(), Age(in_stage=True), CreatedOn("weekday"), CreatedOn("hour")]
    if len(funnel.open_stages) > 1:
        found += [InStage(stage, position) for position, stage in enumerate(funnel.open_stages)]
    if not seen.types:
        return found
    found += _overall(seen)
    for name in seen.types:
        found += _family(Acts(name, (name,)), WINDOWS, HALF_LIVES)
    found += [Total(Acts(name, (name,)), days) for name in seen.valued for days in (30.0, None)]
    for name, members in GROUPS.items():
        present = tuple(t for t in members if t in seen.types)
        if len(present) > 1:
            found += _family(Acts(name, present), WINDOWS, HALF_LIVES)
            found.append(Trend(Acts(name, present), 30.0))
    found += _rates(seen.types)
    if seen.contents:
        found += [Topics(), Topics(deepest=True)]
    if seen.accounts:
        found += _buying_group(seen)
    return found


def _family(what: Acts, windows: Sequence[float], half_lives: Sequence[float]) -> list[Feature]:
    return [
        *(Count(what, days) for days in windows),
        Count(what),
        DaysSince(what),
        *(Decayed(what, life) for life in half_lives),
    ]


def _overall(seen: Seen) -> list[Feature]:
    found = _family(ANY, (1.0, *WINDOWS), (3.0, *HALF_LIVES))
    found += [Trend(ANY, days) for days in (7.0, 30.0)]
    found += _family(VISITS, WINDOWS, HALF_LIVES)
    found += [DaysSince(VISITS, first=True), Trend(VISITS, 30.0), Gap(), Gap(spread=True), Silence()]
    found += [Count(ACTIVE_DAYS, 30.0), Count(ACTIVE_DAYS), Variety(30.0), Variety()]
    if seen.directions >= {"in", "out"}:
        found += _family(INBOUND, WINDOWS, HALF_LIVES) + _family(OUTBOUND, WINDOWS, HALF_LIVES[1:])
        found += [Share(INBOUND, OUTBOUND, 30.0), Share(INBOUND, OUTBOUND)]
    return found


def _rates(types: Collection[str]) -> list[Feature]:
    pairs = [(Acts(part, (part,)), Acts(of, (of,))) for part, of in RATES if part in types and of in types]
    return [Share(part, of, days) for part, of in pairs for days in (90.0, None)]


def _buying_group(seen: Seen) -> list[Feature]:
    acts = INBOUND if "in" in seen.directions else ANY
    intent = tuple(t for t in GROUPS["intent"] if t in seen.types)
    found: list[Feature] = [GroupSize(), ColleaguesActive(7.0), ColleaguesActive(30.0), ColleaguesSilence()]
    found += [ColleaguesCount(acts, days) for days in (7.0, 30.0, None)]
    if intent:
        found.append(ColleaguesCount(Acts("intent", intent), 30.0))
    return found
