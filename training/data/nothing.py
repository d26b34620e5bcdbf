"""Why nothing can be learned, in a sentence with its remedy."""

from __future__ import annotations

from features.common.clock import DAY, NO_MOMENT, timestamps
from features.common.errors import DataError
from training.data.prepare import Prepared

SHARE = 0.4  # of the period: a horizon up to it leaves matured landmarks on both sides of the cut


def nothing_matured(prepared: Prepared) -> DataError:
    """No lead's horizon has passed at all."""
    final = prepared.funnel.final
    return DataError(
        f"No landmark has matured: the data span {_days(prepared):,.0f} days and end before the "
        f"{prepared.funnel.horizons[final]:g} days to {final!r} have passed for any lead.",
        f"Shorten it, as in `funnel: {{horizons: {{{final}: {_fitting(prepared)}}}}}`, or bring older leads.",
    )


def nothing_to_learn(prepared: Prepared, target: int, known_at: int) -> DataError:
    """No matured landmark asks for this target: nobody came to the lead stage before it, or its horizon is too long."""
    stages, name = prepared.funnel.stages, prepared.funnel.targets[target]
    reached_stage = prepared.path.reached[:, target] < NO_MOMENT
    if not reached_stage.any():
        return DataError(
            f"No lead has ever become {stages[target]!r}, so nothing can be learned about {name!r}, which comes after it.",
            f"Check that {stages[target]!r} is mapped in `source: lead_stages:`, or leave it out of `funnel: stages:`.",
        )
    day = timestamps(prepared.looks.as_of[:1] * 0 + known_at)[0].date()
    return DataError(
        f"On {day} no landmark that could become {name!r} had matured: of the {_days(prepared):,.0f} days of data its horizon "
        f"takes {prepared.funnel.horizons[name]:g}.",
        f"Shorten it, as in `funnel: {{horizons: {{{name}: {_fitting(prepared)}}}}}`, bring older leads, or take {name!r} "
        "out of `funnel: stages:`.",
    )


def _days(prepared: Prepared) -> float:
    return float(prepared.extracted_at - prepared.looks.as_of.min()) / DAY


def _fitting(prepared: Prepared) -> int:
    return max(int(SHARE * _days(prepared)), 1)
