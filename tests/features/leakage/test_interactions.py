"""Interactions that only follow the outcome."""

from __future__ import annotations

import pandas as pd

from features.dataset.landmarks import Path
from features.leakage.interactions import FollowCounts, judge_interactions
from tests.features.leakage.world import FUNNEL, crm

PLAIN = crm({})
ENDS = PLAIN.lead_stages.set_index("lead_id")
BUYERS = ENDS.index[ENDS["lead_stage"] == "customer"]


def judged(rows: list[tuple[str, str, pd.Timestamp]]) -> dict[str, tuple[str, str]]:
    data = crm({}, interactions=pd.DataFrame(rows, columns=["lead_id", "type", "at"]))
    found = judge_interactions(
        FollowCounts.from_dataset(data, Path.from_tables(data.leads, data.lead_stages, FUNNEL), FUNNEL), FUNNEL
    )
    return {v.subject: (v.level, v.evidence[0]) for v in found}


def at_end(ids: pd.Index, kind: str, days: float) -> list[tuple[str, str, pd.Timestamp]]:
    return [(i, kind, ENDS.at[i, "at"] + pd.Timedelta(days=days)) for i in ids[:30]]


def test_what_follows_the_purchase_is_named() -> None:
    found = judged([*at_end(BUYERS, "invoice_sent", 1), *at_end(BUYERS, "page_view", -1)])
    assert found["invoice_sent"] == ("warn", "30 of 30 come after the lead became customer; features cut them off")
    assert found["page_view"] == ("ok", "30 rows, 0 of them after the lead has ended")


def test_what_comes_in_the_same_moment_follows() -> None:
    assert judged(at_end(BUYERS, "contract", 0))["contract"][0] == "warn"


def test_what_follows_either_end_is_named() -> None:
    found = judged(at_end(ENDS.index, "survey", 2))
    assert found["survey"] == ("warn", "30 of 30 come once the lead has ended, won or not; features cut them off")


def test_few_rows_say_nothing() -> None:
    assert judged(at_end(BUYERS, "gift", 1)[:19])["gift"] == ("ok", "19 rows, too few to say")


def test_no_interactions_no_verdicts() -> None:
    assert judged([]) == {}
