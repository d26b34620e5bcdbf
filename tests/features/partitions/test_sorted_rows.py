"""Sorting in memory gives what DuckDB gives, row by row, however many things a lead did at the same moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.partitions.external_sort import ROW_ORDER, TALLIED, tally_of
from features.partitions.segments import unify_tables
from features.partitions.sorted_rows import SMALL_DICTIONARY, TEXT_COLUMNS, SortedRows, Texts

LEADS = pa.array(["L10", "L2", "L9", "nobody did", "é"])


SCHEMA = pa.schema(
    [
        ("position", pa.int64()), ("at", pa.timestamp("us", "UTC")), ("type", pa.string()), ("direction", pa.string()),
        ("content", pa.string()), ("campaign", pa.string()), ("value", pa.float64()),
    ]
)  # fmt: skip


ROW = st.fixed_dictionaries(
    {
        "position": st.sampled_from([7, 8, 9, 11]),
        "at": st.integers(0, 3),
        "type": st.sampled_from(["visit", "mail", "Visit", "é"]),
        "direction": st.sampled_from(["in", "out", "sideways", None]),
        "content": st.sampled_from([None, "a", "B", "ü", ""]),
        "campaign": st.sampled_from([None, "spring"]),
        "value": st.sampled_from([None, 0.5, -3.0, float("nan"), float("inf")]),
    }
)


def by_duckdb(rows: pa.Table) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        connection.register("leads", pa.table({"lead_id": LEADS, "position": pa.array(np.arange(7, 12))}))
        way = "CASE WHEN direction IN ('in', 'out') THEN direction END AS direction"
        return connection.sql(
            f"""SELECT lead_id, type, epoch_us("at"), value::VARCHAR, content, campaign, {way}
                FROM rows JOIN leads USING (position) ORDER BY position, {ROW_ORDER}"""  # noqa: S608
        ).fetchall()


def table_of(ordered: SortedRows) -> pa.Table:
    schema, batches = ordered.batches(slice(0, len(ordered.moments)))
    return pa.Table.from_batches(list(batches), schema)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=40))
def test_the_order_is_that_of_duckdb_and_so_is_the_tally(drawn: list[dict[str, Any]]) -> None:
    """Of rows that are equal one is left, but those of a day without a time stay."""
    keys = [
        (*(row[c] if row[c] != "sideways" else None for c in SCHEMA.names if c != "value"), str(row["value"])) for row in drawn
    ]
    repeats = [key in keys[:i] for i, key in enumerate(keys)]
    same_day = sum(repeat and row["at"] == 0 for repeat, row in zip(repeats, drawn, strict=True))
    remaining = [row for repeat, row in zip(repeats, drawn, strict=True) if not repeat or row["at"] == 0]
    ordered = SortedRows.from_table(pa.Table.from_pylist(drawn, SCHEMA), LEADS, 7)
    rows = pa.Table.from_pylist(remaining, SCHEMA)
    everything = slice(0, len(rows))
    with duckdb.connect() as connection:
        found = connection.from_arrow(table_of(ordered))
        columns = 'lead_id, type, epoch_us("at"), value::VARCHAR, content, campaign, direction'
        assert found.project(columns).fetchall() == by_duckdb(rows)
        connection.register("rows", rows)
        tallied = f"SELECT {TALLIED} FROM rows GROUP BY type, direction"  # noqa: S608
        wanted = replace(tally_of(connection.sql(tallied).fetchall()), repeated=len(drawn) - len(rows), same_day=same_day)
    assert ordered.tally(everything) == wanted


@pytest.mark.parametrize(("pages", "coded"), [(SMALL_DICTIONARY, True), (SMALL_DICTIONARY + 1, False)])
def test_what_few_rows_say_is_a_dictionary_only_where_it_is_short(pages: int, coded: bool) -> None:
    n = 300
    rows = pa.table(
        {
            "position": np.arange(n) // 100,
            "at": pa.array(np.arange(n), pa.timestamp("us", "UTC")),
            "type": ["visit"] * n,
            "direction": pa.nulls(n, pa.string()),
            "content": [f"page {i % pages}" for i in range(n)],
            "campaign": pa.nulls(n, pa.string()),
            "value": pa.nulls(n, pa.float64()),
        }
    )
    table = table_of(SortedRows.from_table(rows, pa.array(["a", "b", "c", "d"])))
    assert pa.types.is_dictionary(table.schema.field("content").type) is coded
    assert table["content"].to_pylist() == rows["content"].to_pylist()
    assert table["lead_id"].chunk(0).dictionary.to_pylist() == ["a", "b", "c"]  # not who did nothing
    assert table.schema.field("type").type == pa.dictionary(pa.int8(), pa.string())


def test_text_may_come_in_chunks_with_dictionaries_of_their_own() -> None:
    says = {name: pa.nulls(2, pa.string()) for name in TEXT_COLUMNS}
    plain = {"position": pa.array([0, 0], pa.int32()), "at": pa.array([0, 1], pa.timestamp("us", "UTC")), "value": [1.0, None]}
    parts = [pa.table({**says, **plain, "type": kinds}) for kinds in (["visit", "mail"], ["form", "visit"])]
    parts[1] = parts[1].set_column(0, "type", parts[1]["type"].dictionary_encode())
    assert SortedRows.from_table(unify_tables(parts), pa.array(["x"])).tally(slice(0, 4)).types == {
        "form": 1,
        "mail": 1,
        "visit": 2,
    }
    assert Texts.from_column(pa.chunked_array([], pa.string())).code.tolist() == []
