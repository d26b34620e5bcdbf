"""Leads of a request give, to the last bit, the rows that a dataset of the same leads gives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.common.clock import DAY
from features.dataset.dataset import Dataset
from features.dataset.landmarks import Landmarks
from features.engine.build import build
from features.engine.histories import Histories
from features.engine.plan import Plan
from features.engine.request import Interaction, RequestLead, request_rows
from tests.tiny import ENCODERS, TYPES, tiny_feature_set

FEATURES = tiny_feature_set()
PLAN = Plan(FEATURES.features, FEATURES.types)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AS_OF = 56 * 365 * DAY


def leads_of(seed: int, count: int = 25, busiest: int = 40) -> list[RequestLead]:
    """Leads with and without companies, history and attributes; interactions at equal moments and of unknown types."""
    random = np.random.default_rng(seed)

    def pick(*values: object) -> object:
        return values[int(random.integers(len(values)))]

    found = []
    for number in range(count):
        created = AS_OF - int(random.integers(1, 400 * DAY))
        company = f"C{random.integers(4)}" if random.random() < 0.6 else None
        moments = AS_OF - random.integers(1, 500 * DAY, int(random.integers(0, busiest)))
        moments[: len(moments) // 3] = AS_OF - 7 * DAY  # many at once, on the edge of a window
        acts = [
            Interaction(
                str(pick(*TYPES, "moon_landing", "Spam-Beschwerde")),
                int(at),
                pick(None, "in", "out"),  # type: ignore[arg-type]
                pick(None, 0.5, 1e9, -3.125),  # type: ignore[arg-type]
                pick(None, "pricing", "security"),  # type: ignore[arg-type]
            )
            for at in moments
        ]
        attributes = {
            "source": pick("ads", " Webinar ", "never seen", None),
            "job_title": pick("Head of IT", "Vertriebsleiterin", "Praktikant", None),
            "email_domain": pick("gmail.com", "acme.example", None),
            "registered": pick((EPOCH + timedelta(microseconds=created)).isoformat(), None),
        }
        firm = {
            "industry": ("software", "retail", None, "mining")[int(company[1])],
            "employees": (250, 0, None, 1e300)[int(company[1])],
            "listed": (True, False, None, True)[int(company[1])],
        } if company else {}  # fmt: skip
        found.append(
            RequestLead(
                f"L{number:02}", int(random.integers(0, 3)), created, created + (AS_OF - created) // 2,
                attributes, company, firm, acts,
            )
        )  # fmt: skip
    return found


def when(moment: int) -> pd.Timestamp:
    return pd.Timestamp(moment, unit="us", tz="UTC")


def batch_rows(leads: list[RequestLead]) -> np.ndarray:
    """The same leads as a dataset, through tables and pandas, in the order given."""
    companies = {x.company_id: {"company_id": x.company_id, **x.company} for x in leads if x.company_id}
    acts = [
        {
            "lead_id": x.lead_id,
            "type": a.type,
            "at": when(a.time),
            "value": a.value,
            "content": a.content,
            "direction": a.direction,
        }
        for x in leads
        for a in x.interactions
    ]
    tables = {
        "leads": pd.DataFrame(
            [{"lead_id": x.lead_id, "created_at": when(x.created), "company_id": x.company_id, **x.attributes} for x in leads]
        )
    }
    if companies:
        tables["companies"] = pd.DataFrame(list(companies.values()))
    if acts:
        tables["interactions"] = pd.DataFrame(acts)
    histories = Histories.from_dataset(Dataset.from_tables(tables, extracted_at=when(AS_OF)), TYPES)
    by_id = {x.lead_id: x for x in leads}
    order = [by_id[str(name)] for name in histories.leads["lead_id"]]
    looks = Landmarks(
        np.arange(len(leads)),
        np.full(len(leads), AS_OF),
        np.array([x.stage for x in order], np.int32),
        np.array([x.entered for x in order]),
    )
    rows = build(PLAN, ENCODERS, histories, looks)
    place = {x.lead_id: i for i, x in enumerate(order)}
    return rows[:, [place[x.lead_id] for x in leads]]


def assert_same_bits(found: np.ndarray, wanted: np.ndarray) -> None:
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype == np.float32
    wrong = [name for name, a, b in zip(FEATURES.names, found, wanted, strict=True) if not np.array_equal(a, b, equal_nan=True)]
    assert wrong == []


@pytest.mark.parametrize("seed", range(6))
def test_a_request_equals_the_batch(seed: int) -> None:
    leads = leads_of(seed)
    assert_same_bits(request_rows(PLAN, ENCODERS, leads, AS_OF), batch_rows(leads))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000), count=st.integers(1, 8), busiest=st.integers(1, 12), order=st.randoms(use_true_random=False)
)
def test_any_request_in_any_order_equals_the_batch(seed: int, count: int, busiest: int, order) -> None:  # type: ignore[no-untyped-def]
    leads = leads_of(seed, count, busiest)
    order.shuffle(leads)
    assert_same_bits(request_rows(PLAN, ENCODERS, leads, AS_OF), batch_rows(leads))


@pytest.mark.parametrize("seed", range(3))
def test_an_account_alone_equals_its_columns_among_others(seed: int) -> None:
    """Single requests and batches of any size are one path; a loop that adds in another order would show here."""
    leads = leads_of(seed, count=60)
    together = request_rows(PLAN, ENCODERS, leads, AS_OF)
    accounts = {x.company_id or x.lead_id for x in leads}
    assert len(accounts) > 10
    for account in accounts:
        members = [i for i, x in enumerate(leads) if (x.company_id or x.lead_id) == account]
        assert_same_bits(request_rows(PLAN, ENCODERS, [leads[i] for i in members], AS_OF), together[:, members])


def test_people_of_a_company_see_each_other_and_strangers_do_not() -> None:
    column = FEATURES.names.index(next(n for n in FEATURES.names if "colleague" in n and "active" in n))
    first, second = (
        replace(x, company_id="C1", interactions=[Interaction("page_view", AS_OF - DAY)]) for x in leads_of(1, count=2)
    )
    assert request_rows(PLAN, ENCODERS, [first, second], AS_OF)[column].tolist() == [1, 1]
    assert request_rows(PLAN, ENCODERS, [first, replace(second, company_id="C2")], AS_OF)[column].tolist() == [0, 0]
    strangers = [replace(first, company_id=None), replace(second, company_id=None)]
    assert request_rows(PLAN, ENCODERS, strangers, AS_OF)[column].tolist() == [0, 0], "no company is not a common company"


def test_a_company_named_like_a_lead_is_not_its_account() -> None:
    lonely, person = leads_of(2, count=2)
    lonely = replace(lonely, lead_id="X", company_id=None)
    apart = request_rows(PLAN, ENCODERS, [lonely, replace(person, company_id="X")], AS_OF)
    assert_same_bits(apart[:, :1], request_rows(PLAN, ENCODERS, [lonely], AS_OF))


def test_unknown_interaction_types_count_as_activity_only() -> None:
    lead = replace(leads_of(3, count=1)[0], interactions=[Interaction("moon_landing", AS_OF - DAY, "in")])
    row = dict(zip(FEATURES.names, request_rows(PLAN, ENCODERS, [lead], AS_OF)[:, 0].tolist(), strict=True))
    assert row["any.count_7d"] == 1
    assert [row[f"{name}.count_7d"] for name in TYPES if f"{name}.count_7d" in row] != []
    assert not any(row.get(f"{name}.count_7d") for name in TYPES)


def test_no_leads_give_no_columns() -> None:
    assert request_rows(PLAN, ENCODERS, [], AS_OF).shape == (len(FEATURES.names), 0)


def test_a_number_too_large_for_the_matrix_stays_finite() -> None:
    """1e300 would turn endless as float32, and a constant column with it into no number at all."""
    lead = replace(leads_of(4, count=1)[0], company_id="C", company={"employees": 1e300})
    rows = request_rows(PLAN, ENCODERS, [lead], AS_OF)
    assert not np.isinf(rows).any()
    assert rows[FEATURES.names.index("company.employees")] == np.finfo(np.float32).max
