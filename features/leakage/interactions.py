"""Interactions that only follow the outcome: point-in-time features cannot see them early, but somebody should know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from features.common.clock import microseconds
from features.common.codes import recode
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.dataset.landmarks import Path
from features.leakage.verdict import ORDER, Verdict

MIN_ROWS = 20
FOLLOWS = 0.95  # share of a type's rows that come after the lead stage was reached


@dataclass(frozen=True)
class FollowCounts:
    """Rows of each interaction type: `every`, those at or after each lead stage but the first (`after`), and those once the
    lead has `ended`. Parts of the data add up."""

    every: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_dataset(cls, dataset: Dataset, path: Path, funnel: Funnel) -> FollowCounts:
        """Counted over the interactions of known leads; `path` in the order of `dataset.leads`."""
        interactions = dataset.interactions
        if not len(interactions):
            return cls()
        kind = interactions["type"].astype("category")
        lead, is_known_lead = recode(interactions["lead_id"], dataset.leads["lead_id"])
        lead, times, code = (
            lead[is_known_lead],
            microseconds(interactions["at"])[is_known_lead],
            kind.cat.codes.to_numpy()[is_known_lead],
        )
        names = [str(name) for name in kind.cat.categories]

        def by_type(rows: npt.NDArray[np.bool_] | slice) -> dict[str, int]:
            return {name: int(n) for name, n in zip(names, np.bincount(code[rows], minlength=len(names)), strict=True) if n}

        after_stage = {
            stage: by_type(times >= path.first_reached[lead, position])
            for position, stage in enumerate(funnel.stages)
            if position
        }
        ended = by_type(times >= np.minimum(path.first_reached[:, -1], path.left_at)[lead])
        return cls(by_type(slice(None)), after_stage, ended)

    @classmethod
    def merged(cls, parts: Sequence[FollowCounts]) -> FollowCounts:
        """The sum."""
        stages = dict.fromkeys(stage for part in parts for stage in part.after)
        after_stage = {stage: _sum([part.after.get(stage, {}) for part in parts]) for stage in stages}
        return cls(_sum([part.every for part in parts]), after_stage, _sum([part.ended for part in parts]))


def _sum(parts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))


def judge_interactions(follows: FollowCounts, funnel: Funnel) -> tuple[Verdict, ...]:
    """A verdict on each type: a warning where nearly all its rows lie at or after the end of their lead, be it the last lead
    stage or an exit. That a type follows an earlier lead stage is said, and is as it should be: it may tell of the next."""
    verdicts = [_verdict(name, follows, funnel.final) for name in sorted(follows.every)]
    return tuple(sorted(verdicts, key=lambda v: ORDER.index(v.level)))


def _verdict(name: str, follows: FollowCounts, final: str) -> Verdict:
    rows, ended = follows.every[name], follows.ended.get(name, 0)
    if rows < MIN_ROWS:
        return Verdict(name, "ok", (f"{rows:,} rows, too few to say",))
    after_stage = {stage: counts.get(name, 0) for stage, counts in follows.after.items()}
    if after_stage[final] >= FOLLOWS * rows:
        reason = f"{after_stage[final]:,} of {rows:,} come after the lead became {final}; features cut them off"
        return Verdict(name, "warn", (reason,))
    if ended >= FOLLOWS * rows:
        reason = f"{ended:,} of {rows:,} come once the lead has ended, won or not; features cut them off"
        return Verdict(name, "warn", (reason,))
    followed_stages = [stage for stage, late_rows in after_stage.items() if late_rows >= FOLLOWS * rows]
    if followed_stages:
        stage = followed_stages[-1]
        return Verdict(
            name, "ok", (f"{after_stage[stage]:,} of {rows:,} come after the lead became {stage}: says nothing before",)
        )
    return Verdict(name, "ok", (f"{rows:,} rows, {ended:,} of them after the lead has ended",))
