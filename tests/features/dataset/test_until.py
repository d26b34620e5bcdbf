"""A dataset as it was earlier knows nothing of later."""

from __future__ import annotations

import pandas as pd

from features.dataset.until import known_until
from tests.features.dataset.three_leads import act, dataset, day


def test_later_is_not_there_yet() -> None:
    whole = dataset(
        leads=[{"lead_id": i, "created_at": day(n * 10)} for n, i in enumerate("abc")],
        interactions=[act("a", 1), act("a", 30), act("c", 14)],
        lead_stages=[{"lead_id": "a", "lead_stage": name, "at": day(n)} for name, n in (("mql", 3), ("customer", 40))],
        deals=[
            {"deal_id": "1", "lead_id": "a", "created_at": day(5), "closed_at": day(40), "status": "won"},
            {"deal_id": "2", "lead_id": "a", "created_at": day(5), "closed_at": day(9), "status": "lost"},
            {"deal_id": "3", "lead_id": "b", "created_at": day(31), "status": "open"},
        ],
    )
    earlier, removed = known_until(whole, day(15))
    assert list(earlier.leads["lead_id"]) == ["a", "b"]
    assert [(r.lead_id, r.at) for r in earlier.interactions.itertuples()] == [("a", day(1))]
    assert list(earlier.lead_stages["lead_stage"].astype(str)) == ["mql"]
    assert list(zip(earlier.deals["deal_id"], earlier.deals["status"], strict=True)) == [("1", "open"), ("2", "lost")]
    assert earlier.deals["closed_at"].isna().tolist() == [True, False]
    assert (removed, earlier.extracted_at) == (4, day(15))
    assert known_until(whole, whole.extracted_at) == (whole, 0)


def test_values_are_those_of_then() -> None:
    """A value that came later is missing, one that changed later stands in the changes; today's opt-out stays."""
    change = {"entity": "lead", "column": "budget"}
    whole = dataset(
        leads=[{"lead_id": i, "created_at": day(0), "budget": 5.0, "vip": True, "opted_out": i == "a"} for i in "abc"],
        attribute_changes=[
            {**change, "id": "a", "value": "5", "at": day(30)},
            {**change, "id": "b", "value": "4", "at": day(0)},
            {**change, "id": "b", "value": "5", "at": day(30)},
            {**change, "id": "b", "column": "vip", "value": "true", "at": day(30)},
            {**change, "id": "a", "column": "opted_out", "value": "true", "at": day(30)},
        ],
    )
    earlier, _ = known_until(whole, day(15))
    assert earlier.leads["budget"].tolist()[2] == 5.0
    assert earlier.leads["budget"].isna().tolist() == [True, True, False]
    assert earlier.leads["vip"].isna().tolist() == [False, True, False]
    assert earlier.leads["opted_out"].tolist() == [True, False, False]
    changes = earlier.attribute_changes
    assert sorted(zip(changes["id"], changes["column"], changes["value"], strict=True)) == [
        ("a", "opted_out", "false"),
        ("b", "budget", "4"),
    ]
    assert isinstance(changes["at"].dtype, pd.DatetimeTZDtype)
