"""Mail scanners: literal histories, the known bots of the simulator, and a naive twin that looks back row by row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.engine.histories import Histories
from features.engine.index import HistoryIndex
from features.engine.plan import Plan
from features.engine.request import Interaction, RequestLead, request_rows
from features.engine.scanners import (
    BURST,
    BURST_WITHIN,
    CLICKED_WITHIN,
    OPENED_WITHIN,
    SECOND,
    drop_rows,
    mail_role,
    mail_roles,
    scanner_mask,
)
from features.feature import InteractionFilter
from features.spec import Count

TYPES = ("email_sent", "email_opened", "email_clicked", "page_view")
ROLES = mail_roles(TYPES)
Row = tuple[str, float]


def index(*leads: list[Row]) -> HistoryIndex:
    """One lead per list of (type, seconds)."""
    rows = [(i, int(at * SECOND), TYPES.index(name)) for i, lead in enumerate(leads) for name, at in lead]
    lead, at, kind = (np.array([row[k] for row in rows], np.int64) for k in range(3))
    return HistoryIndex.build(len(leads), lead.astype(np.int32), at, (kind * 3).astype(np.int32))


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("email_sent", "sent"),
        ("Email Delivered", "sent"),
        ("Newsletter zugestellt", "sent"),
        ("Open Email", "opened"),
        ("E-Mail geöffnet", "opened"),
        ("EMAIL_CLICK", "clicked"),
        ("Newsletter-Klick", "clicked"),
        ("ad_clicked", ""),
        ("page_view", ""),
        ("email_bounced", ""),
    ],
)
def test_roles_are_told_by_the_words(name: str, role: str) -> None:
    assert mail_role(name) == role


@pytest.mark.parametrize(
    ("rows", "machine"),
    [
        ([("email_sent", 0), ("email_opened", 3), ("email_clicked", 4), ("email_clicked", 5)], [0, 1, 1, 1]),
        ([("email_sent", 0), ("email_opened", 3_600), ("email_clicked", 3_660)], [0, 0, 0]),
        ([("email_opened", 3), ("email_clicked", 9)], [0, 0]),
        ([("email_clicked", 0), ("email_clicked", 1), ("email_clicked", 2), ("email_clicked", 60)], [0, 0, 1, 0]),
        ([("email_sent", 0), ("page_view", 1)], [0, 0]),
    ],
    ids=["a scanner", "a person", "without mails sent", "every link at once", "visits are nobody's business"],
)
def test_one_history(rows: list[Row], machine: list[int]) -> None:
    assert scanner_mask(index(rows), ROLES).tolist() == [bool(m) for m in machine]


def test_the_order_of_one_moment_does_not_matter() -> None:
    """An open in the very moment of delivery is a machine's, in whichever order the rows came."""
    for rows in ([("email_opened", 0), ("email_sent", 0)], [("email_sent", 0), ("email_opened", 0)]):
        assert scanner_mask(index(rows), ROLES).sum() == 1


def test_another_leads_mail_means_nothing() -> None:
    assert not scanner_mask(index([("email_sent", 0)], [("email_opened", 1)], [], [("email_sent", 9)]), ROLES).any()


def test_without_roles_everything_stays() -> None:
    history = index([("email_sent", 0), ("email_opened", 1)])
    assert not scanner_mask(history, ()).any()
    assert not scanner_mask(history, ("", "", "", "")).any()


def test_dropping_keeps_the_leads_apart() -> None:
    history = index([("email_sent", 0), ("email_opened", 1)], [("page_view", 5)], [("email_opened", 7)])
    left = drop_rows(history, scanner_mask(history, ROLES))
    assert left.start.tolist() == [0, 1, 2, 3]
    assert (left.time // SECOND).tolist() == [0, 5, 7]


def naive(rows: list[Row]) -> list[bool]:
    """Row by row, looking back over all rows at or before it."""
    out = []
    for place, (name, at) in enumerate(rows):
        sent = [when for kind, when in rows if kind == "email_sent" and when <= at]
        since = (at - max(sent)) * SECOND if sent else np.inf
        earlier = [when for kind, when in rows[:place] if kind == "email_clicked" and (at - when) * SECOND <= BURST_WITHIN]
        machine = (name == "email_opened" and since < OPENED_WITHIN) or (name == "email_clicked" and since < CLICKED_WITHIN)
        out.append(machine or (name == "email_clicked" and len(earlier) >= BURST))
    return out


histories = st.lists(st.tuples(st.sampled_from(TYPES), st.integers(0, 60)), max_size=25, unique_by=lambda row: row[1]).map(
    lambda rows: sorted(rows, key=lambda row: row[1])
)


@given(st.lists(histories, min_size=1, max_size=4), st.integers(1, 3))
def test_it_agrees_with_the_naive_twin(leads: list[list[Row]], threads: int) -> None:
    history = index(*leads)
    found = scanner_mask(history, ROLES, threads)
    assert found.tolist() == [flag for rows in leads for flag in naive(rows)]
    left, wanted = drop_rows(history, found, threads), drop_rows(history, found)
    assert (left.start.tolist(), left.time.tolist()) == (wanted.start.tolist(), wanted.time.tolist())


@given(histories, st.integers(0, 60))
def test_what_comes_later_changes_nothing(rows: list[Row], cut: int) -> None:
    """Flags of the rows before a moment are the same whether or not later rows are known."""
    early = [row for row in rows if row[1] < cut]
    assert scanner_mask(index(rows), ROLES)[: len(early)].tolist() == scanner_mask(index(early), ROLES).tolist()


def test_a_request_leaves_out_the_same() -> None:
    acts = [Interaction("email_sent", 0), Interaction("email_opened", 2 * SECOND), Interaction("email_clicked", 600 * SECOND)]
    counts = [0, 0, 0]
    leads = [
        RequestLead("a", 0, 0, 0, company_id="c"),
        RequestLead("b", 0, 0, 0),
        RequestLead("d", 0, 0, 0, company_id="c", interactions=acts),
    ]
    seen = request_rows(Plan((Count(InteractionFilter("any")),), TYPES), (), leads, 900 * SECOND, mail=ROLES, ignored=counts)
    assert counts == [0, 0, 1]
    assert seen.tolist() == [[0, 0, 2]]


@pytest.mark.parametrize("seed", [7, 8])
def test_the_simulators_bots_are_found(seed: int) -> None:
    """Known truth: nearly all that its scanners did, and hardly anything that its people did."""
    simulation = simulate(SimulatorSettings(leads=1_500, days=400, seed=seed))
    precision, recall = measured(simulation.dataset.interactions, simulation.bots)
    assert precision >= 0.99
    assert recall >= 0.99


def measured(interactions: pd.DataFrame, bots: np.ndarray) -> tuple[float, float]:
    """Precision and recall over all rows."""
    codes = pd.factorize(interactions["lead_id"].astype("str"))[0].astype(np.int32)
    types = tuple(sorted(interactions["type"].astype("str").unique()))
    kind = pd.Index(types).get_indexer(interactions["type"].astype("str")).astype(np.int32) * 3
    at = interactions["at"].to_numpy("datetime64[us]").astype(np.int64)
    history = HistoryIndex.build(int(codes.max()) + 1, codes, at, kind, content=np.arange(len(at), dtype=np.int32))
    found = np.zeros(len(at), bool)
    found[history.content] = scanner_mask(history, mail_roles(types))
    both = (found & bots).sum()
    return float(both / max(found.sum(), 1)), float(both / max(bots.sum(), 1))


def test_histories_count_what_they_leave_out() -> None:
    dataset = simulate(SimulatorSettings(leads=300, days=300, seed=3)).dataset
    types = tuple(sorted(dataset.interactions["type"].astype("str").unique()))
    all_rows, people = Histories.from_dataset(dataset, types), Histories.from_dataset(dataset, types, mail_roles(types))
    assert people.scanner_rows > 0
    assert len(people.people.history) + people.scanner_rows == len(all_rows.people.history)
    beside = Histories.from_dataset(dataset, types, mail_roles(types), threads=2, background=True)
    assert beside.scanner_rows == people.scanner_rows
    for name in ("start", "time", "kind", "value", "content"):
        assert np.array_equal(getattr(beside.people.history, name), getattr(people.people.history, name))


def test_what_goes_wrong_beside_is_told_to_who_asks() -> None:
    dataset = simulate(SimulatorSettings(leads=20, days=60, seed=3)).dataset
    broken = replace(dataset, interactions=dataset.interactions.drop(columns="direction"))
    waiting = Histories.from_dataset(broken, (), background=True)
    with pytest.raises(KeyError, match="direction"):
        _ = waiting.people
