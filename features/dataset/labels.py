"""Labels: did the lead reach the next lead stages within their horizons, and can we know it yet?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY, NO_MOMENT
from features.common.compiled import exact
from features.common.errors import DataError
from features.dataset.funnel import Funnel
from features.dataset.landmarks import Landmarks, Path

Flags = npt.NDArray[np.bool_]

USUAL_HORIZONS = (7, 14, 30, 60, 90, 120, 180, 270, 365)  # days
SHORTEST_SPAN = 3 * USUAL_HORIZONS[0]  # days of data from which horizons can be chosen


@dataclass(frozen=True)
class Labels:
    """Per landmark and target (n, lead stages - 1), for targets above the landmark's own lead stage.

    `reached`: every lead stage on the way was reached within its own horizon, so the labels are nested and probabilities
    coherent: P(customer) ≤ P(sql). `matured`: by the day of knowledge the horizons of the whole way had passed, so the label
    is known for good; what has not matured is neither positive nor negative. `above_stage`: the target lies above the lead
    stage.
    """

    reached: Flags
    matured: Flags
    above_stage: Flags

    def take(self, rows: npt.NDArray[np.generic]) -> Labels:
        return Labels(self.reached[rows], self.matured[rows], self.above_stage[rows])


def usable(stage: npt.NDArray[np.integer], reached: Flags, matured: Flags, target: int) -> Flags:
    """Which landmarks (n,), looked at in these lead stages and with these labels (n, targets), have matured and ask for
    P(target | the lead stage before it was reached in time)."""
    previous_reached = (stage == target) | (reached[:, target - 1] if target else True)
    return np.asarray((stage <= target) & matured[:, target] & previous_reached)


def label(path: Path, looks: Landmarks, funnel: Funnel, known_at: int) -> Labels:
    """The labels as they are known at `known_at` (microseconds); the funnel must have all its horizons.

    An exit before the target is a "no"; it is a competing event, not censoring. It too is only believed once the horizon has
    passed: early noes beside missing late yeses would make the newest months look worse than they are. What a lead reaches
    after an exit belongs to its next spell, however soon it came back: those who had given it up did not win it, and the
    landmarks of the new spell have that "yes".
    """
    shape = (len(funnel.targets), len(looks))  # each target's lie together, as they are read
    reached, matured, above_stage = np.empty(shape, bool), np.empty(shape, bool), np.empty(shape, bool)
    horizons = np.array([int(funnel.horizons[name] * DAY) for name in funnel.targets], np.int64)
    _label(
        path.spells(looks.lead, looks.as_of),
        looks.as_of,
        looks.stage,
        np.ascontiguousarray(path.reached),
        horizons,
        known_at,
        reached,
        matured,
        above_stage,
    )
    return Labels(reached.T, matured.T, above_stage.T)


@exact
def _label(  # noqa: PLR0917  columns, as they come and as they go
    spell: Any, as_of: Any, stage: Any, path: Any, horizons: Any, known_at: int, reached: Any, matured: Any, above_stage: Any
) -> None:
    for k in range(len(spell)):
        so_far, latest = True, 0
        for target in range(len(horizons)):
            applicable = target + 1 > stage[k]
            if applicable:
                deadline = as_of[k] + horizons[target]
                so_far &= path[spell[k], target + 1] <= min(deadline, known_at)
                latest = max(latest, deadline)
            above_stage[target, k] = applicable
            reached[target, k] = so_far and applicable
            matured[target, k] = latest <= known_at and applicable


def span_of(path: Path, extracted_at: int) -> float:
    """How many days the data span, from the first lead's coming on."""
    return (extracted_at - int(path.reached[:, 0].min())) / DAY


def choose_horizons(path: Path, funnel: Funnel, extracted_at: int) -> dict[str, float]:
    """A horizon in days for each target: the usual number of days within which 80 % of those who progress have done so,
    counted from entering the lead stage before it, and added up along the way; at most a third of the data's span. Who comes
    back further on in the funnel took no time for the lead stages before that.

    Raises
    ------
    DataError
        if nobody ever reached a lead stage, or the data span less than three weeks.
    """
    span = span_of(path, extracted_at)
    if span < SHORTEST_SPAN:
        raise DataError(
            f"The data span {span:.1f} days; that is too short to choose horizons from.",
            "Give `funnel: horizons:` in days, shorter than the data.",
        )
    chosen: dict[str, float] = {}
    so_far = 0.0
    returned = np.ones(len(path.reached), bool)
    returned[path.begin[:-1]] = False
    for position, target in enumerate(funnel.targets, start=1):
        start, end = path.reached[:, position - 1], path.reached[:, position]
        progressed = (end != NO_MOMENT) & (start != NO_MOMENT) & ~(returned & (start == end))
        if not progressed.any():
            raise DataError(
                f"No lead ever reached the lead stage {target!r}.",
                f"Check the values mapped to {target!r}, or take it out of `funnel: stages:`.",
            )
        so_far += float(np.quantile((end[progressed] - start[progressed]) / DAY, 0.8))
        horizon = next((h for h in USUAL_HORIZONS if h >= so_far), USUAL_HORIZONS[-1])
        longest = max((h for h in USUAL_HORIZONS if h <= span / 3), default=USUAL_HORIZONS[0])
        chosen[target] = float(min(horizon, longest))
    return chosen
