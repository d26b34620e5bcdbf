"""Numbers of people, and numbers of other things."""

from __future__ import annotations

import pytest

from features.common.persons.numbers import is_iban, is_ip, is_national, official_numbers, passes_luhn, telephone_numbers


def test_check_digits_tell_an_account_from_a_code() -> None:
    assert is_iban("DE89 3704 0044 0532 0130 00")
    assert not is_iban("DE00 3704 0044 0532 0130 00")
    assert passes_luhn("4111 1111 1111 1111")
    assert not passes_luhn("4111 1111 1111 1112")


@pytest.mark.parametrize("text", ["2.14.0.3", "1.2.3", "12:34:56", "999.1.1.1", "1::"])
def test_versions_and_times_are_no_addresses(text: str) -> None:
    assert not is_ip(text)


@pytest.mark.parametrize("text", ["0000123456", "012-345-678", "12345", "1234567890"])
def test_article_numbers_are_no_telephone_numbers(text: str) -> None:
    assert not is_national(text)


def test_a_column_shows_what_no_single_value_does() -> None:
    assert official_numbers(["44051401458", "02070803628", "90090515836"])
    assert not official_numbers(["44051401459", "02070803621", "90090515830"])
    assert telephone_numbers(["040123456", "0301234567", "01711234567"], 0.8)
    assert not telephone_numbers(["4006381333931", "4012345678901", "4000417025005"], 0.8)
