"""What crm-check says of Pipedrive's histories."""

from __future__ import annotations

from tests.connectors.crm.crms import Opener


def test_fields_of_which_only_todays_value_is_known_are_named_with_the_remedy(served: Opener) -> None:
    with served("pipedrive") as here:
        check = next(c for c in here.open().checks() if c.subject == "history of attributes")
        assert "(region)" in check.finding
        assert "person_changelog: true" in check.remedy


def test_nothing_is_said_where_changelogs_are_read(served: Opener) -> None:
    with served("pipedrive", more="  person_changelog: true\n") as here:
        assert "history of attributes" not in {c.subject for c in here.open().checks()}
