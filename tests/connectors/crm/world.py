"""A small business whose truth is known: the simulator's dataset, as plain rows that the fakes serve in each vendor's words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import pandas as pd

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.dataset.dataset import Dataset

STAGES = ("mql", "sql", "customer", "disqualified", "lost")

# interaction type → the form that a CRM has for it
FORMS = {
    "trial_requested": "Request a trial",
    "demo_requested": "Book a demo",
    "whitepaper_download": "Whitepaper",
    "newsletter_subscribed": "Newsletter",
    "form_submitted": "Form",
}


@dataclass(frozen=True)
class World:
    """Rows of a dataset as dicts; ids are the simulator's."""

    dataset: Dataset
    leads: list[dict[str, Any]]
    companies: list[dict[str, Any]]
    stages: dict[str, list[tuple[str, datetime]]]
    interactions: list[dict[str, Any]]
    deals: list[dict[str, Any]]
    opt_outs: dict[str, datetime]

    @property
    def end(self) -> datetime:
        return self.dataset.extracted_at.to_pydatetime()

    def mail(self, lead_id: str, domain: str | None) -> str:
        """An address of nobody."""
        return f"{lead_id.lower()}@{domain or 'example.com'}"


@cache
def world(leads: int = 300, seed: int = 5) -> World:
    """A world of so many leads."""
    return world_of(simulate(SimulatorSettings(leads=leads, days=730, seed=seed)).dataset)


def world_of(dataset: Dataset) -> World:
    """A dataset as plain rows. Moments have whole milliseconds, as vendors have."""
    tables = {name: _rows(frame) for name, frame in dataset.tables.items()}
    stages: dict[str, list[tuple[str, datetime]]] = {}
    for row in sorted(tables["lead_stages"], key=lambda r: r["at"]):
        stages.setdefault(row["lead_id"], []).append((row["lead_stage"], row["at"]))
    gone = {r["id"]: r["at"] for r in tables["attribute_changes"] if r["column"] == "opted_out" and r["value"] == "true"}
    return World(dataset, tables["leads"], tables["companies"], stages, tables["interactions"], tables["deals"], gone)


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    out = frame.copy()
    for name in out:
        if isinstance(out[name].dtype, pd.DatetimeTZDtype):
            out[name] = out[name].dt.floor("ms")
        if isinstance(out[name].dtype, pd.CategoricalDtype):
            out[name] = out[name].astype("object")
    plain = out.astype("object").where(out.notna(), None).to_dict("records")
    return [{str(k): v.to_pydatetime() if isinstance(v, pd.Timestamp) else v for k, v in row.items()} for row in plain]
