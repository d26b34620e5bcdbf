"""HubSpot's acts: calls whose contact comes later, forms at the border of a cursor."""

from __future__ import annotations

from tests.connectors.crm.crms import Opener


def test_a_call_that_gets_its_contact_later_is_its_act(served: Opener) -> None:
    """HubSpot logs a call first and says whose it was in another request, which is no modification of the call."""
    with served("hubspot") as here:
        links = here.fake.links["calls", "contacts"]
        call, person = next((c, p[0]) for c, p in links.items() if p)
        links[call] = []
        here.run()
        before = (here.dataset.interactions["lead_id"].astype(str) == person).sum()
        links[call] = [person]
        here.fake.touch("calls", call, {}, here.clock)
        here.run()
        assert (here.dataset.interactions["lead_id"].astype(str) == person).sum() == before + 1
        links[call] = []  # and taken away again
        here.fake.touch("calls", call, {}, here.clock)
        here.run()
        assert (here.dataset.interactions["lead_id"].astype(str) == person).sum() == before


def test_a_form_sent_at_the_same_moment_as_the_last_one_seen_counts(served: Opener) -> None:
    """Ties at a cursor's border, and what HubSpot lists a little late."""
    with served("hubspot") as here:
        here.first()
        form = next(f for f in here.fake.forms.values() if f["submissions"])
        last = form["submissions"][0]
        form["submissions"].insert(0, {**last, "conversionId": "tie"})
        form["submissions"].insert(1, {**last, "conversionId": "late", "submittedAt": last["submittedAt"] - 60_000})
        here.run()
        assert {"tie", "late"} <= {row["_id"].rpartition("|")[2] for row in here.landed("activities")}
        assert sum(here.run().synced.rows.values()) == 0
