"""The engine: compiled features over the history index, group by group of whole accounts, on all cores.

A group is small enough to share the work among cores evenly. The kernel lets go of the interpreter lock (GIL): threads do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from features.common.threads import side_by_side
from features.engine.kernel import compute
from features.engine.people import LandmarkArrays, People
from features.engine.plan import Plan

GROUP_INTERACTIONS = 24_000
GROUP_LOOKS = 4_000

Matrix = npt.NDArray[np.floating]


def evaluate(
    plan: Plan,
    people: People,
    looks: LandmarkArrays,
    *,
    out: Matrix | None = None,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Matrix:
    """All features of all looks → (features, looks); each feature is one contiguous row.

    `looks` must be sorted by (lead, as_of) and `people` by account. `out` takes the result (float32 or float64; float64 when
    it is made here). `progress` is called with the number of looks done since the last call.
    """
    if out is None:
        out = np.empty((len(plan.features), len(looks)), np.float64)
    if len(people.history) <= GROUP_INTERACTIONS and len(looks) <= GROUP_LOOKS:  # a request, most often
        groups = [(slice(0, len(people)), slice(0, len(looks)))]
    else:
        groups = list(_groups(people, looks))

    def work(group: tuple[slice, slice]) -> None:
        leads, rows = group
        compute(plan, people, looks, leads, rows, out)
        if progress:
            progress(rows.stop - rows.start)

    if len(groups) > 1:
        plan.compile()  # once, before several threads ask for it
    side_by_side(work, groups, threads)
    return out


def _groups(people: People, looks: LandmarkArrays) -> Iterator[tuple[slice, slice]]:
    """Cut the leads at account borders into groups of bounded size: (leads, looks)."""
    if not len(looks):
        return
    leads = len(people)
    per_lead = np.bincount(looks.lead, minlength=leads)
    work = people.history.start[1:] / GROUP_INTERACTIONS + np.cumsum(per_lead) / GROUP_LOOKS
    border = np.flatnonzero(np.diff(people.account)) + 1
    ends = [leads]
    if work[-1] > 1 and len(border):
        group_of_border = work[border - 1].astype(np.int64)
        ends = [*(int(b) for b in border[np.flatnonzero(np.diff(group_of_border)) + 1]), leads]
    first_look = np.searchsorted(looks.lead, [0, *ends])
    begin = 0
    for i, end in enumerate(ends):
        if first_look[i + 1] > first_look[i]:
            yield slice(begin, end), slice(int(first_look[i]), int(first_look[i + 1]))
        begin = end
