"""What a lead is worth when it enters a lead stage: the arithmetic, groups, and what is not known yet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.dataset.dataset import Dataset
from features.dataset.validate import validate
from tests.trained import Trained
from training.evaluation.worth import COLUMNS, worth, worth_in_words


@pytest.fixture(scope="module")
def table(trained: Trained, dataset: Dataset) -> pd.DataFrame:
    prepared = trained.prepared
    return worth(prepared, validate(dataset, prepared.funnel)[0], trained.model)


def test_the_overall_worth_is_what_matured_leads_brought(table: pd.DataFrame, trained: Trained) -> None:
    prepared = trained.prepared
    entered, customer = prepared.path.reached[:, 1], prepared.path.reached[:, -1]
    horizon = prepared.funnel.horizons["customer"] * 86_400_000_000
    known = entered <= prepared.extracted_at - horizon
    amount = prepared.deals.of_leads(len(prepared.histories))[0]
    came = np.where(customer <= entered + horizon, np.nan_to_num(amount), 0)[known]
    row = table[(table["lead_stage"] == "mql") & (table["by"] == "all")].iloc[0]
    assert row["leads"] == known.sum()
    assert row["worth"] == pytest.approx(came.mean())
    assert row["low"] < row["worth"] < row["high"]


def test_groups_add_up_to_the_whole(table: pd.DataFrame) -> None:
    for _, rows in table.groupby("lead_stage"):
        whole = rows[rows["by"] == "all"].iloc[0]
        for by in ("source", "first_campaign", "last_campaign"):
            part = rows[rows["by"] == by]
            if not len(part):  # nobody met a campaign before being a lead
                assert (whole["lead_stage"], by[-8:]) == ("lead", "campaign")
                continue
            assert part["leads"].sum() == whole["leads"]
            assert part["leads"] @ part["worth"] == pytest.approx(whole["leads"] * whole["worth"])


def test_small_groups_are_told_together(table: pd.DataFrame) -> None:
    assert (table.loc[~table["group"].isin(["(others)"]), "leads"] >= 30).all()


def test_the_later_the_lead_stage_the_more_it_is_worth(table: pd.DataFrame) -> None:
    overall = table[table["by"] == "all"].set_index("lead_stage")["worth"]
    assert overall["lead"] < overall["mql"] < overall["sql"]


def test_words_name_the_best_source(table: pd.DataFrame) -> None:
    lines = worth_in_words(table, "EUR")
    assert len(lines) == table["lead_stage"].nunique()
    best = table[(table["lead_stage"] == "lead") & (table["by"] == "source")].iloc[0]["group"]
    assert f"from {best} " in lines[0]


def test_without_deals_there_is_an_empty_table(trained: Trained, dataset: Dataset) -> None:
    found = worth(trained.prepared, dataset, replace(trained.model, value=None))
    assert (len(found), list(found.columns)) == (0, COLUMNS)
    assert worth_in_words(found, "EUR") == []
