"""The tables with a row a lead: they are kept whole, as they came and cleaned, and cut into the buckets of their accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.buckets.accounts import accounts_of
from features.buckets.manifest import Bucket, Manifest
from features.buckets.memory import LEAD
from features.buckets.place import Place, arrow_bytes
from features.buckets.segments import read_segments
from features.dataset import Dataset, from_arrow, to_arrow
from features.histories import account_keys, by_account
from features.tables import TABLES

LEAN = tuple(name for name in TABLES if name != "interactions")
OF_BUCKET = ("leads", "companies", "lead_stages", "attribute_changes")

Ints = npt.NDArray[np.int64]
NO_ACCOUNTS = pd.DataFrame({"account": pd.Series([], dtype="str"), "digest": np.zeros(0, np.uint64)})


def store(place: Place, folder: str, frame: pd.DataFrame) -> str:
    """Write a table under a name that tells its content; what is there already is not written again."""
    return store_arrow(place, folder, to_arrow(plain(frame)))


def store_arrow(place: Place, folder: str, table: pa.Table) -> str:
    """The same for a table of Arrow."""
    content = arrow_bytes(table, "lz4")
    name = f"{folder}-{hashlib.sha256(content).hexdigest()[:16]}.arrow"
    if not place.exists(name):
        place.write_arrow(name, content)
    return name


def store_all(place: Place, folder: str, dataset: Dataset) -> dict[str, str]:
    """Every table but interactions → the names of their files."""
    return {name: store(place, f"{folder}/{name}", dataset.tables[name]) for name in LEAN}


def read_all(place: Place, names: dict[str, str], like: Manifest) -> Dataset:
    """The way back; interactions are empty."""
    tables = {name: from_arrow(place.read_arrow(file)) for name, file in names.items()}
    return Dataset.from_tables(tables, extracted_at=pd.Timestamp(like.extracted_at), source=like.source, time=like.time)


@dataclass(frozen=True)
class Cut:
    """Which lead lies in which bucket: `lead_id`, `bucket`, `position` (leads,) in the order of accounts, and the `borders`."""

    lead_id: npt.NDArray[np.object_]
    bucket: Ints
    position: Ints
    borders: tuple[str, ...]

    @property
    def buckets(self) -> int:
        return len(self.borders) + 1


def cut_accounts(leads: pd.DataFrame, rows: pd.Series[Any], size: int) -> Cut:
    """Cut leads into buckets of whole accounts with about `size` interactions each; `rows`: interactions by lead_id.

    Buckets are runs of accounts in the order in which the engine keeps them, so buckets one after another are all leads in
    that order. An account larger than a bucket has one of its own.
    """
    ordered, account = by_account(leads)
    count = rows.reindex(ordered["lead_id"]).fillna(0).to_numpy(np.int64)
    work = np.bincount(account, count + LEAD)
    total = np.cumsum(work)
    number = ((total - work / 2) / size).astype(np.int64)
    _, number = np.unique(number, return_inverse=True)
    keys = account_keys(ordered).to_numpy(object)
    first = np.flatnonzero(np.diff(number[account])) + 1
    ids = ordered["lead_id"].to_numpy(object)
    return Cut(ids, number[account].astype(np.int64), np.arange(len(ids), dtype=np.int64), tuple(str(k) for k in keys[first]))


def place_accounts(leads: pd.DataFrame, borders: Sequence[str]) -> Cut:
    """Put leads into buckets that are there already."""
    ordered, _ = by_account(leads)
    first = np.searchsorted(account_keys(ordered).to_numpy(object), np.array(borders, object))  # of each bucket but the first
    bucket = np.cumsum(np.bincount(first, minlength=len(ordered) + 1)[: len(ordered)]).astype(np.int64)
    ids = ordered["lead_id"].to_numpy(object)
    return Cut(ids, bucket, np.arange(len(ids), dtype=np.int64), tuple(borders))


def store_buckets(place: Place, clean: Dataset, cut: Cut) -> list[Bucket]:
    """The part of each table that belongs to each bucket, written; there are no interactions in them yet."""
    parts, accounts = split(clean, cut)
    return [store_bucket(place, number, parts[number], accounts[number]) for number in range(cut.buckets)]


def store_bucket(place: Place, number: int, tables: dict[str, pd.DataFrame], accounts: pd.DataFrame) -> Bucket:
    """A bucket of these tables."""
    names = {name: store(place, f"{number:05d}/{name}", tables[name]) for name in OF_BUCKET}
    return Bucket(number, len(tables["leads"]), (), names, store(place, f"{number:05d}/accounts", accounts))


def split(
    clean: Dataset, cut: Cut, names: Sequence[str] = OF_BUCKET
) -> tuple[list[dict[str, pd.DataFrame]], list[pd.DataFrame]]:
    """The part of each named table that belongs to each bucket, leads in the order of accounts, and the digests of its accounts
    where any of the tables they are made of is named."""
    leads = clean.leads.iloc[pd.Index(clean.leads["lead_id"]).get_indexer(cut.lead_id)].reset_index(drop=True)
    bucket_of = pd.Series(cut.bucket, index=pd.Index(leads["lead_id"]))
    company = pd.Series(cut.bucket, index=pd.Index(leads["company_id"]))
    company = company[company.index.notna() & ~company.index.duplicated()]
    parts = {}
    for name in names:
        frame = leads if name == "leads" else clean.tables[name]
        parts[name] = _split(frame, _numbers(name, frame, bucket_of, company), cut.buckets)
    keys = account_keys(leads)
    first = np.flatnonzero(keys.to_numpy(object) != keys.shift().to_numpy(object))
    accounts = accounts_of(replace(clean, leads=leads)) if set(names) - {"lead_stages"} else NO_ACCOUNTS
    return (
        [{name: parts[name][number] for name in names} for number in range(cut.buckets)],
        _split(accounts, cut.bucket[first] if len(accounts) else first[:0], cut.buckets),
    )


def _numbers(name: str, frame: pd.DataFrame, lead: pd.Series[Any], company: pd.Series[Any]) -> npt.NDArray[Any]:
    """The bucket of each row; NaN where it is in none. `lead`, `company`: buckets by id."""
    if name == "companies":
        return company.reindex(frame["company_id"]).to_numpy()
    if name != "attribute_changes":
        return lead.reindex(frame["lead_id"].astype("str")).to_numpy()
    ids = frame["id"].astype("str")
    return np.where((frame["entity"] == "lead").to_numpy(bool), lead.reindex(ids).to_numpy(), company.reindex(ids).to_numpy())


def _split(frame: pd.DataFrame, number: npt.NDArray[Any], buckets: int) -> list[pd.DataFrame]:
    """Rows by bucket, in their order; rows of no bucket (NaN) are in none."""
    known = np.where(pd.isna(number), buckets, number).astype(np.int64)
    order = np.argsort(known, kind="stable")
    ends = np.cumsum(np.bincount(known, minlength=buckets + 1))
    begins = np.append(0, ends[:-1])
    return [frame.iloc[order[begins[i] : ends[i]]] for i in range(buckets)]


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Categories as text: those of other buckets need not be in this one's file."""
    texts = {str(c): frame[c].astype("str") for c in frame if isinstance(frame[c].dtype, pd.CategoricalDtype)}
    return frame.assign(**texts) if texts else frame


def read_bucket(
    place: Place, manifest: Manifest, bucket: Bucket, ids: pa.Array | None = None, *, interactions: bool = True
) -> Dataset:
    """A bucket as a dataset; with `ids` no leads but these, nor what belongs to others alone.

    Raises
    ------
    DataError
        if a file is missing, damaged, or not what it was when it was written.
    """
    tables = {name: place.read_arrow(file) for name, file in bucket.tables.items()}
    if ids is not None:
        leads = tables["leads"].filter(among(tables["leads"]["lead_id"], ids))
        companies = leads["company_id"].combine_chunks()
        changed = tables["attribute_changes"]
        tables = {
            "leads": leads,
            "companies": tables["companies"].filter(among(tables["companies"]["company_id"], companies)),
            "attribute_changes": changed.filter(pc.or_(among(changed["id"], ids), among(changed["id"], companies))),
        }
    found = Dataset.from_tables(
        {name: from_arrow(table) for name, table in tables.items()},
        extracted_at=pd.Timestamp(manifest.extracted_at), source=manifest.source, time=manifest.time,
    )  # fmt: skip
    return replace(found, interactions=read_segments(place, bucket.segments, ids)) if interactions else found


def among(column: pa.ChunkedArray | pa.Array, ids: pa.Array) -> pa.ChunkedArray | pa.Array:
    """Which values of a column of texts are among `ids`."""
    return pc.is_in(column, value_set=ids.cast(column.type))
