"""The tables with a row a lead: they are kept whole, as they came and cleaned, and cut into the buckets of their accounts."""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.buckets.manifest import Bucket, Manifest, Segment
from features.buckets.memory import LEAD
from features.buckets.place import Place
from features.dataset import DICTIONARIES, Dataset, from_arrow, to_arrow
from features.errors import DataError
from features.histories import account_keys, by_account
from features.tables import TABLES, conform, empty

LEAN = tuple(name for name in TABLES if name != "interactions")
OF_BUCKET = ("leads", "companies", "lead_stages", "attribute_changes")

Ints = npt.NDArray[np.int64]


def store(place: Place, folder: str, frame: pd.DataFrame) -> str:
    """Write a table under a name that tells its content; what is there already is not written again."""
    buffer = io.BytesIO()
    pq.write_table(to_arrow(frame), buffer, compression="zstd")
    content = buffer.getvalue()
    name = f"{folder}-{hashlib.sha256(content).hexdigest()[:16]}.parquet"
    if not place.exists(name):
        place.write(name, content)
    return name


def store_all(place: Place, folder: str, dataset: Dataset) -> dict[str, str]:
    """Every table but interactions → the names of their files."""
    return {name: store(place, f"{folder}/{name}", dataset.tables[name]) for name in LEAN}


def read_all(place: Place, names: dict[str, str], like: Manifest) -> Dataset:
    """The way back; interactions are empty."""
    tables = {name: from_arrow(place.read_table(file)) for name, file in names.items()}
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
    known = list(borders)
    bucket = np.array([bisect_right(known, key) for key in account_keys(ordered)], np.int64)
    ids = ordered["lead_id"].to_numpy(object)
    return Cut(ids, bucket, np.arange(len(ids), dtype=np.int64), tuple(borders))


def store_buckets(place: Place, clean: Dataset, cut: Cut, segments: dict[int, Bucket]) -> list[Bucket]:
    """The part of each table that belongs to each bucket, written; `segments`: buckets there were before."""
    bucket_of = pd.Series(cut.bucket, index=pd.Index(cut.lead_id))
    of_lead = bucket_of.reindex(clean.leads["lead_id"]).to_numpy()
    company = pd.Series(of_lead, index=pd.Index(clean.leads["company_id"]))
    company = company[company.index.notna() & ~company.index.duplicated()]
    changes = clean.attribute_changes
    ids = changes["id"].astype("str")
    of_change = np.where(
        (changes["entity"] == "lead").to_numpy(bool), bucket_of.reindex(ids).to_numpy(), company.reindex(ids).to_numpy()
    )
    numbers = {
        "leads": of_lead,
        "companies": company.reindex(clean.companies["company_id"]).to_numpy(),
        "lead_stages": bucket_of.reindex(clean.lead_stages["lead_id"].astype("str")).to_numpy(),
        "attribute_changes": of_change,
    }
    parts = {name: _split(clean.tables[name], number, cut.buckets) for name, number in numbers.items()}
    found = []
    for number in range(cut.buckets):
        before = segments.get(number)
        tables = {name: store(place, f"{number:05d}/{name}", _plain(name, parts[name][number])) for name in OF_BUCKET}
        found.append(Bucket(number, len(parts["leads"][number]), before.segments if before else (), tables))
    return found


def _split(frame: pd.DataFrame, number: npt.NDArray[Any], buckets: int) -> list[pd.DataFrame]:
    """Rows by bucket, in their order; rows of no bucket (NaN) are in none."""
    known = np.where(pd.isna(number), buckets, number).astype(np.int64)
    order = np.argsort(known, kind="stable")
    ends = np.cumsum(np.bincount(known, minlength=buckets + 1))
    begins = np.append(0, ends[:-1])
    return [frame.iloc[order[begins[i] : ends[i]]] for i in range(buckets)]


def _plain(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Categories as text: those of other buckets need not be in this one's file."""
    texts = {str(c): frame[c].astype("str") for c in frame if isinstance(frame[c].dtype, pd.CategoricalDtype)}
    return frame.assign(**texts) if texts else frame


def read_bucket(place: Place, manifest: Manifest, bucket: Bucket, *, segments: Sequence[str] | None = None) -> Dataset:
    """A bucket as a dataset; of its `segments` only those named.

    Raises
    ------
    DataError
        if a file is missing, damaged, or not what it was when it was written.
    """
    tables = {name: from_arrow(place.read_table(file)) for name, file in bucket.tables.items()}
    wanted = [s for s in bucket.segments if segments is None or s.name in segments]
    found = Dataset.from_tables(
        tables, extracted_at=pd.Timestamp(manifest.extracted_at), source=manifest.source, time=manifest.time
    )
    if not wanted:
        return found
    return replace(found, interactions=read_segments(place, wanted))


def read_segments(place: Place, segments: Sequence[Segment]) -> pd.DataFrame:
    """The interactions of these segments, ids and names as categories.

    Raises
    ------
    DataError
        if one is missing or differs from its checksum.
    """
    if not segments:
        return empty("interactions")
    tables = []
    for segment in segments:
        content = place.read(segment.name)
        if hashlib.sha256(content).hexdigest() != segment.checksum:
            raise DataError(
                f"{place}/{segment.name} differs from its checksum.", "It was changed or only half copied: partition anew."
            )
        tables.append(pq.read_table(pa.BufferReader(content), read_dictionary=list(DICTIONARIES)))
    table = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
    return conform("interactions", from_arrow(table))
