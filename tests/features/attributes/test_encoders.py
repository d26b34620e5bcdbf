"""Attributes as numbers: what is learned from which column, and the contracts every encoder keeps."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.attributes.encoders import AttributeEncoder, AttributeKind
from features.attributes.learn import learn_encoders
from features.attributes.values import DAY_US
from features.common.errors import ModelError
from tests.features.attributes.test_learn import NAIVE, learned

AS_OF = int(datetime(2026, 3, 31, 12, tzinfo=UTC).timestamp()) * 1_000_000

ENCODERS = [
    AttributeEncoder("company", "annual_revenue", "number", log=True),
    AttributeEncoder("lead", "budget_score", "number"),
    AttributeEncoder("lead", "newsletter", "flag"),
    AttributeEncoder("lead", "country", "category", ("DE", "Österreich", "3", "true")),
    AttributeEncoder("lead", "city", "level", ("DE", "Österreich", "3", "true"), targets=("mql", "customer")),
    AttributeEncoder("lead", "signup_date", "date"),
    AttributeEncoder("lead", "birth_date", "date", century=True),
    AttributeEncoder("company", "size", "band"),
    AttributeEncoder("lead", "job_title", "seniority"),
    AttributeEncoder("lead", "job_title", "function", ("sales", "it")),
    AttributeEncoder("lead", "email_domain", "free_mail"),
]
IDS = [f"{e.column}-{e.kind}" for e in ENCODERS]


ODD: list[Any] = [
    None, math.nan, pd.NA, pd.NaT, "", "  ", "nan", True, False, 1, 0, 1.0, -0.0, 3, 3.0, "3", "1", "1.0", -7.25, 1e300,
    10**400, math.inf, -math.inf, "1,200", "1.200,5", "many", "YES ", "Nein", " de", "ÖSTERREICH", "France", [], ["DE"],
    {"a": 1}, (1,), b"DE", 1 + 2j, Decimal("2.5"), Decimal("NaN"), np.float32(0.1), np.int64(3), np.bool_(True),
    np.datetime64("2026-01-01"), np.datetime64("NaT"), date(2026, 1, 1), NAIVE,
    NAIVE.replace(tzinfo=timezone(timedelta(hours=2))),
    pd.Timestamp("2026-01-01 01:02:03.123456789"), pd.Timestamp("1960-05-05 00:00:00.000000001", tz="Europe/Berlin"),
    "2026-01-01", "2026-01-01T10:00:00Z", "2026-13-01", "Head of IT", "Leiterin Vertrieb", "Ninja", "GMAIL.com", "me@web.de",
    "acme.com", object, "51-200", "1000+", "> 10 Mio. €", "200-51", "9" * 400, "1-" + "9" * 400, "2068-01-01", "0001-01-01",
    "9999-12-31", "1899-12-30", date(2126, 3, 31), pd.Timestamp("2050-06-01"),
]  # fmt: skip

anything = st.one_of(
    st.sampled_from(ODD), st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.datetimes(), st.dates()
)


def batch(encoder: AttributeEncoder, values: Any, as_of: int = AS_OF) -> np.ndarray:
    return encoder.encode(values, np.full(len(values), as_of, dtype=np.int64))


def singly(encoder: AttributeEncoder, values: Any, as_of: int = AS_OF) -> np.ndarray:
    """Each value alone, written into the middle of a row whose neighbours must stay as they are."""
    width = len(encoder.names)
    rows = np.full((len(values), width + 2), -9.0)
    for row, value in zip(rows, values, strict=True):
        encoder.encode_one(value, as_of, row, 1)
    assert (rows[:, [0, -1]] == -9.0).all()
    return rows[:, 1:-1]


# --- contracts of every encoder ---------------------------------------------------------------------------------------------


def test_the_list_above_has_every_kind() -> None:
    assert {e.kind for e in ENCODERS} == set(get_args(AttributeKind))


@pytest.mark.parametrize("encoder", ENCODERS, ids=IDS)
@given(values=st.lists(anything, max_size=12), as_of=st.integers(min_value=0, max_value=2 * AS_OF))
def test_a_batch_equals_its_values_alone_to_the_last_bit(encoder: AttributeEncoder, values: list[Any], as_of: int) -> None:
    np.testing.assert_array_equal(batch(encoder, values, as_of), singly(encoder, values, as_of))


@pytest.mark.parametrize("encoder", ENCODERS, ids=IDS)
def test_odd_values_never_raise_and_every_indicator_row_has_one_one(encoder: AttributeEncoder) -> None:
    encoded = batch(encoder, ODD)
    np.testing.assert_array_equal(encoded, singly(encoder, ODD))
    assert not np.isinf(encoded).any()
    if encoder.kind in ("category", "function"):
        assert (encoded.sum(axis=1) == 1).all()
    for value in ODD:
        assert encoder.problem(value) is None or encoder.column in str(encoder.problem(value))


TYPED = {
    "float64": pd.Series([1.5, math.nan, -3.0, math.inf]),
    "float32": pd.Series([0.1, 7.0], dtype="float32"),
    "int64": pd.Series([3, 0, -1, 2**60 + 1]),
    "Int64": pd.Series([3, None, 1], dtype="Int64"),
    "boolean": pd.Series([True, None, False], dtype="boolean"),
    "bool": pd.Series([True, False]),
    "str": pd.Series(["3", None, "de", "yes", "2026-01-01"], dtype="str"),
    "category": pd.Series(["DE", None, "CEO", "gmail.com"], dtype="category"),
    "us-utc": pd.Series(pd.to_datetime(["2026-01-01 01:02:03.000004", None, "1950-01-01"], utc=True, format="ISO8601")).astype(
        "datetime64[us, UTC]"
    ),
    "ns-naive": pd.Series(pd.to_datetime(["2026-01-01 01:02:03.123456789", None, "1950-01-01 00:00:00.000000001"])),
    "s-berlin": pd.Series(pd.to_datetime(["2026-01-01", "2027-01-01"])).astype("datetime64[s]").dt.tz_localize("Europe/Berlin"),
}


@pytest.mark.parametrize("encoder", ENCODERS, ids=IDS)
@pytest.mark.parametrize("dtype", TYPED)
def test_the_dtype_of_a_column_changes_no_number(encoder: AttributeEncoder, dtype: str) -> None:
    column = TYPED[dtype]
    expected = singly(encoder, column.tolist())
    np.testing.assert_array_equal(batch(encoder, column.set_axis([5] * len(column))), expected)
    np.testing.assert_array_equal(batch(encoder, column.to_numpy()), expected)


@pytest.mark.parametrize("encoder", ENCODERS, ids=IDS)
def test_an_encoder_survives_json_unchanged(encoder: AttributeEncoder) -> None:
    again = AttributeEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder
    assert again.names == encoder.names


@pytest.mark.parametrize("encoder", ENCODERS, ids=IDS)
def test_names_and_labels_are_one_per_column(encoder: AttributeEncoder) -> None:
    assert len(set(encoder.names)) == len(encoder.names) == len(encoder.labels("en")) == len(encoder.labels("de"))
    assert batch(encoder, []).shape == (0, len(encoder.names))


@given(values=st.lists(anything, min_size=1, max_size=12), seed=st.integers(0, 99))
def test_the_order_of_rows_makes_no_difference(values: list[Any], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(values))
    for encoder in ENCODERS:
        np.testing.assert_array_equal(batch(encoder, [values[i] for i in order]), batch(encoder, values)[order])


def test_the_log_of_many_numbers_equals_that_of_each_alone_to_the_last_bit() -> None:
    """np.log1p and math.log1p round some of these differently."""
    values = np.random.default_rng(3).lognormal(5, 3, 1000)
    np.testing.assert_array_equal(batch(ENCODERS[0], values), singly(ENCODERS[0], values.tolist()))


def test_a_given_out_is_filled_even_where_it_held_something() -> None:
    out = np.full((2, 6), -1.0)
    ENCODERS[3].encode(["DE", None], AS_OF, out[:, :])
    assert out.tolist() == [[1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]]


# --- what each kind means ---------------------------------------------------------------------------------------------------


def test_number_is_itself_and_its_log_odd_values_are_missing() -> None:
    encoder = AttributeEncoder("company", "employees", "number", log=True)
    assert encoder.names == ("company.employees", "company.employees.log")
    nan = math.nan
    expected = [[99.0, math.log(100)], [0, 0], [-99.0, -math.log(100)], [nan, nan], [nan, nan], [12.5, math.log(13.5)]]
    np.testing.assert_allclose(batch(encoder, [99, 0, -99, "1,200", None, " 12.5 "]), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("JA", 1),
        ("yes", 1),
        (True, 1),
        (1.0, 1),
        ("1", 1),
        (" no", 0),
        ("falsch", 0),
        (0, 0),
        ("maybe", math.nan),
        (2, math.nan),
    ],
)
def test_flag_reads_yes_and_no_in_two_languages(value: object, expected: float) -> None:
    np.testing.assert_array_equal(batch(AttributeEncoder("lead", "x", "flag"), [value]), [[expected]])


def test_category_matches_without_case_and_rare_and_new_share_a_column() -> None:
    encoder, notes = learned("segment", ["Gold"] * 30 + ["gold "] * 5 + ["Silver"] * 20 + ["Tin"] * 19 + [None])
    assert encoder is not None
    assert encoder.names == ("lead.segment=Gold", "lead.segment=Silver", "lead.segment=(rare or new)", "lead.segment=(missing)")
    encoded = batch(encoder, [" GOLD", "Silver", "Tin", "never seen", None])
    assert encoded.argmax(axis=1).tolist() == [0, 1, 2, 2, 3]
    assert notes == []


def test_true_one_and_text_one_are_told_apart_alone_and_in_a_batch() -> None:
    encoder = AttributeEncoder("lead", "x", "category", ("1", "true"))
    assert batch(encoder, [True, 1, 1.0, "1", "TRUE"]).argmax(axis=1).tolist() == [1, 0, 0, 0, 1]


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-30",
        date(2026, 3, 30),
        datetime.fromisoformat("2026-03-30"),
        pd.Timestamp("2026-03-30", tz="UTC"),
        "2026-03-30T02:00+02:00",
    ],
)
def test_date_is_days_before_as_of_whatever_its_type(value: object) -> None:
    assert batch(AttributeEncoder("lead", "signup", "date"), [value]).tolist() == [[1.5]]


def test_a_date_at_or_after_as_of_is_missing_lest_the_future_leaks() -> None:
    encoder = AttributeEncoder("lead", "renewal", "date")
    day = datetime(2026, 3, 1, tzinfo=UTC)
    at = int(day.timestamp()) * 1_000_000
    as_of = np.array([at - 1, at, at + 1, at + DAY_US])
    expected = [[math.nan], [math.nan], [1 / DAY_US], [1.0]]
    np.testing.assert_array_equal(encoder.encode(pd.Series([day] * 4), as_of), expected)
    np.testing.assert_array_equal(encoder.encode([day] * 4, as_of), expected)
    alone = np.zeros(4)
    for row in range(4):
        encoder.encode_one(day, int(as_of[row]), alone, row)
    np.testing.assert_array_equal(alone, np.ravel(expected))


def test_job_title_becomes_seniority_and_function() -> None:
    frame = pd.DataFrame({"job_title": ["Leiter Vertrieb"] * 20 + ["CFO"] * 5 + [None]})
    encoders, _ = learn_encoders({"lead": frame})
    assert [e.names for e in encoders] == [
        ("lead.job_title.seniority",),
        ("lead.job_title.function=sales", "lead.job_title.function=(rare or new)", "lead.job_title.function=(missing)"),
    ]
    np.testing.assert_array_equal(batch(encoders[0], ["Head of Sales", "Ninja", None]), [[4], [math.nan], [math.nan]])
    assert batch(encoders[1], ["Head of Sales", "Ninja", None]).argmax(axis=1).tolist() == [0, 1, 2]


def test_email_domain_tells_free_mail_and_nothing_else() -> None:
    encoder, _ = learned("email_domain", [f"firm{i}.de" for i in range(99)])
    assert encoder is not None
    assert encoder.names == ("lead.email_domain.free_mail",)
    np.testing.assert_array_equal(batch(encoder, ["Web.de", "acme.com", "x@t-online.de", None]), [[1], [0], [1], [math.nan]])


# --- what is learned from which column --------------------------------------------------------------------------------------


# --- words ------------------------------------------------------------------------------------------------------------------


def test_labels_speak_english_and_german() -> None:
    assert AttributeEncoder("company", "annual_revenue", "number", log=True).labels("en") == (
        "Annual revenue",
        "Annual revenue (order of magnitude)",
    )
    assert AttributeEncoder("company", "industry", "category", ("Retail",)).labels("de") == (
        "Branche: Retail",
        "Branche: seltener oder neuer Wert",
        "Branche: keine Angabe",
    )
    assert AttributeEncoder("lead", "job_title", "function", ("it",)).labels("de")[0] == "Funktionsbereich: IT"
    assert AttributeEncoder("lead", "job_title", "seniority").labels("de") == ("Hierarchieebene",)
    assert AttributeEncoder("lead", "budget_score", "number").labels("de") == ("Budget score",)
    assert AttributeEncoder("lead", "signup_date", "date").labels("en") == ("Signup date: days ago",)


def test_units_are_days_for_dates_only() -> None:
    encoder = AttributeEncoder("lead", "signup_date", "date")
    assert (encoder.unit, encoder.unit_in("de"), ENCODERS[0].unit) == ("days", "Tage", "")


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        ("number", "many", "x: 'many' is not a number; treated as missing"),
        ("number", "1,200", "x: '1,200' is not a number; treated as missing"),
        ("number", None, None),
        ("number", " 7.5", None),
        ("flag", "maybe", "x: 'maybe' is neither yes nor no; treated as missing"),
        ("date", "03/04/2026", "x: '03/04/2026' is not a date such as 2026-03-31; treated as missing"),
        ("date", "2026-03-31", None),
        ("seniority", 4, "x: 4 is not text; treated as missing"),
        ("category", ["a"], "x: ['a'] is not a single value; treated as rare or new"),
        ("category", "new", None),
    ],
)
def test_a_problem_is_one_sentence_with_column_and_value(kind: AttributeKind, value: object, sentence: str | None) -> None:
    assert AttributeEncoder("lead", "x", kind).problem(value) == sentence


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"encoder of 'x' has the kind 'numbr': did you mean 'number'\?"):
        AttributeEncoder.from_dict({"entity": "lead", "column": "x", "kind": "numbr"})


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ModelError, match=r"cannot be read .* 'mean'"):
        AttributeEncoder.from_dict({"entity": "lead", "column": "x", "kind": "number", "mean": 3})


def test_a_level_is_told_by_its_place_however_it_is_spelled() -> None:
    encoder = AttributeEncoder("lead", "city", "level", ("Ulm", "Bonn"), targets=("mql", "customer"))
    assert encoder.names == ("lead.city.level.mql", "lead.city.level.customer")
    assert encoder.labels("de") == ("City: frühere Leads mit diesem Wert",) * 2
    found = batch(encoder, ["ulm ", "BONN", "Trier", None, "  "])
    np.testing.assert_array_equal(found, np.repeat([[0.0], [1], [2], [math.nan], [math.nan]], 2, axis=1))
    assert encoder.problem(["DE"]) is None
