"""What the four connectors share."""

from __future__ import annotations

from connectors.crm import sync
from tests.connectors.crm.crms import FUNNEL, Opener


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
