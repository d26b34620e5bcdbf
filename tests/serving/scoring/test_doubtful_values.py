"""Values unlike those of training: the field, and the nearest value or the range that is known."""

from __future__ import annotations

import pytest

from features.attributes.encoders import AttributeEncoder
from serving.scoring.doubtful_values import doubt_about

COUNTRY = AttributeEncoder("lead", "country", "category", ("DE", "fr", "Austria"))
INDUSTRY = AttributeEncoder("company", "industry", "category", ("Software", "Health"))
EMPLOYEES = AttributeEncoder("company", "employees", "number", log=True)
RANGES = {"company.employees": (1.0, 12_000.0), "lead.balance": (-500.0, 900.0)}


@pytest.mark.parametrize(
    ("value", "encoder", "words"),
    [
        ("Germany", COUNTRY, "country: 'Germany' is rare or new to the model: did you mean 'DE'?"),
        ("Deutschland", COUNTRY, "did you mean 'DE'?"),
        ("Österreich", COUNTRY, "did you mean 'Austria'?"),
        ("FRA", COUNTRY, "did you mean 'fr'?"),
        ("Softwre", INDUSTRY, "did you mean 'Software'?"),
        ("zzz", INDUSTRY, "known are: 'Health', 'Software'"),
        (-5, EMPLOYEES, "employees: -5 is beyond reason: training has seen 1 to 12000"),
        (1e300, EMPLOYEES, "beyond reason"),
        ("2000000", EMPLOYEES, "beyond reason"),
    ],
)
def test_the_field_and_what_is_known_are_named(value: object, encoder: AttributeEncoder, words: str) -> None:
    assert words in str(doubt_about(value, encoder, RANGES))


@pytest.mark.parametrize(
    ("value", "encoder"),
    [
        ("de", COUNTRY), (" FR ", COUNTRY), (None, COUNTRY), ("software", INDUSTRY), (50_000, EMPLOYEES), ("many", EMPLOYEES),
        (-400, AttributeEncoder("lead", "balance", "number")), (7, AttributeEncoder("lead", "unknown", "number")),
    ],
)  # fmt: skip
def test_what_is_like_training_is_not_doubted(value: object, encoder: AttributeEncoder) -> None:
    assert doubt_about(value, encoder, RANGES) is None
