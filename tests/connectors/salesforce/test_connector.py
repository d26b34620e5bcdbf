"""Salesforce's contact roles and conversions."""

from __future__ import annotations

import pandas as pd

from tests.connectors.crm.crms import Opener
from tests.connectors.crm.world import World


def test_a_contact_role_that_is_deleted_ends_the_deal_for_it(served: Opener) -> None:
    with served("salesforce") as here:
        here.first()
        before = int(here.dataset.deals["lead_id"].notna().sum())
        for name, role in list(here.fake.records["OpportunityContactRole"].items()):
            here.fake.delete("OpportunityContactRole", name)
            lead = next(r for r in here.fake.records["Lead"].values() if r.get("ConvertedContactId") == role["ContactId"])
            lead["ConvertedOpportunityId"] = None
        assert before > 0
        rows = {row["_id"]: row for row in here.landed("deal_people")}
        here.run()
        gone = [row for row in here.landed("deal_people") if row["_gone_at"] is not None]
        assert len(gone) == len(here.fake.records["OpportunityContactRole"]) < len(rows) + 1


def test_a_conversion_has_its_moment_where_history_has_it_and_its_day_elsewhere(served: Opener, small: World) -> None:
    with served("salesforce") as here:
        converted = {n: r for n, r in here.fake.records["Lead"].items() if r.get("IsConverted")}
        history = here.fake.records["LeadHistory"]
        here.fake.records["LeadHistory"] = {k: r for k, r in history.items() if r["Field"] != "leadConverted"}
        here.run()
        rows = here.dataset.lead_stages.query("lead_stage == 'sql'").groupby("lead_id", observed=True)["at"].min()
        for name, record in converted.items():
            day = max(pd.Timestamp(record["ConvertedDate"], tz="UTC"), pd.Timestamp(record["CreatedDate"]))
            assert rows[name] == day
