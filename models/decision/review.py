"""Human in the loop: before which decisions a person should look (GDPR, article 22: no decision by automation alone)."""

from __future__ import annotations

from collections.abc import Sequence

from models.common.types import logit
from models.decision.recommend import WIDE


def review_reasons(action: str, uncertain: bool, low: float, high: float) -> list[str]:
    """What the model alone would decide to somebody's disadvantage, or does not know well enough; empty where nothing speaks
    for it. `low` and `high` are the interval of P(final lead stage).

    >>> review_reasons("nurture", False, 0.1, 0.2)
    []
    >>> review_reasons("disqualify", True, 0.001, 0.9)
    ['disqualify', 'uncertain']
    """
    reasons = []
    if action == "disqualify":
        reasons.append("disqualify")
    if uncertain:
        reasons.append("uncertain")
    else:
        low_odds, high_odds = logit((low, high))
        if high_odds - low_odds > WIDE:
            reasons.append("low_confidence")
    return reasons


def with_request(reasons: Sequence[str], requested: bool) -> list[str]:
    """The reasons, where somebody asked for a review too."""
    return ["asked", *reasons] if requested else list(reasons)
