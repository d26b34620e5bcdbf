"""Which columns are personal."""

from __future__ import annotations

import pandas as pd
import pytest

from connectors.files.infer import infer
from connectors.files.privacy import is_personal, personal_content, personal_header
from connectors.files.settings import FileOptions

PERSONAL = """First Name|Last Name|LastName|firstName|Name|Full Name|Vorname|Nachname|Familienname|E-Mail|Email
email_address|Mail|E-Mail-Adresse|Person - Email (Work)|Phone|Phone Number|Telefon|Telefonnummer|Mobile
Mobiltelefonnummer|MobilePhone|Handy|Fax|mobilePhone|Ansprechpartner|Contact Name|Street|Mailing Street
Strasse|Date of Birth|Geburtsdatum|Person - Name*|Tel.|Person - First name|Straße|middleName|Surname
Contact Person|mainPhone|Address|linkedInDisplayName|facebookProfileURL"""
HARMLESS = """Do Not Email|Do Not Call|Email Domain|Emails opened|Marketing emails clicked|Email hard bounce reason
Company Name|Lead Source|Campaign Name|Last marketing email name|Email Opt Out|emailInvalid
Number of Employees|Country|City|Industry|Job Title|TotalVisits|Last Activity|Page Views Per Visit
Digital Advertisement|Organization - Name|IP Country|inferredPhoneAreaCode|Product Name|Newsletter
campaign|Original Source|annualRevenue|First Conversion|First marketing email click date|Lead Status
contact type|Call Result"""


@pytest.mark.parametrize("header", PERSONAL.replace("\n", "|").split("|"))
def test_headers_of_personal_columns_are_known(header: str) -> None:
    assert personal_header(header) is not None


@pytest.mark.parametrize("header", HARMLESS.replace("\n", "|").split("|"))
def test_headers_that_only_sound_personal_are_kept(header: str) -> None:
    assert personal_header(header) is None


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a@b.de", "c.d@e.co.uk", "n/a"], "e-mail address"),
        (["+49 40 123456", "0171/1234567", "(030) 12345-67"], "telephone number"),
        (["31.12.2026", "01.01.2027"], None),
        (["2026-12-31 10:00", "2026-01-01 11:00"], None),
        (["20095", "10115"], None),
        (["google", "organic"], None),
        ([None], None),
    ],
)
def test_content_that_is_addresses_or_numbers_is_seen_under_any_header(values: list[str | None], kind: str | None) -> None:
    assert personal_content(pd.Series(values, dtype="str")) == kind


@pytest.mark.parametrize(
    ("header", "values", "kind"),
    [
        ("Email", ["yes", "no"], None),
        ("Phone", ["4940123456", "4930654321"], "telephone number"),
        ("Phone", ["1", "0"], None),
        ("Contact", ["cellular", "telephone"] * 20, None),
        ("Contact", ["Ada", "Bob", "Eve"], "name"),
        ("Birthday", ["1990-01-01"], "date of birth"),
        ("Mail", ["2026-01-01"], None),
    ],
)
def test_header_and_content_decide_together(header: str, values: list[str], kind: str | None) -> None:
    texts = pd.Series(values, dtype="str")
    assert is_personal(header, infer(texts, FileOptions(timezone="UTC")), texts, "leads") == kind


def test_the_name_of_a_company_is_not_personal() -> None:
    assert personal_header("Name", "companies") is None
    assert personal_header("Phone", "companies") == "telephone number"
