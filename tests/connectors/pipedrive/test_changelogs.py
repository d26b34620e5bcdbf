"""Changelogs of persons: read of whom they can tell something, once."""

from __future__ import annotations

from datetime import timedelta

from tests.connectors.crm.crms import Opener


def test_a_persons_changelog_is_read_once_and_only_of_who_was_modified(served: Opener) -> None:
    """A call of 20 tokens each; who was never modified has none, and a written score is no change."""
    with served("pipedrive", more="  person_changelog: true\n") as here:
        person = min(here.fake.records["persons"])
        here.fake.fill("persons", person, "a" * 40, 2, here.clock - timedelta(days=1))
        here.run()
        assert len(here.fake.made("persons/\\d+/changelog")) == 1
        assert "lead.region" not in here.dataset.without_history
        other = max(here.fake.records["persons"])
        here.fake.records["persons"][other]["update_time"] = here.clock.strftime("%Y-%m-%dT%H:%M:%SZ")  # as a score does
        here.run()
        assert len(here.fake.made("persons/\\d+/changelog")) == 1


def test_while_changelogs_are_missing_the_columns_have_no_history(served: Opener) -> None:
    with served("pipedrive", more="  person_changelog: true\n") as here:
        for person in here.fake.records["persons"]:
            here.fake.fill("persons", person, "a" * 40, 1, here.clock - timedelta(days=1))
        here.fake.hook = lambda call: setattr(here.fake, "tokens", here.fake.spent + 30) if "persons/9/" in call.path else None
        assert "used up" in here.run().synced.refused["person_changelogs"]
        assert "lead.region" in here.dataset.without_history
