"""Marketo at the edges: deletions it forgets, fields it is not asked for, people who leave an opportunity."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.connectors.crm.crms import CRMS, Opener, site
from tests.connectors.crm.world import World
from tests.connectors.marketo.stand_in import described


def test_marketo_forgets_deletions_so_who_was_away_asks_for_all(served: Opener) -> None:
    with served("marketo") as here:
        here.first()
        lead = int(here.people[0])
        here.fake.delete(lead)
        here.fake.deleted.clear()  # pruned after fourteen days
        here.run()
        assert str(lead) in here.people  # nobody can know yet
        here.fake.skew = 15 * 86_400
        here.run()
        assert str(lead) not in here.people


def test_a_company_that_changes_its_name_or_a_lead_its_address_is_read_again(served: Opener) -> None:
    """Marketo is asked for changes field by field; these two are no attributes but what accounts and domains come from."""
    with served("marketo") as here:
        here.first()
        lead = here.people[0]
        here.fake.touch(int(lead), {"email": "ada@elsewhere.example", "company": "Elsewhere Ltd"})
        here.run()
        row = here.dataset.leads.set_index("lead_id").loc[lead]
        assert row["email_domain"] == "elsewhere.example"
        assert not [h for h in here.landed("history") if h["field"] in ("email", "company")]


def test_a_person_removed_from_a_marketo_opportunity_leaves_it(small: World, tmp_path: Path) -> None:
    """Marketo only says that something happened between the two; whose it is now its roles tell. The others stay."""
    with site(CRMS["marketo"], small, tmp_path) as here:
        here.first()
        role, other = here.fake.roles[:2]
        here.fake.roles.remove(role)
        here.fake.act(35, role["leadId"], datetime.fromtimestamp(here.fake.now(), UTC), "Deal", Role="Buyer")
        here.run()
        deals = set(here.dataset.deals["deal_id"].astype(str))
        assert role["externalOpportunityId"] not in deals
        assert other["externalOpportunityId"] in deals
        here.fake.roles.append(role)  # and comes back
        here.fake.act(34, role["leadId"], datetime.fromtimestamp(here.fake.now(), UTC), "Deal", Role="Buyer")
        here.run()
        assert role["externalOpportunityId"] in set(here.dataset.deals["deal_id"].astype(str))


def test_who_was_merged_and_then_removed_from_an_opportunity_leaves_it(small: World, tmp_path: Path) -> None:
    """The role of the loser became the winner's, and its row would hold the winner there."""
    with site(CRMS["marketo"], small, tmp_path) as here:
        here.first()
        role = here.fake.roles[0]
        loser = role["leadId"]
        winner = next(n for n in here.fake.leads if n not in {r["leadId"] for r in here.fake.roles})
        here.fake.merge(winner, loser)
        role["leadId"] = winner
        here.run()
        deals = here.dataset.deals.set_index("deal_id")
        assert str(deals.loc[role["externalOpportunityId"], "lead_id"]) == str(winner)
        here.fake.roles.remove(role)
        here.fake.act(35, winner, datetime.fromtimestamp(here.fake.now(), UTC), "Deal", Role="Buyer")
        here.run()
        assert role["externalOpportunityId"] not in set(here.dataset.deals["deal_id"].astype(str))


def test_changes_of_more_fields_than_an_address_holds_are_seen(served: Opener) -> None:
    """293 fields, and 414 for an address of more than 8 KB: changes are asked for in parts, each with its own token."""
    with served("marketo", since="2026-01-01") as here:
        names = [f"aFieldOfTheCustomerNumber{number:03d}" for number in range(293)]
        for name in names:
            here.fake.fields[name] = described(name, "string", True)
        here.land()
        lead = str(next(iter(here.fake.leads)))
        here.fake.touch(int(lead), {names[0]: "first", names[-1]: "last", "leadStatus": "MQL"})
        here.land()
        [row] = [row for row in here.landed("people") if row["_id"] == lead]
        assert (row[names[0]], row[names[-1]]) == ("first", "last")
        assert sum(here.land().rows.values()) == 0
        assert all(call.length <= 8_192 for call in here.fake.calls)
