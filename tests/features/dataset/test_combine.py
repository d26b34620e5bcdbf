"""Several sources are one dataset: joined by ids and addresses, known until the first of them ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from features.common.errors import ConfigError, DataError
from features.dataset.combine import SourceDataset, combine
from features.dataset.dataset import Dataset
from tests.features.dataset.three_leads import END, act, dataset, day


def _addresses(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["lead_id", "email_key"])


def _source(ids: str | list[str], end: pd.Timestamp = END, **tables: list[dict[str, Any]]) -> Dataset:
    """Leads of these ids, created on day 1; nobody got anywhere unless `lead_stages` says so."""
    leads = [{"lead_id": i, "created_at": day(1)} for i in ids]
    made = {"leads": leads, **tables}
    return Dataset.from_tables({n: pd.DataFrame(rows) for n, rows in made.items()}, extracted_at=end)


def test_acts_stages_and_deals_of_another_source_are_those_of_the_first_sources_leads() -> None:
    first = SourceDataset("crm", dataset(interactions=[act("a", 3)]))
    deals = [
        {"deal_id": "9", "lead_id": "x", "created_at": day(5), "status": "open"},
        {"deal_id": "8", "lead_id": "z", "created_at": day(5), "status": "open"},
    ]
    stages = [{"lead_id": "y", "lead_stage": "mql", "at": day(6)}]
    acts = [{**act(lead, 4), "type": "webinar_attended"} for lead in "xyz"]
    other = SourceDataset(
        "webinars",
        _source("xyz", interactions=acts, lead_stages=stages, deals=deals),
        None,
        _addresses(("x", "k1"), ("y", "k2"), ("z", "k9")),
    )
    whole, report = combine([replace(first, addresses=_addresses(("a", "k1"), ("b", "k2"))), other])
    assert list(whole.leads["lead_id"]) == ["a", "b", "c"]
    assert sorted(zip(whole.interactions["lead_id"], whole.interactions["type"].astype(str), strict=True)) == [
        ("a", "call"),
        ("a", "webinar_attended"),
        ("b", "webinar_attended"),
    ]
    assert [(r.lead_id, str(r.lead_stage)) for r in whole.lead_stages.itertuples()] == [("a", "customer"), ("b", "mql")]
    assert list(whole.deals["lead_id"]) == ["a"]
    told = "\n".join(report.lines())
    assert "webinars: 1 lead that the first source does not have (for example z); left out" in told
    assert whole.source == "crm + webinars"


def test_ids_are_joined_by_a_column_and_addresses_find_the_others() -> None:
    """An address that the second source brought along finds a lead for the third."""
    second = _source("123")
    second.leads["crm_id"] = ["b", "nobody", None]
    third = _source(["Ada@x.com", "bob@y.com"], interactions=[act("Ada@x.com", 5), act("bob@y.com", 6)])
    whole, _ = combine(
        [
            SourceDataset("crm", dataset(), addresses=_addresses(("c", "k3"))),
            SourceDataset("tool", second, "crm_id", _addresses(("1", "k1"), ("3", "k3"))),
            SourceDataset("list", third, None, _addresses(("Ada@x.com", "k1"), ("bob@y.com", "k3"))),
        ]
    )
    assert list(whole.interactions["lead_id"]) == ["b", "c"]
    assert "crm_id" not in whole.leads


def test_the_whole_is_known_until_the_first_source_ends() -> None:
    """What the others say later is set aside: neither acts nor outcomes are missing where they only were not read."""
    crm = dataset(
        lead_stages=[
            {"lead_id": "a", "lead_stage": "customer", "at": day(40)},
            {"lead_id": "b", "lead_stage": "mql", "at": day(4)},
        ]
    )
    behaviour = _source("abc", day(20), interactions=[act("a", 6)])
    whole, report = combine([SourceDataset("crm", crm), SourceDataset("behaviour", behaviour)])
    assert whole.extracted_at == day(20)
    assert list(whole.lead_stages["lead_id"]) == ["b"]
    told = "\n".join(report.lines())
    assert f"dataset: {(END - day(20)).days} days from the end of behaviour (2026-01-21 00:00 UTC) to that of crm" in told
    assert "`extracted_at:`" in told
    assert "crm: 1 rows after 2026-01-21" in told or "crm: 1 row after 2026-01-21" in told
    same_end, report = combine(
        [SourceDataset("crm", crm), SourceDataset("behaviour", _source("abc", END - pd.Timedelta(hours=9)))]
    )
    assert len(same_end.lead_stages) == 2
    assert "days from the end" not in "\n".join(report.lines())


def test_a_column_is_of_the_first_source_that_has_it() -> None:
    first = dataset(leads=[{"lead_id": i, "created_at": day(0), "country": "DE", "source": None} for i in "abc"])
    rows = [
        {"lead_id": i, "created_at": day(1), "country": "FR", "source": "Web", "seats": n, "vip": n > 1}
        for n, i in enumerate("ab")
    ]
    changes = [
        {"entity": "lead", "id": "a", "column": column, "value": "x", "at": day(2)}
        for column in ("country", "seats", "opted_out")
    ]
    second = replace(_source("ab", attribute_changes=changes, leads=rows), without_history=("lead.country", "lead.vip"))
    whole, report = combine([SourceDataset("crm", first), SourceDataset("tool", second)])
    assert whole.leads["country"].tolist() == ["DE"] * 3
    assert whole.leads["source"].tolist()[:2] == ["Web", "Web"]
    assert whole.leads["seats"].tolist()[:2] == [0, 1]
    assert whole.leads["vip"].isna().tolist() == [False, False, True]
    assert whole.without_history == ("lead.vip",)
    assert sorted(whole.attribute_changes["column"]) == ["opted_out", "seats"]
    assert "tool: 1 column that a source before has too (for example country (crm))" in "\n".join(report.lines())


def test_who_opted_out_anywhere_is_out() -> None:
    first = dataset(
        leads=[{"lead_id": i, "created_at": day(0), "opted_out": out} for i, out in (("a", False), ("b", None), ("c", True))]
    )
    rows = [{"lead_id": i, "created_at": day(0), "opted_out": out} for i, out in (("a", True), ("b", False), ("c", False))]
    whole, _ = combine([SourceDataset("crm", first), SourceDataset("tool", _source("abc", leads=rows))])
    assert whole.leads["opted_out"].tolist() == [True, False, True]


@pytest.mark.parametrize("column", ["size", "self"])
def test_companies_of_another_source_are_taken_where_a_lead_has_none(column: str) -> None:
    first = dataset(
        leads=[{"lead_id": i, "created_at": day(0), "company_id": "1" if i == "a" else None} for i in "abc"],
        companies=[{"company_id": "1", "industry": "Steel", column: 5}],
    )
    rows = [{"lead_id": i, "created_at": day(0), "company_id": "1"} for i in "ab"]
    changes = [{"entity": "company", "id": "1", "column": "industry", "value": "Paper", "at": day(1)}]
    second = _source(
        "ab", leads=rows, companies=[{"company_id": "1", "industry": "Paper", column: "many"}], attribute_changes=changes
    )
    whole, _ = combine([SourceDataset("crm", first), SourceDataset("tool", second)])
    assert whole.leads["company_id"].tolist()[:2] == ["1", "tool:1"]
    assert dict(zip(whole.companies["company_id"], whole.companies["industry"], strict=True)) == {
        "1": "Steel",
        "tool:1": "Paper",
    }
    assert whole.companies[column].tolist() == ["5", "many"]
    assert whole.attribute_changes["id"].tolist() == ["tool:1"]


def test_leads_of_another_source_can_be_added() -> None:
    """Then who came earlier there came earlier; their ids are no addresses."""
    rows = [{"lead_id": i, "created_at": day(n), "country": "FR"} for i, n in (("c", 0), ("Eve@x.com", 7))]
    other = _source("", leads=rows, interactions=[act("Eve@x.com", 8)])
    part = SourceDataset("tool", other, "lead_id", _addresses(("Eve@x.com", "0123456789abcdef0123")), "add")
    first = dataset(leads=[{"lead_id": i, "created_at": day(3), "country": "DE"} for i in "abc"])
    whole, report = combine([SourceDataset("crm", first), part])
    assert whole.leads["lead_id"].tolist() == ["a", "b", "c", "tool:0123456789abcdef"]
    assert whole.leads["created_at"].tolist() == [day(3), day(3), day(0), day(7)]
    assert whole.leads["country"].tolist() == ["DE", "DE", "DE", "FR"]
    assert list(whole.interactions["lead_id"]) == ["tool:0123456789abcdef"]
    assert "Eve" not in "\n".join(report.lines())


def test_several_that_are_one_lead_are_told_and_one_that_is_several_goes_to_the_first() -> None:
    first = SourceDataset("crm", dataset(), addresses=_addresses(("a", "k1"), ("b", "k1"), ("c", "k2")))
    rows = [{"lead_id": i, "created_at": day(n), "plan": i} for n, i in enumerate("yx")]
    other = SourceDataset(
        "tool",
        _source("", leads=rows, interactions=[act("x", 5), act("y", 6)]),
        None,
        _addresses(("x", "k1"), ("y", "k1"), ("y", "k2")),
    )
    whole, report = combine([first, other])
    assert list(whole.interactions["lead_id"]) == ["a", "a"]
    assert whole.leads["plan"].tolist()[0] == "y"
    told = "\n".join(report.lines())
    assert "tool: 2 leads that share a lead with another of theirs" in told
    assert "tool: 1 lead whose addresses are those of several leads (for example y)" in told


def test_the_same_deal_counts_once_and_the_same_type_is_told() -> None:
    deals = [{"deal_id": "1", "lead_id": "a", "created_at": day(3), "status": "open"}]
    whole, report = combine(
        [SourceDataset(name, _source("abc", deals=deals, interactions=[act("a", 3)])) for name in ("crm", "tool")]
    )
    assert len(whole.deals) == 1
    told = "\n".join(report.lines())
    assert "1 deal that several sources have" in told
    assert "call (crm, tool)" in told


def test_sources_that_have_nobody_in_common_are_no_whole() -> None:
    with pytest.raises(DataError, match=r"(?s)by its ids not one of the 2 leads of tool.*'0c' would match 'c'.*`email:`"):
        combine(
            [
                SourceDataset("crm", dataset(leads=[{"lead_id": i, "created_at": day(0)} for i in ("c",)])),
                SourceDataset("tool", _source(["0c", "x"])),
            ]
        )
    with pytest.raises(DataError, match="by its e-mail addresses not one of the 1 leads") as error:
        combine(
            [
                SourceDataset("crm", dataset()),
                SourceDataset("list", _source(["eve@x.com"]), None, _addresses(("eve@x.com", "k"))),
            ]
        )
    assert "eve@" not in str(error.value)
    with pytest.raises(ConfigError, match="crm_id"):
        combine([SourceDataset("crm", dataset()), SourceDataset("tool", _source("a"), "crm_id")])
    with pytest.raises(ConfigError, match="tool has no dates"):
        combine([SourceDataset("crm", dataset()), SourceDataset("tool", replace(_source("a"), time="row_order"))])


def test_outcomes_that_all_came_after_a_source_ended_are_told() -> None:
    with pytest.raises(DataError, match=r"(?s)list ends at 2026-01-03 .*before any lead reached.*2026-01-10.*extracted_at"):
        combine([SourceDataset("crm", dataset()), SourceDataset("list", _source("a", day(2)))])
