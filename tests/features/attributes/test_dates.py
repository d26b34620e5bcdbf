"""Dates that are not what they say: a century late, a placeholder, or still to come."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.attributes.dates import judge_dates
from features.attributes.learn import learn_encoders
from features.common.clock import DAY, microseconds

N = 400
CREATED = pd.Series(pd.date_range("2024-01-01", periods=N, freq="D", tz="UTC"))
RANDOM = np.random.default_rng(3)


def births(first: int = 1948, last: int = 2003) -> pd.Series:
    years = RANDOM.integers(first, last, N)
    return pd.to_datetime(
        pd.Series([f"{y}-{m:02d}-15" for y, m in zip(years, RANDOM.integers(1, 13, N), strict=True)]), utc=True
    )


def two_digits(days: pd.Series) -> pd.Series:
    """As they come back from a file that says `%d.%m.%y`."""
    return pd.to_datetime(days.dt.strftime("%d.%m.%y"), format="%d.%m.%y", utc=True)


def test_birth_years_of_two_digits_are_those_of_the_century_before() -> None:
    born = births()
    read = two_digits(born)
    late = int((read != born).sum())
    assert late > 50
    judged = judge_dates("lead.born", read, microseconds(CREATED))
    assert judged.century
    assert f"{late:,} of {N} dates" in judged.notes[0]
    assert "read a century earlier" in judged.notes[0]
    (encoder,), notes = learn_encoders({"lead": pd.DataFrame({"created_at": CREATED, "born": read})})
    assert notes == list(judged.notes)
    as_of = microseconds(CREATED) + 1
    days = encoder.encode(read, as_of)[:, 0]
    np.testing.assert_allclose(days, (as_of - microseconds(born)) / DAY, atol=1)
    one = np.zeros(1)
    for row in (0, 7, 31):
        encoder.encode_one(read[row].isoformat(), int(as_of[row]), one, 0)
        assert one[0] == days[row]


@pytest.mark.parametrize(
    "dates",
    [
        births(),  # four digits
        CREATED + pd.to_timedelta(RANDOM.integers(-300, 400, N), unit="D"),  # contracts, some of which end later
        births(1985, 2027),  # some lie a year or two ahead: typing errors, no century
        CREATED + pd.to_timedelta(RANDOM.integers(2_000, 9_000, N), unit="D"),  # all to come
    ],
    ids=["right", "both sides", "a little late", "to come"],
)
def test_other_dates_keep_their_century(dates: pd.Series) -> None:
    assert not judge_dates("lead.x", dates, microseconds(CREATED)).century


def test_dates_to_come_are_told() -> None:
    (note,) = judge_dates("lead.renewal", CREATED + pd.Timedelta(days=90), microseconds(CREATED)).notes
    assert note.startswith("lead.renewal: 400 of 400 dates (2024-03-31) lie after their lead and count as missing")


@pytest.mark.parametrize("odd", ["0001-01-01", "1899-12-30", "1900-01-01", "9999-12-31"])
def test_placeholders_are_missing_and_told(odd: str) -> None:
    texts = pd.Series(["2023-05-05"] * (N - 20) + [odd] * 20)
    (encoder,), notes = learn_encoders({"lead": pd.DataFrame({"created_at": CREATED, "signup": texts})})
    assert len(notes) == 1
    assert notes[0].startswith(f"lead.signup: 20 of 400 dates ({odd}) ")
    encoded = encoder.encode(texts, microseconds(CREATED) + 1)[:, 0]
    assert np.isnan(encoded[-20:]).all()
    assert not np.isnan(encoded[:-20]).any()


def test_without_leads_nothing_is_said_of_a_century() -> None:
    (encoder,), notes = learn_encoders({"company": pd.DataFrame({"founded": ["2031-01-01", "1887-05-08"] * 50})})
    assert not encoder.century
    assert "50 of 100 dates (1887-05-08) lie before 1900" in notes[0]


def companies(founded: list[str]) -> dict[str, pd.DataFrame]:
    """Leads of the companies, two of each, the later one first; the last company has none."""
    ids = [f"c{n}" for n in range(len(founded))]
    leads = pd.DataFrame(
        {"company_id": ids[:-1] * 2 + [None], "created_at": [*CREATED[1 : len(ids)], *CREATED[: len(ids) - 1], CREATED[0]]}
    )
    return {"lead": leads, "company": pd.DataFrame({"company_id": ids, "founded": founded})}


def test_dates_of_companies_are_held_against_their_first_lead() -> None:
    years = [f"{2050 + n % 10}-05-01" if n % 4 == 0 else f"{1970 + n % 30}-05-01" for n in range(80)]
    encoders, notes = learn_encoders(companies(years))
    (encoder,) = (e for e in encoders if e.column == "founded")
    assert encoder.century
    assert any(
        "20 of 80 dates (2050-05-01) lie after the company's first lead and are read a century earlier" in n or "19 of 80" in n
        for n in notes
    ), notes


def test_a_column_of_companies_that_is_called_created_at_is_no_moment_of_a_lead() -> None:
    """It was taken for the moment of reference: then nothing lay after it."""
    frames = companies([f"{2050 + n % 10}-05-01" if n % 4 == 0 else f"{1970 + n % 30}-05-01" for n in range(80)])
    frames["company"]["created_at"] = "2099-01-01"
    (encoder,) = (e for e in learn_encoders(frames)[0] if e.column == "founded")
    assert encoder.century


def test_companies_without_leads_say_nothing_of_a_century() -> None:
    frames = companies(["2055-01-01"] * 40 + ["1980-01-01"] * 40)
    frames["lead"]["company_id"] = None
    assert not any(e.century for e in learn_encoders(frames)[0])
