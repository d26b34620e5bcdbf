"""Interactions that only follow the outcome: point-in-time features cannot see them early, but somebody should know."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.audit.verdict import Verdict
from features.clock import microseconds
from features.dataset import Dataset
from features.funnel import Funnel
from features.landmarks import Path

MIN_ROWS = 20
FOLLOWS = 0.95  # share of a type's rows that come after the lead stage was reached


def only_after(dataset: Dataset, path: Path, funnel: Funnel) -> tuple[Verdict, ...]:
    """A warning for each type nearly all of whose rows lie after their lead reached the final lead stage."""
    interactions = dataset.interactions
    if not len(interactions):
        return ()
    lead = pd.Index(dataset.leads["lead_id"]).get_indexer(pd.Index(interactions["lead_id"].astype("str")))
    after = (lead >= 0) & (microseconds(interactions["at"]) >= path.reached[np.maximum(lead, 0), -1])
    rows = pd.DataFrame({"type": interactions["type"].astype("str"), "after": after})
    counts = rows.groupby("type")["after"].agg(["sum", "size"])
    suspects = counts[(counts["size"] >= MIN_ROWS) & (counts["sum"] >= FOLLOWS * counts["size"])]
    return tuple(
        Verdict(str(name), "warn", (f"{late:,} of {every:,} come after the lead became {funnel.final}; features cut them off",))
        for name, late, every in zip(suspects.index, suspects["sum"], suspects["size"], strict=True)
    )
