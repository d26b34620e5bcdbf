"""Interactions that the database puts together are the very rows: values to the last bit, order, repeats, what was known."""

from __future__ import annotations

from typing import Any

import pytest

from features.common.clock import DAY, NO_MOMENT
from serving.store.interaction_reads import read_interactions
from serving.store.interactions import Batch, InteractionEvent, ingest
from serving.store.store import Store

NOON = 20_000 * DAY + DAY // 2
ODD_VALUES = (
    None,
    0.0,
    127.0,
    0.1 + 0.2,
    1 / 3,
    1e-300,
    123456789.123456789,
    5e-324,
    1.7976931348623157e308,
    2**53 + 1.0,
)
ODD_TEXTS = (None, "", " ", "a\"b\\c'd", "Ü→𝄞", "line\nbreak\x1f", "[1, null]", "x" * 500)


def stored(store: Store, events: list[InteractionEvent], received_at: int = 5) -> None:
    store.write(lambda connection: ingest(connection, [Batch(events, received_at)], store.erased))


def rows(store: Store, lead_id: str = "L-1", as_of: int = 2**60, known_at: int = NO_MOMENT) -> list[tuple[Any, ...]]:
    with store.read() as connection:
        acts = read_interactions(connection, [lead_id, "nobody"], as_of, known_at).get(lead_id)
    return [(act.type, act.time, act.direction, act.value, act.content) for act in acts or ()]


def test_values_and_texts_are_the_very_ones(store: Store) -> None:
    events = [
        InteractionEvent(f"e{n:03}", "L-1", text or "call", NOON + n, value, text, text, ("in", "out", None)[n % 3])
        for n, (value, text) in enumerate((value, text) for value in ODD_VALUES for text in ODD_TEXTS)
    ]
    stored(store, events)
    told = rows(store)
    assert told == [(e.type, e.at, e.direction, e.value, e.content) for e in events]
    assert {type(row[3]) for row in told} == {float, type(None)}


@pytest.mark.parametrize("value", [1.0, 0.1 + 0.2])
def test_equal_moments_stand_in_the_order_of_their_ids_and_repeats_count_once(store: Store, value: float) -> None:
    """Whichever way a lead is read: a value of many digits has it read row by row."""

    def happened(name: str, at: int, kind: str) -> InteractionEvent:
        return InteractionEvent(name, "L-1", kind, at, value)

    midnight = 20_001 * DAY
    stored(
        store, [happened("b", NOON, "b"), happened("a", NOON, "a"), happened("Z", NOON, "z"), happened("late", NOON + 9, "x")]
    )
    stored(store, [happened("c", NOON, "a"), happened("early", NOON - 9, "x"), happened("d", midnight, "day")])
    stored(store, [happened("e", midnight, "day")])
    kinds = [(row[0], row[1]) for row in rows(store)]
    assert kinds == [
        ("x", NOON - 9), ("z", NOON), ("a", NOON), ("b", NOON), ("x", NOON + 9), ("day", midnight), ("day", midnight),
    ]  # fmt: skip


def test_only_what_lies_before_and_was_received_until_then_is_read(store: Store) -> None:
    stored(store, [InteractionEvent("1", "L-1", "a", 100), InteractionEvent("2", "L-1", "b", 200)], received_at=300)
    stored(store, [InteractionEvent("3", "L-1", "c", 150)], received_at=400)
    assert [row[0] for row in rows(store)] == ["a", "c", "b"]
    assert [row[0] for row in rows(store, as_of=200)] == ["a", "c"]
    assert [row[0] for row in rows(store, known_at=399)] == ["a", "b"]
    assert rows(store, as_of=100) == []
