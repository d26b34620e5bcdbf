"""Coverage: how often the 90 % intervals hold the rate of held-out leads scored alike, later in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.dataset.labels import Labels
from models.calibration.intervals import QUANTILE, design_effect, equal_parts
from models.common.types import Flags, Floats

PER_CELL = 10  # of the rarer outcome
MOST_PARTS = 8
MIN_ROWS = 10


@dataclass(frozen=True)
class Coverage:
    """Of `cells` groups of leads (lead stage × block of time × bin of probability), the share whose rate lay inside.

    A group's rate is partly chance: it counts as inside when it lies within the interval widened by what chance adds.
    `width` is the mean width of the intervals.
    """

    cells: int
    inside: float
    width: float


@dataclass(frozen=True)
class Group:
    """Leads scored alike at about the same time: the mean of what was said and of the interval. Chance spreads their rate by
    `effect` times more than if each were an account of its own."""

    rows: npt.NDArray[np.intp]
    p: float
    low: float
    high: float
    effect: float

    def holds(self, rate: float) -> bool:
        """Whether the observed rate lies within the interval and what chance adds to it; their variances add up.

        Chance is that of the interval's end: what was said may be too small to leave chance any room.
        """
        end, count = (self.high if rate > self.p else self.low), len(self.rows)
        chance = QUANTILE * np.sqrt(self.effect * max(end * (1 - end), 0.25 / count) / count)
        return bool(abs(rate - self.p) <= np.hypot(end - self.p, chance))


def groups(
    p: Floats, low: Floats, high: Floats, y: Flags, as_of: npt.NDArray[np.int64], account: npt.NDArray[np.int64]
) -> list[Group]:
    """Rows (n,) of one lead stage and target, cut into blocks of time and bins of probability, with enough outcomes in each."""
    parts = int(np.clip(np.sqrt(min(y.sum(), (~y).sum()) / PER_CELL), 1, MOST_PARTS))
    bin_of, block_of = equal_parts(p, parts), equal_parts(as_of.astype(np.float64), parts)
    effect = design_effect(y, bin_of * parts + block_of, account)
    cells = []
    for b in range(parts):
        for t in range(parts):
            rows = np.flatnonzero((bin_of == b) & (block_of == t))
            if len(rows) >= MIN_ROWS:
                cells.append(Group(rows, float(p[rows].mean()), float(low[rows].mean()), float(high[rows].mean()), effect))
    return cells


def coverage(
    probability: Floats, low: Floats, high: Floats, labels: Labels, stage: npt.NDArray[np.integer], target: int,
    as_of: npt.NDArray[np.int64], account: npt.NDArray[np.int64],
) -> Coverage | None:  # fmt: skip
    """Over all lead stages before the target; arrays (n, targets) and (n,). None where no group is large enough."""
    hits, widths = [], []
    for begin in range(target + 1):
        rows = np.flatnonzero(labels.matured[:, target] & (stage == begin))
        if len(rows) < 2 * MIN_ROWS:
            continue
        y = labels.reached[rows, target]
        columns = (probability[rows, target], low[rows, target], high[rows, target])
        hits += [g.holds(float(y[g.rows].mean())) for g in groups(*columns, y, as_of[rows], account[rows])]
        widths.append(high[rows, target] - low[rows, target])
    if not hits:
        return None
    return Coverage(len(hits), float(np.mean(hits)), float(np.concatenate(widths).mean()))
