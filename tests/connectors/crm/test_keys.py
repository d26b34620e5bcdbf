"""What stands for an e-mail address or a company's name: the same for every spelling, and not to be had without the salt."""

from __future__ import annotations

import pytest

from connectors.crm.keys import company_key, mail_key

SALT = b"salt" * 8


def test_an_address_has_one_key_however_it_is_written() -> None:
    key = mail_key("Ada@Example.org", SALT)
    assert key == mail_key("  ada@example.ORG ", SALT)
    assert key not in (None, mail_key("ada@example.org", b"pepper"), mail_key("eve@example.org", SALT))


@pytest.mark.parametrize("address", [None, "", " ", "nobody"])
def test_what_is_no_address_has_none(address: str | None) -> None:
    assert mail_key(address, SALT) is None


@pytest.mark.parametrize("name", ["ACME", "Acme GmbH", "acme GmbH & Co. KG", "ACME, Inc.", "Acme Ltd"])
def test_a_company_is_one_whatever_its_legal_form(name: str) -> None:
    assert company_key(name, SALT) == company_key("acme", SALT) != company_key("Acme Bikes", SALT)


def test_a_name_that_is_nothing_but_a_legal_form_is_a_name() -> None:
    assert company_key("AG", SALT) not in (None, company_key("SE", SALT))
    assert company_key(" – ", SALT) is None
