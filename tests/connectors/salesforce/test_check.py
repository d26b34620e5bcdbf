"""What crm-check says of people in Salesforce who are no leads."""

from __future__ import annotations

from tests.connectors.crm.crms import Opener


def test_contacts_that_never_were_leads_are_counted(served: Opener) -> None:
    with served("salesforce") as here:
        finding = {check.subject: check for check in here.open().checks()}
        assert (finding["contacts"].status, finding["contacts"].finding) == ("good", "every one was a lead")
        for _ in range(2):
            here.fake.add("Contact", {"IsDeleted": False, "SystemModstamp": "2026-01-01T00:00:00.000+0000"})
        finding = {check.subject: check for check in here.open().checks()}
        assert (finding["contacts"].status, finding["contacts"].finding) == ("warning", "2 never were leads")
        here.fake.uncounted = {"Contact"}
        finding = {check.subject: check for check in here.open().checks()}
        assert finding["contacts"].finding == "very many never were leads"
