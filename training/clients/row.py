"""One line of the summary: what became of one client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.common.errors import RipelineError
from training.train import Outcome

TRAINED, REUSED, FAILED = "trained", "kept", "failed"


@dataclass(frozen=True)
class Row:
    """What became of one client. Figures are of its held-out leads and its final lead stage; None where there are none.

    `outcomes` is the number of leads that reached that; `pool` what became of the pooled prior; `reason` and `remedy` say
    why it failed.
    """

    client: str
    status: str
    leads: int | None = None
    outcomes: int | None = None
    log_loss: float | None = None
    log_loss_rules: float | None = None
    average_precision: float | None = None
    average_precision_rules: float | None = None
    better_than_rules: bool | None = None
    pool: str = ""
    version: str = ""
    promoted: bool | None = None
    seconds: float | None = None
    reason: str = ""
    remedy: str = ""

    @classmethod
    def failed(cls, client: str, error: Exception, remedy: str = "") -> Row:
        """The row of a client that could not be trained."""
        if isinstance(error, RipelineError):
            return cls(client, FAILED, reason=error.fact, remedy=error.hint or remedy)
        return cls(client, FAILED, reason=f"{type(error).__name__}: {error}", remedy=remedy)

    @classmethod
    def from_outcome(cls, client: str, outcome: Outcome, seconds: float) -> Row:
        """The row of a training that ended well."""
        prepared, final = outcome.prepared, outcome.prepared.funnel.final
        model, rules = (outcome.results[source].get(final, {}) for source in ("model", "rules"))
        return cls(
            client,
            TRAINED,
            leads=len(prepared.histories),
            outcomes=int((prepared.path.first_reached[:, -1] <= prepared.extracted_at).sum()),
            log_loss=model.get("log_loss"),
            log_loss_rules=rules.get("log_loss"),
            average_precision=model.get("average_precision"),
            average_precision_rules=rules.get("average_precision"),
            better_than_rules=outcome.against_rules.better,
            pool=pool_summary(outcome),
            version=outcome.version,
            promoted=outcome.verdict.promote,
            seconds=round(seconds, 1),
        )

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Row:
        """The way back from `dataclasses.asdict`."""
        return cls(**saved)


def pool_summary(outcome: Outcome) -> str:
    """For which lead stages the pooled prior was used, in words; empty without one."""
    pool_usage = {t.target: t.log["pool"]["used"] for t in outcome.model.transitions if "pool" in t.log}
    if not pool_usage:
        return ""
    used_targets = [target for target, helped in pool_usage.items() if helped]
    return f"used for {', '.join(used_targets)}" if used_targets else "did not help"
