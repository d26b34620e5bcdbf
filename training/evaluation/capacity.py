"""What sales can take, and who is met when it takes the leads that rank highest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from connectors.files.flat import in_row_order
from features.common.clock import WEEK
from models.common.types import Flags, Floats
from training.common.config import Config
from training.data.prepare import Prepared
from training.evaluation.evaluate import taken_share
from training.evaluation.gate import Difference

USUAL_CAPACITY = 10.0  # % of the leads
DRAWS = 1_000
LEVEL = 0.9


def capacity_share(prepared: Prepared, config: Config) -> float:
    """The share of leads, in %, that sales can take: its capacity against the leads that come in a week; 10 % if unknown."""
    weekly, volume = config.sales.capacity_per_week, leads_per_week(prepared, config)
    if not weekly or not volume:
        return USUAL_CAPACITY
    return float(np.clip(100 * weekly / volume, 0.1, 100.0))


def leads_per_week(prepared: Prepared, config: Config) -> float | None:
    """How many leads come in a week, as the configuration or the days on which they came say; None where rows have no days,
    or these span less than a week."""
    if config.sales.leads_per_week:
        return config.sales.leads_per_week
    created = prepared.histories.created
    weeks = float(created.max() - created.min()) / WEEK
    return None if weeks < 1 or (not prepared.dated and in_row_order(created)) else len(created) / weeks


def capture_difference(
    y: Flags,
    new_scores: Floats,
    current_scores: Floats,
    capacity: float,
    account: npt.NDArray[np.int64],
    subset: Flags | None = None,
    seed: int = 7,
) -> Difference:
    """By how much the share of later customers (`subset` these rows, all without) met at this capacity differs, 90 % interval.

    Ranked are all rows; accounts are drawn with replacement (cluster bootstrap).
    """
    counts = y if subset is None else y & subset
    _, code = np.unique(account, return_inverse=True)
    random = np.random.default_rng(seed)
    shares = [taken_share(score, capacity) for score in (new_scores, current_scores)]
    gains = np.bincount(code, (shares[0] - shares[1]) * counts)
    customers = np.bincount(code, counts.astype(np.float64))
    drawn = random.multinomial(len(customers), np.full(len(customers), 1 / len(customers)), size=DRAWS)
    differences = (drawn @ gains) / np.maximum(drawn @ customers, 1)
    low, high = np.quantile(differences, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    mean = float(((shares[0] - shares[1]) * counts).sum() / max(counts.sum(), 1))
    return Difference(mean, float(low), float(high))
