"""Coverage: true intervals hold what comes, narrow ones beside the truth do not, and few leads say nothing."""

from __future__ import annotations

import numpy as np

from features.dataset.labels import Labels
from training.evaluation.coverage import Coverage, coverage

N = 4_000


def covered(said: float, rows: int = N) -> Coverage | None:
    """Leads of whom 30 % progress, each an account of its own, with an interval of ± 0.01 around what is said."""
    random = np.random.default_rng(0)
    came = (random.random(rows) < 0.3)[:, None]
    p = np.full((rows, 1), said) + random.uniform(-0.001, 0.001, (rows, 1))
    at = np.arange(rows)
    labels = Labels(came, np.ones_like(came), np.ones_like(came))
    return coverage(p, p - 0.01, p + 0.01, labels, np.zeros(rows, np.int64), 0, at, at)


def test_what_is_true_is_held_and_what_is_not_is_not() -> None:
    right, wrong = covered(0.3), covered(0.5)
    assert right is not None
    assert wrong is not None
    assert right.inside >= 0.85
    assert wrong.inside < 0.2
    assert abs(right.width - 0.02) < 1e-9
    assert right.cells > 20


def test_few_leads_say_nothing() -> None:
    assert covered(0.3, rows=19) is None
