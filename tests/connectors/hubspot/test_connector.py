"""HubSpot's contacts that leave a deal, and scores of its own that are no attributes."""

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


def test_a_score_that_hubspot_computes_is_no_attribute(served: Opener) -> None:
    """It is what others concluded, as `hubspotscore` is."""
    with served("hubspot") as here:
        own = {"label": "Fit", "type": "number", "hubspotDefined": False, "options": []}
        for name, kind in (("fit_score", "calculation_score"), ("seats", "number")):
            here.fake.properties["contacts"][name] = {"name": name, "fieldType": kind, **own}
            for contact in here.fake.records["contacts"]:
                here.fake.touch("contacts", contact, {name: "7"})
        here.run()
        assert "seats" in here.dataset.leads
        assert "fit_score" not in here.dataset.leads
