"""Columns of one system that judge the same leads."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.leakage.families import families
from features.leakage.strength import levels

N = 400
RANDOM = np.random.default_rng(0)
GIVEN = RANDOM.random(N) < 0.5


def found(**columns: np.ndarray) -> list[list[str]]:
    series = {f"lead.{name}": pd.Series(values) for name, values in columns.items()}
    return families(series, {name: levels(values) for name, values in series.items()})


def noise(given: np.ndarray | None = None) -> np.ndarray:
    values = RANDOM.normal(size=N)
    return values if given is None else np.where(given, values, np.nan)


def test_judgements_filled_for_the_same_leads() -> None:
    assert found(acme_score=noise(GIVEN), acme_index=noise(GIVEN), size=noise()) == [["lead.acme_score", "lead.acme_index"]]


def test_a_member_filled_for_other_leads_stands_apart() -> None:
    assert found(acme_score=noise(GIVEN), acme_index=noise(~GIVEN)) == []


def test_never_empty_they_must_move_together() -> None:
    score = noise()
    assert found(acme_score=noise(), acme_index=noise()) == []
    assert found(acme_score=score, acme_index=np.round(score)) == [["lead.acme_score", "lead.acme_index"]]


def test_answers_of_one_form_are_no_judgements() -> None:
    assert found(form_size=noise(GIVEN), form_budget=noise(GIVEN), form_team=noise(GIVEN)) == []
