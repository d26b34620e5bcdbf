"""A second, naive judge of one lead's history: what happened before a moment is walked through, event by event, and nothing
else is looked at. And histories to judge: moments in steps of six hours, so that ties, midnights and the day of the creation
come often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from features.common.clock import DAY, timestamps
from features.dataset.funnel import Funnel

FUNNEL = Funnel(horizons={"mql": 2, "sql": 4, "customer": 5})
START = 20_000 * DAY
STEP = DAY // 4
History = Sequence[tuple[str, int]]  # lead stage or exit, moment

MOMENTS = st.integers(0, 60).map(lambda n: START + n * STEP)
HISTORIES = st.lists(st.tuples(st.sampled_from([*FUNNEL.stages, *FUNNEL.exits]), MOMENTS), max_size=9)


@dataclass(frozen=True)
class Standing:
    """Where a lead stands: position of its lead stage, since when, in which spell (from 1 on), and by which exit it left."""

    stage: int
    since: int
    spell: int = 1
    left_by: str = ""

    @property
    def open(self) -> bool:
        return not self.left_by and self.stage < len(FUNNEL.stages) - 1


def counted(created: int, moment: int) -> int:
    """A day without a time, of the day of the creation: just after it."""
    return created + 1 if moment < created and moment == created // DAY * DAY else moment


def standing(created: int, history: History, until: int) -> Standing | None:
    """What is known of a lead by what happened before `until`; None before its creation."""
    if created >= until:
        return None
    past = sorted((counted(created, at), name in FUNNEL.exits, name) for name, at in history if counted(created, at) < until)
    now = Standing(0, created)
    for at, is_exit, name in past:
        if is_exit and at < created:
            now = Standing(0, created)
        elif is_exit:
            now = now if now.left_by else replace(now, left_by=name)
        elif now.left_by:
            now = Standing(FUNNEL.stages.index(name), at, now.spell + 1)
        elif FUNNEL.stages.index(name) > now.stage:
            now = replace(now, stage=FUNNEL.stages.index(name), since=max(at, created))
    return now


def looks_of(created: int, history: History, extracted_at: int, ages: Sequence[float]) -> list[tuple[int, int, int]]:
    """(as_of, lead stage, since) of each landmark, by asking at every moment that could be one."""
    since = {created, *(counted(created, at) for _, at in history)}
    moments = sorted({s + int(age * DAY) + 1 for s in since for age in ages})
    offsets = {int(age * DAY) + 1 for age in ages}
    found = [(m, standing(created, history, m)) for m in moments if m <= extracted_at]
    return [(m, s.stage, s.since) for m, s in found if s is not None and s.open and m - s.since in offsets]


def reaches(created: int, history: History, as_of: int, target: int, known_at: int) -> bool:
    """Whether every lead stage up to `target` is reached within its horizon, and by `known_at`, in the spell of as_of."""
    now = standing(created, history, as_of)
    assert now is not None
    for position in range(now.stage + 1, target + 1):
        end = min(as_of + int(FUNNEL.horizons[FUNNEL.stages[position]] * DAY), known_at)
        after = [standing(created, history, counted(created, at) + 1) for _, at in history if counted(created, at) <= end]
        if not any(s is not None and s.spell == now.spell and s.stage >= position for s in after):
            return False
    return True


def tables(people: Sequence[tuple[int, History]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leads and lead stages of people (when they were created, what happened), called 0, 1, …"""
    rows = [(str(i), name, at) for i, (_, history) in enumerate(people) for name, at in history]
    leads = {
        "lead_id": [str(i) for i in range(len(people))],
        "created_at": timestamps(np.array([c for c, _ in people], np.int64)),
    }
    stages = pd.DataFrame(rows, columns=["lead_id", "lead_stage", "at"])
    return pd.DataFrame(leads), stages.assign(at=timestamps(stages["at"].to_numpy(np.int64)))
