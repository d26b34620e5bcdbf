"""The tables of the report against naive ones."""

from __future__ import annotations

import numpy as np
import pytest

from tests.trained import Trained
from training.report.measures import contact_curve, migration


def test_bands_hold_every_look_once(trained: Trained) -> None:
    out = trained.outcome
    table = migration(out.prepared, out.holdout)
    rows = int(out.holdout.labels.matured[:, -1].sum())
    assert table["leads"].sum() == rows
    customers = (table["leads"] * table["came"]).sum()
    assert customers == pytest.approx(out.holdout.labels.reached[out.holdout.labels.matured[:, -1], -1].sum())


def test_a_lower_line_contacts_more_and_misses_fewer(trained: Trained) -> None:
    handed = trained.outcome.handover_result
    assert handed.past is not None
    for _, curve in contact_curve(handed.past, handed.policy).groupby("by"):
        assert curve["contacts"].is_monotonic_increasing
        assert curve["line"].is_monotonic_decreasing
        assert curve["customers"].iloc[-1] > 0
        assert (np.diff(curve["too_late"]) < 1e-9).all()
        assert curve["too_late"].iloc[-1] == pytest.approx(0.0, abs=1e-9), "whoever contacts everybody misses nobody"
