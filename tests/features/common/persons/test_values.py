"""Values under their names, as requests have them."""

from __future__ import annotations

import pytest

from features.common.persons.values import without_persons


@pytest.mark.parametrize(
    ("values", "remaining"),
    [
        ({"first_name": "Jane", "source": "web"}, {"source": "web"}),
        ({"email": "valid"}, {"email": "valid"}),
        ({"email": "a@ex.org"}, {}),
        ({"age": 40, "mobile": 3, "opted_in": True}, {"age": 40, "mobile": 3, "opted_in": True}),
        ({"phone": 4917112345678, "birthday": 19900101}, {}),
        ({"birthday": 40, "email": None}, {"birthday": 40, "email": None}),
        ({"source": "from a@ex.org"}, {"source": "from (e-mail address)"}),
        ({"source": "a@ex.org"}, {"source": None}),
        ({"contact": "telephone"}, {"contact": "telephone"}),
        ({}, {}),
    ],
)
def test_personal_values_are_left_out_and_others_stay(values: dict[str, object], remaining: dict[str, object]) -> None:
    assert without_persons(values, "leads")[0] == remaining


def test_a_company_keeps_its_name() -> None:
    assert without_persons({"name": "Robert Bosch", "vat": "DE123"}, "companies")[0] == {"name": "Robert Bosch", "vat": "DE123"}
