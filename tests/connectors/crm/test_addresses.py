"""Whose an address is at a moment: former ones, further ones, two people with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.crm.addresses import address_columns, address_row, further_rows
from connectors.crm.compile import compile_dataset
from connectors.crm.landing import Landing
from connectors.crm.rows import alias_row
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from tests.connectors.crm.compiled import AT, DAY, SHAPE
from tests.connectors.crm.crms import Site

Address = tuple[str, str | None, int | None]


def owners(
    home: Path,
    people: Mapping[str, tuple[str | None, int]],
    acts: Sequence[tuple[str, int]],
    addresses: Sequence[Address] = (),
    merges: Sequence[tuple[str, str]] = (),
    gone: Sequence[str] = (),
) -> tuple[list[str], DataReport]:
    """Whose the acts are, "" for nobody's. People: their address today and the day of their creation; acts: an address and a
    day; addresses: of whom, which, and since which day (none: a further one)."""
    rows: dict[str, list[dict[str, Any]]] = {
        "people": [
            {"_id": name, "_created_at": _day(created), "_email_key": key, "_gone_at": _day(90) if name in gone else None}
            for name, (key, created) in people.items()
        ],
        "addresses": [address_row(name, key, None if day is None else _day(day)) for name, key, day in addresses],
        "aliases": [alias_row("lead", old, into, _day(50)) for old, into in merges],
        "activities": [
            {"_id": str(n), "email_key": key, "type": "call", "at": _day(day), "content": str(n)}
            for n, (key, day) in enumerate(acts)
        ],
    }
    for number, row in enumerate(row for table in rows.values() for row in table):
        row["_seq"] = number
    landing = Landing(home, "hubspot")
    landing.write(rows, {})
    report = compile_dataset(landing, SHAPE, home / "dataset", _day(100))
    frame = Dataset.read(home / "dataset").interactions
    owner = dict(zip(frame["content"].astype(int), frame["lead_id"].astype(str), strict=True))
    return [owner.get(n, "") for n in range(len(acts))], report


def _day(number: int) -> datetime:
    return AT + number * DAY


SHARED = "leads that share an e-mail address"


def test_a_former_address_and_a_further_one_are_names_of_the_same_person(tmp_path: Path) -> None:
    acts = [("old", 1), ("old", 30), ("new", 1), ("new", 30), ("second", 5), ("unknown", 5)]
    addresses: list[Address] = [("a", "old", 0), ("a", "new", 20), ("a", "second", None)]
    found, report = owners(tmp_path, {"a": ("new", 0)}, acts, addresses)
    assert found == ["a", "a", "a", "a", "a", ""]
    assert SHARED not in [note.what for note in report.notes]


@pytest.mark.parametrize(
    ("people", "addresses", "expected"),
    [
        # handed on: each has what came while it was its own, and nobody is robbed of what was before or between
        ({"a": ("x", 0), "b": ("k", 0)}, [("a", "k", 0), ("a", "x", 20), ("b", "y", 0), ("b", "k", 40)], "aaabb"),
        ({"b": ("k", 0), "a": ("x", 0)}, [("a", "k", 0), ("a", None, 20), ("b", "y", 0), ("b", "k", 40)], "aaabb"),
        # both at once: who had it first
        ({"a": ("k", 0), "b": ("k", 35)}, [], "aaaaa"),
        ({"b": ("k", 0), "a": ("k", 35)}, [], "bbbbb"),
        # a new contact of somebody else's further address, and the other way round
        ({"a": ("x", 0), "b": ("k", 35)}, [("a", "k", None)], "aaabb"),
    ],
)
def test_an_act_belongs_to_who_had_the_address_then(
    tmp_path: Path, people: Any, addresses: list[Address], expected: str
) -> None:
    """At days before, during, between and after."""
    acts = [("k", day) for day in (-5, 10, 30, 45, 90)]
    found, _ = owners(tmp_path, people, acts, addresses)
    assert "".join(found) == expected


def test_two_people_with_one_address_are_named(tmp_path: Path) -> None:
    people = {"a": ("k", 0), "b": ("k", 5), "c": ("other", 5), "d": (None, 1), "e": (None, 1)}
    _, report = owners(tmp_path, people, [("k", 1)])
    note = next(note for note in report.notes if note.what == SHARED)
    assert (note.count, note.example) == (2, "a and b")


def test_addresses_of_the_merged_are_the_winners_and_those_of_the_deleted_nobodys(tmp_path: Path) -> None:
    """Also where the loser was never read, and where the deleted one's address is another's now."""
    people = {"a": ("k", 0), "b": ("l", 0), "d": ("m", 0), "e": ("m", 60)}
    acts = [("k", 1), ("l", 1), ("o", 1), ("m", 70), ("n", 1)]
    addresses: list[Address] = [("b", "o", 0), ("b", "l", 5), ("unread", "n", None)]
    found, report = owners(tmp_path, people, acts, addresses, [("b", "a"), ("unread", "a")], gone=["b", "d"])
    assert found == ["a", "a", "a", "e", "a"]
    assert SHARED not in [note.what for note in report.notes]


def readdress(here: Site, lead: str, address: str) -> None:
    """Somebody writes another address on a lead."""
    if here.crm.kind == "hubspot":
        here.fake.touch("contacts", lead, {"email": address})
    elif here.crm.kind == "salesforce":
        here.fake.touch("Lead", lead, {"Email": address})
    elif here.crm.kind == "marketo":
        here.fake.touch(int(lead), {"email": address})
    else:
        before = here.fake.records["persons"][int(lead)]["emails"]
        here.fake.touch("persons", int(lead), {"emails": [{"value": address, "primary": True}, *before]})


def test_leads_that_come_to_share_an_address_are_named(here: Site) -> None:
    """In each CRM; nobody has another act than before, and no address is landed."""
    here.first()
    before = sorted(here.dataset.interactions["lead_id"].astype(str))
    first, second = here.people[:2]
    for lead in (first, second):
        readdress(here, lead, "Both@Shared.example")
    notes = [note for note in here.run().report.notes if note.what == SHARED]
    assert [(note.count, note.example) for note in notes] == [(2, f"{first} and {second}")]
    assert sorted(here.dataset.interactions["lead_id"].astype(str)) == before
    rows = {str(row["person"]) for row in here.landed("addresses")}
    assert {first, second} <= rows  # their former addresses too
    assert "shared.example" not in str(here.landed("addresses")).casefold()


def test_what_a_row_says_of_addresses() -> None:
    """In whatever spelling; what is no address is none."""
    row = address_columns(["A@x.com ", "a@X.com", "", None, "none"], b"s")
    assert (row["_email_domain"], row["_further_keys"]) == ("x.com", None)
    keys = [address_columns([address], b"s")["_email_key"] for address in ("b@x.com", "c@x.com")]
    person = {"_id": "1", **address_columns([None, "B@x.com", "b@x.com", "c@x.com"], b"s")}
    assert {(o["person"], o["email_key"], o["at"]) for o in further_rows([person])} == {("1", key, None) for key in keys}
    assert further_rows([{"_id": "2"}, {"_id": "3", **address_columns([], b"s")}]) == []
