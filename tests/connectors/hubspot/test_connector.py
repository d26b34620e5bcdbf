"""HubSpot's contacts that leave a deal."""

from __future__ import annotations

from tests.connectors.crm.crms import Opener


def test_a_contact_that_leaves_a_deal_leaves_its_stages(served: Opener) -> None:
    with served("hubspot") as here:
        here.first()
        links = here.fake.links["deals", "contacts"]
        deal, (person,) = next((d, tuple(p)) for d, p in links.items() if p)
        links[deal] = []
        here.fake.touch("deals", deal, {}, here.clock)
        here.run()
        assert person not in set(here.dataset.deals["lead_id"].astype(str))
