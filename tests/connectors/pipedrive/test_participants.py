"""Pipedrive's deals that several people take part in."""

from __future__ import annotations

from tests.connectors.crm.crms import Opener


def test_who_takes_part_in_a_deal_has_its_stages(served: Opener) -> None:
    """Until they leave it; deals of one person cost no call."""
    with served("pipedrive") as here:
        deal = next(d for d in here.fake.records["deals"].values() if d["status"] == "open" or d["status"] == "won")
        owner = deal["person_id"]
        other = next(
            p for p in here.fake.records["persons"] if p not in {d["person_id"] for d in here.fake.records["deals"].values()}
        )
        here.fake.participants[deal["id"]] = [owner, other]
        here.run()
        stages = here.dataset.lead_stages
        assert {"sql"} <= set(stages[stages["lead_id"].astype(str) == str(other)]["lead_stage"].astype(str))
        assert "sql" in set(stages[stages["lead_id"].astype(str) == str(owner)]["lead_stage"].astype(str))
        assert len(here.fake.made("/participants")) == 1
        assert sum(here.run().synced.rows.values()) == 0
        assert len(here.fake.made("/participants")) == 1
        here.fake.participants[deal["id"]] = [owner]
        here.fake.touch("deals", deal["id"], {}, here.clock)
        here.run()
        stages = here.dataset.lead_stages
        assert "sql" not in set(stages[stages["lead_id"].astype(str) == str(other)]["lead_stage"].astype(str))
        assert "sql" in set(stages[stages["lead_id"].astype(str) == str(owner)]["lead_stage"].astype(str))
