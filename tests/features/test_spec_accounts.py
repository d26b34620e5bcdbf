"""The buying group at the edges of a group of accounts."""

from __future__ import annotations

import numpy as np

from features.common.clock import DAY
from features.engine.evaluate import evaluate
from features.engine.index import HistoryIndex
from features.engine.people import LandmarkArrays, People
from features.engine.plan import Plan
from features.spec_accounts import ColleaguesActive, ColleaguesSilence


def test_leads_without_colleagues_behind_take_nobody_away() -> None:
    """A company of three, then a lead alone: the last colleague of the last look with colleagues was once lost to it."""
    account = np.array([0, 0, 0, 1], np.int32)
    lead = np.arange(4, dtype=np.int32)
    at = np.array([100, 101, 102, 103], np.int64) * DAY
    people = People(account, np.zeros(4, np.int64), HistoryIndex.build(4, lead, at, np.zeros(4, np.int32)))
    looks = LandmarkArrays(lead, np.full(4, 110 * DAY), np.zeros(4, np.int32), np.zeros(4, np.int64))
    found = evaluate(Plan((ColleaguesActive(30.0), ColleaguesSilence()), ("a",)), people, looks)
    assert found[0].tolist() == [2, 2, 2, 0]
    assert found[1, :3].tolist() == [8, 8, 9]
    assert np.isnan(found[1, 3])
