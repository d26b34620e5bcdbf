"""Sorting in memory gives what DuckDB gives, row by row, however many things a lead did at the same moment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.buckets.cut import TALLIED, WITHIN, tally_of
from features.buckets.order import MANY, Ordered, Texts, read_rows
from features.buckets.partition import partition
from features.buckets.place import Place
from features.buckets.raw import Raw
from features.buckets.whole import read_segments
from features.buckets.work import Inline
from tests.features.buckets.worlds import FUNNEL, SMALL, world

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
                FROM rows JOIN leads USING (position) ORDER BY position, {WITHIN}"""  # noqa: S608
        ).fetchall()


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=40))
def test_the_order_is_that_of_duckdb_and_so_is_the_tally(drawn: list[dict[str, Any]]) -> None:
    rows = pa.Table.from_pylist(drawn, SCHEMA)
    ordered = Ordered.of(rows, LEADS, 7)
    everything = slice(0, len(rows))
    with duckdb.connect() as connection:
        found = connection.from_arrow(pq.read_table(pa.BufferReader(ordered.parquet(everything))))
        columns = 'lead_id, type, epoch_us("at"), value::VARCHAR, content, campaign, direction'
        assert found.project(columns).fetchall() == by_duckdb(rows)
        connection.register("rows", rows)
        tallied = f"SELECT {TALLIED} FROM rows GROUP BY type, direction"  # noqa: S608
        wanted = tally_of(connection.sql(tallied).fetchall())
    assert ordered.tally(everything) == wanted


def test_row_groups_hold_their_own_leads_and_long_dictionaries_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.buckets.order.GROUP", 100)
    n = MANY + 44
    rows = pa.table(
        {
            "position": np.arange(n) // 100,
            "at": pa.array(np.arange(n), pa.timestamp("us", "UTC")),
            "type": ["visit"] * n,
            "direction": pa.nulls(n, pa.string()),
            "content": [f"page {i}" for i in range(n)],
            "campaign": pa.nulls(n, pa.string()),
            "value": pa.nulls(n, pa.float64()),
        }
    )
    content = Ordered.of(rows, pa.array(["a", "b", "c"])).parquet(slice(0, n))
    file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=["lead_id", "content"])
    groups = [file.read_row_group(i) for i in range(file.num_row_groups)]
    dictionary = [{c: g[c].combine_chunks().dictionary.to_pylist() for c in ("lead_id", "content")} for g in groups]
    assert [d["lead_id"] for d in dictionary] == [["a"], ["b"], ["c"]]
    assert dictionary[1]["content"] == [f"page {i}" for i in range(100, 200)]


def test_text_may_come_in_chunks_with_dictionaries_of_their_own(tmp_path: Path) -> None:
    for name, kinds in (("a", ["visit", "mail"]), ("b", ["form", "visit"])):
        rows = [
            {"position": 0, "at": i, "type": k, "direction": None, "content": None, "campaign": None, "value": 1.0}
            for i, k in enumerate(kinds)
        ]
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), tmp_path / f"{name}.parquet")
    rows = read_rows([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    assert Ordered.of(rows, pa.array(["x"])).tally(slice(0, 4)).types == {"form": 1, "mail": 1, "visit": 2}
    assert Texts.of(pa.chunked_array([], pa.string())).code.tolist() == []


@pytest.mark.parametrize("seed", [2, 5])
def test_a_bucket_too_large_for_memory_is_sorted_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    dataset = world(seed)
    dates = dataset.interactions["at"].dt.floor("D")  # whole days: many things at the same moment
    raw = Raw.of_folder(replace(dataset, interactions=dataset.interactions.assign(at=dates)).write(tmp_path / "set"))
    found = []
    for name, per_row in (("memory", 200), ("beyond", 2**30)):
        monkeypatch.setattr("features.buckets.order.PER_ROW", per_row)
        place = Place.of(tmp_path / name)
        found.append((place, partition(place, raw, FUNNEL, Inline(SMALL))))
    (here, one), (there, other) = found
    assert [s.tally for b in one.buckets for s in b.segments] == [s.tally for b in other.buckets for s in b.segments]
    for mine, theirs in zip(one.buckets, other.buckets, strict=True):
        pd.testing.assert_frame_equal(
            read_segments(here, mine.segments).astype("str"), read_segments(there, theirs.segments).astype("str")
        )
