"""Calibration by segment: literal bands, segments named as people would, and the table of a real run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.conftest import Trained
from training.segments import _size, band, in_words


@pytest.mark.parametrize(
    ("people", "segment"), [(3, "0–9"), (10, "10–49"), (249.0, "50–249"), (5_000, "1,000+"), (float("nan"), None)]
)
def test_company_sizes(people: float, segment: str | None) -> None:
    assert _size(people) == segment


def test_the_band_counts_accounts_not_rows() -> None:
    """A thousand rows of ten accounts that each say one thing are worth about ten."""
    y = np.repeat(np.arange(10) % 2 == 0, 100)
    p = np.full(1_000, 0.5)
    alone = band(y, p, np.arange(1_000))
    together = band(y, p, np.repeat(np.arange(10), 100))
    assert alone == (pytest.approx(0.469, abs=0.002), pytest.approx(0.531, abs=0.002))
    assert together[1] - together[0] > 0.4


def test_the_sentence_names_the_worst() -> None:
    table = pd.DataFrame(
        {
            "target": ["sql", "sql"],
            "kind": ["source", "source"],
            "segment": ["ads", "web"],
            "rows": [200, 300],
            "said": [0.3, 0.2],
            "came": [0.1, 0.21],
            "holds": [False, True],
        }
    )
    assert "in 1 of 2 segments" in in_words(table)[0]
    assert "source ads, said 30.0%, came 10.0% of 200" in in_words(table)[0]
    assert in_words(table[:0]) == []


def test_the_terminal_says_it(trained: Trained) -> None:
    assert "What was said came true, within chance, in" in trained.printed
