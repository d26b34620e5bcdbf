"""What a header says of a person."""

from __future__ import annotations

import pytest

from features.common.persons.headers import fold, names_companies, names_of_people, personal_header

PERSONAL = """Person - Email (Work)|Person - Name*|Tel.|mainPhone|linkedInDisplayName|facebookProfileURL|OtherStreet
AssistantName
contact_email_2|billing_email|Kunde_Vorname|numer konta bankowego|hs_calculated_phone_number|IPAddress|Straße / Nr.|user.email
lead[phone]|E-MAIL|Numéro de téléphone|Adresse de facturation|Vor- und Nachname|Teléfono|Data de aniversário
geschäftliche Telefonnummer"""
HARMLESS = """Marketing emails clicked|Email hard bounce reason|Last marketing email name|emailInvalid|inferredPhoneAreaCode
First marketing email click date|hs_email_domain|hs_ip_timezone|Contact us page visits|script|recipe|shipping method
membership
Nombre de visites|number of phone calls|LinkedIn Ads clicks|Parent company|Is email verified|hasPhone|E-Mail-Einwilligung
tenant|addr_state|Anschrift Bundesland|address_zip|Adresse PLZ|home_state"""


@pytest.mark.parametrize("header", PERSONAL.replace("\n", "|").split("|"))
def test_headers_of_personal_columns_are_recognised(header: str) -> None:
    assert personal_header(header) is not None


@pytest.mark.parametrize("header", HARMLESS.replace("\n", "|").split("|"))
def test_headers_that_only_sound_personal_are_not(header: str) -> None:
    assert personal_header(header) is None


def test_the_name_of_a_company_is_not_personal_but_its_telephone_number_is_left_out() -> None:
    assert personal_header("Name", "companies") is None
    assert personal_header("Phone", "companies") == "telephone number"
    assert names_companies("Account Name")
    assert not names_companies("Account Owner")


@pytest.mark.parametrize("header", ["Lead Owner", "Zuständig", "created by", "Contact"])
def test_under_some_headers_the_values_decide(header: str) -> None:
    assert names_of_people(header)


@pytest.mark.parametrize("header", ["", "   ", "123", "ÄÖÜ", "名前", "a" * 5000])
def test_any_header_can_be_asked(header: str) -> None:
    assert personal_header(header) is None
    assert fold(header) == fold(fold(header))
