"""A scored lead: columns, one by one and rows say the same; a single lead's numbers are rounded, columns are not."""

from __future__ import annotations

import math

import pytest

from features.common.words import Language
from models.model import FunnelModel
from models.score import score
from models.scored_lead import LISTED_REASONS, LeadWords
from tests.models.looks import seen

LEADS = 30


@pytest.mark.parametrize("language", ["en", "de"])
def test_one_lead_is_its_row_of_the_columns(model: FunnelModel, language: Language) -> None:
    scored = score(LeadWords(model, language), seen(model, LEADS), LISTED_REASONS)
    columns, final = scored.columns(), model.funnel.final
    assert all(len(values) == LEADS for values in columns.values())
    for i, lead in enumerate(scored.each([str(i) for i in range(LEADS)])):
        row = {name: values[i] for name, values in columns.items()}
        assert (lead.lead_id, lead.warnings) == (str(i), [])
        assert (lead.score, lead.grade, lead.advice.status) == (row["score"], row["grade"], row["status"])
        assert (lead.chance, lead.number("points")) == (round(row[f"p_{final}"], 6), round(row["points"], 6))
        assert lead.worth("value") == round(row["expected_value"], 2)
        assert lead.next_chance == round(row[f"p_{lead.target}"], 6) == round(float(scored.next_chance[i]), 6)
        assert "; ".join(reason.words(language) for reason in lead.reasons) == row["reasons"]
        assert model.funnel.stages[lead.stage] == row["lead_stage"]


def test_what_is_not_ahead_is_missing(model: FunnelModel) -> None:
    scored = score(LeadWords(model, "en"), seen(model, LEADS))
    for stage, row in zip(scored.stage, scored.by_target("probability"), strict=True):
        assert [math.isnan(p) for p in row] == [target < stage for target in range(len(row))]
