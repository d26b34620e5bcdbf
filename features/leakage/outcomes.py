"""Who reached a lead stage, and of whom that can be said by now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.common.clock import NO_MOMENT, Moments
from features.dataset.landmarks import Path

MIN_ROWS = 50  # leads of whom the outcome is known; fewer let no signal tell a leak from chance
MIN_OUTCOMES = 10  # of the rarer outcome


@dataclass(frozen=True, eq=False)
class Outcome:
    """Leads `rows` (n,) of whom is known whether they ever reached `target` from an earlier lead stage, entered at `entered`
    (n,): `y` (n,). `step`: the earlier lead stage is the one just before.

    Whether it was within the horizon does not matter here: what is filled in afterwards is filled in for late ones too.
    """

    target: str
    rows: npt.NDArray[np.intp]
    y: npt.NDArray[np.bool_]
    entered: Moments
    step: bool = True

    @property
    def judgeable(self) -> bool:
        rarer = min(int(self.y.sum()), int((~self.y).sum()))
        return len(self.y) >= MIN_ROWS and rarer >= MIN_OUTCOMES


def outcomes(path: Path, targets: tuple[str, ...], *, dated: bool = True) -> list[Outcome]:
    """One per target from the lead stage before it; where there are several, also the last one from the first lead stage.

    A lead still open is censored, but with `dated` moments a "no" once it has waited longer than 95 % of those who got there.
    """
    step_outcomes = [_outcome(path, target, position, position + 1, dated) for position, target in enumerate(targets)]
    return step_outcomes if len(targets) == 1 else [*step_outcomes, _outcome(path, targets[-1], 0, len(targets), dated)]


def _outcome(path: Path, target: str, start: int, end: int, dated: bool) -> Outcome:
    last_event = int(max(moments[moments != NO_MOMENT].max(initial=0) for moments in (path.reached, path.exited_at)))
    start_entry, end_entry = path.first_reached[:, start], path.first_reached[:, end]
    has_started, has_arrived = start_entry != NO_MOMENT, end_entry != NO_MOMENT
    durations = (end_entry - start_entry)[has_started & has_arrived]
    patience = int(np.quantile(durations, 0.95)) if len(durations) else 0
    has_left = path.left_at != NO_MOMENT
    # of rows in an order no time passes: only who came further, as those who skipped the target, is settled
    is_settled = has_left | (last_event - start_entry >= patience) if dated else path.ended
    rows = np.flatnonzero(has_started & (has_arrived | is_settled))
    return Outcome(target, rows, has_arrived[rows], start_entry[rows], end == start + 1)
