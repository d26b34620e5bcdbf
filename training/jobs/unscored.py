"""Whom a write-back scores, and why the others have no score."""

from __future__ import annotations

import pandas as pd

from features.common.clock import moment
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.dataset.landmarks import AHEAD, CONVERTED, EXITED, OPEN, Path, states
from training.common.config import Config
from training.data.load import load


def unscored(dataset: Dataset, funnel: Funnel, as_of: pd.Timestamp) -> list[str]:
    """Why leads have no score at `as_of`, in words with numbers; each lead is counted once, by the first reason that holds."""
    state = states(Path.from_tables(dataset.leads, dataset.lead_stages, funnel), moment(as_of))
    opted_out = dataset.leads["opted_out"].fillna(False).to_numpy(bool)
    counts = {
        "opted out": int(opted_out.sum()),
        f"reached {funnel.final}": int((state == CONVERTED)[~opted_out].sum()),
        f"left the funnel ({', '.join(funnel.exits)})": int((state == EXITED)[~opted_out].sum()),
        "were created after the import began": int((state == AHEAD)[~opted_out].sum()),
    }
    return [f"{count:,} {reason}" for reason, count in counts.items() if count]


def open_in_crm(config: Config, funnel: Funnel) -> set[str] | None:
    """The leads that are open in the first of several `sources:` by its own clock, which are those a score may go to: another
    source may have ended earlier, or have leads that the CRM does not have. None where there is one source."""
    if not config.sources:
        return None
    dataset, _ = load(config.parts[0])
    state = states(Path.from_tables(dataset.leads, dataset.lead_stages, funnel), moment(dataset.extracted_at))
    is_open = (state == OPEN) & ~dataset.leads["opted_out"].fillna(False).to_numpy(bool)
    return set(dataset.leads["lead_id"].astype("str")[is_open])
