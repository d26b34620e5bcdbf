"""Who reached a lead stage, and of whom that can be said by now."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.clock import NEVER
from features.landmarks import Path


@dataclass(frozen=True)
class Outcome:
    """Leads `rows` (n,) of whom is known whether they reached `target` from the lead stage before it: `y` (n,)."""

    target: str
    rows: npt.NDArray[np.intp]
    y: npt.NDArray[np.bool_]


def outcomes(path: Path, targets: tuple[str, ...]) -> list[Outcome]:
    """One per target. A lead still open is a "no" once it has waited longer than 95 % of those who got there."""
    found = []
    last = int(max(path.reached[path.reached != NEVER].max(initial=0), path.left[path.left != NEVER].max(initial=0)))
    for position, target in enumerate(targets, start=1):
        before, now = path.reached[:, position - 1], path.reached[:, position]
        there, came = before != NEVER, now != NEVER
        took = (now - before)[there & came]
        patience = int(np.quantile(took, 0.95)) if len(took) else 0
        settled = there & (came | (path.left != NEVER) | (last - before >= patience))
        rows = np.flatnonzero(settled)
        found.append(Outcome(target, rows, came[rows]))
    return found
