"""The catalogue: every feature there is. To add one, add an entry here.

Interaction types seen in the data extend it: each frequent type gets the same family of features, and the groups below
gather types that mean the same to a marketer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from features.dataset.funnel import Funnel
from features.feature import ACTIVE_DAYS, TURNED_AWAY, VISITS, Feature, InteractionFilter
from features.spec import Age, Count, CreatedOn, DaysSince, Decayed, Gap, InStage, Share, Silence, Topics, Total, Trend, Variety
from features.spec_accounts import ColleaguesActive, ColleaguesCount, ColleaguesSilence, GroupSize
from features.turning_away import BY_NAME, TurningAway

ALL_INTERACTIONS = InteractionFilter("any")
INBOUND = InteractionFilter("inbound", direction="in")
OUTBOUND = InteractionFilter("outbound", direction="out")

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
class DataProfile:
    """What the data hold: interaction types (most frequent first), directions, and whether contents, values, accounts exist.

    `turning_away` says which types speak against a lead; `away_together`: there are several, and enough of them together.
    """

    types: tuple[str, ...] = ()
    valued: tuple[str, ...] = ()
    directions: frozenset[str] = frozenset()
    contents: bool = False
    accounts: bool = False
    dates: bool = True
    turning_away: TurningAway = BY_NAME
    away_together: bool = False


def catalogue(profile: DataProfile, funnel: Funnel) -> list[Feature]:
    """Every feature for data such as these, in a fixed order."""
    if not profile.dates:
        return []
    features: list[Feature] = [Age(), Age(in_stage=True), CreatedOn("weekday"), CreatedOn("hour")]
    if len(funnel.open_stages) > 1:
        features += [InStage(stage, position) for position, stage in enumerate(funnel.open_stages)]
    if not profile.types:
        return features
    features += _overall(profile)
    active = [name for name in profile.types if name not in profile.turning_away.types]
    for name in profile.types:
        family = _family if name in active else _away
        features += family(InteractionFilter(name, (name,)), WINDOWS, HALF_LIVES)
    if profile.away_together:
        features += _away(TURNED_AWAY, WINDOWS, HALF_LIVES)
    valued = [InteractionFilter(name, (name,)) for name in profile.valued if name in active]
    features += [Total(interactions, days) for interactions in valued for days in (30.0, None)]
    for name, members in GROUPS.items():
        present = tuple(t for t in members if t in active)
        if len(present) > 1:
            features += _family(InteractionFilter(name, present), WINDOWS, HALF_LIVES)
            features.append(Trend(InteractionFilter(name, present), 30.0))
    features += _rates(active)
    if profile.contents:
        features += [Topics(), Topics(deepest=True)]
    if profile.accounts:
        features += _buying_group(profile, active)
    return features


def _family(interactions: InteractionFilter, windows: Sequence[float], half_lives: Sequence[float]) -> list[Feature]:
    return [
        *(Count(interactions, days) for days in windows),
        Count(interactions),
        DaysSince(interactions),
        *(Decayed(interactions, life) for life in half_lives),
    ]


def _away(interactions: InteractionFilter, windows: Sequence[float], half_lives: Sequence[float]) -> list[Feature]:
    """Of acts of turning away only what grows with each of them, so that what it adds to a chance can be bounded: days since
    the last one, a trend or a share would fall."""
    return [*(Count(interactions, days) for days in (*windows, None)), *(Decayed(interactions, life) for life in half_lives)]


def _overall(profile: DataProfile) -> list[Feature]:
    features = _family(ALL_INTERACTIONS, (1.0, *WINDOWS), (3.0, *HALF_LIVES))
    features += [Trend(ALL_INTERACTIONS, days) for days in (7.0, 30.0)]
    features += _family(VISITS, WINDOWS, HALF_LIVES)
    features += [DaysSince(VISITS, first=True), Trend(VISITS, 30.0), Gap(), Gap(spread=True), Silence()]
    features += [Count(ACTIVE_DAYS, 30.0), Count(ACTIVE_DAYS), Variety(30.0), Variety()]
    if profile.directions >= {"in", "out"}:
        features += _family(INBOUND, WINDOWS, HALF_LIVES) + _family(OUTBOUND, WINDOWS, HALF_LIVES[1:])
        features += [Share(INBOUND, OUTBOUND, 30.0), Share(INBOUND, OUTBOUND)]
    return features


def _rates(types: Collection[str]) -> list[Feature]:
    pairs = [
        (InteractionFilter(part, (part,)), InteractionFilter(base, (base,)))
        for part, base in RATES
        if part in types and base in types
    ]
    return [Share(part, base, days) for part, base in pairs for days in (90.0, None)]


def _buying_group(profile: DataProfile, active: Collection[str]) -> list[Feature]:
    interactions = INBOUND if "in" in profile.directions else ALL_INTERACTIONS
    intent = tuple(t for t in GROUPS["intent"] if t in active)
    features: list[Feature] = [GroupSize(), ColleaguesActive(7.0), ColleaguesActive(30.0), ColleaguesSilence()]
    features += [ColleaguesCount(interactions, days) for days in (7.0, 30.0, None)]
    if intent:
        features.append(ColleaguesCount(InteractionFilter("intent", intent), 30.0))
    return features
