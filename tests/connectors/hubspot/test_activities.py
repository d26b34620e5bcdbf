"""HubSpot's acts: calls whose contact comes later, forms at the border of a cursor."""

from __future__ import annotations

from datetime import timedelta

from tests.connectors.crm.crms import Opener
from tests.connectors.hubspot.stand_in import ms
from tests.connectors.hubspot.world import _version, add, define


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


def test_forms_of_other_pages_and_pop_ups_count_and_comments_do_not(served: Opener) -> None:
    """HubSpot lists its own forms alone unless it is asked for others."""
    with served("hubspot") as here:
        person = here.fake.records["contacts"][sorted(here.fake.records["contacts"])[0]]
        values = [{"name": "email", "value": person.properties["email"]}]
        for number, kind in enumerate(("captured", "flow", "blog_comment")):
            submission = {"conversionId": kind, "submittedAt": ms(here.clock) - 60_000, "values": values}
            here.fake.forms[f"other-{number}"] = {"name": kind, "formType": kind, "submissions": [submission]}
        here.run()
        contents = here.dataset.interactions.query(f"lead_id == '{person.id}'")["content"].astype(str)
        assert set(contents) & {"captured", "flow", "blog_comment"} == {"captured", "flow"}


def test_the_stages_of_sales_leads_are_those_of_their_contacts(served: Opener) -> None:
    """HubSpot's object Leads: worked on by sales, qualified later, each at its moment."""
    with served("hubspot") as here:
        here.run()
        reached = set(here.dataset.lead_stages["lead_id"].astype(str))
        person = next(name for name in here.people if name not in reached)
        created = here.fake.records["contacts"][person].created
        begun, qualified = created + timedelta(days=3), created + timedelta(days=9)
        define(here.fake, "leads", ["hs_pipeline_stage"], False, "enumeration")
        history = [_version("qualified-stage-id", qualified), _version("new-stage-id", begun)]
        properties = {"hs_pipeline_stage": "qualified-stage-id"}
        lead = add(here.fake, "leads", 500, properties, begun, here.clock, {"hs_pipeline_stage": history})
        here.fake.links.setdefault(("leads", "contacts"), {})[lead] = [person]
        result = here.run()
        stages = here.dataset.lead_stages.query(f"lead_id == '{person}'").set_index("lead_stage")["at"]
        assert {"mql": begun, "sql": qualified} == {str(k): v.to_pydatetime() for k, v in stages.items() if k != "lead"}
        assert result.proposed is not None
        assert result.proposed["leads.hs_pipeline_stage"]["qualified-stage-id"] == "sql"
        assert sum(here.run().synced.rows.values()) == 0
        here.fake.scopes = ("/pipelines/2026-03/leads",)  # without the names of the stages the import goes on; it stopped
        assert "names of lead stages" in here.run().synced.refused
