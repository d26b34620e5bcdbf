"""What became of a pooled prior is said for each transition, and why there is none."""

from __future__ import annotations

from dataclasses import replace

from tests.tiny import tiny_model
from training.common.config import Config
from training.data.pooled_prior import Prior, TransitionPrior
from training.pool.words import pool_notes

POOLED = Config.model_validate({"name": "a", "source": {"kind": "simulator"}, "pool": "agency"})


def test_each_transition_says_whether_the_prior_was_used() -> None:
    used, not_used, silent = tiny_model().transitions
    used = replace(used, log={"pool": {"used": True, "with_": 0.5, "without": 0.6}})
    not_used = replace(not_used, log={"pool": {"used": False, "with_": 0.6, "without": 0.5}})
    known = {target: TransitionPrior(4, -1.0, 0.3, {}) for target in ("mql", "sql")}
    first, second, third = pool_notes(POOLED, Prior("agency", known), (used, not_used, silent))
    assert "of 4 other clients is used for mql" in first
    assert "0.5000 with it, 0.6000 without" in first
    assert "is not used for sql" in second
    assert third == "pool: others say nothing of customer"


def test_without_a_prior_the_reason_is_said_and_without_a_pool_nothing() -> None:
    transitions = tiny_model().transitions
    (said,) = pool_notes(POOLED, None, transitions)
    assert "'agency' has no prior for this client (too few others" in said
    assert pool_notes(POOLED.changed(pool=None), None, transitions) == []
