"""Merges that cannot be taken at their word, lead stages older than their lead, and people who leave a deal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.crm import compile as compiling
from connectors.crm.compile import compile_dataset
from connectors.crm.landing import Landing
from connectors.crm.mapping import CrmMapping
from connectors.crm.rows import alias_row, history_row
from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from tests.crm.crms import CRMS, site
from tests.crm.world import World

AT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
STAGES = {"status": {"M": "mql", "S": "sql", "D": "disqualified"}}
SHAPE = CrmMapping({}, {}, {"call": "call"}, STAGES, exits=frozenset({"disqualified", "lost"}))


def compiled(
    tmp_path: Path, people: Sequence[str], merges: Sequence[tuple[str, str]] = (), stages: Sequence[tuple[str, str, int]] = (),
    gone: Sequence[str] = (),
) -> tuple[Dataset, DataReport]:  # fmt: skip
    """People created on the same day, each with an act of its own; merges one a day; stages so many days after the creation."""
    rows: dict[str, list[dict[str, Any]]] = {
        "people": [{"_id": p, "_created_at": AT, "_gone_at": AT + 90 * DAY if p in gone else None} for p in people],
        "aliases": [alias_row("lead", old, into, AT + n * DAY) for n, (old, into) in enumerate(merges, start=10)],
        "history": [history_row("lead", p, "status", value, AT + days * DAY) for p, value, days in stages],
        "activities": [{"_id": p, "person": p, "type": "call", "at": AT + DAY, "content": f"of {p}"} for p in people],
    }
    for number, row in enumerate(row for table in rows.values() for row in table):
        row["_seq"] = number
    landing = Landing(tmp_path, "hubspot")
    landing.write(rows, {})
    report = compile_dataset(landing, SHAPE, tmp_path / "dataset", AT + 100 * DAY)
    return Dataset.read(tmp_path / "dataset"), report


def acts(dataset: Dataset) -> dict[str, list[str]]:
    """Lead → whose acts are its own."""
    found: dict[str, list[str]] = {lead: [] for lead in sorted(dataset.leads["lead_id"].astype(str))}
    for lead, content in zip(dataset.interactions["lead_id"].astype(str), dataset.interactions["content"], strict=True):
        found[lead].append(str(content).removeprefix("of "))
    return {lead: sorted(names) for lead, names in found.items()}


def test_a_dataset_that_needs_more_memory_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "MEMORY_LIMITS", ("1MB",))
    with pytest.raises(DataError, match=r"No dataset could be made of what was landed in .*: Out of Memory"):
        compiled(tmp_path / "a", "ab")
    assert not (tmp_path / "a" / "dataset").exists()
    monkeypatch.setattr(compiling, "MEMORY_LIMITS", ("1MB", "256MB"))
    dataset, report = compiled(tmp_path / "b", "ab", [("a", "b")])
    assert (dataset.leads["lead_id"].tolist(), report.rows["leads"]) == (["b"], 1)


@pytest.mark.parametrize(
    ("merges", "gone", "stays"),
    [
        ([("a", "b"), ("b", "a")], [], "a"),  # merged, restored, merged the other way round
        ([("b", "a"), ("a", "b")], [], "b"),
        ([("a", "b"), ("b", "a")], ["a"], "b"),  # the CRM has only one of them
        ([("a", "b"), ("c", "a"), ("b", "c")], [], "c"),
    ],
)
def test_of_a_circle_of_merges_one_lead_stays(tmp_path: Path, merges: Any, gone: Any, stays: str) -> None:
    """With the history of all, and of who was merged into one of them."""
    inside = sorted({name for pair in merges for name in pair})
    dataset, _ = compiled(tmp_path, [*inside, "d", "e"], [*merges, ("d", "a")], gone=gone)
    assert acts(dataset) == {stays: [*inside, "d"], "e": ["e"]}


def test_a_loser_stays_until_its_winner_is_there(tmp_path: Path) -> None:
    """As when the winner is older than what is read. The chain is followed as far as somebody is there."""
    dataset, report = compiled(tmp_path, ["a", "b", "c"], [("a", "unread"), ("b", "c"), ("c", "unread too")])
    assert acts(dataset) == {"a": ["a"], "c": ["b", "c"]}
    told = "leads: 2 records merged into one that was never read (for example a); kept until it is there."
    assert told in map(str, report.notes)


def test_a_loser_that_the_crm_took_away_stays_too(tmp_path: Path) -> None:
    dataset, _ = compiled(tmp_path, ["a", "b"], [("a", "unread")], gone=["a"])
    assert acts(dataset) == {"a": ["a"], "b": ["b"]}


def test_a_loser_goes_with_a_winner_that_was_deleted(tmp_path: Path) -> None:
    dataset, report = compiled(tmp_path, ["a", "b", "c"], [("a", "b")], gone=["b"])
    assert acts(dataset) == {"c": ["c"]}
    assert any(note.what == "leads deleted in the CRM" and note.count == 1 for note in report.notes)


def test_a_lead_stage_older_than_its_lead_counts_from_the_creation(tmp_path: Path) -> None:
    """A contact joins a deal that others began: it is an sql from its first day, not one that never became any."""
    dataset, report = compiled(tmp_path, ["a"], stages=[("a", "M", -40), ("a", "S", -3), ("a", "M", 0)])
    found = dataset.lead_stages.sort_values("lead_stage")
    assert list(zip(found["lead_stage"], found["at"], strict=True)) == [("mql", AT), ("sql", AT)]
    told = "lead_stages: 2 rows more than a day before their lead was created; counted from its creation on."
    assert told in map(str, report.notes)


def test_a_lead_stage_a_few_hours_older_than_its_lead_keeps_its_moment(tmp_path: Path) -> None:
    dataset, report = compiled(tmp_path, ["a"], stages=[("a", "M", -1)])
    assert list(dataset.lead_stages["at"]) == [AT - DAY]
    assert not [note for note in report.notes if note.table == "lead_stages"]


def test_what_an_exit_ended_before_the_creation_is_left_out(tmp_path: Path) -> None:
    """The lead begins anew; what came after the exit counts."""
    dataset, report = compiled(tmp_path, ["a", "b"], stages=[("a", "S", -50), ("a", "D", -40), ("a", "M", -30), ("b", "D", -9)])
    rows = dataset.lead_stages
    assert list(zip(rows["lead_id"], rows["lead_stage"], rows["at"], strict=True)) == [("a", "mql", AT)]
    told = "lead_stages: 3 rows more than a day before their lead was created and ended by an exit then; left out."
    assert told in map(str, report.notes)


def test_a_person_removed_from_a_marketo_opportunity_leaves_it(small: World, tmp_path: Path) -> None:
    """Marketo only says that something happened between the two; whose it is now its roles tell. The others stay."""
    with site(CRMS["marketo"], small, tmp_path) as here:
        here.run()
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
        here.run()
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
