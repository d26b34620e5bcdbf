"""Forms are asked for where a contact was modified, and for a while after that."""

from __future__ import annotations

from connectors.hubspot.activities import LATENESS
from tests.connectors.crm.crms import Opener
from tests.connectors.hubspot.stand_in import ms


def test_no_form_is_asked_where_no_contact_was_modified(served: Opener) -> None:
    with served("hubspot") as here:
        here.first()

        def asked() -> int:
            before = len(here.fake.calls)
            here.run()
            return sum("/submissions/forms/" in call.path for call in here.fake.calls[before:])

        assert asked() == len(here.fake.forms)  # what is listed late
        here.fake.skew += 2 * LATENESS / 1000
        assert asked() == 0
        person = here.fake.records["contacts"][sorted(here.fake.records["contacts"])[0]]
        values = [{"name": "email", "value": person.properties["email"]}]
        submission = {"conversionId": "new", "submittedAt": ms(here.clock) - 60_000, "values": values}
        here.fake.forms["f-0"]["submissions"].insert(0, submission)
        here.fake.touch("contacts", person.id, {"num_conversion_events": "9"}, here.clock)
        assert asked() == len(here.fake.forms)
        assert "new" in {row["_id"].rpartition("|")[2] for row in here.landed("activities")}
