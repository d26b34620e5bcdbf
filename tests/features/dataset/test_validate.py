"""The validator: what is fatal, what is put right and counted, and what the report says."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.common.errors import DataError
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.validate import places, validate
from tests.features.dataset.three_leads import END, FUNNEL, act, dataset, day


def stage(lead: str, name: str, number: int) -> dict[str, Any]:
    return {"lead_id": lead, "lead_stage": name, "at": day(number)}


def text(report: DataReport) -> str:
    return "\n".join(report.lines())


def test_a_clean_dataset_comes_back_as_it_is_and_is_counted() -> None:
    given = dataset(interactions=[{**act("a", 3), "value": float(i)} for i in range(20)])
    out, report = validate(given, FUNNEL)
    for name, frame in given.tables.items():
        pd.testing.assert_frame_equal(out.tables[name], frame)
    assert report.notes == []
    assert report.rows["interactions"] == 20
    assert report.stages == {"lead": 3, "mql": 1, "sql": 1, "customer": 1, "left": 0}
    assert report.period == ("2026-01-01T00:00:00+00:00", "2026-01-10T00:00:00+00:00")


def test_types_that_only_differ_in_spelling_are_told() -> None:
    acts = [{**act("a", 3 + i), "type": kind} for i, kind in enumerate(["Form Submit", "form_submit", "FORM-SUBMIT", "call"])]
    _, report = validate(dataset(interactions=acts), FUNNEL)
    assert "1 type in several spellings (for example 'FORM-SUBMIT', 'Form Submit', 'form_submit'); kept apart" in text(report)


def test_no_leads_is_fatal() -> None:
    empty = Dataset.from_tables({"leads": pd.DataFrame({"lead_id": [], "created_at": []})}, extracted_at=END)
    with pytest.raises(DataError, match="The dataset has no leads"):
        validate(empty, FUNNEL)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"leads": [{"lead_id": i, "created_at": day(0)} for i in "aba"]},
            r"Table 'leads': lead_id 'a' stands in rows \[0, 2\] \(1 ids .*\n.*repeated: first",
        ),
        (
            {"companies": [{"company_id": "x"}, {"company_id": "x"}]},
            r"Table 'companies': company_id 'x' stands in rows \[0, 1\]",
        ),
        (
            {"deals": [{"deal_id": "d", "created_at": day(0), "status": "open"}] * 2},
            r"Table 'deals': deal_id 'd' stands in rows \[0, 1\]",
        ),
        (
            {"leads": [{"lead_id": None, "created_at": day(0)}]},
            r"Table 'leads', row 0: column 'lead_id' is empty \(1 such rows\)",
        ),
        ({"leads": [{"lead_id": "a", "created_at": None}]}, r"Table 'leads', row 0: column 'created_at' is empty"),
        (
            {"interactions": [act("a", 1), {**act("a", 1), "type": None}]},
            r"Table 'interactions', row 1: column 'type' is empty",
        ),
        (
            {"lead_stages": [stage("a", "Custmer", 1), stage("b", "Custmer", 2), stage("b", "mql", 2)]},
            r"not in the funnel: 'Custmer' \(2 rows\)\.\n.*did you mean 'customer'.*values:",
        ),
        ({"interactions": [act("x", 1)]}, r"'interactions': none of its 1 rows.*for example 'x', leads 'a'\.\n.*do not match"),
        ({"lead_stages": [stage("x", "mql", 1)]}, r"'lead_stages': none of its 1 rows"),
        (
            {"deals": [{"deal_id": "d", "lead_id": "x", "created_at": day(0), "status": "open"}]},
            r"Table 'deals': none of its 1 rows",
        ),
        ({"lead_stages": []}, r"None of the 3 leads ever reached 'mql' or 'sql' or 'customer'"),
        ({"lead_stages": [stage("a", "lost", 3)]}, r"None of the 3 leads ever reached"),
        ({"lead_stages": [stage(i, "customer", 9) for i in "abc"]}, r"All 3 leads reached 'customer'.*\n.*did not convert"),
        ({"leads": [{"lead_id": "a", "created_at": day(99)}]}, r"Every lead was created after the extraction at 2026-03-01"),
    ],
)
def test_what_makes_learning_wrong_or_impossible_is_fatal(tables: dict[str, Any], message: str) -> None:
    if tables.get("lead_stages") == []:
        given = dataset()
        given = Dataset(leads=given.leads, extracted_at=END)
    else:
        given = dataset(**tables)
    with pytest.raises(DataError, match=message):
        validate(given, FUNNEL)


@pytest.mark.parametrize(
    ("table", "column", "value", "word"),
    [
        ("leads", "created_at", "soon", "time"),
        ("leads", "opted_out", "perhaps", "yes or no"),
        ("deals", "amount", "much", "number"),
    ],
)
def test_a_value_of_the_wrong_kind_names_table_row_and_column(table: str, column: str, value: str, word: str) -> None:
    """A dataset made by hand may hold anything; the validator is the last to look."""
    given = dataset(deals=[{"deal_id": "d", "created_at": day(0), "status": "open"}])
    given.tables[table][column] = given.tables[table][column].astype("object")
    given.tables[table].loc[0, column] = value
    with pytest.raises(DataError, match=rf"Table '{table}', row 0, column '{column}': '{value}' is no {word}"):
        validate(given, FUNNEL)


def test_rows_of_unknown_leads_are_dropped_and_counted() -> None:
    out, report = validate(
        dataset(
            interactions=[act("a", 1), act("x", 1), act("x", 2)],
            lead_stages=[stage("a", "customer", 5), stage("y", "mql", 5)],
            deals=[{"deal_id": i, "lead_id": i, "created_at": day(0), "amount": 1.0, "status": "open"} for i in "az"],
        ),
        FUNNEL,
    )
    assert (len(out.interactions), len(out.lead_stages), len(out.deals)) == (1, 1, 1)
    assert "Warning – interactions: 2 rows of 1 unknown leads (for example x); dropped; 67% of all." in text(report)
    assert "lead_stages: 1 row of 1 unknown leads (for example y); dropped" in text(report)
    assert "deals: 1 row of unknown leads (for example z); dropped" in text(report)


def test_what_happened_after_the_extraction_is_dropped_and_the_moment_itself_is_kept() -> None:
    out, report = validate(
        dataset(
            leads=[
                {"lead_id": "a", "created_at": day(0)},
                {"lead_id": "z", "created_at": day(80)},
                {"lead_id": "b", "created_at": END},
            ],
            interactions=[act("a", 1), act("a", 60)],
            lead_stages=[stage("a", "mql", 1), stage("a", "customer", 70)],
        ),
        FUNNEL,
    )
    assert out.leads["lead_id"].tolist() == ["a", "b"]
    assert len(out.interactions) == len(out.lead_stages) == 1
    assert text(report).count("lies after the extraction") == 3


def test_what_came_before_its_lead_is_kept_and_noted() -> None:
    out, report = validate(dataset(interactions=[act("c", 0), act("c", 2)]), FUNNEL)
    assert len(out.interactions) == 2
    assert "interactions: 1 row before their lead was created" in text(report)


def test_the_first_time_a_lead_stage_is_reached_counts_and_identical_rows_go() -> None:
    rows = [stage("a", "mql", 5), stage("a", "mql", 3), stage("a", "mql", 3), stage("a", "lost", 6), stage("a", "lost", 8)]
    out, report = validate(dataset(lead_stages=rows), FUNNEL)
    kept = list(zip(out.lead_stages["lead_stage"].astype("str"), out.lead_stages["at"].dt.day - 1, strict=True))
    assert kept == [("mql", 3), ("lost", 6), ("lost", 8)]
    assert "1 identical row; dropped" in text(report)
    assert (
        "1 row that reach a lead stage again (for example a); the first time counts, unless the lead had left meanwhile"
        in text(report)
    )


def test_lead_stages_out_of_order_are_noted() -> None:
    _, report = validate(dataset(lead_stages=[stage("a", "sql", 3), stage("a", "mql", 5), stage("b", "lead", 4)]), FUNNEL)
    assert "1 row out of order (for example a); the lead stage counts from the later one's time" in text(report)


def test_companies_opt_outs_amounts_and_directions_are_noted() -> None:
    deals = [
        {"deal_id": str(n), "lead_id": "a", "created_at": day(1), "closed_at": day(90), "amount": amount, "status": "open"}
        for n, amount in enumerate([None, -5.0, 5.0])
    ]
    leads = [
        {"lead_id": i, "created_at": day(0), "company_id": c, "opted_out": i == "a", "x": None}
        for i, c in zip("ab", "CD", strict=True)
    ]
    out, report = validate(
        dataset(leads=leads, companies=[{"company_id": "C"}], deals=deals, interactions=[act("a", 1, direction="sideways")]),
        FUNNEL,
    )
    said = text(report)
    assert "leads: 1 row with 1 companies that 'companies' lacks (for example D); kept" in said
    assert "leads: 1 lead that opted out" in said
    assert "leads: 1 all-empty custom column (for example x); dropped" in said
    assert "deals: 1 amount below zero (for example -5.0)" in said
    assert "deals: 1 deal without an amount" in said
    assert "deals: 3 deals that close after the extraction; closed_at emptied" in said
    assert "1 row whose direction is neither in nor out (for example 'sideways'); direction emptied" in said
    assert "types with fewer than 20 rows" not in said
    assert "1 type with fewer than 20 rows (for example call); kept" in said
    assert out.deals["closed_at"].isna().all()
    assert out.interactions["direction"].isna().all()


def test_the_given_dataset_is_left_as_it_was() -> None:
    given = dataset(interactions=[act("a", 1), act("x", 1)])
    before = {name: frame.copy() for name, frame in given.tables.items()}
    validate(given, FUNNEL)
    for name, frame in given.tables.items():
        pd.testing.assert_frame_equal(frame, before[name])


@given(st.lists(st.sampled_from("abxyz"), max_size=30), st.booleans())
def test_places_agree_with_a_plain_loop_for_text_and_categories(ids: list[str], categories: bool) -> None:
    leads = pd.Index(["b", "a", "c"])
    column = pd.Series(ids, dtype="str")
    found = places(column.astype("category") if categories else column, leads)
    assert found.tolist() == [{"b": 0, "a": 1}.get(i, -1) for i in ids]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_validating_twice_changes_nothing_more(data: st.DataObject) -> None:
    """Idempotence on random mess: what was cleaned is clean."""
    rows = data.draw(
        st.lists(
            st.tuples(st.sampled_from("abcx"), st.sampled_from(["mql", "sql", "customer", "lost"]), st.integers(0, 70)),
            max_size=8,
        )
    )
    messy = dataset(lead_stages=[stage("a", "mql", 1), *(stage(*row) for row in rows)])
    try:
        once, _ = validate(messy, FUNNEL)
    except DataError as error:
        assert "All 3 leads" in str(error)  # noqa: PT017  the one way in which this mess is fatal
        return
    twice, again = validate(once, FUNNEL)
    pd.testing.assert_frame_equal(once.lead_stages, twice.lead_stages)
    assert not [note for note in again.notes if note.done == "dropped"]
