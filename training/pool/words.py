"""What became of the pooled prior, in words."""

from __future__ import annotations

from collections.abc import Sequence

from models.calibration.transition import Transition
from training.common.config import Config
from training.data.pooled_prior import Prior


def pool_notes(config: Config, prior: Prior | None, transitions: Sequence[Transition]) -> list[str]:
    """A sentence for each transition, or why there is no prior; none where the configuration names no pool."""
    if config.pool is None:
        return []
    if prior is None:
        reason = "too few others with enough outcomes, or `make train-all` has not run"
        return [f"pool: {config.pool!r} has no prior for this client ({reason}); it was trained on its own data alone"]
    notes = []
    for transition in transitions:
        comparison, transition_prior = transition.log.get("pool"), prior.targets.get(transition.target)
        if comparison is None or transition_prior is None:
            notes.append(f"pool: others say nothing of {transition.target}")
            continue
        verdict = "used" if comparison["used"] else "not used"
        notes.append(
            f"pool: the prior of {transition_prior.clients} other clients is {verdict} for {transition.target}: "
            f"cross-validated log loss of the linear learner {comparison['with_']:.4f} with it, "
            f"{comparison['without']:.4f} without"
        )
    return notes
