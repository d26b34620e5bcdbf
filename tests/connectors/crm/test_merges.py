"""Merges that cannot be taken at their word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from features.dataset.dataset import Dataset
from tests.connectors.crm.compiled import compiled


def acts(dataset: Dataset) -> dict[str, list[str]]:
    """Lead → whose acts are its own."""
    found: dict[str, list[str]] = {lead: [] for lead in sorted(dataset.leads["lead_id"].astype(str))}
    for lead, content in zip(dataset.interactions["lead_id"].astype(str), dataset.interactions["content"], strict=True):
        found[lead].append(str(content).removeprefix("of "))
    return {lead: sorted(names) for lead, names in found.items()}


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
