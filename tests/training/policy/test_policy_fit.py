"""The silence after which a lead with sales is taken back, and lines where history says nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.decision.recommend import QUIET_DAYS
from models.model import LAST_INTERACTION
from tests.trained import Trained
from training.common.config import Config
from training.data.prepare import Prepared
from training.policy.policy_fit import bare_policy, choose_policy, quiet_days


def silent_for(prepared: Prepared, days: np.ndarray) -> Prepared:
    """The same landmarks, last seen so many days before."""
    place = [f.name for f in prepared.feature_set.features].index(
        LAST_INTERACTION.name
    ) + prepared.feature_set.attribute_columns
    rows = prepared.rows.copy()
    rows[place] = days
    return replace(prepared, rows=rows)


def test_the_silence_is_the_one_after_which_conversions_halve(trained: Trained) -> None:
    """Whoever converts was seen yesterday, the others 25 days ago: from the first silence between on, nobody converts."""
    prepared = trained.prepared
    converts = prepared.labels(prepared.extracted_at).reached[:, -1]
    days, (said,) = quiet_days(silent_for(prepared, np.where(converts, 1.0, 25.0)), sales_from=0)
    assert days == 14.0
    assert "silent for 14 days became customer in 0.0% of cases" in said


def test_without_a_difference_or_with_few_leads_it_is_the_usual(trained: Trained) -> None:
    prepared = trained.prepared
    alternating = np.where(np.arange(len(prepared.looks)) % 2 == 0, 1.0, 25.0)
    assert quiet_days(silent_for(prepared, alternating), sales_from=0) == (QUIET_DAYS, ())
    assert quiet_days(silent_for(prepared, np.ones(len(prepared.looks))), sales_from=0) == (QUIET_DAYS, ())


def test_without_weeks_to_look_back_on_the_line_is_the_cost_or_twice_the_base_rate(trained: Trained) -> None:
    out = trained.outcome
    config = Config.read(trained.config)
    with_money = choose_policy(bare_policy(config, out.prepared, 1.0), out.prepared, config, out.holdout, None, slice(None))
    assert dict(with_money.lines) == {"sql": 25.0}
    without = choose_policy(bare_policy(config, out.prepared, None), out.prepared, config, out.holdout, None, slice(None))
    matured = out.holdout.labels.matured[:, -1]
    rate = out.holdout.labels.reached[matured, -1].mean()
    assert without.line == pytest.approx(min(2 * rate, 0.5))


def test_the_lines_rise_along_the_funnel_and_a_contact_pays_for_itself(trained: Trained) -> None:
    policy = trained.model.policy
    assert policy.money
    assert list(policy.lines) == ["mql", "sql"]
    assert policy.lines["mql"] <= policy.lines["sql"]
    assert policy.line >= 25.0, "what a contact costs"
