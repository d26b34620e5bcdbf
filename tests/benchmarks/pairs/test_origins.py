"""Origins: what is known on a day, and what is judged after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.pairs.origins import Origin, as_known, held_out
from benchmarks.pairs.tasks import TASKS, Task
from features.common.clock import moment
from features.dataset.dataset import Dataset
from features.dataset.tables import conform

TASK = Task("small", "olist", None)
DAYS = pd.date_range("2026-01-01", periods=10, freq="D", tz="UTC")
CUT = DAYS[4]
LATE = pd.Timestamp("2026-01-20", tz="UTC")


def dataset() -> Dataset:
    """Ten leads, one a day; each is seen on its day and on the 20th and won on the 20th, but for the first, won on the 3rd."""
    ids = [f"L{i}" for i in range(10)]
    leads = pd.DataFrame({"lead_id": ids, "created_at": DAYS, "company_id": [f"C{i // 2}" for i in range(10)]})
    seen = pd.DataFrame({"lead_id": ids * 2, "type": "visit", "at": [*DAYS, *[LATE] * 10]})
    won = pd.DataFrame({"lead_id": ids, "lead_stage": "customer", "at": [DAYS[2], *[LATE] * 9]})
    deals = pd.DataFrame(
        {
            "deal_id": ids,
            "lead_id": ids,
            "created_at": DAYS,
            "closed_at": [DAYS[2], *[LATE] * 9],
            "status": "won",
            "amount": 1.0,
        }
    )
    tables = {"leads": leads, "interactions": seen, "lead_stages": won, "deals": deals}
    return Dataset.from_tables({n: conform(n, t) for n, t in tables.items()}, extracted_at=LATE)


def origin(task: Task = TASK) -> Origin:
    return Origin(task, 1, moment(CUT), moment(LATE))


def test_nothing_after_the_origin_is_known() -> None:
    known = as_known(dataset(), origin())
    assert known.leads["lead_id"].tolist() == ["L0", "L1", "L2", "L3", "L4"]
    assert known.extracted_at == CUT
    for table, column in (("interactions", "at"), ("lead_stages", "at"), ("deals", "created_at")):
        assert (known.tables[table][column] <= CUT).all()
    assert known.lead_stages["lead_id"].tolist() == ["L0"]


def test_a_deal_that_was_won_later_is_open() -> None:
    deals = as_known(dataset(), origin()).deals.set_index("deal_id")
    assert (deals.loc["L0", "status"], deals.loc["L1", "status"]) == ("won", "open")
    assert deals["closed_at"].notna().tolist() == [True, False, False, False, False]


def test_rows_in_order_know_every_outcome_of_those_who_came() -> None:
    """The day of knowledge lies as long after the newest row as in the whole file."""
    whole = replace(dataset(), time="row_order")
    known = as_known(whole, origin())
    assert known.lead_stages["lead_id"].tolist() == ["L0", "L1", "L2", "L3", "L4"]
    assert known.extracted_at - CUT == whole.extracted_at - DAYS[9]


def test_accounts_held_out_are_never_learned_from() -> None:
    task = replace(TASK, by_account=True)
    every = held_out(dataset(), task)
    assert not held_out(dataset(), TASK).any()
    assert every.reshape(-1, 2).std(axis=1).max() == 0, "leads of one account stay together"
    known = as_known(dataset(), origin(task))
    assert not set(known.leads["lead_id"]) & set(dataset().leads["lead_id"][every])


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_every_task_has_three_origins_in_order(task: Task) -> None:
    assert len(task.origins) >= 3
    assert list(task.origins) == sorted(set(task.origins))
    assert np.ptp(task.origins) > 0.1
