"""Countries are known however they are written, and nothing else is one."""

from __future__ import annotations

import pytest

from features.common.countries import country_code, same_country


@pytest.mark.parametrize("name", ["Germany", "GERMANY", "de", "DEU", " Deutschland ", "Allemagne"])
def test_a_country_is_known_in_any_spelling(name: str) -> None:
    assert country_code(name) == "DE"
    assert same_country(name, ["FR", "de"]) == "de"


@pytest.mark.parametrize("name", ["", "Software", "Bavaria", "xx"])
def test_what_is_no_country_has_no_code(name: str) -> None:
    assert country_code(name) is None
    assert same_country(name, ["FR", "Software"]) is None
