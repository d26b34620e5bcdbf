"""A batch in many parts is the batch."""

from __future__ import annotations

import pandas as pd
import pytest

from features.dataset.dataset import Dataset
from models import batch
from models.batch import score_open
from tests.trained import Trained


def test_a_moment_with_nobody_open_gives_an_empty_table(trained: Trained, dataset: Dataset) -> None:
    assert score_open(trained.model, dataset, pd.Timestamp("1990-01-01", tz="UTC")).empty


@pytest.mark.parametrize("threads", [1, None])
def test_a_batch_in_many_parts_is_the_batch(
    trained: Trained, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, threads: int | None
) -> None:
    """Blocks and chunks that cut accounts and one another anywhere; progress tells all of them."""
    whole = score_open(trained.model, dataset, dataset.extracted_at)
    assert len(whole) > 300
    monkeypatch.setattr(batch, "BLOCK", 101)
    monkeypatch.setattr(batch, "CHUNK", 37)
    told: list[tuple[int, int]] = []
    parts = score_open(trained.model, dataset, dataset.extracted_at, lambda *said: told.append(said), threads=threads)
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-12)
    assert told[-1] == (len(whole), len(whole))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
