"""What the engine looks at: some whole accounts with their histories, and the moments at which leads are looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.common.clock import Moments
from features.engine.index import Codes, HistoryIndex


@dataclass(frozen=True)
class People:
    """Leads in account order: `account` (leads,) never decreases, `created` are their moments, `history` their interactions."""

    account: Codes
    created: Moments
    history: HistoryIndex

    def __len__(self) -> int:
        return len(self.account)


@dataclass(frozen=True)
class LandmarkArrays:
    """Landmarks as arrays (n,), sorted by (lead, as_of): a lead's code, as_of, lead-stage position, when it was entered."""

    lead: Codes
    as_of: Moments
    stage: Codes
    entered: Moments

    def __len__(self) -> int:
        return len(self.lead)

    def take(self, rows: npt.NDArray[np.intp] | slice) -> LandmarkArrays:
        return LandmarkArrays(self.lead[rows], self.as_of[rows], self.stage[rows], self.entered[rows])
