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
class Follows:
    """Rows of each interaction type: `every`, those at or after each lead stage but the first (`after`), and those once the
    lead has `ended`. Parts of the data add up."""

    every: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, dataset: Dataset, path: Path, funnel: Funnel) -> Follows:
        """Counted over the interactions of known leads; `path` in the order of `dataset.leads`."""
        interactions = dataset.interactions
        if not len(interactions):
            return cls()
        kind = interactions["type"].astype("category")
        lead, known = recode(interactions["lead_id"], dataset.leads["lead_id"])
        lead, at, code = lead[known], microseconds(interactions["at"])[known], kind.cat.codes.to_numpy()[known]
        names = [str(name) for name in kind.cat.categories]

        def by_type(rows: npt.NDArray[np.bool_] | slice) -> dict[str, int]:
            return {name: int(n) for name, n in zip(names, np.bincount(code[rows], minlength=len(names)), strict=True) if n}

        after = {stage: by_type(at >= path.reached[lead, place]) for place, stage in enumerate(funnel.stages) if place}
        ended = by_type(at >= np.minimum(path.reached[:, -1], path.left)[lead])
        return cls(by_type(slice(None)), after, ended)

    @classmethod
    def merged(cls, parts: Sequence[Follows]) -> Follows:
        """The sum."""
        stages = dict.fromkeys(stage for part in parts for stage in part.after)
        after = {stage: _sum([part.after.get(stage, {}) for part in parts]) for stage in stages}
        return cls(_sum([part.every for part in parts]), after, _sum([part.ended for part in parts]))


def _sum(parts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))


def only_after(follows: Follows, funnel: Funnel) -> tuple[Verdict, ...]:
    """A verdict on each type: a warning where nearly all its rows lie at or after the end of their lead, be it the last lead
    stage or an exit. That a type follows an earlier lead stage is said, and is as it should be: it may tell of the next."""
    found = [_verdict(name, follows, funnel.final) for name in sorted(follows.every)]
    return tuple(sorted(found, key=lambda v: ORDER.index(v.level)))


def _verdict(name: str, follows: Follows, final: str) -> Verdict:
    rows, ended = follows.every[name], follows.ended.get(name, 0)
    if rows < MIN_ROWS:
        return Verdict(name, "ok", (f"{rows:,} rows, too few to say",))
    after = {stage: late.get(name, 0) for stage, late in follows.after.items()}
    if after[final] >= FOLLOWS * rows:
        why = f"{after[final]:,} of {rows:,} come after the lead became {final}; features cut them off"
        return Verdict(name, "warn", (why,))
    if ended >= FOLLOWS * rows:
        why = f"{ended:,} of {rows:,} come once the lead has ended, won or not; features cut them off"
        return Verdict(name, "warn", (why,))
    follow = [stage for stage, late in after.items() if late >= FOLLOWS * rows]
    if follow:
        stage = follow[-1]
        return Verdict(name, "ok", (f"{after[stage]:,} of {rows:,} come after the lead became {stage}: says nothing before",))
    return Verdict(name, "ok", (f"{rows:,} rows, {ended:,} of them after the lead has ended",))
