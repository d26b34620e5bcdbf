"""What a day changes in the tables with a row a lead. Only the accounts it touches are validated and written anew.

An account is touched where a row of one of its leads or of its company is new, changed, or no longer in the future. All rows of
those leads and companies are validated as they were and as they are. The difference goes into the tables, which are copied
without looking at other rows, and into the report, whose counts add up over accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.common.codes import positions
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset, from_arrow, to_arrow
from features.dataset.funnel import Funnel
from features.dataset.tables import TABLES
from features.dataset.validate import ABSENT, HOLLOW, absent_companies, contrast, note_hollow, validate_part
from features.engine.histories import account_order
from features.partitions.lead_tables import (
    OF_BUCKET,
    Accounts,
    Cut,
    among,
    plain,
    put,
    split,
    store_arrow,
)  # fmt: skip
from features.partitions.manifest import Bucket, Manifest
from features.partitions.storage import Place, arrow_bytes

TIMES = {
    "leads": ("created_at",),
    "lead_stages": ("at",),
    "deals": ("created_at", "closed_at"),
    "attribute_changes": ("at",),
}  # rows of the future are left out until they are of the past
WITH_COMPANY = ("leads", "deals", "companies")


@dataclass(frozen=True)
class Touched:
    """Which rows a day touches: those of `leads` and of `companies` (ids), and these `deals`."""

    leads: pa.Array
    companies: pa.Array
    deals: pa.Array

    def rows(self, name: str, table: pa.Table) -> pa.ChunkedArray:
        """Which rows (n,) of a table are touched."""
        of = {
            "leads": {"lead_id": self.leads},
            "companies": {"company_id": self.companies},
            "lead_stages": {"lead_id": self.leads},
            "deals": {"lead_id": self.leads, "company_id": self.companies, "deal_id": self.deals},
        }
        if name == "attribute_changes":
            return pc.or_(among(table["id"], self.leads), among(table["id"], self.companies))
        found = [among(table[column], ids) for column, ids in of[name].items()]
        return found[0] if len(found) == 1 else pc.or_(pc.or_(found[0], found[1]), found[2])


class Ids:
    """Ids that are gathered, each once."""

    def __init__(self) -> None:
        self._parts: list[pa.Array] = []

    def add(self, values: pa.ChunkedArray) -> None:
        self._parts.append(values.cast(pa.large_string()).combine_chunks())

    @property
    def all(self) -> pa.Array:
        return pc.unique(pc.drop_null(pa.concat_arrays([pa.array([], pa.large_string()), *self._parts])))


def touched(kept: Mapping[str, pa.Table], old: Manifest, new: Dataset) -> Touched:
    """What `new` touches in the tables as they came, beside rows that lay in the future of the old extraction."""
    since = pa.scalar(pd.Timestamp(old.extracted_at).to_pydatetime(), pa.timestamp("us", tz="UTC"))
    leads, companies, deals = Ids(), Ids(), Ids()
    for name, table in kept.items():
        late = pa.array(np.zeros(len(table), bool))
        for column in TIMES.get(name, ()):
            late = pc.or_(late, pc.fill_null(pc.greater(table[column], since), False))
        if name == "deals":  # a deal that is told again may have been another lead's
            deals.add(to_arrow(new.deals)["deal_id"])
            late = pc.or_(late, among(table["deal_id"], deals.all))
        for rows in (to_arrow(plain(new.tables[name])), table.filter(late)):
            _gather(rows, leads, companies)
    known = kept["leads"]
    companies.add(known.filter(among(known["lead_id"], leads.all))["company_id"])
    leads.add(known.filter(among(known["company_id"], companies.all))["lead_id"])
    return Touched(leads.all, companies.all, deals.all)


def _gather(rows: pa.Table, leads: Ids, companies: Ids) -> None:
    for name, ids in (("lead_id", leads), ("company_id", companies)):
        if name in rows.column_names:
            ids.add(rows[name])
    if "entity" in rows.column_names:
        of_lead = pc.equal(rows["entity"], "lead")
        leads.add(rows.filter(of_lead)["id"])
        companies.add(rows.filter(pc.invert(of_lead))["id"])


def merged(old: Dataset, new: Dataset) -> Dataset:
    """All tables but interactions, an upsert: rows of `new` in place of those with the same key, else below."""
    tables: dict[str, Any] = {}
    for name, table in TABLES.items():
        mine, other = plain(old.tables[name]), plain(new.tables[name])
        if name == "interactions" or not len(other):
            tables[name] = mine
            continue
        if table.key and len(mine):
            other = other.drop_duplicates(table.key, keep="last")
            changed = pd.Index(other[table.key]).get_indexer(pd.Index(mine[table.key]))
            columns = list(dict.fromkeys([*mine.columns, *other.columns]))
            wide, more = mine.reindex(columns=columns), other.reindex(columns=columns)
            both = pd.concat([wide, more], ignore_index=True)
            place = np.where(changed >= 0, len(mine) + changed, np.arange(len(mine)))
            fresh = len(mine) + np.flatnonzero(~np.isin(np.arange(len(other)), changed))
            tables[name] = both.iloc[np.append(place, fresh)].reset_index(drop=True)
        else:
            tables[name] = pd.concat([mine, other], ignore_index=True)
    return Dataset.from_tables(tables, extracted_at=new.extracted_at, source=old.source, time=old.time)


@dataclass(frozen=True)
class Day:
    """What a day changes: the touched rows, cleaned, as they were (`before`) and as they are (`after`), and the tables that
    hold everything from now on: `raw` and `whole` (files by table) and the `report`. `leads`: lead_id, company_id and
    created_at of everybody."""

    place: Place
    old: Manifest
    which: Touched
    before: Dataset
    after: Dataset
    raw: dict[str, str]
    whole: dict[str, str]
    leads: pa.Table
    report: DataReport

    @classmethod
    def of(cls, place: Place, old: Manifest, new: Dataset, funnel: Funnel) -> Day:
        """Validate what is touched, and write the tables as they are from now on.

        Raises
        ------
        DataError
            for what `features.dataset.validate` refuses.
        """
        kept = {name: place.read_arrow(file) for name, file in old.raw.items()}
        which = touched(kept, old, new)
        masks = {name: which.rows(name, table) for name, table in kept.items()}
        mine = Dataset.from_tables(
            {name: from_arrow(kept[name].filter(masks[name])) for name in kept},
            extracted_at=pd.Timestamp(old.extracted_at), source=old.source, time=old.time,
        )  # fmt: skip
        both = merged(mine, new)
        before, was = validate_part(mine, funnel)
        after, now = validate_part(both, funnel)
        raw, whole, contents = dict(old.raw), dict(old.whole), {}
        for name, mask in masks.items():
            if len(new.tables[name]):
                kept[name] = replaced(kept[name], mask, to_arrow(plain(both.tables[name])))
                contents[name] = arrow_bytes(kept[name], "lz4")
                raw[name] = put(place, f"raw/{name}", contents[name])
        hollow = {name: _hollow(name, kept[name]) for name in ("leads", "companies")}
        for name in kept:
            if same(before.tables[name], after.tables[name]):
                continue
            clean = raw_is_clean(old, name) and not hollow.get(name) and same(both.tables[name], after.tables[name])
            if clean and name in contents:  # cleaning left the table as it came, and still does
                whole[name] = put(place, f"clean/{name}", contents[name])
            else:
                table = place.read_arrow(old.whole[name])
                table = replaced(table, which.rows(name, table), to_arrow(plain(after.tables[name])))
                whole[name] = store_arrow(place, f"clean/{name}", table.drop_columns(_only(hollow.get(name, []), table)))
        leads = place.read_arrow(whole["leads"], columns=["lead_id", "company_id", "created_at"])
        report = _reported(place, old, whole, leads, hollow, (was, now))
        contrast(report.stages, report.rows["leads"], funnel)
        return cls(place, old, which, before, after, raw, whole, leads, report)

    @cached_property
    def places(self) -> tuple[Cut, Cut]:
        """In which bucket touched leads were and are."""
        was, now = (Accounts.of(d.leads).placed(self.old.borders) for d in (self.before, self.after))
        return was, now

    @property
    def moved(self) -> set[int]:
        """Buckets that leads have left; their interactions have to be cut again."""
        was, now = self.places
        bucket = np.append(now.bucket, -1)[positions(was.lead_id, now.lead_id)]
        return set(was.bucket[bucket != was.bucket].tolist())

    def where(self, wanted: pa.Array, again: set[int]) -> Cut:
        """In which bucket leads are: of those that are wanted and known, and, with `again`, of all in these buckets."""
        leads = self.leads if again else self.leads.filter(among(self.leads["lead_id"], wanted))
        return Accounts.of(from_arrow(leads)).placed(self.old.borders)

    def buckets(self) -> list[Bucket]:
        """All buckets with their tables as they are from now on; their interactions are as before."""
        changed = [name for name in OF_BUCKET if not same(self.before.tables[name], self.after.tables[name])]
        if "leads" in changed:  # a lead that moves takes everything with it
            changed = list(OF_BUCKET)
        if not changed:
            return list(self.old.buckets)
        before, after = (split(d, cut, changed) for d, cut in zip((self.before, self.after), self.places, strict=True))
        gone = pa.concat_arrays([pc.unique(t["account"]).cast(pa.string()) for _, t in (*before, *after)])
        was, now = self.places
        touched_of = by_bucket(was)
        found = []
        for bucket in self.old.buckets:
            n = bucket.number
            which = replace(self.which, leads=touched_of.get(n, self.which.leads[:0]))
            (parts, accounts), (others, digests) = before[n], after[n]
            tables, leads = dict(bucket.tables), bucket.leads + int((now.bucket == n).sum()) - int((was.bucket == n).sum())
            for name in changed:
                if not parts[name].equals(others[name]):
                    table = self.place.read_arrow(bucket.tables[name])
                    table = replaced(table, which.rows(name, table), others[name])
                    if name == "leads":
                        table = table.take(pa.array(account_order(from_arrow(table.select(["lead_id", "company_id"])))[0]))
                    tables[name] = store_arrow(self.place, f"{n:05d}/{name}", table)
            file = bucket.accounts
            if not accounts.equals(digests):
                table = self.place.read_arrow(bucket.accounts)
                rest = replaced(table, among(table["account"], gone), digests)
                file = store_arrow(self.place, f"{n:05d}/accounts", rest.sort_by("account"))
            found.append(replace(bucket, leads=leads, tables=tables, accounts=file))
        return found


def by_bucket(cut: Cut) -> dict[int, pa.Array]:
    """The leads in each bucket that has any."""
    starts = np.flatnonzero(np.diff(cut.bucket, prepend=-1)).tolist()
    return {int(cut.bucket[b]): cut.lead_id[b:e] for b, e in pairwise([*starts, len(cut.bucket)])}


def raw_is_clean(manifest: Manifest, name: str) -> bool:
    """Has cleaning left a table as it came? Names tell the content."""
    return manifest.raw[name].partition("/")[2] == manifest.whole[name].partition("/")[2]


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Do both hold the same rows in the same order?"""
    if len(one) != len(other) or not len(one):
        return len(one) == len(other)
    return plain(one).reset_index(drop=True).equals(plain(other).reset_index(drop=True))


def replaced(table: pa.Table, gone: pa.ChunkedArray, by: pa.Table) -> pa.Table:
    """The table without some of its rows, and other rows below."""
    rest = table.filter(pc.invert(pc.fill_null(gone, False)))
    return pa.concat_tables([rest, by], promote_options="permissive")


def _only(columns: list[str], table: pa.Table) -> list[str]:
    return [name for name in columns if name in table.column_names]


def _hollow(name: str, table: pa.Table) -> list[str]:
    """Custom columns without any value."""
    if not len(table):
        return []
    return [c for c in table.column_names if c not in TABLES[name].names and table[c].null_count == len(table)]


def _reported(
    place: Place,
    old: Manifest,
    whole: dict[str, str],
    leads: pa.Table,
    hollow: dict[str, list[str]],
    found: tuple[DataReport, DataReport],
) -> DataReport:
    """The report of everything; of interactions it says nothing yet."""
    said = DataReport.from_dict(old.report)
    as_before = all(whole[name] == old.whole[name] for name in WITH_COMPANY)
    again = (HOLLOW,) if as_before else (HOLLOW, ABSENT)
    notes = [n for n in said.notes if n.table != "interactions" and not n.what.endswith(again)]
    report = replace(said, notes=notes).changed(*found)
    for name in ("leads", "companies"):
        note_hollow(name, hollow[name], report)
    if not as_before:
        tables = {"leads": leads} | {n: place.read_arrow(whole[n], columns=["company_id"]) for n in ("deals", "companies")}
        ids = {name: from_arrow(table.select(["company_id"]))["company_id"] for name, table in tables.items()}
        for name in ("leads", "deals"):
            absent_companies(name, ids[name], ids["companies"], report)
    stages = place.read_arrow(whole["lead_stages"], columns=["at"])
    ends = [pc.min_max(column).as_py() for column in (leads["created_at"], stages["at"]) if len(column)]
    first, last = min(e["min"] for e in ends), max(e["max"] for e in ends)
    report.period = (pd.Timestamp(first).isoformat(), pd.Timestamp(last).isoformat())
    return report
