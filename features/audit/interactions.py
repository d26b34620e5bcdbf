"""Interactions that only follow the outcome: point-in-time features cannot see them early, but somebody should know."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.audit.verdict import ORDER, Verdict
from features.clock import microseconds
from features.dataset import Dataset
from features.funnel import Funnel
from features.histories import recode
from features.landmarks import Path

MIN_ROWS = 20
FOLLOWS = 0.95  # share of a type's rows that come after the lead stage was reached


def only_after(dataset: Dataset, path: Path, funnel: Funnel) -> tuple[Verdict, ...]:
    """A verdict on each type: a warning where nearly all its rows lie at or after the end of their lead, be it the last lead
    stage or an exit. That a type follows an earlier lead stage is said, and is as it should be: it may tell of the next."""
    interactions = dataset.interactions
    if not len(interactions):
        return ()
    kind = interactions["type"].astype("category")
    lead, known = recode(interactions["lead_id"], dataset.leads["lead_id"])
    lead, at, code = lead[known], microseconds(interactions["at"])[known], kind.cat.codes.to_numpy()[known]
    names = [str(name) for name in kind.cat.categories]
    every = np.bincount(code, minlength=len(names))
    after = {
        stage: np.bincount(code[at >= path.reached[lead, place]], minlength=len(names))
        for place, stage in enumerate(funnel.stages)
        if place
    }
    ended = np.bincount(code[at >= np.minimum(path.reached[:, -1], path.left)[lead]], minlength=len(names))
    found = [_verdict(name, i, every, after, ended, funnel.final) for i, name in enumerate(names) if every[i]]
    return tuple(sorted(found, key=lambda v: ORDER.index(v.level)))


Counts = npt.NDArray[np.intp]


def _verdict(name: str, i: int, every: Counts, after: dict[str, Counts], ended: Counts, final: str) -> Verdict:
    rows = int(every[i])
    if rows < MIN_ROWS:
        return Verdict(name, "ok", (f"{rows:,} rows, too few to say",))
    if after[final][i] >= FOLLOWS * rows:
        why = f"{after[final][i]:,} of {rows:,} come after the lead became {final}; features cut them off"
        return Verdict(name, "warn", (why,))
    if ended[i] >= FOLLOWS * rows:
        why = f"{ended[i]:,} of {rows:,} come once the lead has ended, won or not; features cut them off"
        return Verdict(name, "warn", (why,))
    follows = [stage for stage, late in after.items() if late[i] >= FOLLOWS * rows]
    if follows:
        stage = follows[-1]
        return Verdict(
            name, "ok", (f"{after[stage][i]:,} of {rows:,} come after the lead became {stage}: says nothing before",)
        )
    return Verdict(name, "ok", (f"{rows:,} rows, {ended[i]:,} of them after the lead has ended",))
