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

from features.common.clock import moment
from features.common.codes import positions
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset, from_arrow, to_arrow
from features.dataset.funnel import Funnel
from features.dataset.moments import extraction_sentence
from features.dataset.tables import TABLES
from features.dataset.validate import ABSENT, HOLLOW, absent_companies, contrast, note_hollow, validate_part
from features.engine.histories import account_order
from features.partitions.lead_tables import (
    OF_BUCKET,
    Accounts,
    BucketAssignment,
    categories_as_text,
    member_mask,
    split,
    store_arrow,
    store_content,
)  # fmt: skip
from features.partitions.manifest import Bucket, Manifest
from features.partitions.storage import Storage, arrow_bytes

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
        touched_ids = {
            "leads": {"lead_id": self.leads},
            "companies": {"company_id": self.companies},
            "lead_stages": {"lead_id": self.leads},
            "deals": {"lead_id": self.leads, "company_id": self.companies, "deal_id": self.deals},
        }
        if name == "attribute_changes":
            return pc.or_(member_mask(table["id"], self.leads), member_mask(table["id"], self.companies))
        masks = [member_mask(table[column], ids) for column, ids in touched_ids[name].items()]
        return masks[0] if len(masks) == 1 else pc.or_(pc.or_(masks[0], masks[1]), masks[2])


class Ids:
    """Ids that are gathered, each once."""

    def __init__(self) -> None:
        self._parts: list[pa.Array] = []

    def add(self, values: pa.ChunkedArray) -> None:
        self._parts.append(values.cast(pa.large_string()).combine_chunks())

    @property
    def unique(self) -> pa.Array:
        return pc.unique(pc.drop_null(pa.concat_arrays([pa.array([], pa.large_string()), *self._parts])))


def find_touched(tables: Mapping[str, pa.Table], manifest: Manifest, update: Dataset) -> Touched:
    """What `update` touches in the tables as they came, beside rows that lay in the future of the old extraction."""
    previous_extraction = pa.scalar(pd.Timestamp(manifest.extracted_at).to_pydatetime(), pa.timestamp("us", tz="UTC"))
    leads, companies, deals = Ids(), Ids(), Ids()
    for name, table in tables.items():
        touched_mask = pa.array(np.zeros(len(table), bool))
        for column in TIMES.get(name, ()):
            touched_mask = pc.or_(touched_mask, pc.fill_null(pc.greater(table[column], previous_extraction), False))
        if name == "deals":  # a deal that is told again may have been another lead's
            deals.add(to_arrow(update.deals)["deal_id"])
            touched_mask = pc.or_(touched_mask, member_mask(table["deal_id"], deals.unique))
        for rows in (to_arrow(categories_as_text(update.tables[name])), table.filter(touched_mask)):
            _gather(rows, leads, companies)
    lead_table = tables["leads"]
    companies.add(lead_table.filter(member_mask(lead_table["lead_id"], leads.unique))["company_id"])
    leads.add(lead_table.filter(member_mask(lead_table["company_id"], companies.unique))["lead_id"])
    return Touched(leads.unique, companies.unique, deals.unique)


def _gather(rows: pa.Table, leads: Ids, companies: Ids) -> None:
    for name, ids in (("lead_id", leads), ("company_id", companies)):
        if name in rows.column_names:
            ids.add(rows[name])
    if "entity" in rows.column_names:
        of_lead = pc.equal(rows["entity"], "lead")
        leads.add(rows.filter(of_lead)["id"])
        companies.add(rows.filter(pc.invert(of_lead))["id"])


def upsert_tables(old: Dataset, new: Dataset) -> Dataset:
    """All tables but interactions, an upsert: rows of `new` in place of those with the same key, else below."""
    tables: dict[str, Any] = {}
    for name, table in TABLES.items():
        old_table, new_table = categories_as_text(old.tables[name]), categories_as_text(new.tables[name])
        if name == "interactions" or not len(new_table):
            tables[name] = old_table
            continue
        if table.key and len(old_table):
            new_table = new_table.drop_duplicates(table.key, keep="last")
            changed = pd.Index(new_table[table.key]).get_indexer(pd.Index(old_table[table.key]))
            columns = list(dict.fromkeys([*old_table.columns, *new_table.columns]))
            wide, new_wide = old_table.reindex(columns=columns), new_table.reindex(columns=columns)
            combined = pd.concat([wide, new_wide], ignore_index=True)
            position = np.where(changed >= 0, len(old_table) + changed, np.arange(len(old_table)))
            fresh = len(old_table) + np.flatnonzero(~np.isin(np.arange(len(new_table)), changed))
            tables[name] = combined.iloc[np.append(position, fresh)].reset_index(drop=True)
        else:
            tables[name] = pd.concat([old_table, new_table], ignore_index=True)
    return Dataset.from_tables(
        tables, extracted_at=new.extracted_at, source=old.source, time=old.time,
        without_history=new.without_history,
    )  # fmt: skip


@dataclass(frozen=True)
class Day:
    """What a day changes: the touched rows, cleaned, as they were (`old_data`) and as they are (`new_data`), and the tables
    that hold everything from now on: `raw` and `clean_files` (files by table) and the `report`. `leads`: lead_id, company_id
    and created_at of everybody."""

    storage: Storage
    manifest: Manifest
    touched_rows: Touched
    old_data: Dataset
    new_data: Dataset
    raw: dict[str, str]
    clean_files: dict[str, str]
    leads: pa.Table
    report: DataReport

    @classmethod
    def apply(cls, storage: Storage, manifest: Manifest, update: Dataset, funnel: Funnel) -> Day:
        """Validate what is touched, and write the tables as they are from now on.

        Raises
        ------
        DataError
            for what `features.dataset.validate` refuses.
        """
        tables = {name: storage.read_arrow(file) for name, file in manifest.raw.items()}
        touched_rows = find_touched(tables, manifest, update)
        masks = {name: touched_rows.rows(name, table) for name, table in tables.items()}
        touched_data = Dataset.from_tables(
            {name: from_arrow(tables[name].filter(masks[name])) for name in tables},
            extracted_at=pd.Timestamp(manifest.extracted_at), source=manifest.source, time=manifest.time,
            without_history=manifest.without_history,
        )  # fmt: skip
        merged_data = upsert_tables(touched_data, update)
        old_data, old_report = validate_part(touched_data, funnel)
        new_data, new_report = validate_part(merged_data, funnel)
        raw, clean_files, contents = dict(manifest.raw), dict(manifest.whole), {}
        for name, mask in masks.items():
            if len(update.tables[name]):
                tables[name] = replace_rows(tables[name], mask, to_arrow(categories_as_text(merged_data.tables[name])))
                contents[name] = arrow_bytes(tables[name], "lz4")
                raw[name] = store_content(storage, f"raw/{name}", contents[name])
        hollow = {name: _hollow(name, tables[name]) for name in ("leads", "companies")}
        for name in tables:
            if same_rows(old_data.tables[name], new_data.tables[name]):
                continue
            clean = (
                raw_is_clean(manifest, name)
                and not hollow.get(name)
                and same_rows(merged_data.tables[name], new_data.tables[name])
            )
            if clean and name in contents:  # cleaning left the table as it came, and still does
                clean_files[name] = store_content(storage, f"clean/{name}", contents[name])
            else:
                table = storage.read_arrow(manifest.whole[name])
                table = replace_rows(table, touched_rows.rows(name, table), to_arrow(categories_as_text(new_data.tables[name])))
                clean_files[name] = store_arrow(
                    storage, f"clean/{name}", table.drop_columns(_present(hollow.get(name, []), table))
                )
        leads = storage.read_arrow(clean_files["leads"], columns=["lead_id", "company_id", "created_at"])
        report = _merged_report(storage, manifest, clean_files, leads, hollow, (old_report, new_report))
        report.extraction = extraction_sentence(moment(update.extracted_at))
        contrast(report.stages, report.rows["leads"], funnel)
        return cls(storage, manifest, touched_rows, old_data, new_data, raw, clean_files, leads, report)

    @cached_property
    def places(self) -> tuple[BucketAssignment, BucketAssignment]:
        """In which bucket touched leads were and are."""
        old_assignment, new_assignment = (
            Accounts.from_leads(d.leads).assign(self.manifest.borders) for d in (self.old_data, self.new_data)
        )
        return old_assignment, new_assignment

    @property
    def moved(self) -> set[int]:
        """Buckets that leads have left; their interactions have to be cut again."""
        old_assignment, new_assignment = self.places
        bucket = np.append(new_assignment.bucket, -1)[positions(old_assignment.lead_id, new_assignment.lead_id)]
        return set(old_assignment.bucket[bucket != old_assignment.bucket].tolist())

    def locate(self, lead_ids: pa.Array, recut_buckets: set[int]) -> BucketAssignment:
        """In which bucket leads are: of those that are wanted and known, and, with `recut_buckets`, of all in these buckets."""
        leads = self.leads if recut_buckets else self.leads.filter(member_mask(self.leads["lead_id"], lead_ids))
        return Accounts.from_leads(from_arrow(leads)).assign(self.manifest.borders)

    def buckets(self) -> list[Bucket]:
        """All buckets with their tables as they are from now on; their interactions are as before."""
        changed = [name for name in OF_BUCKET if not same_rows(self.old_data.tables[name], self.new_data.tables[name])]
        if "leads" in changed:  # a lead that moves takes everything with it
            changed = list(OF_BUCKET)
        if not changed:
            return list(self.manifest.buckets)
        old_parts, new_parts = (
            split(d, assignment, changed) for d, assignment in zip((self.old_data, self.new_data), self.places, strict=True)
        )
        touched_accounts = pa.concat_arrays([pc.unique(t["account"]).cast(pa.string()) for _, t in (*old_parts, *new_parts)])
        old_assignment, new_assignment = self.places
        touched_of = by_bucket(old_assignment)
        buckets = []
        for bucket in self.manifest.buckets:
            n = bucket.number
            touched_rows = replace(self.touched_rows, leads=touched_of.get(n, self.touched_rows.leads[:0]))
            (old_tables, old_digests), (new_tables, new_digests) = old_parts[n], new_parts[n]
            tables, leads = (
                dict(bucket.tables),
                bucket.leads + int((new_assignment.bucket == n).sum()) - int((old_assignment.bucket == n).sum()),
            )
            for name in changed:
                if not old_tables[name].equals(new_tables[name]):
                    table = self.storage.read_arrow(bucket.tables[name])
                    table = replace_rows(table, touched_rows.rows(name, table), new_tables[name])
                    if name == "leads":
                        table = table.take(pa.array(account_order(from_arrow(table.select(["lead_id", "company_id"])))[0]))
                    tables[name] = store_arrow(self.storage, f"{n:05d}/{name}", table)
            file = bucket.accounts
            if not old_digests.equals(new_digests):
                table = self.storage.read_arrow(bucket.accounts)
                account_table = replace_rows(table, member_mask(table["account"], touched_accounts), new_digests)
                file = store_arrow(self.storage, f"{n:05d}/accounts", account_table.sort_by("account"))
            buckets.append(replace(bucket, leads=leads, tables=tables, accounts=file))
        return buckets


def by_bucket(assignment: BucketAssignment) -> dict[int, pa.Array]:
    """The leads in each bucket that has any."""
    starts = np.flatnonzero(np.diff(assignment.bucket, prepend=-1)).tolist()
    return {int(assignment.bucket[b]): assignment.lead_id[b:e] for b, e in pairwise([*starts, len(assignment.bucket)])}


def raw_is_clean(manifest: Manifest, name: str) -> bool:
    """Has cleaning left a table as it came? Names tell the content."""
    return manifest.raw[name].partition("/")[2] == manifest.whole[name].partition("/")[2]


def same_rows(frame: pd.DataFrame, other_frame: pd.DataFrame) -> bool:
    """Do both hold the same rows in the same order?"""
    if len(frame) != len(other_frame) or not len(frame):
        return len(frame) == len(other_frame)
    return categories_as_text(frame).reset_index(drop=True).equals(categories_as_text(other_frame).reset_index(drop=True))


def replace_rows(table: pa.Table, removed: pa.ChunkedArray, added: pa.Table) -> pa.Table:
    """The table without some of its rows, and other rows below."""
    kept_rows = table.filter(pc.invert(pc.fill_null(removed, False)))
    return pa.concat_tables([kept_rows, added], promote_options="permissive")


def _present(columns: list[str], table: pa.Table) -> list[str]:
    return [name for name in columns if name in table.column_names]


def _hollow(name: str, table: pa.Table) -> list[str]:
    """Custom columns without any value."""
    if not len(table):
        return []
    return [c for c in table.column_names if c not in TABLES[name].names and table[c].null_count == len(table)]


def _merged_report(
    storage: Storage,
    manifest: Manifest,
    clean_files: dict[str, str],
    leads: pa.Table,
    hollow: dict[str, list[str]],
    reports: tuple[DataReport, DataReport],
) -> DataReport:
    """The report of everything; of interactions it says nothing yet."""
    old_report = DataReport.from_dict(manifest.report)
    companies_unchanged = all(clean_files[name] == manifest.whole[name] for name in WITH_COMPANY)
    stale_endings = (HOLLOW,) if companies_unchanged else (HOLLOW, ABSENT)
    notes = [n for n in old_report.notes if n.table != "interactions" and not n.what.endswith(stale_endings)]
    report = replace(old_report, notes=notes).replace_part(*reports)
    for name in ("leads", "companies"):
        note_hollow(name, hollow[name], report)
    if not companies_unchanged:
        tables = {"leads": leads} | {
            n: storage.read_arrow(clean_files[n], columns=["company_id"]) for n in ("deals", "companies")
        }
        ids = {name: from_arrow(table.select(["company_id"]))["company_id"] for name, table in tables.items()}
        for name in ("leads", "deals"):
            absent_companies(name, ids[name], ids["companies"], report)
    stages = storage.read_arrow(clean_files["lead_stages"], columns=["at"])
    ends = [pc.min_max(column).as_py() for column in (leads["created_at"], stages["at"]) if len(column)]
    earliest, latest = min(e["min"] for e in ends), max(e["max"] for e in ends)
    report.period = (pd.Timestamp(earliest).isoformat(), pd.Timestamp(latest).isoformat())
    return report
