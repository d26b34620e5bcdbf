"""Requests made from a dataset: what an application would send for leads that the dataset holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from features.common.clock import timestamps
from features.dataset.dataset import Dataset
from features.dataset.landmarks import Landmarks, Path, open_leads
from features.engine.histories import Histories
from models.model import FunnelModel


def open_at(model: FunnelModel, dataset: Dataset, as_of: int) -> tuple[Histories, Landmarks]:
    histories = Histories.from_dataset(dataset, model.feature_set.types, model.feature_set.mail)
    path = Path.from_tables(histories.leads, dataset.lead_stages, model.funnel)
    return histories, open_leads(path, as_of)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    out = {}
    for key, value in row.items():
        if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
            continue
        out[key] = (
            value.isoformat() if isinstance(value, pd.Timestamp) else value.item() if isinstance(value, np.generic) else value
        )
    return out


def payload(
    model: FunnelModel, dataset: Dataset, histories: Histories, looks: Landmarks, rows: np.ndarray
) -> list[dict[str, Any]]:
    """One lead of a request per row of `looks`, with all that was known before as_of."""
    as_of = timestamps(looks.as_of[:1])[0]
    ids = histories.leads["lead_id"].to_numpy(object)
    acts = dataset.interactions[dataset.interactions["at"] < as_of]
    by_lead = dict(iter(acts.groupby(acts["lead_id"].astype("str"), observed=True)))  # dict(groups) would call its .keys
    leads = []
    for row in rows:
        lead = histories.leads.iloc[int(looks.lead[row])]
        company_row = int(histories.company_row[looks.lead[row]])
        attributes = _plain({k: v for k, v in lead.items() if k not in ("lead_id", "created_at", "company_id", "opted_out")})
        history = by_lead.get(str(ids[looks.lead[row]]))
        leads.append(
            {
                "lead_id": str(ids[looks.lead[row]]),
                "lead_stage": model.funnel.stages[looks.stage[row]],
                "created_at": lead["created_at"].isoformat(),
                "lead_stage_since": timestamps(looks.entered[row : row + 1])[0].isoformat(),
                "attributes": attributes,
                "company": None if company_row < 0 else _plain(dict(histories.companies.iloc[company_row])),
                "interactions": []
                if history is None
                else [
                    _plain({"type": t, "at": at, "value": v, "content": c, "direction": d})
                    for t, at, v, c, d in zip(
                        history["type"].astype(object), history["at"], history["value"],
                        history["content"].astype(object), history["direction"].astype(object), strict=True,
                    )
                ],
            }
        )  # fmt: skip
    return leads
