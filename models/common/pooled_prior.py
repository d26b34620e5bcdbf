"""What other businesses say of the columns of a transition: a prior from which the linear learner starts, not from the rules.

The numbers are learned elsewhere (transfer learning, `training/pool/`); here they are arrays in the order of the columns of
x. A served model keeps nothing of it but its own coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pooled:
    """A Gaussian prior over coefficients, all arrays (features,).

    `shared` columns are known elsewhere. They are scaled as there: log(1 + x) or not, `mean`, `deviation`, share `missing`.
    `toward` are their coefficients per deviation, in log-odds, and `spread` how far those of one business may be off, relative
    to all others (1 on average); `missing_toward` and `missing_spread` the same of the indicators of missing values. Columns
    that are not shared have `toward` 0 and `spread` 1. The log-odds of the base rate are believed to be `base` ±
    `base_deviation`.
    """

    shared: Flags
    log_scale: Flags
    mean: Floats
    deviation: Floats
    missing: Floats
    toward: Floats
    spread: Floats
    missing_toward: Floats
    missing_spread: Floats
    base: float
    base_deviation: float

    def prior(self, indicated: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Coefficients and their spread in the order of scaled columns: (features + indicators,) each."""
        return (
            np.concatenate((self.toward, self.missing_toward[indicated])),
            np.concatenate((self.spread, self.missing_spread[indicated])),
        )
