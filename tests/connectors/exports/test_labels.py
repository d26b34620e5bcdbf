"""Labels of exports as they were recorded are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

HEADERS = Path(__file__).resolve().parents[4] / "shared" / "fixtures" / "csv_headers"


@pytest.mark.skipif(not HEADERS.is_dir(), reason="the recorded headers of exports are not here")
def test_recorded_headers_are_recognised() -> None:
    """Every export whose header was saved, and as what."""
    expected = {
        "hubspot_contacts_all_properties_export_2023-02-21_selected": "HubSpot contacts",
        "hubspot_contacts_default_view_export": "HubSpot contacts",
        "salesforce_leads_report_default": "Salesforce leads (report)",
        "salesforce_activities_report": "Salesforce activities (report)",
        "salesforce_weekly_data_export_Lead_api_names": "Salesforce leads (data export)",
        "marketo_bulk_lead_extract1": "Marketo leads (bulk extract)",
        "marketo_bulk_activity_extract1": "Marketo activities (bulk extract)",
        "pipedrive_deals_list_view_columns": "Pipedrive deals",
        "pipedrive_official_sample_import": "Pipedrive people",
    }
    from connectors.exports.propose import recognise
    from connectors.files.reading import open_file
    from connectors.files.settings import FileOptions

    for name, title in expected.items():
        found = recognise(open_file(HEADERS, f"{name}.csv", FileOptions()))
        assert found is not None, name
        assert found.export.title == title


@pytest.mark.skipif(not HEADERS.is_dir(), reason="the recorded labels are not here")
def test_marketo_labels_of_a_list_export_are_known() -> None:
    """The labels that Marketo's screens show for the fields we map."""
    labels = {one["rest"]: one["label"] for one in json.loads((HEADERS / "marketo_standard_field_labels.json").read_text())}
    from connectors.exports.labels import EXPORTS, fold

    listed = next(e for e in EXPORTS if e.title == "Marketo leads (list export)")
    known = {name for names in [*listed.columns.values(), *listed.companies.values()] for name in names} | set(listed.exclude)
    for rest in ("email", "leadSource", "title", "company", "country", "industry", "leadStatus"):
        assert fold(labels[rest]) in known, (rest, labels[rest])
