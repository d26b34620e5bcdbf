"""Lead stages older than their lead."""

from __future__ import annotations

from pathlib import Path

from tests.connectors.crm.compiled import AT, DAY, compiled


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
