"""The tables of what became of the leads: lead stages and deals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from connectors.simulator.clock import times
from connectors.simulator.companies import of_company
from connectors.simulator.kinds import CUSTOMER, FUNNEL, NO_DAY, SQL, Array
from connectors.simulator.paths import Paths
from connectors.simulator.world import World

_TYPICAL_AMOUNT, _SPREAD = 9_000.0, 0.5  # EUR, and the spread of its logarithm


def lead_stages(world: World, paths: Paths, lead_ids: pd.Index) -> pd.DataFrame:
    """One row per lead stage or exit reached, by time; the first of each lead is at its creation."""
    was_sql = paths.entered[:, SQL] < NO_DAY
    disqualified, lost = np.where(was_sql, NO_DAY, paths.exit_day), np.where(was_sql, paths.exit_day, NO_DAY)
    day: Array = np.column_stack([paths.entered, disqualified, lost])
    lead, name = np.nonzero(day < NO_DAY)
    moments = world.clock.moment(lead, day[lead, name])
    order = np.lexsort((name, lead, moments))
    return pd.DataFrame(
        {
            "lead_id": pd.Categorical.from_codes(lead[order], lead_ids),
            "lead_stage": pd.Categorical.from_codes(name[order], pd.Index([*FUNNEL.stages, *FUNNEL.exits])),
            "at": times(moments[order]),
        }
    )


def deals(world: World, paths: Paths, rng: np.random.Generator) -> pd.DataFrame:
    """One deal per lead that became sql, in EUR: won with the customer, lost with the exit, open otherwise."""
    noise = rng.standard_normal(len(world.arrival))
    lead = np.flatnonzero(paths.entered[:, SQL] < NO_DAY)
    lead = lead[np.lexsort((lead, world.clock.moment(lead, paths.entered[lead, SQL])))]
    closed = paths.closed[lead]
    won = paths.entered[lead, CUSTOMER] < NO_DAY
    scale = of_company(world.companies.log_amount, world.company[lead], -1.0)
    amount = np.round(_TYPICAL_AMOUNT * np.exp(scale + _SPREAD * noise[lead]), -2)
    table = world.people.table
    return pd.DataFrame(
        {
            "deal_id": [f"D{i:06d}" for i in range(len(lead))],
            "lead_id": table["lead_id"].to_numpy(dtype=object)[lead],
            "company_id": table["company_id"].to_numpy(dtype=object)[lead],
            "created_at": times(world.clock.moment(lead, paths.entered[lead, SQL])),
            "closed_at": times(world.clock.moment(lead, np.minimum(closed, len(paths.state)))).where(closed < NO_DAY),
            "amount": np.maximum(amount, 500.0),
            "currency": "EUR",
            "status": np.where(closed == NO_DAY, "open", np.where(won, "won", "lost")),
        }
    )


def opt_outs(leads: pd.DataFrame, unsubscribed: Array) -> pd.DataFrame:
    """The history of `opted_out` of those who unsubscribed: false from creation, true from then on."""
    opted_out = leads["opted_out"].to_numpy(dtype=bool)
    ids, count = leads.loc[opted_out, "lead_id"].to_numpy(dtype=object), int(opted_out.sum())
    return pd.DataFrame(
        {
            "entity": ["lead"] * (2 * count),
            "id": np.concatenate([ids, ids]),
            "column": ["opted_out"] * (2 * count),
            "value": ["false"] * count + ["true"] * count,
            "at": pd.concat([leads.loc[opted_out, "created_at"], times(unsubscribed[opted_out])], ignore_index=True),
        }
    )
