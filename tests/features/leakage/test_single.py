"""One value that all who converted have."""

from __future__ import annotations

import numpy as np
import pytest

from features.leakage import audit
from tests.features.leakage.world import FUNNEL, N, converted, crm


def of_source(source: np.ndarray) -> tuple[str, str]:
    (verdict,) = [v for v in audit(crm({"source": source}), FUNNEL).columns if v.column == "source"]
    return verdict.level, verdict.evidence[0]


def test_one_source_with_all_conversions_is_said_in_a_sentence() -> None:
    """Half of the leads come from fairs, among them everybody who converted."""
    y = converted()
    fair = y | (np.random.default_rng(1).random(N) < 0.5)
    level, why = of_source(np.where(fair, "fair", "web"))
    assert level in ("warn", "block")
    assert f"all {y.sum()} leads that became customer have 'fair' here" in why
    assert f"none of {(~fair).sum()} others became it" in why
    assert "insist" in why


@pytest.mark.parametrize("others", [0.99, 0.3])
def test_a_few_who_differ_are_no_news(others: float) -> None:
    """With hardly any other lead it is chance; with converts among the others it is not so."""
    random = np.random.default_rng(3).random(N)
    source = np.where(random < others, "fair", "web")
    if others > 0.9:
        source = np.where(converted(), "fair", source)
    assert "all" not in of_source(source)[1].split()[:1]
