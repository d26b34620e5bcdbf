"""Of whom is known what became of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.dataset.funnel import Funnel
from features.dataset.landmarks import Path
from features.leakage.outcomes import outcomes

FUNNEL = Funnel(("lead", "mql", "customer"), ("lost",))


def day(n: int) -> pd.Timestamp:
    return pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(days=n)


def test_converted_lost_and_long_silent_leads_are_known_the_newly_come_is_not() -> None:
    leads = pd.DataFrame({"lead_id": list("abcd"), "created_at": [day(0), day(0), day(0), day(97)]})
    ways = [("a", "mql", day(5)), ("a", "customer", day(100)), ("b", "lost", day(3))]
    path = Path.from_tables(leads, pd.DataFrame(ways, columns=["lead_id", "lead_stage", "at"]), FUNNEL)
    mql, customer, whole = outcomes(path, FUNNEL.targets)
    assert (mql.rows.tolist(), mql.y.tolist(), mql.step) == ([0, 1, 2], [True, False, False], True)
    assert (customer.rows.tolist(), customer.y.tolist()) == ([0], [True])
    assert (whole.target, whole.step, whole.rows.tolist()) == ("customer", False, [0, 1, 2])
    assert np.array_equal(mql.entered, path.reached[mql.rows, 0])


def test_without_dates_no_silence_is_a_no() -> None:
    """Between rows no time passes: who has no outcome may be of any."""
    leads = pd.DataFrame({"lead_id": list("abcd"), "created_at": [day(n) for n in range(4)]})
    ways = [("a", "customer", day(0)), ("d", "lost", day(3))]
    path = Path.from_tables(leads, pd.DataFrame(ways, columns=["lead_id", "lead_stage", "at"]), FUNNEL)
    mql, customer, whole = outcomes(path, FUNNEL.targets, dated=False)
    assert (mql.rows.tolist(), mql.y.tolist()) == ([0, 3], [True, False])
    assert (whole.rows.tolist(), whole.y.tolist()) == ([0, 3], [True, False])
    assert customer.rows.tolist() == [0]


def test_two_lead_stages_have_one_outcome() -> None:
    leads = pd.DataFrame({"lead_id": ["a"], "created_at": [day(0)]})
    path = Path.from_tables(leads, pd.DataFrame({"lead_id": ["a"], "lead_stage": ["customer"], "at": [day(1)]}), FUNNEL)
    assert len(outcomes(path, ("customer",))) == 1
