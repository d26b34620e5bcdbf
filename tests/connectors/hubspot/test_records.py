"""Contacts whose address changed, who were merged: HubSpot's e-mail events and forms only name an address."""

from __future__ import annotations

from tests.connectors.crm.crms import Opener, Site
from tests.connectors.hubspot.stand_in import ms


def acts(here: Site) -> dict[str, int]:
    return {str(k): int(v) for k, v in here.dataset.interactions["lead_id"].astype(str).value_counts().items()}


def heard(here: Site, *addresses: str) -> None:
    """Each address opens a mail, now; an hour later."""
    for number, address in enumerate(addresses):
        created = ms(here.clock) + number
        here.fake.events.append({"id": f"late{created}", "created": created, "type": "OPEN", "recipient": address})
    here.fake.skew += 3_600


def test_a_changed_address_takes_nothing_away(served: Opener) -> None:
    """What was sent to the former address is the same person's; what comes to either later too."""
    with served("hubspot") as here:
        here.first()
        before = acts(here)
        lead = next(iter(before))
        former = here.fake.records["contacts"][lead].properties["email"]
        here.fake.touch("contacts", lead, {"email": "new.name@example.org"})
        heard(here, former, "New.Name@example.org")
        here.run()
        assert acts(here) == {**before, lead: before[lead] + 2}
        assert sum(here.run().synced.rows.values()) == 0


def test_what_was_before_the_first_import_takes_nothing_away(served: Opener) -> None:
    """A changed address; a merge, whose loser was never read: its addresses are the winner's further ones, its id stands with
    the winner's older merges."""
    with served("hubspot") as here, served("hubspot") as other:
        here.first()
        before = acts(here)
        loser, winner, changed, *_ = before
        other.fake.merge(winner, loser)
        other.fake.records["contacts"][winner].properties["hs_merged_object_ids"] = None
        other.fake.touch("contacts", changed, {"email": "new.name@example.org"})
        other.run()
        assert acts(other) == {k: n for k, n in before.items() if k != loser} | {winner: before[winner] + before[loser]}


def test_a_contact_that_takes_over_an_address_does_not_take_what_was_before(served: Opener) -> None:
    """An address handed on to a new contact: what came while it was another's stays that one's."""
    with served("hubspot") as here:
        here.first()
        before = acts(here)
        lead = next(iter(before))
        address = here.fake.records["contacts"][lead].properties["email"]
        here.fake.touch("contacts", lead, {"email": "elsewhere@example.org"})
        heir = here.crm.create(here.fake, here.clock)
        here.fake.touch("contacts", heir, {"email": address})
        here.run()
        assert acts(here) == before
        heard(here, address)
        here.run()
        assert acts(here) == {**before, heir: 1}


def test_an_address_added_beside_the_main_one_counts(served: Opener) -> None:
    """Adding one changes nothing else of a contact."""
    with served("hubspot") as here:
        here.first()
        before = acts(here)
        lead = next(iter(before))
        here.fake.touch("contacts", lead, {"hs_additional_emails": "second@example.org;third@example.org"})
        heard(here, "Second@example.org")
        here.run()
        assert acts(here) == {**before, lead: before[lead] + 1}
