"""Who is met within a capacity."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from connectors.files.flat import START, STEP
from features.common.clock import DAY
from training.common.config import Config
from training.evaluation.capacity import USUAL_CAPACITY, capacity_share, capture_difference, leads_per_week


@pytest.mark.parametrize(
    ("created", "dated", "volume", "per_week", "share"),
    [
        (np.arange(701) * DAY // 10, True, None, 70.1, 40 / 70.1),  # ten leads a day, seventy days
        (np.arange(701) * DAY // 10, False, None, 70.1, 40 / 70.1),  # a flat file whose leads have days
        (START + np.arange(40_000) * STEP, False, None, None, None),  # the order of rows
        (START + np.arange(40_000) * STEP, False, 400.0, 400.0, 0.1),
        (np.arange(50) * DAY // 10, True, None, None, None),  # five days
    ],
)
def test_a_capacity_is_a_share_of_the_leads_that_come(
    created: np.ndarray, dated: bool, volume: float | None, per_week: float | None, share: float | None
) -> None:
    prepared: Any = SimpleNamespace(histories=SimpleNamespace(created=created), dated=dated)
    sales = {"capacity_per_week": 40, "leads_per_week": volume}
    config = Config.model_validate({"name": "x", "dataset": "d", "sales": sales})
    assert leads_per_week(prepared, config) == (None if per_week is None else pytest.approx(per_week))
    assert capacity_share(prepared, config) == pytest.approx(USUAL_CAPACITY if share is None else 100 * share)


def test_caught_among_all_is_the_sum_of_the_segments() -> None:
    random = np.random.default_rng(2)
    y, a, b = random.random(400) < 0.3, random.random(400), random.random(400)
    part = random.random(400) < 0.5
    account = np.arange(400)
    whole = capture_difference(y, a, b, 20, account)
    first, second = (capture_difference(y, a, b, 20, account, subset=rows) for rows in (part, ~part))
    customers = [(y & part).sum(), (y & ~part).sum()]
    assert whole.mean * y.sum() == pytest.approx(first.mean * customers[0] + second.mean * customers[1])
    assert whole.low <= whole.mean <= whole.high
