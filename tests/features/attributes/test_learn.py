"""What is learned of a column: its kind, its levels, and whether it is of use at all."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.attributes.encoders import AttributeEncoder
from features.attributes.learn import learn_encoders


def learned(column: str, values: Any, entity: str = "lead", **options: Any) -> tuple[AttributeEncoder | None, list[str]]:
    frame = pd.DataFrame({column: values if isinstance(values, pd.Series) else pd.Series(values, dtype=object)})
    encoders, notes = learn_encoders({entity: frame}, **options)  # type: ignore[dict-item]
    return (encoders[0] if encoders else None), notes


def test_category_keeps_the_most_frequent_levels_only() -> None:
    encoder, _ = learned("segment", ["a"] * 22 + ["b"] * 23 + ["c"] * 24, max_levels=2)
    assert encoder is not None
    assert encoder.levels == ("c", "b")


def test_a_level_called_like_our_own_columns_gets_another_name() -> None:
    encoder, _ = learned("segment", ["(missing)"] * 20 + ["(rare or new)"] * 20)
    assert encoder is not None
    assert len(set(encoder.names)) == 4


NAIVE = datetime.fromisoformat("2026-01-01T05:00:00")
RNG = np.random.default_rng(7)


FLOATS = RNG.normal(size=200)


@pytest.mark.parametrize(
    ("column", "values", "kind"),
    [
        ("budget", FLOATS, "number"),
        ("budget", [str(v) for v in FLOATS], "number"),
        ("children", [0, 1, 2, 3] * 30, "number"),
        ("tier", [1, 2] * 30, "number"),
        ("opt_in", [0, 1] * 30, "flag"),
        ("opt_in", [True, False, None] * 30, "flag"),
        ("opt_in", ["Ja", "nein ", None] * 30, "flag"),
        ("gdpr", ["yes", None] * 30, "category"),
        ("answer", ["yes", "no", "unknown"] * 30, "category"),
        ("postcode", ["01067", "80331", "01099"] * 30, "category"),
        ("signup", ["2026-01-01", "2025-05-05T10:00:00Z"] * 30, "date"),
        ("signup", [date(2026, 1, 1), NAIVE, None] * 30, "date"),
        ("signup", pd.Series(pd.to_datetime(["2026-01-01", "2025-01-01"] * 30)), "date"),
        ("landing_page", [f"{i % 3:032x}" for i in range(90)], "category"),
        ("revenue_eur", np.arange(200) * 1000, "number"),
    ],
)
def test_the_kind_follows_from_the_values(column: str, values: Any, kind: str) -> None:
    encoder, notes = learned(column, values)
    assert encoder is not None, notes
    assert encoder.kind == kind
    assert notes == []


@pytest.mark.parametrize(
    ("column", "values", "why"),
    [
        ("x", [None, "", math.nan, "  "], "empty"),
        ("x", [], "empty"),
        ("x", ["Same", "same "] * 30, "the same value in every row"),
        ("x", [5.0, 5.0, None] * 30, "the same value in every row"),
        ("x", [f"{i:032x}" for i in range(90)], "identifier"),
        ("x", [f"C-{i}" for i in range(90)], "identifier"),
        ("x", list(range(100_000, 100_090)), "identifier"),
        ("customer_number", [i * i for i in range(90)], "identifier"),
        ("x", [f"asked about {i} on the phone" for i in range(90)], "free text"),
        ("x", [f"wants to be called back about the offer number {i % 30} soon" for i in range(90)], "free text"),
        ("x", list("abcde") * 5, "no value is found in 20 rows"),
    ],
)
def test_a_column_of_no_use_is_left_out_with_a_note(column: str, values: Any, why: str) -> None:
    encoder, notes = learned(column, values)
    assert encoder is None
    assert len(notes) == 1
    assert notes[0].startswith(f"lead.{column}: ")
    assert why in notes[0]
    assert notes[0].endswith("not used")


def test_a_few_odd_values_in_a_number_column_are_counted_in_a_note() -> None:
    encoder, notes = learned("budget", [*FLOATS, "many", "1.200,5"])
    assert encoder is not None
    assert encoder.kind == "number"
    assert notes == ["lead.budget: 2 of 202 values are no numbers and count as missing"]


@pytest.mark.parametrize(
    ("column", "values", "log"),
    [
        ("employees", [10.0, 12.0, 11.5], True),
        ("visits", [1.0, 2.0, 3.0, 500.0], True),
        ("visits", [0.0, 0.0, 0.0, 1.0, 2.0], False),
        ("visits", [1.0, 2.0, 3.0, 100.0], False),
        ("balance", [-1.0, 2.0, 3.0, 500.0], False),
    ],
)
def test_wide_numbers_that_are_never_negative_also_get_their_log(column: str, values: list[float], log: bool) -> None:
    encoder, _ = learned(column, values, entity="company")
    assert encoder is not None
    assert encoder.log is log


def test_keys_and_excluded_columns_are_passed_over() -> None:
    skipped = {"lead_id": ["a", "b"], "company_id": ["x", "y"], "created_at": ["2026-01-01"] * 2, "opted_out": [True, False]}
    frame = pd.DataFrame(skipped | {"duration": [1.0, 2.5], "won": [0, 1]})
    assert learn_encoders({"lead": frame}, exclude=["duration", "lead.won"]) == ([], [])
    assert len(learn_encoders({"lead": frame}, exclude=["company.won"])[0]) == 2


def test_country_of_lead_and_company_are_two_features() -> None:
    frame = pd.DataFrame({"country": ["DE"] * 20 + ["AT"] * 20})
    encoders, _ = learn_encoders({"lead": frame, "company": frame})
    assert [e.labels("de")[0] for e in encoders] == ["Land: AT", "Land des Unternehmens: AT"]


def test_two_columns_that_would_be_one_feature_are_not_both_taken() -> None:
    frame = pd.DataFrame({"employees": [1.5, 2.5], "employees.log": [1.0, 2.0]})
    encoders, notes = learn_encoders({"company": frame})
    assert [e.column for e in encoders] == ["employees"]
    assert notes == ["company.employees.log: its feature company.employees.log is already another column's, not used"]


@given(st.permutations(["Gold", "gold", "Tin", "tin", "tin", None, "Zinc"]))
def test_learning_does_not_depend_on_the_order_of_rows(values: list[str | None]) -> None:
    encoder, _ = learned("segment", values, min_level_rows=2)
    assert encoder is not None
    assert encoder.levels == ("tin", "Gold")


def test_bands_become_a_number_beside_their_levels() -> None:
    encoders, notes = learn_encoders({"lead": pd.DataFrame({"size": ["1", "2-10", "11-50", "51-200", "201+", None] * 30})})
    assert [e.kind for e in encoders] == ["category", "band"]
    assert encoders[1].names == ("lead.size.band",)
    assert encoders[1].labels("en") == ("Size: middle of the range",)
    assert notes == []


@pytest.mark.parametrize(
    "values",
    [
        ["a-b", "1-2", "large", "small"],
        ["1-10", "11-50"],  # two levels say their order themselves
        ["01067", "80331", "01099"],
        ["2024-01", "2024-02", "2024-03"],
    ],
)
def test_other_levels_are_levels_alone(values: list[str]) -> None:
    encoders, _ = learn_encoders({"lead": pd.DataFrame({"size": values * 30})})
    assert [e.kind for e in encoders] == ["category"]


def test_how_many_values_share_a_column_is_told_where_they_are_many_rows() -> None:
    names = [f"city {i}" for i in range(60) for _ in range(30)]
    encoder, notes = learned("city", names)
    assert encoder is not None
    assert len(encoder.levels) == 40
    assert notes == ["lead.city: 40 of 60 values have a column of their own, the others share one: 600 of 1,800 rows"]
    assert learned("city", ["a"] * 200 + ["b"] * 200 + ["c"] * 3)[1] == []


@pytest.mark.parametrize(
    ("levels", "kinds"),
    [
        (["under 6 months", "6-12 months", "1-2 years", "2+ years"], ["category", "band"]),
        (["1-5 users", "1-3 offices", "2-4 countries", "5+ plants"], ["category"]),
    ],
)
def test_ranges_of_several_units_are_a_band_and_those_of_several_things_are_none(levels: list[str], kinds: list[str]) -> None:
    encoders, _ = learn_encoders({"lead": pd.DataFrame({"contract": levels * 30})})
    assert [encoder.kind for encoder in encoders] == kinds


CITIES = (
    [f"city {i}" for i in range(60) for _ in range(30)] + [f"village {i}" for i in range(9) for _ in range(5)] + ["hamlet"] * 4
)


def test_values_beyond_the_indicators_are_told_apart_for_every_target() -> None:
    encoders, notes = learn_encoders({"lead": pd.DataFrame({"city": CITIES})}, targets=("mql", "customer"))
    assert [e.kind for e in encoders] == ["category", "level"]
    assert len(encoders[1].levels) == 69
    assert len(encoders[1].names) == 2
    assert [note.partition("; ")[2] for note in notes] == ["of 69 values it is learned how earlier leads with them did"]


def test_where_indicators_are_enough_there_are_no_levels() -> None:
    encoders, _ = learn_encoders({"lead": pd.DataFrame({"city": CITIES[:1200]})}, targets=("customer",))
    assert [e.kind for e in encoders] == ["category"]


@pytest.mark.parametrize(
    "values",
    [
        [f"Kampagne {i % 678}" for i in range(5_000)],
        [f"Employer {i}" for i in range(600)] + [f"Works {i}" for i in range(20)] * 20,  # most come once, many rows do not
        [f"the long name of our newsletter of week {i % 30} of this year" for i in range(300)],
    ],
)
def test_values_that_repeat_are_a_category_however_many_or_long_they_are(values: list[str]) -> None:
    encoder, notes = learned("x", values, min_level_rows=5)
    assert encoder is not None, notes
    assert encoder.kind == "category"
