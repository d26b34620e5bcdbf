"""What a client contributes: nothing from few leads, no column that few fill, and nobody's name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.dataset.dataset import Dataset
from tests.models.learners.pools import examples
from tests.trained import Trained
from training.pool.contribution import Contribution, contribute, of_transition


def test_few_leads_or_outcomes_contribute_nothing() -> None:
    names, plain = [f"c{i}" for i in range(5)], np.zeros(5, bool)
    assert of_transition(examples(99), names, plain) is None
    assert of_transition(examples(600, base=-6.0), names, plain) is None


def test_a_column_that_few_accounts_fill_is_not_said() -> None:
    some = examples(600)
    x = np.abs(some.x)
    x[:, 0] = 0
    x[:19, 0] = 1
    x[:, 1] = 0
    x[:20, 1] = 1
    given = of_transition(replace(some, x=x), [f"c{i}" for i in range(5)], np.zeros(5, bool))
    assert given is not None
    assert "c0" not in given.columns
    assert "c1" in given.columns


def test_what_was_given_comes_back_as_it_was() -> None:
    given = of_transition(examples(600), [f"c{i}" for i in range(5)], np.zeros(5, bool))
    assert given is not None
    contribution = Contribution({"mql": given})
    assert Contribution.from_dict(contribution.to_dict()) == contribution


def named(dataset: Dataset) -> set[str]:
    """All that names a person or a company."""
    leads, companies = dataset.leads, dataset.companies
    columns = (leads["lead_id"], leads["company_id"], leads["email_domain"], leads["job_title"], companies["company_id"])
    return {str(value) for column in columns for value in column.dropna().unique()}


def test_a_contribution_names_nobody(trained: Trained, dataset: Dataset) -> None:
    """Even what stays in the agency's own folder."""
    text = str(contribute(trained.prepared).to_dict())
    assert "any.count_30d" in text
    assert "points" not in text
    assert not [name for name in named(dataset) if name in text]


def test_levels_are_nobody_elses_and_take_no_part() -> None:
    some = examples(600)
    marks = np.array([0, 1, 0, -1, 0], np.int8)
    given = of_transition(replace(some, levels=marks), [f"c{i}" for i in range(5)], np.zeros(5, bool))
    assert given is not None
    assert set(given.columns) == {"c0", "c2"}  # the last one is that of the points
