"""Interactions are dealt out so that nothing is lost or counted twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.dataset.moments import EARLIEST
from features.dataset.tables import INTERACTIONS
from features.partitions import reading
from features.partitions.pieces import WAITING, PieceWriter, piece_of, read_pieces
from features.partitions.segments import unify_tables
from features.partitions.sorted_rows import SMALL_DICTIONARY
from tests.features.partitions.acts import table

ROW = st.tuples(st.sampled_from(["a", "b", "c", "d", "who", "é"]), st.integers(0, 3), st.booleans())


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(ROW, max_size=30), begins=st.sets(st.integers(1, 3)), at_once=st.sampled_from([1, 10**6]))
def test_each_row_is_dealt_out_once(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, bool]], begins: set[int], at_once: int
) -> None:
    """To the piece of its lead, or it waits: of nobody, or after the extraction. Ids come as text and as dictionaries."""
    folder = tmp_path_factory.mktemp("pieces")
    known, starts = ["a", "b", "é", "d"], np.array([0, *sorted(begins)])
    batches = [
        reading._conform_batch(
            pa.record_batch(
                {
                    "lead_id": pa.array([who]).dictionary_encode() if coded else pa.array([who]),
                    "type": [f"t{i}"],
                    "at": pa.array([at], pa.timestamp("us", "UTC")),
                }
            )
        )
        for i, (who, at, coded) in enumerate(rows)
    ]
    dealer = PieceWriter(pa.array(known), np.array([1] * len(known)), starts, folder, 2)
    dealer.deal(batches, at_once)
    wanted: dict[int, list[str]] = {}
    for i, (who, at, _) in enumerate(rows):
        piece = int(np.searchsorted(starts, known.index(who), "right")) - 1 if who in known and at <= 2 else WAITING
        wanted.setdefault(piece, []).append(f"t{i}")
    files = sorted(folder.iterdir())
    assert {piece_of(f): sorted(unify_tables(read_pieces([f]))["type"].to_pylist()) for f in files} == {
        n: sorted(found) for n, found in wanted.items()
    }
    usable = [who for who, at, _ in rows if at <= 2]
    assert dealer.rows.tolist() == [usable.count(who) for who in known]
    unknown = dict(zip(*dealer.unknown.to_pydict().values(), strict=True))
    assert unknown == {who: usable.count(who) for who in usable if who not in known}
    assert dealer.late_rows == len(rows) - len(usable)
    assert dealer.latest == (3 if dealer.late_rows else None)
    early = [at for who, at, _ in rows if who in known and at < 1]
    assert (dealer.early_rows, dealer.earliest) == (len(early), min(early, default=None))


def test_where_nobody_is_known_everything_waits(tmp_path: Path) -> None:
    """As of a day that brings interactions of leads who come later."""
    dealer = PieceWriter(pa.array([], pa.string()), np.array([], np.int64), np.array([], np.int64), tmp_path, 2**62)
    dealer.deal([reading._conform_batch(batch) for batch in table().to_batches()], 10**6)
    assert [piece_of(file) for file in tmp_path.iterdir()] == [WAITING]
    assert dealer.unknown.sort_by("lead_id").to_pydict() == {"lead_id": ["a", "b", "c"], "rows": [2, 1, 1]}


def test_what_is_dealt_out_comes_back_whatever_came_with_it(tmp_path: Path) -> None:
    """Each time that rows are added, what is said has dictionaries of its own, or is text where it is much."""
    parts = []
    for text in (["a", "b", None], [f"page {i}" for i in range(2 * SMALL_DICTIONARY)]):
        n = len(text)
        batch = pa.record_batch(
            {
                "lead_id": pa.array(["x", "nobody"] * n)[:n],
                "at": pa.array(EARLIEST + np.arange(n), pa.timestamp("us", "UTC")),
                "value": pa.array([None, 2.5] * n, pa.float64())[:n],
                **{name: pa.array(text, pa.string()) for name in ("content", "campaign", "direction")},
                "type": pa.array(["visit"] * n),
            }
        )
        parts.append(reading._conform_batch(batch))
    PieceWriter(pa.array(["y", "x"]), np.array([0, 0]), np.array([0, 1]), tmp_path, 2**62).deal(parts, 1)
    files = sorted(tmp_path.iterdir())
    assert [piece_of(file) for file in files] == [WAITING, 1]
    names = [name for name in INTERACTIONS.names if name != "lead_id"]
    found = [row for file in files for row in unify_tables(read_pieces([file])).select(names).to_pylist()]
    wanted = [row for part in parts for row in part.select(names).to_pylist()]
    key = str
    assert sorted(found, key=key) == sorted(wanted, key=key)
    assert set(unify_tables(read_pieces(files[:1]))["lead_id"].to_pylist()) == {"nobody"}
