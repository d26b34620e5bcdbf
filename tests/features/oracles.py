"""A second, naive implementation of every feature: plain loops over one lead's interactions, written from the docstrings."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from features import spec
from features.common.clock import DAY, MINUTE

NAN = math.nan
AWAY = frozenset(("unsubscribed", "email_bounced", "spam_complaint"))  # of the types of the worlds, those that turn away


@dataclass(frozen=True)
class Event:
    """One interaction; `type` None is a type the plan does not know, "spam_complaint" one that turns away."""

    at: int
    type: str | None
    direction: str | None = None
    value: float = 0.0
    content: int = -1

    @property
    def active(self) -> bool:
        return self.type not in AWAY


@dataclass(frozen=True)
class Person:
    created: int
    events: Sequence[Event] = field(default_factory=list)


@dataclass(frozen=True)
class Situation:
    """A look: the lead, the other people of its account, the moment, its lead-stage position and when it was entered."""

    lead: Person
    colleagues: Sequence[Person]
    as_of: int
    stage: int = 0
    entered: int = 0

    def before(self, days: float | None, person: Person | None = None) -> list[Event]:
        begin = -math.inf if days is None else self.as_of - days * DAY
        return sorted((e for e in (person or self.lead).events if begin <= e.at < self.as_of), key=lambda e: e.at)


def visits(look: Situation) -> list[Event]:
    """Opened by an own act more than 30 minutes after the own act before it; the whole history decides."""
    own = sorted((e for e in look.lead.events if e.direction != "out" and e.active), key=lambda e: e.at)
    opens = [e for i, e in enumerate(own) if i == 0 or e.at - own[i - 1].at > 30 * MINUTE]
    return [e for e in opens if e.at < look.as_of]


def active_days(look: Situation) -> list[Event]:
    found: dict[int, Event] = {}
    for e in sorted((e for e in look.lead.events if e.active), key=lambda e: e.at):
        found.setdefault(e.at // DAY, e)
    return list(found.values())


def acts(what: spec.InteractionFilter, look: Situation, days: float | None, person: Person | None = None) -> list[Event]:
    inside = look.before(days, person)
    if what.mark == "turned_away":
        return [e for e in inside if not e.active]
    if what.mark:
        opening = visits(look) if what.mark == "visit" else active_days(look)
        begin = -math.inf if days is None else look.as_of - days * DAY
        return [e for e in opening if begin <= e.at < look.as_of]
    return [
        e
        for e in inside
        if (e.type in what.types if what.types else e.active) and (what.direction is None or e.direction == what.direction)
    ]


def count(f: spec.Count, look: Situation) -> float:
    return len(acts(f.what, look, f.days))


def total(f: spec.Total, look: Situation) -> float:
    return sum(round(e.value * 1000) for e in acts(f.what, look, f.days)) / 1000


def days_since(f: spec.DaysSince, look: Situation) -> float:
    found = [e.at for e in acts(f.what, look, None)]
    return (look.as_of - (min(found) if f.first else max(found))) / DAY if found else NAN


def decayed(f: spec.Decayed, look: Situation) -> float:
    return math.fsum(2 ** (-(look.as_of - e.at) / DAY / f.half_life_days) for e in acts(f.what, look, None))


def share(f: spec.Share, look: Situation) -> float:
    of = len(acts(f.of, look, f.days))
    return len(acts(f.what, look, f.days)) / of if of else NAN


def trend(f: spec.Trend, look: Situation) -> float:
    recent, both = len(acts(f.what, look, f.days)), len(acts(f.what, look, 2 * f.days))
    return math.log2((1 + recent) / (1 + both - recent))


def _gaps(look: Situation) -> list[int]:
    minutes = [e.at // MINUTE for e in visits(look)]
    return [b - a for a, b in itertools.pairwise(minutes)]


def gap(f: spec.Gap, look: Situation) -> float:
    gaps = _gaps(look)
    if len(gaps) < (2 if f.spread else 1):
        return NAN
    mean = sum(gaps) / len(gaps)
    if not f.spread:
        return mean * MINUTE / DAY
    return math.sqrt(math.fsum((g - mean) ** 2 for g in gaps) / len(gaps)) * MINUTE / DAY


def silence(f: spec.Silence, look: Situation) -> float:
    gaps = _gaps(look)
    mean = sum(gaps) / len(gaps) if gaps else 0
    return (look.as_of - visits(look)[-1].at) / MINUTE / mean if mean >= 1 else NAN


def variety(f: spec.Variety, look: Situation) -> float:
    return len({e.type for e in look.before(f.days) if e.active} - {None})


def topics(f: spec.Topics, look: Situation) -> float:
    found = Counter(e.content for e in look.before(None) if e.content >= 0 and e.direction != "out" and e.active)
    return max(found.values(), default=0) if f.deepest else len(found)


def colleagues_count(f: spec.ColleaguesCount, look: Situation) -> float:
    return sum(len(acts(f.what, look, f.days, person)) for person in look.colleagues)


def colleagues_active(f: spec.ColleaguesActive, look: Situation) -> float:
    if len(look.colleagues) + 1 > 50:
        return NAN
    return sum(any(e.active for e in look.before(f.days, person)) for person in look.colleagues)


def colleagues_silence(f: spec.ColleaguesSilence, look: Situation) -> float:
    last = [e.at for person in look.colleagues for e in look.before(None, person) if e.active]
    return (look.as_of - max(last)) / DAY if last and len(look.colleagues) + 1 <= 50 else NAN


def group_size(f: spec.GroupSize, look: Situation) -> float:
    return max(1, sum(p.created < look.as_of for p in (look.lead, *look.colleagues)))


def age(f: spec.Age, look: Situation) -> float:
    return (look.as_of - (look.entered if f.in_stage else look.lead.created)) / DAY


def in_stage(f: spec.InStage, look: Situation) -> float:
    return float(look.stage == f.position)


def created_on(f: spec.CreatedOn, look: Situation) -> float:
    days = look.lead.created // DAY
    return (days + 3) % 7 if f.field == "weekday" else look.lead.created // (60 * MINUTE) % 24


ORACLES: dict[type[spec.Feature], Callable[[Any, Situation], float]] = {
    spec.Count: count,
    spec.Total: total,
    spec.DaysSince: days_since,
    spec.Decayed: decayed,
    spec.Share: share,
    spec.Trend: trend,
    spec.Gap: gap,
    spec.Silence: silence,
    spec.Variety: variety,
    spec.Topics: topics,
    spec.ColleaguesCount: colleagues_count,
    spec.ColleaguesActive: colleagues_active,
    spec.ColleaguesSilence: colleagues_silence,
    spec.GroupSize: group_size,
    spec.Age: age,
    spec.InStage: in_stage,
    spec.CreatedOn: created_on,
}


def oracle(feature: spec.Feature, look: Situation) -> float:
    return float(ORACLES[type(feature)](feature, look))
