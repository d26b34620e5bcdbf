"""Names shared by the simulator's parts."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from features.dataset.funnel import Funnel

Array: TypeAlias = npt.NDArray[Any]

FUNNEL = Funnel(horizons={"mql": 60, "sql": 90, "customer": 180})
OPEN = len(FUNNEL.open_stages)  # lead, mql and sql are 0, 1 and 2; customer is 3
CUSTOMER = OPEN
SQL = FUNNEL.position("sql")

NO_DAY = np.iinfo(np.int32).max  # the day of what has not happened before the data end
