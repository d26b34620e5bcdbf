"""What crm-check says of Pipedrive's histories."""

from __future__ import annotations

from tests.connectors.crm.crms import Opener


def test_fields_of_which_only_todays_value_is_known_are_named_with_the_remedy(served: Opener) -> None:
    with served("pipedrive") as here:
        check = next(c for c in here.open().checks() if c.subject == "history of attributes")
        assert "lead.region" in check.finding
        assert "company.industry" in check.finding
        assert "person_changelog: true" in check.remedy


def test_where_changelogs_are_read_only_organisations_and_countries_are_named(served: Opener) -> None:
    with served("pipedrive", more="  person_changelog: true\n") as here:
        check = next(c for c in here.open().checks() if c.subject == "history of attributes")
        assert "lead.region" not in check.finding
        assert "(lead.country, company.industry" in check.finding
        assert "person_changelog" not in check.remedy
