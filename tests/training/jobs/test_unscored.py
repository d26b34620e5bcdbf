"""Whom a write-back scores, and why others have no score."""

from __future__ import annotations

from pathlib import Path

import yaml

from features.dataset.funnel import Funnel
from tests.features.dataset.three_leads import act, dataset, day
from training.common.config import Config
from training.jobs.unscored import open_in_crm, unscored

FUNNEL = Funnel()


def test_each_lead_without_a_score_is_counted_once() -> None:
    leads = [{"lead_id": i, "created_at": day(n), "opted_out": i in "ae"} for n, i in enumerate("abcde")]
    stages = [
        {"lead_id": i, "lead_stage": name, "at": day(20)} for i, name in (("a", "customer"), ("b", "customer"), ("c", "lost"))
    ]
    told = unscored(dataset(leads=leads, lead_stages=stages), FUNNEL, day(30))
    assert told == ["2 opted out", "1 reached customer", "1 left the funnel (disqualified, lost)"]


def test_scores_go_to_who_is_open_in_the_first_source_by_its_own_clock(tmp_path: Path) -> None:
    """Another source ended before a lead became a customer, and has a lead that the CRM does not have."""
    dataset(leads=[{"lead_id": i, "created_at": day(0), "opted_out": i == "c"} for i in "abc"]).write(tmp_path / "crm")
    leads = [{"lead_id": i, "created_at": day(0)} for i in "bx"]
    other = dataset(interactions=[act("b", 3)], leads=leads, lead_stages=[{"lead_id": "b", "lead_stage": "mql", "at": day(4)}])
    other.write(tmp_path / "other")
    sources = [{"dataset": "crm"}, {"dataset": "other", "join": {"id": "lead_id", "unmatched": "add"}}]
    (tmp_path / "both.yaml").write_text(yaml.safe_dump({"name": "both", "sources": sources}), encoding="utf-8")
    assert open_in_crm(Config.read(tmp_path / "both.yaml"), FUNNEL) == {"b"}
    (tmp_path / "one.yaml").write_text(yaml.safe_dump({"name": "one", "dataset": "crm"}), encoding="utf-8")
    assert open_in_crm(Config.read(tmp_path / "one.yaml"), FUNNEL) is None
