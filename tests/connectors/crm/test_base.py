"""What the four connectors share."""

from __future__ import annotations

import pytest

from connectors.crm import sync
from tests.connectors.crm.crms import CRMS, FUNNEL, Opener


def test_what_the_crm_defines_is_asked_anew_every_run(served: Opener) -> None:
    """`make live` keeps one connector for weeks; a new field or stage must not wait for a restart."""
    with served("hubspot") as here:
        connector = here.open()
        sync.run(connector, here.config.source, FUNNEL)  # type: ignore[arg-type]
        here.fake.properties["contacts"]["tier"] = {"name": "tier", "type": "enumeration", "fieldType": "select"}
        lead = here.people[0]
        here.fake.touch("contacts", lead, {"tier": "gold"})
        sync.run(connector, here.config.source, FUNNEL)  # type: ignore[arg-type]
        assert here.dataset.leads.set_index("lead_id").loc[lead, "tier"] == "gold"


@pytest.mark.parametrize("kind", list(CRMS))
def test_an_empty_round_of_live_costs_no_more_than_ten_calls(served: Opener, kind: str) -> None:
    """Whatever was deleted since all ids were compared. What comes meanwhile is read."""
    with served(kind, more="  sweep_hours: 20\n" if kind != "pipedrive" else "") as here:
        source = here.config.source
        if kind == "pipedrive":
            source = source.model_copy(update={"sweep_hours": 20.0})  # type: ignore[union-attr]
        connector = here.open()
        connector.source = source  # type: ignore[attr-defined]
        sync.run(connector, source, FUNNEL)  # type: ignore[arg-type]
        for lead in here.people[:20]:
            here.crm.delete(here.fake, lead)
        here.fake.skew += 1_500
        sync.run(connector, source, FUNNEL, oldest=3_600)  # type: ignore[arg-type]
        before = len(here.fake.calls)
        sync.run(connector, source, FUNNEL, oldest=3_600)  # type: ignore[arg-type]
        assert len(here.fake.calls) - before <= 10
        lead = next(name for name in here.people[20:] if name not in set(here.dataset.lead_stages["lead_id"]))
        here.crm.progress(here.fake, lead)
        assert sum(sync.run(connector, source, FUNNEL, oldest=3_600).synced.rows.values()) > 0  # type: ignore[arg-type]
