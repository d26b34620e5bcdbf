"""Calibration by segment: literal bands, segments named as people would, and the table of a real run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.dataset.dataset import Dataset
from models.rules.rules import Rules
from tests.trained import Trained
from training.common.config import Config
from training.data.prepare import Prepared, prepare
from training.evaluation.segments import _size, band, in_words, segments


@pytest.mark.parametrize(
    ("people", "segment"),
    [(3, "0–9"), (10, "10–49"), (249.0, "50–249"), ("5000", "1,000+"), (float("nan"), None), (None, None), (-1, None),
     ("many", None), (float("inf"), None)],
)  # fmt: skip
def test_company_sizes(people: object, segment: str | None) -> None:
    assert _size(people) == segment


def test_the_band_counts_accounts_not_rows() -> None:
    """A thousand rows of ten accounts that each say one thing are worth about ten."""
    y = np.repeat(np.arange(10) % 2 == 0, 100)
    alone = band(y, np.arange(1_000))
    together = band(y, np.repeat(np.arange(10), 100))
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


@pytest.fixture(scope="module")
def looked(dataset: Dataset) -> Prepared:
    """The small CRM, but of one lead the source came to be known on the last day only."""
    late = {"entity": "lead", "id": dataset.leads["lead_id"].iloc[0], "column": "source", "value": "partner"}
    changes = pd.DataFrame([{**late, "at": dataset.extracted_at - pd.Timedelta(hours=1)}])
    tables = {**dataset.tables, "attribute_changes": pd.concat([dataset.attribute_changes, changes], ignore_index=True)}
    data = Dataset.from_tables(tables, extracted_at=dataset.extracted_at, source="test")
    config = Config.model_validate({"name": "small", "source": {"kind": "simulator"}})
    return prepare(data, config, config.funnel.build(), Rules.read(), rules_only=True)


def test_a_segment_is_what_was_known_at_the_landmark(looked: Prepared, dataset: Dataset) -> None:
    """A source that comes to be known as the lead progresses would sort leads by how they ended."""
    ids = looked.histories.leads["lead_id"].to_numpy(object)[looked.looks.lead]
    late = ids == dataset.leads["lead_id"].iloc[0]
    source = segments(looked, np.arange(len(ids)))["source"]
    extracted = dataset.leads.set_index("lead_id")["source"].astype(object)
    assert late.any()
    assert extracted.iloc[0] is not None
    assert set(source[late]) == {None}
    assert pd.Series(source[~late]).equals(pd.Series(extracted[ids[~late]].to_numpy()))


def test_what_knows_the_outcome_makes_no_segments(looked: Prepared) -> None:
    without = replace(looked, encoders=tuple(e for e in looked.encoders if e.column != "source"))
    found = segments(without, np.arange(100))
    assert set(found["source"]) == {None}
    assert set(found["country"]) > {"DE"}


def test_the_terminal_says_it(trained: Trained) -> None:
    assert "What was said came true, within chance, in" in trained.printed
