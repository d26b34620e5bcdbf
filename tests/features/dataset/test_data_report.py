"""Reports of data survive JSON, merge in order, and change by what a part of them changes."""

from __future__ import annotations

import json

import numpy as np

from features.dataset.data_report import DataReport
from features.dataset.validate import validate
from tests.features.dataset.three_leads import FUNNEL, act, dataset


def test_a_report_changes_by_what_a_part_of_it_changes() -> None:
    whole, before, after = DataReport(), DataReport(), DataReport()
    whole.warn("lead_stages", "rows of 1,002 unknown leads", 1_010, "L1", "dropped")
    whole.note("deals", "deals without an amount", 2)
    before.warn("lead_stages", "rows of 3 unknown leads", 5, "L1", "dropped")
    before.note("deals", "deals without an amount", 2)
    after.warn("lead_stages", "rows of 1 unknown leads", 1, "L9", "dropped")
    after.note("leads", "leads that opted out", 4, done="kept")
    found = whole.replace_part(before, after)
    assert [(n.table, n.what, n.count, n.example) for n in found.notes] == [
        ("lead_stages", "rows of 1,000 unknown leads", 1_006, "L9"),
        ("leads", "leads that opted out", 4, ""),
    ]


def test_a_report_survives_json_and_merges_in_order() -> None:
    first = DataReport()
    first.note("leads", "personal columns not taken", 2, "Vorname, E-Mail")
    _, second = validate(dataset(interactions=[act("a", 1), act("x", 1)]), FUNNEL)
    both = first.merge(second)
    assert DataReport.from_dict(json.loads(json.dumps(both.to_dict()))) == both
    assert [note.table for note in both.notes] == ["leads", "interactions", "interactions"]
    assert both.rows == second.rows
    lines = both.lines()
    assert lines[0] == "Rows: 3 leads, 1 interactions, 1 lead_stages."
    assert lines.index(next(x for x in lines if x.startswith("Warning"))) < lines.index(
        next(x for x in lines if x.startswith("Note"))
    )


def test_nothing_is_noted_for_a_count_of_nought() -> None:
    report = DataReport()
    report.warn("leads", "rows", int(np.int64(0)))
    assert report.lines() == []
