"""The silence after which a lead with sales is taken back, and lines where history says nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from connectors.files.flat import START, STEP
from models.batch import scoring_input
from models.decision.recommend import QUIET_DAYS, Policy
from models.model import LAST_INTERACTION
from models.score import predict
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


def without_weeks(trained: Trained, lifetime: float | None, **sales: float | None) -> Policy:
    """The policy where there are no weeks to look back on."""
    out = trained.outcome
    config = Config.read(trained.config)
    config = config.changed(sales=config.sales.model_copy(update=sales))
    bare = bare_policy(config, out.prepared, lifetime)
    return choose_policy(bare, out.prepared, config, out.holdout, out.handover_result.cut, None, slice(None))


def test_without_weeks_and_capacity_the_line_is_the_cost_or_twice_the_base_rate(trained: Trained) -> None:
    out = trained.outcome
    assert dict(without_weeks(trained, 1.0, capacity_per_week=None).lines) == {"sql": 25.0}
    matured = out.holdout.labels.matured[:, -1]
    rate = out.holdout.labels.reached[matured, -1].mean()
    assert without_weeks(trained, None, capacity_per_week=None).line == pytest.approx(min(2 * rate, 0.5))


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_without_weeks_a_capacity_is_kept_as_a_share_of_the_leads(trained: Trained, share: float) -> None:
    """As many held-out leads reach the line, with the low end of their interval, as sales takes of those that come."""
    out = trained.outcome
    policy = without_weeks(trained, None, capacity_per_week=400 * share, leads_per_week=400.0)
    looks = out.prepared.looks.take(out.holdout.rows)
    looks = looks.take(np.flatnonzero(looks.stage < out.prepared.funnel.position("sql")))
    cut = out.handover_result.cut
    low = predict(cut, scoring_input(cut, out.prepared.histories, looks)).low[:, -1]
    reached = len(np.unique(looks.lead[low >= policy.line])) / len(np.unique(looks.lead))
    assert share - 0.01 < reached <= share
    assert any(f"{share:.1%}" in note for note in policy.notes)


def test_a_capacity_of_unknown_share_is_said_not_to_be_used(trained: Trained) -> None:
    out = trained.outcome
    histories = replace(out.prepared.histories, created=START + STEP * np.arange(len(out.prepared.histories)))
    undated = replace(out.prepared, dated=False, histories=histories)
    config = Config.read(trained.config)
    policy = bare_policy(config, undated, None)
    assert policy.capacity_per_week is None
    assert "`sales: capacity_per_week: 10` is not used" in policy.notes[0]
    assert "leads_per_week" in policy.notes[0]
    told = config.changed(sales=config.sales.model_copy(update={"leads_per_week": 50.0}))
    assert bare_policy(told, undated, None).capacity_per_week == 10
    assert bare_policy(told, undated, None).notes == ()


def test_the_lines_rise_along_the_funnel_and_a_contact_pays_for_itself(trained: Trained) -> None:
    policy = trained.model.policy
    assert policy.money
    assert list(policy.lines) == ["mql", "sql"]
    assert policy.lines["mql"] <= policy.lines["sql"]
    assert policy.line >= 25.0, "what a contact costs"
