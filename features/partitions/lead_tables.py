"""The tables with a row a lead: they are kept whole, as they came and cleaned, and cut into the buckets of their accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.common.clock import microseconds
from features.common.codes import positions
from features.dataset.dataset import Dataset, from_arrow, to_arrow
from features.dataset.tables import TABLES
from features.engine.histories import account_keys, account_order
from features.partitions.accounts import digests_of, texts
from features.partitions.manifest import Bucket, Manifest
from features.partitions.memory import LEAD
from features.partitions.pieces import MOST_PIECES
from features.partitions.segments import of_segments, read_parts
from features.partitions.storage import Storage, arrow_bytes

LEAN = tuple(name for name in TABLES if name != "interactions")
OF_BUCKET = ("leads", "companies", "lead_stages", "attribute_changes")

Ints = npt.NDArray[np.int64]
PIECES = 4  # for each bucket: where it begins is not known when rows are dealt out, and pieces at its ends are read twice


def store(storage: Storage, folder: str, frame: pd.DataFrame) -> str:
    """Write a table under a name that tells its content (content-addressed); what is there already is not written again."""
    return store_arrow(storage, folder, to_arrow(categories_as_text(frame)))


def store_arrow(storage: Storage, folder: str, table: pa.Table) -> str:
    """The same for a table of Arrow."""
    return store_content(storage, folder, arrow_bytes(table, "lz4"))


def store_content(storage: Storage, folder: str, content: pa.Buffer) -> str:
    """The same for the content of a file."""
    name = f"{folder}-{hashlib.sha256(content).hexdigest()[:16]}.arrow"
    if not storage.exists(name):
        storage.write_arrow(name, content)
    return name


def store_all(storage: Storage, folder: str, dataset: Dataset) -> dict[str, str]:
    """Every table but interactions → the names of their files."""
    return {name: store(storage, f"{folder}/{name}", dataset.tables[name]) for name in LEAN}


def read_all(storage: Storage, names: dict[str, str], like: Manifest) -> Dataset:
    """The way back; interactions are empty."""
    tables = {name: from_arrow(storage.read_arrow(file)) for name, file in names.items()}
    return Dataset.from_tables(
        tables, extracted_at=pd.Timestamp(like.extracted_at), source=like.source, time=like.time,
        without_history=like.without_history,
    )  # fmt: skip


@dataclass(frozen=True)
class BucketAssignment:
    """Which lead lies in which bucket, in the order of accounts: its `row` (leads,) in the table it was made of, `lead_id`,
    `account` (a code of its account, which rises), `key` (that account as text), `bucket`, and the `borders`."""

    row: Ints
    lead_id: pa.Array
    account: npt.NDArray[np.int32]
    key: pa.Array
    bucket: Ints
    borders: tuple[str, ...]

    @property
    def buckets(self) -> int:
        return len(self.borders) + 1


@dataclass(frozen=True)
class Accounts:
    """Leads in the order of accounts, of which buckets are runs: so buckets one after another are all leads in the order in
    which the engine keeps them. The fields are those of `BucketAssignment`, and
    when each was `created` (leads,) (µs)."""

    row: Ints
    lead_id: pa.Array
    account: npt.NDArray[np.int32]
    key: pa.Array
    created: Ints

    @classmethod
    def from_leads(cls, leads: pd.DataFrame) -> Accounts:
        """Put leads in order."""
        row, account = account_order(leads)
        order = pa.array(row)
        key, lead_id = texts(account_keys(leads)), texts(leads["lead_id"])
        created = microseconds(leads["created_at"])[row]
        return cls(row.astype(np.int64), lead_id.take(order), account, key.take(order), created)

    def pieces(self, work: int, size: int) -> Ints:
        """Where to begin pieces of as many leads each, several for each of the buckets into which `work` will be cut."""
        count = min(PIECES * (work // size + 1), len(self.row), MOST_PIECES)
        return np.arange(count, dtype=np.int64) * len(self.row) // max(count, 1)

    def cut(self, rows: Ints, size: int) -> BucketAssignment:
        """Buckets of whole accounts with about `size` interactions each; `rows`: interactions by lead (leads,).

        An account larger than a bucket has one of its own.
        """
        work = np.bincount(self.account, rows + LEAD)
        total = np.cumsum(work)
        number = ((total - work / 2) / size).astype(np.int64)
        _, number = np.unique(number, return_inverse=True)
        bucket = number[self.account].astype(np.int64)
        bucket_starts = np.flatnonzero(np.diff(bucket)) + 1
        return self._cut(bucket, tuple(self.key.take(pa.array(bucket_starts)).to_pylist()))

    def assign(self, borders: Sequence[str]) -> BucketAssignment:
        """In buckets that are there already."""
        bucket_starts = np.searchsorted(
            self.key.to_numpy(zero_copy_only=False), np.array(borders, object)
        )  # of each but the first
        bucket = np.cumsum(np.bincount(bucket_starts, minlength=len(self.row) + 1)[: len(self.row)]).astype(np.int64)
        return self._cut(bucket, tuple(borders))

    def _cut(self, bucket: Ints, borders: tuple[str, ...]) -> BucketAssignment:
        return BucketAssignment(self.row, self.lead_id, self.account, self.key, bucket, borders)


def store_buckets(storage: Storage, clean: Dataset, assignment: BucketAssignment) -> list[Bucket]:
    """The part of each table that belongs to each bucket, written; there are no interactions in them yet."""
    parts = split(clean, assignment)
    buckets = []
    for number, (tables, accounts) in enumerate(parts):
        names = {name: store_arrow(storage, f"{number:05d}/{name}", tables[name]) for name in OF_BUCKET}
        file = store_arrow(storage, f"{number:05d}/accounts", accounts)
        buckets.append(Bucket(number, len(tables["leads"]), (), names, file))
    return buckets


def split(
    clean: Dataset, assignment: BucketAssignment, names: Sequence[str] = OF_BUCKET
) -> list[tuple[dict[str, pa.Table], pa.Table]]:
    """By bucket: the part of each named table that belongs to it, leads in the order of accounts; and the digests of its
    accounts (`account`, `digest`) where any of the tables they are made of is named."""
    of_lead = np.append(assignment.bucket, assignment.buckets)  # rows of no bucket come last
    account_tables = {"leads", "companies", "attribute_changes"} & set(names)
    leads = clean.leads.take(assignment.row).reset_index(drop=True) if account_tables else clean.leads
    company = texts(leads["company_id"]) if account_tables else pa.array([], pa.string())
    parts = {}
    for name in names:
        if name == "leads":
            parts[name] = _slices(to_arrow(categories_as_text(leads)), assignment.bucket, assignment.buckets)
            continue
        table = to_arrow(categories_as_text(clean.tables[name]))
        if name == "companies":
            number = of_lead[positions(table["company_id"], company)]
        elif name == "lead_stages":
            number = of_lead[positions(table["lead_id"], assignment.lead_id)]
        else:
            is_lead = pc.equal(table["entity"], "lead").to_numpy(zero_copy_only=False).astype(bool)
            entity_positions = [positions(table["id"], ids) for ids in (assignment.lead_id, company)]
            number = of_lead[np.where(is_lead, *entity_positions)]
        order = np.argsort(number, kind="stable")
        parts[name] = _slices(table.take(pa.array(order)), number[order], assignment.buckets)
    account_starts = np.flatnonzero(np.diff(assignment.account, prepend=-1)) if account_tables else np.zeros(0, np.int64)
    digest = digests_of(replace(clean, leads=leads), assignment.account) if account_tables else np.zeros(0, np.uint64)
    accounts = _slices(
        pa.table({"account": assignment.key.take(pa.array(account_starts)), "digest": digest}),
        assignment.bucket[account_starts],
        assignment.buckets,
    )
    return [({name: parts[name][n] for name in names}, accounts[n]) for n in range(assignment.buckets)]


def _slices(table: pa.Table, number: Ints, buckets: int) -> list[pa.Table]:
    """Rows by bucket, in whose order they are; those of a bucket that is none are in none."""
    ends = np.searchsorted(number, np.arange(buckets), "right").tolist()
    return [table.slice(begin, end - begin) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]


def categories_as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Categories as text: those of other buckets need not be in this one's file."""
    return frame.astype({c: "str" for c in frame if isinstance(frame[c].dtype, pd.CategoricalDtype)})


@dataclass(frozen=True)
class Part:
    """What was read of a bucket: its `tables` with a row a lead, and `interactions` by segment."""

    tables: dict[str, pa.Table]
    interactions: list[pa.Table]

    @classmethod
    def read(cls, storage: Storage, bucket: Bucket, ids: pa.Array | None = None, *, interactions: bool = True) -> Part:
        """All of a bucket. With `ids` no leads but these, nor what belongs to others alone, and no lead stages.

        Raises
        ------
        DataError
            if a file is missing, damaged, or not what it was when it was written.
        """
        rows = read_parts(storage, bucket.segments, ids) if interactions else []
        if ids is None:
            return cls({name: storage.read_arrow(file) for name, file in bucket.tables.items()}, rows)
        leads, companies, changes = (storage.read_arrow(bucket.tables[n]) for n in ("leads", "companies", "attribute_changes"))
        leads = leads.filter(member_mask(leads["lead_id"], ids))
        company_ids = leads["company_id"].combine_chunks()
        tables = {
            "leads": leads,
            "companies": companies.filter(member_mask(companies["company_id"], company_ids)),
            "attribute_changes": changes.filter(
                pc.or_(member_mask(changes["id"], ids), member_mask(changes["id"], company_ids))
            ),
        }
        return cls(tables, rows)

    @property
    def rows(self) -> int:
        """Interactions."""
        return sum(map(len, self.interactions))

    def release(self) -> None:
        """Give back the memory once a dataset was made of it."""
        self.tables.clear()
        self.interactions.clear()


def dataset_of(parts: Sequence[Part], manifest: Manifest) -> Dataset:
    """Parts of one bucket or of several as a dataset."""
    tables: dict[str, list[pa.Table]] = {}
    for part in parts:
        for name, table in part.tables.items():
            tables.setdefault(name, []).append(table)
    dataset = Dataset.from_tables(
        {name: from_arrow(pa.concat_tables(table_parts, promote_options="permissive")) for name, table_parts in tables.items()},
        extracted_at=pd.Timestamp(manifest.extracted_at), source=manifest.source, time=manifest.time,
        without_history=manifest.without_history,
    )  # fmt: skip
    return replace(dataset, interactions=of_segments([table for part in parts for table in part.interactions]))


def read_bucket(storage: Storage, manifest: Manifest, bucket: Bucket, *, interactions: bool = True) -> Dataset:
    """A bucket as a dataset, or all of it but interactions.

    Raises
    ------
    DataError
        as `Part.read`.
    """
    return dataset_of([Part.read(storage, bucket, interactions=interactions)], manifest)


def member_mask(column: pa.ChunkedArray | pa.Array, ids: pa.Array) -> pa.ChunkedArray | pa.Array:
    """Which values of a column of texts are among `ids`."""
    return pc.is_in(column, value_set=ids.cast(column.type))
