"""What of a score goes to a CRM."""

from __future__ import annotations

import pytest

from connectors.crm.score_fields import FIELDS, digest, select_fields, values_of
from features.common.errors import ConfigError
from tests.connectors.crm.writing import AT, row


def test_every_field_has_its_value() -> None:
    assert list(values_of(row(50), "customer", "m", AT)) == [field.key for field in FIELDS]


def test_noise_is_no_change() -> None:
    """A chance that moves by a hundredth of a per cent, a value by a euro: nothing to write."""
    one = values_of(row(50, p_customer=0.12341, expected_value=1234.0), "customer", "m", AT)
    two = values_of(row(50, p_customer=0.12339, expected_value=1239.0, reasons="other words"), "customer", "m", AT)
    three = values_of(row(51), "customer", "m", AT)
    assert digest(one) == digest(two) != digest(three)


def test_missing_values_are_empty_not_nan() -> None:
    values = values_of(
        {"score": 3, "expected_value": float("nan"), "grade": None, "points": float("inf"), "reasons": float("nan")},
        "customer",
        "m",
        AT,
    )
    assert (values["expected_value"], values["grade"], values["points"], values["reasons"], values["chance"]) == (
        None,
        None,
        None,
        None,
        None,
    )


def test_an_unknown_score_field_is_named() -> None:
    with pytest.raises(ConfigError, match="no score field 'gradee': did you mean 'grade'"):
        select_fields(["score", "gradee"])
    assert [f.key for f in select_fields(["score"])] == ["score", "scored_at", "model"]
