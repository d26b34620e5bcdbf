"""Days of a file beside the moments of its leads, in the time zone of the mapping."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from connectors.files.load import load_files
from connectors.files.settings import FilesSource
from features.common.clock import moment
from features.dataset.funnel import Funnel
from features.dataset.labels import label
from features.dataset.landmarks import Path as LeadPath
from features.dataset.landmarks import landmarks
from features.dataset.validate import validate

FUNNEL = Funnel(("lead", "customer"), ("lost",), {"customer": 30.0})
LEADS = "lead_id,created_at,source\n1,2026-01-01T10:00:00,web\n2,2026-01-02T10:00:00,web\n3,2026-01-03T10:00:00,ads\n"
LONG = "lead_stages: {file: stages.csv}"
WIDE = "lead_stages: {file: stages.csv, columns: {lead_id: lead_id}, dates: {customer: won, lost: gone}}"
FORMS = {
    "days": (LONG, "lead_id,lead_stage,at\n1,customer,2026-01-01\n2,lost,2026-02-20\n"),
    "days that end in zeros": (LONG, "lead_id,lead_stage,at\n1,customer,2026-01-01 00:00:00\n2,lost,2026-02-20 00:00:00\n"),
    "a column a lead stage": (WIDE, "lead_id,won,gone\n1,2026-01-01,\n2,,2026-02-20\n"),
    "one column with times": (WIDE, "lead_id,won,gone\n1,2026-01-01,\n2,,2026-02-20T11:00:00\n"),
}


def labelled(folder: Path, mapping: str, stages: str, zone: str) -> list[tuple[str, bool]]:
    """Each landmark of day 0 with its label."""
    for name, text in (("leads.csv", LEADS), ("stages.csv", stages)):
        (folder / name).write_text(text)
    mapping_text = f"kind: files\ntimezone: {zone}\nleads: {{file: leads.csv}}\n{mapping}"
    source = FilesSource.model_validate(yaml.safe_load(mapping_text))
    dataset, _ = validate(load_files(source, FUNNEL, folder)[0], FUNNEL)
    path = LeadPath.from_tables(dataset.leads, dataset.lead_stages, FUNNEL)
    end = moment(dataset.extracted_at)
    looks = landmarks(path, end, [0.0])
    return list(
        zip(dataset.leads["lead_id"].iloc[looks.lead], label(path, looks, FUNNEL, end).reached[:, 0].tolist(), strict=True)
    )


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("form", FORMS)
def test_who_became_a_customer_on_the_day_of_its_creation_is_looked_at_once(tmp_path: Path, form: str, zone: str) -> None:
    assert labelled(tmp_path, *FORMS[form], zone) == [("1", True), ("2", False), ("3", False)]


def test_a_moment_before_the_creation_is_none_without_a_time(tmp_path: Path) -> None:
    stages = "lead_id,lead_stage,at\n1,customer,2026-01-01T00:00:00\n2,lost,2026-02-20T11:30:00\n"
    assert labelled(tmp_path, LONG, stages, "Europe/Berlin") == [("2", False), ("3", False)]
